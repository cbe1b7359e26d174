"""Rows for denoisers: what is stored beside what a teacher says of it, levels, shards, kills, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from olacore.blocks import noise_of
from olacore.data import Captions, open_dataset
from olacore.data.forms import DENOISED
from olacore.errors import ConfigError, DataError, FileFormatError, FingerprintError
from olacore.reports.inspection import describe
from teachers import LoadOptions, Summary
from teachers.denoisers.load import load_denoiser
from teachers.denoisers.schedule import equal_shares
from teachers.jobs.denoise import denoise
from teachers.jobs.noise_levels import find_levels, linear_errors
from teachers.jobs.noise_rule import NoiseRule
from tests.support.captioned_samples import ROWS, SOURCES, TEXTS, ToyDenoiser, embed, fill, make, open_writer, rows_of
from tests.support.data_samples import write_latents
from tests.support.killed import run_killed
from tests.support.pipeline_samples import FAMILIES, one_thread

SIDE = 64
RULE = NoiseRule((2.0, 0.5), repeats=2)
FIELDS = ["latents", "sigmas", "noise_seeds", "caption", "captions", "embeddings", "rows"]


@pytest.fixture(scope="module")
def teacher_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A small random pipeline of a family, loaded once."""

    @cache
    def load(name: str) -> Any:
        folder = FAMILIES[name](tmp_path_factory.mktemp("pipeline"))
        return load_denoiser(folder, LoadOptions(self_test=False), plain=name != "sd")

    with one_thread():
        yield load


def run(path: Path, h5: Path, rule: NoiseRule = RULE, teacher: Any = None, **more: Any) -> Summary:
    return denoise([path], h5, teacher, rule, **more)


def read(*paths: Path, fields: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    with open_dataset(paths) as data:
        assert data.form is DENOISED
        return data.read([*FIELDS, *fields], np.arange(data.count))


# PixArt's scheduler hands tensors to NumPy in an old way.
@pytest.mark.filterwarnings("ignore:__array__ implementation")
@pytest.mark.parametrize("name", FAMILIES)
def test_family__rows_hold_what_it_says_of_what_they_hold(tmp_path: Path, teacher_of: Any, name: str) -> None:
    teacher = teacher_of(name)
    path = make(tmp_path / "a.h5", space=teacher.space, side=SIDE)
    made = run(path, tmp_path / "rows.h5", NoiseRule((3.0, 0.5)), teacher)
    assert (made.rows, made.sources) == (2 * ROWS, {"train": 2, "concept-held-out": 1})
    found = read(tmp_path / "rows.h5", fields=teacher.writes)
    texts = [text.decode() for text in found["captions"].tolist()]
    noise = noise_of(found["noise_seeds"], (4, 8, 8))
    wanted = teacher.answer({**found, "noise": noise, "captions": texts})
    for field in teacher.writes:
        np.testing.assert_array_equal(found[field], wanted[field].astype(np.float16))
    follow = NoiseRule(trajectories=2, steps=3)
    assert run(path, tmp_path / "ways.h5", follow, teacher).sources == {"train": 2}
    ways = read(tmp_path / "ways.h5", fields=("noisy", *teacher.writes))
    texts = [text.decode() for text in ways["captions"].tolist()]
    wanted = teacher.answer({"noisy": ways["noisy"], "sigmas": ways["sigmas"], "captions": texts})
    np.testing.assert_array_equal(ways["answers"], wanted["answers"].astype(np.float16))
    assert len(ways["sigmas"]) == 2 * len(np.unique(ways["sigmas"]))
    np.testing.assert_array_equal(ways["latents"][0], ways["latents"][1])


@pytest.mark.parametrize("name", ["sd velocity", "sd3"])
def test_trajectory__each_state_follows_from_the_one_before(tmp_path: Path, teacher_of: Any, name: str) -> None:
    teacher = teacher_of(name)
    path = make(tmp_path / "a.h5", space=teacher.space, side=SIDE)
    run(path, tmp_path / "ways.h5", NoiseRule(trajectories=1, steps=5, guidance=1.0), teacher)
    found = read(tmp_path / "ways.h5", fields=("noisy", "answers"))
    noisy, answers = (found[field].astype(np.float64) for field in ("noisy", "answers"))
    sigmas = found["sigmas"].astype(np.float64).reshape(-1, 1, 1, 1)
    assert len(sigmas) == (5 if name == "sd velocity" else 4)
    # Both samplers go straight on in the direction of the noise that is found, to the last answer.
    onward = answers[:-1] + sigmas[1:] / sigmas[:-1] * (noisy[:-1] - answers[:-1])
    np.testing.assert_allclose(noisy[1:], onward, rtol=4e-3, atol=4e-3 * sigmas.max() ** 0.5)
    np.testing.assert_allclose(found["latents"][-1], answers[-1], atol=1e-2)


def test_denoise__without_a_teacher_has_the_latents_alone(tmp_path: Path) -> None:
    path = make(tmp_path / "a.h5")
    run(path, tmp_path / "rows.h5")
    found = read(tmp_path / "rows.h5")
    with open_dataset(path) as data, open_dataset(tmp_path / "rows.h5") as rows:
        np.testing.assert_array_equal(found["latents"], data.read(["latents"], np.arange(ROWS))["latents"].repeat(4, 0))
        assert [source.part for source in rows.sources] == [source.part for source in SOURCES]
        assert not rows.has("answers")
        assert rows.settings["text_sha256"] == data.settings["text_sha256"]
        np.testing.assert_array_equal(rows.split, data.split.repeat(4))
        assert [file.rows for file in rows.files] == [8, 8, 8]
    assert len(set(found["noise_seeds"].tolist())) == 4 * ROWS
    np.testing.assert_array_equal(found["sigmas"], np.tile(np.float32([2, 2, 0.5, 0.5]), ROWS))
    np.testing.assert_array_equal(found["embeddings"], embed([t.decode() for t in found["captions"]])["embeddings"])
    for source, text in zip(found["rows"]["source"], found["captions"], strict=True):
        assert text.decode() in TEXTS[source]
    assert {text.decode() for text in found["captions"][found["rows"]["source"] == 1]} == {*TEXTS[1]}
    assert found["caption"][0] == 0
    assert np.all(np.diff(np.maximum.accumulate(found["caption"])) <= 1)


def test_denoise__a_row_is_little_more_than_latent_and_answer(tmp_path: Path, teacher_of: Any) -> None:
    teacher = teacher_of("sd")
    path = make(tmp_path / "a.h5", space=teacher.space, side=SIDE)
    run(path, tmp_path / "rows.h5", NoiseRule((2.0,), repeats=20), teacher)
    # The file's own attributes and captions take a few KB.
    assert (tmp_path / "rows.h5").stat().st_size - 16_000 < 1.1 * 20 * ROWS * 2 * (2 * 4 * 8 * 8)


def test_denoise__noise_does_not_depend_on_the_order_of_files_or_on_shards(tmp_path: Path) -> None:
    one = make(tmp_path / "a.h5")
    other = tmp_path / "b.h5"
    with h5py.File(make(other), "r+") as file:
        files = file["files"][:]
        files["sha256"] = b"1" * 64
        file["files"][...] = files
    seeds = {}
    for name, order in (("ab", [one, other]), ("ba", [other, one])):
        denoise(order, tmp_path / f"{name}.h5", None, RULE)
        seeds[name] = read(tmp_path / f"{name}.h5")["noise_seeds"]
    half = 4 * ROWS
    np.testing.assert_array_equal(seeds["ab"], np.roll(seeds["ba"], half))
    assert not set(seeds["ab"][:half].tolist()) & set(seeds["ab"][half:].tolist())
    denoise([one, other], tmp_path / "shards", None, RULE, shard_size=10)
    shards = sorted((tmp_path / "shards").iterdir())
    assert len(shards) == 5
    whole, cut = read(tmp_path / "ab.h5"), read(tmp_path / "shards")
    for field in ("latents", "sigmas", "noise_seeds", "captions", "embeddings"):
        np.testing.assert_array_equal(whole[field], cut[field])


@pytest.mark.parametrize("sync", [3, 7, 12])
def test_denoise__killed_and_resumed_gives_equal_bytes(tmp_path: Path, sync: int) -> None:
    path = make(tmp_path / "a.h5")
    rule = NoiseRule(2)
    run(path, tmp_path / "whole.h5", rule, ToyDenoiser(plain=True))
    script = f"""
from teachers.jobs.denoise import denoise
from teachers.jobs.noise_rule import NoiseRule
from tests.support.captioned_samples import ToyDenoiser
denoise([Path({str(path)!r})], path, ToyDenoiser(plain=True), NoiseRule(2), resume=True)
"""
    run_killed(script, tmp_path / "killed.h5", sync)
    run(path, tmp_path / "killed.h5", rule, ToyDenoiser(plain=True), resume=True)
    assert (tmp_path / "killed.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_trajectories__stopped_and_resumed_give_equal_bytes(tmp_path: Path, teacher_of: Any) -> None:
    teacher = teacher_of("sd")
    path = make(tmp_path / "a.h5", space=teacher.space, side=SIDE)
    rule = NoiseRule(trajectories=3, steps=2)
    run(path, tmp_path / "whole", rule, teacher, shard_size=5)

    def stop(what: str, done: int, total: int) -> None:
        if done >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(path, tmp_path / "stopped", rule, teacher, shard_size=5, progress=stop)
    run(path, tmp_path / "stopped", rule, teacher, shard_size=5, resume=True)
    names = [file.name for file in sorted((tmp_path / "whole").iterdir())]
    assert len(names) == 2
    for name in names:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "stopped" / name).read_bytes()


def test_resume__refuses_other_levels_seeds_teachers_and_data(tmp_path: Path) -> None:
    path = make(tmp_path / "a.h5")
    run(path, tmp_path / "rows.h5", RULE, ToyDenoiser())
    before = (tmp_path / "rows.h5").read_bytes()
    other = ToyDenoiser()
    other.settings = {"denoiser": "other"}
    cases: list[tuple[str, NoiseRule, Any]] = [
        ("levels", NoiseRule((2.0, 0.4), repeats=2), ToyDenoiser()),
        ("seed", NoiseRule((2.0, 0.5), repeats=2, seed=1), ToyDenoiser()),
        ("denoiser", RULE, other),
        ("answers True, now it is False", RULE, None),
    ]
    for word, rule, teacher in cases:
        with pytest.raises(ConfigError, match=word):
            run(path, tmp_path / "rows.h5", rule, teacher, resume=True)
    with h5py.File(path, "r+") as file:
        file["rows"][0] = (*tuple(file["rows"][0])[:-1], 7)
    with pytest.raises(ConfigError, match=r"settings\[data\]"):
        run(path, tmp_path / "rows.h5", RULE, ToyDenoiser(), resume=True)
    assert (tmp_path / "rows.h5").read_bytes() == before


def test_levels__are_chosen_by_training_rows_alone(tmp_path: Path) -> None:
    asked: list[np.ndarray] = []

    class Noting(ToyDenoiser):
        def clean_each(self, noisy: np.ndarray, sigmas: np.ndarray, captions: list[str]) -> np.ndarray:
            asked.append(noisy)
            return super().clean_each(noisy, sigmas, captions)

    with open_dataset(make(tmp_path / "a.h5")) as data:
        train = data.read(["latents"], np.array([0, 1, 3, 4]))["latents"].astype(np.float64)
        levels = find_levels(data, None, NoiseRule(4))
        np.testing.assert_allclose(levels, equal_shares(*linear_errors(train.reshape(4, -1)), 4), rtol=5e-3)
        found = find_levels(data, Noting(), NoiseRule(3))
    assert [*found] == sorted(found, reverse=True)
    np.testing.assert_allclose(asked[0], train, atol=0.1)  # at the lowest level


def test_levels__that_a_teacher_is_measured_for_are_counted(tmp_path: Path) -> None:
    data, told = make(tmp_path / "a.h5"), []
    for levels, teacher, counted in ((2, ToyDenoiser(), 10), (2, None, 0), ((2.0, 0.5), ToyDenoiser(), 0)):
        told.clear()
        run(data, tmp_path / "rows.h5", NoiseRule(levels), teacher, force=True, progress=lambda *now: told.append(now))
        first = [("levels", done, counted) for done in range(counted + 1)] if counted else []
        assert told[: len(first)] == first
        assert {what for what, *_ in told[len(first) :]} == {"rows"}


def test_levels__of_white_latents_follow_their_variance() -> None:
    latents = 3 * np.random.default_rng(0).standard_normal((4000, 2))
    sigmas, left = linear_errors(latents)
    np.testing.assert_allclose(left, sigmas**2 / (9 + sigmas**2), atol=0.01)
    with pytest.raises(ConfigError, match="all the same"):
        linear_errors(np.ones((3, 2)))


def test_inspect__counts_the_rows_of_each_level(tmp_path: Path) -> None:
    run(make(tmp_path / "a.h5"), tmp_path / "rows.h5")
    assert describe(tmp_path / "rows.h5")["rows by level"] == {"2": 2 * ROWS, "0.5": 2 * ROWS}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"levels": (1.0, 1.0)}, "different numbers above 0; got 1, 1"),
        ({"levels": (0.0,)}, "above 0; got 0"),
        ({"levels": (float("nan"),)}, "above 0; got nan"),
        ({"levels": 0}, "levels must be 1 to 100; got 0"),
        ({"repeats": 0}, "repeats must be 1 to"),
        ({"steps": 0}, "steps must be 1 to"),
        ({"trajectories": -1}, "trajectories must be 0 to"),
        ({"guidance": float("inf")}, "guidance must be finite"),
    ],
)
def test_rule__says_what_is_out_of_range(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        NoiseRule(**options)


def test_denoise__says_which_data_do_not_fit(tmp_path: Path, teacher_of: Any) -> None:
    path, h5 = make(tmp_path / "a.h5"), tmp_path / "rows.h5"
    with pytest.raises(FileFormatError, match=r"data with captions .*have the form olacore/latents/1"):
        run(write_latents(tmp_path / "l.h5"), h5)
    with pytest.raises(FingerprintError, match="latent spaces differ: pipeline has .*the pipeline's own autoencoder"):
        run(path, h5, RULE, teacher_of("sd"))
    with pytest.raises(ConfigError, match="is what the rows are made of"):
        run(path, path, force=True)
    with pytest.raises(ConfigError, match="knows noise levels from .*; got 1000"):
        run(path, h5, NoiseRule((1000.0,)), ToyDenoiser())
    with pytest.raises(ConfigError, match="name one"):
        run(path, h5, NoiseRule(trajectories=1))
    with open_writer(tmp_path / "half.h5") as writer:
        fill(writer, 2)
        writer.close(complete=False)
    with pytest.raises(DataError, match="not complete"):
        run(tmp_path / "half.h5", h5)
    assert not h5.exists()


@pytest.mark.parametrize(
    ("name", "steps", "sentence"),
    [
        ("sd3", 1, "begins at noise alone, which 1 steps do not leave"),
        ("lcm", 999, "does not sample 999 steps of a picture of 64 x 64: "),
    ],
)
def test_trajectories__of_odd_steps_are_refused(
    tmp_path: Path, teacher_of: Any, name: str, steps: int, sentence: str
) -> None:
    teacher = teacher_of(name)
    path = make(tmp_path / "a.h5", space=teacher.space, side=SIDE)
    with pytest.raises(ConfigError, match=sentence):
        run(path, tmp_path / "ways.h5", NoiseRule(trajectories=1, steps=steps), teacher)


def test_denoise__nan_in_an_answer_is_refused(tmp_path: Path) -> None:
    class Broken(ToyDenoiser):
        def clean_each(self, noisy: np.ndarray, sigmas: np.ndarray, captions: list[str]) -> np.ndarray:
            return super().clean_each(noisy, sigmas, captions) * np.nan

    with pytest.raises(DataError, match="answers must be finite"):
        run(make(tmp_path / "a.h5"), tmp_path / "rows.h5", RULE, Broken())


def test_captions__are_numbered_by_row() -> None:
    captions, numbers = Captions.by_row(["b", "a", "b", "c"], rows_of(4))
    assert captions == Captions(("b", "a", "c"), ((0, 2), (1,), (0,)))
    assert numbers.tolist() == [0, 1, 0, 2]
