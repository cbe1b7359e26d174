"""What the numbers of a picture mean where Pillow's mode does not say, or Pillow takes them for others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

# Tags of TIFF, and what FORMAT may say.
BITS, PHOTOMETRIC, PLANES, FORMAT, SUBSAMPLING = 258, 262, 284, 339, 530
YCBCR = 6
KINDS = {1: "whole numbers", 2: "signed numbers", 3: "floats"}
# What Pillow multiplies levels of 2 and 4 bits by, and leaves out for the one that is transparent.
SPREAD = {"L;2": 85, "L;4": 17}


@dataclass(frozen=True)
class Samples:
    """What a picture's numbers mean where its mode does not say.

    Parameters
    ----------
    most : the value of white, for modes of 16 bits
    inverted : 0 is white, and Pillow has not turned it round
    see_through : the level or colour that is transparent, in the picture's own range
    low : the lower bytes of a picture whose colours have 16 bits, by which `see_through` is found
    """

    most: int = 0xFFFF
    inverted: bool = False
    see_through: Any = None
    low: Image.Image | None = None


def samples_of(image: Any) -> Samples:
    """Look at a PIL picture that is open and, if it comes from a file, better not loaded yet.

    Raises
    ------
    ValueError  if its samples are of a kind that cannot be read
    """
    if hasattr(image, "tag_v2"):
        return _tiff_samples(image)
    key = image.info.get("transparency")
    if isinstance(key, int) and image.format == "PNG" and image.tile:
        key *= SPREAD.get(image.tile[0][3], 1)
    return Samples(see_through=key)


def _tiff_samples(image: Any) -> Samples:
    """Refuse numbers that Pillow takes for others, and put right what it leaves undone."""
    bits, numbers = image.tag_v2.get(BITS, (1,)), image.tag_v2.get(FORMAT, (1,))
    if set(numbers) != {1} or max(bits) > 16:
        kind = f"{max(bits)} bits, {KINDS.get(max(numbers), 'unknown numbers')}"
        raise ValueError(f"it has samples of a kind that cannot be read ({kind} of an unknown range)")
    apart, raw = image.tag_v2.get(PLANES) == 2 and len(bits) > 1, not image.use_load_libtiff
    if apart and image.mode not in ("RGB", "RGBA", "CMYK"):
        raise ValueError(f"it has samples of a kind that cannot be read ({image.mode} in separate planes)")
    full = image.mode == "YCbCr" and image.tag_v2.get(SUBSAMPLING) == (1, 1)
    if raw and len(bits) > 1 and image.tag_v2.get(PHOTOMETRIC) == YCBCR and not full:
        raise ValueError("it has samples of a kind that cannot be read (YCbCr without compression)")
    if apart and raw and max(bits) == 16:
        if not image.tile:
            raise ValueError("Pillow has loaded its planes of 16 bits wrongly; give the file")
        order = "L" if image.tag_v2.prefix == b"II" else "B"
        image.tile = [with_mode(tile, f"{tile[3][0]};16{order}") for tile in image.tile]
    inverted = image.mode.startswith("I;16") and image.tag_v2.get(PHOTOMETRIC, 0) == 0
    return Samples((1 << max(bits)) - 1 if image.mode.startswith("I") else 0xFFFF, inverted)


def with_mode(tile: Any, mode: str) -> Any:
    """The same tile of a PIL picture, its bytes read as another raw mode."""
    arguments = mode if isinstance(tile[3], str) else (mode, *tile[3][1:])
    # Tiles were plain tuples in older versions.
    return tile._replace(args=arguments) if hasattr(tile, "_replace") else (*tile[:3], arguments)
