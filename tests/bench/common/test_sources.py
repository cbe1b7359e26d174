"""Digests of sources and files."""

import pytest

from bench.common import sources
from bench.common.sources import code_digest, file_digest
from olacore.errors import ConfigError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two source files in place of ours."""
    monkeypatch.setattr(sources, "PACKAGES", tmp_path)
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "one.py").write_text("1")
    (tmp_path / "a" / "deep" / "two.py").write_text("2")
    return tmp_path


def test_code_digest__changes_with_every_file_of_its_patterns(folder):
    before = code_digest("a/**/*.py")
    assert code_digest("a/**/*.py", "a/one.py") == before
    assert code_digest("a/*.py") != before
    (folder / "a" / "deep" / "two.py").write_text("3")
    assert code_digest("a/**/*.py") != before


def test_code_digest__refuses_a_pattern_that_matches_nothing(folder):
    with pytest.raises(ConfigError, match=r"the pattern b/\*\.py has to match source files and matches none; name the"):
        code_digest("a/**/*.py", "b/*.py")


def test_file_digest__changes_with_the_file_and_is_empty_without_one(tmp_path):
    path = tmp_path / "file"
    assert file_digest(path) == ""
    path.write_bytes(b"a")
    first = file_digest(path)
    path.write_bytes(b"b")
    assert len(first) == 64
    assert file_digest(path) != first
