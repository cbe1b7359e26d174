"""Pretrained modules: found by name, beside files and run folders; in the package itself each has a card."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import olacore
from olacore import pretrained
from olacore.drawing.module_set import open_set
from olacore.errors import FileFormatError
from olacore.exports.given import load_parts
from olacore.modules.find import find
from olacore.modules.module import load
from olacore.reports.inspection import describe
from olacore.reports.quality_pages import DRAWN
from olacore.views.plain import Plain
from teachers.own.organic import is_organic
from tests.support.makers import make_module
from tests.support.places import ROOT
from tests.support.set_samples import write_set

SMALL = make_module(Plain(5, 3), space=None, hidden=(2,))
OTHER = make_module(Plain(4, 3), space=None)
TAKEN = "sd15-encoder in the current folder is taken, not the one of that name that is shipped"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder in place of the package's own, with two modules."""
    folder = tmp_path / "package"
    folder.mkdir()
    SMALL.save(folder / "sd15-encoder.safetensors")
    OTHER.save(folder / "sd3-decoder.safetensors")
    (folder / "sd15-encoder.md").write_text("# sd15-encoder")
    monkeypatch.setattr(pretrained, "FOLDER", folder)
    monkeypatch.chdir(tmp_path)
    return folder


def test_names__are_those_of_the_files(package):
    assert olacore.pretrained.names() == ["sd15-encoder", "sd3-decoder"]
    assert pretrained.card("sd15-encoder") == "# sd15-encoder"
    assert pretrained.card("sd3-decoder") == ""


def test_load__takes_a_name(package):
    assert load("sd15-encoder").layers == (5, 2, 3)
    assert olacore.load("sd3-decoder").layers == (4, 3)


def test_describe__tells_the_maps_of_a_stack_and_the_card(package):
    facts = describe(Path("sd15-encoder"))
    assert (facts["hidden"], facts["stored"], facts["parameters"]) == ([2], "float32", SMALL.parameters)
    assert facts["card"] == "# sd15-encoder"


def test_load__takes_a_run_folder_and_a_path_that_is_there_before_a_name(package, tmp_path):
    OTHER.save(tmp_path / "sd15-encoder")
    with pytest.warns(UserWarning, match=TAKEN):
        assert load("sd15-encoder").layers == (4, 3)
    (tmp_path / "sd15-encoder").unlink()
    (tmp_path / "sd15-encoder").mkdir()
    assert load("sd15-encoder").layers == (5, 2, 3), "such a folder is no module"
    assert describe(Path("sd15-encoder"))["hidden"] == [2]
    assert is_organic("sd15-encoder")
    OTHER.save(tmp_path / "sd15-encoder" / "module.safetensors")
    (tmp_path / "sd15-encoder" / "config.json").write_text("{}")
    with pytest.warns(UserWarning, match=TAKEN):
        assert load("sd15-encoder").layers == (4, 3)
    with pytest.warns(UserWarning, match=TAKEN):
        assert describe(Path("sd15-encoder"))["kind"] == "run"


def test_open_set__takes_a_set_that_is_here_before_a_name_and_says_so(tmp_path, monkeypatch):
    mine = write_set(tmp_path / "made")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "google64").mkdir()
    (tmp_path / "google64" / "photo.png").write_bytes(b"")
    assert open_set("google64").folder == pretrained.FOLDER / "google64"
    assert describe(Path("google64"))["kind"] == "set"
    assert len(load_parts(["google64"])) > 1
    OTHER.save(tmp_path / "google64" / "module.safetensors")
    (tmp_path / "google64" / "config.json").write_text("{}")
    assert open_set("google64").folder == pretrained.FOLDER / "google64"
    assert load("google64").layers == (4, 3)
    with pytest.warns(UserWarning, match=TAKEN.replace("sd15-encoder", "google64")):
        assert describe(Path("google64"))["kind"] == "run"
    with pytest.warns(UserWarning, match=TAKEN.replace("sd15-encoder", "google64")):
        assert len(load_parts(["google64"])) == 1
    shutil.rmtree(tmp_path / "google64")
    mine.rename(tmp_path / "google64")
    with pytest.warns(UserWarning, match=TAKEN.replace("sd15-encoder", "google64")):
        assert open_set("google64").folder == Path("google64")


def test_generate__notes_once_that_a_set_here_is_taken(tmp_path):
    write_set(tmp_path / "made").rename(tmp_path / "google64")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    drawn = [sys.executable, "-m", "cli", "generate", "a fox", "-o", "a.png", "--nearest"]
    done = subprocess.run(drawn, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    [note] = done.stderr.splitlines()
    assert note.startswith("warning: google64 in the current folder is taken, not the one of that name that is shipped")


def test_load__lists_the_names_where_there_is_no_such(package):
    with pytest.raises(
        FileFormatError, match=r"no pretrained module \(did you mean sd15-encoder\?\); there are: sd15-enc.*, sd3-dec"
    ):
        load("sd15")
    for path in package.glob("*.safetensors"):
        path.unlink()
    with pytest.raises(FileFormatError, match="sd15-encoder is no file .*; there are: none in this version"):
        load("sd15-encoder")


@pytest.mark.parametrize("path", ["sd15-encoder.safetensors", "./there/sd15-encoder"])
def test_load__looks_for_no_name_where_a_path_is_meant(package, path):
    with pytest.raises(FileFormatError, match="cannot read the module .*: No such file"):
        load(path)


@pytest.mark.parametrize("name", pretrained.sets())
def test_package__cards_of_sets_call_figures_as_the_command_does(name):
    card = pretrained.card(name)
    heads = [line.strip("| ").split(" | ") for line in card.splitlines() if "-held-out | " in line]
    assert len(heads) == 2
    for _, *columns in heads:
        assert {*columns} <= {*DRAWN}
        assert "judge" in columns
    assert "among_10: " in card


def test_package__has_a_card_of_every_module_and_all_can_be_read():
    for name in pretrained.names():
        assert load(name).kind in name
        assert pretrained.card(name)
    assert {path.stem for path in pretrained.FOLDER.glob("*.md")} <= set(pretrained.names())


def test_find__names_both_modules_of_a_pair_s_folder(tmp_path):
    (tmp_path / "decoder").mkdir()
    (tmp_path / "decoder" / "module.safetensors").touch()
    with pytest.raises(FileFormatError, match=r"holds a pair; name .*encoder or .*decoder\."):
        find(tmp_path)
