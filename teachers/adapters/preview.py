"""Pictures of what a pipeline of diffusers is heading for, while it samples."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from olacore.spaces import FAMILIES
from teachers.adapters.diffusers import OrganicVAE

# Which shipped decoder reads the latents of a VAE, by its scaling factor.
DECODERS = {family.scaling: f"{name}-decoder" for name, family in FAMILIES.items()}


@contextmanager
def olacore_preview(
    pipe: Any, callback: Callable[[int, int, np.ndarray], object], every: int = 1, vae: Any = None
) -> Iterator[None]:
    """Within it, every run of a pipeline shows pictures of the clean latents that each step expects.

    Parameters
    ----------
    pipe : a pipeline with a `scheduler`; its `step` is wrapped, and put back at the end
    callback : called with the number of the step from 1, the number of steps, and a picture (H, W, 3) uint8, the first
        of the batch. A scheduler of second order counts both halves of a step
    every : so many steps; the last one is always shown
    vae : an `OrganicVAE` to decode with; by default the pipeline's VAE. For any other VAE the shipped decoder of its
        family stands in

    Raises
    ------
    ValueError  if no decoder is known for the pipeline, `every` is below 1, or the clean latents of its scheduler are
        not known
    """
    if every < 1:
        raise ValueError(f"every is a number of steps, 1 or more; got {every}.")
    # A copy of its own: hooks that move a pipeline's parts between devices do not see it.
    decoder = copy.deepcopy(_decoder_of(pipe.vae if vae is None else vae))
    scheduler, count = pipe.scheduler, 0
    plain_step, plain_set = scheduler.step, scheduler.set_timesteps

    @functools.wraps(plain_set)
    def set_timesteps(*arguments: Any, **named: Any) -> Any:
        nonlocal count
        count = 0
        return plain_set(*arguments, **named)

    @functools.wraps(plain_step)
    def step(model_output: Any, timestep: Any, sample: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal count
        answer = plain_step(model_output, timestep, sample, *arguments, **named)
        count += 1
        total = getattr(pipe, "num_timesteps", len(scheduler.timesteps))
        if count % every == 0 or count == total:
            clean = clean_latents(scheduler, answer, model_output, timestep, sample)
            callback(count, total, _picture(decoder.to(clean.device), clean))
        return answer

    before = {name: vars(scheduler)[name] for name in ("step", "set_timesteps") if name in vars(scheduler)}
    scheduler.step, scheduler.set_timesteps = step, set_timesteps
    try:
        yield
    finally:
        del scheduler.step, scheduler.set_timesteps
        vars(scheduler).update(before)


def clean_latents(scheduler: Any, answer: Any, model_output: Any, timestep: Any, sample: Any) -> torch.Tensor:
    """The clean latents x0 that a scheduler's step took its model's answer for.

    Parameters
    ----------
    scheduler : of diffusers
    answer : of `scheduler.step(model_output, timestep, sample)`, which has been called
    model_output, timestep, sample : what its `step` was called with; (B, C, h, w) tensors

    Raises
    ------
    ValueError  if they are not known for that scheduler
    """
    parts, told = answer if isinstance(answer, tuple) else answer.to_tuple(), scheduler.config
    # The second part of TCD is noisy.
    if len(parts) > 1 and type(scheduler).__name__ != "TCDScheduler":
        return parts[1]
    if "dpmsolver++" in told.get("algorithm_type", "") or told.get("predict_x0"):
        return scheduler.model_outputs[-1]
    if hasattr(scheduler, "alphas_cumprod"):
        share = scheduler.alphas_cumprod.to(sample.device)[timestep]
        kept, noise = share.sqrt(), (1 - share).sqrt()
        if told.prediction_type == "epsilon":
            return (sample - noise * model_output) / kept
        if told.prediction_type == "v_prediction":
            return kept * sample - noise * model_output
        if told.prediction_type == "sample":
            return model_output
    elif hasattr(scheduler, "sigmas") and scheduler.step_index:
        # Flow matching, whose index is at the next step already.
        return sample - scheduler.sigmas[scheduler.step_index - 1] * model_output
    raise ValueError(f"the clean latents of a step are not known for {type(scheduler).__name__}.")


def _decoder_of(vae: Any) -> torch.nn.Module:
    """The decoder of an organic VAE, or the shipped one for the latents of another."""
    # By its name, since a folder may bring its own copy of the class.
    if type(vae).__name__ == OrganicVAE.__name__:
        found = vae.decoder
    else:
        name = DECODERS.get(vae.config.get("scaling_factor"))
        if name is None:
            raise ValueError(
                f"no decoder is known for the latents of {type(vae).__name__}; give one, such as "
                'vae=OrganicVAE.from_pretrained("sd15").'
            )
        found = OrganicVAE.from_pretrained(name).decoder
    if found is None:
        raise ValueError("the OrganicVAE has no decoder; give another one as vae.")
    if any(weight.is_meta for weight in found.parameters()):
        raise ValueError("the weights of the OrganicVAE are offloaded; give another one as vae.")
    return found


@torch.no_grad()
def _picture(decoder: torch.nn.Module, latents: torch.Tensor) -> np.ndarray:
    """The first of a batch as (H, W, 3) uint8; rounded where the latents are, so that little is copied."""
    pixels = decoder(latents[:1])[0].float()
    return ((pixels + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
