"""Views of texts: to their embeddings; by hashed words, pairs of words and runs of characters, without a vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from olacore.blocks import RawBlock
from olacore.errors import ConfigError, ShapeError
from olacore.kernels.words import hash_words
from olacore.views.base import View, add_view, pack_standardised
from olacore.views.scaling import Scaling

if TYPE_CHECKING:
    from olacore.data import Dataset

FEWEST_BUCKETS, MOST_BUCKETS = 16, 1 << 16


@dataclass(frozen=True)
class Embedding(View):
    """Base of all: from a caption to its embedding.

    Parameters
    ----------
    width : numbers of an embedding

    Raises
    ------
    ConfigError  if a number is out of range
    """

    kind: ClassVar[str] = "text"
    input_fields: ClassVar[tuple[str, ...]] = ("captions",)
    target_fields: ClassVar[tuple[str, ...]] = ("embeddings",)
    rotates: ClassVar[bool] = True

    width: int

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ConfigError(f"width must be one number of an embedding or more; got {self.width}.")

    @property
    def outputs(self) -> int:
        """Numbers of an embedding."""
        return self.width

    @property
    def embedded(self) -> int:
        """Numbers of what a text becomes: its embedding, and whatever is beside it."""
        return self.outputs

    def check(self, dataset: Dataset) -> None:
        """Raise `ShapeError` unless the data hold captions and embeddings of this width."""
        check_embeddings(dataset, type(self), self.width)

    def cut_targets(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Take embeddings."""
        out[...] = ((raw.arrays["embeddings"][raw.item] - scaling.target_mean) / scaling.target_scale).T

    def site_count(self, arrays: Mapping[str, np.ndarray]) -> int:
        """A caption is one sample."""
        return 1

    def empty(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Embeddings (m, embedded) float32."""
        return np.empty((len(arrays["captions"]), self.embedded), np.float32)

    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write embeddings."""
        out[raw.item] = scaling.restore_targets(outputs).T


@add_view
@dataclass(frozen=True)
class Words(Embedding):
    """By the features that the caption's words are hashed into.

    Parameters
    ----------
    buckets : that features are hashed into

    Raises
    ------
    ConfigError  if a number is out of range
    """

    name: ClassVar[str] = "words"
    options: ClassVar[tuple[str, ...]] = ("buckets",)

    buckets: int = 2048

    def __post_init__(self) -> None:
        if not FEWEST_BUCKETS <= self.buckets <= MOST_BUCKETS:
            raise ConfigError(f"buckets must be {FEWEST_BUCKETS} to {MOST_BUCKETS}; got {self.buckets}.")
        super().__post_init__()

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's embeddings."""
        return cls(embedding_width(dataset, cls), settings.get("buckets", cls.buckets))

    @property
    def inputs(self) -> int:
        """Buckets."""
        return self.buckets

    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Hash captions."""
        captions = np.ascontiguousarray(raw.arrays["captions"][raw.item])
        features = np.empty((len(captions), self.buckets), np.float32)
        hash_words(captions.view(np.uint8).reshape(len(captions), -1), features)
        pack_standardised(features, scaling, out)


def embedding_width(dataset: Dataset, view: type[View]) -> int:
    """How many numbers the data's embeddings have.

    Raises
    ------
    ShapeError  if there are none
    """
    if not dataset.has("embeddings"):
        raise ShapeError(
            f"the {view.name} view of the {view.kind} needs captions with embeddings, and the data hold "
            f"{', '.join(spec.name for spec in dataset.form.fields if dataset.has(spec.name))}."
        )
    return dataset.layout_of("embeddings")[0][0]


def check_embeddings(dataset: Dataset, view: type[View], width: int) -> None:
    """Raise `ShapeError` unless the data hold embeddings of so many numbers."""
    found = embedding_width(dataset, view)
    if found != width:
        raise ShapeError(f"the module has embeddings of {width} numbers, and the data's have {found}.")
