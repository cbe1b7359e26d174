"""Colours that are not sRGB's become sRGB's, and those that are stay as they are."""

import logging
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from olacore.media.pictures import flattened, read_picture
from tests.support.picture_files import DISPLAY_P3, SRGB, chunk, grey_profile, ink_profile, png, profile

RGB = np.random.default_rng(0).integers(0, 256, (9, 14, 3), np.uint8)


def to_srgb(levels: np.ndarray, primaries: tuple, gamma: float) -> np.ndarray:
    """What colours of a display with these primaries and this gamma are in sRGB, by the definition."""
    light = (levels / 255) ** gamma @ np.array(primaries) @ np.linalg.inv(np.array(SRGB))
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("form", ["png", "webp", "tif"])
def test_profile__display_p3_becomes_srgb(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"a.{form}"
    options = {"lossless": True} if form == "webp" else {}
    Image.fromarray(RGB).save(path, icc_profile=profile(DISPLAY_P3, 2.2), **options)
    expected = to_srgb(RGB, DISPLAY_P3, 2.2)
    assert np.abs(RGB - expected).mean() > 5
    np.testing.assert_allclose(read_picture(path), expected, rtol=0, atol=2)
    np.testing.assert_array_equal(flattened(Image.open(path)), read_picture(path))


def test_profile__srgb_changes_nothing(tmp_path: Path) -> None:
    content = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(RGB).save(tmp_path / "a.png", icc_profile=content)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), RGB)


@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16"])
def test_profile__greys(tmp_path: Path, mode: str) -> None:
    levels = np.arange(0, 252, 4, dtype=np.uint8)[None]
    image = Image.fromarray(levels)
    image = Image.fromarray(levels.astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    image.save(tmp_path / "a.png", icc_profile=grey_profile(1.8))
    stored = np.asarray(image.convert("L")) if mode == "1" else levels
    expected = to_srgb(np.repeat(stored[..., None], 3, -1), SRGB, 1.8)
    np.testing.assert_allclose(read_picture(tmp_path / "a.png"), expected, rtol=0, atol=2)


def test_profile__greys_may_have_one_for_rgb(tmp_path: Path) -> None:
    Image.fromarray(RGB[..., 0]).save(tmp_path / "a.png", icc_profile=profile(SRGB, 1.0))
    expected = to_srgb(np.repeat(RGB[..., :1], 3, -1), SRGB, 1.0)
    np.testing.assert_allclose(read_picture(tmp_path / "a.png"), expected, rtol=0, atol=2)


def test_profile__see_through_pixels_are_laid_on_srgb_white(tmp_path: Path) -> None:
    rgba = np.concatenate([RGB, np.full((9, 14, 1), 128, np.uint8)], -1)
    Image.fromarray(rgba).save(tmp_path / "a.png", icc_profile=profile(DISPLAY_P3, 2.2))
    expected = to_srgb(RGB, DISPLAY_P3, 2.2) * (128 / 255) + 127
    np.testing.assert_allclose(read_picture(tmp_path / "a.png"), expected, rtol=0, atol=2)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"no profile at all", "is damaged"), (profile()[:300], "is damaged"), (grey_profile(2.2), "is for GRAY, which")],
)
def test_profile__one_that_does_not_fit_is_told_and_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, words: str
) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png", icc_profile=content)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), RGB)
    (message,) = caplog.messages
    assert words in message
    assert message.endswith("taken as sRGB")


@pytest.mark.parametrize(
    ("chunks", "words"),
    [
        ([chunk(b"cICP", bytes([12, 13, 0, 1]))], r"code points \[12, 13\]"),
        ([chunk(b"cICP", bytes([9, 16, 0, 1]))], r"code points \[9, 16\]"),
        ([chunk(b"gAMA", (100000).to_bytes(4))], r"a gamma of 1 \(gAMA\)"),
        (
            [chunk(b"cHRM", b"".join(v.to_bytes(4) for v in (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)))],
            "cHRM",
        ),
        ([chunk(b"cICP", bytes([1, 13, 0, 1]))], ""),
        ([chunk(b"gAMA", (45455).to_bytes(4))], ""),
        ([chunk(b"sRGB", b"\0"), chunk(b"gAMA", (100000).to_bytes(4))], ""),
    ],
)
def test_png__other_words_for_colours_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, chunks: list[bytes], words: str
) -> None:
    (tmp_path / "a.png").write_bytes(png(RGB, 8, 2, chunks))
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), RGB)
    assert len(caplog.messages) == bool(words)
    assert all(re.search(words, message) for message in caplog.messages)


@pytest.mark.parametrize("form", ["tif", "jpg"])
def test_profile__inks(tmp_path: Path, form: str) -> None:
    image = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    image.paste((255, 0, 0, 0), (8, 0, 16, 16))
    options = {"quality": 100} if form == "jpg" else {}
    image.save(tmp_path / f"a.{form}", icc_profile=ink_profile(), **options)
    picture = read_picture(tmp_path / f"a.{form}")
    np.testing.assert_allclose(picture[8, 2], [255] * 3, atol=3)
    # Cyan is a grey of L* 50 in this profile, and green and blue to Pillow.
    np.testing.assert_allclose(picture[8, 14], [119] * 3, atol=4)


def test_profile__inks_with_one_for_screens(tmp_path: Path) -> None:
    image = Image.fromarray(RGB).convert("CMYK")
    image.save(tmp_path / "a.tif", icc_profile=profile())
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif"), np.asarray(image.convert("RGB")))
