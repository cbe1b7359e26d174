"""A table of single words: a short vector for each, which a text teacher's embedding of it became, and its weight.

The vector of a text is the weighted mean of its words' vectors, and beside it the same mean with words weighted by
where they stand, so that the order of words counts. Words that hardly move the teacher weigh little; articles, and a
request before what is wanted, are left out, since they would move the place of all words. What the table lacks is read
as the known words that it is spelt like.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from olacore.errors import DataError
from olacore.text.words import words_in, words_read

# A word weighs how far it moves the teacher over this, and 1 at most; and what the order of words counts for.
FAR, ORDER = 0.3, 0.5
# What stands for 0 in so many bits, in the middle of all levels: between two of few, and one of many.
ZEROS = {1: 0.5, 2: 1.5, 4: 8.0, 8: 128.0}
# The shares of a vector's largest number that its levels may reach to.
SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25)
HEAVIEST = 255
# What a module carries of it.
NAMES = ("words", "vectors", "scales", "weights")
# Bytes of all words together.
MOST_BYTES = 1 << 26
# Letters of a run by which spellings are compared, the share of runs that two words have in common at least (Dice), and
# how many words at most stand for one that is not known.
RUN, ALIKE, SPELT_LIKE = 3, 0.5, 3
# Different words of a text that are looked for so, which takes some milliseconds each; more are left out.
MOST_UNKNOWN = 32
TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True, eq=False)
class WordTable:
    """Words and their vectors, as a module's file holds them.

    Parameters
    ----------
    words : (bytes,) uint8, of zlib: UTF-8 with a line feed between words; each once
    vectors : (n, d bits / 8) uint8, numbers of 1, 2, 4 or 8 bits, the first of a byte in its lowest bits; see `unpack`
    scales : (n,) float16; a word's vector is its numbers times its scale
    weights : (n,) uint8, 255 for a word that counts in full
    size : d, numbers of a word's vector
    even : the mean of a text's words is brought to length 1, and the one by place along with it: without that, a single
        word is twice as long as ten words that differ

    Raises
    ------
    DataError  if they do not fit each other
    """

    words: np.ndarray
    vectors: np.ndarray
    scales: np.ndarray
    weights: np.ndarray
    size: int
    even: bool = False

    def __post_init__(self) -> None:
        count = len(self.vectors)
        shapes = self.words.ndim == 1 and self.vectors.ndim == 2 and self.scales.shape == self.weights.shape == (count,)
        types = [part.dtype for part in self.tensors.values()] == [np.uint8, np.uint8, np.float16, np.uint8]
        if not (shapes and types and 0 not in self.vectors.shape):
            forms = ", ".join(f"{name} {part.dtype} {part.shape}" for name, part in self.tensors.items())
            raise DataError(f"a table of words needs a vector, a scale and a weight for each; got {forms}.")
        if self.size < 1 or self.bits not in ZEROS or self.bits * self.size != 8 * self.vectors.shape[1]:
            raise DataError(
                f"a vector of {self.size} numbers needs 1, 2, 4 or 8 bits for each, and whole bytes; this table has "
                f"{self.vectors.shape[1]} bytes a word."
            )
        if not (np.isfinite(self.scales).all() and self.weights.all()):
            raise DataError("a table of words needs finite scales, and weights above 0.")
        if len(self.places) != count:
            raise DataError(f"a table of words has {count} vectors and {len(self.places)} different words.")

    @classmethod
    def of(
        cls, words: Sequence[str], vectors: np.ndarray, shifts: np.ndarray, bits: int = 4, even: bool = False
    ) -> WordTable:
        """Round vectors to some bits a number, each with the scale that leaves least of it out.

        Parameters
        ----------
        words : n, each once
        vectors : (n, d), d numbers of whole bytes
        shifts : (n,) how far each word moves the teacher
        bits : 1, 2, 4 or 8
        even : see the table
        """
        order = np.argsort(words)
        wide = np.asarray(vectors, np.float32)[order]
        largest = np.abs(wide).max(1) / np.float32(_reach(bits))
        tried = [(largest * np.float32(share)).astype(np.float16) for share in SHARES]
        missed = [np.square(_rounded(wide, scales, bits) * scales[:, None] - wide).sum(1) for scales in tried]
        scales = np.array(tried)[np.argmin(missed, 0), np.arange(len(wide))]
        heavy = np.minimum(np.maximum(shifts[order], 0) / FAR, 1)
        packed = zlib.compress("\n".join(words[place] for place in order).encode(), 9)
        return cls(
            np.frombuffer(packed, np.uint8),
            pack(_rounded(wide, scales, bits), bits),
            scales,
            np.rint(heavy * HEAVIEST).clip(1, HEAVIEST).astype(np.uint8),
            wide.shape[1],
            even,
        )

    @classmethod
    def of_view(cls, values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> WordTable:
        """The table of a view.

        Parameters
        ----------
        values : plain ones of the view: its `size`, and whether it is `even`
        tensors : that it carries
        """
        return cls(**tensors, size=values["size"], even=values.get("even", False))

    def __eq__(self, other: object) -> bool:
        """Whether all arrays are the same."""
        if not isinstance(other, WordTable):
            return False
        same = (self.size, self.even) == (other.size, other.even)
        return same and all(np.array_equal(part, other.tensors[name]) for name, part in self.tensors.items())

    def __hash__(self) -> int:
        return hash(self.words.tobytes())

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """Its arrays by name."""
        return {name: getattr(self, name) for name in NAMES}

    @property
    def bits(self) -> int:
        """Of a number."""
        return 8 * self.vectors.shape[1] // self.size

    @cached_property
    def listed(self) -> list[str]:
        """The words, in the order of their vectors.

        Raises
        ------
        DataError  if they are damaged
        """
        try:
            unpacking = zlib.decompressobj()
            text = unpacking.decompress(self.words.tobytes(), MOST_BYTES)
            if not unpacking.eof:
                raise DataError("the words of a table are cut off, or too many.")
            return text.decode().split("\n")
        except (zlib.error, UnicodeDecodeError) as error:
            raise DataError(f"the words of a table are damaged: {error}.") from error

    @cached_property
    def places(self) -> dict[str, int]:
        """The line of each word."""
        return {word: place for place, word in enumerate(self.listed)}

    @cached_property
    def _runs(self) -> tuple[np.ndarray, np.ndarray]:
        """The bytes of all words between < and >, (longest, n) uint8 with 0 behind each, and how many runs each has."""
        framed = np.array([f"<{word}>".encode() for word in self.listed])
        letters = framed.view(np.uint8).reshape(len(framed), -1)
        return np.ascontiguousarray(letters.T), np.maximum(np.char.str_len(framed) - RUN + 1, 1)

    def spelt_like(self, word: str, most: int = SPELT_LIKE, least: float = ALIKE) -> list[str]:
        """Known words that are spelt most like a word, the most alike first; none where none is alike.

        Two neighbouring letters that changed places are one slip: words without it are taken alone.
        """
        if word.isalpha() and len(word) > 2:
            pairs = (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1))
            if swapped := [other for other in dict.fromkeys(pairs) if other in self.places][:most]:
                return swapped
        text = f"<{word}>".encode()
        runs = {text[start : start + RUN] for start in range(max(len(text) - RUN + 1, 1))}
        letters, counts = self._runs
        shared, places = np.zeros(len(counts)), len(letters) - RUN + 1
        for run in runs:
            # Where each letter of the run stands behind the one before, which is quicker than to search each word.
            found = [letters[start : start + places] == letter for start, letter in enumerate(run)]
            shared += np.logical_and.reduce(found).any(0)
        alike = 2 * shared / (counts + len(runs))
        best = np.argsort(-alike, kind="stable")[:most]
        return [self.listed[place] for place in best if alike[place] >= least]

    def line_of(self, word: str) -> int | None:
        """The line of a word, or of what it is the genitive of; None where neither is known."""
        return self.places.get(word, self.places.get(word.removesuffix("'s")))

    def read(self, text: str, *, whole: bool = False) -> tuple[list[list[int]], list[str]]:
        """Look a text's words up.

        Parameters
        ----------
        whole : with the words that are left out otherwise, see `words_read`

        Returns
        -------
        the lines that stand for each word, several where it is not known, and the words that are not known
        """
        found, unknown = [], []
        instead: dict[str, list[int]] = {}
        for word in words_in(text) if whole else words_read(text):
            if (line := self.line_of(word)) is not None:
                found.append([line])
                continue
            unknown.append(word)
            if word not in instead and len(instead) < MOST_UNKNOWN:
                instead[word] = [self.places[other] for other in self.spelt_like(word)]
            if lines := instead.get(word):
                found.append(lines)
        return found, unknown

    def features(self, texts: Iterable[str], *, summed: bool = False, whole: bool = False) -> np.ndarray:
        """The vectors of texts, (n, 2 d) float32; 0 where no word of a text is known, nor spelt like one.

        Parameters
        ----------
        summed : sums over the words in place of means, of any length, so that a word counts as much in a long text as
            in a short one
        whole : see `read`
        """
        texts = list(texts)
        out = np.zeros((len(texts), 2 * self.size), np.float32)
        for text, line in zip(texts, out, strict=True):
            found, _ = self.read(text, whole=whole)
            if not found:
                continue
            vectors = np.array([self._vector(lines) for lines in found])
            weights = np.array([self.weights[lines].mean() for lines in found], np.float32)
            weights /= HEAVIEST if summed else weights.sum()
            where = np.linspace(-1, 1, len(found)) if len(found) > 1 else np.zeros(1)
            middle = weights @ where / weights.sum() if summed else weights @ where
            line[: self.size] = weights @ vectors
            line[self.size :] = ORDER * (weights * (where - middle)) @ vectors
            if self.even and not summed:
                line /= max(np.linalg.norm(line[: self.size]), TINY)
        return out

    def _vector(self, lines: list[int]) -> np.ndarray:
        """The mean of some words' vectors, (d,) float32."""
        levels, scales = unpack(self.vectors[lines], self.bits), self.scales[lines, None].astype(np.float32)
        return np.asarray((levels * scales).mean(0))


def pack(levels: np.ndarray, bits: int) -> np.ndarray:
    """Levels (n, d) to bytes (n, d bits / 8): `unpack` the other way round.

    Parameters
    ----------
    levels : as `unpack` gives them
    bits : 1, 2, 4 or 8
    """
    codes = (levels + ZEROS[bits]).astype(np.uint8).reshape(len(levels), -1, 8 // bits)
    return np.asarray(np.bitwise_or.reduce(codes << _shifts(bits), axis=-1))


def unpack(packed: np.ndarray, bits: int) -> np.ndarray:
    """Bytes (n, m) to levels (n, 8 m / bits) float32.

    They lie alike to both sides of 0: half a level apart from it and 1.5 levels, in 2 bits; whole numbers up to 7, in
    4, and up to 127, in 8.

    Parameters
    ----------
    packed : uint8
    bits : 1, 2, 4 or 8
    """
    codes = packed[..., None] >> _shifts(bits) & np.uint8((1 << bits) - 1)
    return np.asarray(codes.reshape(len(packed), -1) - np.float32(ZEROS[bits]))


def _shifts(bits: int) -> np.ndarray:
    """Where each number of a byte begins."""
    return np.arange(0, 8, bits, dtype=np.uint8)


def _reach(bits: int) -> float:
    """The largest level."""
    return (1 << bits) - 1 - ZEROS[bits]


def _rounded(vectors: np.ndarray, scales: np.ndarray, bits: int) -> np.ndarray:
    """Numbers as levels of their scales, float32."""
    wide, zero, reach = scales.astype(np.float32)[:, None], np.float32(ZEROS[bits]), np.float32(_reach(bits))
    return np.asarray((np.rint(vectors / np.where(wide > 0, wide, 1) + zero) - zero).clip(-reach, reach))


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows at unit length; zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.finfo(rows.dtype).tiny))
