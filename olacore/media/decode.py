"""From a picture's file to an array: Pillow's decoders without its limits, its warnings and its odd formats."""

from __future__ import annotations

import logging
import threading
import warnings
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePath
from typing import Any, BinaryIO

import numpy as np

from olacore.errors import FileFormatError, OlacoreError
from olacore.media import png
from olacore.media.flatten import to_rgb
from olacore.media.kinds import FOREIGN, MAX_PIXELS, START, describe_other
from olacore.media.samples import samples_of, with_mode

logger = logging.getLogger(__name__)

# A tag of TIFF, and its values for a page that shows another one in small.
NEW_SUBFILE, PREVIEWS = 254, (1, 5)
# Another, and its value where each colour has strips of its own.
PLANAR, APART = 284, 2
# What Pillow says of a TIFF that is sound, but whose samples it does not know.
UNREADABLE = ("unknown pixel mode", "unknown raw mode for given image mode", "string index out of range")
_large = threading.Lock()


class _Unknown(Exception):
    """No format knows the file."""


def decode_picture(file: BinaryIO, name: str, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode a picture's file as `read_picture` does.

    Parameters
    ----------
    file : to be read from its beginning; one that can seek
    name : what errors call it; its suffix decides about formats that have no mark of their own
    """
    from PIL import Image

    start = file.read(START)
    if not start:
        raise FileFormatError(f"{name} is empty (0 bytes); expected a picture.")
    try:
        with silence:
            return _decode(file, name, max_pixels)
    except OlacoreError:
        raise
    except _Unknown as error:
        words = describe_other(start)
        rather = f": it is {words}" if words else ""
        raise FileFormatError(f"{name} is not a picture of a known format{rather}.") from error
    except Image.DecompressionBombError as error:
        raise FileFormatError(f"{name} has more than {max_pixels:,} pixels; --max-pixels allows more.") from error
    except MemoryError as error:
        raise FileFormatError(f"{name} cannot be read as a picture: it needs more memory than there is.") from error
    except Exception as error:  # the decoders raise a dozen types on damaged files
        raise FileFormatError(f"{name} cannot be read as a picture: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    reason = " ".join(str(error).split()).rstrip(".")
    if reason in UNREADABLE:
        return "it has samples of a kind that cannot be read"
    # What else Python raises was not written for readers.
    told = isinstance(error, OSError | ValueError | SyntaxError) and reason
    return reason if told else f"it is damaged ({type(error).__name__}: {reason})"


def _decode(file: BinaryIO, name: str, max_pixels: int) -> np.ndarray:
    from PIL import Image

    try:
        return _read(file, name, max_pixels)
    except Image.DecompressionBombError:
        # Pillow's limit is a global of the process: it is lifted for one picture at a time, which saves memory too.
        with _large:
            before = Image.MAX_IMAGE_PIXELS
            Image.MAX_IMAGE_PIXELS = max(max_pixels, before or 0)
            try:
                return _read(file, name, max_pixels)
            finally:
                Image.MAX_IMAGE_PIXELS = before
    except (OlacoreError, _Unknown, MemoryError):
        raise
    except Exception:
        # Texts that are too long, or damaged, are no reason to refuse pixels.
        if (bare := png.without_metadata(file)) is None:
            raise
        return _read(bare[0], name, max_pixels, bare[1])


def _read(file: BinaryIO, name: str, max_pixels: int, profile: bytes | None = None) -> np.ndarray:
    image = _open(file, name)
    if image.format == "TIFF":
        _leave_previews(image)
    samples = samples_of(image)
    _check_size(image, name, max_pixels)
    if image.format == "TIFF":
        _check_whole(image, name)
    if image.format == "PNG":
        samples = replace(samples, low=_low_bytes(image, file, name))
        if odd := png.odd_colours(file, image.info.get("gamma"), image.info.get("chromaticity")):
            _warn(f"{name}: its colours are made for {odd}; taken as sRGB")
    image.load()
    _check_size(image, name, max_pixels)
    if profile is not None:
        image.info["icc_profile"] = profile
    return to_rgb(image, samples, lambda text: _warn(f"{name}: {text}"))


def _check_size(image: Any, name: str, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        millions = f"{width} x {height} pixels, {width * height / 1e6:,.1f} million"
        most = f"at most {max_pixels / 1e6:,.1f} million are read"
        raise FileFormatError(f"{name} has {millions}; {most}; --max-pixels {width * height} allows it.")


def _check_whole(image: Any, name: str) -> None:
    """Refuse a TIFF whose strips or tiles are too few: what they do not cover, Pillow leaves black."""
    if any(tile[0] != "raw" for tile in image.tile):  # another library looks by itself
        return
    width, height = image.size
    wanted = width * height * (len(image.getbands()) if image.tag_v2.get(PLANAR) == APART else 1)
    held = sum((right - left) * (bottom - top) for _, (left, top, right, bottom), *_ in image.tile)
    if held < wanted:
        share = f"its parts cover {held:,} of {wanted:,} values"
        raise FileFormatError(f"{name} is damaged: of {width} x {height} pixels {share}; copy it again.")


def _open(file: BinaryIO, name: str) -> Any:
    """Open a picture of any size, by the marks at its beginning; raise `_Unknown` if no format knows it.

    `Image.open` would refuse large ones, start Ghostscript, and hide why a format that knew the file gave it up.
    """
    from PIL import Image

    Image.init()
    file.seek(0)
    prefix = file.read(16)
    named = Image.EXTENSION.get(PurePath(name).suffix.lower())
    refused: Exception | None = None
    for form in Image.ID:
        factory, accepts = Image.OPEN[form]
        if form in FOREIGN:
            continue
        try:
            # What has no mark could be anything: its suffix has to say it.
            said = accepts(prefix) if accepts else form == named
            if isinstance(said, str):
                raise ValueError(said)
            if said:
                file.seek(0)
                return factory(file, "")
        except Exception as error:  # a format that is mistaken raises whatever it stumbles over
            if refused is None or form == named:
                refused = error
    if refused is None:
        raise _Unknown
    raise refused


def _leave_previews(image: Any) -> None:
    """Go to the first page of a TIFF that is not another's preview."""
    page = 0
    while image.tag_v2.get(NEW_SUBFILE) in PREVIEWS:
        page += 1
        try:
            image.seek(page)
        except EOFError:
            raise ValueError("it holds nothing but a preview of another picture") from None


def _low_bytes(image: Any, file: BinaryIO, name: str) -> Any:
    """The other half of colours of 16 bits, where it is needed to tell which of them is transparent."""
    if not (isinstance(image.info.get("transparency"), tuple) and image.tile and image.tile[0][3] == "RGB;16B"):
        return None
    low = _open(file, name)
    low.tile = [with_mode(low.tile[0], "RGB;16L")]
    low.load()
    return low


@lru_cache(maxsize=4096)
def _warn(text: str) -> None:
    """Say it once: a picture of a data set is read twice."""
    logger.warning("%s", text)


class _Silence:
    """`warnings.catch_warnings` for several threads: the first to enter silences, the last to leave restores."""

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._catcher: warnings.catch_warnings[None] = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._catcher = warnings.catch_warnings()
                self._catcher.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._catcher.__exit__(None, None, None)


silence = _Silence()
