"""Picture files that Pillow cannot write, made byte by byte, and colour profiles."""

import struct
import zlib
from collections.abc import Iterable, Sequence

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Linear light of primaries, adapted to D50.
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    samples: np.ndarray, depth: int, colour: int, before: Iterable[bytes] = (), after: Iterable[bytes] = ()
) -> bytes:
    """A PNG of samples (h, w) or (h, w, bands); `colour` is 0: grey, 2: RGB, 3: a palette, 4 and 6: with alpha."""
    height, width = samples.shape[:2]
    if depth < 8:
        bits = samples[..., None].astype(np.uint8) >> np.arange(depth - 1, -1, -1, dtype=np.uint8) & 1
        rows = [np.packbits(row).tobytes() for row in bits.reshape(height, -1)]
    else:
        rows = [row.astype(">u2" if depth == 16 else np.uint8).tobytes() for row in samples]
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return SIGNATURE + b"".join([chunk(b"IHDR", head), *before, chunk(b"IDAT", data), *after, chunk(b"IEND")])


def tiff(strips: Sequence[bytes], height: int, width: int, tags: dict[int, Sequence[int]], order: str = "<") -> bytes:
    """A TIFF without compression, whose strips are planes or all there is; tags have values of 16 bits."""
    fields: dict[int, tuple[str, Sequence[int]]] = {number: ("H", values) for number, values in tags.items()}
    fields |= {256: ("I", [width]), 257: ("I", [height]), 259: ("H", [1]), 278: ("I", [height])}
    fields |= {279: ("I", [len(strip) for strip in strips]), 273: ("I", [0] * len(strips))}
    wide = {number: struct.calcsize(f"{len(values)}{kind}") for number, (kind, values) in fields.items()}
    behind = 14 + 12 * len(fields)
    first = behind + sum(size for size in wide.values() if size > 4)
    fields[273] = ("I", [first + sum(map(len, strips[:number])) for number in range(len(strips))])
    head, rest = struct.pack(f"{order}H", len(fields)), b""
    for number, (kind, values) in sorted(fields.items()):
        data = struct.pack(f"{order}{len(values)}{kind}", *values)
        if len(data) > 4:
            data, rest = struct.pack(f"{order}I", behind + len(rest)), rest + data
        head += struct.pack(f"{order}HHI", number, 3 if kind == "H" else 4, len(values)) + data.ljust(4, b"\0")
    start = b"II*\0" if order == "<" else b"MM\0*"
    return start + struct.pack(f"{order}I", 8) + head + bytes(4) + rest + b"".join(strips)


def profile(primaries: Sequence[Sequence[float]] = DISPLAY_P3, gamma: float = 2.2) -> bytes:
    """An ICC profile for RGB by its primaries and a plain gamma."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    tags = {b"desc": b"desc\0\0\0\0\0\0\0\5test\0".ljust(96, b"\0"), b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    tags[b"wtpt"] = b"XYZ \0\0\0\0" + fixed(0.9642, 1, 0.8249)
    for name, primary in zip("rgb", primaries, strict=True):
        tags[f"{name}XYZ".encode()] = b"XYZ \0\0\0\0" + fixed(*primary)
        tags[f"{name}TRC".encode()] = b"curv\0\0\0\0\0\0\0\1" + struct.pack(">H", round(gamma * 256)) + b"\0\0"
    return _icc(b"RGB ", tags)


def grey_profile(gamma: float) -> bytes:
    """An ICC profile for greys."""
    white = b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in (0.9642, 1, 0.8249))
    curve = b"curv\0\0\0\0\0\0\0\1" + struct.pack(">H", round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0\0\0\0\5test\0".ljust(96, b"\0")
    return _icc(b"GRAY", {b"desc": text, b"cprt": b"text\0\0\0\0none\0\0\0\0", b"wtpt": white, b"kTRC": curve})


def ink_profile() -> bytes:
    """An ICC profile for CMYK, in which every ink alone is a grey of L* 50, and two or more are black."""
    corners = [sum(ink >> number & 1 for number in range(4)) for ink in range(16)]
    table = b"".join(bytes([(255, 128, 0, 0, 0)[inks], 128, 128]) for inks in corners)
    line = bytes(range(256))
    matrix = b"".join(struct.pack(">i", 65536 * (number in (0, 4, 8))) for number in range(9))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + line * 4 + table + line * 3
    text = b"desc\0\0\0\0\0\0\0\5test\0".ljust(96, b"\0")
    white = b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in (0.9642, 1, 0.8249))
    tags = {b"desc": text, b"cprt": b"text\0\0\0\0none\0\0\0\0", b"wtpt": white, b"A2B0": lut}
    return _icc(b"CMYK", tags).replace(b"mntrCMYKXYZ ", b"prtrCMYKLab ")


def _icc(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {name: data.ljust(-len(data) % 4 + len(data), b"\0") for name, data in tags.items()}
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    head = struct.pack(">I", start + len(body)) + b"\0\0\0\0\2\x40\0\0mntr" + space + b"XYZ "
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += b"".join(struct.pack(">i", round(value * 65536)) for value in (0.9642, 1, 0.8249))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
