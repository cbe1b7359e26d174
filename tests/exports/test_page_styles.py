"""The page of a set with styles, in a browser."""

from __future__ import annotations

import numpy as np

import olacore
from olacore.drawing.settings import Settings
from tests.support.command import ola
from tests.support.pages import Shown, open_browser
from tests.support.set_samples import write_set


def test_drawing__in_the_styles_of_a_set(tmp_path):
    folder, without = (
        write_set(tmp_path / name, (), encoder=False, styles=styles)
        for name, styles in (("styled", ("warm", "juggle pale")), ("plain", ("",)))
    )
    for one in (folder, without):
        ola("export", one, "--to", "html", "-o", one.with_suffix(".html"))
    generator = olacore.Generator(folder, kernels=False)
    with open_browser() as browser:
        plain = Shown(browser, without.with_suffix(".html"))
        plain.wait("body[data-drawn]")
        assert not plain.page.locator("#style").is_visible()
        shown = Shown(browser, folder.with_suffix(".html"))
        assert shown.page.locator("#style option").all_inner_texts() == ["none", "juggle pale", "warm"]
        for prompt, style in (("a red circle", "juggle pale"), ("a red circle", "warm"), ("", "warm")):
            shown.page.fill("#prompt", prompt)
            shown.page.select_option("#style", style)
            shown.wait(f"body[data-drawn='{generator.read_of(prompt, Settings(style=style))}']")
            (expected,) = generator.draw(prompt, style=style)
            assert np.abs(shown.pixels("drawn").astype(int) - expected.picture).max() <= 1
        chip = shown.page.locator("#nearest button").first
        caption = chip.inner_text()
        chip.click()
        shown.wait(f"body[data-drawn='{caption}']")
        assert shown.page.locator("#style").input_value() == "", "a caption says its style"
        for one in (plain, shown):
            one.check()
