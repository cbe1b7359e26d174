"""The autoencoders of Stable Diffusion's families: their configurations, and how a file shows which one it is.

The numbers are those of the public models' own configuration files. A single file does not hold any: SD and SDXL have
weights of the same names and shapes but other scaling, and so have SD3 and Flux.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from olacore.errors import ConfigError, FileFormatError

_SIZES: dict[str, Any] = {
    "_class_name": "AutoencoderKL",
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "block_out_channels": [128, 256, 512, 512],
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "act_fn": "silu",
}
_WITHOUT_QUANT = {"use_quant_conv": False, "use_post_quant_conv": False}

FAMILIES: dict[str, dict[str, Any]] = {
    # Stable Diffusion 1.x and 2.x
    "sd": {**_SIZES, "latent_channels": 4, "scaling_factor": 0.18215},
    "sdxl": {**_SIZES, "latent_channels": 4, "scaling_factor": 0.13025},
    "sd3": {**_SIZES, **_WITHOUT_QUANT, "latent_channels": 16, "scaling_factor": 1.5305, "shift_factor": 0.0609},
    "flux": {**_SIZES, **_WITHOUT_QUANT, "latent_channels": 16, "scaling_factor": 0.3611, "shift_factor": 0.1159},
}

# What lists the stages of the encoder, each but the last of which halves the sides.
STAGES = {"AutoencoderKL": "block_out_channels", "AutoencoderTiny": "num_encoder_blocks"}

# Names in a full checkpoint that only this family has.
MARKS = {
    "conditioner.embedders.": "sdxl",
    "cond_stage_model.": "sd",
    "model.diffusion_model.joint_blocks.": "sd3",
    "model.diffusion_model.double_blocks.": "flux",
    "double_blocks.": "flux",
}


def recognise(path: Path, names: Iterable[str]) -> str:
    """The family of a full checkpoint, by what else is in it.

    Parameters
    ----------
    names : of all weights in the file

    Raises
    ------
    ConfigError  if the file does not say
    """
    found = {family for name in names for mark, family in MARKS.items() if name.startswith(mark)}
    if len(found) == 1:
        return found.pop()
    choices = f"--config {', '.join(FAMILIES)}, or a config.json"
    raise ConfigError(f"{path} does not say which model's scaling its latents need; say it with {choices}.")


def shrinking(kind: str, settings: Mapping[str, Any]) -> int:
    """By how much a model shrinks the sides of pictures.

    Parameters
    ----------
    kind : its class of diffusers
    settings : its configuration

    Raises
    ------
    KeyError  if the configuration leaves it to diffusers, or no stages are known of the class
    """
    return int(2 ** (len(settings[STAGES[kind]]) - 1))


def factor_of(path: Path, down: int, up: int, channels: tuple[int, int]) -> int:
    """Pixels along a side that a latent of a model stands for.

    Parameters
    ----------
    path : of the configuration
    down, up : by how much the model shrinks pictures and enlarges latents
    channels : of the pictures that it reads and makes

    Raises
    ------
    FileFormatError  naming what the configuration says, if it does not map RGB to latents and back
    """
    if down != up or channels != (3, 3):
        form = f"1/{down} size, back times {up}, picture channels {channels}"
        raise FileFormatError(f"a teacher maps RGB to smaller latents and back to the same size; {path} says {form}.")
    return down
