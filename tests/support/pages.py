"""A page in a headless Chromium, and files that no page can show."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from tests.support.makers import OTHER_SPACE

CHROMIUM = shutil.which("chromium")
OFFLINE = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
OFFLINE += ("--disable-sync", "--no-first-run")

# Styles of a set whose usual one is pale: captions end in one of them by themselves, and one ends in another.
USUAL_PALE = ("pale", "warm, pale", "fox", "pale")
# Captions of it that are pressed, the style that is chosen with the rest of each, and the one that is read.
CHIPS = (
    ("^[^,]*fox$", "", "fox"),
    ("fox, pale$", "pale", "pale"),
    ("(heart|boat|hat), pale$", "", "pale"),
    (", fox$", "fox", "fox"),
    (", warm, pale$", "warm, pale", "warm, pale"),
)


@contextmanager
def open_browser() -> Iterator[Any]:
    """A browser; the test skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the extra test")
    if CHROMIUM is None:
        pytest.skip("needs a chromium, such as Debian's package of that name")
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        yield found
        found.close()


class Shown:
    """An open page. Whatever it asks for beside itself, or complains of, is kept for the end of the test."""

    def __init__(self, browser: Any, path: Path, plain: bool = False, first: str = "") -> None:
        self.page = browser.new_page()
        self.page.add_init_script(first)
        self.wrong: list[str] = []
        self.page.on("request", lambda request: self._asked(request.url, path))
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.goto(path.as_uri() + ("#plain" if plain else ""))
        self.wait("#engine:not(:empty), #fault:not(:empty)")

    def _asked(self, url: str, path: Path) -> None:
        if not url.startswith((path.as_uri(), "blob:")):
            self.wrong.append(url)

    def wait(self, what: str) -> None:
        """Wait until something that matches is there."""
        self.page.locator(what).first.wait_for(state="attached")

    def clear(self) -> None:
        """Take away what was shown or refused, so that it can be waited for."""
        self.page.evaluate("['figures', 'refused'].forEach(id => document.getElementById(id).replaceChildren())")

    def give(self, *files: Path) -> None:
        """Choose a file, and wait until it is shown or refused; what is at work before is waited for."""
        self.wait("#codec:not([aria-busy])")
        self.clear()
        self.page.set_input_files("#file", files)
        self.wait("#figures:not(:empty), #refused:not(:empty)")

    def pixels(self, canvas: str) -> np.ndarray:
        """What a canvas shows, (H, W, 3) uint8."""
        url = self.page.evaluate(f"document.getElementById('{canvas}').toDataURL()")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB"))

    def draw(self, **given: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """What the page's modules draw."""
        told = self.page.evaluate(
            "async given => { const {result} = await workers.ask('draw', given);"
            " return {...result, buffer: null, pixels: [...result.pixels]}; }",
            given,
        )
        side = int(np.sqrt(len(told["pixels"]) / 4))
        return np.array(told.pop("pixels"), np.uint8).reshape(side, side, 4)[..., :3], told

    def check(self) -> None:
        """Raise if anything was wrong."""
        assert not self.wrong


def bad_files(folder: Path) -> dict[str, str]:
    """Files that cannot be shown, and what is said of them."""
    latent = np.zeros((4, 2, 2), np.float32)
    (folder / "note.txt").write_text("hello")
    (folder / "empty.npy").write_bytes(b"")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nhello")
    (folder / "zip.npz").write_bytes(b"PK\x03\x04 and no more")
    (folder / "short.safetensors").write_bytes(b"\xff\x00\x00\x00\x00\x00\x00\x00{and no more")
    np.save(folder / "nan.npy", latent + np.nan)
    np.save(folder / "huge.npy", latent + 1e9)
    np.save(folder / "flat.npy", latent[0])
    np.save(folder / "whole.npy", latent.astype(int))
    np.save(folder / "channels.npy", np.zeros((16, 2, 2), np.float32))
    np.save(folder / "columns.npy", np.asfortranarray(np.zeros((4, 2, 3), np.float32)))
    content = (folder / "nan.npy").read_bytes()
    (folder / "cut.npy").write_bytes(content[:-4])
    np.savez(folder / "other.npz", picture=latent)
    space = OTHER_SPACE.to_dict()
    about = {"makes": space, "imitates": None, "size": None}
    np.savez(folder / "stranger.npz", latent=latent, olacore=np.array(json.dumps(about)))
    np.savez(folder / "sized.npz", latent=latent, olacore=np.array(json.dumps({"size": [99, 1]})))
    np.savez(folder / "said.npz", latent=latent, olacore=np.array("{"))
    save_file({"a": latent, "b": latent}, folder / "several.safetensors")
    save_file({}, folder / "nothing.safetensors")
    save_file({"latents": latent}, folder / "strange.latent")
    np.savez_compressed(folder / "more.npz", latent=np.zeros((4, 64, 64), np.float32))
    content = (folder / "more.npz").read_bytes()
    listed = content.rindex(b"PK\x01\x02")  # where the size of the array is said to be smaller
    (folder / "more.npz").write_bytes(content[: listed + 24] + b"\x80\0\0\0" + content[listed + 28 :])
    raw = {"latent_tensor": latent[None], "latent_format_version_0": np.zeros(0, np.float32)}
    save_file(raw, folder / "raw.latent")
    return {
        "note.txt": "note.txt is neither a picture nor a latent",
        "empty.npy": "empty.npy is neither a picture nor a latent",
        "broken.png": "broken.png is neither a picture nor a latent",
        "zip.npz": "zip.npz is damaged: it is no complete zip file",
        "short.safetensors": "short.safetensors is damaged",
        "nan.npy": "nan.npy holds NaN or inf",
        "huge.npy": "huge.npy holds numbers past float16",
        "flat.npy": "flat.npy holds an array of shape (2, 2); a latent is (C, h, w)",
        "whole.npy": "whole.npy holds no floats",
        "channels.npy": "channels.npy has 16 channels; this decoder takes latents (4, h, w)",
        "columns.npy": "columns.npy is stored by columns",
        "cut.npy": "cut.npy is cut short: 60 of 64 bytes are there",
        "several.safetensors": "several.safetensors holds 2 tensors (a, b); name the latent 'latents'",
        "nothing.safetensors": "nothing.safetensors holds no tensor",
        "strange.latent": "strange.latent is no .latent file of ComfyUI",
        "more.npz": "more.npz is damaged: it is no complete zip file",
        "other.npz": "other.npz holds no array 'latent'",
        "stranger.npz": "stranger.npz belongs to the latent space of someone/other; this decoder reads that of",
        "sized.npz": "sized.npz says that its picture has 99 x 1 pixels; it decodes to 16 x 16",
        "said.npz": "said.npz is damaged: what it says of its latent cannot be read",
        "raw.latent": "raw.latent holds raw latents of ComfyUI, and the scale of this decoder's model is not known",
    }


def type_and_press(page: Any, prompt: str, check: Callable[[str, str, str], None]) -> None:
    """Type a prompt without a style and with each, then press captions, in a page of a set in the styles `USUAL_PALE`.

    Parameters
    ----------
    check : is told the prompt in the page, the style that is chosen there, "" for none, and the style that is read
    """
    for typed, read in ((prompt, "pale"), *((f"{prompt}, {style}", style) for style in ("fox", "pale", "warm, pale"))):
        page.fill("#prompt", "")
        page.type("#prompt", typed)
        check(typed, "", read)
    for caption, asked, read in CHIPS:
        tile = page.locator("#known button", has_text=re.compile(caption)).first
        shown = tile.inner_text().partition(", ")[0]
        tile.click()
        check(shown, asked, read)
