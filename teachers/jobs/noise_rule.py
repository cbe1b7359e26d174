"""Which noise is added to which latents: levels, draws, seeds; or which trajectories are followed."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

from olacore.errors import ConfigError

MOST_LEVELS, MOST_REPEATS, MOST_STEPS = 100, 1000, 1000


@dataclass(frozen=True)
class NoiseRule:
    """What is asked of a denoiser.

    Parameters
    ----------
    levels : noise levels in units of the scaled latents, or how many are to be chosen
    repeats : draws of noise and caption for each picture and level
    seed : of noise, captions and trajectories
    trajectories : follow so many runs of the teacher's own sampler, in place of levels and repeats
    steps, guidance : of its sampler; None for the pipeline's own guidance

    Raises
    ------
    ConfigError  if a number is out of range
    """

    levels: tuple[float, ...] | int = 6
    repeats: int = 1
    seed: int = 0
    trajectories: int = 0
    steps: int = 20
    guidance: float | None = None

    def __post_init__(self) -> None:
        limits = {
            "levels": (1, self.levels if isinstance(self.levels, int) else len(self.levels), MOST_LEVELS),
            "repeats": (1, self.repeats, MOST_REPEATS),
            "seed": (0, self.seed, (1 << 63) - 1),
            "trajectories": (0, self.trajectories, 1 << 24),
            "steps": (1, self.steps, MOST_STEPS),
        }
        for name, (least, value, most) in limits.items():
            if not least <= value <= most:
                raise ConfigError(f"{name} must be {least} to {most}; got {value}.")
        if self.guidance is not None and not math.isfinite(self.guidance):
            raise ConfigError(f"guidance must be finite; got {self.guidance}.")
        if isinstance(self.levels, tuple):
            given = [rounded(level) for level in self.levels if math.isfinite(level)]
            if len(set(given)) < len(self.levels) or min(given) <= 0:
                shown = ", ".join(f"{level:g}" for level in self.levels)
                raise ConfigError(f"levels must be different numbers above 0; got {shown}.")

    def told(self) -> dict[str, Any]:
        """What a data set keeps of it, as JSON gives it back; the levels themselves come beside it."""
        if self.trajectories:
            asked: dict[str, Any] = {"trajectories": self.trajectories, "steps": self.steps, "guidance": self.guidance}
        else:
            asked = {"levels_asked": self.levels if isinstance(self.levels, int) else "given", "repeats": self.repeats}
        return {**asked, "seed": self.seed}


def rounded(level: float, digits: int = 6) -> float:
    """A level to as many digits; to six it is what float32 can hold, written short."""
    return float(f"{level:.{digits}g}")


def drawn(*key: object) -> tuple[int, int]:
    """Two random numbers below 2^64 that depend on a key alone: a seed of noise, and one that chooses."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
