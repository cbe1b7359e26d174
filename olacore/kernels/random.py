"""Counter-based random numbers: the same bits for any number of threads, and no state to save.

Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11. The key is the
seed; the counter is made of who asks: element, row, and a 64-bit stream (generation and genome, for mutations). Normal
numbers are Box and Muller's, with a logarithm, sine and cosine in float32 that vectorise; absolute error at most 3e-6.
"""

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel

# Numbers drawn at once: word w of counter j gives element w * QUARTER + j, so that each word is written in a line.
BLOCK = 64
QUARTER = BLOCK // 4
# The upper bits of the first counter word keep different uses of one seed apart.
USE_SHIFT = np.uint64(28)
USE_FILL, USE_MUTATE, USE_SPARSE, USE_COLUMN, USE_DIRECTION = (np.uint64(use) for use in range(5))

MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL_0, WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
LOW, WORD = np.uint64(0xFFFFFFFF), np.uint64(32)

ONE, TWO = np.float32(1), np.float32(2)
TO_UNIT, HALF_STEP = np.float32(2.0**-32), np.float32(2.0**-33)
TO_UNIFORM, UNIFORM_SHIFT = np.float32(2.0**-24), np.uint64(8)
LN2 = np.float32(0.6931472)
SQRT_HALF_BITS = np.int32(0x3F3504F3)
MANTISSA, MANTISSA_MASK = np.int32(23), np.int32(0x7FFFFF)
HALF = np.float32(0.5)
# Fits of log(1 + f) = f - f^2/2 + f^3 L(f) for 1 + f in [1/sqrt 2, sqrt 2], sin(pi x) = x S(x^2) and
# cos(pi x) = C(x^2) for |x| <= 1/2.
L0, L1, L2, L3 = (np.float32(c) for c in (0.3333397, -0.2500126, 0.19961147, -0.16578959))
L4, L5, L6 = (np.float32(c) for c in (0.14934175, -0.14262831, 0.0864277))
S0, S1, S2, S3, S4 = (np.float32(c) for c in (3.1415927, -5.1677103, 2.5500774, -0.5982913, 0.07765766))
C0, C1, C2, C3, C4 = (np.float32(c) for c in (0.99999994, -4.934793, 4.058411, -1.3318765, 0.21968961))


@device
def philox(c0, c1, c2, c3, k0, k1):
    """Four random 32-bit words, held in uint64, for a counter of four words and a key of two."""
    for _ in range(10):
        p0, p1 = MULTIPLIER_0 * c0, MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (p1 >> WORD) ^ c1 ^ k0, p1 & LOW, (p0 >> WORD) ^ c3 ^ k1, p0 & LOW
        k0, k1 = (k0 + WEYL_0) & LOW, (k1 + WEYL_1) & LOW
    return c0, c1, c2, c3


@device
def log32(u, rest):
    """Natural logarithm of u in (0, 1]; `rest` is 1 - u without u's rounding."""
    shifted = np.int32(np.float32(u).view(np.int32) - SQRT_HALF_BITS)
    exponent = shifted >> MANTISSA
    mantissa = np.int32(np.int32(shifted & MANTISSA_MASK) + SQRT_HALF_BITS).view(np.float32)
    f = mantissa - ONE if exponent < 0 else -rest
    tail = L0 + f * (L1 + f * (L2 + f * (L3 + f * (L4 + f * (L5 + f * L6)))))
    return np.float32(exponent) * LN2 + (f + f * f * (f * tail - HALF))


@device
def sine_cosine(turn):
    """Sine and cosine of 2 pi `turn`, |turn| <= 1/2, by the half angle."""
    t = turn * turn
    sine = turn * (S0 + t * (S1 + t * (S2 + t * (S3 + t * S4))))
    cosine = C0 + t * (C1 + t * (C2 + t * (C3 + t * C4)))
    return TWO * sine * cosine, ONE - TWO * sine * sine


@device
def box_muller(a, b):
    """Two independent standard normal float32 of two random words."""
    u, rest = np.float32(a) * TO_UNIT + HALF_STEP, np.float32(LOW - a) * TO_UNIT + HALF_STEP
    radius = np.sqrt(-TWO * log32(u, rest))
    sine, cosine = sine_cosine(np.float32(b) * TO_UNIT - HALF)
    return radius * cosine, radius * sine


@device
def draw_normal(seed, use, stream, row, first, block):
    """Standard normal numbers of BLOCK elements of a row from `first`, a multiple of BLOCK."""
    base = (use << USE_SHIFT) + np.uint64(first // 4)
    line, low, high = np.uint64(row), stream & LOW, stream >> WORD
    k0, k1 = seed & LOW, seed >> WORD
    for j in range(QUARTER):
        a, b, c, d = philox(base + np.uint64(j), line, low, high, k0, k1)
        block[j], block[QUARTER + j] = box_muller(a, b)
        block[2 * QUARTER + j], block[3 * QUARTER + j] = box_muller(c, d)


@device
def draw_uniform(seed, use, stream, row, first, block):
    """Uniform numbers in [0, 1), multiples of 2^-24, of BLOCK elements of a row from `first`, a multiple of BLOCK."""
    base = (use << USE_SHIFT) + np.uint64(first // 4)
    line, low, high = np.uint64(row), stream & LOW, stream >> WORD
    k0, k1 = seed & LOW, seed >> WORD
    for j in range(QUARTER):
        a, b, c, d = philox(base + np.uint64(j), line, low, high, k0, k1)
        block[j] = np.float32(a >> UNIFORM_SHIFT) * TO_UNIFORM
        block[QUARTER + j] = np.float32(b >> UNIFORM_SHIFT) * TO_UNIFORM
        block[2 * QUARTER + j] = np.float32(c >> UNIFORM_SHIFT) * TO_UNIFORM
        block[3 * QUARTER + j] = np.float32(d >> UNIFORM_SHIFT) * TO_UNIFORM


@kernel
def fill_normal(seed, stream, out):
    """Standard normal numbers; element i of row r depends on (seed, stream, r, i) alone.

    Parameters
    ----------
    seed, stream : non-negative integers below 2^63
    out : (rows, n)  written, n below 2^30
    """
    for row in prange(out.shape[0]):
        block = np.empty(BLOCK, np.float32)
        for first in range(0, out.shape[1], BLOCK):
            draw_normal(np.uint64(seed), USE_FILL, np.uint64(stream), row, first, block)
            for i in range(min(BLOCK, out.shape[1] - first)):
                out[row, first + i] = block[i]


@kernel
def fill_uniform(seed, stream, out):
    """Uniform numbers in [0, 1); element i of row r depends on (seed, stream, r, i) alone.

    Parameters
    ----------
    seed, stream : non-negative integers below 2^63
    out : (rows, n)  written, n below 2^30
    """
    for row in prange(out.shape[0]):
        block = np.empty(BLOCK, np.float32)
        for first in range(0, out.shape[1], BLOCK):
            draw_uniform(np.uint64(seed), USE_FILL, np.uint64(stream), row, first, block)
            for i in range(min(BLOCK, out.shape[1] - first)):
                out[row, first + i] = block[i]


def philox_reference(counter: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """NumPy twin of `philox`: counters (4, n) uint64 to random words (4, n) uint64."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = MULTIPLIER_0 * c0, MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (p1 >> WORD) ^ c1 ^ np.uint64(k0),
            p1 & LOW,
            (p0 >> WORD) ^ c3 ^ np.uint64(k1),
            p0 & LOW,
        )
        k0, k1 = (k0 + int(WEYL_0)) & int(LOW), (k1 + int(WEYL_1)) & int(LOW)
    return np.stack([c0, c1, c2, c3])


def draw_words_reference(seed: int, use: int, stream: int, row: int, count: int) -> np.ndarray:
    """The random words (4, count / 4) of a row of `count` elements, `count` a multiple of BLOCK."""
    counter = np.zeros((4, count // 4), np.uint64)
    counter[0] = np.arange(count // 4) + (int(use) << int(USE_SHIFT))
    counter[1], counter[2], counter[3] = row, stream & int(LOW), stream >> 32
    return philox_reference(counter, (seed & int(LOW), seed >> 32))


def lay_out_reference(words: np.ndarray, count: int) -> np.ndarray:
    """What the words gave (4, n / 4), in the order of the row's elements, cut to `count`."""
    return words.reshape(4, -1, QUARTER).swapaxes(0, 1).reshape(-1)[:count]


def draw_normal_reference(seed: int, use: int, stream: int, row: int, count: int) -> np.ndarray:
    """NumPy twin of `draw_normal`, in float64, for the first `count` elements of a row."""
    a, b, c, d = draw_words_reference(seed, use, stream, row, -(-count // BLOCK) * BLOCK).astype(np.float64)
    pairs = []
    for first, second in ((a, b), (c, d)):
        radius, angle = np.sqrt(-2 * np.log((first + 0.5) / 2**32)), 2 * np.pi * (second / 2**32 - 0.5)
        pairs += [radius * np.cos(angle), radius * np.sin(angle)]
    return lay_out_reference(np.stack(pairs), count)


def draw_uniform_reference(seed: int, use: int, stream: int, row: int, count: int) -> np.ndarray:
    """NumPy twin of `draw_uniform` for the first `count` elements of a row."""
    words = draw_words_reference(seed, use, stream, row, -(-count // BLOCK) * BLOCK)
    return lay_out_reference((words >> np.uint64(8)) / 2**24, count)


def fill_normal_reference(seed: int, stream: int, out: np.ndarray) -> None:
    """NumPy twin of `fill_normal`, in float64."""
    for row in range(len(out)):
        out[row] = draw_normal_reference(seed, int(USE_FILL), stream, row, out.shape[1])


def fill_uniform_reference(seed: int, stream: int, out: np.ndarray) -> None:
    """NumPy twin of `fill_uniform`."""
    for row in range(len(out)):
        out[row] = draw_uniform_reference(seed, int(USE_FILL), stream, row, out.shape[1])
