"""Pictures from files, cut to squares, and back to files. Pillow is imported only when one of these is called."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from olacore.errors import ConfigError, DTypeError, FileFormatError, ShapeError
from olacore.files import replace_file
from olacore.foreign.reading import or_meant
from olacore.media.decode import decode_picture, silence
from olacore.media.flatten import to_rgb
from olacore.media.kinds import MAX_PIXELS, look_at

if TYPE_CHECKING:
    from PIL import Image

logger = logging.getLogger(__name__)

# PNG: level 3 takes a third of the time of Pillow's default, 6, for a tenth more bytes.
SETTINGS = {"quality": 95, "compress_level": 3}
# Suffixes that are written, with the longest side that the format takes.
WRITTEN = {
    ".jpeg": ("JPEG", 65500),
    ".jpg": ("JPEG", 65500),
    ".png": ("PNG", (1 << 31) - 1),
    ".webp": ("WEBP", 16383),
}


class Square(NamedTuple):
    """A square part of a picture, in its pixels."""

    top: int
    left: int
    side: int


def read_picture(path: Path, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read a picture as (H, W, 3) uint8 sRGB, turned upright as its EXIF data say.

    Transparent pixels show white; 16 bits become 8; of an animation the first frame counts. Colour profiles are
    applied, with relative colorimetric intent and black point compensation; one that is damaged is warned of, and so
    is a PNG whose colours are named in another way (gAMA, cHRM, cICP): both are taken as sRGB.

    Parameters
    ----------
    max_pixels : of the largest picture to read; it takes some 8 bytes for each, and its file

    Raises
    ------
    FileFormatError  if it is missing, empty, damaged, not a picture, too large, or its samples have no known range
    """
    with open_picture(path) as file:
        return decode_picture(file, str(path), max_pixels)


@contextmanager
def open_picture(path: Path, what: str = "picture") -> Iterator[BinaryIO]:
    """Open the file of a picture, or of what else was expected.

    Raises
    ------
    FileFormatError  if it is missing, no regular file, or cannot be read
    """
    found = look_at(path)
    if found not in ("", "a file"):
        raise FileFormatError(f"{path} is {found}; expected a {what}.")
    try:
        file = path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise FileFormatError(f"cannot read the {what} {path}: {reason}{or_meant(path)}") from error
    with file:
        yield file


def flattened(image: Image.Image) -> np.ndarray:
    """Return a PIL picture as (H, W, 3) uint8 sRGB, as `read_picture` reads files.

    Raises
    ------
    DTypeError  if its values are of an unknown range
    """
    try:
        with silence:
            return to_rgb(image, warn=lambda text: logger.warning("the PIL picture: %s", text))
    except Exception as error:  # it may be a file that is not loaded yet, and damaged
        raise DTypeError(f"the PIL picture of mode {image.mode} cannot be read: {error}.") from error


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


def check_picture(path: Path, height: int = 0, width: int = 0) -> None:
    """Raise unless a picture of this size can be written to such a file.

    Raises
    ------
    ConfigError  if the suffix is unknown
    ShapeError  if the format holds no picture as large
    """
    if path.suffix.lower() not in WRITTEN:
        raise ConfigError(f"pictures are written as {', '.join(WRITTEN)}; got {path.name}.")
    form, most = WRITTEN[path.suffix.lower()]
    if max(height, width) > most:
        size = f"{width} x {height} pixels; {form} takes sides of at most {most}"
        raise ShapeError(f"cannot write {path}: it would have {size}. Take .png.")


def read_note(path: Path, key: str) -> str | None:
    """The text that a PNG keeps under a key; None where it has none, or is another kind of picture.

    Raises
    ------
    FileFormatError  if it is missing, or no picture
    """
    from PIL import Image

    try:
        with silence, Image.open(path) as image:
            image.load()
            found = getattr(image, "text", {}).get(key)
    except Exception as error:  # Pillow's readers raise whatever their formats' damage makes them stumble over
        raise FileFormatError(f"cannot read {path} as a picture: {error}.") from error
    return None if found is None else str(found)


def write_picture(path: Path, picture: np.ndarray, notes: Mapping[str, str] | None = None) -> None:
    """Write (H, W, 3) uint8 RGB in one step, replacing what is there; the suffix names the format.

    Parameters
    ----------
    notes : texts by key that a PNG keeps; other formats leave them out

    Raises
    ------
    ConfigError  if the suffix is unknown
    ShapeError, DTypeError  if the array is no picture, or too large for the format
    OutputError  if the file cannot be written
    """
    check_picture(path)
    if picture.ndim != 3 or picture.shape[-1] != 3 or 0 in picture.shape:
        raise ShapeError(f"a picture must be (H, W, 3); got {picture.shape}.")
    if picture.dtype != np.uint8:
        raise DTypeError(f"a picture must be uint8; got {picture.dtype}.")
    check_picture(path, *picture.shape[:2])
    replace_file(path, picture_bytes(path.suffix, picture, notes))


def picture_bytes(suffix: str, picture: np.ndarray, notes: Mapping[str, str] | None = None) -> bytes:
    """The file of a picture (H, W, 3) uint8 RGB, as `write_picture` writes it.

    Parameters
    ----------
    suffix : one of `WRITTEN`
    """
    from PIL import Image

    content = io.BytesIO()
    form = WRITTEN[suffix.lower()][0]
    kept = {}
    if notes and form == "PNG":
        from PIL.PngImagePlugin import PngInfo

        kept["pnginfo"] = PngInfo()
        for key, text in notes.items():
            kept["pnginfo"].add_itxt(key, text)
    Image.fromarray(picture).save(content, form, **SETTINGS, **kept)
    return content.getvalue()
