"""Data sets of the problems: there, or in place of them the sample."""

from bench.peers.data import DATA, DataFolders
from bench.peers.problems import PROBLEMS
from olacore.demo import sample_path


def test_find__takes_the_sample_where_nothing_can_be_made(tmp_path):
    said: list[str] = []
    folders = DataFolders(tmp_path, tmp_path / "photos", tmp_path / "models")
    assert folders.find("decoder-36-192", said.append) == sample_path()
    assert folders.find("sd3-decoder-144-192", said.append) is None
    assert "the shipped sample is used" in said[0]
    assert "is left out" in said[1]
    assert {recipe.data for recipe in PROBLEMS.values()} == set(DATA)


def test_find__finds_a_file_that_is_there(tmp_path):
    path = tmp_path / "taesd-2.h5"
    path.symlink_to(sample_path())
    assert DataFolders(tmp_path).find("encoder-768-4", lambda text: None) == path


def test_find__makes_what_is_missing(tmp_path, monkeypatch):
    made: list[object] = []
    monkeypatch.setattr("bench.peers.data.make_dataset", lambda *asked: made.append(asked))
    photos, models = tmp_path / "photos", tmp_path / "models"
    for folder in (photos, models / "taesd3"):
        folder.mkdir(parents=True)
    path = tmp_path / "taesd3-2.h5"
    assert DataFolders(tmp_path, photos, models).find("sd3-decoder-144-192", lambda text: None) == path
    assert made == [(path, photos, models / "taesd3", 2)]
