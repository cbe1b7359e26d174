"""PNG below Pillow: its chunks, which of them decide about the pixels, and what its colours mean."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
PROFILE_BYTES = 1 << 24
# Code points of ITU-T H.273: the primaries of sRGB, and the transfer curves that are shown as sRGB's.
PRIMARIES, CURVES = 1, (1, 6, 13, 14, 15)
GAMMA, CHROMATICITY = 1 / 2.2, (0.64, 0.33, 0.3, 0.6, 0.15, 0.06)


def chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and length of each chunk's data, from the first to the last or to where the file ends."""
    file.seek(0)
    if file.read(8) != SIGNATURE:
        return
    place = 8
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        yield name, place + 8, length
        place += length + 12
        file.seek(place)


def without_metadata(file: BinaryIO) -> tuple[BinaryIO, bytes | None] | None:
    """Leave of a PNG what decides about its pixels, so that nothing else can make it unreadable.

    Returns
    -------
    the file, and its colour profile: None without one, empty if it is damaged; or None if it is no PNG
    """
    kept, profile = [SIGNATURE], None
    for name, place, length in chunks(file):
        if name not in (*PIXELS, b"iCCP", b"eXIf"):
            continue
        file.seek(place - 8)
        whole = file.read(length + 12)
        if name in PIXELS:
            kept.append(whole)
        elif zlib.crc32(whole[4:-4]) == int.from_bytes(whole[-4:]):
            if name == b"eXIf":
                kept.append(whole)
            else:
                profile = _inflated(whole[8:-4].partition(b"\0")[2][1:])
        elif name == b"iCCP":
            profile = b""
    return (io.BytesIO(b"".join(kept)), profile) if len(kept) > 1 else None


def _inflated(packed: bytes) -> bytes:
    with suppress(zlib.error):
        stream = zlib.decompressobj()
        profile = stream.decompress(packed, PROFILE_BYTES)
        return profile if stream.eof else b""
    return b""


def odd_colours(file: BinaryIO, gamma: float | None, chromaticity: tuple[float, ...] | None) -> str:
    """What a PNG says of its colours that sRGB is not, or nothing; a colour profile and sRGB's own chunk come first.

    Parameters
    ----------
    gamma, chromaticity : as Pillow has them
    """
    found: dict[bytes, bytes] = {}
    for name, place, length in chunks(file):
        if name == b"IDAT":
            break
        if name in (b"cICP", b"iCCP", b"sRGB"):
            file.seek(place)
            found[name] = file.read(min(length, 4))
    code = found.get(b"cICP", b"")
    if len(code) == 4:
        return "" if code[0] == PRIMARIES and code[1] in CURVES else f"code points {[*code[:2]]} (cICP)"
    if found:
        return ""
    if gamma and not 0.9 < gamma / GAMMA < 1.1:
        return f"a gamma of {gamma:g} (gAMA)"
    primaries = (chromaticity or ())[2:]
    if len(primaries) == 6 and max(abs(a - b) for a, b in zip(primaries, CHROMATICITY, strict=True)) > 0.01:
        return "other primaries (cHRM)"
    return ""
