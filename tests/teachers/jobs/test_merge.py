"""Joining shares: what is refused, and what a kill or a full disk leaves."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from olacore.errors import ConfigError, DataError, FileFormatError, OlacoreError, OutputExistsError
from teachers import Share, merge_shares
from tests.support.full_disk import run_full
from tests.support.killed import run_killed
from tests.support.plain_samples import make
from tests.teachers.jobs.test_shares import RULE, assert_equal, make_shares, photos

__all__ = ["photos"]


@pytest.fixture
def shares(tmp_path: Path, photos: Path) -> list[Path]:
    make([photos], tmp_path / "whole.h5", rule=RULE)
    return sorted(make_shares(photos, tmp_path / "set").glob("*.h5"))


def test_merge__takes_files_in_any_order(tmp_path: Path, shares: list[Path]) -> None:
    merge_shares([shares[2], shares[0], shares[1]], tmp_path / "merged.h5")
    assert_equal(tmp_path / "merged.h5", tmp_path / "whole.h5")


def test_merge__a_share_is_missing_or_there_twice(tmp_path: Path, shares: list[Path]) -> None:
    output = tmp_path / "merged.h5"
    with pytest.raises(DataError, match="share 2 of 3 is missing; make it with --share 2/3"):
        merge_shares([shares[0], shares[2]], output)
    with pytest.raises(DataError, match="share 1 of 3, and 1 more is missing"):
        merge_shares([shares[2]], output)
    with pytest.raises(DataError, match="share 1 of 3 is given twice: .* and "):
        merge_shares([*shares, shares[0]], output)
    with pytest.raises(DataError, match="share 2 of 3 is given twice"):
        merge_shares([tmp_path / "set", shutil.copy(shares[1], tmp_path / "again.h5")], output)
    with pytest.raises(FileFormatError, match="expected shares in the folder .*; there are none"):
        merge_shares([tmp_path / "photos"], output)
    with pytest.raises(DataError, match="got none"):
        merge_shares([], output)
    assert not output.exists()


def test_merge__an_incomplete_share(tmp_path: Path, photos: Path, shares: list[Path]) -> None:
    with h5py.File(shares[1], "r+") as file:
        file.attrs.modify("rows_valid", np.int64(2))
        file.attrs.modify("complete", np.uint8(0))
    with pytest.raises(DataError, match=r"0002-of-0003\.h5 is not complete, it has 2 of its 3 rows; .*--resume"):
        merge_shares(shares, tmp_path / "merged.h5")
    make([photos], tmp_path / "set", rule=RULE, share=Share(2, 3), resume=True)
    merge_shares(shares, tmp_path / "merged.h5")
    assert_equal(tmp_path / "merged.h5", tmp_path / "whole.h5")


def test_merge__truncated_and_foreign_files(tmp_path: Path, shares: list[Path]) -> None:
    output, kept = tmp_path / "merged.h5", shares[1].read_bytes()
    shares[1].write_bytes(kept[: len(kept) // 2])
    with pytest.raises(FileFormatError, match=r"0002-of-0003\.h5 is truncated"):
        merge_shares(shares, output)
    shares[1].write_bytes(b"my holidays")
    with pytest.raises(FileFormatError, match="is not an HDF5 file"):
        merge_shares(shares, output)
    shutil.copy(tmp_path / "whole.h5", shares[1])
    with pytest.raises(FileFormatError, match="is no share; expected files that were made with --share"):
        merge_shares(shares, output)
    for missing in ([shares[0], tmp_path / "none"], [tmp_path / "none"]):
        with pytest.raises(FileFormatError, match=r"there is no .*none; name the shares .*, or their folder\.$"):
            merge_shares(missing, output)
    assert not output.exists()


def test_merge__a_damaged_row_is_named_and_the_rest_goes_on_after_repair(tmp_path: Path, shares: list[Path]) -> None:
    output, kept = tmp_path / "merged.h5", shares[1].read_bytes()
    with h5py.File(shares[1], "r+") as file:
        frame = file["frames"][1]
        file["frames"][1] = frame ^ 1
    with pytest.raises(FileFormatError, match=r"row 1 of .*0002-of-0003\.h5 is damaged"):
        merge_shares(shares, output)
    shares[1].write_bytes(kept)
    merge_shares(shares, output, resume=True)
    assert_equal(output, tmp_path / "whole.h5")


def test_merge__needs_the_plan(tmp_path: Path, photos: Path, shares: list[Path]) -> None:
    plan = tmp_path / "set" / "plan.hdf5"
    kept = plan.read_bytes()
    plan.unlink()
    with pytest.raises(FileFormatError, match="the plan of the shares is missing; copy plan.hdf5"):
        merge_shares(shares, tmp_path / "merged.h5")
    make([photos], tmp_path / "other", rule=RULE, share=Share(1, 2))
    shutil.copy(tmp_path / "other" / "plan.hdf5", plan)
    with pytest.raises(ConfigError, match="was not made by the plan"):
        merge_shares(shares, tmp_path / "merged.h5")
    plan.write_bytes(kept)
    merge_shares(shares, tmp_path / "merged.h5")


def test_merge__existing_output(tmp_path: Path, shares: list[Path]) -> None:
    output = tmp_path / "merged.h5"
    output.write_text("my holidays")
    with pytest.raises(OutputExistsError, match="already there"):
        merge_shares(shares, output)
    assert output.read_text() == "my holidays"
    with pytest.raises(ConfigError, match="got both"):
        merge_shares(shares, output, force=True, resume=True)
    with pytest.raises(OlacoreError):
        merge_shares(shares, output, resume=True)
    merge_shares(shares, output, force=True)
    assert_equal(output, tmp_path / "whole.h5")
    merge_shares(shares, output, resume=True)
    assert_equal(output, tmp_path / "whole.h5")
    with pytest.raises(ConfigError, match="is one of the shares"):
        merge_shares(shares, shares[0], force=True)
    with pytest.raises(ConfigError, match="would lie among its shares, and be read with them"):
        merge_shares(shares, shares[0].with_name("whole.h5"))


MERGE = """
from olacore.data import offsets
import teachers.jobs.merge
teachers.jobs.merge.PIECE_BYTES = 1
teachers.jobs.merge.merge_shares([path.parent / "set"], path, resume=True)
"""


def test_merge__killed_anywhere_goes_on(tmp_path: Path, shares: list[Path]) -> None:
    output = tmp_path / "merged.h5"
    kept = []
    for sync in (1, 2, 4, 8, 3):
        run_killed(MERGE, output, sync)
        if output.exists():
            with h5py.File(output) as file:
                kept.append(int(file.attrs["rows_valid"]))
    assert kept == sorted(kept)
    assert 0 < kept[-1] < 10
    merge_shares(shares, output, resume=True)
    assert_equal(output, tmp_path / "whole.h5")
    assert not list(tmp_path.glob("*.partial"))


FULL = """
from teachers import merge_shares
output = out / "merged.h5"
def join(room, sync=0):
    fill("merged.h5", room, sync)
    merge_shares([out.parent / "set"], output, resume=True)
def make(room, sync=0):
    output.unlink(missing_ok=True)
    join(room, sync)
levels = 0
for room in range(0, (out.parent / "whole.h5").stat().st_size, 3000):
    fails_well_in_a_child(make, room)
    levels += 1
merge_shares([out.parent / "set"], output, resume=True)
assert output.read_bytes() == (out.parent / "whole.h5").read_bytes()
print(levels)
"""


def test_merge__on_a_disk_that_fills_up(tmp_path: Path, shares: list[Path]) -> None:
    (tmp_path / "out").mkdir()
    assert int(run_full(FULL, tmp_path / "out")) > 2
