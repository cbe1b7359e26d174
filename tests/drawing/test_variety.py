"""With variety: a prompt that leans does so on captions that its seed decides; any other is drawn from noise."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from olacore.drawing.captions import AMONG, Captions
from olacore.drawing.generator import Generator
from olacore.drawing.notes import ALIKE, NO_SEED, SAME
from olacore.drawing.settings import Settings
from olacore.drawing.together import Wish, draw_together
from tests.support.set_samples import resealed, write_set


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Generator:
    return Generator(write_set(tmp_path_factory.mktemp("set")), kernels=False)


def test_leaned__with_variety_a_seed_decides_which_of_the_likest_count():
    draw = np.random.default_rng(0)
    captions = Captions.of([str(k) for k in range(100)], draw.standard_normal((100, 6)), 6)
    near = draw.standard_normal(6).astype(np.float32)
    seen = float(captions.likeness(near).max())
    np.testing.assert_array_equal(captions.leaned(near, seen, 1.0, 1.0, 3), near)
    none = captions.leaned(near, seen + 1, 1.0)
    np.testing.assert_array_equal(captions.leaned(near, seen + 1, 1.0, 0.0, 3), none)
    np.testing.assert_allclose(captions.leaned(near, seen + 1, 1.0, 1e-4, 3), none, atol=0.01)
    likest = np.argsort(-captions.likeness(near))[:AMONG]
    for variety in (20.0, 1e308):
        # Then one caption alone counts.
        leaned = [captions.leaned(near, seen + 1, 1.0, variety, seed) for seed in range(40)]
        chosen = [int((captions.vectors @ (captions.basis @ one) * captions.scales).argmax()) for one in leaned]
        assert {*chosen} <= {*likest.tolist()}
        assert len({*chosen}) > AMONG // 3
        np.testing.assert_array_equal(captions.leaned(near, seen + 1, 1.0, variety, 7), leaned[7])


def test_variety__of_a_prompt_that_leans_needs_no_denoisers(tmp_path):
    generator = Generator(resealed(write_set(tmp_path, levels=()), "", seen=2.0))
    (none,) = generator.draw("a fox")
    drawn = generator.draw("a fox", variety=1.0, count=4)
    for one in drawn:
        np.testing.assert_array_equal(generator.draw("a fox", one.settings)[0].picture, one.picture)
    assert len({one.picture.tobytes() for one in drawn}) > 1
    wishes = [Wish(prompt, Settings(seed=seed, variety=1.0, negative="a boat")) for prompt in "ab" for seed in (1, 2)]
    for wish, one in zip(wishes, draw_together(generator, wishes), strict=True):
        np.testing.assert_array_equal(one.picture, generator.draw(wish.prompt, wish.settings)[0].picture)
    for settings in (Settings(variety=1.0, lean=0.0), Settings(seed=5)):
        upright = generator.draw("a fox", settings, count=2)
        np.testing.assert_array_equal(upright[0].picture, upright[1].picture)
        assert upright[0].notes[-1] == (SAME if settings.variety else ALIKE)
    np.testing.assert_array_equal(generator.draw("a fox", seed=5)[0].picture, none.picture)


def test_variety__of_a_prompt_that_leans_adds_no_noise(tmp_path, plain):
    leaning = Generator(resealed(write_set(tmp_path), "", seen=2.0), kernels=False)
    steps = []
    leaning.draw("a fox", variety=5.0, watch=lambda *told: steps.append(told[:2]))
    assert steps == [(0, 1)]
    seen_it = Generator(
        resealed(Path(shutil.copytree(leaning.set.folder, tmp_path / "x")), "", seen=-1.0), kernels=False
    )
    for settings in (Settings(variety=5.0, seed=3), Settings(variety=0.7, seed=4)):
        expected = plain.draw("a fox", settings)[0].picture
        np.testing.assert_array_equal(seen_it.draw("a fox", settings)[0].picture, expected)
    most = [plain.draw("a fox", variety=variety, seed=3)[0].picture for variety in (max(plain.set.levels), 9.0)]
    np.testing.assert_array_equal(*most)


def test_variety__says_what_of_it_has_no_effect(tmp_path, plain):
    """One picture or several, one after the other or together."""
    for name, levels in (("far", ()), ("near", (0.5, 2.0))):
        write_set(tmp_path / name, levels)
    far = Generator(resealed(tmp_path / "far" / "set", "", seen=2.0), kernels=False)
    near = Generator(resealed(tmp_path / "near" / "set", "", seen=-1.0), kernels=False)
    none = Generator(resealed(tmp_path / "far" / "set", "", seen=-1.0), kernels=False)
    chosen = "variety 2000 draws what 1000 does: chance moves the weights of captions by no more"
    between = "variety {} draws what {} does: the set has no denoisers between the two"
    for generator, settings, note in (
        (plain, Settings(), None),
        (plain, Settings(seed=4), NO_SEED),
        (plain, Settings(variety=2.0, seed=4), None),
        (plain, Settings(variety=0.5, steps=1), None),
        (plain, Settings(variety=9.0), between.format(9, 2)),
        (plain, Settings(variety=1.5), between.format(1.5, 0.5)),
        (far, Settings(variety=4.0), None),
        (far, Settings(variety=2000.0), chosen),
        (far, Settings(variety=4.0, lean=0.0), SAME),
        (near, Settings(variety=0.1), SAME),
        (none, Settings(variety=4.0), SAME),
    ):
        drawings = generator.draw("a fox", settings, count=1)
        before = generator.draw("a fox", replace(settings, seed=0, variety=0.0))[0].notes
        assert drawings[0].notes == (*before, *([note] if note else []))
        assert draw_together(generator, [Wish("a fox", settings)])[0].notes == drawings[0].notes
        several = generator.draw("a fox", settings, count=2)
        assert several[0].notes == ((*before, ALIKE) if not settings.variety else drawings[0].notes)
        assert (note in (SAME, NO_SEED) or not settings.variety) == (
            several[0].picture.tobytes() == several[1].picture.tobytes()
        )


@pytest.mark.parametrize("name", ["google64", "fluent3d"])
def test_variety__of_the_shipped_sets_makes_concepts_differ_and_combinations_not_by_leaning(name):
    generator = Generator(name)
    concept = generator.draw("dragon playing chess", variety=1.0, count=3)
    assert len({one.picture.tobytes() for one in concept}) == 3
    prompt = "woman astronaut: dark skin tone"
    known = generator.text_means([prompt])
    np.testing.assert_array_equal(generator.text_means([prompt], Settings(variety=1.0, seed=4)), known)
