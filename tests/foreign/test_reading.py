"""Whole files within a bound, and what files of a wrong kind are called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from olacore.errors import FileFormatError
from olacore.foreign.reading import describe_start, read_file

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
