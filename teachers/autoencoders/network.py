"""An autoencoder under torch as a teacher: pictures in, latents in its scaled space out, and back."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from olacore.errors import ShapeError
from olacore.media.frames import checked_latents, checked_pictures, to_pixels
from olacore.spaces import LatentSpace
from teachers.protocol import Autoencoder


class NetworkTeacher(Autoencoder):
    """A frozen autoencoder in float32, whole pictures at a time, never in tiles.

    On a CPU each picture goes through the network alone, so that its latent never depends on the pictures it came
    with. On a GPU `batch` of them go together.

    Parameters
    ----------
    model : in evaluation mode, on `device`
    space : its latent space
    latents_of : what of the encoder's answer is the latent
    device : where it runs
    batch : pictures to hand over at once
    settings : what else decides about its answers, for the data set

    Attributes
    ----------
    space, batch, settings : see `Autoencoder`
    """

    def __init__(
        self,
        model: Any,
        space: LatentSpace,
        latents_of: Callable[[Any], torch.Tensor],
        device: torch.device,
        batch: int,
        settings: dict[str, Any],
    ) -> None:
        self.model, self.space, self.batch, self.settings = model, space, batch, settings
        self.device = device
        self._latents_of = latents_of
        self._together = 1 if device.type == "cpu" else batch

    @torch.inference_mode()
    def encode(self, frames: np.ndarray) -> np.ndarray:
        """Turn pictures into latents in the scaled space; of a distribution, its mode.

        Parameters
        ----------
        frames : (n, H, W, 3) uint8, H and W multiples of f, the factor of its space

        Returns
        -------
        (n, C, H/f, W/f) float32

        Raises
        ------
        ShapeError, DTypeError  if `frames` is anything else
        """
        frames = checked_pictures(frames)
        (height, width), factor = frames.shape[1:3], self.space.factor
        if height % factor or width % factor:
            raise ShapeError(f"height and width must be multiples of {factor}; got {height} x {width}.")
        x = torch.from_numpy(frames.transpose(0, 3, 1, 2) / np.float32(127.5) - 1)
        with exact():
            parts = [
                self._latents_of(self.model.encode(part.to(self.device))).cpu() for part in x.split(self._together)
            ]
        scaling, shift = self._affine()
        return ((torch.cat(parts) - shift) * scaling).numpy()

    @torch.inference_mode()
    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Turn latents in the scaled space into pictures.

        Parameters
        ----------
        latents : (n, C, h, w)  rounded to float16, as files hold them

        Returns
        -------
        (n, f h, f w, 3) uint8

        Raises
        ------
        ShapeError, DTypeError, DataError  if `latents` has other dimensions, another type, or NaN or inf
        """
        z = torch.from_numpy(checked_latents(latents, self.space.channels, rank=3)).float()
        scaling, shift = self._affine()
        raw = z / scaling + shift
        with exact():
            parts = [self.model.decode(part.to(self.device)).sample.cpu() for part in raw.split(self._together)]
        return to_pixels(torch.cat(parts).permute(0, 2, 3, 1).numpy())

    def _affine(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Scaling and shift as (C or 1, 1, 1)."""
        scaling, shift = (
            torch.as_tensor(values, dtype=torch.float32).reshape(-1, 1, 1)
            for values in (self.space.scaling, self.space.shift)
        )
        return scaling, shift


def exact() -> Any:
    """Full float32 and the same algorithm every time, on a GPU; nothing changes on a CPU."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
