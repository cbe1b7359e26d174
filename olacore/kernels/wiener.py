"""Wiener estimates of whole latents, one after the other: the thread that reads ahead computes them too."""

import numpy as np

from olacore.jit.flags import work

ZERO = np.float32(0)


@work
def filter_latents(noisy, means, mean, axes, gains, out):
    """What noisy latents, and what was expected of them, lead one to expect along some axes.

    How many latents there are changes no bit of any.

    Parameters
    ----------
    noisy, means : (m, n)
    mean : (n,)  what latents are more than their means, on average
    axes : (k, n)  of length 1
    gains : (m, k)  what stays of what is seen along each
    out : (m, n)  written
    """
    residual = np.empty(mean.size, np.float32)
    for item in range(len(noisy)):
        line = out[item]
        for i in range(mean.size):
            line[i] = means[item, i] + mean[i]
            residual[i] = noisy[item, i] - line[i]
        for k in range(len(axes)):
            axis, part = axes[k], ZERO
            for i in range(mean.size):
                part += axis[i] * residual[i]
            part *= gains[item, k]
            for i in range(mean.size):
                line[i] += part * axis[i]
