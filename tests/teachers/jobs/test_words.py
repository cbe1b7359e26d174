"""Tables of words with a text teacher's embeddings."""

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.data.sample import words_path
from olacore.errors import ConfigError, DataError, FileFormatError
from olacore.text import words_in
from teachers import collect_words, precompute_words
from teachers.jobs.words import PROBES, shifts
from teachers.text.encoder import whole_words
from tests.support.killed import run_killed
from tests.support.letter_samples import LetterTeacher, make_captioned, write_captioned
from tests.support.plain_samples import MeanTeacher


def test_words__of_a_text():
    assert words_in("A red-hot fox\u2019s den, 2 pigs") == ["a", "red", "hot", "fox's", "den", "2", "pigs"]


def test_collect__takes_training_captions_lists_and_common_words(tmp_path):
    paths, table = write_captioned(tmp_path)
    parts = tmp_path / "parts.tsv"
    parts.write_text(
        "file\tpart\n" + "".join(f"{p.name}\t{'test' if n >= 5 else 'train'}\n" for n, p in enumerate(paths))
    )
    data = make_captioned(paths, table, tmp_path / "data.h5", telling={"parts": parts})
    (tmp_path / "list.txt").write_text("Zebra\n\nfox\n" + "x" * 65 + "\n")
    common = words_path().read_text().split()
    words = collect_words([data, tmp_path / "list.txt"], 3)
    assert words[:4] == ["a", "fox", "bus", "heart"]
    assert "moon" not in words, "words of held-out captions are not looked at"
    behind = [word for word in common[:3] if word not in words[: words.index("zebra")]]
    assert words[words.index("zebra") :] == ["zebra", *behind]
    assert len(words) == len(set(words))
    assert len(common) > 30_000


def test_precompute__is_the_same_after_a_kill(tmp_path):
    words = [f"word{number}" for number in range(10)]
    precompute_words(words, tmp_path / "whole.h5", LetterTeacher())
    script = f"""
from teachers import precompute_words
from tests.support.letter_samples import LetterTeacher
precompute_words({words}, path, LetterTeacher())
"""
    run_killed(script, tmp_path / "part.h5", 5)
    precompute_words(words, tmp_path / "part.h5", LetterTeacher(), resume=True)
    assert (tmp_path / "part.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    with open_dataset(tmp_path / "whole.h5") as data:
        found = data.read(["words", "embeddings", "shifts"], np.arange(10))
        assert [word.decode() for word in found["words"]] == words
        np.testing.assert_array_equal(
            found["embeddings"], LetterTeacher().answer({"captions": np.array(words)})["embeddings"]
        )


def test_shifts__say_how_far_a_word_moves_the_teacher(tmp_path, monkeypatch):
    class Vectors(LetterTeacher):
        def answer(self, arrays):
            return {"embeddings": np.array([[1.0, "far" in text, 0.0] for text in arrays["captions"]], np.float32)}

    np.testing.assert_allclose(shifts(Vectors(), ["near", "far"]), [0, 1 - 0.5**0.5], atol=1e-6)
    assert shifts(Vectors(), []).shape == (0,)
    monkeypatch.setattr("teachers.jobs.words.PROBED", 2)
    precompute_words(["near", "far", "far away"], tmp_path / "words.h5", Vectors())
    with open_dataset(tmp_path / "words.h5") as data:
        np.testing.assert_allclose(data.read(["shifts"], np.arange(3))["shifts"], [0, 1 - 0.5**0.5, 1], atol=1e-6)


def test_precompute__asks_a_teacher_for_no_more_texts_at_once_than_a_batch_has(tmp_path, monkeypatch):
    """Beside the probes: what reports how far it is may stop the work between two batches."""
    asked = []

    class Listening(LetterTeacher):
        batch = 8

        def answer(self, arrays):
            asked.append(len(arrays["captions"]))
            return super().answer(arrays)

    monkeypatch.setattr("teachers.jobs.words.PROBED", 5)
    words, told = [f"word{number}" for number in range(20)], []
    precompute_words(words, tmp_path / "a.h5", Listening(), progress=lambda what, done, total: told.append(done))
    assert told == [0, 2, 4, 6, 14, 20]
    assert max(asked) <= 8 + len(PROBES)
    precompute_words(words, tmp_path / "b.h5", LetterTeacher())
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize(
    "tokens",
    [
        ["[PAD]", "##ing", "the", "Fox", "i", "\u4e00", "!", "don't"],
        ["<pad>", "ing", "the</w>", "Fox</w>", "i</w>", "\u4e00</w>", "!</w>", "don't</w>"],
        ["<pad>", "ing", "\u2581the", "\u2581Fox", "\u2581i", "\u2581\u4e00", "\u2581!", "\u2581don't"],
        ["<pad>", "ing", "\u0120the", "\u0120Fox", "\u0120i", "\u0120\u4e00", "\u0120!", "\u0120don't"],
    ],
)
def test_vocabulary__has_whole_words(tokens):
    assert whole_words(tokens) == ["the", "fox", "i", "don't"]


def test_collect__takes_a_vocabulary_between_lists_and_common_words(tmp_path):
    (tmp_path / "list.txt").write_text("zebra\nthe\n")
    words = collect_words([tmp_path / "list.txt"], 1, ["the", "fox"])
    assert words == ["zebra", "the", "fox", words_path().read_text().split()[0]]


def test_errors(tmp_path):
    with pytest.raises(DataError, match="expected 1 to"):
        collect_words([])
    with pytest.raises(FileFormatError, match="cannot read the list of words"):
        collect_words([tmp_path / "none.txt"])
    with pytest.raises(ConfigError, match="is no text encoder"):
        precompute_words(["a"], tmp_path / "a.h5", MeanTeacher())
    precompute_words(["a"], tmp_path / "a.h5", LetterTeacher())
    with pytest.raises(ConfigError, match=r"settings\[words\]"):
        precompute_words(["b"], tmp_path / "a.h5", LetterTeacher(), resume=True)
