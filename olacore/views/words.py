"""Views of texts: to their embeddings, or to those of their tokens; by hashed words, pairs of words and runs of
characters, without a vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
# What of the data a module may answer: one embedding a caption, or one for each of its tokens.
POOLED, TOKENS = "embeddings", "tokens"
# Values that not all files of a view have.
LATER = (TOKENS, "even")
# Numbers of all embeddings of a caption.
MOST_OUTPUTS = 1 << 22


@dataclass(frozen=True)
class Embedding(View):
    """Base of all: from a caption to its embedding, or to the embeddings of all its tokens at once.

    Parameters
    ----------
    width : numbers of an embedding
    tokens : embeddings that a caption has, one for each token that the teacher pads it to; 0 for a single one, pooled

    Raises
    ------
    ConfigError  if a number is out of range
    """

    kind: ClassVar[str] = "text"
    input_fields: ClassVar[tuple[str, ...]] = ("captions",)
    target_fields: ClassVar[tuple[str, ...]] = ("embeddings",)
    rotates: ClassVar[bool] = True

    width: int
    tokens: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ConfigError(f"width must be one number of an embedding or more; got {self.width}.")
        if self.tokens < 0 or self.outputs > MOST_OUTPUTS:
            raise ConfigError(
                f"a text has up to {MOST_OUTPUTS} numbers of embeddings; got {self.tokens} tokens of {self.width}."
            )

    @property
    def target(self) -> str:
        """The field of the data that it answers."""
        return TOKENS if self.tokens else POOLED

    @property
    def fields(self) -> tuple[str, ...]:
        """Captions, and what it answers."""
        return (*self.input_fields, self.target)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the answer to one text: (E,), or (T, E)."""
        return (self.tokens, self.width) if self.tokens else (self.width,)

    @property
    def outputs(self) -> int:
        """Numbers of an answer."""
        return self.width * max(self.tokens, 1)

    @property
    def embedded(self) -> int:
        """Numbers of what a text becomes: its embedding, and whatever is beside it."""
        return self.outputs

    def check(self, dataset: Dataset) -> None:
        """Raise `ShapeError` unless the data hold captions and embeddings of this shape."""
        found = embedding_shape(dataset, type(self), self.target)
        if found != self.shape:
            ours, theirs = (" x ".join(map(str, shape)) for shape in (self.shape, found))
            raise ShapeError(f"the module has {self.target} of {ours} numbers, and the data's have {theirs}.")

    def cut_targets(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Take embeddings."""
        rows = raw.arrays[self.target][raw.item].reshape(len(raw.item), -1)
        out[...] = ((rows - scaling.target_mean) / scaling.target_scale).T

    def site_count(self, arrays: Mapping[str, np.ndarray]) -> int:
        """A caption is one sample."""
        return 1

    def empty(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Embeddings (m, width) or (m, tokens, width), float32."""
        return np.empty((len(arrays["captions"]), *self.shape), np.float32)

    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write embeddings."""
        out[raw.item] = scaling.restore_targets(outputs).T.reshape(-1, *self.shape)

    def to_dict(self) -> dict[str, Any]:
        """Return the view as plain values; without those of `LATER` that are not so, as in files of before."""
        return {name: value for name, value in super().to_dict().items() if name not in LATER or value}


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
    options: ClassVar[tuple[str, ...]] = ("buckets", "target")

    buckets: int = 2048

    def __post_init__(self) -> None:
        if not FEWEST_BUCKETS <= self.buckets <= MOST_BUCKETS:
            raise ConfigError(f"buckets must be {FEWEST_BUCKETS} to {MOST_BUCKETS}; got {self.buckets}.")
        super().__post_init__()

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's embeddings."""
        width, tokens = asked_of(dataset, cls, settings)
        return cls(width, settings.get("buckets", cls.buckets), tokens=tokens)

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


def asked_of(dataset: Dataset, view: type[View], settings: Mapping[str, Any]) -> tuple[int, int]:
    """Numbers of an embedding, and how many a caption has, 0 for one: of what `target` of the settings asks for.

    Raises
    ------
    ConfigError  if it asks for anything else
    ShapeError  if the data do not have it
    """
    target = settings.get("target", POOLED)
    if target not in (POOLED, TOKENS):
        raise ConfigError(f"a text module answers {POOLED} or {TOKENS}; got the target {target!r}.")
    *tokens, width = embedding_shape(dataset, view, target)
    return width, tokens[0] if tokens else 0


def embedding_shape(dataset: Dataset, view: type[View], target: str = POOLED) -> tuple[int, ...]:
    """Shape of the data's embeddings of a caption.

    Raises
    ------
    ShapeError  if there are none
    """
    if not dataset.has(target):
        how = "; make them with `ola precompute --tokens`" if target == TOKENS else ""
        raise ShapeError(
            f"the {view.name} view of the {view.kind} needs captions with {target}, and the data hold "
            f"{', '.join(spec.name for spec in dataset.form.fields if dataset.has(spec.name))}{how}."
        )
    return dataset.layout_of(target)[0]


def embedding_width(dataset: Dataset, view: type[View]) -> int:
    """How many numbers the data's pooled embeddings have.

    Raises
    ------
    ShapeError  if there are none
    """
    return embedding_shape(dataset, view)[0]


def check_embeddings(dataset: Dataset, view: type[View], width: int) -> None:
    """Raise `ShapeError` unless the data hold embeddings of so many numbers."""
    found = embedding_width(dataset, view)
    if found != width:
        raise ShapeError(f"the module has embeddings of {width} numbers, and the data's have {found}.")
