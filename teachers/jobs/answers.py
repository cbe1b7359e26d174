"""Teachers in a row, and the form of data that keeps what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from olacore.data import FORMS, FieldSpec, Form
from olacore.data.forms import form_for
from olacore.errors import ConfigError, ShapeError
from olacore.spaces import LatentSpace, require_same
from teachers.protocol import Arrays, Autoencoder, Decoder, Teacher, check_side

# What every picture of a plan brings along: itself, and the caption of its source.
OFFERED = ("frames", "captions")


@dataclass(frozen=True)
class Answers:
    """Teachers that are asked one after the other, each about the pictures and what those before it wrote.

    What is handed on is what will be stored, in the type of its field, so that a reader of the file finds the answers
    to what he finds there.

    Parameters
    ----------
    teachers : in order; those whose fields have an entry per source are asked once, when a file is made, and those with
        one per caption before the first row that has it
    size : side of the pictures
    form : of the files that keep the answers

    Raises
    ------
    ConfigError  if a teacher reads what there is not, the fields do not fit the form, or the size does not fit the
        latents
    FingerprintError  if teachers are of different latent spaces
    """

    teachers: tuple[Teacher, ...]
    size: int
    form: Form

    @classmethod
    def of(cls, teachers: Sequence[Teacher], size: int, schema: str | None = None) -> Answers:
        """Find the form: the one of that schema, or the only one that keeps all that is written."""
        known = [*OFFERED]
        for teacher in teachers:
            if absent := [name for name in teacher.reads if name not in known]:
                raise ConfigError(f"{teacher.name} reads {', '.join(absent)}, and there is only {', '.join(known)}.")
            known += teacher.writes
        form = FORMS.find(schema) if schema else form_for(known[len(OFFERED) :], OFFERED)
        return cls(tuple(teachers), size, form)

    def __post_init__(self) -> None:
        for teacher in self.teachers:
            if len({self._per(name) for name in teacher.writes}) != 1:
                raise ConfigError(f"{teacher.name} writes fields per row and others; make two teachers of it.")
            if space := teacher.space:
                check_side(self.size, space.factor, space.maker)
                then = "take teachers of one latent space"
                require_same("the first teacher", self.space, teacher.name, space, then=then)

    @property
    def space(self) -> LatentSpace | None:
        """The latent space, if any teacher has one."""
        return next((teacher.space for teacher in self.teachers if teacher.space), None)

    @property
    def batch(self) -> int:
        """Pictures at once, as many as every teacher takes."""
        return min(teacher.batch for teacher in self.teachers)

    @property
    def settings(self) -> dict[str, Any]:
        """Of all teachers: the first one's by their names, those of others under the fields that they write."""
        first, *others = self.teachers
        found = dict(first.settings)
        for one in others:
            # Embeddings of two text teachers are not mixed: who made them stands at one place in every file.
            flat = self._per(one.writes[0]) == "caption" or not one.settings
            found |= one.settings if flat else {", ".join(one.writes): one.settings}
        return found

    @property
    def optional(self) -> tuple[str, ...]:
        """The optional fields of the form that are written."""
        written = {*OFFERED, *(name for teacher in self.teachers for name in teacher.writes)}
        return tuple(spec.name for spec in self.form.fields if spec.optional and spec.name in written)

    @cached_property
    def probe(self) -> Arrays:
        """What comes of one black picture without a caption; it shows sizes that nothing else does."""
        shared = self.of_sources([""])
        rows = self.of_rows(np.zeros((1, self.size, self.size, 3), np.uint8), np.array([""]), shared)
        return rows | shared | self.of_captions([""])

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Sizes of the words in the form's shapes, but for those that the latent space decides."""
        sizes = {"H": self.size, "W": self.size}
        unknown = {*self.form.words(self.optional)} - sizes.keys() - ({*"Chw"} if self.form.spaced else set())
        for spec in self.form.present(self.optional) if unknown else ():
            shape = self.probe[spec.name].shape[1:]
            sizes |= {word: size for word, size in zip(spec.shape, shape, strict=False) if word in unknown}
        return sizes

    @cached_property
    def each(self) -> int:
        """Rows that every picture gives: one, but for forms whose rows name no source."""
        return 1 if self.form.sourced else len(self.probe[self.form.first.name])

    def of_sources(self, captions: Sequence[str]) -> dict[str, np.ndarray]:
        """Ask about sources: the fields with one entry for each."""
        return self._of_texts(captions, "source")

    def of_captions(self, captions: Sequence[str]) -> dict[str, np.ndarray]:
        """Ask about captions: the fields with one entry for each."""
        return self._of_texts(captions, "caption")

    def _of_texts(self, captions: Sequence[str], per: str) -> dict[str, np.ndarray]:
        asked = self._asked(per)
        count, step = len(captions), max(1, self.batch)
        parts = [self._ask(asked, {"captions": np.array(captions[i : i + step])}) for i in range(0, count, step)]
        return {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if asked and parts else ())}

    def of_rows(self, frames: np.ndarray, captions: np.ndarray, shared: Arrays) -> dict[str, np.ndarray]:
        """Ask about pictures, and give every field that the form has for each row.

        Parameters
        ----------
        frames : (n, H, W, 3) uint8
        captions : (n,) text
        shared : (n, ...) each, the fields with an entry for each source
        """
        known = {"frames": frames, "captions": captions, **shared}
        known |= self._ask(self._asked("row"), known)
        return {spec.name: known[spec.name] for spec in self.form.present(self.optional) if spec.per == "row"}

    def _asked(self, per: str) -> list[Teacher]:
        return [teacher for teacher in self.teachers if self._per(teacher.writes[0]) == per]

    def _per(self, name: str) -> str:
        spec = self._spec(name)
        return spec.per if spec else "row"

    def _spec(self, name: str) -> FieldSpec | None:
        return next((spec for spec in self.form.fields if spec.name == name), None)

    def _ask(self, teachers: Sequence[Teacher], known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        known = dict(known)
        made: dict[str, np.ndarray] = {}
        for teacher in teachers:
            found = teacher.answer({name: known[name] for name in teacher.reads})
            if found.keys() != {*teacher.writes}:
                raise ShapeError(f"{teacher.name} writes {', '.join(teacher.writes)}; got {', '.join(found)}.")
            made |= {name: self._as_stored(name, array) for name, array in found.items()}
            known |= made
        return made

    def _as_stored(self, name: str, array: np.ndarray) -> np.ndarray:
        spec = self._spec(name)
        with np.errstate(over="ignore"):
            return array.astype(spec.dtype) if spec and spec.takes(array.dtype) else array


def with_decoding(teachers: Sequence[Teacher]) -> list[Teacher]:
    """Teachers, and the decoding of the one that is an autoencoder.

    Raises
    ------
    ConfigError  if none is
    """
    whole = next((teacher for teacher in teachers if isinstance(teacher, Autoencoder)), None)
    if whole is None:
        raise ConfigError(f"{teachers[0].name} encodes only, so there is no decoding to store; leave recon out.")
    return [*teachers, Decoder(whole)]
