"""Pictures from files, cut to squares, and back to files. Pillow is imported only when one of these is called."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from olacore.errors import ConfigError, DTypeError, FileFormatError, ShapeError
from olacore.files import replace_file

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = frozenset((".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"))
STRIP = 256
# PNG: level 3 takes a third of the time of Pillow's default, 6, for a tenth more bytes.
SETTINGS = {"quality": 95, "compress_level": 3}
WRITTEN = {".jpeg": "JPEG", ".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP"}


class Square(NamedTuple):
    """A square part of a picture, in its pixels."""

    top: int
    left: int
    side: int


def read_picture(path: Path) -> np.ndarray:
    """Read a picture as (H, W, 3) uint8 RGB, turned upright as its EXIF data say.

    Transparent pixels show white; 16 bits become 8; of an animation the first frame counts. Colour profiles
    are not applied.

    Raises
    ------
    FileFormatError  if it is missing, empty, damaged, not a picture, or above Pillow's limit of safe sizes
    """
    return decode_picture(read_content(path), str(path))


def read_content(path: Path) -> bytes:
    """Return the bytes of a picture's file.

    Raises
    ------
    FileFormatError  if it is missing or cannot be read
    """
    if not path.is_file():
        raise FileFormatError(f"{path} is {'a folder' if path.is_dir() else 'missing'}; expected a picture.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"{path} cannot be read: {error.strerror}.") from error


def decode_picture(content: bytes, name: str) -> np.ndarray:
    """Decode the bytes of a picture's file as `read_picture` does; `name` is what errors call it."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not content:
        raise FileFormatError(f"{name} is empty (0 bytes); expected a picture.")
    try:
        with warnings.catch_warnings():
            # Odd metadata are none of our business, the size is.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                ImageOps.exif_transpose(image, in_place=True)
                return to_rgb(image)
    except UnidentifiedImageError as error:
        raise FileFormatError(f"{name} is not a picture of a known format.") from error
    except Exception as error:  # the decoders raise a dozen types on damaged files
        raise FileFormatError(f"{name} cannot be read as a picture: {error}.") from error


def flattened(image: Image.Image) -> np.ndarray:
    """Return a PIL picture as (H, W, 3) uint8 RGB, turned upright, transparent pixels white.

    Raises
    ------
    DTypeError  if its values are of an unknown range
    """
    from PIL import ImageOps

    try:
        return to_rgb(ImageOps.exif_transpose(image))
    except ValueError as error:
        raise DTypeError(f"the PIL picture of mode {image.mode} cannot be read: {error}.") from error


def to_rgb(image: Image.Image) -> np.ndarray:
    """Return a PIL picture as (H, W, 3) uint8 RGB; raise ValueError if its values are of an unknown range."""
    from PIL import Image

    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise ValueError("its values are not of 16 bits")
        return np.repeat(((values + 128) // 257).astype(np.uint8)[..., None], 3, -1)
    if image.mode == "F":
        raise ValueError("its values are of an unknown range")
    if "transparency" in image.info or image.mode[-1] in "Aa":
        colours = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours)
    if image.mode != "RGB":
        image = image.convert("RGB")
    # Strip by strip: Pillow would hold a large picture three times more while it hands it over.
    picture = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):
        bottom = min(top + STRIP, image.height)
        picture[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return picture


def centre_square(height: int, width: int) -> Square:
    """The largest square in the middle."""
    side = min(height, width)
    return Square((height - side) // 2, (width - side) // 2, side)


def random_square(height: int, width: int, least: int, random: np.random.Generator) -> Square:
    """A square anywhere in the picture, its side log-uniform from `least` to the shorter side."""
    side = round(np.exp(random.uniform(np.log(least), np.log(min(height, width)))))
    return Square(int(random.integers(height - side + 1)), int(random.integers(width - side + 1)), side)


def crop(picture: np.ndarray, size: int, square: Square | None = None) -> np.ndarray:
    """Cut a square and resize it with a Lanczos filter.

    Parameters
    ----------
    picture : (H, W, 3) uint8
    size : side of the result
    square : what to cut; without it the centre square, so the shorter side becomes `size`

    Returns
    -------
    (size, size, 3) uint8
    """
    from PIL import Image

    top, left, side = square or centre_square(*picture.shape[:2])
    box = (left, top, left + side, top + side)
    return np.array(Image.fromarray(picture).resize((size, size), Image.Resampling.LANCZOS, box))


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Write (H, W, 3) uint8 RGB in one step, replacing what is there; the suffix names the format.

    Raises
    ------
    ConfigError  if the suffix is unknown
    ShapeError, DTypeError  if the array is no picture
    OutputError  if the file cannot be written
    """
    from PIL import Image

    form = WRITTEN.get(path.suffix.lower())
    if form is None:
        raise ConfigError(f"pictures are written as {', '.join(WRITTEN)}; got {path.name}.")
    if picture.ndim != 3 or picture.shape[-1] != 3 or 0 in picture.shape:
        raise ShapeError(f"a picture must be (H, W, 3); got {picture.shape}.")
    if picture.dtype != np.uint8:
        raise DTypeError(f"a picture must be uint8; got {picture.dtype}.")
    content = io.BytesIO()
    Image.fromarray(picture).save(content, form, **SETTINGS)
    replace_file(path, content.getvalue())
