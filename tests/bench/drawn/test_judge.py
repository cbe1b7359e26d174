"""The exact judge: right about every true picture, and not taken in by others."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from bench.drawn.judge import Reading, Seen, Verdict, judge, patches, read_picture
from bench.drawn.pictures import PALETTE, draw, placed
from bench.drawn.scenes import SIZES, STYLES, Scene, Thing, alike_scenes, choose, scenes_apart
from olacore.errors import ShapeError

ALL = Verdict(bound=True, count=True, size=True, place=True)
NONE = Verdict(bound=False, count=False, size=False, place=False)


def judged(caption: str, picture: np.ndarray) -> Verdict:
    return judge(Scene.of(caption), read_picture(picture))


@pytest.mark.parametrize("size", SIZES)
def test_judge__reads_every_kind_size_and_count(size):
    for scene in alike_scenes():
        if scene.things[0].size == size:
            assert judge(scene, read_picture(draw(scene, 64))) == ALL, scene.caption


@settings(deadline=None, max_examples=40)
@given(st.sampled_from([*scenes_apart(SIZES)]), st.sampled_from([40, 64, 96]))
def test_judge__reads_any_two_things(scene, side):
    reading = read_picture(draw(scene, side))
    assert judge(scene, reading) == ALL
    for thing, x, y in placed(scene):
        seen = next(one for one in reading.seen if one.thing == thing)
        assert abs(seen.x - x) < 0.01
        assert abs(seen.y - y) < 0.01


@pytest.mark.parametrize("style", STYLES)
def test_judge__reads_every_kind_size_and_count_in_a_style(style):
    for scene in [replace(scene, style=style) for scene in alike_scenes()][::2]:
        reading = read_picture(draw(scene, 48), STYLES)
        assert judge(scene, reading) == ALL, scene.caption
        other = replace(scene, style=next(one for one in STYLES if one != style))
        assert judge(other, reading) == replace(ALL, style=False)
        assert judge(replace(scene, style=""), reading) == ALL


def test_judge__needs_all_things_in_the_style():
    filled, outlined = (draw(Scene.of(f"a red heart left of a blue square, {style}"), 64) for style in STYLES)
    mixed = np.concatenate([filled[:, :32], outlined[:, 32:]], 1)
    for style in STYLES:
        scene = Scene.of(f"a red heart left of a blue square, {style}")
        assert judge(scene, read_picture(mixed, STYLES)) == replace(ALL, style=False)


def test_judge__tells_what_is_wrong():
    picture = draw(Scene.of("a red heart above a blue square"), 64)
    assert judged("a red heart above a blue square", picture) == ALL
    assert judged("a blue square below a red heart", picture) == ALL
    assert judged("a blue heart above a red square", picture) == NONE
    assert judged("a red heart", picture) == NONE
    assert judged("a red heart below a blue square", picture) == Verdict(True, True, True, False)
    assert judged("a red heart left of a blue square", picture) == Verdict(True, True, True, False)
    assert judged("a small red heart above a blue square", picture) == Verdict(True, True, False, True)
    assert judged("three red hearts", draw(Scene.of("two red hearts"), 64)) == Verdict(True, False, False, False)
    assert judged("a red heart above a blue square", np.rot90(picture, 2)) == NONE, "upside down"


@pytest.mark.parametrize("scene", choose(270, 0)[4::9], ids=lambda scene: scene.caption)
def test_judge__refuses_blurred_grey_and_mixed_pictures(scene):
    picture = draw(scene, 64)
    image = Image.fromarray(picture)
    assert judge(scene, read_picture(np.asarray(image.filter(ImageFilter.GaussianBlur(5))))) == NONE
    pale = (255 - (255 - picture.astype(float)) / 2.5).astype(np.uint8)
    assert judge(scene, read_picture(pale)) == NONE
    if scene.things[0].colour != "black":
        assert judge(scene, read_picture(np.asarray(image.convert("L").convert("RGB")))) == NONE
    other = draw(Scene((Thing("black" if scene.things[0].colour == "green" else "green", "circle", "large"),)), 64)
    assert not judge(scene, read_picture(((picture.astype(int) + other) // 2).astype(np.uint8))).all


def test_judge__sees_nothing_in_paper_and_noise():
    assert read_picture(np.full((64, 64, 3), 255, np.uint8)) == Reading(())
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    assert read_picture(noise).unclear
    assert not read_picture(noise).seen


def test_judge__ignores_a_little_noise_and_counts_dirt():
    scene = Scene.of("a green star right of a purple circle")
    picture = draw(scene, 64)
    noisy = picture + np.random.default_rng(0).normal(0, 10, picture.shape)
    assert judge(scene, read_picture(noisy.clip(0, 255).astype(np.uint8))) == ALL
    dirty = picture.copy()
    dirty[2:62:3, 2:10:3] = PALETTE["red"]
    assert read_picture(dirty).unclear == 1


def test_patches__are_apart_by_label_and_by_touch():
    labels = np.array([[0, 0, -1, 1], [-1, 0, 1, 1], [0, -1, -1, -1]])
    found = [(label, patch.sum()) for label, patch in patches(labels)]
    assert sorted(found) == [(0, 1), (0, 3), (1, 3)]


def test_seen__has_the_nearest_size():
    sizes = [Seen("red", "heart", 0.5, 0.5, radius).thing.size for radius in (0.01, 0.13, 0.15, 0.18, 0.2, 1)]
    assert sizes == ["small", "small", "", "", "large", "large"]


@pytest.mark.parametrize("odd", [np.zeros((8, 9, 3), np.uint8), np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3))])
def test_judge__refuses_what_is_no_picture(odd):
    with pytest.raises(ShapeError, match="a drawn picture must be"):
        read_picture(odd)
