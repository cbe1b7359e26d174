"""Whole files within a bound, and what files of a wrong kind are called."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from olacore.errors import FileFormatError
from olacore.foreign.reading import LISTED, describe_start, or_meant, read_file

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (POINTER, "a Git LFS pointer in place of the file; run `git lfs pull`"),
        (b"", "empty"),
        (b"\0" * 900, "full of zeros, as after a power cut; copy it again"),
        (b"\n <!DOCTYPE HTML><html>", "a page of HTML, such as of an error or a login; download it again"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b'\x0c\0\0\0\0\0\0\0{"a": 1}    ', "a safetensors file"),
        (b"\x93NUMPY\x01\0", "a .npy file"),
        (b"something else", ""),
    ],
)
def test_describe_start__tells_what_a_file_is(data, words):
    assert describe_start(data) == words


def test_read_file__reads_a_file_up_to_its_bound(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"1234")
    assert read_file(path, "the thing", 4) == b"1234"
    with pytest.raises(FileFormatError, match="the thing .*a is too large: it has 4 bytes, and at most 3 are read"):
        read_file(path, "the thing", 3)


def test_read_file__takes_no_file_of_another_sort(tmp_path):
    with pytest.raises(FileFormatError, match="cannot read the thing .*none: No such file"):
        read_file(tmp_path / "none", "the thing", 3)
    with pytest.raises(FileFormatError, match="cannot read the thing .*: (Is a directory|Permission denied)"):
        read_file(tmp_path, "the thing", 3)
    with pytest.raises(FileFormatError, match="cannot read the thing /dev/zero: it is no regular file"):
        read_file(Path("/dev/zero"), "the thing", 3)
    os.mkfifo(tmp_path / "pipe")  # nobody writes into it
    with pytest.raises(FileFormatError, match="cannot read the thing .*pipe: it is no regular file"):
        read_file(tmp_path / "pipe", "the thing", 3)


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("captions.cvs", "; did you mean captions.csv?"),
        ("Captons.csv", "; did you mean captions.csv?"),
        ("captions", "; did you mean captions.csv?"),
        ("DATE.H5", "; did you mean data.h5 or data2.h5?"),
        ("date.h5", "; did you mean data.h5 or data2.h5?"),
        ("data.csv", "."),
        ("photos", "."),
        ("captions.csv", "."),
        ("hiden.csv", "."),
        ("none/captions.csv", "."),
        ("captions.csv/none", "."),
        ("captions.cs\0", "; did you mean captions.csv?"),
        ("\ud800/\udfff", "."),
        ("", "."),
    ],
)
def test_or_meant__names_what_is_like_it_in_its_folder(name, end, tmp_path):
    for there in ("captions.csv", "data.h5", "data2.h5", ".hidden.csv"):
        (tmp_path / there).touch()
    assert or_meant(tmp_path / name) == end


def test_or_meant__looks_at_a_bounded_number_of_files(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "scandir", lambda _: Many(LISTED))
    assert or_meant(tmp_path / "captions.cvs") == "."


class Many:
    """A folder whose files may be asked for up to a bound."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __enter__(self) -> Iterator[Path]:
        yield from (Path(f"picture {number}.png") for number in range(self.most))
        raise AssertionError

    def __exit__(self, *error: object) -> None:
        pass
