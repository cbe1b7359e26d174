"""The organic module: a tanh-affine map, or a stack of them, with its view and its scaling, as something that runs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from olacore.blocks import RawBlock
from olacore.errors import ConfigError, FileFormatError, ShapeError
from olacore.files import replace_file
from olacore.jit.threads import threads
from olacore.media.arrays import as_array
from olacore.media.frames import check_shrink, shrunk
from olacore.modules.about import metadata_of
from olacore.modules.file import BASIS, STORED, Parts, Stored, named_as_carried, pack, read_module, to_bytes, unpack
from olacore.modules.find import find
from olacore.modules.forward import forward
from olacore.modules.identity import Own, own_space, spaces_in
from olacore.modules.kinds import KINDS
from olacore.modules.kinds.base import answer_all
from olacore.modules.latent_doubts import LatentWarning, doubt_latents
from olacore.modules.layers import Layer, from_parts
from olacore.modules.program import Program
from olacore.modules.refined import CARRIED_BY, PREFIX, check_refiner
from olacore.modules.shapes import check_numbers, check_shapes
from olacore.modules.tensor_file import digest_of
from olacore.spaces import LatentSpace
from olacore.views import View, view_from_dict
from olacore.views.patch import PatchEncoder
from olacore.views.scaling import Scaling


@dataclass(frozen=True, repr=False)
class Module:
    """A tanh-affine map `y = tanh(W x + b)`, or a stack, that knows what it sees and what it answers.

    Parameters
    ----------
    view : how its rows are cut
    space : the latent space of the latents that it was trained with; None for plain pairs
    weights : (out, in + all hidden units) float32, of the map that answers
    biases : (out,) float32
    scaling : standardisation of inputs and targets; with a basis, the map answers components of the targets
    training : summary of how it was found: data digest, seed, generations, metrics beside baselines, licence
    stored : "float32"; "float16", the scaling too; or "int8": weights on a lattice of 255 levels a row, a quarter of
        the size. All numbers are rounded to it at once, so that a module equals what its file gives back
    hidden : the hidden maps of a stack, in the order in which they answer; each reads the standardised inputs and what
        all before it answered, and the last map reads all of it
    own : the space of an encoder's own latents, where it is not named by the encoder's digest
    refiner : of a decoder of patches, a module that takes the errors out of all that it decodes

    Raises
    ------
    ShapeError  if the maps or the scaling do not fit the view
    DataError  if a number is NaN or inf, or too large for `stored`, or a scale is not above 0
    ConfigError  if `stored` is unknown, or the refiner is none, or of other sizes
    FingerprintError  if the refiner was trained on the pictures of another decoder
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
    refiner: Module | None = None

    def __post_init__(self) -> None:
        self._check_shapes()
        if self.stored not in STORED:
            raise ConfigError(f"weights are stored as {', '.join(STORED[:-1])} or {STORED[-1]}; got {self.stored!r}.")
        check_numbers(self._parts())
        if self.stored != "float32":
            parts = unpack(pack(self._parts(), self.stored), tuple(self._parts()))
            for name, value in from_parts(parts, len(self.hidden)).items():
                object.__setattr__(self, name, value)
        if self.refiner is not None:
            alone = self.with_refiner(None)
            check_refiner(alone.about(), alone.digest, self.refiner.about())

    def _check_shapes(self) -> None:
        what, view = f"a {self.view.title}", self.view
        if self.scaling.basis is not None and not view.rotates:
            raise ShapeError(f"{what} answers targets, and no components of them.")
        maps = [(layer.weights, layer.biases) for layer in self.maps]
        check_shapes(what, (view.inputs, view.outputs), maps, self.scaling.tensors)

    @property
    def kind(self) -> str:
        """Name of its kind, such as `encoder`."""
        return self.view.kind

    @property
    def parameters(self) -> int:
        """Number of weights and biases of all maps, those of its refiner too."""
        own = sum(part.size for name, part in self._parts().items() if name.endswith(("weights", "biases")))
        return own + (self.refiner.parameters if self.refiner else 0)

    @property
    def layers(self) -> tuple[int, ...]:
        """Sizes of a row's inputs, of each hidden map and of the answer."""
        return (self.view.inputs, *(layer.units for layer in self.hidden), self.view.outputs)

    @property
    def components(self) -> int | None:
        """How many components of its targets the last map answers; None where it answers them themselves."""
        return None if self.scaling.basis is None else self.scaling.outputs

    @property
    def digest(self) -> str:
        """SHA-256 over its weights as stored, its view and its scaling, and those of its refiner."""
        behind = {CARRIED_BY: self.refiner.view.to_dict()} if self.refiner else {}
        return digest_of(self._tensors(), self.view.to_dict() | behind)

    @property
    def makes(self) -> LatentSpace | None:
        """The latent space of an encoder's own latents; None for anything but an encoder of the patch view.

        A cloned encoder's latents are close to those that it imitates, but they are its own.
        """
        if not isinstance(self.view, PatchEncoder) or self.space is None:
            return None
        return own_space(self.space, self.digest, self.own)

    @property
    def imitates(self) -> LatentSpace | None:
        """The latent space that an encoder or a denoiser was cloned from; None for an encoder that was evolved as part
        of a pair.
        """
        made = self.makes
        alone = made is not None and self.space is not None and made.fingerprint == self.space.fingerprint
        return None if "latents" not in self.view.target_fields or alone else self.space

    @property
    def reads(self) -> LatentSpace | None:
        """The latent space that a decoder was trained for: a teacher's, or an encoder's own."""
        return self.space if self.kind == "decoder" else None

    def with_refiner(self, refiner: Module | None) -> Module:
        """This decoder with a refiner behind it, in place of the one that it may carry; with None, the decoder alone.

        Raises
        ------
        ConfigError, FingerprintError  if they do not go together, see `Module`
        """
        return replace(self, refiner=refiner)

    def run(self, given: Any, n_threads: int | None = None) -> np.ndarray:
        """Answer what a caller gives, as the module's kind reads it: `encode`, `decode` and so on by another name.

        Parameters
        ----------
        given : what the kind's own method takes, such as pictures (m, H, W, 3)
        n_threads : threads of this call; None keeps the caller's number

        Returns
        -------
        what the kind's own method gives, such as latents (m, C, h, w)
        """
        with threads(n_threads):
            return KINDS.find(self.kind).run(self, given)

    def encode(self, pictures: Any, n_threads: int | None = None) -> np.ndarray:
        """Turn pictures into latents in one pass.

        Parameters
        ----------
        pictures : (H, W, 3) or (m, H, W, 3) uint8, RGB; (3, H, W) or (m, 3, H, W) of any float type in [-1, 1]; or a
            PIL picture. Arrays may be NumPy's or torch's. Sides that are no multiple of the space's factor, usually
            8, are padded by repeating the last pixels
        n_threads : threads of this call; None keeps the caller's number

        Returns
        -------
        (C, H/8, W/8) or (m, C, H/8, W/8) float32 in the scaled latent space, sides rounded up; (C,) or (m, C) for the
        global view

        Raises
        ------
        ShapeError  if the module is no encoder or the pictures are of another shape
        DTypeError  if they are neither uint8 nor floats
        DataError  if floats are not in [-1, 1]
        """
        self._need("encode")
        return self.run(pictures, n_threads)

    def decode(self, latents: Any, n_threads: int | None = None, shrink: int = 1) -> np.ndarray:
        """Turn latents into pictures in one pass; a `LatentWarning` says where they look odd for this decoder.

        Parameters
        ----------
        latents : (C, h, w) or (m, C, h, w) of any float type, NumPy's or torch's, in the scaled latent space; (C,) or
            (m, C) for the global view
        n_threads : threads of this call; None keeps the caller's number
        shrink : 2, 4 or 8 for a preview of so much smaller sides, the mean of each block of pixels of the picture,
            which a refiner has seen; `with_refiner(None)` makes previews sooner

        Returns
        -------
        (8h, 8w, 3) or (m, 8h, 8w, 3) uint8, RGB, 8h and 8w divided by `shrink`; 64 x 64 for the global view

        Raises
        ------
        ShapeError  if the module is no decoder or the latents are of another shape
        DataError  if they hold NaN or inf
        ConfigError  if `shrink` is something else, or does not divide the pixels of a latent site
        """
        self._need("decode")
        check_shrink(shrink, getattr(self.view, "factor", 8))
        pictures = shrunk(self.run(latents, n_threads), shrink)
        if doubt := doubt_latents(as_array(latents), self):
            warnings.warn(doubt, LatentWarning, stacklevel=2)
        return pictures

    def refine(self, pictures: Any, n_threads: int | None = None, latents: Any = None) -> np.ndarray:
        """Take a decoder's errors out of pictures that it made: (H, W, 3) or (m, H, W, 3) uint8, and so the answer.

        A refiner with context reads the latents that they were made of too.

        Raises
        ------
        ShapeError, DTypeError  if the module is no refiner, or they are no pictures
        """
        self._need("refine")
        return self.run({"recon": pictures, "latents": latents}, n_threads)

    def predict(self, inputs: Any, n_threads: int | None = None) -> np.ndarray:
        """Answer inputs as a module made from plain pairs does.

        Parameters
        ----------
        inputs : (n, in) or (in,), any type of numbers
        n_threads : threads of this call; None keeps the caller's number

        Returns
        -------
        (n, out) or (out,) float32, in the scale of the data's targets

        Raises
        ------
        ShapeError  if the module was not made from plain pairs, or the inputs are of another shape
        DataError  if they hold NaN or inf
        """
        self._need("predict")
        return self.run(inputs, n_threads)

    def embed(self, texts: Any, n_threads: int | None = None) -> np.ndarray:
        """Turn a text, or a list of them, into what the text teacher's embedding would be.

        Returns
        -------
        (E,) or (n, E) float32; (T, E) or (n, T, E) from a module that answers the embeddings of tokens

        Raises
        ------
        ShapeError  if the module is of another kind, or there is no text
        DTypeError, DataError  if something is no text, or cannot be written as UTF-8
        """
        self._need("embed")
        return self.run(texts, n_threads)

    def denoise(self, n_threads: int | None = None, **given: Any) -> np.ndarray:
        """Answer clean latents, in one pass.

        Parameters
        ----------
        given : arrays by name, what `view.given` has, for one latent or for n: `noisy` latents (n, C, h, w) of the
            view's level, in the scaled latent space; `embeddings` (n, E); `text_means` (n, C, h, w); `certainty` (n, 2)

        Returns
        -------
        (C, h, w) or (n, C, h, w) float32

        Raises
        ------
        ShapeError  if the module is no denoiser, something is missing or too much, or of another shape
        DataError  if a number is NaN or inf
        """
        self._need("denoise")
        return self.run(given, n_threads)

    def answer(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Answer every item of the arrays (m, ...) that the module's view reads, checked already; see `View.empty`."""
        found = self.view.answer_at_once(self.maps, self.scaling, arrays)
        return answer_all(self.view, self.scaling, self.forward, arrays) if found is None else found

    def answer_samples(self, raw: RawBlock) -> np.ndarray:
        """Answer every sample of a raw block: (out, n) float32, in the scale of the data."""
        return self.scaling.restore_targets(self.forward(raw))

    def forward(self, raw: RawBlock) -> np.ndarray:
        """Answer every sample of a raw block: (out, n) float32, in the scale of the standardised targets."""
        return forward(self.view, self.scaling, self.maps, raw)

    def program(self) -> Program:
        """Return the module, and its refiner, as plain maps between what is gathered and assembled; see `Program`."""
        maps = [(layer.weights, layer.biases) for layer in self.maps]
        behind = self.refiner.program() if self.refiner else None
        return Program.of(self.view, self.scaling, maps, self.stored, behind)

    @property
    def maps(self) -> tuple[Layer, ...]:
        """All maps in the order in which they answer; the last one's answer is the module's."""
        return (*self.hidden, Layer(self.weights, self.biases))

    def __repr__(self) -> str:
        """Say what it is, without its numbers."""
        last = f"{self.components} components - {self.layers[-1]}" if self.components else self.layers[-1]
        sizes = " - ".join(map(str, (*self.layers[:-1], last)))
        space = f" of {self.space.maker}" if self.space else ""
        behind = f", with {self.refiner!r}" if self.refiner else ""
        return f"<Module: {self.view.title}{space}, {sizes}, {self.stored}{behind}>"

    def save(self, path: Path | str) -> None:
        """Write the module as one safetensors file; an interrupted save leaves an older file as it was."""
        replace_file(Path(path), self.content())

    def about(self) -> dict[str, Any]:
        """What is known of the module, JSON types: what its file says beside its numbers."""
        return metadata_of(self)

    def nbytes(self) -> int:
        """Size of the module's file in bytes."""
        return len(self.content())

    def content(self) -> bytes:
        """Return the content of the module's file."""
        return to_bytes(self._tensors(), self.about())

    def _tensors(self) -> Parts:
        own = pack(self._parts(), self.stored) | named_as_carried(self.view.tensors)
        behind = self.refiner._tensors() if self.refiner else {}
        return own | {PREFIX + name: tensor for name, tensor in behind.items()}

    def _parts(self) -> Parts:
        parts = {"weights": self.weights, "biases": self.biases, **self.scaling.tensors}
        if self.components is not None:
            parts[BASIS] = parts.pop("basis")
        for number, layer in enumerate(self.hidden):
            parts |= {f"hidden_{number}_{name}": part for name, part in vars(layer).items()}
        return parts

    def _need(self, verb: str) -> None:
        kind = KINDS.find(self.kind)
        if kind.verb != verb:
            instead = kind.verb if hasattr(self, kind.verb) else "run"
            raise ShapeError(f"a module of kind {kind.name} cannot {verb}; use {instead}.")


def load(reference: Path | str) -> Module:
    """Read a module from its file.

    Parameters
    ----------
    reference : a file, a run folder, `hf:user/name` of the hub, or the name of a pretrained module
        (`olacore.pretrained.names()`); a path that is there wins

    Raises
    ------
    FileFormatError  if there is no such name, or the file is missing, truncated, no safetensors file, no olacore
    module, or of an unknown schema
    """
    path = find(reference)
    return of_stored(read_module(path), path)


def of_stored(file: Stored, path: Path) -> Module:
    """Return the module of what a file holds.

    Raises
    ------
    FileFormatError  if tensors and metadata make none
    """
    content, parts, sizes = file.content, file.parts, file.content.get("layers", ())
    try:
        view = view_from_dict(content["view"], file.carried)
        stored = content.get("weights", "float32")
        space, own = spaces_in(content, view.to_dict(), pack(parts, stored))
        refiner = of_stored(file.refiner, path) if file.refiner else None
        maps = from_parts(parts, max(len(sizes) - 2, 0))
        module = Module(view, space, training=content["training"], stored=stored, own=own, refiner=refiner, **maps)
        if sizes and tuple(sizes) != module.layers:
            raise ShapeError(f"layers {sizes} needs tensors of these sizes; got {list(module.layers)}")
        if content.get("components") != module.components:
            raise ShapeError(f"{content['components']} components need tensors of that size; got {module.components}")
        return module
    except (KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} is damaged: tensors and metadata make no module ({error}).") from error
