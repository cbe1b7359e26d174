"""Changing the basis of a pair's latents: to the affine map of them that is nearest to a teacher's latents."""

from __future__ import annotations

import logging

import numpy as np

from olacore.blocks import Block
from olacore.kernels.layout import empty_packed, pack_rows
from olacore.strategies.base import Problem
from olacore.strategies.common.readout import LINEAR
from olacore.strategies.rows import Rows
from olacore.views.scaling import TARGET_MARGIN, Scaling

# Turns of the search for the change of basis; beyond this condition number it is not made.
BASIS_TURNS, WORST_CONDITION = 100, 100.0
# The encoder works in so small a part of its tanh that no change of basis moves a picture by more than a grey level.
WIDE = 4

Map = tuple[np.ndarray, np.ndarray]

logger = logging.getLogger(__name__)


def find_basis(latents: np.ndarray, truth: np.ndarray, seed: int) -> Map:
    """Evolve the affine map from latents to others of the same sites.

    Parameters
    ----------
    latents, truth : (n, C) float64; sites whose truth is not finite are left out
    seed : of the search

    Returns
    -------
    matrix (C, C) and shift (C,), float64, with truth = matrix latent + shift; the identity where that is no fair basis
    """
    channels = latents.shape[1]
    own = np.eye(channels), np.zeros(channels)
    known = np.isfinite(truth).all(1)
    if not known.any():
        return own
    latents, truth = latents[known], truth[known]
    scaling = Scaling.fit(latents, truth, None)
    reach = np.float32(LINEAR) * scaling.target_scale
    inputs = ((latents - scaling.input_mean) / scaling.input_scale).astype(np.float32)
    packed = empty_packed(len(inputs), channels)
    pack_rows(inputs, packed)
    block = Block(packed, np.ascontiguousarray(((truth - scaling.target_mean) / reach).T, np.float32))
    strategy = Rows()
    state = strategy.start(Problem(channels, channels, 1, seed, inputs))
    for generation in range(BASIS_TURNS):
        strategy.advance(state, block, seed, generation)
    weights, biases = strategy.candidate(state)
    matrix = reach[:, None].astype(np.float64) * weights / scaling.input_scale
    shift = reach.astype(np.float64) * biases + scaling.target_mean - matrix @ scaling.input_mean
    if not np.linalg.cond(matrix) <= WORST_CONDITION:
        logger.info("the latents stay in a basis of their own: too little of the teacher's can be told from them")
        return own
    return matrix, shift


def change_basis(
    encoder: Map, decoder: Map, latents: np.ndarray, basis: Map, scaling: Scaling
) -> tuple[Map, Scaling, Map, Scaling]:
    """Bring an encoder, which answers linearly, and the decoder of its latents into another basis.

    Parameters
    ----------
    encoder : weights (C, in) and biases (C,)
    decoder : weights (out, C w w), in (channel, row, column) order, and biases (out,)
    latents : (n, C) float64, of the encoder on training pictures
    basis : matrix (C, C) and shift (C,)
    scaling : of the encoder's inputs and the decoder's targets

    Returns
    -------
    weights and biases of the encoder, its scaling, and the same of the decoder; float32
    """
    turn, shift = basis
    back = np.linalg.inv(turn)
    latents = latents @ turn.T + shift
    reach = (WIDE * np.float32(LINEAR) * TARGET_MARGIN * np.abs(latents).max(0)).astype(np.float32)
    first = (turn @ encoder[0] / reach[:, None]).astype(np.float32)
    offset = ((turn @ encoder[1] + shift) / reach).astype(np.float32)
    inwards = Scaling(scaling.input_mean, scaling.input_scale, np.zeros(len(reach), np.float32), reach)
    weights, biases = decoder
    reads = weights.reshape(len(weights), len(reach), -1)
    second = np.einsum("oct,cd->odt", reads, back)
    # Latents are standardised as for any decoder, so that a module tells what latents it is used to.
    mean, spread = latents.mean(0), latents.std(0)
    spread[spread == 0] = 1  # a latent that never changes
    moved = biases + np.einsum("odt,d->o", second, mean - shift)
    second = second * spread[None, :, None]
    shape = (second.shape[2], 1)
    usual, spreads = (np.tile(part, shape).T.ravel().astype(np.float32) for part in (mean, spread))
    outwards = Scaling(usual, spreads, scaling.target_mean, scaling.target_scale)
    maps = second.reshape(weights.shape).astype(np.float32), moved.astype(np.float32)
    return (first, offset), inwards, maps, outwards
