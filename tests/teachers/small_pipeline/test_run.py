"""A small teacher: trained for a few steps, stopped and resumed, saved, loaded by others, reported; what is refused."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline

from olacore.errors import ConfigError, DataError, FingerprintError, OutputError, OutputExistsError, SearchError
from teachers import LoadOptions, load_teacher
from teachers.denoisers.load import load_denoiser
from teachers.small_pipeline import report
from teachers.small_pipeline.command import main
from teachers.small_pipeline.pipeline import build_network, encode_captions
from teachers.small_pipeline.run import CHECKPOINT, REPORT, SHEET, Places, make
from teachers.small_pipeline.settings import Settings, parts_of
from teachers.small_pipeline.training import Training, clean_latents
from tests.support.memory_samples import CaptionedSample, captioned_sample, save_teachers
from tests.support.text_samples import save_sentence

SMALL = Settings(width=16, heads=2, batch=3, warm_up=2, threads=1)
PLAIN = LoadOptions(self_test=False)
STEPS = 5


@pytest.fixture(scope="module", autouse=True)
def few_steps() -> Iterator[None]:
    """Pictures of the sheet in two steps: what they show is not looked at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "STEPS", 2)
        yield


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return save_teachers(tmp_path_factory.mktemp("teachers"))


@pytest.fixture(scope="module")
def data(teachers: tuple[Path, Path]) -> CaptionedSample:
    return captioned_sample(*teachers)


@pytest.fixture(scope="module")
def made(data: CaptionedSample, teachers: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "out"
    assert train(data, teachers, out)
    return out


def train(data: CaptionedSample, teachers: tuple[Path, Path], out: Path, **more: Any) -> dict[str, Any] | None:
    places = {name: more.pop(name) for name in ("resume", "force") if name in more}
    asked = {"steps": STEPS, "minutes": None, "options": PLAIN} | more
    settings = asked.pop("settings", SMALL)
    vae, text = teachers
    return make(data, settings, Places(out, str(vae), str(text), **places), **asked)


def test_folder__is_an_ordinary_pipeline_that_draws(made: Path) -> None:
    pipeline = DiffusionPipeline.from_pretrained(made, local_files_only=True, low_cpu_mem_usage=False)
    pipeline.set_progress_bar_config(disable=True)
    picture = pipeline("red cat", num_inference_steps=2, output_type="np").images
    assert picture.shape == (1, 32, 32, 3)
    assert np.isfinite(picture).all()


def test_folder__is_a_denoiser_whose_answers_are_those_of_the_training(
    made: Path, data: CaptionedSample, teachers: tuple[Path, Path]
) -> None:
    denoiser = load_denoiser(made, PLAIN, plain=True)
    assert denoiser.space.fingerprint == load_teacher(teachers[0], PLAIN).space.fingerprint
    noisy = np.random.default_rng(0).standard_normal((2, 4, 4, 4)).astype(np.float32)
    captions = ["red cat", "a blue box"]
    states, places = encode_captions(denoiser.pipeline, captions)
    found = clean_latents(denoiser.pipeline, noisy, 1.5, states[places])
    alone = [denoiser.clean(one, 1.5, caption) for one, caption in zip(noisy, captions, strict=True)]
    # Training keeps the states of tokens in float16.
    np.testing.assert_allclose(found, alone, atol=2e-3)
    assert not np.allclose(alone[0], denoiser.clean(noisy[0], 1.5, ""), atol=1e-6)


def test_training__stopped_and_resumed_has_equal_bytes(
    made: Path, data: CaptionedSample, teachers: tuple[Path, Path], tmp_path: Path
) -> None:
    asked = iter([False, False, True])
    assert train(data, teachers, tmp_path / "out", stop=lambda: next(asked)) is None
    assert not (tmp_path / "out/model_index.json").exists()
    assert train(data, teachers, tmp_path / "out", resume=True)
    weights = "unet/diffusion_pytorch_model.safetensors"
    assert (tmp_path / "out" / weights).read_bytes() == (made / weights).read_bytes()
    told = [json.loads((out / REPORT).read_text()) for out in (made, tmp_path / "out")]
    assert told[0]["left"] == told[1]["left"]


def test_training__learns(data: CaptionedSample, teachers: tuple[Path, Path], tmp_path: Path) -> None:
    settings = Settings(**vars(SMALL) | {"learning_rate": 1e-2, "dropout": 0.0, "batch": 9})
    left = []
    for steps in (2, 40):
        told = train(data, teachers, tmp_path / "out", steps=steps, resume=True, settings=settings)
        assert told
        left.append(told["left"]["combination-validation"]["network"]["2"])
    assert left[1] < 0.8 * left[0]


def test_training__uses_training_rows_alone(made: Path, teachers: tuple[Path, Path], tmp_path: Path) -> None:
    other = captioned_sample(*teachers)
    other.fields["latents"][np.setdiff1d(np.arange(other.count), other.indices("train"))] = 0
    train(other, teachers, tmp_path / "out")
    weights = "unet/diffusion_pytorch_model.safetensors"
    assert (tmp_path / "out" / weights).read_bytes() == (made / weights).read_bytes()


def test_report__has_every_part_beside_the_closed_forms(made: Path, data: CaptionedSample) -> None:
    told = json.loads((made / REPORT).read_text())
    assert set(told["left"]) == {"combination-validation", "combination-held-out", "concept-held-out"}
    assert told["rows"]["concept-held-out"] == len(parts_of(data, "held-out")["concept-held-out"])
    for figures in told["left"].values():
        assert set(figures) == {"network", "network, no caption", "Wiener", "Wiener with text", "text alone"}
        assert all(set(levels) == {"4", "2", "1", "0.5"} for levels in figures.values())
        assert figures["Wiener"]["4"] > figures["Wiener"]["0.5"]
    assert (made / SHEET).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("side", "widths"), [(4, (64,)), (8, (32, 64)), (16, (32, 32, 64)), (6, (32, 64))])
def test_network__has_its_lowest_resolution_at_four_or_less(side: int, widths: tuple[int, ...]) -> None:
    network = build_network(Settings(width=64), 4, side, 16)
    assert network.config.block_out_channels == widths
    states = torch.zeros(1, 3, 16)
    assert network(torch.zeros(1, 4, side, side), 3, states, return_dict=False)[0].shape == (1, 4, side, side)


def test_refused__data_without_captions(data: CaptionedSample, teachers: tuple[Path, Path], tmp_path: Path) -> None:
    bare = captioned_sample(*teachers)
    del bare.fields["embeddings"]
    with pytest.raises(DataError, match="have no embeddings: make them again with captions and a text teacher"):
        train(bare, teachers, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_refused__other_teachers(data: CaptionedSample, teachers: tuple[Path, Path], tmp_path: Path) -> None:
    other = save_teachers(tmp_path)[0], save_sentence(tmp_path / "other", seed=1)
    with pytest.raises(FingerprintError, match="gives other embeddings than the data have of 'red cat'"):
        train(data, (teachers[0], other[1]), tmp_path / "out")
    (other[0] / "diffusion_pytorch_model.safetensors").write_bytes(changed(other[0]))
    with pytest.raises(FingerprintError, match="--vae has .*, the data has .*; give the autoencoder that made"):
        train(data, (other[0], teachers[1]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def changed(folder: Path) -> bytes:
    from safetensors.torch import load_file, save

    weights = load_file(folder / "diffusion_pytorch_model.safetensors")
    return save({name: weight * 1.5 for name, weight in weights.items()})


def test_refused__a_folder_that_is_there(
    data: CaptionedSample, teachers: tuple[Path, Path], made: Path, tmp_path: Path
) -> None:
    before = (made / CHECKPOINT).read_bytes()
    with pytest.raises(OutputExistsError, match="is already there; give --resume to go on, or --force to start anew"):
        train(data, teachers, made)
    with pytest.raises(ConfigError, match="was made with seed 0, not 1, batch 3, not 4; give the same, or --force"):
        train(data, teachers, made, resume=True, settings=Settings(**vars(SMALL) | {"seed": 1, "batch": 4}))
    other = captioned_sample(*teachers)
    other.fields["latents"] = other.fields["latents"] * np.float16(2)
    with pytest.raises(ConfigError, match="was trained on other data or teachers; give the same, or --force"):
        train(other, teachers, made, resume=True)
    assert (made / CHECKPOINT).read_bytes() == before


def test_refused__a_loss_that_is_not_finite(
    data: CaptionedSample, teachers: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Training.step

    def broken(training: Training) -> float:
        with torch.no_grad():
            training.weights[0].fill_(float("nan"))
        return step(training)

    monkeypatch.setattr(Training, "step", broken)
    with pytest.raises(SearchError, match="loss of step 0 is not finite; train anew with a smaller --learning-rate"):
        train(data, teachers, tmp_path / "out")
    assert not (tmp_path / "out" / CHECKPOINT).exists()


def test_refused__a_file_in_place_of_the_folder(
    data: CaptionedSample, teachers: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(OutputError, match="cannot write into .*out: it is no folder"):
        train(data, teachers, tmp_path / "out", force=True)
    assert (tmp_path / "out").read_bytes() == b"mine"


def test_refused__settings_and_ends(data: CaptionedSample, teachers: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a training ends after steps or minutes"):
        train(data, teachers, tmp_path / "out", steps=None)
    for wrong in ({"width": 20}, {"batch": 0}, {"learning_rate": 1.0}):
        with pytest.raises(ConfigError):
            Settings(**wrong)


def test_command__says_in_one_line_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--data", str(tmp_path / "no.h5"), "--out", str(tmp_path / "out"), "--vae", "v", "--text-teacher", "t"]
    with pytest.raises(SystemExit) as left:
        main(asked)
    assert left.value.code == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert told.count("\n") == 1


def test_command__stops_at_ctrl_c_and_goes_on(
    data: CaptionedSample,
    teachers: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    step = Training.step

    def interrupted(training: Training) -> float:
        os.kill(os.getpid(), signal.SIGINT)
        return step(training)

    monkeypatch.setattr("olacore.data.open_dataset", lambda paths: data)
    asked = ["--data", "data.h5", "--out", str(tmp_path / "out"), "--vae", str(teachers[0]), "--no-self-test"]
    asked += ["--text-teacher", str(teachers[1]), "--steps", "2", "--width", "16", "--batch", "3", "--threads", "1"]
    with monkeypatch.context() as patch:
        patch.setattr(Training, "step", interrupted)
        with pytest.raises(SystemExit) as left:
            main(asked)
    assert left.value.code == 130
    assert "interrupted: the training is saved; go on with --resume." in capsys.readouterr().err
    main([*asked, "--resume"])
    told = capsys.readouterr().out
    assert "goes on after 1 step\n" in told
    assert "concept-held-out, 4 rows; the mean leaves 1" in told
    assert "a pipeline after 2 steps" in told
