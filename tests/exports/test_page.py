"""Pages in a browser: the numbers of the modules, no request, and a sentence for what cannot be shown."""

from __future__ import annotations

import base64
import io
import json
import re
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

import olacore
from olacore.drawing.sampler import noise_of
from olacore.exports import html_page
from olacore.exports.base import Part, export
from olacore.modules.latent_file import read_latent
from olacore.views.patch import PatchDecoder
from olacore.views.word_table import TableOfWords
from tests.support.caption_samples import WIDTH
from tests.support.command import ola
from tests.support.documents import blocks, run
from tests.support.makers import REFINERS, make_module, refined_by, smooth_pictures
from tests.support.pages import Shown, bad_files, open_browser
from tests.support.set_samples import LEVELS, SIZE, beyond_float16, filtered, word_table, write_set

PROMPTS = (
    "a red heart",
    "Woman astronaut: DARK skin tone",
    "Please draw me a pirate ship and the letter A",
    "a grining fase with hearrts",
    "\u2764\ufe0f and \U0001f680, don\u2019t",
    "\u2605 na\u00efve",
    "the cat's hat",
    "a haert, a rokcet",
    "qqqqzx",
    "",
)
# What pages are made of.
PAGE = Path(html_page.__file__).parent / "page"
# So many of them are also drawn away from something, and leaning less.
OTHERWISE = 3
# With the quickest kernel, and with the one that every browser has.
KERNELS = pytest.mark.parametrize("plain", [False, True], ids=["WebAssembly", "JavaScript"])
# A latent of one site looks odd to the check of its statistics.
pytestmark = pytest.mark.filterwarnings("ignore:the latents lie")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for all tests."""
    with open_browser() as found:
        yield found


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the recipe of docs/plug-in.md writes, run as it stands."""
    folder = tmp_path_factory.mktemp("pages")
    (recipe,) = blocks("docs/plug-in.md", "A page")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run(recipe)
    assert {path.name for path in folder.iterdir()} == {"page.html", "draw.html"}
    return folder


@pytest.fixture(scope="module")
def opened(browser: Any, written: Path) -> Iterator[Callable[..., Shown]]:
    """Opens a page of the recipe, once; `plain` with the kernel that every browser has in place of the quickest."""
    yield (found := cache(lambda name, plain=False: Shown(browser, written / name, plain)))
    found.cache_clear()


@pytest.fixture
def codec(opened: Callable[..., Shown]) -> Iterator[Shown]:
    """The page of a codec."""
    yield (shown := opened("page.html"))
    shown.check()


@pytest.fixture
def drawing(opened: Callable[..., Shown]) -> Iterator[Shown]:
    """The page of a set."""
    yield (shown := opened("draw.html"))
    shown.check()


@pytest.fixture(scope="module")
def generator() -> Any:
    """What the page has to agree with."""
    return olacore.Generator("google64", kernels=False)


def close_enough(generator: Any) -> int:
    """Grey levels by which pictures of a set may differ: a refiner reads a decoder's, which are rounded."""
    return 2 if "refiner" in generator.set.files else 1


def levels_apart(one: np.ndarray, other: np.ndarray) -> int:
    """The largest difference, in grey levels."""
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other.astype(int)).max())


@KERNELS
def test_codec__gives_the_latents_and_pixels_of_the_modules(opened, plain, tmp_path):
    codec = opened("page.html", plain)
    encoder, decoder = olacore.load("codec4-encoder"), olacore.load("codec4-decoder")
    assert codec.page.inner_text("#engine").startswith("Runs on JavaScript") == plain
    for height, width in ((1, 1), (24, 40), (53, 203), (136, 264)):
        picture = smooth_pictures(1, height, width)[0]
        Image.fromarray(picture).save(tmp_path / "given.png")
        codec.give(tmp_path / "given.png")
        np.testing.assert_array_equal(codec.pixels("original"), picture)
        with codec.page.expect_download() as download:
            codec.page.click("#save-latent")
        download.value.save_as(tmp_path / "latent.npz")
        found, expected = read_latent(tmp_path / "latent.npz"), encoder.encode(picture)
        assert (found.size, found.makes) == ((height, width), encoder.makes)
        np.testing.assert_allclose(found.latent, expected, atol=1e-4)
        shown = codec.pixels("decoded")
        assert levels_apart(shown, decoder.decode(found.latent)[:height, :width]) <= 1
        apart = np.square(shown.astype(float) - picture).mean()
        assert f"{10 * np.log10(255**2 / apart):.2f} dB" in codec.page.inner_text("#figures")
        codec.give(tmp_path / "latent.npz")
        np.testing.assert_array_equal(codec.pixels("decoded"), shown)
    codec.check()


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (64, 64), (70, 33)])
def test_codec__decodes_files_of_latents(codec, size, tmp_path):
    latent = np.random.default_rng(0).normal(size=(4, *size)).astype(np.float16)
    expected = olacore.load("codec4-decoder").decode(latent)
    np.save(tmp_path / "half.npy", latent[None])
    np.save(tmp_path / "double.npy", latent.astype(np.float64))
    np.savez_compressed(tmp_path / "packed.npz", latent=latent)
    save_file({"mine": latent}, tmp_path / "one.safetensors")
    save_file({"a": latent * 0, "latents": latent}, tmp_path / "named.safetensors")
    np.savez_compressed(tmp_path / "beside.npz", z=np.zeros(9), latent=latent)
    content = (tmp_path / "beside.npz").read_bytes()
    start = content.index(b"z.npy") + 30  # in what is packed of another array, which is left alone
    (tmp_path / "beside.npz").write_bytes(content[:start] + bytes(20) + content[start + 20 :])
    for name in ("half.npy", "double.npy", "packed.npz", "one.safetensors", "named.safetensors", "beside.npz"):
        codec.give(tmp_path / name)
        assert not codec.page.inner_text("#refused")
        assert levels_apart(codec.pixels("decoded"), expected) <= 1


def test_codec__takes_what_is_pasted_and_dropped(codec):
    latent = np.random.default_rng(1).normal(size=(4, 2, 3)).round(2)
    expected = olacore.load("codec4-decoder").decode(latent)
    codec.clear()
    codec.page.evaluate(
        "text => { const data = new DataTransfer(); data.setData('text', text);"
        " document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, cancelable: true})); }",
        json.dumps(latent.tolist()),
    )
    codec.wait("#figures:not(:empty)")
    assert levels_apart(codec.pixels("decoded"), expected) <= 1
    content = io.BytesIO()
    np.save(content, -latent)
    codec.clear()
    codec.page.evaluate(
        "text => { const data = new DataTransfer(), bytes = Uint8Array.from(atob(text), c => c.charCodeAt());"
        " data.items.add(new File([bytes], 'dropped.npy'));"
        " document.dispatchEvent(new DragEvent('drop', {dataTransfer: data, cancelable: true})); }",
        base64.b64encode(content.getvalue()).decode(),
    )
    codec.wait("#figures:not(:empty)")
    assert levels_apart(codec.pixels("decoded"), olacore.load("codec4-decoder").decode(-latent)) <= 1


def test_codec__says_in_a_sentence_what_is_wrong_with_a_file(codec, tmp_path):
    good = tmp_path / "good.npy"
    np.save(good, np.zeros((4, 2, 2), np.float32))
    for name, sentence in bad_files(tmp_path).items():
        codec.give(tmp_path / name)
        said = codec.page.inner_text("#refused")
        assert said.startswith(sentence)
        assert "\n" not in said
        codec.give(good)
        assert not codec.page.inner_text("#refused")


def test_codec__refuses_bytes_that_are_cut_or_changed(codec, tmp_path):
    latent = np.zeros((4, 1, 2), np.float16)
    np.save(tmp_path / "a.npy", latent)
    np.savez_compressed(tmp_path / "a.npz", latent=latent)
    save_file({"latent": latent}, tmp_path / "a.safetensors")
    contents = {path.name: path.read_bytes() for path in sorted(tmp_path.iterdir())}
    said = codec.page.evaluate(
        """async contents => {
          const said = new Set();
          document.getElementById("refused").hidden = true;
          for (const [name, text] of Object.entries(contents)) {
            const whole = Uint8Array.from(atob(text), letter => letter.charCodeAt());
            for (let place = 0; place < whole.length; place += 3) {
              const changed = whole.slice();
              changed[place] ^= 1 << place % 8;
              for (const bytes of [whole.slice(0, place), changed]) {
                await giveFile(new File([bytes], name));
                const shown = document.getElementById("refused");
                said.add(shown.hidden ? "" : shown.textContent);
              }
            }
          }
          return [...said];
        }""",
        {name: base64.b64encode(content).decode() for name, content in contents.items()},
    )
    assert len(said) > 5
    starts = "a.npy", "a.npz", "a.safetensors"
    assert all(one == "" or (one.startswith(starts) and one.endswith(".") and "\n" not in one) for one in said)


@KERNELS
def test_drawing__agrees_with_the_generator(opened, generator, plain):
    shown = opened("draw.html", plain)
    for number, prompt in enumerate(PROMPTS):
        others = [({"lean": 0.3, "avoid": "a face"}, {"lean": 0.3, "negative": "a face"})] if number < OTHERWISE else []
        for page, settings in [({}, {}), *others]:
            picture, told = shown.draw(prompt=prompt, **page)
            expected = generator.draw(prompt, **settings)[0]
            assert levels_apart(picture, expected.picture) <= close_enough(generator), prompt
            assert [text for text, _ in told["nearest"]] == [text for text, _ in expected.nearest]
            notes = " ".join(expected.notes)
            assert ("not seen in training" in notes) == (told["known"] and not told["seen"])
            for word, near in told["unknown"]:
                read = "read as " + ", ".join(f"'{other}'" for other in near) if near else "left out"
                assert f"'{word}' is not known; {read}" in notes
    shown.check()


def test_drawing__passes_the_noise_levels_of_the_generator(drawing, generator):
    noise = noise_of(3, (1, 16, 8, 8))
    for variety in (0.25, 2.0, 4.0):
        expected = generator.draw("a cat", variety=variety, seed=3)[0].picture
        found, _ = drawing.draw(prompt="a cat", variety=variety, noise=noise.ravel().tolist())
        assert levels_apart(found, expected) <= close_enough(generator)
    seeds = [drawing.draw(prompt="a cat", variety=1, seed=seed)[0] for seed in (0, 0, 1)]
    assert np.array_equal(seeds[0], seeds[1])
    assert levels_apart(seeds[0], seeds[2]) > 8


def test_drawing__starts_from_a_picture(drawing, generator):
    picture = smooth_pictures(1, 64, 64)[0]
    own = generator._parts["encoder"].run(picture[None])
    expected = generator.draw("a cat", init=picture, strength=0.3)[0].picture
    found, _ = drawing.draw(prompt="a cat", init=own.ravel().tolist(), strength=0.3)
    assert levels_apart(found, expected) <= close_enough(generator)


def test_drawing__changes_while_one_types(drawing, generator):
    page = drawing.page
    page.fill("#prompt", "")
    drawing.wait("body[data-drawn='']")
    before = drawing.pixels("drawn")
    page.type("#prompt", "a cat")
    drawing.wait("body[data-drawn='a cat']")
    assert levels_apart(drawing.pixels("drawn"), generator.draw("a cat")[0].picture) <= close_enough(generator)
    assert levels_apart(drawing.pixels("drawn"), before) > 50
    page.type("#prompt", " qqqqzx")
    drawing.wait("body[data-drawn='a cat qqqqzx']")
    assert page.inner_text("#notes") == "\u2018qqqqzx\u2019 is not known, and left out."
    assert not page.locator("#variations").is_visible()
    page.locator("#variety").fill("3")
    page.locator("#variations").wait_for()
    drawing.wait("#variations button:last-child span:not(:empty)")
    assert page.locator("#variations button").count() == 7
    page.locator("#variety").fill("0")
    with page.expect_download() as download:
        page.click("#save-drawn")
    assert download.value.suggested_filename == "a-cat-qqqqzx.png"


def test_drawing__shows_a_picture_through_its_encoder_and_decoder(drawing, generator, tmp_path):
    picture = smooth_pictures(1, 64, 64)[0]
    Image.fromarray(picture).save(tmp_path / "given.png")
    drawing.give(tmp_path / "given.png")
    expected = generator.draw("", init=picture, strength=0.0)[0].picture
    assert levels_apart(drawing.pixels("decoded"), expected) <= close_enough(generator)


@pytest.mark.parametrize(("levels", "bits"), [((), 2), (LEVELS, 4)])
def test_drawing__of_a_set_of_ones_own(browser, levels, bits, tmp_path):
    text = TableOfWords(WIDTH, SIZE, unit=True, even=not levels, table=word_table(SIZE, bits, even=not levels))
    folder = write_set(tmp_path, levels, encoder=bool(levels), text=text)
    ola("export", folder, "--to", "html", "-o", tmp_path / "page.html")
    generator = olacore.Generator(folder, kernels=False)
    shown = Shown(browser, tmp_path / "page.html")
    for prompt in ("a red circle", "jugle", "", "zzz"):
        assert levels_apart(shown.draw(prompt=prompt)[0], generator.draw(prompt)[0].picture) <= 1
    assert shown.page.locator("#chance").is_visible() == bool(levels)
    if levels:
        noise = noise_of(0, generator.text_means([""]).shape)
        # The latter is less like other captions, for which the filters of denoisers have other gains.
        for prompt in ("red", "hearts"):
            found, _ = shown.draw(prompt=prompt, variety=2.0, noise=noise.ravel().tolist())
            assert levels_apart(found, generator.draw(prompt, variety=2.0)[0].picture) <= 1
    shown.check()


def test_filter__of_the_page_is_that_of_the_module(browser):
    own = filtered(4, 8, 1.0, certain=True).filter
    noisy, means = np.random.default_rng(0).normal(0, 2, (2, 5, 4, 3, 3)).astype(np.float16)
    noisy[4], means[4] = beyond_float16(own, (4, 3, 3))
    threshold = own.thresholds[0].astype(np.float32)
    certainty = np.stack([np.float32([0, np.nextafter(threshold, -1), threshold, 1, 0]), np.ones(5)], 1)
    scripts = "".join((PAGE / name).read_text() for name in html_page.WORKER)
    found = browser.new_page().evaluate(
        f"""given => {{
          {scripts}
          const own = new WienerFilter(...given[0].map(part => Float32Array.from(part)));
          return given[1].map(([noisy, means, certainty]) => [...own.clean(noisy, means, certainty)]);
        }}""",
        [
            [array.astype(float).ravel().tolist() for array in own.tensors.values()],
            [
                [one.astype(float).ravel().tolist() for one in case]
                for case in zip(noisy, means, certainty, strict=True)
            ],
        ],
    )
    expected = own.clean(noisy, means, certainty.astype(np.float32)).reshape(5, -1)
    np.testing.assert_allclose(found, expected.astype(float), rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(found, np.float16(found).astype(float))


def test_codec__works_where_a_page_has_no_workers(browser, written, tmp_path):
    latent = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)
    np.save(tmp_path / "latent.npy", latent)
    shown = Shown(browser, written / "page.html", first="delete globalThis.Worker")
    shown.give(tmp_path / "latent.npy")
    assert levels_apart(shown.pixels("decoded"), olacore.load("codec4-decoder").decode(latent)) <= 1
    shown.check()


@KERNELS
def test_codec__refines_what_its_decoder_draws(browser, plain, tmp_path):
    decoder = make_module(PatchDecoder(4, 8, 3), hidden=(5,))
    sizes = ((1, 1), (3, 5), (70, 33), *(() if plain else ((64, 64), (128, 96))))
    for number, view in enumerate(REFINERS):
        both = refined_by(decoder, view, hidden=(5,))
        apart = [Part.of("d", decoder), Part.of("r", both.refiner)]
        export([Part.of("d", both)] if number else apart, "html", tmp_path / "page.html", force=True)
        shown = Shown(browser, tmp_path / "page.html", plain)
        for size in sizes if view == REFINERS[-1] else sizes[:2]:
            np.save(tmp_path / "z.npy", latent := np.random.default_rng(0).normal(size=(4, *size)).astype(np.float32))
            shown.give(tmp_path / "z.npy")
            assert levels_apart(shown.pixels("decoded"), both.decode(latent)) <= 1
        shown.check()


def test_page__says_where_a_browser_is_too_old(browser, written):
    shown = Shown(browser, written / "page.html", first="delete globalThis.DecompressionStream")
    assert shown.page.inner_text("#fault").startswith("This browser is too old")
    shown.check()


def test_decoder_alone__takes_raw_latents_of_its_model(browser, tmp_path):
    decoder = olacore.load("sd15-decoder")
    export([Part.of("sd15-decoder", decoder)], "html", tmp_path / "page.html")
    latent = np.random.default_rng(0).normal(size=(1, 4, 6, 5)).astype(np.float32)
    raw = {"latent_tensor": latent / np.float32(0.18215), "latent_format_version_0": np.zeros(0, np.float32)}
    save_file(raw, tmp_path / "raw.latent")
    shown = Shown(browser, tmp_path / "page.html")
    shown.give(tmp_path / "raw.latent")
    assert "multiplied by 0.18215" in shown.page.inner_text("#remark")
    assert levels_apart(shown.pixels("decoded"), decoder.decode(latent)[0]) <= 1
    # Elsewhere the mark says nothing, as for `ola decode`; that they are raw is seen by their size.
    save_file(raw, tmp_path / "raw.safetensors")
    shown.give(tmp_path / "raw.safetensors")
    assert levels_apart(shown.pixels("decoded"), decoder.decode(raw["latent_tensor"])[0]) <= 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        decoder.decode(raw["latent_tensor"])
    (distance,) = re.findall(r"lie far, (\S+) spreads", str(caught[0].message))
    assert f"This latent lies far, {distance} spreads off the mean" in shown.page.inner_text("#remark")
    np.save(tmp_path / "plain.npy", latent)
    shown.give(tmp_path / "plain.npy")
    assert shown.page.is_hidden("#remark")
    Image.new("RGB", (8, 8)).save(tmp_path / "given.png")
    shown.give(tmp_path / "given.png")
    assert shown.page.inner_text("#refused").startswith("This page holds no encoder")
    shown.check()
