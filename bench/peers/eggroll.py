"""A low-rank antithetic evolution strategy in our own few lines: the EGGROLL rule (Sarkar et al., arXiv:2511.16652).

Member k perturbs the genome by +-sigma a_k b_k', a rank-1 matrix with standard normal a and b. Its score needs no
product of its own: the response b_k' x is shared by all rows, and row o moves by sigma a_ko times that. So a member
costs one pass over cached pre-activations, which is the point of the rule; `score_directions` is our fast kernel for
just that. Fitness is standardised over the population; the sum over members of fitness times perturbation goes
through Adam.
"""

from __future__ import annotations

import numpy as np

from bench.peers.adam import Rule
from bench.peers.method import Method, Weights
from bench.peers.problems import Problem
from olacore.embed.checked import compiled_loss
from olacore.kernels.forward import multiply_packed
from olacore.kernels.incremental import make_score_directions

TINY = 1e-12


class Eggroll(Method):
    """Rank-1 antithetic evolution strategy.

    Parameters
    ----------
    block : rows that a generation is scored on
    population : members, half of them mirrored
    sigma : scale of a perturbation
    rate : learning rate of Adam
    rowwise : whether a row's update weighs members by that row's own loss
    """

    def __init__(
        self,
        problem: Problem,
        loss: str,
        seed: int,
        block: int = 1024,
        population: int = 64,
        sigma: float = 0.03,
        rate: float = 0.01,
        rowwise: bool = False,
    ) -> None:
        super().__init__(problem, loss, seed)
        self.blocks = problem.train.blocks(block, seed)
        self.pairs, self.sigma, self.rate, self.rowwise = max(1, population // 2), sigma, rate, rowwise
        self.draw = np.random.default_rng(seed)
        self.score = make_score_directions(compiled_loss(loss))
        self.genome = np.zeros((problem.outputs, problem.inputs + 1), np.float32)
        self.rule = Rule(self.genome.shape)

    def advance(self) -> None:
        """Score all members on the next block and move."""
        block = next(self.blocks)
        out, width = self.genome.shape
        left = self.draw.standard_normal((self.pairs, out), np.float32)
        right = self.draw.standard_normal((self.pairs, width), np.float32)
        pre = np.empty((out, block.rows), np.float32)
        multiply_packed(np.ascontiguousarray(self.genome[:, :-1]), self.genome[:, -1].copy(), block.inputs, pre)
        responses = np.empty((self.pairs, block.rows), np.float32)
        multiply_packed(np.ascontiguousarray(right[:, :-1]), right[:, -1].copy(), block.inputs, responses)
        losses = np.empty((self.pairs, out, 2), np.float32)
        for k in range(self.pairs):
            self.score(pre, block.targets, responses[k : k + 1], self.sigma * left[k], losses[k][:, None])
        told = losses if self.rowwise else losses.mean(1, keepdims=True)
        spread = told.std((0, 2), keepdims=True) + TINY
        pull = ((told[:, :, 0] - told[:, :, 1]) / spread[:, :, 0]).astype(np.float32)
        slope = (left * pull).T @ right / np.float32(2 * self.pairs)
        self.genome -= self.rule.move(slope, self.rate)

    def weights(self) -> Weights:
        """The genome."""
        return self.genome[:, :-1].copy(), self.genome[:, -1].copy()
