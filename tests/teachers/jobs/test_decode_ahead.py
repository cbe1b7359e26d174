"""Pictures ahead of the teacher: in order, with their errors, and a worker's death told."""

from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest

from olacore.data import ROW
from olacore.errors import DataError, FileFormatError
from olacore.media.find import Input
from olacore.media.pictures import crop, read_picture
from teachers.jobs.decode_ahead import CHUNK, Task, _receive, cut_chunks, pictures_ahead
from teachers.jobs.fill import duration
from tests.support.plain_samples import save_photographs


def task(path: Path, count: int = 1) -> Task:
    return Task(Input(path, "picture"), np.array([(0, -1, 0, 8, 40, 40)] * count, ROW), 16)


def test_chunks__hold_pictures_of_several_files(tmp_path: Path) -> None:
    paths = save_photographs(tmp_path, 3)
    chunks = [*cut_chunks([task(path, 5) for path in paths])]
    assert [len(chunk) for chunk in chunks] == [CHUNK, 15 - CHUNK]
    whole = np.concatenate(chunks)
    for number, path in enumerate(paths):
        np.testing.assert_array_equal(whole[5 * number + 4], crop(read_picture(path), 16))


@pytest.mark.parametrize("workers", [0, 2])
def test_pictures_ahead__in_order_until_the_error(tmp_path: Path, workers: int) -> None:
    paths = save_photographs(tmp_path, 20)
    paths[18].write_text("no picture")
    seen = []
    no_picture = pytest.raises(FileFormatError, match=r"photo18\.png is not a picture")
    with pictures_ahead([task(path) for path in paths], workers) as pictures, no_picture:
        seen.extend(pictures)
    assert len(seen) >= 16
    for path, picture in zip(paths, seen, strict=False):
        np.testing.assert_array_equal(picture, crop(read_picture(path), 16))


def test_pictures_ahead__left_early(tmp_path: Path) -> None:
    paths = save_photographs(tmp_path, 2)
    with pictures_ahead([task(path, 100) for path in paths], 0) as pictures:
        next(pictures)


def test_receive__a_worker_that_died() -> None:
    here, there = Pipe(duplex=False)
    there.close()
    with pytest.raises(DataError, match="a worker process died, perhaps for want of memory; go on with --resume"):
        _receive(here)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (27000, "7.5 h")]
)
def test_duration__in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
