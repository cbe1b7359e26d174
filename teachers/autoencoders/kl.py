"""`diffusers.AutoencoderKL`: the variational autoencoders of Stable Diffusion and its relatives."""

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL

from olacore.errors import FileFormatError
from teachers.autoencoders.families import factor_of, shrinking


def build_kl(config: dict[str, Any], path: Path) -> tuple[Any, int]:
    """A model with random weights, of the sizes that the configuration names, that never works in tiles; its factor.

    Raises
    ------
    FileFormatError  if it describes no model, or one that does not map RGB to latents and back
    """
    try:
        model = AutoencoderKL.from_config(config)
    except Exception as error:  # whatever the sizes are, they make no network
        raise FileFormatError(f"{path} is no configuration of a model: {error}.") from error
    model.disable_tiling()
    model.disable_slicing()
    settings = model.config
    factor = shrinking("AutoencoderKL", settings)
    return model, factor_of(path, factor, factor, (settings.in_channels, settings.out_channels))


def mode_of(answer: Any) -> torch.Tensor:
    """The mode of the distribution that the encoder answers."""
    return answer.latent_dist.mode()
