"""Data sets of captions alone, with a text teacher's embeddings; no pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.data.texts import read_texts
from olacore.errors import ConfigError, DataError, FileFormatError, ShapeError
from olacore.search.config import TrainConfig
from olacore.search.train import train
from teachers import PictureRule, collect_texts, collect_words, precompute_texts
from tests.support.command import check_refusal, ola
from tests.support.killed import run_killed
from tests.support.letter_samples import LetterTeacher, make_captioned, write_captioned
from tests.support.plain_samples import MeanTeacher


class TokenTeacher(LetterTeacher):
    """Gives the count of a letter in each of four parts of a caption too."""

    writes = ("embeddings", "tokens")

    def answer(self, arrays):
        parts = [np.array_split([*text], 4) for text in arrays["captions"].tolist()]
        counts = [[[(part == letter).sum() for letter in "ae"] for part in one] for one in parts]
        return {**super().answer(arrays), "tokens": np.array(counts, np.float32)}


def many(count: int = 30) -> list[str]:
    return [f"{'a red' if k % 2 else 'the blue'} heart {'e' * (k % 5)} number {k}" for k in range(count)]


def test_collect__lists_tables_and_data_sets_each_caption_once(tmp_path):
    (tmp_path / "list.txt").write_text("A red heart\n\n  a fox \na red heart\nA red heart\n" + "x" * 20_000 + "\n")
    (tmp_path / "table.tsv").write_text("file\tcaption\tpart\na.png\ta fox\ttest\nb.png\ta bus\tconcept-held-out\n")
    found = collect_texts([tmp_path / "list.txt", tmp_path / "table.tsv"], PictureRule(held_out=0.3))
    assert [source.caption[:12] for source in found] == ["A red heart", "a fox", "a red heart", "x" * 12, "a bus"]
    assert len(found[3].caption) == 10_000
    assert found[0].split == found[2].split, "the same words, whatever their case, are in one split"
    assert (found[4].split, found[4].part) == ("held-out", "concept-held-out")
    assert {source.kind for source in found} == {"text"}
    data = make_captioned(*write_captioned(tmp_path), tmp_path / "data.h5")
    with open_dataset(data) as pictures:
        pairs = zip(pictures.sources, pictures.captions, strict=True)
        splits = {text: source.split for source, one in pairs for text in one}
    assert {source.caption: source.split for source in collect_texts([data])} == splits


def test_collect__refuses_what_holds_no_caption(tmp_path):
    (tmp_path / "empty.txt").write_text("\n \n")
    with pytest.raises(DataError, match="expected 1 to 4,194,304 captions; got 0"):
        collect_texts([tmp_path / "empty.txt"])
    (tmp_path / "parts.tsv").write_text("file\tcaption\tpart\na.png\ta fox\tsome\n")
    with pytest.raises(ConfigError, match="the part 'some' is none of training"):
        collect_texts([tmp_path / "parts.tsv"])
    (tmp_path / "odd.txt").write_bytes(b"a\0b\n")
    with pytest.raises(FileFormatError, match="is no text in UTF-8"):
        collect_texts([tmp_path / "odd.txt"])
    with pytest.raises(FileFormatError, match="gone"):
        collect_texts([tmp_path / "gone.txt"])
    with pytest.raises(ConfigError, match="is no text encoder: it reads"):
        precompute_texts([], tmp_path / "x.h5", MeanTeacher(4))


def test_precompute__is_the_same_after_a_kill_and_says_what_it_holds(tmp_path):
    (tmp_path / "list.txt").write_text("\n".join(many()))
    texts = collect_texts([tmp_path / "list.txt"])
    precompute_texts(texts, tmp_path / "whole.h5", TokenTeacher())
    script = f"""
from teachers import collect_texts, precompute_texts
from tests.teachers.jobs.test_texts import TokenTeacher
precompute_texts(collect_texts([Path({str(tmp_path / "list.txt")!r})]), path, TokenTeacher())
"""
    run_killed(script, tmp_path / "part.h5", 6)
    with pytest.raises(ConfigError, match="captions"):
        precompute_texts(texts[:-1], tmp_path / "part.h5", TokenTeacher(), resume=True)
    precompute_texts(texts, tmp_path / "part.h5", TokenTeacher(), resume=True)
    assert (tmp_path / "part.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    facts = json.loads(ola("inspect", tmp_path / "whole.h5", "--json").output)
    assert (facts["kind"], facts["captions"]) == ("data set, texts", 30)
    assert facts["fields"] == {"caption": "int32", "embeddings": "float32 (8,)", "tokens": "float16 (4, 2)"}
    assert facts["damaged rows"] == []
    assert "heart" in collect_words([tmp_path / "whole.h5"])
    with open_dataset(tmp_path / "whole.h5") as data:
        found = data.read(["captions", "embeddings", "tokens"], np.arange(30))
        assert [text.decode() for text in found["captions"].tolist()] == many()
        np.testing.assert_array_equal(found["tokens"], TokenTeacher().answer({"captions": np.array(many())})["tokens"])
        assert read_texts(data).captions == many()


def test_train__pooled_embeddings_and_those_of_tokens(tmp_path):
    (tmp_path / "list.txt").write_text("\n".join(many()))
    texts = collect_texts([tmp_path / "list.txt"])
    precompute_texts(texts, tmp_path / "both.h5", TokenTeacher())
    precompute_texts(texts, tmp_path / "pooled.h5", LetterTeacher())
    shapes = {}
    for target in (None, "tokens"):
        config = TrainConfig("text", (tmp_path / "both.h5",), buckets=32, target=target, generations=3, population=4,
                             components=2, out=tmp_path / f"{target}")  # fmt: skip
        module = train(config).module
        shapes[target] = module.embed(many(2)).shape
        assert module.components == 2
        assert "text_sha256" in module.training
    assert shapes == {None: (2, 8), "tokens": (2, 4, 2)}
    asked = ("train", "--module", "text", "--buckets", 32, "--out", tmp_path / "x")
    check_refusal(r"with tokens, and the data hold caption, embeddings; make them with `ola precompute --tokens`\.",
                  *asked, "--target", "tokens", "--h5", tmp_path / "pooled.h5")  # fmt: skip
    check_refusal("needs captions with tokens",
                  "eval", tmp_path / "tokens", "--h5", tmp_path / "pooled.h5")  # fmt: skip
    with pytest.raises(ConfigError, match="a text module answers embeddings or tokens; got the target 'x'"):
        train(TrainConfig("text", (tmp_path / "both.h5",), target="x", out=tmp_path / "y"))
    for module, said in (("encoder", "frames"), ("denoiser", "latents")):
        assert said in ola("train", "--module", module, "--h5", tmp_path / "both.h5", "--out", "z", code=1).stderr
    with pytest.raises(ShapeError):
        train(TrainConfig("decoder", (tmp_path / "both.h5",), out=tmp_path / "z"))


def test_command__takes_captions_where_a_text_teacher_alone_is_named(tmp_path):
    assert "or --text-teacher alone" in ola("precompute", "a.txt", "--h5", tmp_path / "x.h5", code=2).stderr
    check_refusal("gone.txt", "precompute", tmp_path / "gone.txt", "--text-teacher", "t", "--h5", tmp_path / "x.h5")
