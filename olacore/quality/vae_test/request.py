"""What a user gives to `ola vae-test`, and whether it belongs together.

An organic decoder either belongs to the latents of one organic encoder (a pair), or to the teacher's latent space,
which that encoder imitates (compatible); the fingerprint of its latent space says which.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from olacore.data import Dataset
from olacore.errors import ConfigError, FingerprintError
from olacore.modules.module import Module, load
from olacore.quality.reference.least_squares import DecodesLatents, EncodesPictures
from olacore.spaces import LatentSpace


class TeacherLike(EncodesPictures, DecodesLatents, Protocol):
    """A large autoencoder: whole pictures whose sides are multiples of 8, to latents in its scaled space and back."""

    @property
    def space(self) -> LatentSpace:
        """The latent space of everything that it encodes and decodes."""


@runtime_checkable
class PreviewLike(DecodesLatents, Protocol):
    """A decoder whose own pictures are smaller than the original by `factor`."""

    @property
    def factor(self) -> int:
        """Pixels of the original, along a side, for one of its own."""

    def small(self, latents: np.ndarray) -> np.ndarray:
        """Turn latents into its own pictures."""

    def nbytes(self) -> int:
        """Its size as stored."""


@dataclass(frozen=True)
class Given:
    """An organic module as the user gave it.

    Parameters
    ----------
    name : file, run folder or name, for messages
    """

    name: str
    module: Module

    @classmethod
    def load(cls, reference: str) -> Given:
        """Load a module by file, run folder or name."""
        return cls(reference, load(reference))

    @property
    def space(self) -> LatentSpace:
        """The latent space that it was trained in."""
        assert self.module.space is not None
        return self.module.space

    def check(self, kind: str) -> None:
        """Raise `ConfigError` unless it is a module of that kind for whole pictures."""
        view = self.module.view
        if view.kind != kind or view.name != "patch" or self.module.space is None:
            raise ConfigError(
                f"expected a module of kind {kind} and the patch view; {self.name} is a {view.name} {view.kind}."
            )


@dataclass(frozen=True)
class Entrants:
    """What the user gave to compare.

    Parameters
    ----------
    encoder, decoder : ours; the decoder is of the encoder's own latents, or of the latent space that both imitate
    compatible_encoder, compatible_decoder : others for the teacher's latent space; by default the first two, as far as
        they belong to it
    teacher, teacher_bytes : the large network, and its size as stored
    preview : a ready preview network for the teacher's latents
    data : frames and latents of the teacher's space, for the closed forms

    Raises
    ------
    ConfigError  if a module is of another kind
    FingerprintError  if latent spaces do not fit; both are named
    """

    encoder: Given
    decoder: Given
    compatible_encoder: Given | None = None
    compatible_decoder: Given | None = None
    teacher: TeacherLike | None = None
    teacher_bytes: int = 0
    preview: PreviewLike | None = None
    data: Dataset | None = None

    def __post_init__(self) -> None:
        self.encoder.check("encoder")
        self.decoder.check("decoder")
        if not self.paired and self.decoder.space.fingerprint != self.encoder.space.fingerprint:
            ours, theirs = self.encoder, self.decoder
            raise FingerprintError(
                f"the decoder {theirs.name} is of the latent space {space_name(theirs.space)}, neither that of the "
                f"encoder, {space_name(own_space(ours))}, nor the one that it was cloned from, "
                f"{space_name(ours.space)}; give modules that belong together."
            )
        space = self.space
        for kind, given in (("encoder", self.compatible_encoder), ("decoder", self.compatible_decoder)):
            if given is None:
                continue
            given.check(kind)
            if given.space.fingerprint != space.fingerprint:
                raise FingerprintError(
                    f"the compatible {kind} {given.name} is of the latent space {space_name(given.space)}, and the "
                    f"{'teacher' if self.teacher else 'encoder'} of {space_name(space)}; give one of that space."
                )
        if self.data is not None and (self.data.space is None or self.data.space.fingerprint != space.fingerprint):
            found = space_name(self.data.space) if self.data.space else "plain pairs"
            raise FingerprintError(
                f"closed forms are fitted to latents of {space_name(space)}; the data's are {found}: "
                "give data of that space."
            )
        if self.preview is not None and space.channels != 4:
            raise ConfigError(f"the preview network takes latents of 4 channels; these have {space.channels}.")

    @property
    def paired(self) -> bool:
        """Whether the decoder was trained on the encoder's own latents."""
        return self.decoder.space.fingerprint == own_space(self.encoder).fingerprint

    @property
    def space(self) -> LatentSpace:
        """The teacher's latent space, or the one that the encoder was cloned from."""
        if self.teacher:
            return self.teacher.space
        if self.compatible_encoder or not self._of_its_own:
            return (self.compatible_encoder or self.encoder).space
        # The encoder imitates nobody: what else was given says which space the rest is about.
        theirs = self.compatible_decoder.space if self.compatible_decoder else self.data.space if self.data else None
        return theirs or self.encoder.space

    def compatible(self) -> tuple[Given | None, Given | None]:
        """Encoder and decoder for the teacher's latent space, as far as there are any."""
        first, second = (None, None) if self._of_its_own else (self.encoder, self.decoder)
        pair = (self.compatible_encoder or first, self.compatible_decoder or second)
        encoder, decoder = (
            given if given and given.space.fingerprint == self.space.fingerprint else None for given in pair
        )
        return encoder, decoder

    @property
    def _of_its_own(self) -> bool:
        """Whether the encoder was evolved with its decoder, and imitates nobody."""
        return self.encoder.space.fingerprint == own_space(self.encoder).fingerprint


def own_space(encoder: Given) -> LatentSpace:
    """The latent space of an encoder's own latents, named after it; that of its pair where it was evolved in one."""
    return replace(encoder.module.own_space, maker=encoder.name)


def space_name(space: LatentSpace) -> str:
    """A latent space for messages."""
    return f"{space.fingerprint} ({space.maker})"
