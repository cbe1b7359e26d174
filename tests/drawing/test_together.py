"""Pictures drawn together are those that are drawn one by one, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest

import olacore
from olacore.drawing.generator import Generator
from olacore.drawing.settings import Settings
from olacore.drawing.together import Wish, draw_together
from olacore.errors import ConfigError, ShapeError
from tests.support.set_samples import LEVELS, SIDE, write_set

SETTINGS = (
    Settings(),
    Settings(guidance=1.5, lean=0.3),
    Settings(negative="a red fox"),
    Settings(variety=LEVELS[-1], seed=3),
    Settings(variety=LEVELS[-1], seed=4, negative="a boat"),
    Settings(variety=LEVELS[-1], seed=4, solver="ddim"),
    Settings(variety=LEVELS[0], seed=5, steps=1),
)
PROMPTS = ("a red heart", "a fox", "", "juggler xyzzy", "a red heart")


def check_equal(generator: Generator, wishes: list[Wish]) -> None:
    for wish, drawn in zip(wishes, draw_together(generator, wishes), strict=True):
        (alone,) = generator.draw(wish.prompt, wish.settings, init=wish.init, strength=wish.strength)
        np.testing.assert_array_equal(drawn.picture, alone.picture)
        assert (drawn.notes, drawn.nearest, drawn.record) == (alone.notes, alone.nearest, alone.record)


def test_together__has_the_bytes_of_each_alone(tmp_path):
    generator = Generator(write_set(tmp_path))
    start = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    wishes = [Wish(prompt, settings) for prompt in PROMPTS for settings in SETTINGS]
    wishes += [Wish("a fox", settings, start, 0.3) for settings in SETTINGS]
    check_equal(generator, wishes)
    check_equal(generator, wishes[:1])


def test_together__has_the_bytes_of_each_alone_with_the_shipped_set():
    prompts = "a red heart", "woman astronaut: dark skin tone", "pirate ship", "qqqqzx", "a cat with a hat"
    wishes = [Wish(prompt, Settings(negative=negative)) for prompt in prompts for negative in ("", "a face")]
    check_equal(olacore.Generator("google64"), [*wishes, Wish("a cat", Settings(variety=1.0, seed=2))])


@pytest.mark.parametrize("name", ["google64", "fluent3d"])
def test_together__prompts_that_are_like_no_caption_have_their_own_bytes(name):
    kinds, things = ("sleepy", "old", "purple", "quantum"), ("castle", "dragon", "president", "kettle", "robot", "soup")
    generator = olacore.Generator(name)
    check_equal(generator, [Wish(f"{kind} {thing}", Settings()) for kind in kinds for thing in things])


def test_together__refuses_what_drawing_refuses(tmp_path):
    generator = Generator(write_set(tmp_path, levels=(), encoder=False))
    with pytest.raises(ConfigError, match="has no denoisers; variety 1 has no effect"):
        draw_together(generator, [Wish("a fox", Settings()), Wish("a fox", Settings(variety=1.0))])
    with pytest.raises(ConfigError, match="has no encoder"):
        draw_together(generator, [Wish("a fox", Settings(), np.zeros((SIDE, SIDE, 3), np.uint8))])
    with pytest.raises(ShapeError, match="a picture to start from must be"):
        draw_together(Generator("google64"), [Wish("a fox", Settings(), np.zeros((8, 8, 3), np.uint8))])
