import os
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

from olacore.errors import ConfigError, DTypeError, FileFormatError, OutputError, ShapeError
from olacore.media.pictures import (
    Square,
    centre_square,
    check_picture,
    crop,
    flattened,
    random_square,
    read_picture,
    write_picture,
)

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)


def saved(folder: Path, image: Image.Image, name: str = "picture.png", **options: object) -> Path:
    image.save(folder / name, **options)
    return folder / name


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK", "YCbCr"])
def test_read_picture__every_mode_is_eight_bit_rgb(tmp_path: Path, mode: str) -> None:
    if mode == "YCbCr" and int(PIL.__version__.partition(".")[0]) < 13:
        # It takes such a file for RGB where it has no compression.
        with pytest.raises(FileFormatError, match="YCbCr without compression"):
            read_picture(saved(tmp_path, Image.new("YCbCr", (9, 6)), "picture.tif"))
        return
    level = 255 if mode == "1" else 204  # one that the web palette of "P" has
    image = Image.new("RGB", (9, 6), (level, level, level)).convert(mode)
    picture = read_picture(saved(tmp_path, image, "picture.tif" if mode in ("CMYK", "YCbCr") else "picture.png"))
    assert (picture.shape, picture.dtype) == ((6, 9, 3), np.uint8)
    assert np.abs(picture.astype(int) - level).max() <= 1


def test_read_picture__rgb_is_exact(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_picture(saved(tmp_path, Image.fromarray(RGB))), RGB)


def test_read_picture__cmyk_jpeg(tmp_path: Path) -> None:
    image = Image.new("RGB", (16, 16), (10, 200, 90)).convert("CMYK")
    picture = read_picture(saved(tmp_path, image, "picture.jpg", quality=100))
    assert np.abs(picture.astype(int) - (10, 200, 90)).max() <= 4


def test_read_picture__transparent_is_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (255, 0, 0, 255))
    np.testing.assert_array_equal(read_picture(saved(tmp_path, image))[0], [[255] * 3, [255, 0, 0]])


def test_read_picture__sixteen_bits_keep_their_range(tmp_path: Path) -> None:
    levels = np.array([[0, 257, 32896, 65535]], np.uint16)
    picture = read_picture(saved(tmp_path, Image.fromarray(levels)))
    np.testing.assert_array_equal(picture[0, :, 1], [0, 1, 128, 255])


def test_read_picture__turned_as_exif_says(tmp_path: Path) -> None:
    image = Image.fromarray(RGB)
    exif = image.getexif()
    exif[0x0112] = 6
    turned = read_picture(saved(tmp_path, image, exif=exif))
    np.testing.assert_array_equal(turned, np.rot90(RGB, -1))


def test_read_picture__one_pixel(tmp_path: Path) -> None:
    assert read_picture(saved(tmp_path, Image.new("L", (1, 1), 7))).tolist() == [[[7, 7, 7]]]


def test_read_picture__bad_files(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    with pytest.raises(FileFormatError, match="is a folder; expected a picture"):
        read_picture(tmp_path)
    with pytest.raises(FileFormatError, match=r"cannot read the picture .*picture\.png: No such file"):
        read_picture(path)
    path.touch()
    with pytest.raises(FileFormatError, match="empty"):
        read_picture(path)
    path.write_text("no picture at all")
    with pytest.raises(FileFormatError, match="not a picture of a known format"):
        read_picture(path)
    saved(tmp_path, Image.fromarray(RGB))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FileFormatError, match="cannot be read as a picture"):
        read_picture(path)


def test_flattened__unknown_ranges() -> None:
    with pytest.raises(DTypeError, match="floats, of an unknown range"):
        flattened(Image.new("F", (2, 2), 0.5))
    for value in (-1, 1 << 20):
        with pytest.raises(DTypeError, match="16 bits"):
            flattened(Image.new("I", (2, 2), value))


def test_read_picture__what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to("nowhere.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "file").touch()
    for name, words in (
        ("pipe.png", "is a named pipe; expected a picture"),
        ("link.png", "is a link to what is missing; expected"),
        ("loop.png", "is not to be reached: Too many levels"),
        ("file/a.png", "cannot read the picture .*file/a.png: Not a directory"),
        ("x" * 300, "is not to be reached: File name too long"),
        ("nul\0.png", "cannot read the picture .*: embedded null"),
    ):
        with pytest.raises(FileFormatError, match=words):
            read_picture(tmp_path / name)
    with pytest.raises(FileFormatError, match="is a device"):
        read_picture(Path("/dev/null"))


def test_read_picture__one_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*given: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = saved(tmp_path, Image.fromarray(RGB))
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(FileFormatError, match="cannot read the picture .*: Permission denied"):
        read_picture(path)
    monkeypatch.setattr(os, "stat", denied)
    with pytest.raises(FileFormatError, match="not to be reached: Permission denied"):
        read_picture(path)


def test_crop__centre_keeps_the_shorter_side() -> None:
    assert centre_square(6, 9) == Square(0, 1, 6)
    assert centre_square(9, 6) == Square(1, 0, 6)
    np.testing.assert_array_equal(crop(RGB, 6), RGB[:, 1:7])


def test_crop__square_is_cut_and_resized() -> None:
    np.testing.assert_array_equal(crop(RGB, 4, Square(2, 5, 4)), RGB[2:6, 5:])
    assert crop(RGB, 16, Square(2, 5, 4)).shape == (16, 16, 3)


def test_crop__shrinking_is_antialiased() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(crop(stripes, 8).astype(int) - 127).max() < 12


def test_random_square__inside_and_seeded() -> None:
    squares = [random_square(40, 60, 20, np.random.default_rng(seed)) for seed in range(200)]
    assert all(20 <= s.side <= 40 and s.top + s.side <= 40 and s.left + s.side <= 60 for s in squares)
    assert len(set(squares)) > 100
    assert squares[3] == random_square(40, 60, 20, np.random.default_rng(3))


@pytest.mark.parametrize("name", ["out.png", "out.jpg", "out.webp"])
def test_write_picture__reads_back(tmp_path: Path, name: str) -> None:
    flat = np.full((16, 16, 3), 90, np.uint8)
    write_picture(tmp_path / name, flat)
    assert np.abs(read_picture(tmp_path / name).astype(int) - 90).max() <= 2
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_write_picture__refuses(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"got out\.xyz"):
        write_picture(tmp_path / "out.xyz", RGB)
    with pytest.raises(ShapeError, match=r"got \(6, 9\)"):
        write_picture(tmp_path / "out.png", RGB[..., 0])
    with pytest.raises(DTypeError, match="got float32"):
        write_picture(tmp_path / "out.png", RGB.astype(np.float32))
    with pytest.raises(OutputError, match="cannot write"):
        write_picture(tmp_path / "none" / "out.png", RGB)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(("name", "most"), [("a.webp", 16383), ("a.JPG", 65500), ("a.jpeg", 65500)])
def test_write_picture__larger_than_its_format(tmp_path: Path, name: str, most: int) -> None:
    path = tmp_path / name
    for shape in ((most + 1, 1, 3), (1, most + 1, 3)):
        with pytest.raises(ShapeError, match=f"takes sides of at most {most}"):
            write_picture(path, np.zeros(shape, np.uint8))
        with pytest.raises(ShapeError, match=f"takes sides of at most {most}"):
            check_picture(path, *shape[:2])
    assert not path.exists()
    write_picture(path, np.zeros((most, 1, 3), np.uint8))
    assert read_picture(path).shape == (most, 1, 3)
