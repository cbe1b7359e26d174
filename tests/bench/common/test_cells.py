"""Measurements that are kept: made once, and again where their key is another."""

import json

import numpy as np

from bench.common.cells import SCHEMA, Cells, file_name, plain


def test_get__measures_once_and_again_when_the_key_is_another(tmp_path):
    cells, made = Cells(tmp_path / "cells"), []

    def make():
        made.append(1)
        return {"count": len(made), "pairs": [(1, 2.5)]}

    assert Cells(tmp_path / "cells", frozen=True).get("a", {"x": (1,)}, make) is None
    first = cells.get("a", {"x": (1,)}, make)
    assert first == cells.get("a", {"x": (1,)}, make) == {"count": 1, "pairs": [[1, 2.5]]}
    assert Cells(tmp_path / "cells", frozen=True).get("a", {"x": [1]}, make) == first
    assert cells.get("a", {"x": (2,)}, make)["count"] == 2
    assert cells.get("b", {"x": (2,)}, make)["count"] == 3


def test_get__measures_again_where_a_kept_value_does_not_serve(tmp_path):
    cells = Cells(tmp_path)
    cells.get("a", {}, lambda: {"cap": 4})
    assert cells.get("a", {}, lambda: {"cap": 8}, lambda value: value["cap"] >= 4) == {"cap": 4}
    assert cells.get("a", {}, lambda: {"cap": 8}, lambda value: value["cap"] >= 5) == {"cap": 8}
    assert cells.get("a", {}, dict) == {"cap": 8}


def test_get__keeps_what_was_added_to_the_key_meanwhile(tmp_path):
    key = {"files": ""}

    def make():
        key["files"] = "digest"
        return {}

    Cells(tmp_path).get("a", key, make)
    assert json.loads((tmp_path / "a.json").read_text()) == {"schema": SCHEMA, "key": {"files": "digest"}, "value": {}}


def test_get__measures_again_where_the_file_is_damaged_or_foreign(tmp_path):
    for content in (
        "{",
        "[]",
        "{}",
        json.dumps({"schema": "other", "key": {}, "value": {}}),
        f'{{"schema": "{SCHEMA}"}}',
    ):
        (tmp_path / "a.json").write_text(content)
        assert Cells(tmp_path).get("a", {}, lambda: {"new": True}) == {"new": True}


def test_file_name__holds_nothing_that_a_file_system_minds():
    assert file_name("decoder-36/rows:2__ribs/rowwise:sigma=0.1__mse__0") == (
        "decoder-36+rows+2__ribs+rowwise+sigma=0.1__mse__0.json"
    )


def test_plain__turns_numpys_numbers_into_floats():
    assert plain({"a": (np.float32(0.5), np.int64(3)), "b": float("inf")}) == {"a": [0.5, 3.0], "b": float("inf")}
