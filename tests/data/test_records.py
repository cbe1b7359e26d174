"""Sources and checksums: equal where they should be, different where they must be."""

from dataclasses import replace

import numpy as np
import pytest

from olacore.data import InputFile, Source
from olacore.data.records import STORED_ROW, checksum_rows, pack_files, pack_sources, unpack_files, unpack_sources
from olacore.errors import ConfigError
from tests.support.data_samples import SOURCES


def test_sources__survive_packing() -> None:
    assert unpack_sources(pack_sources(SOURCES)) == SOURCES
    assert "caption" not in (pack_sources(SOURCES).dtype.names or ())
    captioned = (*SOURCES, replace(SOURCES[0], caption="ein Käfer"))
    assert unpack_sources(pack_sources(captioned)) == captioned
    in_style = (*SOURCES, replace(SOURCES[0], style="ink wash"))
    assert unpack_sources(pack_sources(in_style)) == in_style
    assert "style" not in (pack_sources(captioned).dtype.names or ())


def test_files__survive_packing() -> None:
    files = (InputFile("a.mkv", "ab" * 32, 7, 300, 2), InputFile("ü.mp4", "", 0, 0, 0, "ü.mp4 is empty (0 bytes)."))
    assert unpack_files(pack_files(files)) == files


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", "painting", "train"), "'a' was called 'painting'"),
        (("a", "scene", "test"), "'a' was put into 'test'"),
        (("home/a", "scene", "train"), "never a path; got 'home/a'"),
    ],
)
def test_source__refuses_unknown_words_and_paths(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Source(*arguments)


@pytest.mark.parametrize("style", ["Ink", "--", "a" * 101, "ink\nwash"])
def test_source__refuses_what_is_no_style(style: str) -> None:
    with pytest.raises(ConfigError, match="a style is a word or a few in lower case; 'a' has"):
        Source("a", "scene", "train", style=style)


def test_checksum_rows__sees_every_part() -> None:
    rows, array = np.zeros(2, STORED_ROW), np.zeros((2, 3), np.float16)
    before = checksum_rows(rows, [array])
    rows["crc32"] = before
    assert np.array_equal(checksum_rows(rows, [array]), before)
    array[1, 2] = 1
    assert list(checksum_rows(rows, [array]) == before) == [True, False]
    rows["source"][0] = 1
    assert list(checksum_rows(rows, [array]) == before) == [False, False]
