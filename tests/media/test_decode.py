"""Files that are damaged, foreign, odd or large: one sentence, or the picture."""

import io
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from olacore.errors import FileFormatError, OlacoreError
from olacore.media.pictures import read_picture
from tests.support.picture_files import chunk, png, profile

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)


def encoded(form: str, mode: str = "RGB", **options: object) -> bytes:
    held = io.BytesIO()
    Image.fromarray(RGB).convert(mode).save(held, form, **options)
    return held.getvalue()


def test_read_picture__texts_of_any_length_are_none_of_our_business(tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("workflow", "node " * 300_000, zip=True)
    Image.fromarray(RGB).save(tmp_path / "a.png", pnginfo=text)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), RGB)


@pytest.mark.parametrize(
    "odd",
    [
        chunk(b"zTXt", b"key\0\0no zlib"),
        chunk(b"iTXt", b""),
        chunk(b"tEXt", b"key\0value")[:-1] + b"?",
        chunk(b"eXIf", b"MM\0*\0\0\0\xff"),
        chunk(b"gAMA", b""),
        chunk(b"cHRM", b"12"),
        chunk(b"pHYs", b"1"),
        chunk(b"abCD", b"anything"),
        chunk(b"iCCP", b"name\0\0no zlib"),
        chunk(b"acTL", b"\xff" * 8),
    ],
    ids=lambda odd: odd[4:8].decode(),
)
def test_read_picture__odd_chunks_do_not_refuse_pixels(tmp_path: Path, odd: bytes) -> None:
    (tmp_path / "a.png").write_bytes(png(RGB, 8, 2, [odd]))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), RGB)
    (tmp_path / "b.png").write_bytes(png(RGB, 8, 2, after=[odd]))
    np.testing.assert_array_equal(read_picture(tmp_path / "b.png"), RGB)


def test_read_picture__orientation_and_colours_are_kept_beside_odd_texts(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    wide = profile()
    parts = [
        chunk(b"zTXt", b"key\0\0no zlib"),
        chunk(b"eXIf", exif.tobytes()[6:]),
        chunk(b"iCCP", b"wide\0\0" + zlib.compress(wide)),
    ]
    (tmp_path / "a.png").write_bytes(png(RGB, 8, 2, parts))
    Image.fromarray(RGB[::-1, ::-1]).save(tmp_path / "b.png", icc_profile=wide)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), read_picture(tmp_path / "b.png"))


@pytest.mark.parametrize("number", [0, 1, 2, 12, 13])
@pytest.mark.parametrize(
    "start", [b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"MPF\0II*\0", b"ICC_PROFILE\0\1\2x", b"8BIM", b""]
)
def test_read_picture__odd_segments_do_not_refuse_pixels(tmp_path: Path, number: int, start: bytes) -> None:
    plain = encoded("JPEG")
    (tmp_path / "a.jpg").write_bytes(plain)
    segment = struct.pack(">BBH", 0xFF, 0xE0 + number, len(start) + 42) + start + b"\xfe" * 40
    (tmp_path / "b.jpg").write_bytes(plain[:2] + segment + plain[2:])
    np.testing.assert_array_equal(read_picture(tmp_path / "b.jpg"), read_picture(tmp_path / "a.jpg"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer.* `git lfs pull`"),
        (b"\n<!DOCTYPE html><html>", "a page of HTML"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x">', "an SVG drawing"),
        (bytes(700), "full of zeros"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "a picture in HEIC, which cannot be read"),
        (b"\0\0\0\x18ftypisom" + bytes(40), "a video; give it the suffix"),
        (b"%PDF-1.7 ", "a PDF document"),
        (b"PK\x03\x04", "a zip archive; give it the suffix"),
        (b"PK\x03\x04".ljust(26, b"\0") + b"\x0a\0\x14\0latent.npy\1\0\x10\0", "a .npz file of arrays; `ola decode`"),
        (b"a.png".ljust(257, b"\0") + b"ustar", "a tar archive; unpack it"),
    ],
)
def test_read_picture__tells_what_else_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(FileFormatError, match=f"not a picture of a known format: it is {words}"):
        read_picture(tmp_path / "a.jpg")


def test_read_picture__starts_no_other_program_and_believes_no_stray_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    with pytest.raises(FileFormatError, match="it is a PostScript document"):
        read_picture(path)
    # TGA has no mark at its beginning: only the suffix makes these bytes one.
    path.write_bytes(encoded("TGA"))
    with pytest.raises(FileFormatError, match=r"a\.png"):
        read_picture(path)
    path.rename(tmp_path / "a.tga")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tga"), RGB)


@pytest.mark.parametrize("form", ["png", "jpg", "tif", "webp", "gif", "bmp"])
def test_read_picture__cut_short(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"a.{form}"
    Image.fromarray(np.tile(RGB, (9, 9, 1))).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(FileFormatError, match="cannot be read as a picture"):
        read_picture(path)


def test_read_picture__size_is_bounded_by_an_option_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    for form in ("png", "webp", "tif"):
        path = tmp_path / f"a.{form}"
        Image.fromarray(RGB).save(path, **({"lossless": True} if form == "webp" else {}))
        np.testing.assert_array_equal(read_picture(path), RGB)
        np.testing.assert_array_equal(read_picture(path, 54), RGB)
        with pytest.raises(FileFormatError, match="--max-pixels"):
            read_picture(path, 53)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_read_picture__a_header_alone_takes_no_memory(tmp_path: Path) -> None:
    huge = png(RGB, 8, 2).replace(chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 6, 8, 2, 0, 0, 0)), b"", 1)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1 << 30, 1 << 30, 8, 2, 0, 0, 0))
    (tmp_path / "a.png").write_bytes(huge[:8] + head + huge[8:])
    with pytest.raises(FileFormatError, match=r"1073741824 x 1073741824 pixels.*at most 268\.4 million"):
        read_picture(tmp_path / "a.png")


def test_read_picture__warnings_of_the_host_are_as_before_in_any_number_of_threads(tmp_path: Path) -> None:
    # Pillow warns of this palette.
    image = Image.fromarray(RGB).convert("P")
    image.save(tmp_path / "a.png", transparency=bytes(range(0, 256)))
    filters = [*warnings.filters]
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                read_picture(tmp_path / "a.png")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, [*warnings.filters]) == ([], filters)


SEEDS = {
    "png": encoded("PNG"),
    "grey.png": encoded("PNG", "L"),
    "palette.png": encoded("PNG", "P"),
    "jpg": encoded("JPEG"),
    "tif": encoded("TIFF"),
    "packed.tif": encoded("TIFF", compression="tiff_adobe_deflate"),
    "webp": encoded("WEBP", "RGBA"),
    "gif": encoded("GIF"),
    "bmp": encoded("BMP"),
}
CHANGE = st.tuples(
    st.integers(0, 400), st.sampled_from(["set", "cut", "insert", "end"]), st.binary(min_size=1, max_size=6)
)


@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.sampled_from(sorted(SEEDS)), changes=st.lists(CHANGE, min_size=1, max_size=4))
def test_read_picture__mangled_files_give_a_picture_or_one_sentence(
    tmp_path: Path, name: str, changes: list[tuple[int, str, bytes]]
) -> None:
    content = bytearray(SEEDS[name])
    for place, how, data in changes:
        at = place % (len(content) + 1)
        if how == "set":
            content[at : at + len(data)] = data
        elif how == "cut":
            del content[at : at + len(data)]
        elif how == "insert":
            content[at:at] = data
        else:
            del content[at:]
    path = tmp_path / f"a.{name}"
    path.write_bytes(content)
    try:
        picture = read_picture(path, 1 << 20)
    except OlacoreError as error:
        sentence = str(error)
    else:
        sentence = f"{path} is of {picture.dtype} in {picture.shape[2:]}."
        assert sentence.endswith("is of uint8 in (3,).")
    assert sentence.startswith(str(path))
    assert sentence.splitlines() == [sentence]
