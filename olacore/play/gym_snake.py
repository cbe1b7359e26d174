"""Snake as an environment of Gymnasium, `olacore/Snake-v0`; importing this file needs Gymnasium."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from olacore.kernels.snake import INPUTS, MOVES
from olacore.play.pictures import picture_of
from olacore.play.snake import Snake

NAME = "olacore/Snake-v0"


class SnakeEnvironment(gymnasium.Env):
    """Snake: observations (13,) float32 of `Snake.observe`, three moves, a reward of 1 for each food.

    Parameters
    ----------
    size : cells along a side of the board
    render_mode : "rgb_array", or None
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 (Gymnasium's own form)

    def __init__(self, size: int = 10, render_mode: str | None = None) -> None:
        self.size, self.render_mode = size, render_mode
        self.observation_space = gymnasium.spaces.Box(-1, 1, (INPUTS,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(MOVES)
        self.game = Snake(size)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Begin a game; without a seed the next one of the environment's own generator."""
        super().reset(seed=seed)
        self.game = Snake(self.size, int(self.np_random.integers(1 << 62)) if seed is None else seed)
        return self.game.observe(), {"food": 0}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Move: 0 turns left, 1 goes ahead, 2 turns right."""
        before = self.game.eaten
        self.game.step(int(action))
        seen = np.zeros(INPUTS, np.float32) if self.game.over else self.game.observe()
        return seen, float(self.game.eaten - before), self.game.over, False, {"food": self.game.eaten}

    def render(self) -> np.ndarray | None:
        """A picture (H, W, 3) uint8 of the board."""
        return picture_of(self.game) if self.render_mode == "rgb_array" else None


def register() -> None:
    """Make the environment known to Gymnasium, once."""
    if NAME not in gymnasium.registry:
        gymnasium.register(NAME, entry_point="olacore.play.gym_snake:SnakeEnvironment")
