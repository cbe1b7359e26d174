"""What a user gives to `ola vae-test`, and whether it belongs together.

An organic decoder either reads the latents that one organic encoder makes (a pair), or those of the teacher, which
that encoder imitates (compatible).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from olacore.data import Dataset
from olacore.errors import ConfigError
from olacore.modules.identity import latents_of
from olacore.modules.module import Module, load
from olacore.quality.protocols import PreviewLike, TeacherLike
from olacore.spaces import LatentSpace, accepts, require_same


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

    @property
    def latents(self) -> tuple[LatentSpace, LatentSpace | None]:
        """The spaces that an encoder's latents belong to: its own, named after it, and the one that it imitates."""
        return replace(latents_of(self.module), maker=self.name), self.module.imitates

    def check(self, kind: str) -> None:
        """Raise `ConfigError` unless it is a module of that kind for whole pictures."""
        view = self.module.view
        if view.title != f"patch {kind}" or self.module.space is None:
            raise ConfigError(f"expected a module of kind {kind} and the patch view; {self.name} is a {view.title}.")


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
        require_same(
            f"the decoder {self.decoder.name}",
            self.decoder.space,
            f"the encoder {self.encoder.name}",
            *self.encoder.latents,
            then="give modules that belong together",
        )
        space, owner = self.space, "teacher" if self.teacher else "encoder"
        for kind, given in (("encoder", self.compatible_encoder), ("decoder", self.compatible_decoder)):
            if given is None:
                continue
            given.check(kind)
            name = f"the compatible {kind} {given.name}"
            require_same(name, given.space, f"the {owner}", space, then="give one of that space")
        if self.data is not None:
            if self.data.space is None:
                raise ConfigError("closed forms are fitted to latents, and the data hold plain pairs; give frames.")
            require_same("the data", self.data.space, f"the {owner}", space, then="fit closed forms to that space")
        if self.preview is not None and space.channels != 4:
            raise ConfigError(f"the preview network takes latents of 4 channels; these have {space.channels}.")

    @property
    def paired(self) -> bool:
        """Whether the decoder was trained on the encoder's own latents."""
        return accepts(self.decoder.space, self.encoder.latents[0])

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
        encoder, decoder = (given if given and accepts(given.space, self.space) else None for given in pair)
        return encoder, decoder

    @property
    def _of_its_own(self) -> bool:
        """Whether the encoder was evolved with its decoder, and imitates nobody."""
        return self.encoder.module.imitates is None
