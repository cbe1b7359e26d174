"""Data sets that are made from photographs, or are there."""

from bench.common.datasets import is_complete, make_dataset
from bench.studies.precompute import cheap_teacher
from olacore.data import open_dataset
from tests.support.makers import smooth_pictures, write_pictures


def test_is_complete__only_what_was_written_to_its_end(tmp_path):
    path = tmp_path / "a.h5"
    assert not is_complete(path)
    write_pictures(path)
    assert is_complete(path)


def test_make_dataset__takes_squares_of_every_photograph(tmp_path, monkeypatch):
    from olacore.media.pictures import write_picture

    monkeypatch.setattr("teachers.load_teacher", lambda reference: cheap_teacher())
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, pixels in enumerate(smooth_pictures(3, 256, 320)):
        write_picture(photos / f"{number}.png", pixels)
    path = tmp_path / "new" / "a.h5"
    for _ in range(2):  # a second call goes on, and has nothing left to do
        make_dataset(path, photos, tmp_path, crops=2, recon=True)
        with open_dataset([path]) as dataset:
            assert (dataset.count, dataset.size, dataset.has("recon")) == (6, (256, 256), True)
