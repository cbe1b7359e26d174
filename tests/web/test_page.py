"""The page in a browser: it draws while one types, asks nobody but its server, and says what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import olacore
from olacore.drawing.pictures import read_drawing
from olacore.media.pictures import read_picture
from tests.support.makers import smooth_pictures
from tests.support.pages import USUAL_PALE, open_browser, type_and_press
from tests.support.served import pixels, started, write_run
from tests.support.set_samples import KNOWN, LEVELS, SIDE, write_set


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    found = write_set(tmp_path_factory.mktemp("set"))
    write_run(found.parent / "runs" / "decoder-0001", 30)
    return found


@pytest.fixture(scope="module")
def server(folder) -> Iterator[tuple[Any, str]]:
    with started("--set", folder, "--runs", folder.parent / "runs") as found:
        yield found


@pytest.fixture(scope="module")
def generator(folder) -> olacore.Generator:
    return olacore.Generator(folder)


class Opened:
    """The page. Whatever it asks of others, or complains of, is kept."""

    def __init__(self, browser: Any, address: str, **screen: Any) -> None:
        self.page = browser.new_context(**screen).new_page()
        self.wrong: list[str] = []
        self.page.on("request", lambda request: self._asked(request.url, address))
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.goto(address)
        self.wait("body[data-drawn]")

    def _asked(self, url: str, address: str) -> None:
        if not url.startswith((f"{address}/", "data:", "blob:")):
            self.wrong.append(url)

    def wait(self, what: str) -> None:
        self.page.locator(what).first.wait_for(state="attached")

    def drawn(self, prompt: str) -> list[np.ndarray]:
        """The pictures of a prompt, when they are there."""
        self.wait(f"body:not(.late)[data-drawn='{prompt}']")
        return [pixels(url.partition(",")[2]) for url in self.page.evaluate(SOURCES)]


SOURCES = "[...document.querySelectorAll('#pictures img')].map(one => one.src)"


@pytest.fixture
def opened(browser, server, folder) -> Iterator[Opened]:
    found = Opened(browser, server[1])
    yield found
    assert not found.wrong
    found.page.context.close()


def test_page__draws_while_one_types(opened, generator, tmp_path):
    page = opened.page
    page.fill("#prompt", "")
    page.type("#prompt", "a fox xyzzy")
    (found,) = opened.drawn("a fox xyzzy")
    np.testing.assert_array_equal(found, generator.draw("a fox xyzzy")[0].picture)
    assert page.inner_text("#notes") == "'xyzzy' is not known; left out."
    assert page.locator("#nearest button").count() == 3
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "a-fox-xyzzy.png"
    download.value.save_as(tmp_path / "saved.png")
    about = read_drawing(tmp_path / "saved.png")
    assert about is not None
    assert about["prompt"] == "a fox xyzzy"
    page.fill("#prompt", "xyzzy")
    opened.drawn("xyzzy")
    assert page.inner_text("#likeness") == "Nothing of it is known: this is the mean of all training pictures."


def test_page__draws_in_the_styles_of_the_set(browser, opened, tmp_path):
    assert not opened.page.locator("#style").is_visible()
    folder = write_set(tmp_path, (), encoder=False, styles=("warm", "juggle pale", ""))
    generator = olacore.Generator(folder)
    with started("--set", folder) as (_, address):
        shown = Opened(browser, address)
        assert shown.page.locator("#style option").all_inner_texts() == ["none", "juggle pale", "warm"]
        shown.page.fill("#prompt", "a red fox")
        shown.page.select_option("#style", "warm")
        shown.wait("#pictures img[alt='Picture of: a red fox, warm']")
        (found,) = shown.drawn("a red fox")
        np.testing.assert_array_equal(found, generator.draw("a red fox", style="warm")[0].picture)
        shown.page.select_option("#style", "")
        shown.page.fill("#prompt", "a blue heart, juggle pale")
        shown.drawn("a blue heart, juggle pale")
        chip = shown.page.locator("#nearest button").first
        caption, style = chip.inner_text().split(", ")
        assert style == "juggle pale"
        chip.click()
        shown.wait(f"#pictures img[alt='Picture of: {caption}, juggle pale']")
        (found,) = shown.drawn(caption)
        np.testing.assert_array_equal(found, generator.draw(caption, style="juggle pale")[0].picture)
        assert shown.page.input_value("#style") == "juggle pale", "the caption's"
        assert not shown.wrong
        shown.page.context.close()


def test_page__of_a_set_with_a_usual_style_reads_what_is_typed(browser, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.support.set_samples.KNOWN", tuple(word for word in KNOWN if word != "red"))
    folder = write_set(tmp_path, (), encoder=False, styles=USUAL_PALE)
    generator = olacore.Generator(folder)
    with started("--set", folder) as (_, address):
        shown = Opened(browser, address)
        page = shown.page

        def check(prompt: str, asked: str, read: str) -> None:
            shown.wait(f"#pictures img[alt='Picture of: {prompt}{asked and ', '}{asked}']")
            (found,) = shown.drawn(prompt)
            assert (page.input_value("#prompt"), page.input_value("#style")) == (prompt, asked)
            np.testing.assert_array_equal(found, generator.draw(prompt, style=read)[0].picture)

        assert page.locator("#style option").all_inner_texts() == ["pale, the usual", "fox", "pale", "warm, pale"]
        first, _, style = generator.captions.listed[0].partition(", ")
        assert style == "pale"
        check(first, "", "pale")
        type_and_press(page, "a dark hat", check)
        assert not shown.wrong
        page.context.close()


def test_page__asks_for_the_newest_text_alone(opened):
    """However much is typed while a picture is drawn, one more is asked for."""
    page = opened.page
    opened.wait("#known button:last-child img[src]")
    asked: list[str] = []
    held: list[Any] = []

    def hold(route: Any) -> None:
        asked.append(route.request.post_data_json["prompt"])
        held.append(route)

    def let_go() -> None:
        while not held:
            page.evaluate("0")  # what the browser tells meanwhile is heard
        held.pop().continue_()

    page.route("**/api/draw", hold)
    page.fill("#prompt", "a")
    page.fill("#prompt", "")
    page.type("#prompt", "a red heart")
    let_go()
    let_go()
    opened.drawn("a red heart")
    assert asked == ["a", "a red heart"]


def test_page__shows_a_grid_of_seeds(opened, generator):
    page = opened.page
    page.fill("#prompt", "a fox")
    page.locator("#seed").fill("7")
    page.check("[name=count][value='9']", force=True)
    opened.wait("#pictures[data-count='9']")
    expected = generator.draw("a fox", variety=LEVELS[-1], seed=7, count=9)
    for found, one in zip(opened.drawn("a fox"), expected, strict=True):
        np.testing.assert_array_equal(found, one.picture)
    page.locator("#pictures button").nth(2).click()
    opened.wait("#pictures[data-count='1']")
    assert page.input_value("#seed") == "9"
    np.testing.assert_array_equal(opened.drawn("a fox")[0], expected[2].picture)
    page.click("#another")
    assert page.input_value("#seed") != "9"


def test_page__starts_from_a_picture(opened, generator, tmp_path):
    picture = smooth_pictures(1, SIDE, SIDE)[0]
    Image.fromarray(picture).save(tmp_path / "given.png")
    page = opened.page
    page.fill("#prompt", "a fox")
    page.set_input_files("#init-file", tmp_path / "given.png")
    page.locator("#leave").wait_for()
    with page.expect_response(lambda answer: '"strength":0.2' in (answer.request.post_data or "")):
        page.locator("#strength").fill("0.2")
    expected = generator.draw("a fox", init=picture, strength=0.2)[0].picture
    np.testing.assert_array_equal(opened.drawn("a fox")[0], expected)
    (tmp_path / "broken.png").write_text("hello")
    page.set_input_files("#init-file", tmp_path / "broken.png")
    page.locator("#fault").wait_for()
    assert page.inner_text("#fault") == "broken.png is not a picture that this browser knows."
    page.click("#leave")
    page.locator("#init").wait_for(state="hidden")


def test_page__sends_a_picture_through_a_codec(opened, tmp_path):
    (picture,) = smooth_pictures(1, 45, 70)
    Image.fromarray(picture).save(tmp_path / "given.png")
    page = opened.page
    page.check("[name=codec][value='codec4']", force=True)
    page.set_input_files("#file", tmp_path / "given.png")
    opened.wait("#figures:not(:empty)")
    latent = olacore.load("codec4-encoder").encode(picture)
    decoded = olacore.load("codec4-decoder").decode(latent)[:45, :70]
    np.testing.assert_array_equal(pixels(page.get_attribute("#decoded", "src").partition(",")[2]), decoded)
    assert "4 \u00d7 6 \u00d7 9" in page.inner_text("#figures")
    with page.expect_download() as download:
        page.click("#save-decoded")
    download.value.save_as(tmp_path / "decoded.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "decoded.png"), decoded)


def test_page__shows_the_curve_of_a_run(opened, folder):
    page = opened.page
    opened.wait("#curve path.validation")
    assert page.locator("#run option").all_inner_texts() == ["decoder-0001"]
    assert "30" in page.inner_text("#now")
    with (folder.parent / "runs" / "decoder-0001" / "log.jsonl").open("a") as file:
        file.write('{"generation": 77, "seconds": 40.0, "loss": 0.5, "validation_loss": 0.4}\n')
    opened.wait("#now dd:text-is('77')")


def test_page__is_no_wider_than_a_telephone(browser, server):
    opened = Opened(browser, server[1], viewport={"width": 360, "height": 740}, color_scheme="dark")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(251, 250, 248)"
    assert not opened.wrong
    opened.page.context.close()


def test_page__says_that_the_server_is_gone(browser, folder):
    with started("--set", folder) as (process, address):
        opened = Opened(browser, address)
        process.terminate()
        process.wait()
        opened.page.fill("#prompt", "a fox")
        opened.page.locator("#fault").wait_for()
        assert opened.page.inner_text("#fault").startswith("The server does not answer. Is ola serve still running?")
        opened.page.context.close()
