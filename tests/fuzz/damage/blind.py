"""Damage that knows nothing of the format: bytes flipped, lost, added, moved, and numbers replaced by odd ones."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

# What tends to upset a reader where a number is read.
NUMBERS = (
    0,
    1,
    -1,
    2,
    7,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**62,
    2**63 - 1,
)


def place(rng: Random, data: bytes, most: int = 4096) -> tuple[int, int]:
    """Begin and end of a part; short ones, and ones near the beginning, where headers are, come more often."""
    reach = len(data) if rng.random() < 0.6 else min(len(data), 512)
    begin = rng.randrange(reach) if reach else 0
    return begin, min(len(data), begin + int(2 ** rng.uniform(0, most.bit_length() - 1)))


def flip(rng: Random, data: bytearray, other: bytes) -> str:
    """Flip bits of a few bytes."""
    if not data:
        return "nothing"
    spots = [place(rng, data)[0] for _ in range(rng.choice((1, 1, 2, 8)))]
    for spot in spots:
        data[spot] ^= rng.choice((1, 128, 255, rng.randrange(1, 256)))
    return f"flip {spots}"


def number(rng: Random, data: bytearray, other: bytes) -> str:
    """Put an odd number of one to eight bytes somewhere."""
    size, order, value = rng.choice((1, 2, 4, 8)), rng.choice(("little", "big")), rng.choice(NUMBERS)
    begin = place(rng, data)[0]
    data[begin : begin + size] = (value % 256**size).to_bytes(size, order)
    return f"{order} {value} @{begin}"


def cut(rng: Random, data: bytearray, other: bytes) -> str:
    """Truncate."""
    keep = rng.choice((0, 1, 8, rng.randrange(len(data) + 1), rng.randrange(len(data) + 1), max(0, len(data) - 1)))
    del data[keep:]
    return f"cut to {keep}"


def insert(rng: Random, data: bytearray, other: bytes) -> str:
    """Insert random bytes or zeros."""
    begin, end = place(rng, data, 8192)
    data[begin:begin] = bytes(end - begin) if rng.random() < 0.5 else rng.randbytes(end - begin)
    return f"insert {end - begin} @{begin}"


def delete(rng: Random, data: bytearray, other: bytes) -> str:
    """Take a part out."""
    begin, end = place(rng, data)
    del data[begin:end]
    return f"delete {begin}:{end}"


def fill(rng: Random, data: bytearray, other: bytes) -> str:
    """Overwrite a part with zeros or ones."""
    begin, end = place(rng, data)
    data[begin:end] = rng.choice((b"\0", b"\xff")) * (end - begin)
    return f"fill {begin}:{end}"


def repeat(rng: Random, data: bytearray, other: bytes) -> str:
    """Put a part there several times."""
    begin, end = place(rng, data)
    times = rng.choice((1, 2, 50))
    data[end:end] = data[begin:end] * times
    return f"repeat {begin}:{end} {times} times"


def swap(rng: Random, data: bytearray, other: bytes) -> str:
    """Put a part before the one in front of it."""
    (a, b), (c, d) = sorted((place(rng, data), place(rng, data)))
    if b > c:
        return flip(rng, data, other)
    data[a:d] = data[c:d] + data[b:c] + data[a:b]
    return f"swap {a}:{b} {c}:{d}"


def splice(rng: Random, data: bytearray, other: bytes) -> str:
    """Go on with another file of the kind, or have a part of it in the middle."""
    begin = place(rng, data)[0]
    if rng.random() < 0.5:
        data[begin:] = other[begin:]
        return f"splice at {begin}"
    start, end = place(rng, other)
    data[begin : begin + end - start] = other[start:end]
    return f"splice {start}:{end} at {begin}"


WAYS: tuple[Callable[[Random, bytearray, bytes], str], ...] = (
    flip, flip, number, number, cut, insert, delete, fill, repeat, swap, splice,
)  # fmt: skip


def mangle(rng: Random, data: bytes, other: bytes) -> tuple[bytes, str]:
    """Do one of these."""
    content = bytearray(data)
    word = rng.choice(WAYS)(rng, content, other)
    return bytes(content), word
