"""How a picture is drawn, beside its prompt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from olacore.drawing.sampler import SOLVERS
from olacore.errors import ConfigError

MOST_SEED, MOST_GUIDANCE = (1 << 63) - 1, 20.0
# To choose from where a set has no noise levels of its own: those of google64. Of eight concepts drawn by `fluent3d`
# the spread over seeds is 0.28 of the largest at the lowest, and 0.99 at the highest.
VARIETIES = (4.0, 2.0, 1.0, 0.5, 0.25)


def varieties(levels: Iterable[float], seen: float | None) -> list[float]:
    """What a control of variety offers above 0, from high to low; nothing where no variety has an effect.

    Parameters
    ----------
    levels : noise levels of the set
    seen : see `Captions.leaned`; None where no prompt leans
    """
    return [*levels] or ([] if seen is None else [*VARIETIES])


@dataclass(frozen=True)
class Settings:
    """How a picture is drawn, beside its prompt.

    Parameters
    ----------
    seed : of chance
    variety : 0 draws what the text alone leads one to expect, the same for every seed. Above, a prompt that leans does
        so on others of the captions that it is likest, and any other is drawn from noise of that level, in the units of
        the latents
    steps : noise levels that are passed at most; None for all that the set has below `variety`
    solver : "dpm" or "ddim"
    guidance : 1 draws what the text leads one to expect; above, what sets it apart from the mean of all is exaggerated;
        None does so until it is as large as in training pictures, three times at most
    negative : what the picture is drawn away from, in its own style, or else the prompt's
    lean : how far a prompt that is far from all training captions is taken for those that it is likest, 0 to 1: nearer
        to 1 pictures of what is not known are clearer, and show less what was asked. Sets whose text module is of the
        view scene do not
    style : one that the set knows, which the prompt is joined with; "" is the one that the prompt ends in, or the one
        that most training pictures have, or none where some have none

    Raises
    ------
    ConfigError  if one is out of range
    """

    seed: int = 0
    variety: float = 0.0
    steps: int | None = None
    solver: str = "dpm"
    guidance: float | None = None
    negative: str = ""
    lean: float = 1.0
    style: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= MOST_SEED:
            raise ConfigError(f"seed must be 0 to {MOST_SEED}; got {self.seed}.")
        if not 0 <= self.variety < np.inf:
            raise ConfigError(f"variety must be 0 or more; got {self.variety}.")
        if self.steps is not None and self.steps < 1:
            raise ConfigError(f"steps must be 1 or more; got {self.steps}.")
        if self.solver not in SOLVERS:
            raise ConfigError(f"solver must be {' or '.join(SOLVERS)}; got {self.solver!r}.")
        if self.guidance is not None and not 0 <= self.guidance <= MOST_GUIDANCE:
            raise ConfigError(f"guidance must be 0 to {MOST_GUIDANCE:g}; got {self.guidance}.")
        if not 0 <= self.lean <= 1:
            raise ConfigError(f"lean must be 0 to 1; got {self.lean}.")
        if not isinstance(self.style, str):
            raise ConfigError(f"style must be a text, empty for none; got {self.style!r}.")
