"""The organic module: a tanh-affine map, or a stack of them, with its view and its scaling, as something that runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import RawBlock
from olacore.errors import ConfigError, DataError, FileFormatError, ShapeError
from olacore.files import replace_file
from olacore.jit.flags import ONE_AT_A_TIME
from olacore.kernels.forward import forward_population
from olacore.kernels.layers import append_layer
from olacore.kernels.scatter import scatter_patches
from olacore.media.frames import (
    FACTOR,
    THUMBNAIL,
    checked_latents,
    checked_pictures,
    pad_to_factor,
    row_ranges,
)
from olacore.modules.file import STORED, TENSORS, Parts, pack, read_module, to_bytes, unpack
from olacore.modules.identity import ROLES, Own, digest_of, own_space, spaces_in, spaces_to_dict
from olacore.pretrained import find
from olacore.spaces import LatentSpace
from olacore.views.scaling import Scaling
from olacore.views.view import View

# Rows in memory at once, so that a picture of any size is answered piece by piece; the pieces change no bit.
ROWS_AT_ONCE = 4_096


@dataclass(frozen=True)
class Layer:
    """A hidden map of a stack, `tanh(W x + b)`; x is the inputs and what all hidden maps before it answered.

    Parameters
    ----------
    weights : (units, in) float32
    biases : (units,) float32
    """

    weights: np.ndarray
    biases: np.ndarray

    @property
    def units(self) -> int:
        """Numbers that it answers."""
        return len(self.biases)


@dataclass(frozen=True, repr=False)
class Module:
    """A tanh-affine map `y = tanh(W x + b)`, or a stack, that knows what it sees and what it answers.

    Parameters
    ----------
    view : how its rows are cut
    space : the latent space of the latents that it was trained with; None for plain pairs
    weights : (out, in + all hidden units) float32, of the map that answers
    biases : (out,) float32
    scaling : standardisation of inputs and targets
    training : summary of how it was found: data digest, seed, generations, metrics beside baselines, licence
    stored : "float32"; "float16", the scaling too; or "int8": weights on a lattice of 255 levels a row, a quarter of
        the size. All numbers are rounded to it at once, so that a module equals what its file gives back
    hidden : the hidden maps of a stack, in the order in which they answer; each reads the standardised inputs and what
        all before it answered, and the last map reads all of it
    own : the space of an encoder's own latents, where it is not named by the encoder's digest

    Raises
    ------
    ShapeError  if the maps or the scaling do not fit the view
    DataError  if a number is NaN or inf, or too large for `stored`
    ConfigError  if `stored` is unknown
    """

    view: View
    space: LatentSpace | None
    weights: np.ndarray
    biases: np.ndarray
    scaling: Scaling
    training: dict[str, Any] = field(default_factory=dict)
    stored: str = "float32"
    hidden: tuple[Layer, ...] = ()
    own: Own | None = None

    def __post_init__(self) -> None:
        self._check_shapes()
        if self.stored not in STORED:
            raise ConfigError(f"weights are stored as {', '.join(STORED[:-1])} or {STORED[-1]}; got {self.stored!r}.")
        for name, part in self._parts().items():
            if not np.isfinite(part).all():
                raise DataError(f"the tensor {name!r} of a module holds NaN or inf.")
        if self.stored != "float32":
            parts = unpack(pack(self._parts(), self.stored), len(self.hidden))
            for name, value in from_parts(parts, len(self.hidden)).items():
                object.__setattr__(self, name, value)

    def _check_shapes(self) -> None:
        what, width = f"a {self.view.name} {self.view.kind}", self.view.inputs
        for number, layer in enumerate(self.hidden):
            units = layer.biases.size
            if layer.biases.ndim != 1 or units < 1 or layer.weights.shape != (units, width):
                raise ShapeError(
                    f"{what} needs weights (units, {width}) and biases (units,) in hidden layer {number}; "
                    f"got {layer.weights.shape} and {layer.biases.shape}."
                )
            width += units
        shape = (self.view.outputs, width)
        if self.weights.shape != shape or self.biases.shape != shape[:1]:
            raise ShapeError(
                f"{what} needs weights {shape} and biases {shape[:1]}; "
                f"got {self.weights.shape} and {self.biases.shape}."
            )
        sizes = tuple(part.shape for part in vars(self.scaling).values())
        shape = (self.view.outputs, self.view.inputs)
        if sizes != ((shape[1],),) * 2 + ((shape[0],),) * 2:
            raise ShapeError(f"{what} needs scaling for {shape}; got {sizes}.")

    @property
    def kind(self) -> str:
        """`encoder` or `decoder`."""
        return self.view.kind

    @property
    def parameters(self) -> int:
        """Number of weights and biases of all maps."""
        return sum(part.size for name, part in self._parts().items() if name.endswith(("weights", "biases")))

    @property
    def layers(self) -> tuple[int, ...]:
        """Sizes of a row's inputs, of each hidden map and of the answer."""
        return (self.view.inputs, *(layer.units for layer in self.hidden), self.view.outputs)

    @property
    def digest(self) -> str:
        """SHA-256 over its weights as stored, its view and its scaling."""
        return digest_of(pack(self._parts(), self.stored), self.view.to_dict())

    @property
    def makes(self) -> LatentSpace | None:
        """The latent space of an encoder's own latents; None for anything but an encoder of the patch view.

        A cloned encoder's latents are close to those that it imitates, but they are its own.
        """
        if self.kind != "encoder" or self.view.name != "patch" or self.space is None:
            return None
        return own_space(self.space, self.digest, self.own)

    @property
    def imitates(self) -> LatentSpace | None:
        """The latent space that an encoder was cloned from; None for one that was evolved as part of a pair."""
        made = self.makes
        alone = made is not None and self.space is not None and made.fingerprint == self.space.fingerprint
        return None if self.kind != "encoder" or alone else self.space

    @property
    def reads(self) -> LatentSpace | None:
        """The latent space that a decoder was trained for: a teacher's, or an encoder's own."""
        return self.space if self.kind == "decoder" else None

    def predict(self, raw: RawBlock) -> np.ndarray:
        """Answer every row of a raw block: (out, n) float32, in the scale of the data."""
        return self.scaling.restore_targets(self._forward(raw))

    def _forward(self, raw: RawBlock) -> np.ndarray:
        outputs = np.empty((1, self.view.outputs, len(raw.item)), np.float32)
        with ONE_AT_A_TIME:
            room = sum(layer.units for layer in self.hidden)
            packed = self.view.gather_inputs(raw, self.scaling, room=room)
            for layer in self.hidden:
                append_layer(layer.weights, layer.biases, len(raw.item), packed)
            forward_population(self.weights[None], self.biases[None], packed, outputs)
        return outputs[0]

    def encode(self, pictures: np.ndarray) -> np.ndarray:
        """Turn pictures into latents in one pass.

        Parameters
        ----------
        pictures : (H, W, 3) or (m, H, W, 3) uint8, RGB; sides that are no multiple of 8 are padded by repeating the
        last pixels

        Returns
        -------
        (C, H/8, W/8) or (m, C, H/8, W/8) float32 in the scaled latent space, sides rounded up; (C,) or (m, C) for the
        global view

        Raises
        ------
        ShapeError  if the module is no encoder or the pictures are of another shape
        DTypeError  if they are not uint8
        """
        self._need("encoder", "encode")
        frames = pad_to_factor(checked_pictures(pictures))
        height, width = (1, 1) if self.view.name == "global" else (n // FACTOR for n in frames.shape[1:3])
        answers = np.empty((self.view.channels, len(frames) * height * width), np.float32)
        for raw, rows in row_ranges({"frames": frames}, height * width, ROWS_AT_ONCE):
            answers[:, rows] = self.predict(raw)
        latents = answers.reshape(-1, len(frames), height, width).swapaxes(0, 1)
        if self.view.name == "global":
            latents = latents[:, :, 0, 0]
        return np.ascontiguousarray(latents if np.ndim(pictures) == 4 else latents[0])

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Turn latents into pictures in one pass.

        Parameters
        ----------
        latents : (C, h, w) or (m, C, h, w), float16 or float32, in the scaled latent space; (C,) or (m, C) for the
        global view

        Returns
        -------
        (8h, 8w, 3) or (m, 8h, 8w, 3) uint8, RGB; 64 x 64 for the global view

        Raises
        ------
        ShapeError  if the module is no decoder or the latents are of another shape
        DataError  if they hold NaN or inf
        """
        self._need("decoder", "decode")
        rank = 1 if self.view.name == "global" else 3
        items = checked_latents(latents, self.view.channels, rank)
        if rank == 1:
            items = items[:, :, None, None]
        height, width = items.shape[2:]
        side = FACTOR if self.view.name == "patch" else THUMBNAIL
        frames = np.empty((len(items), side * height, side * width, 3), np.uint8)
        mean, scale = self.scaling.target_mean, self.scaling.target_scale
        for raw, _ in row_ranges({"latents": items}, height * width, ROWS_AT_ONCE):
            outputs = self._forward(raw)
            with ONE_AT_A_TIME:
                scatter_patches(outputs, raw.item, raw.site, side, mean, scale, frames)
        return frames if np.ndim(latents) == rank + 1 else frames[0]

    def __repr__(self) -> str:
        """Say what it is, without its numbers."""
        sizes = " - ".join(map(str, self.layers))
        space = f" of {self.space.maker}" if self.space else ""
        return f"<Module: {self.view.name} {self.kind}{space}, {sizes}, {self.stored}>"

    def save(self, path: Path | str) -> None:
        """Write the module as one safetensors file; an interrupted save leaves an older file as it was."""
        replace_file(Path(path), self._content())

    def nbytes(self) -> int:
        """Size of the module's file in bytes."""
        return len(self._content())

    def _content(self) -> bytes:
        return to_bytes(pack(self._parts(), self.stored), self._metadata())

    def _parts(self) -> Parts:
        parts = {"weights": self.weights, "biases": self.biases, **vars(self.scaling)}
        for number, layer in enumerate(self.hidden):
            parts |= {f"hidden_{number}_{name}": part for name, part in vars(layer).items()}
        return parts

    def _metadata(self) -> dict[str, Any]:
        content = {
            "kind": self.kind,
            "view": self.view.to_dict(),
            "activation": "tanh",
            "weights": self.stored,
            "training": self.training,
            **spaces_to_dict({role: getattr(self, role) for role in ROLES}),
        }
        return content | ({"layers": list(self.layers)} if self.hidden else {})

    def _need(self, kind: str, verb: str) -> None:
        if self.view.name == "pairs":
            raise ShapeError(f"a module made from plain pairs cannot {verb}; use predict.")
        if self.kind != kind:
            raise ShapeError(f"to {verb} takes a module of kind {kind}; this one is of kind {self.kind}.")


def from_parts(parts: Parts, hidden: int) -> dict[str, Any]:
    """Return the weights, biases, scaling and hidden maps of a module, by the names of its fields."""
    return {
        "weights": parts["weights"],
        "biases": parts["biases"],
        "scaling": Scaling(*(parts[name] for name in TENSORS[2:])),
        "hidden": tuple(Layer(parts[f"hidden_{k}_weights"], parts[f"hidden_{k}_biases"]) for k in range(hidden)),
    }


def load(reference: Path | str) -> Module:
    """Read a module from its file.

    Parameters
    ----------
    reference : a file, a run folder, or the name of a pretrained module (`olacore.pretrained.names()`); a path that is
        there wins

    Raises
    ------
    FileFormatError  if there is no such name, or the file is missing, truncated, no safetensors file, no olacore
    module, or of an unknown schema
    """
    path = find(reference)
    content, parts = read_module(path)
    sizes = content.get("layers", ())
    try:
        view = View.from_dict(content["view"])
        stored = content.get("weights", "float32")
        space, own = spaces_in(content, view.to_dict(), pack(parts, stored))
        maps = from_parts(parts, max(len(sizes) - 2, 0))
        module = Module(view, space, training=content["training"], stored=stored, own=own, **maps)
        if sizes and tuple(sizes) != module.layers:
            raise ShapeError(f"layers {sizes} needs tensors of these sizes; got {list(module.layers)}")
        return module
    except (KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} is damaged: tensors and metadata make no module ({error}).") from error
