"""The view of texts by a table of words: what a text teacher says of single words, which the module carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from olacore.blocks import RawBlock
from olacore.errors import ConfigError, DataError, FingerprintError, ShapeError
from olacore.text.table import NAMES, ZEROS, WordTable, unit
from olacore.views.base import add_view, pack_standardised
from olacore.views.scaling import Scaling
from olacore.views.words import Embedding, asked_of, embedding_width

if TYPE_CHECKING:
    from olacore.data import Dataset

MOST_SIZE = 4096
# What the spread of the words counts for where components are chosen, beside that of the captions.
OF_WORDS, TINY = 0.3, 1e-30
# Embeddings that are looked at, and how far from 1 their lengths may be.
LOOKED_AT, UNIT = 256, 1e-3


@add_view
@dataclass(frozen=True)
class TableOfWords(Embedding):
    """From a caption to its embedding, by the vectors of its words; see `WordTable`.

    Parameters
    ----------
    width : numbers of an embedding
    size : numbers of a word's vector
    unit : embeddings are of unit length, as the teacher's are
    even : means of words are of length 1; see `WordTable`
    table : of words

    Raises
    ------
    ConfigError  if a number is out of range
    ShapeError  if the table is another one
    """

    name: ClassVar[str] = "table"
    alike: ClassVar[bool] = True
    options: ClassVar[tuple[str, ...]] = ("words", "word_size", "word_bits", "target")
    # Many coarse numbers say more of a word than half as many that are twice as fine.
    bits: ClassVar[int] = 2
    # Where embeddings are of unit length, so that the length of a mean says nothing of them.
    to_even: ClassVar[bool] = True

    size: int = 192
    unit: bool = False
    even: bool = False
    table: WordTable = field(kw_only=True, metadata={"plain": False})

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.table.size, self.table.even) != (self.size, self.even):
            raise ShapeError(
                f"words must have vectors of {self.size} numbers, and be even: {self.even}; the table has "
                f"{self.table.size}, and {self.table.even}."
            )

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's embeddings, with a table of the words in a file of `ola precompute --words`."""
        width, tokens = asked_of(dataset, cls, settings)
        if settings.get("words") is None:
            raise ConfigError("the table view of the text needs --words, a file of `ola precompute --words`.")
        bits, most = settings.get("word_bits", cls.bits), min(embedding_width(dataset, cls), MOST_SIZE)
        if bits not in ZEROS:
            raise ConfigError(f"numbers of a word's vector have {', '.join(map(str, ZEROS))} bits; got {bits}.")
        whole = 8 // bits
        size = settings.get("word_size", min(cls.size, most // whole * whole))
        if not 2 <= size <= most or size % whole:
            raise ConfigError(
                f"a word's vector of whole bytes has 2 to {most} numbers of {bits} bits, a multiple of {whole}; got "
                f"{size}."
            )
        unit_length = not tokens and has_unit_length(dataset)
        table = make_table(dataset, Path(settings["words"]), size, bits, unit_length and cls.to_even)
        return cls(width, size, unit_length, table.even, table=table, tokens=tokens)

    @classmethod
    def carries(cls, values: Mapping[str, Any]) -> tuple[str, ...]:
        """The arrays of the table."""
        return NAMES

    @classmethod
    def of_values(cls, values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Self:
        """The view of plain values and the arrays that a file has."""
        return cls(**values, table=WordTable.of_view(values, tensors))

    @property
    def inputs(self) -> int:
        """The vector of a text, and the one with words weighted by their place."""
        return 2 * self.size

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """The table."""
        return self.table.tensors

    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write embeddings, at unit length where the teacher's are."""
        super().assemble(outputs, raw, scaling, out)
        if self.unit:
            out[raw.item] = unit(out[raw.item])

    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Look words up; all of them for embeddings of tokens, of which every word has its own."""
        pack_standardised(self.table.features(texts_of(raw), whole=self.tokens > 0), scaling, out)


@add_view
@dataclass(frozen=True)
class SceneOfWords(TableOfWords):
    """As `TableOfWords`, with the sums of the words' vectors behind the embedding: for captions of several things.

    A teacher's embedding hardly tells "a red heart above a blue square" from "a blue heart above a red square": their
    cosine is 0.99. The vectors, in which the order of words counts, keep them apart.
    """

    name: ClassVar[str] = "scene"
    # What is behind the embedding has to be exact, and are sums.
    bits: ClassVar[int] = 4
    to_even: ClassVar[bool] = False

    size: int = 96

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tokens:
            raise ConfigError("the scene view of the text answers one embedding a text, and not those of its tokens.")

    @property
    def embedded(self) -> int:
        """Numbers of an embedding and of a text's vector."""
        return self.width + self.inputs

    def empty(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Embeddings and vectors (m, embedded) float32."""
        return np.empty((len(arrays["captions"]), self.embedded), np.float32)

    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write embeddings, and vectors behind them."""
        super().assemble(outputs, raw, scaling, out[:, : self.width])
        out[raw.item, self.width :] = self.table.features(texts_of(raw), summed=True)


def texts_of(raw: RawBlock) -> list[str]:
    """The texts of a block's samples."""
    return [text.decode("utf-8", "replace") for text in raw.arrays["captions"][raw.item].tolist()]


def has_unit_length(dataset: Dataset) -> bool:
    """Whether the embeddings of data are of length 1, as far as a look at some shows."""
    some = dataset.read(["embeddings"], np.arange(min(dataset.count, LOOKED_AT)))["embeddings"]
    return bool((np.abs(np.linalg.norm(some, axis=1) - 1) < UNIT).all())


def check_words(data: Dataset, path: Path) -> None:
    """Raise `DataError` unless a file is one of words."""
    if not data.has("words"):
        raise DataError(f"{path} has no words; make it by `ola precompute --words`.")


def make_table(dataset: Dataset, path: Path, size: int, bits: int, even: bool) -> WordTable:
    """Make a table of a file of words: their embeddings, in components that hold most of captions and words.

    They are turned at random, so that all numbers vary alike and the same levels do for all of them.

    Parameters
    ----------
    dataset : whose training captions decide the components
    size : components
    bits : of a number
    even : see `WordTable`

    Raises
    ------
    DataError  if the file has no words, or they are not those of a table
    ShapeError, FingerprintError  if the embeddings are not of the teacher of the captions
    """
    from olacore.data import open_dataset
    from olacore.data.open_file import text_maker
    from olacore.data.texts import read_texts

    with open_dataset([path]) as file:
        check_words(file, path)
        theirs, ours = text_maker(file.settings), text_maker(dataset.settings)
        if theirs != ours:
            makers = f"{theirs}, and the captions of {ours}"
            raise FingerprintError(f"the words in {path} have embeddings of {makers}; make both with one teacher.")
        found = file.read(["words", "embeddings", "shifts"], np.arange(file.count))
    if found["embeddings"].shape[1] != embedding_width(dataset, TableOfWords):
        raise ShapeError(f"the words in {path} have embeddings of {found['embeddings'].shape[1]} numbers.")
    texts = read_texts(dataset)
    centred = texts.embeddings[texts.counts > 0].astype(np.float64)
    centred -= centred.mean(0)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        words = found["embeddings"].astype(np.float64)
        words -= words.mean(0)
        spreads = [rows.T @ rows / max(np.square(rows).sum(), TINY) for rows in (centred, words)]
        _, axes = np.linalg.eigh(spreads[0] + OF_WORDS * spreads[1])
        turned, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((size, size)))
        vectors = words @ (axes[:, ::-1][:, :size] @ turned)
    listed = [word.decode() for word in found["words"].tolist()]
    return WordTable.of(listed, vectors.astype(np.float32), found["shifts"], bits, even)
