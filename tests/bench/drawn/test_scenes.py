"""What the drawn set shows, and what of it is held out."""

import pytest

from bench.drawn.scenes import (
    CAPTIONS_IN_ALL,
    KINDS,
    SIZES,
    STYLES,
    Scene,
    Split,
    Thing,
    alike_scenes,
    choose,
    in_styles,
    scenes_apart,
)
from olacore.errors import DataError


@pytest.fixture(scope="module")
def scenes():
    return choose(5000, 0)


def test_scenes__captions_are_told_apart_and_read_back(scenes):
    captions = [scene.caption for scene in scenes]
    assert len({*captions}) == len(scenes) == 5000
    assert len({word.removesuffix("s") for caption in captions for word in caption.split()}) < 27
    assert [Scene.of(caption) for caption in captions] == scenes
    both = in_styles(scenes, 0)
    assert len({*both}) == len(both) == 5000
    assert [Scene.of(scene.caption) for scene in both[::7]] == both[::7]
    assert [scene.style for scene in both[:4]] == [*STYLES, *STYLES]
    assert {scene.style for scene in both[540:]} == {*STYLES}
    assert [scene.plain for scene in both[540:]] == [scene.caption for scene in scenes[270:-270]]


def test_choose__is_decided_by_the_seed_and_begins_with_the_simple_ones(scenes):
    assert choose(3750, 0) == scenes[:3750] != choose(3750, 1)
    assert scenes[:270] == [*alike_scenes()]
    assert {*scenes[270:3750]} == {*scenes_apart(("",))}
    assert choose(300, 0) == scenes[:300]
    assert CAPTIONS_IN_ALL == 31590


@pytest.mark.parametrize(
    "caption",
    [
        "",
        "a pink heart",
        "a red hearts",
        "two red heart",
        "three red hearts above a blue square",
        "a red heart above a red heart",
        "a big red heart",
        "a red heart above",
        "A red heart",
        "a red heart, dotted",
        "a red heart outlined",
    ],
)
def test_scene__of_other_captions_is_refused(caption):
    with pytest.raises(DataError, match="is no caption of the drawn set"):
        Scene.of(caption)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_split__holds_out_what_it_says(scenes, seed):
    split = Split.of(seed)
    parts = [split.part_of(scene) for scene in scenes]
    train = [scene for scene, part in zip(scenes, parts, strict=True) if part == "train"]
    shown, together = {kind for scene in train for kind in scene.kinds}, {scene.kinds for scene in train}
    assert len(split.pairs["held-out"]) == 3
    assert shown == {*KINDS} - split.pairs["held-out"] - split.pairs["validation"]
    assert {kind[0] for kind in shown} == {kind[0] for kind in KINDS}, "every colour is known"
    assert {kind[1] for kind in shown} == {kind[1] for kind in KINDS}, "every shape is known"
    counts = {part: parts.count(part) for part in parts}
    assert {*counts} == {
        "train",
        *(f"{sort}-{name}" for sort in ("pair", "scene") for name in ("validation", "held-out")),
    }
    assert counts["train"] > len(scenes) / 2
    for scene, part in zip(scenes, parts, strict=True):
        if part == "pair-held-out":
            assert scene.kinds & split.pairs["held-out"]
        if part == "scene-held-out":
            assert scene.kinds <= shown
            assert scene.kinds not in together


def test_thing__is_named_by_size_colour_and_shape():
    assert [Thing("red", "heart", size).name for size in SIZES] == ["small red heart", "red heart", "large red heart"]
