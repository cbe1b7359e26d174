"""Drawing from text with small random modules: what decides the pictures, and what is said beside them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

import olacore
from olacore.data import open_dataset
from olacore.drawing.bundle import Validated
from olacore.drawing.captions import MOST, OVER, Captions
from olacore.drawing.generator import AWAY, Generator
from olacore.drawing.lift import MOST_LIFT, OUTLINE, axes_of, gains_of
from olacore.drawing.module_set import open_set
from olacore.drawing.pictures import Thumbnails, grid_of, read_drawing, write_drawing
from olacore.drawing.settings import Settings
from olacore.errors import ConfigError, DTypeError, FileFormatError, FingerprintError, ShapeError
from olacore.modules.module import load
from olacore.views.refining import Refiner
from tests.support.caption_samples import write_captioned
from tests.support.makers import REFINERS, make_module, refiner_of, threads
from tests.support.set_samples import (
    COMPONENTS,
    LEVELS,
    SIDE,
    modules,
    of_scenes,
    resealed,
    write_set,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_set(tmp_path_factory.mktemp("set"))


@pytest.fixture(scope="module")
def plain(folder) -> Generator:
    return Generator(folder, kernels=False)


def test_draw__is_what_the_modules_say_one_after_the_other(folder, plain):
    parts = modules()
    embedding = parts["text"].embed(["a red heart"])
    latent = parts["mean"].denoise(embeddings=embedding)
    expected = parts["decoder"].run(latent)[0]
    (drawn,) = plain.draw("a red heart", guidance=1.0)
    assert drawn.picture.shape == (SIDE, SIDE, 3)
    assert np.abs(drawn.picture.astype(int) - expected).max() <= 1
    (by_kernels,) = Generator(folder).draw("a red heart", guidance=1.0)
    assert np.abs(by_kernels.picture.astype(int) - expected).max() <= 1
    assert (drawn.record["drawn by"], by_kernels.record["drawn by"]) == ("numpy", "kernels")


@pytest.mark.parametrize("before", ["a", "The", "draw me a", "please generate an image of some", "I want to see my"])
def test_draw__articles_and_requests_change_no_picture(plain, before):
    for prompt in ("red heart", "i juggle with foxes", "xqzv", "a"):
        one, other = (
            plain.draw(prompt, negative="fox")[0],
            plain.draw(f"{before} {prompt}", negative=f"{before} fox")[0],
        )
        np.testing.assert_array_equal(one.picture, other.picture)
        assert (one.notes, one.nearest) == (other.notes, other.nearest)


def test_draw__ends_in_the_refiner_of_the_decoder(tmp_path, plain):
    refiner = make_module(Refiner(), None)
    with pytest.raises(FingerprintError, match="the refiner was trained on the pictures of another decoder"):
        write_set(tmp_path, refiner=refiner)
    refiner = replace(refiner, training={"pictures_sha256": modules()["decoder"].digest})
    seen = []
    (drawn,) = Generator(write_set(tmp_path, refiner=refiner)).draw("a fox", watch=lambda *told: seen.append(told[2]))
    np.testing.assert_array_equal(drawn.picture, refiner.refine(Generator(plain.set.folder).draw("a fox")[0].picture))
    np.testing.assert_array_equal(seen[-1], drawn.picture)
    assert "refiner" in drawn.record["modules"]
    alone = Generator(tmp_path / "set", kernels=False).draw("a fox")[0].picture.astype(int)
    assert np.abs(alone - drawn.picture).max() <= 1


def test_draw__by_a_decoder_that_carries_its_refiner(tmp_path):
    made = write_set(tmp_path, refiner=refiner_of(modules()["decoder"], REFINERS[-1]))
    expected = Generator(made).draw("a fox")[0].picture
    both = modules()["decoder"].with_refiner(olacore.load(made / "refiner.safetensors"))
    carrying = write_set(tmp_path / "other", decoder=both)
    np.testing.assert_array_equal(Generator(carrying).draw("a fox")[0].picture, expected)
    alone = Generator(carrying, kernels=False).draw("a fox")[0].picture.astype(int)
    assert np.abs(alone - expected).max() <= 1
    with pytest.raises(FileFormatError, match="the decoder of the set carries a refiner; leave the other one out"):
        write_set(tmp_path / "third", decoder=both, refiner=both.refiner)


def test_draw__of_a_seed_has_the_same_bytes_with_any_number_of_threads(folder, plain):
    for generator in (plain, Generator(folder)):
        with threads(1):
            once = generator.draw("a red heart", seed=3, variety=2.0, count=2)
        with threads(2):
            again = generator.draw("a red heart", seed=3, variety=2.0, count=2)
        for one, other in zip(once, again, strict=True):
            np.testing.assert_array_equal(one.picture, other.picture)
        assert (once[0].picture != once[1].picture).any()
        np.testing.assert_array_equal(generator.draw("a red heart", seed=4, variety=2.0)[0].picture, once[1].picture)


def test_draw__denoises_from_the_level_that_is_asked_for(plain):
    assert [*plain.set.levels] == sorted(LEVELS, reverse=True)
    steps = []
    for variety, count in ((0.0, 1), (0.5, 1), (1.9, 1), (5.0, 2)):
        steps.clear()
        (drawn,) = plain.draw("a fox", variety=variety, seed=1, watch=lambda *told: steps.append(told))
        assert [told[:2] for told in steps] == [(number, count) for number in range(count)]
        np.testing.assert_array_equal(steps[-1][2], drawn.picture)
    (shorter,) = plain.draw("a fox", variety=5.0, steps=1, seed=1)
    assert (shorter.picture != drawn.picture).any()
    (other,) = plain.draw("a fox", variety=5.0, seed=1, solver="ddim")
    assert other.picture.shape == drawn.picture.shape


def test_guidance__goes_away_from_the_mean_of_all(plain):
    everything = plain.text_means([""])
    one = plain.text_means(["a fox"], Settings(guidance=1.0))
    np.testing.assert_allclose(
        plain.text_means(["a fox"], Settings(guidance=2.0)), everything + 2 * (one - everything), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(plain.text_means(["a fox"], Settings(guidance=0.0)), everything, atol=1e-6)
    away = plain.text_means(["a fox"], Settings(negative="a boat", guidance=1.0))
    boat = plain.text_means(["a boat"], Settings(guidance=1.0))
    np.testing.assert_allclose(away, one - AWAY * (boat - everything), rtol=1e-4, atol=1e-5)


def test_guidance__is_by_default_as_in_training_pictures(folder):
    plain = Generator(folder, kernels=False)
    plain.seen = -1.0
    everything = plain.text_means([""])
    (one,) = plain.text_means(["a fox"], Settings(guidance=1.0)) - everything
    (found,) = plain.text_means(["a fox"]) - everything
    lift = np.linalg.norm(found) / np.linalg.norm(one)
    expected = np.clip(np.sqrt(plain.set.energy) / np.linalg.norm(one), 1, MOST_LIFT)
    assert lift == pytest.approx(expected, rel=1e-4)
    assert lift > 1
    np.testing.assert_allclose(found, one * lift, rtol=1e-4, atol=1e-5)


def test_set__says_how_large_outline_and_rest_of_training_latents_are(folder, tmp_path):
    mean = load(folder / "mean.safetensors")
    with open_dataset([folder.parent / "data.h5"]) as data:
        latents = data.read(["latents"], data.indices("train"))["latents"].astype(np.float64)
    apart = latents.reshape(len(latents), -1) - mean.scaling.target_mean
    axes = mean.scaling.basis[:OUTLINE] / np.linalg.norm(mean.scaling.basis[:OUTLINE], axis=1, keepdims=True)
    outline = apart @ axes.T @ axes
    found = open_set(folder)
    for energy, part in (
        (found.energy, apart),
        (found.outline.energy, outline),
        (found.outline.rest, apart - outline),
    ):
        assert energy == pytest.approx(np.median(np.square(part).sum(1)), rel=1e-4)


def test_set__of_a_text_mean_without_components_has_no_outline(tmp_path):
    plain = make_module(modules()["mean"].view, seed=1)
    found = Generator(write_set(tmp_path, mean=plain), kernels=False)
    assert found.set.outline is None
    found.seen = 2.0
    everything, bare = found.text_means([""]), found.text_means(["a fox"], Settings(guidance=1.0))
    lift = np.clip(np.sqrt(found.set.energy) / np.linalg.norm(bare - everything), 1, MOST_LIFT)
    np.testing.assert_allclose(
        found.text_means(["a fox"]) - everything, lift * (bare - everything), rtol=1e-4, atol=1e-5
    )


def test_guidance__lifts_outline_and_rest_apart_where_no_caption_is_like_a_prompt(folder):
    plain = Generator(folder, kernels=False)
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((36, 36)))[0][:COMPONENTS].astype(np.float32)
    plain.seen, plain._lift = 2.0, replace(plain._lift, axes=axes_of(basis, OUTLINE))
    everything = plain.text_means([""])
    (one,) = (plain.text_means(["a fox"], Settings(guidance=1.0)) - everything).reshape(1, -1)
    (found,) = (plain.text_means(["a fox"]) - everything).reshape(1, -1)
    for axes, energy in (
        (basis[:OUTLINE], plain.set.outline.energy),
        (np.eye(36) - basis[:OUTLINE].T @ basis[:OUTLINE], plain.set.outline.rest),
    ):
        lift = np.clip(np.sqrt(energy) / np.linalg.norm(axes @ one), 1, MOST_LIFT)
        np.testing.assert_allclose(axes @ found, lift * (axes @ one), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        plain.text_means(["a fox"], Settings(guidance=2.0)) - everything,
        2 * one.reshape(1, 4, 3, 3),
        rtol=1e-3,
        atol=1e-4,
    )


def test_gains__leave_least_of_what_is_true():
    draw = np.random.default_rng(0)
    axes, drawn, noise = (draw.standard_normal(shape).astype(np.float32) for shape in ((2, 6), (40, 6), (40, 6)))
    axes = np.linalg.qr(axes.T)[0].T
    outline, rest = drawn @ axes.T @ axes, drawn - drawn @ axes.T @ axes
    true = 0.8 * outline + 0.3 * rest + 0.1 * noise
    expected = np.linalg.lstsq(np.stack([outline.ravel(), rest.ravel()], 1), true.ravel(), rcond=None)[0]
    np.testing.assert_allclose(gains_of(drawn, true, axes), expected, rtol=1e-4)
    assert gains_of(drawn, 2 * outline - rest, axes) == (1, 0)


def test_gains__are_told_from_validation_pictures_that_are_like_no_caption():
    draw = np.random.default_rng(0)
    drawn, axes = draw.standard_normal((30, 6)).astype(np.float32), np.eye(6, dtype=np.float32)[:2]
    true = np.where(np.arange(30)[:, None] < 10, 0.5 * drawn, drawn)
    validated = Validated(drawn, true, np.where(np.arange(30) < 10, 0.6, 0.9))
    assert validated.gains_below(0.8, axes) == pytest.approx([0.5, 0.5])
    assert validated.gains_below(0.5, axes) is None


def test_gains__shrink_what_leans_less_than_all_the_way(folder, tmp_path):
    bare = Generator(folder, kernels=False)
    bare.seen = 2.0
    outline = {"components": OUTLINE, "energy": 1.0, "rest": 1.0, "gains": [0.75, 0.25]}
    known = resealed(Path(shutil.copytree(folder, tmp_path / "set")), "", seen=2.0, outline=outline)
    plain, everything = Generator(known, kernels=False), bare.text_means([""])
    axes = axes_of(load(folder / "mean.safetensors").scaling.basis, OUTLINE)
    for lean, gains in ((0.0, (0.75, 0.25)), (0.5, (0.875, 0.625)), (1.0, (1, 1))):
        asked = Settings(lean=lean, guidance=1.0)
        one, found = ((each.text_means(["a fox"], asked) - everything).reshape(1, -1) for each in (bare, plain))
        along = one @ axes.T @ axes
        np.testing.assert_allclose(found, gains[0] * along + gains[1] * (one - along), rtol=1e-4, atol=1e-5)
    likeness, asked = plain.captions.certainty(plain.embed(["a fox"])[0])[0], Settings(lean=0.0, guidance=1.0)
    for seen, shrunk in ((-1.0, False), (likeness + OVER / 2, False), (likeness + 2 * OVER, True)):
        plain.seen = float(seen)
        assert np.array_equal(plain.text_means(["a fox"], asked), bare.text_means(["a fox"], asked)) != shrunk


def test_bundle__tells_gains_from_validation_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(Validated, "seen_from", lambda validated: 2.0)
    data = write_captioned(tmp_path / "data.h5", {"train": 8, "validation": 20, "held-out": 4})
    folder, parts = write_set(tmp_path), modules()
    with open_dataset([data]) as opened:
        rows = opened.indices("validation")
        true = opened.read(["latents"], rows)["latents"].reshape(len(rows), -1) - parts["mean"].scaling.target_mean
        captions = [opened.captions[row][0] for row in rows]
    drawn = parts["mean"].denoise(embeddings=parts["text"].embed(captions)).reshape(len(rows), -1)
    drawn -= parts["mean"].scaling.target_mean
    axes = axes_of(parts["mean"].scaling.basis, OUTLINE)
    outline = drawn @ axes.T @ axes
    expected = [np.vdot(part, true) / np.vdot(part, part) for part in (outline, drawn - outline)]
    assert open_set(folder).outline.gains == pytest.approx(np.clip(expected, 0, 1), abs=1e-3)
    assert "gains" in json.loads((folder / "set.json").read_text())["outline"]
    scenes = json.loads((write_set(tmp_path / "scenes", **of_scenes()) / "set.json").read_text())
    assert "gains" not in scenes["outline"]


def test_init__goes_from_a_picture_to_the_prompt(plain):
    start = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    (whole,) = plain.draw("a fox", init=start, strength=1.0)
    np.testing.assert_array_equal(whole.picture, plain.draw("a fox")[0].picture)
    (none,) = plain.draw("a fox", init=start, strength=0.0)
    (other,) = plain.draw("a boat", init=start, strength=0.0)
    np.testing.assert_array_equal(none.picture, other.picture)
    with pytest.raises(ShapeError, match=r"must be \(24, 24, 3\) uint8; got uint8 \(8, 8, 3\)"):
        plain.draw("a fox", init=start[:8, :8])
    with pytest.raises(ConfigError, match="strength must be 0 to 1"):
        plain.draw("a fox", init=start, strength=2.0)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"variety": 0.1}, "has denoisers from level 0.5 on; variety 0.1 has no effect"),
        ({"seed": -1}, "seed must be 0 to"),
        ({"variety": -0.1}, "variety must be 0 or more"),
        ({"variety": float("nan")}, "variety must be 0 or more"),
        ({"steps": 0}, "steps must be 1 or more"),
        ({"solver": "euler"}, "solver must be dpm or ddim; got 'euler'"),
        ({"guidance": 21.0}, "guidance must be 0 to 20"),
        ({"lean": 1.5}, "lean must be 0 to 1; got 1.5"),
        ({"count": 0}, "count must be 1 to"),
        ({"sed": 2}, "there is no setting 'sed' of a drawing; there are seed, variety, .*, count, init"),
    ],
)
def test_settings__out_of_range_are_refused(plain, given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        plain.draw("a fox", **given)


def test_set__without_encoder_or_levels_says_so(tmp_path):
    generator = Generator(write_set(tmp_path, levels=(), encoder=False), kernels=False)
    with pytest.raises(ConfigError, match="has no encoder"):
        generator.draw("a fox", init=np.zeros((SIDE, SIDE, 3), np.uint8))
    with pytest.raises(ConfigError, match="has no denoisers; variety 4 has no effect"):
        generator.draw("a fox", variety=4.0)
    one, other = generator.draw("a fox", count=2)
    np.testing.assert_array_equal(one.picture, other.picture)
    assert "without variety all pictures are the same" in one.notes
    with pytest.raises(DTypeError, match="a prompt is a text; got NoneType"):
        generator.draw(None)  # type: ignore[arg-type]


def test_captions__likeness_is_the_cosine():
    draw = np.random.default_rng(0)
    embeddings = draw.standard_normal((20, 6)).astype(np.float32)
    captions = Captions.of([f"caption {k}" for k in range(20)], embeddings, 6)
    units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    np.testing.assert_allclose(captions.likeness(embeddings[3]), units @ units[3], atol=0.02)
    assert captions.certainty(embeddings[3])[0] == pytest.approx(1, abs=0.01)
    assert captions.listed[3] == "caption 3"


def test_captions__damaged_files_are_refused(tmp_path, folder):
    (tmp_path / "c.safetensors").write_bytes((folder / "decoder.safetensors").read_bytes())
    with pytest.raises(FileFormatError, match="captions"):
        Captions.read(tmp_path / "c.safetensors")


def test_captions__a_prompt_that_is_like_none_leans_on_those_that_it_is_likest():
    embeddings = np.eye(4, dtype=np.float32)[:3]
    captions = Captions.of(["a", "b", "c"], embeddings, 4)
    near = np.array([0.9, 0.3, 0, 0.3162], np.float32)
    np.testing.assert_array_equal(captions.leaned(near, 0.9 - 1e-3, 1.0), near)
    np.testing.assert_array_equal(captions.leaned(near, None, 1.0), near)
    np.testing.assert_array_equal(captions.leaned(near, 0.99, 0.0), near)
    most = near + MOST * (embeddings[0] - near)
    np.testing.assert_allclose(captions.leaned(near, 1.1, 1.0), most / np.linalg.norm(most), atol=0.01)
    half = captions.leaned(near, 1.1, 0.5)
    assert near @ embeddings[0] < half @ embeddings[0] < 1
    assert np.linalg.norm(half) == pytest.approx(1, abs=1e-5)
    between = np.array([0.5, 0.5, 0, 0.7071], np.float32)
    both = between + MOST * (np.array([0.5, 0.5, 0, 0]) - between)
    np.testing.assert_allclose(captions.leaned(between, 0.9, 1.0), both / np.linalg.norm(both), atol=0.01)


def test_thumbnails__find_the_training_picture(folder, plain):
    known = Thumbnails(open_set(folder), len(plain.captions.listed))
    large = known.pictures[3].repeat(2, 0).repeat(2, 1)
    assert known.nearest(large) == (3, pytest.approx(0, abs=1e-3))


def test_drawing__a_png_says_how_it_was_drawn(tmp_path, plain):
    (drawn,) = plain.draw('a "red" \u2764 heart', seed=5)
    write_drawing(tmp_path / "a.png", drawn.picture, {**drawn.record, "count": 1})
    about = read_drawing(tmp_path / "a.png")
    assert about is not None
    assert (about["prompt"], about["seed"]) == ('a "red" \u2764 heart', 5)
    assert about["modules"]["mean"] == sha256((plain.set.files["mean"]).read_bytes()).hexdigest()
    write_drawing(tmp_path / "a.jpg", drawn.picture, drawn.record)
    assert read_drawing(tmp_path / "a.jpg") is None
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(FileFormatError, match="as a picture"):
        read_drawing(tmp_path / "text.png")


def test_grid__lays_pictures_out_with_gaps():
    pictures = [np.full((4, 6, 3), shade, np.uint8) for shade in (0, 50, 100)]
    sheet = grid_of(pictures)
    assert sheet.shape == (10, 14, 3)
    assert (sheet[6:, 8:] == 255).all()
    assert grid_of(pictures[:1]) is pictures[0]
    assert grid_of(pictures, 3).shape == (4, 22, 3)


def test_public__of_one_picture_refuses_a_count(folder):
    with pytest.raises(ConfigError, match="draws one picture; for more, take Generator"):
        olacore.generate("a red heart", set=folder, count=2)


def test_public__draws_in_two_lines(folder):
    drawn = olacore.generate("a red heart", set=folder, seed=1)
    assert drawn.picture.shape == (SIDE, SIDE, 3)
    assert olacore.Generator(folder).draw("a red heart")[0].prompt == "a red heart"
