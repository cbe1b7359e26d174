"""The view of texts by a table of words: made from files, trained, kept in a module's file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import olacore
from olacore.data import FORMS, Header, Writer, open_dataset
from olacore.data.forms import WORD_BYTES
from olacore.drawing.bundle import make_set
from olacore.drawing.generator import Generator
from olacore.drawing.settings import Settings
from olacore.errors import ConfigError, DataError, FileFormatError, FingerprintError
from olacore.foreign.tensors import parse_header
from olacore.modules.plain import load_plain
from olacore.modules.tensor_file import seal
from olacore.search.train import train
from olacore.views.patch import PatchDecoder
from olacore.views.word_table import SceneOfWords, TableOfWords
from tests.support.caption_samples import COLOURS, THINGS, WIDTH, embeddings_of, write_captioned
from tests.support.makers import JIT, make_config, make_module
from tests.support.searches import assert_same_run
from tests.support.set_samples import SIZE, word_table

KNOWN = ["a", *COLOURS, *THINGS]


def write_words(path: Path, text: str = "letters", width: int = WIDTH, words: list[str] = KNOWN) -> Path:
    """A file as `ola precompute --words` makes it."""
    settings = {"text_teacher": text, "text_sha256": text.encode().hex().ljust(64, "0")}
    header = Header(FORMS["olacore/words/1"], {"E": width}, len(words), settings=settings)
    found = np.resize(embeddings_of(words), (len(words), width))
    with Writer(path, header, np.zeros(len(words), np.uint8)) as writer:
        names = np.array([word.encode() for word in words], f"S{WORD_BYTES}")
        writer.add({"words": names, "embeddings": found, "shifts": np.ones(len(words), np.float32)})
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    write_captioned(folder / "data.h5", {"train": 34, "validation": 7, "held-out": 7})
    write_words(folder / "words.h5")
    return folder


def settings(folder: Path, out: Path, **changes):
    asked = {"module": "text", "view": "table", "words": folder / "words.h5", "word_size": SIZE, "generations": 4}
    return make_config(folder / "data.h5", out, **(asked | changes))


@pytest.mark.skipif(not JIT, reason="a search")
def test_train__the_module_carries_its_words(files, tmp_path):
    result = train(settings(files, tmp_path / "run", stack=8, population=None, word_bits=8))
    module = olacore.load(tmp_path / "run")
    assert module.view == result.module.view
    assert module.view.table.listed == sorted(KNOWN)
    assert module.digest == result.module.digest
    alone = load_plain(tmp_path / "run").run(["a red heart", ""])
    np.testing.assert_allclose(module.embed(["a red heart", ""]), alone, atol=1e-5)
    assert result.figures["module"]["r2"] > 0.5
    assert set(module.view.to_dict()) == {"kind", "name", "width", "size", "unit"}
    assert len(set(module.scaling.input_scale.tolist())) == 1, "how much a component varies says how much it counts"


@pytest.mark.skipif(not JIT, reason="a search")
def test_train__resumes_exactly_and_only_with_the_same_words(files, tmp_path):
    words = write_words(tmp_path / "words.h5")
    train(settings(files, tmp_path / "whole", words=words))
    train(settings(files, tmp_path / "part", words=words, generations=2))
    train(settings(files, tmp_path / "part", words=words, resume=True))
    assert_same_run(tmp_path / "part", tmp_path / "whole")
    words.unlink()
    write_words(words, words=KNOWN[:-1])
    with pytest.raises(ConfigError, match="was started with other view"):
        train(settings(files, tmp_path / "part", words=words, resume=True, generations=6))


def test_budget__counts_the_table(files, tmp_path):
    with pytest.raises(ConfigError, match="bytes of its view"):
        train(settings(files, tmp_path / "run", budget=1500, components=2))


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"words": None}, ConfigError, "needs --words, a file of"),
        ({"word_size": 6}, ConfigError, "numbers of 2 bits, a multiple of 4; got 6"),
        ({"word_size": 3, "word_bits": 4}, ConfigError, "numbers of 4 bits, a multiple of 2; got 3"),
        ({"word_size": 1000}, ConfigError, f"has 2 to {WIDTH} numbers of 2 bits"),
        ({"word_bits": 3}, ConfigError, "have 1, 2, 4, 8 bits; got 3"),
        ({"view": "words"}, ConfigError, "takes no words; leave it out"),
        ({"words": "other.h5"}, FingerprintError, "make both with one teacher"),
        ({"words": "data.h5"}, DataError, "has no words"),
        ({"words": "none.h5"}, FileFormatError, "it is missing"),
    ],
)
def test_train__refuses_other_files(files, tmp_path, changes, error, sentence):
    write_words(files / "other.h5", "others") if not (files / "other.h5").exists() else None
    if isinstance(changes.get("words"), str):
        changes = {"words": files / changes["words"]}
    with pytest.raises(error, match=sentence):
        train(settings(files, tmp_path / "run", **changes))


def test_file__without_or_with_another_table_is_damaged(tmp_path):
    module = make_module(TableOfWords(WIDTH, SIZE, table=word_table()))
    module.save(tmp_path / "m.safetensors")
    data = (tmp_path / "m.safetensors").read_bytes()
    from safetensors.numpy import load

    tensors = load(data)
    assert tensors["view_words"].dtype == np.uint8
    assert "view_vectors" in parse_header(data, tmp_path, "module", "us")
    about = {name: value for name, value in module.about().items()}
    for change in (
        {"view_scales": None},
        {"view_more": np.zeros(2, np.uint8)},
        {"view_words": tensors["view_words"][:-3]},
    ):
        odd = {name: part for name, part in (tensors | change).items() if part is not None}
        (tmp_path / "odd.safetensors").write_bytes(seal(odd, about | {"schema": "olacore/module/2"}))
        for read in (olacore.load, load_plain):
            with pytest.raises(FileFormatError, match="is damaged"):
                read(tmp_path / "odd.safetensors")


def test_data__words_are_read_as_a_data_set(files):
    with open_dataset([files / "words.h5"]) as data:
        assert data.read(["words"], np.arange(2))["words"].tolist() == [b"a", b"red"]


def test_scene__has_the_vectors_of_texts_behind_their_embeddings():
    table = word_table()
    plain, scene = (make_module(view(WIDTH, SIZE, unit=True, table=table)) for view in (TableOfWords, SceneOfWords))
    texts = ["a red heart", "heart red", "", "xyzzy"]
    found = scene.embed(texts)
    assert found.shape == (4, WIDTH + 2 * SIZE) == (4, scene.view.embedded)
    np.testing.assert_array_equal(found[:, :WIDTH], plain.embed(texts))
    np.testing.assert_array_equal(found[:, WIDTH:], table.features(texts, summed=True))
    assert not np.array_equal(found[0, WIDTH:], found[1, WIDTH:]), "the order of words counts"
    np.testing.assert_array_equal(scene.embed(texts[0]), found[0])
    assert scene.digest != plain.digest


@pytest.mark.skipif(not JIT, reason="a search")
def test_scene__is_what_a_text_mean_reads(files, tmp_path):
    text = train(settings(files, tmp_path / "text", view="scene")).module
    asked = {"module": "denoiser", "view": "text", "text_from": tmp_path / "text", "generations": 2}
    mean = train(make_config(files / "data.h5", tmp_path / "mean", **asked)).module
    assert (text.view.width, mean.view.embedding) == (WIDTH, WIDTH + 2 * SIZE)
    assert mean.training["text_sha256"] == text.digest
    paths = {"text": tmp_path / "text", "mean": tmp_path / "mean", "decoder": tmp_path / "d.safetensors"}
    make_module(PatchDecoder(4, 8, 3)).save(paths["decoder"])
    folder = make_set(tmp_path / "set", paths, files / "data.h5")
    by_kernels, alone = (Generator(folder, kernels=kernels).draw("a red heart")[0] for kernels in (True, False))
    assert np.abs(by_kernels.picture.astype(int) - alone.picture).max() <= 1
    assert by_kernels.nearest[0][0] == alone.nearest[0][0]
    generator = Generator(folder, kernels=False)
    # As if no prompt were near enough to a caption.
    generator.set = replace(generator.set, seen=2.0)
    leaning, upright = (generator.text_means(["heart juggle a"], Settings(lean=lean)) for lean in (1.0, 0.0))
    np.testing.assert_array_equal(leaning, upright)
    other = train(settings(files, tmp_path / "other")).module
    with pytest.raises(FingerprintError, match="which the text module does not make"):
        make_set(tmp_path / "set-2", paths | {"text": tmp_path / "other"}, files / "data.h5")
    assert other.view.embedded == WIDTH
