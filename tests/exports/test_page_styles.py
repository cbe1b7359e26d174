"""The page of a set with styles, in a browser."""

from __future__ import annotations

from importlib import resources
from itertools import product

import numpy as np

import olacore
from olacore.text.style import style_in, styled
from tests.support.command import ola
from tests.support.pages import USUAL_PALE, Shown, open_browser, type_and_press
from tests.support.set_samples import write_set


def test_drawing__in_the_styles_of_a_set(tmp_path):
    folder, usual, without = (
        write_set(tmp_path / name, (), encoder=False, styles=styles)
        for name, styles in (("styled", ("warm", "juggle pale", "")), ("usual", ("warm", "pale")), ("plain", ("",)))
    )
    for one in (folder, usual, without):
        ola("export", one, "--to", "html", "-o", one.with_suffix(".html"))
    generator = olacore.Generator(folder, kernels=False)
    with open_browser() as browser:
        plain = Shown(browser, without.with_suffix(".html"))
        plain.wait("body[data-drawn]")
        assert not plain.page.locator("#style").is_visible()
        shown = Shown(browser, folder.with_suffix(".html"))
        assert shown.page.locator("#style option").all_inner_texts() == ["none", "juggle pale", "warm"]
        for prompt, style in (("a red heart", "juggle pale"), ("a red heart", "warm"), ("a red heart", "")):
            shown.page.fill("#prompt", prompt)
            shown.page.select_option("#style", style)
            shown.wait(f"#drawn[aria-label='Picture of: {prompt}{style and ', '}{style}']")
            (expected,) = generator.draw(prompt, style=style)
            assert np.abs(shown.pixels("drawn").astype(int) - expected.picture).max() <= 1
        shown.page.locator("#nearest button", has_text="warm").first.click()
        shown.wait("#drawn[aria-label$=', warm']")
        assert shown.page.input_value("#style") == "warm", "the caption's"
        assert not shown.page.input_value("#prompt").endswith("warm")
        second = Shown(browser, usual.with_suffix(".html"))
        assert second.page.locator("#style option").all_inner_texts() == ["pale, the usual", "pale", "warm"]
        assert second.page.input_value("#style") == ""
        for one, of in ((shown, generator), (second, olacore.Generator(usual, kernels=False))):
            for prompt in ("a red heart", "a red heart, WARM", "xqzv", "", "haert warm"):
                for style in ("", "warm"):
                    for negative in ("", "a fox", "zzzq", "a fox, warm"):
                        (expected,) = of.draw(prompt, style=style, negative=negative)
                        found, told = one.draw(prompt=prompt, style=style, avoid=negative)
                        assert np.abs(found.astype(int) - expected.picture).max() <= 1, (prompt, style, negative)
                        assert [text for text, _ in told["nearest"]] == [text for text, _ in expected.nearest]
        for one in (plain, shown, second):
            one.check()


def test_page__of_a_set_with_a_usual_style_reads_what_is_typed(tmp_path, monkeypatch):
    folder = write_set(tmp_path, (), encoder=False, styles=USUAL_PALE)
    monkeypatch.setattr("olacore.exports.html_page.EXAMPLE", "xqzv")
    ola("export", folder, "--to", "html", "-o", tmp_path / "set.html")
    generator = olacore.Generator(folder, kernels=False)
    with open_browser() as browser:
        shown = Shown(browser, tmp_path / "set.html")
        page = shown.page

        def check(prompt: str, asked: str, read: str) -> None:
            shown.wait(f"body[data-drawn='{prompt}']")
            shown.wait(f"#drawn[aria-label='Picture of: {prompt}{asked and ', '}{asked}']")
            assert (page.input_value("#prompt"), page.input_value("#style")) == (prompt, asked)
            (expected,) = generator.draw(prompt, style=read)
            assert np.abs(shown.pixels("drawn").astype(int) - expected.picture).max() <= 1, (prompt, asked)

        captions = generator.captions.listed
        first = captions[len(captions) // 2]
        assert first.endswith(", pale")
        check(first.removesuffix(", pale"), "", "pale")
        type_and_press(page, "a red hat", check)
        shown.check()


def test_styles__are_parted_from_captions_so_that_these_are_read_again():
    known = ["pale", "ink, pale", "fox", "pale fox"]
    captions = [
        styled(caption, style)
        for words in product(("a fox", "pale", "Ink", "a boat"), repeat=2)
        for caption in (words[0], " ".join(words), f"{words[0]}, {words[1]};")
        for style in ("", *known)
    ] + ["a pale, pale", "pale", ", pale", ""]
    script = (resources.files("olacore.exports") / "page" / "styles.js").read_text()
    read = "captions.map(one => [usual, one, styleIn(one, styles), ...parted(one, styles, usual)])"
    with open_browser() as browser:
        page = browser.new_page()
        found = [
            told
            for styles, usual in ((known, ""), (known[::-1], "pale"))
            for told in page.evaluate(
                f"given => {{const {{captions, styles, usual}} = given; {script}; return {read};}}",
                {"captions": captions, "styles": styles, "usual": usual},
            )
        ]
    for usual, caption, inside, prompt, asked in found:
        assert inside == style_in(caption, known)
        if prompt != caption:
            assert styled(prompt, asked or style_in(prompt, known) or usual) == caption, (caption, prompt, asked)
        if caption.endswith((", ink, pale", ", pale fox")):
            assert (prompt, asked) == (styled(prompt, asked).removesuffix(f", {asked}"), style_in(caption, known))
    assert {asked for usual, *_, asked in found if usual} == {"", *known}
