"""Damage to zip archives and `.npz`: entries mangled, renamed, lost, added, packed otherwise, and bombs."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
import zlib
from functools import cache
from random import Random

import numpy as np

from tests.fuzz.damage import arrays, blind, pictures, texts, values

NAMES = (
    "", "x", "../../x.png", "/x.png", "a\\b.png", "x\0y.png", "\x1b]0;x\x07.png", "[/b].png", "..png", ".png",
    "con.png", "x" * 3000 + ".png",
    "é.png", "d/", "latent", "olacore.npy", "a.zip", "__MACOSX/._x.png", "x.PNG", "captions.tsv",
)  # fmt: skip
INSIDE = (arrays, pictures, texts)
GIGA = 1 << 30


def knows(data: bytes) -> bool:
    """Whether it is a zip archive."""
    return zipfile.is_zipfile(io.BytesIO(data))


def mangle(rng: Random, data: bytes) -> tuple[bytes, str]:
    """Take an archive apart, change something and pack it again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    way = rng.choice(
        ("entry", "entry", "entry", "entry", "json", "name", "lose", "add", "double", "method", "encrypt", "bomb")
    )
    number = rng.randrange(len(entries))
    name, content = entries[number]
    method, word = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)), ""
    if way == "json" and (changed := other_json(rng, content)):
        content, word = changed
        entries[number] = name, content
    elif way in ("entry", "json"):
        knowing = [module for module in INSIDE if module.knows(content)]
        content, word = knowing[0].mangle(rng, content) if knowing else blind.mangle(rng, content, content)
        entries[number] = name, content
    elif way == "name":
        entries[number] = (word := rng.choice(NAMES)), content
    elif way == "lose":
        del entries[number]
    elif way in ("add", "double"):
        word = name if way == "double" else rng.choice(NAMES)
        entries.append((word, content))
    elif way == "method":
        method = word = rng.choice((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    elif way == "bomb":
        return bomb(name, content), f"zip bomb {name}"
    packed = pack(entries, method)
    if way == "encrypt":  # the flag alone, in both headers
        packed = packed.replace(b"PK\3\4\x14\0\0", b"PK\3\4\x14\0\1").replace(
            b"PK\1\2\x14\3\x14\0\0", b"PK\1\2\x14\3\x14\0\1"
        )
    return packed, f"zip {way} {name} {word}"[:120]


def pack(entries: list[tuple[str, bytes]], method: int) -> bytes:
    """Write an archive."""
    held = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(held, "w", method) as archive:
        warnings.simplefilter("ignore")  # of doubled names
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return held.getvalue()


def other_json(rng: Random, content: bytes) -> tuple[bytes, str] | None:
    """Mangle what a text within an array says, as `.npz` files hold their notes."""
    try:
        value, word = values.mangle(rng, json.loads(str(np.load(io.BytesIO(content)))))
    except ValueError:
        return None
    held = io.BytesIO()
    np.save(held, np.array(values.dumps(value)))
    return held.getvalue(), word


@cache
def zeros(size: int) -> tuple[bytes, int]:
    """So many zeros, deflated, and their checksum; made of one part that is repeated."""
    part = bytes(1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    once = packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(size >> 20):
        check = zlib.crc32(part, check)
    return once * (size >> 20) + packer.flush(), check


def bomb(name: str, content: bytes) -> bytes:
    """An archive of one entry of two gigabytes; an array says so in its header."""
    packed, check = zeros(2 * GIGA)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(name), packed)
    # The entry is deflated in truth: its method, checksum and size are put in by hand, in both headers.
    data = bytearray(held.getvalue())
    for at in (0, data.rindex(b"PK\1\2") + 2):
        data[at + 8 : at + 10] = (8).to_bytes(2, "little")
        data[at + 14 : at + 18] = check.to_bytes(4, "little")
        data[at + 22 : at + 26] = (2 * GIGA).to_bytes(4, "little")
    return bytes(data)
