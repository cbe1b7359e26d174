"""Text modules and denoisers as something that runs on a caller's arrays, and as files."""

from __future__ import annotations

import numpy as np
import pytest

import olacore
from olacore.errors import DataError, DTypeError, ShapeError
from olacore.views.noisy import Whole, Window
from olacore.views.prompt import Prompt
from olacore.views.words import Words
from tests.support.makers import SPACE, make_module
from tests.support.set_samples import filtered

WIDTH = 6
WORDS = make_module(Words(WIDTH, 64))
PROMPT = make_module(Prompt(4, 8, 0.0, 3, 3, WIDTH))
WHOLE = make_module(Whole(4, 8, 0.5, 3, 3, WIDTH))
WINDOW = make_module(Window(4, 8, 2.0, certain=True))
FILTERED = make_module(filtered(4, 8, 2.0, certain=True), hidden=(4,), stored="int8")


def given(module, count: int | None = 5, side: tuple[int, int] = (3, 3)) -> dict[str, np.ndarray]:
    """What a denoiser is given, for so many latents; None for one without a first axis."""
    draw = np.random.default_rng(0)
    sizes = dict.fromkeys(("noisy", "text_means"), (4, *side)) | {"embeddings": (WIDTH,), "certainty": (2,)}
    lead = () if count is None else (count,)
    return {name: draw.standard_normal((*lead, *sizes[name])) for name in module.view.given}


@pytest.mark.parametrize("module", [WORDS, PROMPT, WHOLE, WINDOW, FILTERED])
def test_file__gives_the_module_back(module, tmp_path):
    module.save(tmp_path / "m.safetensors")
    again = olacore.load(tmp_path / "m.safetensors")
    assert (again.view, again.digest, again.kind) == (module.view, module.digest, module.kind)
    if module is WORDS:
        np.testing.assert_array_equal(again.embed("a red heart"), module.embed("a red heart"))
        return
    assert again.space == SPACE == again.imitates
    np.testing.assert_array_equal(again.denoise(**given(module)), module.denoise(**given(module)))


def test_embed__answers_a_text_or_a_list(tmp_path):
    both = WORDS.embed(["a red heart", "ein Ärmel"])
    assert (both.shape, both.dtype) == ((2, WIDTH), np.float32)
    # Texts of other lengths beside it change nothing.
    np.testing.assert_array_equal(WORDS.embed("a red heart"), both[0])
    np.testing.assert_array_equal(WORDS.run(("ein Ärmel",)), both[1:])
    assert WORDS.embed("").shape == (WIDTH,)


@pytest.mark.parametrize(
    ("texts", "error", "sentence"),
    [
        ([], ShapeError, "at least one text; got none"),
        ([b"bytes"], DTypeError, "a text or a list of texts; got bytes"),
        (3, DTypeError, "a text or a list of texts; got int"),
        ("\ud800", DataError, "a character that UTF-8 cannot hold"),
    ],
)
def test_embed__refuses_what_is_no_text(texts, error, sentence):
    with pytest.raises(error, match=sentence):
        WORDS.embed(texts)


@pytest.mark.parametrize("module", [PROMPT, WHOLE, WINDOW, FILTERED])
def test_denoise__answers_one_or_several(module):
    several = given(module)
    found = module.denoise(**several)
    assert (found.shape, found.dtype) == ((5, 4, 3, 3), np.float32)
    one = module.denoise(**{name: array[2] for name, array in several.items()})
    np.testing.assert_array_equal(one, found[2])
    if "embeddings" in several:
        with pytest.raises(ShapeError, match="embeddings must be numbers of the shape"):
            module.denoise(**several | {"embeddings": np.zeros((5, WIDTH + 1))})


def test_denoise__a_window_takes_latents_of_any_size():
    assert WINDOW.denoise(**given(WINDOW, None, (2, 7))).shape == (4, 2, 7)
    with pytest.raises(
        ShapeError, match=r"noisy must be numbers of the shape \(4, 3, 3\) or .*; got .* \(5, 4, 2, 7\)"
    ):
        FILTERED.denoise(**given(FILTERED, 5, (2, 7)))


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"noisy": np.zeros((5, 3, 3, 3))}, ShapeError, r"noisy must be numbers of the shape \(4, any, any\)"),
        ({"certainty": np.full((5, 2), np.nan)}, DataError, "certainty must be finite as float32"),
        ({"text_means": np.full((5, 4, 3, 3), 1e6)}, DataError, "text_means must be finite as float16"),
        ({"text_means": np.zeros((5, 4, 3, 2))}, ShapeError, "as many of each, and latents of one size"),
        ({"certainty": np.zeros((4, 2))}, ShapeError, "as many of each"),
        ({"certainty": np.zeros(2)}, ShapeError, "as many of each"),
        ({"certainty": np.array("ab")}, ShapeError, "certainty must be numbers"),
        ({"embeddings": np.zeros((5, 6))}, ShapeError, "is given noisy, text_means, certainty; got noisy.*embeddings"),
    ],
)
def test_denoise__says_what_it_is_given(changes, error, sentence):
    with pytest.raises(error, match=sentence):
        WINDOW.denoise(**given(WINDOW) | changes)


def test_module__names_the_verb_of_its_kind():
    with pytest.raises(ShapeError, match="of kind denoiser cannot decode; use denoise"):
        WINDOW.decode(np.zeros((4, 3, 3)))
    with pytest.raises(ShapeError, match="of kind text cannot denoise; use embed"):
        WORDS.denoise(noisy=np.zeros((4, 3, 3)))
    with pytest.raises(ShapeError, match="a window denoiser is given noisy, text_means, certainty; got list"):
        WINDOW.run([1])
