"""The training: noise levels, steps of AdamW, the running mean of the weights, all of it in one checkpoint.

The network predicts the velocity of a noisy latent, which for latents of about unit variance is the preconditioning of
Karras et al. 2022, arXiv:2206.00364; levels are drawn as there. Errors count in units of each channel's deviation. A
step draws all that is random from (seed, step), and rates depend on the step alone: how long the training goes on, and
how often it was interrupted, changes no bit of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from olacore.errors import ConfigError, SearchError
from olacore.search.checkpoint import load_checkpoint, save_checkpoint
from teachers.denoisers.schedule import schedule_of
from teachers.small_pipeline.pipeline import Pipeline, encode_captions
from teachers.small_pipeline.settings import Rows, Settings

KIND = "small pipeline"
# The running mean reaches back over a tenth of the steps, and not further than this many.
MEMORY, LONGEST = 10, 2000
BETAS, LARGEST_GRADIENT = (0.9, 0.99), 1.0
# Seconds between checkpoints, and steps between figures.
SAVE_EVERY, MEASURE_EVERY = 120.0, 500
# Latents that are asked about at once.
AT_ONCE = 64


@dataclass
class Progress:
    """How far a training is.

    Parameters
    ----------
    step : the steps that are done
    seconds : that they took, over all runs
    curve : what was measured on the way: step, training loss, and what is left at each level of the validation rows
    """

    step: int = 0
    seconds: float = 0.0
    curve: list[dict[str, Any]] = field(default_factory=list)


class Training:
    """A network on its way.

    Parameters
    ----------
    pipeline : around the network, which is trained in place
    rows : the training rows
    digest : of the data and teachers; a checkpoint has to have the same one

    Attributes
    ----------
    progress : see `Progress`
    deviations : (C,) of the training latents
    """

    def __init__(self, pipeline: Pipeline, rows: Rows, settings: Settings, digest: str) -> None:
        self.pipeline, self.settings, self.digest = pipeline, settings, digest
        self.network, self.progress = pipeline.unet, Progress()
        self.weights = list(self.network.parameters())
        self.mean_weights = [weight.detach().clone() for weight in self.weights]
        self.optimiser = torch.optim.AdamW(
            self.weights, settings.learning_rate, betas=BETAS, weight_decay=settings.weight_decay
        )
        for weight in self.weights:
            zeros = torch.zeros_like(weight)
            self.optimiser.state[weight] = {"step": torch.tensor(0.0), "exp_avg": zeros, "exp_avg_sq": zeros.clone()}
        kept = pipeline.scheduler.alphas_cumprod
        self._logs = 0.5 * torch.log((1 - kept) / kept)
        self._latents = torch.from_numpy(rows.latents)
        self.deviations = rows.latents.std((0, 2, 3))
        weights = torch.from_numpy(1 / np.maximum(self.deviations, 1e-6) ** 2).view(1, -1, 1, 1)
        self._importance = weights / weights.mean()
        self._states, self._places = encode_captions(pipeline, rows.captions)
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def run(
        self,
        path: Path,
        steps: int | None,
        minutes: float | None,
        stop: Callable[[], bool],
        measure: Callable[[], dict[str, float]],
        tell: Callable[[Progress], None],
    ) -> bool:
        """Train up to so many steps or minutes in all, and leave a checkpoint.

        Parameters
        ----------
        path : of the checkpoint
        stop : asked before each step
        measure : figures of the mean weights, for the curve
        tell : is told of each new figure

        Returns
        -------
        whether it got there before it was stopped

        Raises
        ------
        SearchError  if a loss is not finite; the checkpoint stays as it was
        """
        progress, saved = self.progress, time.monotonic()
        losses: list[float] = []
        self.network.train()
        began, before = time.monotonic(), progress.seconds
        while not (reached := self._reached(steps, minutes)) and not stop():
            losses.append(self.step())
            progress.seconds = before + time.monotonic() - began
            if progress.step % MEASURE_EVERY == 0:
                figures = {"loss": float(np.mean(losses)), **measure()}
                progress.curve.append({"step": progress.step, **figures})
                losses.clear()
                tell(progress)
            if time.monotonic() - saved > SAVE_EVERY:
                self.save(path)
                saved = time.monotonic()
        self.save(path)
        return reached

    def _reached(self, steps: int | None, minutes: float | None) -> bool:
        enough = steps is not None and self.progress.step >= steps
        return enough or (minutes is not None and self.progress.seconds >= 60 * minutes)

    def step(self) -> float:
        """One step on one batch; its loss.

        Raises
        ------
        SearchError  if it is not finite
        """
        settings, number = self.settings, self.progress.step
        picked = torch.from_numpy(self._picked(number))
        with torch.random.fork_rng(devices=[]):
            # A step of its own, so that nothing of the generator has to be kept; dropout draws from it too.
            torch.manual_seed(int(np.random.SeedSequence((settings.seed, number)).generate_state(1, np.uint64)[0] >> 1))
            clean = self._latents[picked]
            plain = torch.rand(len(picked)) < settings.plain
            places = torch.where(plain, 0, self._places[picked])
            drawn = torch.randn(len(picked)) * settings.spread + settings.middle
            steps = torch.searchsorted(self._logs, drawn).clamp(max=len(self._logs) - 1)
            sigma = self._logs[steps].exp().view(-1, 1, 1, 1)
            noise = torch.randn_like(clean)
            scale = (1 + sigma**2).rsqrt()
            noisy, velocity = (clean + sigma * noise) * scale, (noise - sigma * clean) * scale
            found = self.network(noisy, steps, self._states[places].float(), return_dict=False)[0]
            loss = (self._importance * (found - velocity) ** 2).mean()
            if not torch.isfinite(loss):
                raise SearchError(
                    f"the loss of step {number} is not finite; train anew with a smaller --learning-rate than "
                    f"{settings.learning_rate:g}."
                )
            loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights, LARGEST_GRADIENT)
        rate = settings.learning_rate * min(1.0, (number + 1) / settings.warm_up)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * min(1.0, (settings.steady / (number + 1)) ** 0.5)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        share = max(MEMORY / (number + MEMORY), 1 / LONGEST)
        with torch.no_grad():
            torch._foreach_lerp_(self.mean_weights, [weight.detach() for weight in self.weights], share)
        self.progress.step = number + 1
        return float(loss.detach())

    def _picked(self, number: int) -> np.ndarray:
        """The rows of a batch: passes over all of them, each in an order of its own, one behind the other."""
        count, first = len(self._latents), number * self.settings.batch
        picked = np.arange(first, first + self.settings.batch)
        rows = np.empty(len(picked), np.int64)
        for turn in np.unique(picked // count):
            if self._order[0] != turn:
                order = np.random.default_rng((self.settings.seed, int(turn))).permutation(count)
                self._order = int(turn), order
            here = picked // count == turn
            rows[here] = self._order[1][picked[here] % count]
        return rows

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The network with the mean weights, for use."""
        now = [weight.detach().clone() for weight in self.weights]
        self._fill(self.mean_weights)
        self.network.eval()
        try:
            yield
        finally:
            self._fill(now)
            self.network.train()

    def _fill(self, values: list[torch.Tensor]) -> None:
        with torch.no_grad():
            for weight, value in zip(self.weights, values, strict=True):
                weight.copy_(value)

    def save(self, path: Path) -> None:
        """Write the checkpoint in one step."""
        arrays: dict[str, np.ndarray] = {}
        for number, (weight, mean) in enumerate(zip(self.weights, self.mean_weights, strict=True)):
            state = self.optimiser.state[weight]
            kept = {"weight": weight, "mean": mean, "first": state["exp_avg"], "second": state["exp_avg_sq"]}
            arrays |= {f"{number}.{name}": tensor.detach().numpy() for name, tensor in kept.items()}
        settings = {
            "kind": KIND, "settings": self.settings.to_dict(), "digest": self.digest, **vars(self.progress)
        }  # fmt: skip
        save_checkpoint(path, arrays, settings)

    def load(self, path: Path) -> None:
        """Go on where a checkpoint is.

        Raises
        ------
        FileFormatError  if it is damaged
        ConfigError  if it is of another training
        """
        arrays, told = load_checkpoint(path)
        if told.get("kind") != KIND:
            raise ConfigError(f"{path} is no checkpoint of a small teacher; give another --out.")
        mine, theirs = self.settings.to_dict(), told["settings"]
        other = [f"{name} {theirs.get(name)}, not {value}" for name, value in mine.items() if theirs.get(name) != value]
        if other:
            raise ConfigError(f"{path} was made with {', '.join(other)}; give the same, or --force to start anew.")
        if told["digest"] != self.digest:
            raise ConfigError(f"{path} was trained on other data or teachers; give the same, or --force to start anew.")
        self.progress = Progress(told["step"], told["seconds"], told["curve"])
        for number, weight in enumerate(self.weights):
            state = self.optimiser.state[weight]
            state["step"] = torch.tensor(float(told["step"]))
            into = {"weight": weight, "mean": self.mean_weights[number]}
            for name, tensor in (into | {"first": state["exp_avg"], "second": state["exp_avg_sq"]}).items():
                with torch.no_grad():
                    tensor.copy_(torch.from_numpy(arrays[f"{number}.{name}"]))


@torch.no_grad()
def clean_latents(pipeline: Pipeline, noisy: np.ndarray, sigma: float, states: torch.Tensor) -> np.ndarray:
    """What the network takes noisy latents (n, C, h, w) of one level for, told the states (n, T, E) of captions."""
    schedule = schedule_of(pipeline.scheduler)
    found = []
    for first in range(0, len(noisy), AT_ONCE):
        part = torch.from_numpy(np.ascontiguousarray(noisy[first : first + AT_ONCE], np.float32))
        step = torch.full((len(part),), schedule.timestep(sigma))
        told = states[first : first + AT_ONCE].float()
        answer = pipeline.unet(schedule.feed(part, sigma), step, told, return_dict=False)[0]
        found.append(schedule.clean(answer, part, sigma).numpy())
    return np.concatenate(found)
