"""Frames of video as sRGB: HDR and wide colours mapped, transparent pixels white."""

from functools import cache
from typing import Any

import numpy as np

# Numbers of ITU-T H.273: transfer curves of HDR, and primaries wider than those of sRGB.
PQ, HLG = 16, 18
CURVES = {PQ: "PQ", HLG: "HLG"}
# To linear sRGB (ITU-R BT.2087; P3 with the white D65), by primaries.
TO_SRGB = {
    9: ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730)),
    12: ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274)),
}
# cd/m2: what becomes white (ITU-R BT.2408), and the peak of the display that HLG is meant for.
WHITE, HLG_PEAK = 203, 1000
HLG_LUMINANCE = np.array((0.2627, 0.6780, 0.0593), np.float32)
# Rows that are mapped at once: a large frame would need twelve times its bytes.
STRIP = 64


def curve_of(frame: Any) -> str:
    """The name of a frame's HDR curve, or nothing."""
    return CURVES.get(int(frame.color_trc), "")


def to_srgb(frame: Any, height: int, width: int) -> np.ndarray:
    """A frame in another size, as (H, W, 3) uint8 in sRGB.

    HDR is mapped so that 203 cd/m2 is white; what is brighter, and colours that sRGB does not have, are clipped.
    """

    def resized(form: str) -> np.ndarray:
        # One thread: the decoder and the teacher have the others.
        small = frame.reformat(width=width, height=height, format=form, interpolation="BICUBIC", threads=1)
        return np.asarray(small.to_ndarray())

    curve, wide = int(frame.color_trc), TO_SRGB.get(int(frame.color_primaries))
    if curve in CURVES or wide:
        return map_colours(resized("rgb48le"), curve, wide)
    if any(part.is_alpha for part in frame.format.components):
        return over_white(resized("rgba"))
    return resized("rgb24")


def over_white(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 4) uint8 with transparency, in front of white: (H, W, 3) uint8."""
    alpha = pixels[..., 3:].astype(np.uint16)
    return ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def map_colours(codes: np.ndarray, curve: int, wide: tuple[tuple[float, ...], ...] | None) -> np.ndarray:
    """Map (H, W, 3) uint16 of a transfer curve and of wide primaries to sRGB, (H, W, 3) uint8."""
    linear, encoded = linear_table(curve), srgb_table()
    picture = np.empty(codes.shape, np.uint8)
    for top in range(0, len(codes), STRIP):
        light = linear[codes[top : top + STRIP]]
        if curve == HLG:
            # The display's own curve: gamma 1.2 of the luminance at 1000 cd/m2 (ITU-R BT.2100).
            light *= (light @ HLG_LUMINANCE)[..., None] ** np.float32(0.2) * np.float32(HLG_PEAK / WHITE)
        if wide:
            light = light @ np.array(wide, np.float32).T
        picture[top : top + STRIP] = encoded[np.rint(np.clip(light, 0, 1) * 65535).astype(np.uint16)]
    return picture


@cache
def linear_table(curve: int) -> np.ndarray:
    """Light of every 16-bit code, white being 1; for HLG that of the scene: (65536,) float32."""
    code = np.arange(65536) / 65535
    if curve == PQ:  # SMPTE ST 2084
        power = code ** (32 / 2523)
        light = (np.maximum(power - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * power)) ** (8192 / 1305) * 10000 / WHITE
    elif curve == HLG:  # ITU-R BT.2100
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    else:
        light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


@cache
def srgb_table() -> np.ndarray:
    """The sRGB code of light in [0, 1], in steps of 1/65535: (65536,) uint8."""
    light = np.arange(65536) / 65535
    code = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(code * 255).astype(np.uint8)
