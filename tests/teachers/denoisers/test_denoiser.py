"""Denoisers of pipelines: each family beside its own network and scheduler; levels; what is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler
from safetensors.torch import load_file, save_file

from olacore.errors import ConfigError, DataError, FileFormatError
from teachers import LoadOptions, load_teacher
from teachers.denoisers.conditions import Family
from teachers.denoisers.denoiser import DenoiserTeacher
from teachers.denoisers.load import is_pipeline, load_denoiser
from teachers.denoisers.schedule import Flow, Variances, equal_shares, schedule_of
from teachers.denoisers.self_test import prove
from tests.support.pipeline_samples import FAMILIES, save_sd, save_sd3, save_sdxl

RANDOM = np.random.default_rng(0)
ITEMS = {
    "latents": RANDOM.standard_normal((2, 4, 8, 8)).astype(np.float32),
    "noise": RANDOM.standard_normal((2, 4, 8, 8)).astype(np.float32),
    "sigmas": np.array([0.5, 3.0]),
    "captions": np.array(["a cat", "a red heart"]),
}


def load(folder: Path, **more: Any) -> DenoiserTeacher:
    return load_denoiser(folder, LoadOptions(self_test=False), **more)


@pytest.mark.parametrize("name", FAMILIES)
def test_family__answers_with_and_without_the_prompt(tmp_path: Path, name: str) -> None:
    folder = FAMILIES[name](tmp_path)
    teacher = load(folder, plain=True)
    found = teacher.answer(ITEMS)
    assert {key: array.shape for key, array in found.items()} == dict.fromkeys(teacher.writes, (2, 4, 8, 8))
    assert not np.array_equal(found["answers"], found["plain_answers"])
    alone = teacher.answer({key: array[1:] for key, array in ITEMS.items()})["answers"]
    np.testing.assert_array_equal(found["answers"][1:], alone)
    assert teacher.space == load_teacher(folder, LoadOptions(self_test=False)).space
    assert is_pipeline(str(folder))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_sd__gives_what_its_scheduler_makes_of_its_network(tmp_path: Path, prediction: str) -> None:
    teacher = load(save_sd(tmp_path, prediction))
    pipeline, scheduler = teacher.pipeline, teacher.pipeline.scheduler
    states, _ = pipeline.encode_prompt("a cat", "cpu", 1, False)
    scheduler.set_timesteps(1000)
    for step in (40, 500, 990):
        kept = float(scheduler.alphas_cumprod[step])
        sigma = ((1 - kept) / kept) ** 0.5
        clean, noise = (torch.from_numpy(ITEMS[name][:1]) for name in ("latents", "noise"))
        noisy = scheduler.add_noise(clean, noise, torch.tensor([step]))
        with torch.no_grad():
            answer = pipeline.unet(noisy, step, states).sample
        wanted = scheduler.step(answer, step, noisy).pred_original_sample[0].numpy()
        found = teacher.clean((clean + sigma * noise)[0].numpy(), sigma, "a cat")
        # The pipeline's own scheduler clips nothing here; its rounding grows with the level.
        np.testing.assert_allclose(found, wanted, atol=2e-5 * (1 + sigma**2))


def test_sd3__gives_the_near_end_of_the_line(tmp_path: Path) -> None:
    teacher = load(save_sd3(tmp_path))
    states, _, pooled, _ = teacher.pipeline.encode_prompt(
        prompt="a cat", prompt_2=None, prompt_3=None, do_classifier_free_guidance=False
    )
    clean, noise = (torch.from_numpy(ITEMS[name][:1]) for name in ("latents", "noise"))
    for place in (0.1, 0.5, 0.9):
        point = (1 - place) * clean + place * noise
        with torch.no_grad():
            velocity = teacher.pipeline.transformer(
                point, timestep=torch.tensor([1000 * place]), encoder_hidden_states=states, pooled_projections=pooled
            ).sample
        sigma = place / (1 - place)
        found = teacher.clean((clean + sigma * noise)[0].numpy(), sigma, "a cat")
        np.testing.assert_allclose(found, (point - place * velocity)[0].numpy(), atol=1e-4)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_schedule__a_perfect_answer_gives_the_clean_latent(prediction: str) -> None:
    kept = DDIMScheduler().alphas_cumprod.numpy()
    schedule = Variances(kept, prediction)
    clean, noise = ITEMS["latents"], ITEMS["noise"]
    for sigma in (0.1, 1.0, 10.0):
        part = 1 / (1 + sigma**2)
        perfect = {
            "epsilon": noise,
            "v_prediction": part**0.5 * noise - (1 - part) ** 0.5 * clean,
            "sample": clean,
        }[prediction]
        np.testing.assert_allclose(schedule.clean(perfect, clean + sigma * noise, sigma), clean, atol=1e-4)
        assert schedule.sigma(schedule.timestep(sigma)) == pytest.approx(sigma)
        fed = schedule.feed(clean + sigma * noise, sigma)
        np.testing.assert_allclose(schedule.fed(fed, sigma), clean + sigma * noise, rtol=1e-6)
        np.testing.assert_allclose(fed, part**0.5 * clean + (1 - part) ** 0.5 * noise, atol=1e-6)
    straight = Flow(1000)
    np.testing.assert_allclose(straight.clean(noise - clean, clean + 3 * noise, 3.0), clean, atol=1e-5)
    assert straight.timestep(1.0) == 500
    assert straight.sigma(straight.timestep(3.0)) == pytest.approx(3)
    np.testing.assert_allclose(straight.fed(straight.feed(clean, 3.0), 3.0), clean)
    assert not straight.knows(straight.sigma(1000))


def test_schedule__levels_are_those_of_the_scheduler() -> None:
    scheduler = EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    schedule = schedule_of(scheduler)
    for step in (0, 17, 999):
        sigma = float(((1 - scheduler.alphas_cumprod[step]) / scheduler.alphas_cumprod[step]) ** 0.5)
        assert schedule.timestep(sigma) == pytest.approx(step, abs=0.01)
    with pytest.raises(ConfigError, match="noise levels from 0.0292 to 14.61; got 20"):
        schedule.timestep(20.0)


def test_schedule__refuses_what_it_does_not_know() -> None:
    with pytest.raises(FileFormatError, match="predicts 'score'"):
        schedule_of(DDIMScheduler(prediction_type="score"))
    with pytest.raises(FileFormatError, match="alphas must fall"):
        Variances(np.array([0.5, 0.9]), "epsilon")
    with pytest.raises(FileFormatError, match="alphas must fall"):
        Variances(np.array([0.9, np.nan]), "epsilon")


def test_equal_shares__cut_the_error_that_is_removed_into_equal_parts() -> None:
    sigmas = np.geomspace(0.01, 100, 200)
    errors = sigmas**2 / (1 + sigmas**2)
    levels = equal_shares(sigmas, errors, 4)
    assert np.all(np.diff(levels) < 0)
    np.testing.assert_allclose(levels**2 / (1 + levels**2), [0.875, 0.625, 0.375, 0.125], atol=0.01)
    with pytest.raises(ConfigError, match="two rising ones"):
        equal_shares(sigmas[::-1], errors, 4)


def test_prove__refuses_a_network_that_removes_no_noise(tmp_path: Path) -> None:
    teacher = load(save_sd(tmp_path))
    vae = load_teacher(tmp_path / "pipeline", LoadOptions(self_test=False))
    with pytest.raises(FileFormatError, match="of the noise in latents of real pictures"):
        prove(teacher, vae, "it")


def test_answer__nan_is_refused(tmp_path: Path) -> None:
    teacher = load(save_sd(tmp_path))
    teacher.pipeline.unet.conv_out.bias.data.fill_(torch.nan)
    with pytest.raises(DataError, match="answers with NaN"):
        teacher.answer(ITEMS)


def test_conditions__are_asked_for_once_a_caption(tmp_path: Path) -> None:
    teacher = load(save_sd(tmp_path))
    asked: list[str] = []
    of = teacher.family.condition

    def counted(pipeline: Any, prompt: str, side: int) -> Any:
        asked.append(prompt)
        return of(pipeline, prompt, side)

    teacher.family = Family("SD", "unet", "sample", counted)
    teacher.answer(ITEMS)
    teacher.answer(ITEMS)
    assert asked == ["a cat", "a red heart"]


def test_sdxl__without_a_prompt_is_asked_as_its_pipeline_does_for_guidance(tmp_path: Path) -> None:
    teacher = load(save_sdxl(tmp_path))
    told = teacher.family.condition(teacher.pipeline, "", 64)
    assert not told["encoder_hidden_states"].any()
    assert not told["added_cond_kwargs"]["text_embeds"].any()


def refusal(folder: Path) -> str:
    with pytest.raises(FileFormatError) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_load__refuses_pipelines_that_are_unknown_or_not_whole(tmp_path: Path) -> None:
    folder = save_sd(tmp_path)
    index = json.loads((folder / "model_index.json").read_text())

    def tell(**more: Any) -> None:
        (folder / "model_index.json").write_text(json.dumps(index | more))

    tell(_class_name="FluxPipeline")
    assert "is a 'FluxPipeline'; the pipelines known are StableDiffusionPipeline" in refusal(folder)
    (folder / "model_index.json").write_text("{")
    assert "is no JSON" in refusal(folder)
    (folder / "model_index.json").write_text("[]")
    assert "must be an object" in refusal(folder)
    tell(_class_name=["StableDiffusionPipeline"])
    assert "_class_name must be text" in refusal(folder)
    tell()
    words = folder / "tokenizer/tokenizer_config.json"
    told = words.read_text()
    for length, sentence in (
        (1 << 44, "gives 17592186044416 tokens, and the network has places for"),
        (1, "says that it takes 1 tokens; expected 2 or more"),
        ("many", "says that it takes 'many' tokens"),
    ):
        words.write_text(json.dumps(json.loads(told) | {"model_max_length": length}))
        assert sentence in refusal(folder)
    words.write_text(told)
    network = folder / "unet/config.json"
    config = network.read_text()
    network.write_text(json.dumps(json.loads(config) | {"downsample_padding": 1e308}))
    with pytest.raises(FileFormatError, match="the network of .* does not work on latents of this size: conv2d"):
        load(folder).answer(ITEMS)
    network.write_text(config)
    for part, more in (("unet", {"layers_per_block": [1, 1 << 40]}), ("vae", {"layers_per_block": 1 << 40})):
        path = folder / part / "config.json"
        before = path.read_text()
        path.write_text(json.dumps(json.loads(before) | more))
        assert "1.09951e+12 layers_per_block; a network has 1024 layers at most" in refusal(folder)
        path.write_text(before)
    weights = folder / "unet/diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    del tensors["conv_in.weight"]
    save_file(tensors, weights, {"format": "pt"})
    assert "conv_in.weight" in refusal(folder)
    shutil.rmtree(folder / "unet")
    assert "unet is missing" in refusal(folder)
    assert "model_index.json is missing" in refusal(tmp_path)
    (tmp_path / "a.safetensors").write_bytes(b"")
    assert "is a file" in refusal(tmp_path / "a.safetensors")
