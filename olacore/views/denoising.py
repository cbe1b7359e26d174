"""What views of denoisers share: which rows count, what is read of them, and what stands for the clean latent."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from olacore.blocks import RawBlock
from olacore.errors import ConfigError, DataError, ShapeError
from olacore.views.latents import LatentView
from olacore.views.scaling import Scaling
from olacore.views.words import check_embeddings

if TYPE_CHECKING:
    from olacore.data import Dataset

# Latents with noise of such a level fit float16 with room.
MOST_LEVEL = 1000.0
# Sides of a latent, and numbers of an embedding.
MOST_SIDE, MOST_WIDTH = 4096, 1 << 20


@dataclass(frozen=True)
class DenoiserView(LatentView):
    """Base of all: from what is known of a picture, such as its noisy latent, to its clean latent.

    Where a teacher answered the rows, its answers are the targets, at the noise that belongs to them; only rows of the
    view's level count then. Otherwise pictures' own latents are, and noise is drawn anew in each pass. Targets may also
    be a mixture of both, as hard and soft targets are in distillation (Hinton, Vinyals and Dean 2015).

    Parameters
    ----------
    channels, factor : of the latent
    level : noise level (sigma): a noisy latent is the latent and `level` times standard normal noise, in the scaled
        latent space; 0 where there is no noise
    truth : share of pictures' own latents in targets that are a teacher's answers otherwise, from 0 to 1

    Raises
    ------
    ConfigError  if a number is out of range
    """

    kind: ClassVar[str] = "denoiser"
    target_fields: ClassVar[tuple[str, ...]] = ("latents",)
    options: ClassVar[tuple[str, ...]] = ("level", "truth")
    noisy: ClassVar[bool] = True

    level: float = 0.0
    truth: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.truth <= 1:
            raise ConfigError(f"truth must be a share from 0 to 1; got {self.truth}.")
        if not (0 < self.level <= MOST_LEVEL or (self.level == 0 and not self.noisy)):
            raise ConfigError(f"level must be above 0, {MOST_LEVEL:g} at most; got {self.level}.")

    @property
    def heading(self) -> str:
        """With the noise level where there is one."""
        return f"{self.kind} of level {self.level:g}" if self.level else self.kind

    @property
    @abstractmethod
    def given(self) -> dict[str, tuple[int | None, ...]]:
        """What a caller gives, by name, with the shape of one entry; None for a side that is free."""

    @property
    def answered(self) -> tuple[str, ...]:
        """Fields with answers of a teacher that may be targets, the first one that is there."""
        return ("answers",)

    def shares_in(self, there: Container[str]) -> dict[str, float]:
        """The fields that targets are made of, of those that are there, and the share of each; together 1."""
        answers = next((name for name in self.answered if name in there), None)
        if answers is None:
            return {"latents": 1.0}
        return {name: share for name, share in ((answers, 1 - self.truth), ("latents", self.truth)) if share}

    def fields_in(self, dataset: Dataset) -> tuple[str, ...]:
        """What is given, and what targets are made of; for a noisy latent that is not stored, what that is made of."""
        fields = [name for name in self.given if name != "noisy"]
        if self.noisy and dataset.has("noisy"):
            fields.append("noisy")
        elif self.noisy:
            fields += ["latents", *(["noise_seeds"] if of_teacher(dataset, self.answered) else [])]
        return tuple(dict.fromkeys((*fields, *self.shares_in(dataset.contents.layout))))

    def items(self, dataset: Dataset) -> np.ndarray:
        """Where a teacher answered them, the rows of this level; otherwise all."""
        if not of_teacher(dataset, self.answered):
            return super().items(dataset)
        sigmas = levels_of(dataset)
        found = np.flatnonzero(sigmas == np.float32(self.level))
        if not len(found):
            raise DataError(f"no row of the data has the level {self.level:g}; they have {shown(sigmas)}.")
        return found

    def check(self, dataset: Dataset) -> None:
        """Raise `ShapeError` unless the data hold latents and all that is given, in the shapes that the view has."""
        super().check(dataset)
        if "embeddings" in self.given:
            check_embeddings(dataset, type(self), *(width or 0 for width in self.given["embeddings"]))
        for name in self.fields_in(dataset):
            if not dataset.has(name):
                raise ShapeError(f"the {self.name} view of the {self.kind} needs {name}, which the data do not hold.")

    def cut_targets(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Cut clean latents; of several fields each its share, which comes to the same once they are standardised."""
        (name, share), *others = self.shares_in(raw.arrays).items()
        self.cut_clean(raw.arrays[name], raw, scaling, out)
        if others:
            out *= np.float32(share)
        for name, share in others:
            other = np.empty_like(out)
            self.cut_clean(raw.arrays[name], raw, scaling, other)
            other *= np.float32(share)
            out += other

    @abstractmethod
    def cut_clean(self, latents: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write standardised samples of latents (m, C, h, w) float16, one of each item of the block, into (out, n)."""

    def site_count(self, arrays: Mapping[str, np.ndarray]) -> int:
        """A latent is one sample."""
        return 1

    def to_dict(self) -> dict[str, Any]:
        """Return the view as plain values; without a share of truth where it is 0, as in files of before."""
        return {name: value for name, value in super().to_dict().items() if name != "truth" or value}


@dataclass(frozen=True)
class WholeLatent(DenoiserView):
    """Base of views that answer the whole latent at once, of one size.

    Parameters
    ----------
    height, width : sites of the latent
    embedding : numbers of an embedding; 0 without text
    """

    rotates: ClassVar[bool] = True

    height: int = 1
    width: int = 1
    embedding: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (1 <= self.height <= MOST_SIDE and 1 <= self.width <= MOST_SIDE):
            raise ConfigError(
                f"height and width of a latent must be 1 to {MOST_SIDE} sites; got {self.height} x {self.width}."
            )
        if not 0 <= self.embedding <= MOST_WIDTH:
            raise ConfigError(f"embedding must be 0 to {MOST_WIDTH} numbers; got {self.embedding}.")

    @property
    def outputs(self) -> int:
        """Numbers of a latent."""
        return self.channels * self.height * self.width

    def check(self, dataset: Dataset) -> None:
        """Raise `ShapeError` unless latents have this size too."""
        super().check(dataset)
        check_size(dataset, self.height, self.width)

    def cut_clean(self, latents: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Take latents."""
        rows = latents[raw.item].reshape(len(raw.item), -1)
        out[...] = ((rows - scaling.target_mean) / scaling.target_scale).T

    def empty(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Latents (m, C, h, w) float32."""
        count = len(next(iter(arrays.values())))
        return np.empty((count, self.channels, self.height, self.width), np.float32)

    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write latents."""
        out[raw.item] = scaling.restore_each(outputs).T.reshape(-1, *out.shape[1:])


def check_size(dataset: Dataset, height: int, width: int) -> None:
    """Raise `ShapeError` unless latents of the data have the size that a module answers."""
    assert dataset.latent_shape is not None
    found = dataset.latent_shape[1:]
    if found != (height, width):
        sizes = f"{height} x {width} sites, and the data's have {found[0]} x {found[1]}"
        raise ShapeError(f"the module answers latents of {sizes}.")


def of_teacher(dataset: Dataset, answered: tuple[str, ...]) -> bool:
    """Whether rows have noise of their own, because a teacher answered them or their noisy latents are stored."""
    return dataset.has("sigmas") and any(dataset.has(name) for name in ("noisy", *answered))


def levels_of(dataset: Dataset) -> np.ndarray:
    """The noise level of every row, (count,) float32."""
    return dataset.read(("sigmas",), np.arange(dataset.count), checked=False)["sigmas"]


def shown(sigmas: np.ndarray) -> str:
    """The levels that there are, as they are written for `--level`."""
    found = [str(level) for level in np.unique(sigmas)]
    return ", ".join(found[:20]) + (f" and {len(found) - 20} more" if len(found) > 20 else "")


def level_for(dataset: Dataset, view: type[DenoiserView], answered: tuple[str, ...], asked: float | None) -> float:
    """The level of a view: the one that was asked for, or the only one of the data.

    Raises
    ------
    ConfigError  if that does not say it, or the level would be ignored
    """
    if of_teacher(dataset, answered):
        sigmas = levels_of(dataset)
        if asked is None and len(np.unique(sigmas)) > 1:
            raise ConfigError(f"the data hold several noise levels; say which with --level, of {shown(sigmas)}.")
        return float(sigmas[0]) if asked is None else asked
    if not view.noisy:
        if asked is not None:
            raise ConfigError(f"the {view.name} view of the {view.kind} adds no noise; leave the level out.")
        return 0.0
    if asked is None:
        raise ConfigError(f"the {view.name} view of the {view.kind} needs a noise level; give --level, such as 1.")
    return asked


def truth_for(dataset: Dataset, answered: tuple[str, ...], asked: float | None) -> float:
    """The share of pictures' own latents in the targets of a view.

    Raises
    ------
    ConfigError  if it was asked for where no teacher answered, so that it would be ignored
    """
    if asked is None:
        return 0.0
    if not any(dataset.has(name) for name in answered):
        raise ConfigError(
            "truth is the share of latents beside a teacher's answers, and the data hold none: targets are the latents "
            "anyway; leave --truth out."
        )
    return float(asked)
