"""A folder of the work of `ola make-set` that is taken for a set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from olacore.drawing.module_set import open_set
from olacore.drawing.work_folder import RECORD
from olacore.errors import FileFormatError
from olacore.reports.inspection import describe

LAST = "ola bundle --text 'a b/text' -o 'my set' --about x=y"


@pytest.mark.parametrize(
    ("name", "command", "done", "end"),
    [
        ("bundle", LAST, True, "the set was written to my set"),
        ("bundle", LAST, False, "the set is not made yet: go on with the same `ola make-set` as before"),
        ("mean", "ola train", True, "the set is not made yet: go on with the same `ola make-set` as before"),
        ("bundle", "ola bundle -o", True, "the last step, in make-set.json, says where it wrote the set"),
        ("bundle", "ola 'bundle", True, "the last step, in make-set.json, says where it wrote the set"),
    ],
)
def test_open_set__of_the_work_says_where_the_set_is(name, command, done, end, tmp_path: Path):
    step = {"command": command, "digest": "0", "done": done, "wall": 0, "processor": 0}
    (tmp_path / RECORD).write_text(json.dumps({"schema": "olacore/make-set/1", "steps": {name: step}}))
    (tmp_path / "data.h5").touch()
    for read in (open_set, describe):
        with pytest.raises(FileFormatError) as raised:
            read(tmp_path)
        assert str(raised.value) == f"{tmp_path} is no set but the folder of the work of `ola make-set`; {end}."


def test_open_set__of_a_damaged_record(tmp_path: Path):
    (tmp_path / RECORD).write_text("{}")
    with pytest.raises(FileFormatError, match=r"make-set\.json is damaged: schema is missing"):
        open_set(tmp_path)
