"""Variety in the page of a set: prompts that lean do so by chance, and others are drawn from noise."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import Any

import numpy as np
import pytest

import olacore
from olacore.drawing.captions import AMONG, MOST_VARIETY, Captions, chance_of
from olacore.drawing.sampler import noise_of
from olacore.drawing.settings import VARIETIES
from tests.support.command import ola
from tests.support.pages import Shown, open_browser
from tests.support.set_samples import KINDS, LEVELS, resealed, write_mixed, write_set


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for all tests."""
    with open_browser() as found:
        yield found


def page_of(browser: Any, reference: Any, folder: Any) -> Shown:
    """The page of a set."""
    ola("export", reference, "--to", "html", "-o", folder / "page.html")
    return Shown(browser, folder / "page.html")


def check_agreement(shown: Shown, generator: Any, prompt: str, most: int = 1, **settings: Any) -> dict[str, Any]:
    """Draw by the numbers of the generator's seed; what the page tells beside the picture."""
    (expected,) = generator.draw(prompt, seed=5, **settings)
    noise = noise_of(5, generator.text_means([""]).shape)
    chance = chance_of(5, len(generator.captions.listed))
    asked = {"avoid" if name == "negative" else name: value for name, value in settings.items()}
    found, told = shown.draw(prompt=prompt, **asked, noise=noise.ravel().tolist(), chance=chance.tolist())
    assert np.abs(found.astype(int) - expected.picture).max() <= most, (prompt, settings)
    return told


@pytest.mark.parametrize("levels", [(), LEVELS])
def test_page__leans_by_chance_and_draws_what_does_not_lean_from_noise(browser, levels, tmp_path):
    folder = write_mixed(tmp_path, levels)
    generator, shown = olacore.Generator(folder, kernels=False), page_of(browser, folder, tmp_path)
    for variety in (0.0, 0.1, 0.7, 2.0, 1e4):
        for lean in (1.0, 0.5, 0.0):
            for leans, prompt in zip((False, True, True, False), KINDS, strict=True):
                told = check_agreement(shown, generator, prompt, variety=variety, lean=lean)
                varies = bool((leans and lean and variety) or (levels and variety >= min(levels)))
                assert told["varies"] == varies, (prompt, variety, lean)
    for prompt in KINDS:
        check_agreement(shown, generator, prompt, variety=2.0, negative="a i juggle hearts")
    for prompt in KINDS:
        one, same, other = (shown.draw(prompt=prompt, variety=2.0, seed=seed)[0] for seed in (3, 3, 4))
        np.testing.assert_array_equal(one, same)
        assert np.array_equal(one, other) != (bool(levels) or prompt in KINDS[1:3])
        without = [shown.draw(prompt=prompt, seed=seed)[0] for seed in (3, 4)]
        np.testing.assert_array_equal(*without)
    shown.check()


@pytest.mark.parametrize(("name", "most"), [("google64", 2), ("fluent3d", 2)])
def test_page__of_a_shipped_set_leans_by_chance(browser, name, most, tmp_path):
    generator, shown = olacore.Generator(name, kernels=False), page_of(browser, name, tmp_path)
    for prompt in ("dragon playing chess", "a red heart"):
        for variety in (0.5, 1.0):
            check_agreement(shown, generator, prompt, most, variety=variety)
    drawn = [shown.draw(prompt="dragon playing chess", variety=1, seed=seed)[0] for seed in range(3)]
    assert len({one.tobytes() for one in drawn}) == len(drawn)
    shown.check()


def test_page__without_levels_offers_variety_where_prompts_lean(browser, tmp_path):
    shown = page_of(browser, resealed(write_set(tmp_path, ()), "", seen=2.0), tmp_path)
    page = shown.page
    page.fill("#prompt", "a fox")
    shown.wait("body[data-drawn='a fox']")
    assert page.is_disabled("#seed")
    assert not page.is_visible("#variations")
    rising = ["none", *(f"{one:g}" for one in reversed(VARIETIES))]
    assert page.get_attribute("#variety", "max") == str(len(VARIETIES))
    for place, level in reversed([*enumerate(rising)]):
        page.locator("#variety").fill(str(place))
        assert page.inner_text("#level") == level
    page.click("#another")
    assert page.inner_text("#level") == "1"
    page.locator("#variations").wait_for()
    shown.wait("#variations button:last-child span:not(:empty)")
    tiles = page.evaluate("[...document.querySelectorAll('#variations canvas')].map(one => one.toDataURL())")
    assert len({*tiles}) > 1
    assert page.inner_text("#notes") == ""
    page.locator("#lean").evaluate("one => { one.value = 0; one.dispatchEvent(new Event('input')); }")
    page.locator("#variations").wait_for(state="hidden")
    said = "It leans on no captions, and there are no denoisers: all seeds give this picture."
    assert page.inner_text("#notes") == said
    shown.check()


@pytest.mark.parametrize("count", [100, AMONG, 5])
def test_page__weighs_captions_as_the_generator_does(browser, count):
    draw = np.random.default_rng(count)
    # Every caption is there three times, so that some that are as like as others are not among the likest.
    embeddings = np.repeat(draw.standard_normal((-(-count // 3), 6)), 3, axis=0)[:count]
    captions, page = Captions.of([str(k) for k in range(count)], embeddings, 6), browser.new_page()
    script = (resources.files("olacore.exports") / "page" / "text.js").read_text()
    read = f"all => {{{script}; return all.map(one => [...weightsOf(Float32Array.from(one[0]), one[1], one[2])]); }}"
    given, expected = [], []
    for variety in (0.0, 0.1, 1.0, 20.0, 1e308):
        for seed in range(20):
            likeness = captions.likeness(draw.standard_normal(6))
            given.append([likeness.tolist(), variety, chance_of(seed, count).tolist()])
            expected.append(captions._weights(likeness, min(variety, MOST_VARIETY), seed))
    np.testing.assert_allclose(page.evaluate(read, given), expected, atol=1e-4)


def test_chance__of_a_seed_is_the_same_each_time_and_distributed_as_it_says(browser):
    script = (resources.files("olacore.exports") / "page" / "chance.js").read_text()
    page = browser.new_page()
    gumbel, normal, again, other = (
        np.array(page.evaluate(f"(() => {{{script}; return [...{what}(...[{seed}, 40000])]; }})()"))
        for what, seed in (("gumbel", 3), ("normal", 3), ("gumbel", 3), ("gumbel", 2**32 + 3))
    )
    np.testing.assert_array_equal(gumbel, again)
    assert not np.array_equal(gumbel, other)
    # Six standard errors, of means and of variances.
    for numbers, mean, spread, fourth in ((gumbel, np.euler_gamma, np.pi / 6**0.5, 5.4), (normal, 0, 1, 3)):
        assert abs(numbers.mean() - mean) < 6 * spread / 200
        assert abs(numbers.var() - spread**2) < 6 * spread**2 * (fourth - 1) ** 0.5 / 200
