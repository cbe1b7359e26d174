"""Encoders, decoders and refiners as convolutions, the form that most exporters write.

A map of a decoder is a convolution of the latents, edges repeated, and one of 1 x 1 of what the maps before answered;
a map of an encoder or a refiner reads the picture at every `factor`-th pixel, its edges reflected. Answers of a decoder
and of a refiner are the pixels of a patch in the order row, column, colour, so that depth to space in its order DCR
puts them in place; a refiner's are added to the picture that it read.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from olacore.errors import ConfigError
from olacore.exports.base import Part

# The view of each kind of them.
CONVOLVED = {"encoder": "patch", "decoder": "patch", "refiner": "pixel"}
CODEC = ("encoder", "decoder")


@dataclass(frozen=True)
class ConvolutionMap:
    """A map `tanh(kernel * x + mixing h + biases)`, where h is what all maps before answered.

    Parameters
    ----------
    kernel : (out, C, side, side) float32, of latents, or of pixels in [-1, 1]
    mixing : (out, answers of the maps before) float32; None where there are none
    biases : (out,) float32
    """

    kernel: np.ndarray
    mixing: np.ndarray | None
    biases: np.ndarray


@dataclass(frozen=True)
class Convolutions:
    """A patch module.

    Parameters
    ----------
    kind : "encoder", "decoder" or "refiner"
    channels : of the latents; 3 of a refiner
    factor : pixels along a side of a latent site, or of a refiner's block
    pad : sites (decoder) or pixels (encoder, refiner) around the middle
    maps : in order; the last one answers
    gain, shift : (out,) float32; targets are answer * gain + shift
    """

    kind: str
    channels: int
    factor: int
    pad: int
    maps: tuple[ConvolutionMap, ...]
    gain: np.ndarray
    shift: np.ndarray

    @classmethod
    def of(cls, part: Part, kinds: Collection[str] = tuple(CONVOLVED)) -> Convolutions:
        """Read a part.

        Parameters
        ----------
        kinds : that are taken, of those of `CONVOLVED`

        Raises
        ------
        ConfigError  if it is of another kind or view, or answers in components of its targets
        """
        program, gather = part.program, part.program.gather
        if gather["kind"] not in kinds or gather["name"] != CONVOLVED[gather["kind"]]:
            taken = ", ".join(f"{CONVOLVED[kind]} {kind}" for kind in kinds)
            raise ConfigError(
                f"{part.name} is a {gather['name']} {gather['kind']}; convolutions that this form takes: {taken}."
            )
        sees = gather["kind"] != "decoder"
        side = gather["factor"] + 2 * gather["border"] if sees else gather["window"]
        maps = []
        for step in program.steps:
            kernel, mixing = np.split(step.weights, [program.inputs], axis=1)
            if sees:
                kernel = kernel.reshape(-1, side, side, 3).transpose(0, 3, 1, 2)
            else:
                kernel = kernel.reshape(-1, gather["channels"], side, side)
            maps.append(ConvolutionMap(np.ascontiguousarray(kernel), mixing if mixing.size else None, step.biases))
        gain, shift = (np.broadcast_to(part, program.outputs) for part in cls._answers(part))
        pad = gather["border"] if sees else side // 2
        return cls(gather["kind"], gather.get("channels", 3), gather["factor"], pad, tuple(maps), gain, shift)

    @staticmethod
    def _answers(part: Part) -> tuple[np.ndarray, np.ndarray]:
        """Gain and shift; a basis of the targets, if there is one, has no place here."""
        if part.program.basis is not None:
            raise ConfigError(f"{part.name} answers in components of its targets, which is not exported in this form.")
        return part.program.gain, part.program.shift

    def run(self, given: np.ndarray) -> np.ndarray:
        """Compute it in NumPy: latents (C, h, w) to pixels (H, W, 3) in [-1, 1], the other way, or pixels to pixels."""
        if self.kind != "decoder":
            stride, padded = (
                self.factor,
                np.pad(given.transpose(2, 0, 1), ((0, 0), *[(self.pad, self.pad)] * 2), "reflect"),
            )
        else:
            stride, padded = 1, np.pad(given, ((0, 0), *[(self.pad, self.pad)] * 2), "edge")
        side = self.maps[0].kernel.shape[2]
        windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))[:, ::stride, ::stride]
        known = np.empty((*windows.shape[1:3], 0), np.float32)
        for one in self.maps:
            summed = np.einsum("chwij,ocij->hwo", windows, one.kernel, optimize=True) + one.biases
            answer = np.tanh(summed if one.mixing is None else summed + known @ one.mixing.T)
            known = np.concatenate([known, answer], -1)
        targets = answer * self.gain + self.shift
        if self.kind == "encoder":
            return np.ascontiguousarray(targets.transpose(2, 0, 1), np.float32)
        rows, columns, _ = targets.shape
        patches = targets.reshape(rows, columns, self.factor, self.factor, 3).transpose(0, 2, 1, 3, 4)
        pixels = patches.reshape(rows * self.factor, columns * self.factor, 3)
        return np.clip(pixels if self.kind == "decoder" else given + pixels, -1, 1).astype(np.float32)
