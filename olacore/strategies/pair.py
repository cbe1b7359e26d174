"""An affine encoder and the affine decoder of its latents, evolved together by the error of the pictures alone.

No teacher is imitated: the encoder finds the latents that the decoder can make most of. Blocks are whole pictures,
since a latent reaches the windows of its neighbours. Changing the encoder's row c by s d, along a direction d of its
inputs, changes the latents by s a, with the response a = X d, and every picture by what the decoder makes of that: the
loss is an exact parabola in s. Its fall, loss(-) - loss(+) = 4 s sum(g_c a), comes for all directions at once from what
the latents pull (products of residual and decoder), its bend from the responses' products with their neighbours.

All rows step along all directions, damped, and most of the last change is repeated; the change as a whole goes at most
half the way to the lowest point of its own parabola. The decoder takes damped steps along principal axes of what it
reads. The encoder starts at the principal axes of the patch itself, the decoder at zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import ClassVar

import numpy as np

from olacore.blocks import Block
from olacore.jit.threads import one_blas_thread
from olacore.kernels.products import multiply_rows
from olacore.kernels.windows import cut_windows, fold_windows
from olacore.losses.objective import MSE, Objective
from olacore.strategies.base import (
    STRATEGIES,
    Candidate,
    Hidden,
    Problem,
    Report,
    Sizes,
    State,
    Strategy,
    check_losses,
)
from olacore.strategies.common.axes import response_axes, take_axes
from olacore.strategies.common.readout import (
    LINEAR,
    LOOKS,
    TINY,
    change_of,
    look,
    multiply,
    pack,
    share_of_change,
    step_along,
)

# Generations in which the decoder moves alone, and those in which it takes long steps.
DECODER_ALONE, LONG_STEPS, LONG_DAMP = 4, 20, 0.5
# Pictures that the bends are measured on.
BEND_PICTURES = 4
# What is left of the damping at the end.
COLDEST = 0.05
COLOURS = 3
# Generations where none were asked for: the search has to know its length, since it cools down.
GENERATIONS = 400
Map = tuple[np.ndarray, np.ndarray]


@STRATEGIES.add
@dataclass(frozen=True)
class Pair(Strategy):
    """An encoder and its decoder, both affine.

    Parameters
    ----------
    channels, factor, border, window, height, width : of the view, see `Pictures`
    directions : tried in a generation
    damp, decoder_damp : share of a step that is taken at the start
    carry : share of the encoder's last change that is repeated
    """

    name: ClassVar[str] = "pair"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "directions": (1, inf),
        "damp": (1e-6, 1),
        "decoder_damp": (1e-6, 1),
        "carry": (0, 0.99),
    }

    derived: ClassVar[tuple[str, ...]] = ("channels", "factor", "border", "window", "height", "width")
    headroom: ClassVar[float] = LINEAR
    schedule: ClassVar[int | None] = GENERATIONS
    populated: ClassVar[bool] = False
    losses: ClassVar[tuple[str, ...] | None] = ("mse",)
    weighs_outputs: ClassVar[bool] = False
    stores: ClassVar[tuple[str, ...]] = ("float16", "float32")
    kinds: ClassVar[tuple[str, ...] | None] = ("pair",)

    channels: int = 4
    factor: int = 8
    border: int = 4
    window: int = 5
    height: int = 32
    width: int = 32
    directions: int = 48
    damp: float = 0.1
    decoder_damp: float = 0.15
    carry: float = 0.8

    def start(self, problem: Problem) -> State:
        """The encoder at the patch's principal axes, scaled to latents of spread 1."""
        inputs = problem.inputs
        side, middle = self.factor + 2 * self.border, slice(self.border, self.border + self.factor)
        inside = np.zeros((side, side, COLOURS), bool)
        inside[middle, middle] = True
        where = np.flatnonzero(inside)
        # The patch as it is, each input weighing what its own spread makes it weigh in the picture.
        assert problem.spread is not None
        spread = problem.spread[where]
        few = problem.sample[:, where].astype(np.float64) * spread
        with one_blas_thread():
            variance, vectors = np.linalg.eigh(few.T @ few / len(few))
        encoder = np.zeros((self.channels, inputs), np.float32)
        best = slice(-self.channels, None)
        encoder[:, where] = (vectors[:, best] / np.sqrt(variance[best] + TINY)).T * spread
        reads = self.channels * self.window**2
        return {
            "hidden_weights": encoder[None],
            "hidden_biases": np.zeros((1, self.channels), np.float32),
            "weights": np.zeros((1, problem.outputs, reads), np.float32),
            "biases": np.zeros((1, problem.outputs), np.float32),
            "trust": np.ones(1, np.float32),
            "last": np.zeros_like(encoder),
            "axes": response_axes(problem.sample),
            "moments": np.zeros((reads + 1, reads + 1)),
            "features": np.zeros((0, reads + 1), np.float32),
            "schedule": np.array([problem.generations]),
        }

    def advance(self, state: State, block: Block, seed: int, generation: int, objective: Objective = MSE) -> Report:
        """Move the encoder, then the decoder."""
        cool = 1 - (1 - COLDEST) * min(generation / float(state["schedule"][0]), 1.0)
        (encoder,), (weights, biases) = self.hidden(state), self.candidate(state)
        seen = self._seen(encode(encoder, block))
        residual = block.targets - multiply(weights, biases, pack(seen), block.rows)
        loss = float((residual.astype(np.float64) ** 2).mean())
        check_losses(np.array([loss]), generation)  # there is one pair, and it would be lost
        if generation % LOOKS == 0 or generation in (1, 2):
            look(state, np.vstack([seen, np.ones((1, block.rows), np.float32)]))
        if generation >= DECODER_ALONE:
            axes = take_axes(state["axes"], self.directions, seed, generation)
            self._move_encoder(state, block, seen, residual, self.damp * cool, axes)
        damp = LONG_DAMP if generation < LONG_STEPS else max(self.decoder_damp * cool, 0.02)
        self._move_decoder(state, seen, residual, damp)
        return Report(loss, 1.0, 0)

    def candidate(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """The decoder."""
        return state["weights"][0], state["biases"][0]

    def hidden(self, state: State) -> Hidden:
        """The encoder, of which the decoder reads windows."""
        return ((state["hidden_weights"][0], state["hidden_biases"][0]),)

    def gauges(self, state: State) -> dict[str, float]:
        """How far the encoder moved."""
        return {"moved": change_of(state["last"], state["hidden_weights"])}

    def working_bytes(self, inputs: int, outputs: int, rows: int) -> int:
        """Windows three times, residual and answers, responses; the axes' eigenvectors."""
        return 4 * rows * (3 * self.channels * self.window**2 + 3 * outputs + 2 * self.directions) + 16 * inputs**2

    def fitted(self, sizes: Sizes, form: str, budget: int | None) -> Pair:
        """Windows and pictures of the view."""
        super().fitted(sizes, form, budget)
        return replace(self, **{name: sizes.settings[name] for name in self.derived})

    def warm_up(self, state: State, block: Block, seed: int, generation: int, objective: Objective) -> None:
        """Move the decoder, then both."""
        self.advance(state, block, seed, generation, objective)
        self.advance(state, block, seed, max(generation, DECODER_ALONE), objective)

    def answer(self, candidate: Candidate, block: Block) -> np.ndarray:
        """Encode and decode a block of whole pictures: (out, n), the patches of all sites."""
        (encoder,) = candidate.hidden
        seen = pack(self._seen(encode(encoder, block)))
        answer = multiply(candidate.weights, candidate.biases, seen, block.rows)
        return np.tanh(answer, out=answer)

    def loss_of(self, candidate: Candidate, block: Block, objective: Objective) -> float:
        """Squared error of the pictures."""
        loss = float(np.square(self.answer(candidate, block) - block.targets, dtype=np.float64).mean())
        return loss if np.isfinite(loss) else np.inf

    def _seen(self, latents: np.ndarray) -> np.ndarray:
        """Windows (C w w, n) of latents (C, n)."""
        out = np.empty((len(latents) * self.window**2, latents.shape[1]), np.float32)
        cut_windows(latents, self.height, self.width, self.window, out)
        return out

    def _move_encoder(
        self, state: State, block: Block, seen: np.ndarray, residual: np.ndarray, damp: float, axes: np.ndarray
    ) -> None:
        responses = multiply(axes, None, block.inputs, block.rows)
        weights, _ = self.candidate(state)
        fall = self._falls(weights, residual, responses)
        steps = fall / np.maximum(self._bends(weights, responses), np.float32(TINY))
        with one_blas_thread():
            change = np.float32(damp) * steps @ axes + np.float32(self.carry) * state["last"]
        moved = self._seen(multiply(change, None, block.inputs, block.rows))
        answers = multiply(weights, None, pack(moved), block.rows)
        share = share_of_change(residual, answers)
        state["last"] = share * change
        state["hidden_weights"][0] += state["last"]
        residual -= share * answers
        seen += share * moved

    def _falls(self, weights: np.ndarray, residual: np.ndarray, responses: np.ndarray) -> np.ndarray:
        """A quarter of what the minus trial's loss is above the plus trial's, for every row and direction."""
        pulled = multiply(weights.T, None, pack(residual), residual.shape[1])
        pull = np.empty((self.channels, residual.shape[1]), np.float32)
        fold_windows(pulled, self.height, self.width, self.window, pull)
        falls = np.empty((self.channels, len(responses)), np.float32)
        multiply_rows(pull, responses, falls)
        return falls

    def _bends(self, weights: np.ndarray, responses: np.ndarray) -> np.ndarray:
        """Half of the bend of the loss along every direction, for every row of the encoder: (C, directions)."""
        pictures = responses.shape[1] // (self.height * self.width)
        few = min(BEND_PICTURES, pictures) * self.height * self.width
        near = self._seen(np.ascontiguousarray(responses[:, :few])).reshape(len(responses), -1, few)
        size = self.window**2
        bends = np.empty((self.channels, len(responses)), np.float32)
        grams = np.empty((self.channels, size, size), np.float32)
        for channel in range(self.channels):
            part = np.ascontiguousarray(weights[:, channel * size : (channel + 1) * size].T)
            multiply_rows(part, part, grams[channel])
        products = np.empty((size, size), np.float32)
        for k, rows in enumerate(near):
            multiply_rows(rows, rows, products)
            bends[:, k] = (grams * products).sum((1, 2)) * np.float32(responses.shape[1] / few)
        return bends

    def _move_decoder(self, state: State, seen: np.ndarray, residual: np.ndarray, damp: float) -> None:
        axes = state["features"]
        responses = multiply(axes[:, :-1], axes[:, -1], pack(seen), seen.shape[1])
        steps = step_along(residual, responses, damp)
        with one_blas_thread():
            change = steps @ axes
        state["weights"][0] += change[:, :-1]
        state["biases"][0] += change[:, -1]


def encode(encoder: Map, block: Block) -> np.ndarray:
    """Return the latents (C, n) of a block of whole pictures."""
    return multiply(*encoder, block.inputs, block.rows)
