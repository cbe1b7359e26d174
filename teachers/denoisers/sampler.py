"""What a pipeline's own sampler passes through on its way from noise to a latent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from olacore.errors import ConfigError, DataError
from teachers.denoisers.denoiser import DenoiserTeacher


@dataclass(frozen=True)
class Trajectory:
    """The states of one run of a sampler.

    Parameters
    ----------
    noisy : (m, C, h, w) float32, the clean latent and sigma times noise
    sigmas : (m,) falling
    latent : (C, h, w) float32, where it ends
    """

    noisy: np.ndarray
    sigmas: np.ndarray
    latent: np.ndarray


def sample(
    teacher: DenoiserTeacher, caption: str, size: tuple[int, int], seed: int, steps: int, guidance: float | None = None
) -> Trajectory:
    """Let a pipeline make a latent for a caption, and note each state that its network is asked about.

    The network is fed the same whatever the scheduler's own form of a state is. States of pure noise, which have no
    level, are left out.

    Parameters
    ----------
    size : (H, W) of the picture
    seed : of the noise that it starts from, and of all that is added later
    guidance : None for what the pipeline takes by itself

    Raises
    ------
    ConfigError  if the pipeline refuses the size, the steps or the guidance
    DataError  if it passes through what is not finite
    """
    schedule, family = teacher.schedule, teacher.family
    noisy: list[np.ndarray] = []
    sigmas: list[float] = []

    def note(network: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        fed = args[0] if args else kwargs[family.sample]
        step = kwargs["timestep"] if "timestep" in kwargs else args[1]
        sigma = schedule.sigma(float(torch.as_tensor(step).flatten()[0]))
        if schedule.knows(sigma):
            # With guidance the same state comes twice, without the caption and with it.
            noisy.append(schedule.fed(fed[-1].detach().float(), sigma).cpu().numpy())
            sigmas.append(sigma)

    told: dict[str, Any] = dict(family.sampling) | ({} if guidance is None else {"guidance_scale": guidance})
    hook = teacher.network.register_forward_pre_hook(note, with_kwargs=True)
    try:
        with torch.no_grad():
            latents = teacher.pipeline(
                caption,
                height=size[0],
                width=size[1],
                num_inference_steps=steps,
                generator=torch.Generator("cpu").manual_seed(seed),
                output_type="latent",
                return_dict=False,
                **told,
            )[0]
    # What pipelines and schedulers refuse comes as many types.
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        asked = f"{steps} steps of a picture of {size[1]} x {size[0]}"
        raise ConfigError(f"{teacher.name} does not sample {asked}: {first}") from error
    finally:
        hook.remove()
    if not noisy:
        raise ConfigError(f"{teacher.name} begins at noise alone, which {steps} steps do not leave; take more.")
    found = Trajectory(np.stack(noisy), np.array(sigmas), latents[0].float().cpu().numpy())
    if not (np.isfinite(found.noisy).all() and np.isfinite(found.latent).all()):
        raise DataError(f"{teacher.name} passes through NaN or inf; check its weights and the guidance.")
    return found
