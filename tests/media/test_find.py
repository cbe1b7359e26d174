"""What the sources are: pictures, videos, folders, patterns and archives."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from olacore.errors import FileFormatError
from olacore.media.find import Input, find_inputs
from olacore.media.pictures import read_picture
from teachers.collect.captions import Captions
from tests.support.plain_samples import save_photographs


def names(*sources: Path) -> list[str]:
    found, refused = find_inputs(sources)
    assert refused == []
    return [one.name for one in found]


def archive(folder: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(folder / "all.zip", "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return folder / "all.zip"


def test_find_inputs__folders_are_sorted_and_hidden_files_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("b.JPG", "a/c.png", "notes.txt", ".hidden.png", "d.MKV"):
        (tmp_path / name).touch()
    assert names(tmp_path) == ["c.png", "b.JPG", "d.MKV"]
    assert names(tmp_path / "notes.txt") == ["notes.txt"]
    assert names(tmp_path / "d.MKV", tmp_path / "b.JPG") == ["d.MKV", "b.JPG"]
    assert [one.kind for one in find_inputs([tmp_path])[0]] == ["picture", "picture", "video"]


def test_find_inputs__patterns(tmp_path: Path) -> None:
    for name in ("b1.png", "a1.png", "a2.txt"):
        (tmp_path / name).touch()
    assert names(tmp_path / "*1.png") == ["a1.png", "b1.png"]
    (tmp_path / "[1].png").touch()
    assert names(tmp_path / "[1].png") == ["[1].png"]


def test_find_inputs__archives(tmp_path: Path) -> None:
    photo = save_photographs(tmp_path / "photos", 1)[0]
    content = photo.read_bytes()
    path = archive(tmp_path, {"b/x.png": content, "a/y.png": b"", "notes.txt": b"", "a/.z.png": b"", "c.png/": b""})
    assert names(path) == ["y.png", "x.png"]
    empty, whole = find_inputs([path])[0]
    np.testing.assert_array_equal(whole.picture(), read_picture(photo))
    assert whole.digest() == hashlib.sha256(content).hexdigest()
    with pytest.raises(FileFormatError, match=r"all\.zip:a/y\.png is empty"):
        empty.picture()
    path.write_bytes(path.read_bytes().replace(content[100:110], bytes(10)))
    with pytest.raises(FileFormatError, match=r"all\.zip:b/x\.png cannot be unpacked: Bad CRC-32"):
        whole.picture()


def test_find_inputs__what_gives_nothing_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    photo = save_photographs(tmp_path / "photos", 1)[0]
    (tmp_path / "bad.zip").write_text("no archive")
    (tmp_path / "empty").mkdir()
    none = archive(tmp_path, {"notes.txt": b""})
    given = [tmp_path / "none.mp4", tmp_path / "bad.zip", photo, tmp_path / "empty", none, tmp_path / "*.gif"]
    found, refused = find_inputs(given)
    assert [str(one) for one in found] == [str(photo)]
    reasons = [reason for _, reason in refused]
    for reason, words in zip(
        reasons,
        ["nothing is there", "no zip archive", "holds no pictures and no videos", "holds no pictures", "nothing"],
        strict=True,
    ):
        assert words in reason


def test_digest__missing(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"a\.png cannot be read: No such file"):
        Input(tmp_path / "a.png", "picture").digest()


def test_captions__from_a_table_or_the_name(tmp_path: Path) -> None:
    (tmp_path / "b.tsv").write_text("one.png\tlater table\nthree.png\tdrei\n", encoding="utf-8")
    (tmp_path / "a.tsv").write_text("one.png\ta cät \tmore\n\nno tab\n", encoding="utf-8")
    one, two, three = (Input(tmp_path / f"{name}.png", "picture") for name in ("one", "two_red-birds.1", "three"))
    plain, named = Captions(names=False), Captions(names=True)
    assert [plain.of(source) for source in (one, two, three)] == ["a cät", "", "drei"]
    assert [named.of(source) for source in (one, two, three)] == ["a cät", "two red birds 1", "drei"]
    assert plain.of(Input(tmp_path / "x.zip", "picture", "folder/three.png")) == "drei"
