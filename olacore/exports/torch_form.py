"""Encoders and decoders of patches as the weights of torch's convolutions, for `teachers/adapters/convolutions.py`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import ConfigError, FileFormatError
from olacore.exports.base import Part, require_pair
from olacore.exports.convolution import CODEC, Convolutions

Form = tuple[dict[str, Any], dict[str, np.ndarray]]


def torch_form(parts: Sequence[Part]) -> Form:
    """An encoder and a decoder, or one of them, as the settings and the weights of an `OrganicVAE`.

    Returns
    -------
    settings, plain values, and float32 weights by the names that torch has for them

    Raises
    ------
    ConfigError  if they are not convolutions, not one of a kind, or differ in channels or factor
    FingerprintError  if the decoder reads other latents than the encoder makes
    """
    found = {one.kind: (one, part) for part in parts for one in [Convolutions.of(part, CODEC)]}
    if len(found) < len(parts):
        names = " and ".join(part.name for part in parts)
        raise ConfigError(f"a VAE has one encoder and one decoder, or one of them; {names} are of the same kind.")
    if len(found) == 2:
        require_pair(found["encoder"][1], found["decoder"][1])
    ((channels, factor),) = {(one.channels, one.factor) for one, _ in found.values()}
    if factor & (factor - 1):
        raise ConfigError(f"a VAE of torch has a power of 2 as the pixels of a latent site; got {factor}.")
    settings: dict[str, Any] = {"latent_channels": channels, "block_out_channels": [64] * factor.bit_length()}
    weights: dict[str, np.ndarray] = {}
    for kind, reach in (("decoder", "window"), ("encoder", "border")):
        one = found[kind][0] if kind in found else None
        known = None if one is None else (one.maps[0].kernel.shape[2] if kind == "decoder" else one.pad)
        settings[f"{kind}_{reach}"] = known
        settings[f"{kind}_hidden"] = [len(step.biases) for step in one.maps[:-1]] if one else []
        if one is not None:
            weights |= {f"{kind}.maps.{name}": array for name, array in _weights(one).items()}
    if "decoder" in found and (refiner := found["decoder"][0].refiner):
        settings["refiner"] = {"factor": refiner.factor, "border": refiner.pad, "context": refiner.context}
        settings["refiner"]["hidden"] = [len(step.biases) for step in refiner.maps[:-1]]
        weights |= {f"decoder.refiner.maps.{name}": array for name, array in _weights(refiner).items()}
    return settings, weights


def _weights(one: Convolutions) -> dict[str, np.ndarray]:
    """Weights of a module's maps; pixels in the order of torch's `pixel_shuffle`, colour, row, column."""
    weights = {}
    order = np.arange(len(one.gain))
    if one.kind != "encoder":
        order = order.reshape(one.factor, one.factor, 3).transpose(2, 0, 1).ravel()
    for number, step in enumerate(one.maps):
        rows = order if number == len(one.maps) - 1 else np.arange(len(step.biases))
        weights[f"kernels.{number}.weight"] = step.kernel[rows]
        weights[f"kernels.{number}.bias"] = step.biases[rows]
        if step.beside is not None:
            weights[f"beside.{number}.weight"] = step.beside[rows]
        if step.mixing is not None:
            weights[f"mixing.{number - 1}.weight"] = step.mixing[rows, :, None, None]
    weights |= {"gain": one.gain[order, None, None], "shift": one.shift[order, None, None]}
    return {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}


def adapters() -> Path:
    """The folder of files for other programs, found without an import of what they import.

    Raises
    ------
    FileFormatError  if it is not there
    """
    from importlib.util import find_spec

    spec = find_spec("teachers")
    for place in spec.submodule_search_locations or () if spec else ():
        if (folder := Path(place) / "adapters").is_dir():
            return folder
    raise FileFormatError("the files for other programs, teachers/adapters, are missing; install olacore again.")
