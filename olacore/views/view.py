"""Views: how the rows of a block are cut from pictures, latents or plain pairs.

A row is one sample: `patch` makes one of every latent site and its surroundings, `global` one of every picture, and
plain pairs come as they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from olacore.data import BlockStream, Dataset, RawBlock
from olacore.errors import ConfigError, ShapeError
from olacore.jit.flags import ONE_AT_A_TIME
from olacore.kernels.gather import gather_patch_targets, gather_patches, gather_sites, gather_windows
from olacore.kernels.layout import CHUNK, empty_packed, pack_rows, unpack_rows
from olacore.media.frames import FACTOR, THUMBNAIL, spatial_mean, thumbnails
from olacore.views.retina import CELLS, Retina
from olacore.views.scaling import Scaling

KINDS = ("encoder", "decoder")


@dataclass(frozen=True)
class Block:
    """Rows as the kernels read them.

    Parameters
    ----------
    inputs : (chunks, in, CHUNK) float32, standardised
    targets : (out, n) float32 in (-1, 1)
    """

    inputs: np.ndarray
    targets: np.ndarray

    @property
    def rows(self) -> int:
        """Number of samples n."""
        return self.targets.shape[1]

    def parts(self, rows: int) -> Iterator[Block]:
        """Give the block in nearly equal parts of about so many rows, whole chunks each."""
        chunks = len(self.inputs)
        count = max(1, round(chunks * CHUNK / max(rows, CHUNK)))
        for number in range(count):
            first, last = chunks * number // count, chunks * (number + 1) // count
            targets = self.targets[:, first * CHUNK : last * CHUNK]
            yield Block(self.inputs[first:last], np.ascontiguousarray(targets))


@dataclass(frozen=True)
class View:
    """What a module sees and what it answers.

    Parameters
    ----------
    kind : "encoder" or "decoder"
    name : "patch", "global" or "pairs"
    channels : latent channels; 0 for pairs
    border : pixels around an 8 x 8 patch that an encoder sees too
    window : latent sites (window x window) that a decoder sees
    retina_seed : seed of the retina, for the global encoder
    plain : (in, out) of plain pairs
    """

    kind: str
    name: str
    channels: int = 0
    border: int = 4
    window: int = 3
    retina_seed: int = 0
    plain: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"module must be one of {', '.join(KINDS)}; got {self.kind!r}.")
        if self.name not in ("patch", "global", "pairs"):
            raise ConfigError(f"view must be patch or global; got {self.name!r}.")
        if not 0 <= self.border <= 64:
            raise ConfigError(f"border must be 0 to 64 pixels; got {self.border}.")
        if self.window < 1 or self.window % 2 == 0 or self.window > 15:
            raise ConfigError(f"window must be an odd number from 1 to 15; got {self.window}.")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> View:
        """Rebuild a view from what `to_dict` gave."""
        return cls(**{**values, "plain": tuple(values["plain"])})

    def to_dict(self) -> dict[str, Any]:
        """Return the view as plain values."""
        return asdict(self)

    @property
    def inputs(self) -> int:
        """Numbers that a row feeds to the module."""
        if self.name == "pairs":
            return self.plain[0]
        if self.kind == "encoder":
            return 3 * (FACTOR + 2 * self.border) ** 2 if self.name == "patch" else CELLS
        return self.channels * self.window**2 if self.name == "patch" else self.channels

    @property
    def outputs(self) -> int:
        """Numbers that the module answers to a row."""
        if self.name == "pairs":
            return self.plain[1]
        if self.kind == "encoder":
            return self.channels
        return 3 * FACTOR**2 if self.name == "patch" else 3 * THUMBNAIL**2

    @property
    def input_field(self) -> str:
        """Name of the data set that inputs are cut from."""
        if self.name == "pairs":
            return "inputs"
        return "frames" if self.kind == "encoder" else "latents"

    @property
    def target_field(self) -> str:
        """Name of the data set that targets are cut from."""
        if self.name == "pairs":
            return "targets"
        return "latents" if self.kind == "encoder" else "frames"

    @property
    def target_bound(self) -> float | None:
        """Largest absolute target, where the data's range is known: pixels lie in [-1, 1]."""
        return 1.0 if self.kind == "decoder" and self.name != "pairs" else None

    def sites(self, dataset: Dataset) -> int:
        """Rows that one item of the data set gives."""
        if self.name != "patch" or dataset.latent_shape is None:
            return 1
        return dataset.latent_shape[1] * dataset.latent_shape[2]

    def stream(
        self, dataset: Dataset, items: np.ndarray, rows: int, seed: int, cursor: dict[str, int] | None = None
    ) -> BlockStream:
        """Stream the rows of `items`, shuffled, in raw blocks of about `rows`."""
        fields = (self.input_field, self.target_field)
        return BlockStream(dataset, items, fields, self.sites(dataset), rows, seed, cursor)

    def check(self, dataset: Dataset) -> None:
        """Raise `ShapeError` unless rows of this view can be cut from `dataset`."""
        if self.name == "pairs":
            if dataset.kind != "pairs":
                raise ShapeError("the module was made from plain pairs, and the data hold frames and latents.")
            if (dataset.inputs, dataset.outputs) != self.plain:
                raise ShapeError(
                    f"the module maps {self.plain[0]} inputs to {self.plain[1]} outputs, "
                    f"and the data hold {dataset.inputs} inputs and {dataset.outputs} targets."
                )
            return
        if dataset.kind == "pairs" or dataset.latent_shape is None:
            raise ShapeError(
                f"the {self.name} view of the {self.kind} maps {self.inputs} inputs to {self.outputs} outputs "
                "cut from frames and latents, "
                f"and the data hold plain pairs of {dataset.inputs} inputs and {dataset.outputs} targets."
            )
        if dataset.latent_shape[0] != self.channels:
            raise ShapeError(
                f"the module works on latents of {self.channels} channels, "
                f"and the data's have {dataset.latent_shape[0]}."
            )

    def gather(self, raw: RawBlock, scaling: Scaling, into: Block | None = None) -> Block:
        """Cut, standardise and pack the rows of a raw block; in the memory of `into`, an earlier block, if it has the
        room: an encoder's patches take 7.2 ms a block that way and 9 to 60 in fresh memory, on one thread.
        """
        inputs, targets = (into.inputs, into.targets) if into else (None, None)
        with ONE_AT_A_TIME:
            return Block(self.gather_inputs(raw, scaling, inputs), self.gather_targets(raw, scaling, targets))

    def gather_inputs(
        self, raw: RawBlock, scaling: Scaling, into: np.ndarray | None = None, room: int = 0
    ) -> np.ndarray:
        """Cut, standardise and pack the inputs: (chunks, in + room, CHUNK) float32, the room undefined."""
        mean, scale = scaling.input_mean, scaling.input_scale
        source = raw.arrays[self.input_field]
        width = self.inputs + room
        out = within(into, (-(-len(raw.item) // CHUNK), width, CHUNK))
        if out is None:
            out = empty_packed(len(raw.item), width)
        if self.kind == "encoder" and self.name == "patch":
            gather_patches(source, raw.item, raw.site, FACTOR, self.border, mean, scale, out)
        elif self.kind == "decoder" and self.name == "patch":
            gather_windows(half_bits(source), raw.item, raw.site, self.window, mean, scale, out)
        else:
            if self.name == "pairs":
                rows = source[raw.item]
            elif self.kind == "encoder":
                rows = self.retina.project(source[raw.item])
            else:
                rows = spatial_mean(source[raw.item])
            pack_rows(np.ascontiguousarray((rows - mean) / scale, np.float32), out)
        return out

    def gather_targets(self, raw: RawBlock, scaling: Scaling, into: np.ndarray | None = None) -> np.ndarray:
        """Cut and standardise the targets: (out, n) float32."""
        mean, scale = scaling.target_mean, scaling.target_scale
        source = raw.arrays[self.target_field]
        shape = (self.outputs, len(raw.item))
        out = within(into, shape)
        if out is None:
            out = np.empty(shape, np.float32)
        if self.kind == "encoder" and self.name == "patch":
            gather_sites(half_bits(source), raw.item, raw.site, mean, scale, out)
        elif self.kind == "decoder" and self.name == "patch":
            gather_patch_targets(source, raw.item, raw.site, FACTOR, mean, scale, out)
        else:
            if self.name == "pairs":
                rows = source[raw.item]
            elif self.kind == "encoder":
                rows = spatial_mean(source[raw.item])
            else:
                rows = thumbnails(source[raw.item])
            out[...] = ((rows - mean) / scale).T
        return out

    @cached_property
    def retina(self) -> Retina:
        """The projection of the global encoder."""
        return Retina.seeded(self.retina_seed)


def within(memory: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return the first part of an array as one of this shape, or None if it is too small or there is none."""
    size = math.prod(shape)
    return None if memory is None or memory.size < size else memory.reshape(-1)[:size].reshape(shape)


def half_bits(latents: np.ndarray) -> np.ndarray:
    """Return latents as the bits of float16 numbers, the form that kernels read them in."""
    return np.ascontiguousarray(latents, np.float16).view(np.uint16)


def rows_of(block: Block) -> tuple[np.ndarray, np.ndarray]:
    """Return a block as plain arrays, inputs (n, in) and targets (n, out)."""
    inputs = np.empty((block.rows, block.inputs.shape[1]), np.float32)
    unpack_rows(block.inputs, inputs)
    return inputs, np.ascontiguousarray(block.targets.T)
