"""Files whose pages are dropped."""

import os

from bench.common.pages import drop_pages


def test_drop_pages__keeps_the_content(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    drop_pages(path)
    assert path.read_bytes() == b"abc"


def test_drop_pages__does_nothing_where_the_system_cannot(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fadvise", raising=False)
    drop_pages(tmp_path / "none")
