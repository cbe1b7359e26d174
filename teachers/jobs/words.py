"""`precompute --words`: a text teacher looks at single words once, and a table keeps its embeddings."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from olacore.data import FORMS, Header, Writer, open_dataset
from olacore.data.forms import WORD_BYTES
from olacore.data.sample import words_path
from olacore.errors import ConfigError, DataError
from olacore.foreign.reading import read_file
from olacore.text.words import words_in
from teachers.collect.caption_tables import decode
from teachers.jobs.output_path import check_target
from teachers.jobs.run import Progress
from teachers.protocol import Teacher

# What words are put behind, to see how far they move the teacher; only the first words of a table are, among which are
# those that say little, such as articles.
PROBES, PROBED = ("red house", "dog", "smiling face"), 2000
# Of a list of words.
MOST_BYTES = 1 << 27
MOST_WORDS = 1 << 22


def collect_words(sources: Sequence[Path], common: int = 0, vocabulary: Sequence[str] = ()) -> list[str]:
    """List words, each once.

    Parameters
    ----------
    sources : lists of words, one a line; or data sets with captions, of which the words of training rows count, the
        most frequent first
    common : so many of the shipped common words behind them
    vocabulary : words of a text teacher, between them

    Raises
    ------
    FileFormatError  if a file cannot be read
    DataError  if there is no word, or a data set has no captions
    """
    data = [path.is_dir() or path.suffix.lower() in (".h5", ".hdf5") for path in sources]
    lists: list[Sequence[str]] = [
        _of_captions(path) if is_data else _of_list(path) for path, is_data in zip(sources, data, strict=True)
    ]
    lists += [vocabulary, _of_list(words_path())[:common]]
    found = dict.fromkeys(word for words in lists for word in words if 0 < len(word.encode()) <= WORD_BYTES)
    if not 0 < len(found) <= MOST_WORDS:
        raise DataError(f"expected 1 to {MOST_WORDS:,} words; got {len(found):,}.")
    return [*found]


def precompute_words(
    words: Sequence[str],
    h5: Path,
    teacher: Teacher,
    *,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> None:
    """Make a table of words with a text teacher's embedding of each, schema `olacore/words/1`; safe to kill.

    Parameters
    ----------
    words : each once, see `collect_words`
    h5 : the file to write
    teacher : reads `captions` and writes `embeddings`
    resume, force, progress : see `precompute`; progress counts "rows"

    Raises
    ------
    OutputExistsError, OutputError, ConfigError, DataError  as `precompute` does
    """
    if teacher.reads != ("captions",) or "embeddings" not in teacher.writes:
        raise ConfigError(f"{teacher.name} is no text encoder: it reads {teacher.reads} and writes {teacher.writes}.")
    check_target(h5, None, resume, force)
    sizes = {"E": teacher.answer({"captions": np.array(["word"])})["embeddings"].shape[1]}
    header = Header(FORMS["olacore/words/1"], sizes, len(words), settings=teacher.settings | {"words": digest(words)})
    told = progress or (lambda *args: None)
    complete = False
    writer = Writer(h5, header, np.zeros(len(words), np.uint8), force=force, resume=resume)
    first = writer.rows_valid
    try:
        while first < len(words):
            told("rows", first, len(words))
            # With what it is put behind, a word is several texts.
            texts = 1 + len(PROBES) if first < PROBED else 1
            some = [*words[first : first + max(teacher.batch // texts, 1)]]
            embeddings = teacher.answer({"captions": np.array(some)})["embeddings"]
            stored = np.array([word.encode() for word in some], f"S{WORD_BYTES}")
            moved = np.ones(len(some), np.float32)
            moved[: max(PROBED - first, 0)] = shifts(teacher, some[: max(PROBED - first, 0)])
            writer.add({"words": stored, "embeddings": embeddings, "shifts": moved})
            first += len(some)
        told("rows", len(words), len(words))
        complete = True
    finally:
        writer.close(complete)


def shifts(teacher: Teacher, words: Sequence[str]) -> np.ndarray:
    """How far each word moves a teacher behind each of `PROBES`, on average: (n,), 1 less the cosine."""
    if not words:
        return np.empty(0, np.float32)
    texts = [*PROBES, *(f"{probe} {word}" for word in words for probe in PROBES)]
    found = teacher.answer({"captions": np.array(texts)})["embeddings"].astype(np.float64)
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    before, after = found[: len(PROBES)], found[len(PROBES) :].reshape(len(words), len(PROBES), -1)
    return np.asarray(1 - (after * before).sum(2).mean(1), np.float32)


def digest(words: Iterable[str]) -> str:
    """What settings call a list of words."""
    return f"sha256 {hashlib.sha256(chr(10).join(words).encode()).hexdigest()}"


def _of_list(path: Path) -> list[str]:
    text = decode(path, read_file(path, "the list of words", MOST_BYTES), strict=True)
    return [word for line in text.split("\n") if (word := unicodedata.normalize("NFC", line).strip().lower())]


def _of_captions(path: Path) -> list[str]:
    with open_dataset([path]) as data:
        if not data.captions:
            expected = "expected a list of words, or a data set made with --text-teacher"
            raise DataError(f"{path} has no captions; {expected}.")
        pairs = zip(data.sources, data.captions, strict=True)
        texts = {text for source, captions in pairs if source.split == "train" for text in captions}
    counts = Counter(word for text in texts for word in words_in(text))
    return sorted(counts, key=lambda word: (-counts[word], word))
