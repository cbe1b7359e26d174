"""From a PIL picture of any mode to (H, W, 3) uint8 sRGB, strip by strip, so that little more is held than both."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from olacore.media.profiles import find_conversion
from olacore.media.samples import Samples, samples_of

if TYPE_CHECKING:
    from PIL import Image

STRIP_PIXELS = 1 << 21
ORIENTATION = 0x0112
# The picture as it is stored, as a view of the upright one, by EXIF's orientation.
STORED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


def to_rgb(
    image: Image.Image, samples: Samples | None = None, warn: Callable[[str], None] = lambda text: None
) -> np.ndarray:
    """Return a PIL picture as (H, W, 3) uint8 sRGB, upright, transparent pixels white.

    Parameters
    ----------
    warn : told what was left aside, such as a damaged colour profile

    Raises
    ------
    ValueError  if its values are of an unknown range
    """
    samples = samples or samples_of(image)
    image.load()
    if image.mode == "F":
        raise ValueError("its samples are floats, of an unknown range")
    convert = _conversion(image, warn)
    stored = STORED.get(_orientation(image), lambda upright: upright)
    upright = np.empty(stored(np.broadcast_to(np.uint8(), (image.height, image.width, 3))).shape, np.uint8)
    picture = stored(upright)
    rows = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        low = None if samples.low is None else samples.low.crop(box)
        picture[top : top + rows] = _on_white(*_split(image.crop(box), samples, low), convert)
    return upright


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # damaged metadata are no reason to refuse pixels
        return 1


def _conversion(image: Image.Image, warn: Callable[[str], None]) -> Any:
    if "icc_profile" not in image.info:
        return None
    profile = image.info["icc_profile"]
    greys = image.mode.startswith("I") or image.mode in ("1", "L", "LA", "La")
    mode = "L" if greys else "CMYK" if image.mode == "CMYK" else "RGB"
    try:
        return find_conversion(bytes(profile or b""), mode)
    except (TypeError, ValueError) as error:
        warn(f"{error}; taken as sRGB")
        return None


def _split(strip: Image.Image, samples: Samples, low: Image.Image | None) -> tuple[Image.Image, Image.Image | None]:
    """The colours of a strip in mode "L", "RGB" or "CMYK", and its alpha in mode "L" if it has any."""
    if strip.mode.startswith("I"):
        return _eight_bits(strip, samples)
    key = samples.see_through
    if strip.mode in ("1", "L", "RGB") and isinstance(key, int | tuple):
        levels = np.asarray(strip.convert("L") if strip.mode == "1" else strip)
        if low is not None:
            levels = levels.astype(np.uint16) << 8 | np.asarray(low)
        seen = levels != np.array(key)
        return strip, _alpha(seen.any(-1) if seen.ndim == 3 else seen)
    if strip.mode == "La":
        strip = strip.convert("LA")
    if strip.mode in ("PA", "RGBa") or "transparency" in strip.info:
        strip = strip.convert("RGBA")
    if strip.mode in ("LA", "RGBA"):
        return strip.convert(strip.mode[:-1]), strip.getchannel("A")
    return strip, None


def _eight_bits(strip: Image.Image, samples: Samples) -> tuple[Image.Image, Image.Image | None]:
    from PIL import Image

    values = np.asarray(strip)
    if values.dtype.itemsize > 2 and (values.min() < 0 or values.max() > samples.most):
        raise ValueError("its values are not of 16 bits")
    alpha = _alpha(values != samples.see_through) if isinstance(samples.see_through, int) else None
    wide = values.astype(np.uint32)
    if samples.inverted:
        wide = samples.most - wide
    return Image.fromarray(((wide * 510 + samples.most) // (2 * samples.most)).astype(np.uint8)), alpha


def _alpha(seen: np.ndarray) -> Image.Image:
    from PIL import Image

    return Image.fromarray(np.where(seen, np.uint8(255), np.uint8(0)))


def _on_white(colours: Image.Image, alpha: Image.Image | None, convert: Any) -> np.ndarray:
    from PIL import Image, ImageCms

    if convert is not None:
        if colours.mode != convert.inputMode:
            colours = colours.convert(convert.inputMode)
        colours = cast("Image.Image", ImageCms.applyTransform(colours, convert))
    elif colours.mode != "RGB":
        colours = colours.convert("RGB")
    if alpha is not None:
        colours.putalpha(alpha)
        colours = Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours).convert("RGB")
    return np.asarray(colours)
