"""Encoders, decoders and refiners as convolutions, the form that most exporters write.

A map of a decoder is a convolution of the latents, edges repeated, and one of 1 x 1 of what the maps before answered;
a map of an encoder or a refiner reads the picture at every `factor`-th pixel, its edges reflected. Answers of a decoder
and of a refiner are the pixels of a patch in the order row, column, colour, so that depth to space in its order DCR
puts them in place; a refiner's are added to the picture that it read. A refiner that reads latents beside its block
adds a convolution of these, as a decoder's. One that a decoder carries reads its pictures, rounded to 256 levels.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from olacore.errors import ConfigError
from olacore.exports.base import Part
from olacore.modules.program import Program

# The view of each kind of them.
CONVOLVED = {"encoder": "patch", "decoder": "patch", "refiner": "pixel"}
CODEC = ("encoder", "decoder")


@dataclass(frozen=True)
class ConvolutionMap:
    """A map `tanh(kernel * x + beside * z + mixing h + biases)`, where h is what all maps before answered.

    Parameters
    ----------
    kernel : (out, C, side, side) float32, of latents, or of pixels in [-1, 1]
    mixing : (out, answers of the maps before) float32; None where there are none
    biases : (out,) float32
    beside : (out, C, side, side) float32, of the latents z that a refiner reads beside pixels; None where it does not
    """

    kernel: np.ndarray
    mixing: np.ndarray | None
    biases: np.ndarray
    beside: np.ndarray | None = None


@dataclass(frozen=True)
class Convolutions:
    """A patch module.

    Parameters
    ----------
    kind : "encoder", "decoder" or "refiner"
    channels : of the latents; 3 of a refiner that reads none
    factor : pixels along a side of a latent site, or of a refiner's block
    pad : sites (decoder) or pixels (encoder, refiner) around the middle
    maps : in order; the last one answers
    gain, shift : (out,) float32; targets are answer * gain + shift
    context : sites around a refiner's block whose latents it reads; None where it reads none
    refiner : that a decoder carries
    """

    kind: str
    channels: int
    factor: int
    pad: int
    maps: tuple[ConvolutionMap, ...]
    gain: np.ndarray
    shift: np.ndarray
    context: int | None = None
    refiner: Convolutions | None = None

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
        return cls._of(part.name, part.program, kinds)

    @classmethod
    def _of(cls, name: str, program: Program, kinds: Collection[str]) -> Convolutions:
        gather = program.gather
        if gather["kind"] not in kinds or gather["name"] != CONVOLVED[gather["kind"]]:
            taken = ", ".join(f"{CONVOLVED[kind]} {kind}" for kind in kinds)
            raise ConfigError(f"{name} is a {program.title}; convolutions that this form takes: {taken}.")
        if program.basis is not None:
            raise ConfigError(f"{name} answers in components of its targets, which is not exported in this form.")
        sees = gather["kind"] != "decoder"
        side = gather["factor"] + 2 * gather["border"] if sees else gather["window"]
        channels, context = 3 if sees else gather["channels"], gather.get("context")
        maps = []
        for step in program.steps:
            kernel, beside, mixing = np.split(step.weights, [channels * side**2, program.inputs], axis=1)
            if sees:
                kernel = kernel.reshape(-1, side, side, 3).transpose(0, 3, 1, 2)
            else:
                kernel = kernel.reshape(-1, channels, side, side)
            window = None if context is None else 2 * context + 1
            latents = None if window is None else beside.reshape(-1, gather["channels"], window, window)
            maps.append(
                ConvolutionMap(np.ascontiguousarray(kernel), mixing if mixing.size else None, step.biases, latents)
            )
        gain, shift = (np.broadcast_to(one, program.outputs) for one in (program.gain, program.shift))
        return cls(
            gather["kind"],
            gather.get("channels", 3),
            gather["factor"],
            gather["border"] if sees else side // 2,
            tuple(maps),
            gain,
            shift,
            context,
            None if program.refiner is None else cls._of(f"the refiner of {name}", program.refiner, ("refiner",)),
        )

    def run(self, given: np.ndarray, latents: np.ndarray | None = None) -> np.ndarray:
        """Compute it in NumPy: latents (C, h, w) to pixels (H, W, 3) in [-1, 1], the other way, or pixels to pixels.

        Parameters
        ----------
        latents : for a refiner that reads them beside pixels
        """
        if self.kind == "decoder":
            windows = windows_of(given, self.pad, 1, 1, "edge")
        else:
            windows = windows_of(given.transpose(2, 0, 1), self.pad, self.factor, self.factor, "reflect")
        beside = None if latents is None or self.context is None else windows_of(latents, self.context, 1, 1, "edge")
        known = np.empty((*windows.shape[1:3], 0), np.float32)
        for one in self.maps:
            summed = np.einsum("chwij,ocij->hwo", windows, one.kernel, optimize=True) + one.biases
            if beside is not None and one.beside is not None:
                summed += np.einsum("chwij,ocij->hwo", beside, one.beside, optimize=True)
            answer = np.tanh(summed if one.mixing is None else summed + known @ one.mixing.T)
            known = np.concatenate([known, answer], -1)
        targets = answer * self.gain + self.shift
        if self.kind == "encoder":
            return np.ascontiguousarray(targets.transpose(2, 0, 1), np.float32)
        rows, columns, _ = targets.shape
        patches = targets.reshape(rows, columns, self.factor, self.factor, 3).transpose(0, 2, 1, 3, 4)
        pixels = patches.reshape(rows * self.factor, columns * self.factor, 3)
        pixels = np.clip(pixels if self.kind == "decoder" else given + pixels, -1, 1).astype(np.float32)
        if self.refiner is None:
            return pixels
        return self.refiner.run(np.rint((pixels + 1) * np.float32(127.5)) / np.float32(127.5) - 1, given)


def windows_of(planes: np.ndarray, pad: int, size: int, stride: int, edges: str) -> np.ndarray:
    """Windows of planes (C, H, W) every `stride` numbers, of `size` and `pad` around it: (C, rows, columns, s, s)."""
    padded = np.pad(planes, ((0, 0), (pad, pad), (pad, pad)), edges)  # type: ignore[call-overload]
    side = size + 2 * pad
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))[:, ::stride, ::stride]
