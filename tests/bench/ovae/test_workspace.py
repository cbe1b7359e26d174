"""Folders that everything is found in, or made in."""

import h5py
import pytest

from bench.ovae.workspace import about
from olacore.errors import ConfigError, DataError
from tests.support.ovae_makers import make_workspace


def test_make__says_what_is_missing(tmp_path):
    workspace = make_workspace(tmp_path)
    with pytest.raises(
        ConfigError, match=r"taesd3-8.h5 is not there in full, and cannot be made: .*photos and .*taesd3"
    ):
        workspace.make("sd3", str)


def test_make__makes_what_is_missing_and_nothing_else(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr("bench.ovae.workspace.make_dataset", lambda *asked, **named: made.append((asked, named)))
    workspace = make_workspace(tmp_path)
    (workspace.models / "taesdxl").mkdir(parents=True)
    said = []
    for space in ("sd15", "sdxl"):
        workspace.make(space, said.append)
    asked = (workspace.h5("sdxl"), workspace.photos, workspace.models / "taesdxl", 4)
    assert made == [(asked, {"recon": True})]
    assert len(said) == 1
    assert said[0].endswith("with taesdxl, 4 squares of each photograph")


def test_open__refuses_what_was_not_written_to_its_end(tmp_path):
    workspace = make_workspace(tmp_path)
    with workspace.open("sd15") as dataset:
        assert dataset.complete
    with h5py.File(workspace.h5("sd15"), "r+") as file:
        file.attrs["complete"] = False
    with pytest.raises(DataError, match=r"taesd-8\.h5 is not complete; go on with ola precompute --resume"):
        workspace.open("sd15")


def test_held_out__are_the_photographs_that_no_training_saw(tmp_path):
    workspace = make_workspace(tmp_path)
    assert sorted(picture.name for picture in workspace.held_out("sd15")) == ["10.png", "11.png"]
    for path in workspace.photos.iterdir():
        path.unlink()
    with pytest.raises(DataError, match="has none of the 2 held-out photographs"):
        workspace.held_out("sd15")


def test_about__counts_photographs_and_crops(tmp_path):
    with make_workspace(tmp_path).open("sd15") as dataset:
        facts = about(dataset)
        assert facts["digest"] == dataset.digest()
    assert sum(facts["photographs"].values()) == sum(facts["origins"].values()) == 12
    assert facts["crops"]["held-out"] == 2
