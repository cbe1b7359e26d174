"""Inner products over the samples of two sets of rows."""

import numpy as np
from numba import prange

from olacore.jit.flags import kernel

ZERO = np.float32(0)
TILE = 4


@kernel
def multiply_rows(a, b, out):
    """Inner products of every row of `a` with every row of `b`, summed over the samples in a fixed order.

    Parameters
    ----------
    a : (m, n)
    b : (k, n)
    out : (m, k)  written
    """
    m, n = a.shape
    k = b.shape[0]
    for job in prange((m + TILE - 1) // TILE):
        first = job * TILE
        # Rows past the end repeat the last one.
        a0, a1 = a[first], a[min(first + 1, m - 1)]
        a2, a3 = a[min(first + 2, m - 1)], a[min(first + 3, m - 1)]
        sums = np.empty((TILE, TILE), np.float32)
        for start in range(0, k, TILE):
            b0, b1 = b[start], b[min(start + 1, k - 1)]
            b2, b3 = b[min(start + 2, k - 1)], b[min(start + 3, k - 1)]
            s00, s01, s02, s03 = ZERO, ZERO, ZERO, ZERO
            s10, s11, s12, s13 = ZERO, ZERO, ZERO, ZERO
            s20, s21, s22, s23 = ZERO, ZERO, ZERO, ZERO
            s30, s31, s32, s33 = ZERO, ZERO, ZERO, ZERO
            for s in range(n):
                x0, x1, x2, x3 = a0[s], a1[s], a2[s], a3[s]
                y0, y1, y2, y3 = b0[s], b1[s], b2[s], b3[s]
                s00 += x0 * y0
                s01 += x0 * y1
                s02 += x0 * y2
                s03 += x0 * y3
                s10 += x1 * y0
                s11 += x1 * y1
                s12 += x1 * y2
                s13 += x1 * y3
                s20 += x2 * y0
                s21 += x2 * y1
                s22 += x2 * y2
                s23 += x2 * y3
                s30 += x3 * y0
                s31 += x3 * y1
                s32 += x3 * y2
                s33 += x3 * y3
            sums[0, 0], sums[0, 1], sums[0, 2], sums[0, 3] = s00, s01, s02, s03
            sums[1, 0], sums[1, 1], sums[1, 2], sums[1, 3] = s10, s11, s12, s13
            sums[2, 0], sums[2, 1], sums[2, 2], sums[2, 3] = s20, s21, s22, s23
            sums[3, 0], sums[3, 1], sums[3, 2], sums[3, 3] = s30, s31, s32, s33
            for i in range(min(TILE, m - first)):
                for j in range(min(TILE, k - start)):
                    out[first + i, start + j] = sums[i, j]


def multiply_rows_reference(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """NumPy twin of `multiply_rows`, in float64."""
    out[:] = a.astype(np.float64) @ b.astype(np.float64).T
