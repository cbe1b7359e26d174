"""Data with captions of their own: embeddings stored once a caption, several captions a picture, checksums of both."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from olacore.data import BlockStream, Captions, open_dataset, read_plan
from olacore.errors import ConfigError, FileFormatError, FingerprintError, ShapeError
from tests.support.caption_samples import write_captioned
from tests.support.captioned_samples import ROWS, SIDE, SOURCES, TEXTS, embed, fill, make, open_writer, rows_of


def test_captioned__is_read_with_each_row_s_caption(tmp_path):
    with open_dataset(make(tmp_path / "a.h5")) as data:
        found = data.read(["captions", "embeddings"], np.array([1, 0, 2, 4]))
        assert [text.decode() for text in found["captions"]] == ["a fox", "a red heart", "a red heart", "a fox"]
        np.testing.assert_array_equal(
            found["embeddings"], embed(["a fox", "a red heart", "a red heart", "a fox"])["embeddings"]
        )
        chosen = data.read(["captions"], np.array([4, 0, 1]), choice=np.array([5, 7, 1]))["captions"]
        assert chosen.tolist() == [b"animal", b"a red heart", b"an orange fox"]
        assert data.captions == [*TEXTS]
        assert [source.part for source in data.sources] == ["", "", "concept-held-out"]
        assert data.chooses(["latents", "embeddings"])
        assert not data.chooses(["latents"])


def test_captioned__every_caption_is_stored_once(tmp_path):
    with h5py.File(make(tmp_path / "a.h5")) as file:
        assert file["captions"][:].tolist() == [b"a red heart", b"a fox", b"an orange fox", b"animal"]
        assert file["embeddings"].shape == (4, 3)


@pytest.mark.parametrize("done", [2, 4])
def test_writer__killed_and_resumed_gives_equal_bytes(tmp_path, done):
    whole = make(tmp_path / "whole.h5").read_bytes()
    writer = open_writer(tmp_path / "part.h5")
    fill(writer, done)
    writer.close(complete=False)
    resumed = open_writer(tmp_path / "part.h5", resume=True)
    assert resumed.captions_valid == 4
    fill(resumed)
    resumed.close()
    assert (tmp_path / "part.h5").read_bytes() == whole


def test_plan__comes_back_with_the_captions(tmp_path):
    header, rows = read_plan(make(tmp_path / "a.h5"))
    assert header.captions == Captions.of(TEXTS, rows_of())
    np.testing.assert_array_equal(rows, rows_of())


@pytest.mark.parametrize("name", ["embeddings", "caption_sums", "captions"])
def test_read__damage_to_a_caption_is_noticed(tmp_path, name):
    path = make(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file[name][2] = b"an orange box" if name == "captions" else file[name][2] + 1
    with open_dataset(path) as data:
        assert data.verify() == [1, 4]
        data.read(["latents"], np.array([0, 2]))
        with pytest.raises(FileFormatError, match=r"row 1 .* is damaged"):
            data.read(["latents"], np.arange(ROWS))


def test_digest__is_of_the_embeddings_too(tmp_path):
    paths = [make(tmp_path / "a.h5"), make(tmp_path / "b.h5")]
    with h5py.File(paths[1], "r+") as file:
        file["caption_sums"][0] += 1
    digests = []
    for path in paths:
        with open_dataset(path) as data:
            digests.append(data.digest())
    assert digests[0] != digests[1]


def test_stream__takes_another_caption_in_each_pass(tmp_path):
    with open_dataset(make(tmp_path / "a.h5")) as data:

        def passes(seed: int, cursor: dict[str, int] | None = None) -> list[list[bytes]]:
            with BlockStream(data, np.array([1]), ["captions"], 1, 8, seed, cursor) as stream:
                return [next(stream).arrays["captions"].tolist() for _ in range(12)]

        texts = passes(0)
        assert {text for one in texts for text in one} == {b"a fox", b"an orange fox", b"animal"}
        assert texts == passes(0) != passes(1)
        assert passes(0, {"pass": 5, "group": 0, "block": 0})[:7] == texts[5:]


def test_open__files_of_two_text_teachers_are_not_mixed(tmp_path):
    paths = [make(tmp_path / "a.h5"), make(tmp_path / "b.h5", sha256="1" * 64)]
    with pytest.raises(FingerprintError, match="one text teacher; .*letters"):
        open_dataset(paths)


def test_open__two_files_keep_their_captions_apart(tmp_path):
    with open_dataset([make(tmp_path / "a.h5"), make(tmp_path / "b.h5")]) as data:
        texts = data.read(["captions"], np.array([1, ROWS, ROWS + 1]))["captions"].tolist()
        assert texts == [b"a fox", b"a red heart", b"a fox"]
        assert len(data.captions) == 2 * len(SOURCES)


@pytest.mark.parametrize("style", [b"INK", b"--", b"\xff", b" ink"])
def test_open__refuses_a_style_that_is_none(tmp_path, style):
    path = write_captioned(tmp_path / "a.h5", styles=("ink", "oil wash"))
    with open_dataset(path) as data:
        assert {source.style for source in data.sources} == {"ink", "oil wash"}
    with h5py.File(path, "r+") as file:
        sources = file["sources"][:]
        sources["style"][3] = style
        file["sources"][:] = sources
    with pytest.raises(FileFormatError, match=r"a\.h5 has a damaged header \(.*(style|decode).*make it again"):
        open_dataset(path)


def test_writer__needs_the_captions_of_its_rows(tmp_path):
    with open_writer(tmp_path / "a.h5") as writer:
        arrays = {"frames": np.zeros((1, SIDE, SIDE, 3), np.uint8), "latents": np.zeros((1, 2, 2, 2))}
        with pytest.raises(ShapeError, match="embeddings"):
            writer.add(arrays, rows_of(1), {})
        with pytest.raises(ShapeError, match="embeddings must be"):
            writer.add(arrays, rows_of(1), embed(["a", "b"]))
        writer.add(arrays, rows_of(1), embed(["a red heart"]))
        writer.close(complete=False)


def test_captions__are_different_texts_of_every_source():
    for texts, numbers in ((("a", "a"), ((0,),)), (("",), ((0,),)), (("a",), ((),)), (("a",), ((1,),))):
        with pytest.raises(ConfigError, match="caption"):
            Captions(texts, numbers)


@pytest.mark.parametrize(
    ("name", "value"),
    [("source_captions", [[0, 9]]), ("source_captions", [[7, 0]]), ("captions", [b"a", b"a"]), ("captions", [1.0])],
)
def test_open__refuses_captions_that_do_not_fit(tmp_path, name, value):
    path = make(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = np.array(value, np.int32 if name == "source_captions" else None)
    with pytest.raises((FileFormatError, ShapeError), match=r"caption"):
        open_dataset(path)
