"""A file that is resumed is as its writer left it, or is refused; what is no output of ours is not written to."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from olacore.data import ROW, InputFile, read_plan, write_pairs
from olacore.errors import FileFormatError, OlacoreError, OutputError
from tests.support.data_samples import SOURCES, make_rows, open_writer, part_of

Change = Callable[[h5py.File], Any]


def begin(path: Path) -> Path:
    """A file with room for 12 rows and 5 in it."""
    writer = open_writer(path)
    writer.append(**part_of(make_rows(0, 12), 0, 5))
    writer.close(complete=False)
    return path


def again(name: str, **how: Any) -> Change:
    """Store a data set in another way."""

    def change(file: h5py.File) -> None:
        values = file[name][:]
        del file[name]
        file.create_dataset(name, data=values, **how)

    return change


def behind_a_link(file: h5py.File) -> None:
    file.move("recon", "elsewhere")
    file["recon"] = h5py.SoftLink("/elsewhere")


def twice(file: h5py.File) -> None:
    del file["recon"]
    file["recon"] = file["frames"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (behind_a_link, "/recon in .* is not as a writer leaves it"),
        (twice, "/(recon|frames) in .* is not as a writer leaves it"),
        (again("latents", chunks=(1, 2, 2, 3), compression="gzip"), "/latents in .* is not as a writer leaves it"),
        (again("rows", chunks=(3,), fletcher32=True), "/rows in .* is not as a writer leaves it"),
        (lambda file: file.attrs.pop("complete"), "cannot be resumed .complete.|no attribute complete"),
        (lambda file: file.attrs.create("complete", 0.5), "complete"),
        (lambda file: file.attrs.create("complete", h5py.Empty("u1")), "complete"),
        (lambda file: file.attrs.create("rows_valid", 5, dtype="u1"), "was not made row by row.*rows_valid"),
        (lambda file: file.attrs.create("rows_valid", np.inf), r"cannot be resumed \(rows_valid\)"),
        (lambda file: file.attrs.create("rows_valid", [5, 5]), r"cannot be resumed \(rows_valid\)"),
    ],
)
def test_resume__refuses_what_no_writer_makes(tmp_path: Path, change: Change, message: str) -> None:
    path = begin(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        change(file)
    before = path.read_bytes()
    with pytest.raises(FileFormatError, match=message):
        open_writer(path, resume=True)
    assert path.read_bytes() == before


def planned(**odd: int) -> np.ndarray:
    rows = np.zeros(12, ROW)
    rows["height"] = rows["width"] = 16
    for name, value in odd.items():
        rows[name][11] = value
    return rows


@pytest.mark.parametrize("odd", [{"top": -1}, {"left": -5}, {"height": 0}, {"source": -1}, {"source": len(SOURCES)}])
def test_read_plan__refuses_rows_that_no_picture_can_give(tmp_path: Path, odd: dict[str, int]) -> None:
    files = (InputFile("a.png", "ab" * 32, 12),)
    open_writer(tmp_path / "a.h5", planned=planned(pts=-512), files=files).close()
    read_plan(tmp_path / "a.h5")
    open_writer(tmp_path / "b.h5", planned=planned(**odd), files=files).close()
    with pytest.raises(FileFormatError, match=r"b\.h5 was made for rows that no picture can give"):
        read_plan(tmp_path / "b.h5")


@pytest.mark.parametrize("make", [os.symlink, os.link])
def test_writer__writes_through_no_link(tmp_path: Path, make: Callable[[Path, Path], None]) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    make(victim, tmp_path / "a.h5.partial")
    for write in (open_writer, lambda path: write_pairs(path, np.ones((4, 2)), np.ones((4, 1)))):
        with pytest.raises(
            OutputError, match=r"cannot write .*a\.h5\.partial: it (is a link|has a second name); remove"
        ):
            write(tmp_path / "a.h5")
    assert victim.read_text() == "precious"
    assert not (tmp_path / "a.h5").exists()


def test_writer__makes_nothing_where_a_link_dangles(tmp_path: Path) -> None:
    (tmp_path / "a.h5.partial").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="it is a link"):
        open_writer(tmp_path / "a.h5")
    assert not (tmp_path / "nowhere").exists()


def test_writer__does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.h5.partial")
    with pytest.raises(OutputError, match=r"a\.h5\.partial: it is no file"):
        open_writer(tmp_path / "a.h5")
    os.mkfifo(tmp_path / "b.h5")
    with pytest.raises(OlacoreError, match=r"b\.h5: it is no file"):
        open_writer(tmp_path / "b.h5", resume=True)


def test_append__a_disk_that_fails_is_named_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_writer(tmp_path / "a.h5") as writer:

        def refuse(*given: object) -> None:
            raise OSError(5, "Can't write data (file write failed: time = ..\n, buf = 0x55 ..)")

        monkeypatch.setattr(h5py.Dataset, "__setitem__", refuse)
        with pytest.raises(OutputError, match=r"cannot write .*a\.h5: Input/output error; make room") as caught:
            writer.append(**make_rows(0, 3))
        assert "\n" not in str(caught.value)
        monkeypatch.undo()
        assert writer.rows_valid == 0
