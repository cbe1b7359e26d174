"""A decoder and the refiner behind it, told apart."""

from __future__ import annotations

import numpy as np

import olacore


def assert_stages(
    module: olacore.Module, latents: np.ndarray, first: np.ndarray, theirs: np.ndarray, most: int = 1
) -> None:
    """Compare another program's pictures with a decoder's: each stage within a level, given what that stage reads.

    A refiner reads whole levels. One that was rounded the other way moves what it answers, so that the ends of both
    stages may be two levels apart; what is behind is compared with what the refiner makes of the program's own levels.

    Parameters
    ----------
    latents : that both decoded, float16 numbers
    first : uint8, what the program makes of them without a refiner; of a decoder that has none it is not read
    theirs : uint8, what it makes of them in the end
    most : levels between the ends of the second stage; of more than one, under 1 % of values may be more than one apart
    """
    ours = module.decode(latents)
    if module.refiner is not None:
        drawn = module.with_refiner(None).decode(latents)
        assert drawn.shape == first.shape
        assert np.abs(drawn.astype(int) - first).max() <= 1
        ours = module.refiner.refine(first, latents=latents if module.refiner.view.context is not None else None)
    assert ours.dtype == theirs.dtype == np.uint8
    assert ours.shape == theirs.shape
    apart = np.abs(ours.astype(int) - theirs)
    assert apart.max() <= most
    assert (apart > 1).mean() < 0.01
