"""`diffusers.AutoencoderTiny`: distilled autoencoders of Stable Diffusion's latent spaces.

The encoder's output is the latent itself, with neither noise nor a distribution, and for the public models (scaling
factor 1, shift 0) it already is in the scaled space that Stable Diffusion's denoiser uses.
"""

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny

from olacore.errors import FileFormatError
from teachers.autoencoders.families import factor_of, shrinking


def build_tiny(config: dict[str, Any], path: Path) -> tuple[Any, int]:
    """A model with random weights, of the sizes that the configuration names; its factor.

    Raises
    ------
    FileFormatError  if it describes no model, or one that does not map RGB to latents and back
    """
    # diffusers writes this key itself, then warns that it does not know it.
    known = {key: value for key, value in config.items() if key != "block_out_channels"}
    try:
        model = AutoencoderTiny.from_config(known)
    except Exception as error:  # whatever the sizes are, they make no network
        raise FileFormatError(f"{path} is no configuration of a model: {error}.") from error
    settings = model.config
    down = shrinking("AutoencoderTiny", settings)
    up = settings.upsampling_scaling_factor ** (len(settings.num_decoder_blocks) - 1)
    return model, factor_of(path, down, up, (settings.in_channels, settings.out_channels))


def latents_of(answer: Any) -> torch.Tensor:
    """The latent in what the encoder answers."""
    return answer.latents
