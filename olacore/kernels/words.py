"""Texts as vectors of hashed features: words, pairs of words, and runs of characters within a word.

A word is a run of ASCII letters, digits and bytes above 127, and upper-case ASCII is lowered, so that a text has the
same features whatever Python, locale or Unicode tables there are. A feature is hashed by FNV-1a (Fowler, Noll and Vo)
with the finish of MurmurHash3, which gives its place and its sign.
"""

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel

# Bytes of a run of characters; a word begins with < and ends with >.
SHORTEST, LONGEST = 3, 5
BEGIN, END = np.uint64(ord("<")), np.uint64(ord(">"))
# The first byte of a feature keeps the three sorts apart.
WORD, RUN, BOTH = np.uint64(1), np.uint64(2), np.uint64(3)
OFFSET, PRIME, LOW = np.uint64(2166136261), np.uint64(16777619), np.uint64(0xFFFFFFFF)
MIX_0, MIX_1 = np.uint64(0x85EBCA6B), np.uint64(0xC2B2AE35)
FIRST, SECOND, EIGHT, BIT = (np.uint64(count) for count in (16, 13, 8, 1))
ONE = np.float32(1)


@device
def hash_byte(state, byte):
    """The state of a hash, 32 bits held in uint64, after one more byte."""
    return ((state ^ byte) * PRIME) & LOW


@device
def add_feature(state, weight, line):
    """Add a feature with its sign to the vector of a text."""
    state = ((state ^ (state >> FIRST)) * MIX_0) & LOW
    state = ((state ^ (state >> SECOND)) * MIX_1) & LOW
    state = state ^ (state >> FIRST)
    place = np.int64((state >> BIT) % np.uint64(line.size))
    line[place] += weight if state & BIT else -weight


@device
def lowered(byte):
    """A byte of a word, lower case, or 0 where it is of none."""
    if 65 <= byte <= 90:
        return np.uint64(byte + 32)
    if byte >= 128 or 97 <= byte <= 122 or 48 <= byte <= 57:
        return np.uint64(byte)
    return np.uint64(0)


@device
def add_runs(text, begin, end, line):
    """Add the runs of characters of the word text[begin:end], lower case; together they weigh as much as the word."""
    count = 0
    for size in range(SHORTEST, LONGEST + 1):
        count += max(end - begin + 3 - size, 0)
    weight = ONE / np.sqrt(np.float32(count))
    for start in range(begin - 1, end):
        state = hash_byte(OFFSET, RUN)
        for k in range(min(LONGEST, end + 1 - start)):
            place = start + k
            if place < begin:
                byte = BEGIN
            elif place == end:
                byte = END
            else:
                byte = text[place]
            state = hash_byte(state, byte)
            if k + 1 >= SHORTEST:
                add_feature(state, weight, line)


@device
def add_text(text, line):
    """Add all features of a text."""
    lower = np.empty(text.size, np.uint64)
    for place in range(text.size):
        lower[place] = lowered(text[place])
    begin, before, words = 0, OFFSET, 0
    while begin < text.size:
        if lower[begin] == 0:
            begin += 1
            continue
        end, state = begin, hash_byte(OFFSET, WORD)
        while end < text.size and lower[end] != 0:
            state = hash_byte(state, lower[end])
            end += 1
        add_feature(state, ONE, line)
        if words:
            both = hash_byte(before, BOTH)
            for part in range(4):
                both = hash_byte(both, (state >> (EIGHT * np.uint64(part))) & np.uint64(255))
            add_feature(both, ONE, line)
        add_runs(lower, begin, end, line)
        begin, before, words = end, state, words + 1


@kernel
def hash_words(texts, out):
    """Vectors of texts, of length 1, or 0 where a text has no word.

    Parameters
    ----------
    texts : (n, width) uint8  UTF-8, zeros behind the end
    out : (n, buckets) float32  written
    """
    for t in prange(texts.shape[0]):
        line = out[t]
        line[:] = np.float32(0)
        add_text(texts[t], line)
        square = np.float32(0)
        for i in range(line.size):
            square += line[i] * line[i]
        if square > 0:
            scale = ONE / np.sqrt(square)
            for i in range(line.size):
                line[i] *= scale


def hash_words_reference(texts: np.ndarray, out: np.ndarray) -> None:
    """NumPy twin of `hash_words`."""
    for text, line in zip(texts, out, strict=True):
        line[:] = 0
        before, lower = b"", bytes(text).lower()
        words = bytes(byte if byte >= 128 or chr(byte).isalnum() else 32 for byte in lower).split(b" ")
        for word in filter(None, words):
            runs = [
                (b"<" + word + b">")[start : start + size]
                for size in range(SHORTEST, LONGEST + 1)
                for start in range(len(word) + 3 - size)
            ]
            state = _fnv(b"\1" + word)
            features = [(state, 1.0), *((_fnv(b"\2" + run), len(runs) ** -0.5) for run in runs)]
            if before:
                features.append((_fnv(b"\3" + state.to_bytes(4, "little"), _fnv(b"\1" + before)), 1.0))
            for hashed, weight in features:
                mixed = ((hashed ^ hashed >> 16) * int(MIX_0)) & int(LOW)
                mixed = ((mixed ^ mixed >> 13) * int(MIX_1)) & int(LOW)
                mixed ^= mixed >> 16
                line[(mixed >> 1) % len(line)] += weight if mixed & 1 else -weight
            before = word
        length = np.sqrt(np.square(line, dtype=np.float64).sum())
        line /= length or 1


def _fnv(data: bytes, state: int = int(OFFSET)) -> int:
    for byte in data:
        state = ((state ^ byte) * int(PRIME)) & int(LOW)
    return state
