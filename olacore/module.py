"""The organic module: one tanh-affine map with its view and its scaling, as a file and as something that runs.

The file is safetensors, readable without olacore. Its metadata is one key, `olacore`, holding sorted JSON.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import LatentSpace, RawBlock
from olacore.errors import ConfigError, FileFormatError, ShapeError
from olacore.files import replace_file
from olacore.frames import (
    FACTOR,
    THUMBNAIL,
    checked_latents,
    checked_pictures,
    pad_to_factor,
    row_ranges,
)
from olacore.jit import ONE_AT_A_TIME
from olacore.kernels.forward import forward_population
from olacore.kernels.scatter import scatter_patches
from olacore.lattice import from_lattice, to_lattice
from olacore.scaling import Scaling
from olacore.views import View

SCHEMA = "olacore/module/1"
# Rows in memory at once, so that a picture of any size is answered piece by piece; the pieces change no bit.
ROWS_AT_ONCE = 16_384
STORED = ("float32", "int8")
TENSORS = ("weights", "biases", "input_mean", "input_scale", "target_mean", "target_scale")
SCALES = "weight_scales"


@dataclass(frozen=True)
class Module:
    """A tanh-affine map `y = tanh(W x + b)` that knows what it sees and what it answers.

    Parameters
    ----------
    view : how its rows are cut
    space : the latent space that it belongs to; None for plain pairs
    weights : (out, in) float32
    biases : (out,) float32
    scaling : standardisation of inputs and targets
    training : summary of how it was found: data digest, seed, generations, metrics beside baselines, licence
    stored : "float32", or "int8": weights on a lattice of 255 levels a row, a quarter of the size
    """

    view: View
    space: LatentSpace | None
    weights: np.ndarray
    biases: np.ndarray
    scaling: Scaling
    training: dict[str, Any] = field(default_factory=dict)
    stored: str = "float32"

    def __post_init__(self) -> None:
        shape = (self.view.outputs, self.view.inputs)
        if self.weights.shape != shape or self.biases.shape != shape[:1]:
            raise ShapeError(
                f"a {self.view.name} {self.view.kind} needs weights {shape} and biases {shape[:1]}; "
                f"got {self.weights.shape} and {self.biases.shape}."
            )
        sizes = tuple(part.shape for part in vars(self.scaling).values())
        if sizes != ((shape[1],),) * 2 + ((shape[0],),) * 2:
            raise ShapeError(f"a {self.view.name} {self.view.kind} needs scaling for {shape}; got {sizes}.")
        if self.stored not in STORED:
            raise ConfigError(f"weights are stored as {' or '.join(STORED)}; got {self.stored!r}.")
        if self.stored == "int8":
            object.__setattr__(self, "weights", from_lattice(*to_lattice(self.weights)))

    @property
    def kind(self) -> str:
        """`encoder` or `decoder`."""
        return self.view.kind

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return self.weights.size + self.biases.size

    def predict(self, raw: RawBlock) -> np.ndarray:
        """Answer every row of a raw block: (out, n) float32, in the scale of the data."""
        return self.scaling.restore_targets(self._forward(raw))

    def _forward(self, raw: RawBlock) -> np.ndarray:
        outputs = np.empty((1, self.view.outputs, len(raw.item)), np.float32)
        with ONE_AT_A_TIME:
            inputs = self.view.gather_inputs(raw, self.scaling)
            forward_population(self.weights[None], self.biases[None], inputs, outputs)
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

    def save(self, path: Path | str) -> None:
        """Write the module as one safetensors file; an interrupted save leaves an older file as it was."""
        from safetensors.numpy import save

        replace_file(Path(path), save(self._tensors(), {"olacore": self._metadata()}))

    def nbytes(self) -> int:
        """Size of the module's file in bytes."""
        from safetensors.numpy import save

        return len(save(self._tensors(), {"olacore": self._metadata()}))

    def _tensors(self) -> dict[str, np.ndarray]:
        parts = {"weights": self.weights, "biases": self.biases, **vars(self.scaling)}
        tensors = {name: np.ascontiguousarray(parts[name], np.float32) for name in TENSORS}
        if self.stored == "int8":
            tensors["weights"], tensors[SCALES] = to_lattice(self.weights)
        return tensors

    def _metadata(self) -> str:
        content = {
            "schema": SCHEMA,
            "kind": self.kind,
            "view": self.view.to_dict(),
            "activation": "tanh",
            "weights": self.stored,
            "space": self.space.to_dict() if self.space else None,
            "fingerprint": self.space.fingerprint if self.space else None,
            "training": self.training,
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def _need(self, kind: str, verb: str) -> None:
        if self.view.name == "pairs":
            raise ShapeError(f"a module made from plain pairs cannot {verb}; use predict.")
        if self.kind != kind:
            raise ShapeError(f"to {verb} takes a module of kind {kind}; this one is of kind {self.kind}.")


def load(path: Path | str) -> Module:
    """Read a module from its file.

    Raises
    ------
    FileFormatError  if the file is missing, truncated, no safetensors file, no olacore module, or of an unknown schema
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"cannot read the module {path}: {error.strerror}.") from error
    content = read_metadata(path, data)
    tensors = read_tensors(path, data)
    scaling = Scaling(*(tensors[name] for name in TENSORS[2:]))
    try:
        view = View.from_dict(content["view"])
        space = LatentSpace.from_dict(content["space"]) if content["space"] else None
        stored = content.get("weights", "float32")
        return Module(view, space, tensors["weights"], tensors["biases"], scaling, content["training"], stored)
    except (KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} is damaged: tensors and metadata make no module ({error}).") from error


def read_metadata(path: Path, data: bytes) -> dict[str, Any]:
    """Return the JSON that a module's file carries."""
    try:
        size = struct.unpack("<Q", data[:8])[0]
        content = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["olacore"])
        schema = content.get("schema")
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(
            f"{path} is no olacore module: expected a safetensors file written by `ola train`."
        ) from error
    if schema != SCHEMA:
        raise FileFormatError(f"{path} has the schema {schema!r}; this version reads {SCHEMA!r}.")
    return content


def read_tensors(path: Path, data: bytes) -> dict[str, np.ndarray]:
    """Return the finite tensors of a module's file as float32."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as load_tensors

    try:
        tensors = load_tensors(data)
    except SafetensorError as error:
        raise FileFormatError(f"{path} is damaged or truncated: {error}.") from error
    for name in TENSORS:
        if name not in tensors:
            raise FileFormatError(f"{path} is no complete module: the tensor {name!r} is missing.")
        if not np.isfinite(tensors[name]).all():
            raise FileFormatError(f"{path} is damaged: the tensor {name!r} holds NaN or inf.")
    found = {name: np.ascontiguousarray(tensors[name], np.float32) for name in TENSORS}
    if SCALES in tensors:
        scales = np.asarray(tensors[SCALES], np.float32)
        if (
            tensors["weights"].ndim != 2
            or scales.shape != tensors["weights"].shape[:1]
            or not np.isfinite(scales).all()
        ):
            raise FileFormatError(f"{path} is damaged: the tensor {SCALES!r} does not fit the weights.")
        found["weights"] = from_lattice(tensors["weights"], scales)
    return found
