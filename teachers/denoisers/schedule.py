"""Noise levels: what a network is told of one, what it is fed, and what its answer says of the clean latent.

A level is the noise's standard deviation, in units of the scaled latents: a noisy latent is `clean + sigma * noise`,
whatever form a pipeline's own has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from olacore.errors import ConfigError, FileFormatError

# A level that was computed elsewhere, in float32, may lie so much past the end.
ROUNDING = 1e-4
PREDICTIONS = ("epsilon", "v_prediction", "sample")


class Schedule(ABC):
    """How a network counts noise levels.

    Attributes
    ----------
    lowest, highest : sigma that the network knows
    prediction : what it answers: epsilon, v_prediction, sample or flow
    """

    lowest: float
    highest: float
    prediction: str

    @abstractmethod
    def timestep(self, sigma: float) -> float:
        """What the network is told of a level."""

    @abstractmethod
    def sigma(self, timestep: float) -> float:
        """The inverse of `timestep`; inf where nothing is left of the clean latent."""

    @abstractmethod
    def feed(self, noisy: Any, sigma: float) -> Any:
        """The noisy latent as the network is fed it."""

    @abstractmethod
    def fed(self, sample: Any, sigma: float) -> Any:
        """The noisy latent that a network was fed: the inverse of `feed`."""

    @abstractmethod
    def clean(self, answer: Any, noisy: Any, sigma: float) -> Any:
        """The clean latent that an answer stands for."""

    def knows(self, sigma: float) -> bool:
        """Whether the network knows such a level."""
        return self.lowest * (1 - ROUNDING) <= sigma <= self.highest * (1 + ROUNDING)

    def check(self, sigma: float) -> None:
        """Raise `ConfigError` unless the network knows such a level."""
        if not self.knows(sigma):
            known = f"{self.lowest:.3g} to {self.highest:.4g}"
            raise ConfigError(f"the teacher knows noise levels from {known}; got {sigma:g}.")


class Variances(Schedule):
    """Levels that are counted in steps of a chain of small noises, as in SD 1 and 2, SDXL, LCM and PixArt.

    Parameters
    ----------
    kept : (T,) the part of the variance that is left of the clean latent at each step, falling
    prediction : epsilon, v_prediction or sample
    """

    def __init__(self, kept: np.ndarray, prediction: str) -> None:
        kept = np.asarray(kept, np.float64)
        if kept.ndim != 1 or len(kept) < 2 or not (np.all((kept > 0) & (kept < 1)) and np.all(np.diff(kept) < 0)):
            raise FileFormatError("the scheduler's alphas must fall from below 1 to above 0; take the model's own.")
        if prediction not in PREDICTIONS:
            known = ", ".join(PREDICTIONS)
            raise FileFormatError(f"the scheduler says that the network predicts {prediction!r}; known are {known}.")
        self._logs = 0.5 * np.log((1 - kept) / kept)
        self.prediction = prediction
        self.lowest, self.highest = float(np.exp(self._logs[0])), float(np.exp(self._logs[-1]))

    def timestep(self, sigma: float) -> float:
        """The step, between two whole ones by the logarithm of the level."""
        self.check(sigma)
        return float(np.interp(np.log(sigma), self._logs, np.arange(len(self._logs))))

    def sigma(self, timestep: float) -> float:
        """The level of a step, between those of two whole ones by its logarithm."""
        return float(np.exp(np.interp(timestep, np.arange(len(self._logs)), self._logs)))

    def feed(self, noisy: Any, sigma: float) -> Any:
        """Scaled so that its variance stays that of the clean latent's."""
        return noisy / np.sqrt(1 + sigma**2)

    def fed(self, sample: Any, sigma: float) -> Any:
        """Scaled back."""
        return sample * np.sqrt(1 + sigma**2)

    def clean(self, answer: Any, noisy: Any, sigma: float) -> Any:
        """The clean latent of the predicted noise, velocity, or itself."""
        if self.prediction == "epsilon":
            return noisy - sigma * answer
        if self.prediction == "v_prediction":
            return noisy / (1 + sigma**2) - answer * (sigma / np.sqrt(1 + sigma**2))
        return answer


class Flow(Schedule):
    """Levels on the straight line from the clean latent to noise, as in SD 3.

    Parameters
    ----------
    steps : what the far end of the line is counted as
    """

    prediction = "flow"

    def __init__(self, steps: int) -> None:
        self.steps = steps
        # From one step to all but one.
        self.lowest, self.highest = 1 / (steps - 1), float(steps - 1)

    def timestep(self, sigma: float) -> float:
        """The place on the line, counted in steps."""
        self.check(sigma)
        return self.steps * sigma / (1 + sigma)

    def sigma(self, timestep: float) -> float:
        """The level of a place on the line; its far end is noise alone."""
        return timestep / (self.steps - timestep) if timestep < self.steps else np.inf

    def feed(self, noisy: Any, sigma: float) -> Any:
        """The point on the line."""
        return noisy / (1 + sigma)

    def fed(self, sample: Any, sigma: float) -> Any:
        """The noisy latent whose point on the line it is."""
        return sample * (1 + sigma)

    def clean(self, answer: Any, noisy: Any, sigma: float) -> Any:
        """The near end, from the point and the direction."""
        return (noisy - sigma * answer) / (1 + sigma)


def schedule_of(scheduler: Any) -> Schedule:
    """The levels of a pipeline's scheduler.

    Raises
    ------
    FileFormatError  if what its network predicts is unknown, or its levels are no falling row
    """
    config = scheduler.config
    if "FlowMatch" in type(scheduler).__name__ or config.get("prediction_type") == "flow_prediction":
        return Flow(int(config.num_train_timesteps))
    kept = getattr(scheduler, "alphas_cumprod", None)
    if kept is None:
        raise FileFormatError(f"the scheduler {type(scheduler).__name__} has no known noise levels.")
    return Variances(kept.numpy(), str(config.get("prediction_type", "epsilon")))


def equal_shares(sigmas: np.ndarray, errors: np.ndarray, count: int) -> np.ndarray:
    """Levels of which each covers an equal share of the error that a teacher removes.

    Parameters
    ----------
    sigmas : (n,) rising levels
    errors : (n,) what is left at each, the mean square of the clean latent being 1; it grows with the level
    count : of the levels wanted

    Returns
    -------
    (count,) falling levels, in the middle of each share

    Raises
    ------
    ConfigError  if there are no levels to choose from
    """
    if count < 1 or len(sigmas) < 2 or np.any(np.diff(sigmas) <= 0):
        raise ConfigError(f"levels are chosen from two rising ones or more; got {len(sigmas)} for {count}.")
    rising = np.maximum.accumulate(errors)
    # A tiny slope makes the curve invertible where it is flat.
    rising = rising + np.arange(len(rising)) * 1e-9 * max(rising[-1], 1e-9)
    shares = rising[0] + (rising[-1] - rising[0]) * (np.arange(count) + 0.5) / count
    return np.exp(np.interp(shares, rising, np.log(sigmas)))[::-1]
