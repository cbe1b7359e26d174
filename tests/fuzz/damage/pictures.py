"""Damage to PNG, chunk by chunk and with sound checksums; other pictures are mangled blindly."""

from __future__ import annotations

import json
import struct
import zlib
from random import Random

from tests.fuzz.damage import blind, values

SIGN = b"\x89PNG\r\n\x1a\n"
KINDS = (
    b"iCCP",
    b"tRNS",
    b"eXIf",
    b"acTL",
    b"fcTL",
    b"PLTE",
    b"gAMA",
    b"cHRM",
    b"sRGB",
    b"tEXt",
    b"zTXt",
    b"iTXt",
    b"sBIT",
    b"IDAT",
)
SIZES = (0, 1, 2, 7, 9, 40, 65536, 100_000, 2**31 - 1, 2**31, 2**32 - 1)


def knows(data: bytes) -> bool:
    """Whether it is a PNG."""
    return data.startswith(SIGN)


def mangle(rng: Random, data: bytes) -> tuple[bytes, str]:
    """Change, lose, add, double or move a chunk."""
    chunks, at = [], len(SIGN)
    while at < len(data):
        size = struct.unpack(">I", data[at : at + 4])[0]
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += size + 12
    number = rng.randrange(len(chunks))
    ways = ("head", "head", "pixels", "content", "lose", "add", "double", "move")
    notes = [place for place, (kind, content) in enumerate(chunks) if kind == b"iTXt" and b"\0{" in content]
    way = rng.choice(ways + ("note",) * len(ways) if notes else ways)
    if way == "head":
        content = bytearray(chunks[0][1])
        if rng.random() < 0.5:
            side = rng.choice((0, 4))
            content[side : side + 4] = rng.choice(SIZES).to_bytes(4, "big")
        else:
            content[rng.randrange(8, 13)] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 32, 255))
        chunks[0] = b"IHDR", bytes(content)
    elif way == "pixels":
        lines = rng.choice((b"", b"\0" * 50, b"\4" * 500, bytes(1 << 22), rng.randbytes(3000)))
        chunks = [chunk for chunk in chunks if chunk[0] != b"IDAT"]
        chunks.insert(-1, (b"IDAT", zlib.compress(lines)))
    elif way == "content":
        chunks[number] = chunks[number][0], blind.mangle(rng, chunks[number][1], chunks[0][1])[0]
    elif way == "note":
        head, _, rest = chunks[notes[0]][1].partition(b"{")
        value, word = values.mangle(rng, json.loads(b"{" + rest))
        chunks[notes[0]] = b"iTXt", head + values.dumps(value).encode("utf-8", "surrogatepass")
        way = f"note {word}"
    elif way == "add":
        content = rng.choice((b"", b"\0", b"x\0\0" + zlib.compress(b"x" * 200), b"\0\0\0\1\0\0\0\0", rng.randbytes(30)))
        chunks.insert(rng.randrange(len(chunks) + 1), (rng.choice(KINDS), content))
    else:
        chunk = chunks.pop(number)
        if way != "lose":
            chunks[number:number] = [chunk] * (way == "double")
            chunks.insert(rng.randrange(len(chunks) + 1), chunk)
    packed = b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
    return SIGN + packed, f"png {way}"
