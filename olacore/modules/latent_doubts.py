"""Whether a latent of unknown origin looks like what a decoder was trained on: a file of numbers does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from olacore.modules.module import Module

# Distance from the mean of a decoder's training latents, in their spreads, root mean square over channels and sites.
# 321 photographs and as many crops of 64 x 64 pixels, by the taesd, taesdxl and taesd3 encoders, lie at 0.50 to 1.89,
# plain colours, noise and a chessboard at up to 2.41. The SD 1.5 latents without their scaling (5.5 times as large) lie
# at 3.0 or more, those of SDXL (7.7 times) at 4.2 or more; scaled twice, at most at 0.38 and 0.45. What cannot be told:
# SD3's factor of 1.53, and the latents of SD 1.5 and SDXL from each other (0.45 to 1.82).
NEAREST, FARTHEST = 0.45, 2.7
# Channels that are named one by one.
SHOWN = 4


class LatentWarning(UserWarning):
    """Latents do not look like those that a decoder was trained on."""


def doubt_latents(latents: np.ndarray, decoder: Module) -> str | None:
    """Say what is odd about latents for a decoder, or None.

    Parameters
    ----------
    latents : (C, h, w) or (m, C, h, w); (C,) or (m, C) for the global view
    decoder : what they are to be decoded with; its scaling holds mean and spread of its training latents
    """
    from olacore.views.latents import LatentView
    from olacore.views.whole import WholeView

    view, scaling = decoder.view, decoder.scaling
    if view.input_fields != ("latents",) or not isinstance(view, LatentView):
        return None
    sites = np.moveaxis(np.asarray(latents), -1 if isinstance(view, WholeView) else -3, 0)
    return doubt_sites(sites.reshape(view.channels, -1), scaling.input_mean, scaling.input_scale)


def doubt_sites(sites: np.ndarray, means: np.ndarray, spreads: np.ndarray) -> str | None:
    """The same of sites (C, n), by means and spreads of a decoder's inputs, channel by channel (C ...,)."""
    sites = sites.astype(np.float32, copy=False)
    mean, spread = (part.reshape(len(sites), -1).mean(1, dtype=np.float64) for part in (means, spreads))
    off = sites - mean[:, None].astype(np.float32)
    squares = np.square(off, out=off).mean(1, dtype=np.float64)
    distance = float(np.sqrt((squares / spread**2).mean()))
    if NEAREST <= distance <= FARTHEST:
        return None
    what, hint = ("far", "unscaled") if distance > FARTHEST else ("oddly near", "scaled twice")
    seen = f"mean {_list(sites.mean(1, dtype=np.float64))}, spread {_list(sites.std(1, dtype=np.float64))}"
    expected = f"mean {_list(mean)}, spread {_list(spread)}"
    return (
        f"the latents lie {what}, {distance:.2g} spreads off the mean of those that the decoder was trained on, where "
        f"photographs lie between {NEAREST} and {FARTHEST} ({seen}; expected {expected}): are they {hint}, "
        "or of another model?"
    )


def _list(values: np.ndarray) -> str:
    text = ", ".join(f"{value:.2f}" for value in values[:SHOWN])
    return text + (", ..." if len(values) > SHOWN else "")
