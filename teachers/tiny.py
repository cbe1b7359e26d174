"""`diffusers.AutoencoderTiny`: distilled autoencoders of Stable Diffusion's latent spaces, as teachers."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny
from safetensors import SafetensorError
from safetensors.torch import load

from olacore.data import LatentSpace
from olacore.errors import FileFormatError, ShapeError
from olacore.frames import FACTOR, checked_latents, checked_pictures, to_pixels
from teachers.hub import find_model


class TinyTeacher:
    """A tiny autoencoder on the CPU in float32.

    The encoder's output is the latent itself, with neither noise nor a distribution, and for the public
    models (scaling factor 1, shift 0) it already is in the scaled space that Stable Diffusion's denoiser uses.

    Parameters
    ----------
    reference : a local folder, or a hub id

    Attributes
    ----------
    space : its latent space

    Raises
    ------
    FileFormatError  if the model's files are missing, damaged, or of another model
    """

    def __init__(self, reference: str | Path) -> None:
        maker, config, weights = find_model(reference)
        content = weights.read_bytes()
        self._model = _build(config).eval().requires_grad_(False)
        _load_strictly(self._model, weights, content)
        settings = self._model.config
        self.space = LatentSpace(
            maker=maker,
            maker_sha256=hashlib.sha256(content).hexdigest(),
            scaling=settings.scaling_factor,
            shift=settings.shift_factor,
            channels=settings.latent_channels,
            factor=FACTOR,
        )

    @torch.inference_mode()
    def encode(self, frames: np.ndarray) -> np.ndarray:
        """Turn pictures into latents in the scaled space.

        Parameters
        ----------
        frames : (n, H, W, 3) uint8, H and W multiples of 8

        Returns
        -------
        (n, C, H/8, W/8) float32

        Raises
        ------
        ShapeError, DTypeError  if `frames` is anything else
        """
        frames = checked_pictures(frames)
        height, width = frames.shape[1:3]
        if height % FACTOR or width % FACTOR:
            raise ShapeError(f"height and width must be multiples of {FACTOR}; got {height} x {width}.")
        x = torch.from_numpy(frames.transpose(0, 3, 1, 2) / np.float32(127.5) - 1)
        # One picture at a time, so that its latent never depends on the pictures it came with.
        raw = torch.cat([self._model.encode(one).latents for one in x.split(1)])
        return ((raw - self.space.shift) * self.space.scaling).numpy()

    @torch.inference_mode()
    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Turn latents in the scaled space into pictures.

        Parameters
        ----------
        latents : (n, C, h, w)  rounded to float16, as files hold them

        Returns
        -------
        (n, 8 h, 8 w, 3) uint8

        Raises
        ------
        ShapeError, DTypeError, DataError  if `latents` has other dimensions, another type, or NaN or inf
        """
        z = torch.from_numpy(checked_latents(latents, self.space.channels, rank=3)).float()
        raw = z / self.space.scaling + self.space.shift
        x = torch.cat([self._model.decode(one).sample for one in raw.split(1)])
        return to_pixels(x.permute(0, 2, 3, 1).numpy())


def _build(path: Path) -> Any:
    """A model with random weights, of the class and the sizes that the configuration names."""
    try:
        config = json.loads(path.read_bytes())
        kind = config.get("_class_name")
        # diffusers writes this key itself, then warns that it does not know it.
        config.pop("block_out_channels", None)
        model = AutoencoderTiny.from_config(config) if kind == "AutoencoderTiny" else None
    except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise FileFormatError(f"{path} is no configuration of a model: {error}.") from error
    if model is None:
        raise FileFormatError(f"a teacher is an AutoencoderTiny; {path} describes {kind!r}.")
    settings = model.config
    down = 2 ** (len(settings.num_encoder_blocks) - 1)
    up = settings.upsampling_scaling_factor ** (len(settings.num_decoder_blocks) - 1)
    channels = settings.in_channels, settings.out_channels
    if (down, up) != (FACTOR, FACTOR) or channels != (3, 3):
        form = f"1/{down} size, back times {up}, picture channels {channels}"
        raise FileFormatError(f"a teacher maps RGB to latents of 1/{FACTOR} size and back; {path} says {form}.")
    return model


def _load_strictly(model: torch.nn.Module, path: Path, content: bytes) -> None:
    """Fill every weight of `model`, or say what does not fit."""
    try:
        weights = load(content)
    except SafetensorError as error:
        raise FileFormatError(f"{path} is damaged or no safetensors file ({error}); copy it again.") from error
    wanted = model.state_dict()
    misfits = {
        "missing": sorted(wanted.keys() - weights.keys()),
        "unexpected": sorted(weights.keys() - wanted.keys()),
        "misshapen": sorted(n for n in wanted.keys() & weights if wanted[n].shape != weights[n].shape),
    }
    wrong = [f"{len(names)} {what} ({', '.join(names[:3])})" for what, names in misfits.items() if names]
    if wrong:
        raise FileFormatError(f"{path} has other weights than its config.json asks for: {', '.join(wrong)}.")
    broken = sorted(name for name, weight in weights.items() if not weight.isfinite().all())
    if broken:
        raise FileFormatError(f"{path} has NaN or inf in {', '.join(broken[:3])}; copy it again.")
    model.load_state_dict(weights)
