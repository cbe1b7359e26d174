"""Whole photographs, measured again when anything that decides about them changes."""

import shutil
from dataclasses import replace

import pytest

from bench.common.cells import Cells
from bench.ovae.quality import (
    agreement_of,
    has_teacher,
    line_up_modules,
    load_preview,
    load_teacher,
    measure_all,
    module_files,
    previewed,
    whole_pair,
)

pytestmark = pytest.mark.usefixtures("tiny")


def test_measure_all__measures_again_when_a_teacher_is_there(done, monkeypatch, tmp_path):
    workspace, _, report = done
    taken, said = [], []

    def take(space, workspace, *rest):
        taken.append(space)
        return report["quality"][space]

    monkeypatch.setattr("bench.ovae.quality.measure_space", take)
    shutil.copytree(workspace.work / "cells", tmp_path / "cells")
    cells, bare = Cells(tmp_path / "cells"), replace(workspace, models=tmp_path / "models")
    measure_all(("sd15",), bare, cells, said.append)
    assert taken == []
    assert "there is no teacher" in said[0]
    (tmp_path / "models" / "taesd").mkdir(parents=True)
    measure_all(("sd15",), bare, cells, said.append)
    assert taken == ["sd15"]


def test_measure_all__leaves_out_what_was_not_made(done, tmp_path):
    workspace, *_ = done
    said = []
    assert measure_all(("sd15",), replace(workspace, work=tmp_path), Cells(tmp_path), said.append) == {}
    assert said == ["sd15: its modules, its data set or the photographs are missing; the quality is left out"]
    assert (
        measure_all(("sd15",), replace(workspace, photos=tmp_path / "none"), Cells(tmp_path, frozen=True), said.append)
        == {}
    )
    assert len(said) == 1


def test_module_files__are_those_that_were_made(done):
    workspace, *_ = done
    files = module_files("sd15", workspace)
    assert set(files) == {"encoder", "decoder", "codec encoder", "codec decoder", "affine decoder"}
    assert module_files("sd15", replace(workspace, work=workspace.work / "none")) == {}


def test_teacher_and_preview__are_left_out_where_they_are_not_there(done, tmp_path):
    workspace, *_ = done
    bare, said = replace(workspace, models=tmp_path, preview=tmp_path / "preview"), []
    assert not has_teacher("sd15", bare, said.append)
    assert said == [f"sd15: there is no teacher {tmp_path / 'taesd'}; its figures are left out"]
    assert load_teacher("sd15", bare) == (None, 0)
    assert load_preview(None) is None
    assert previewed("sd15", bare) == tmp_path / "preview"
    assert previewed("sd3", bare) is None


def test_line_up_modules__shows_the_compatible_modules_as_ours_where_there_is_no_codec(done):
    workspace, *_ = done
    files = {name: path for name, path in module_files("sd15", workspace).items() if name in ("encoder", "decoder")}
    lineup = line_up_modules(files)
    assert lineup.main == "organic, compatible"
    assert lineup.imitators == ["encoder"]
    assert whole_pair(["encoder", "codec decoder"]) is None


def test_agreement_of__is_of_the_compatible_encoder():
    for name in ("compatible encoder", "encoder"):
        assert agreement_of({"mean": {"latents": {name: {"r2": 0.5}}}}) == {"r2": 0.5}
    assert agreement_of({"mean": {"latents": {}}}) == {}
