"""Proof that a teacher was loaded right: it encodes and decodes real pictures as an autoencoder of its kind does.

A file of wrong, half or random weights can load without an error, but such a network cannot give a picture back.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from olacore.data import open_dataset
from olacore.data.sample import sample_path
from olacore.errors import FileFormatError
from olacore.quality.psnr import psnr
from olacore.spaces import LatentSpace
from teachers.protocol import Autoencoder

# dB. The mean colours of these pictures reach 10.8, the worst of the public tiny autoencoders 23.4.
FLOOR = 15.0
# Standard deviation of latents in the scaled space. The public tiny autoencoders have 0.84 to 1.03; a scaling that was
# left out or belongs to another family is off by a factor of 3 and more.
SPREAD = (0.4, 2.5)
# A multiple of every factor that there is.
SIDE = 128
ROWS = (0, 13, 26)


def prove(teacher: Autoencoder, model: Any, source: object) -> None:
    """Encode and decode real pictures, and look at what comes out.

    Parameters
    ----------
    model : the network inside the teacher
    source : what errors call it

    Raises
    ------
    FileFormatError  if the model is incomplete, gives NaN, does not give the pictures back, or its latents have an
        unlikely spread
    """
    hint = "take the model's own file and configuration, or give --no-self-test"
    empty = [name for name, weight in model.state_dict().items() if weight.is_meta]
    if empty:
        raise FileFormatError(f"{source} left {len(empty)} weights without values ({empty[0]}); {hint}.")
    frames = proof_pictures()

    def run(way: Callable[[np.ndarray], np.ndarray], given: np.ndarray) -> np.ndarray:
        try:
            return way(given)
        except RuntimeError as error:  # parts whose sizes do not fit each other are found by torch alone
            reason = " ".join(str(error).split())
            raise FileFormatError(f"{source} describes a network that does not run ({reason}); {hint}.") from error

    latents = run(teacher.encode, frames)
    if not np.isfinite(latents).all():
        raise FileFormatError(f"{source} gives latents with NaN or inf for a real picture; {hint}.")
    side = SIDE // teacher.space.factor
    wanted = (len(frames), teacher.space.channels, side, side)
    if latents.shape != wanted:
        raise FileFormatError(f"{source} gives latents of shape {latents.shape}; expected {wanted}; {hint}.")
    quality = psnr(run(teacher.decode, latents), frames)
    if quality < FLOOR:
        gives = f"gives real pictures back with {quality:.1f} dB, and {FLOOR} are the least for a whole model"
        raise FileFormatError(f"{source} {gives}; {hint}.")
    spread = float(latents.std())
    if not SPREAD[0] <= spread <= SPREAD[1]:
        scale = f"makes latents of spread {spread:.2f} with {scaling_of(teacher.space)}"
        raise FileFormatError(f"{source} {scale}; expected {SPREAD[0]} to {SPREAD[1]}: is the scaling right? {hint}.")


def proof_pictures() -> np.ndarray:
    """Three photographs of the shipped sample: (3, 128, 128, 3) uint8."""
    with open_dataset(sample_path()) as data:
        frames = data.read(("frames",), np.array(ROWS))["frames"]
    start = (frames.shape[1] - SIDE) // 2
    return np.ascontiguousarray(frames[:, start : start + SIDE, start : start + SIDE])


def scaling_of(space: LatentSpace) -> str:
    """The scaling and shift in words."""
    return f"scaling {space.scaling} and shift {space.shift}"
