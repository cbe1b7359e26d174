"""Files that a set is made of: what is noticed of them, and what is read for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from olacore.commands import set_files
from olacore.commands.set_files import files_of, seen_again
from olacore.commands.set_steps import Step
from olacore.commands.set_work import Work
from olacore.errors import ConfigError
from olacore.media.pictures import write_picture
from tests.support.makers import smooth_pictures


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three pictures, their texts and a table."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for number, picture in enumerate(smooth_pictures(3, 8, 8)):
        write_picture(Path("photos", f"{number}.png"), picture)
        Path("photos", f"{number}.txt").write_text(f"thing {number}")
    Path("photos", "metadata.csv").write_text("file,caption\n0.png,a thing\n")
    return Path("photos")


@pytest.mark.parametrize(
    ("captions", "beside"),
    [("captions.csv", None), ("txt", ["0.txt", "1.txt", "2.txt"]), ("names", ["metadata.csv"])],
)
def test_files_of__are_pictures_and_captions_that_no_table_has(captions, beside, photos):
    Path("photos", "notes.md").write_text("no picture")
    expected = {"pictures": [photos / f"{number}.png" for number in range(3)]}
    expected |= {} if beside is None else {"captions": [photos / name for name in beside]}
    assert files_of([photos], captions) == expected


def test_seen_again__reads_files_whose_sizes_or_times_are_others(photos, monkeypatch):
    files = files_of([photos], "txt")["captions"]
    first = seen_again(files, None)
    read = []
    monkeypatch.setattr(
        set_files, "content_of", lambda path, as_it_is=set_files.content_of: read.append(path) or as_it_is(path)
    )
    assert seen_again(files, first) == first
    assert read == []
    os.utime(files[0], ns=(1, 1))
    touched = seen_again(files, first)
    assert (touched["digest"], read) == (first["digest"], files)
    assert touched["stamp"] != first["stamp"]
    files[0].write_text("thing 9")
    os.utime(files[0], ns=(2, 2))
    changed = seen_again(files, touched)
    assert changed["digest"] != first["digest"]
    files[0].unlink()
    assert seen_again(files, changed)["digest"] not in (first["digest"], changed["digest"])
    assert seen_again([*files[1:], files[0]], None) != seen_again(files, None), "names count"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize(("captions", "name"), [("names", "metadata.csv"), ("txt", "0.txt")])
def test_seen_again__waits_for_no_pipe(captions, name, photos, monkeypatch):
    Path("photos", name).unlink()
    os.mkfifo(photos / name)
    assert photos / name in files_of([photos], captions)["captions"]
    monkeypatch.setattr(Path, "open", lambda path, _: pytest.fail(f"{path} is waited for"))
    before = seen_again([photos / name], None)
    Path("photos", name).unlink()
    assert seen_again([photos / name], None) == before, "as if nothing were there"


def test_files_of__a_folder_that_cannot_be_listed(photos, monkeypatch, caplog):
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert files_of([photos / "0.png"], "names") == {"pictures": [photos / "0.png"], "captions": []}
    assert "changes of captions in the folder photos are not noticed: Permission denied" in caplog.text


def test_seen_again__says_what_it_is_at(photos, monkeypatch, capsys):
    """Where it takes long."""
    monkeypatch.setattr("olacore.commands.progress.APART", 0)
    seen_again(files_of([photos], "txt")["pictures"], None, "pictures")
    assert capsys.readouterr().err.splitlines() == [f"looking at pictures: {number}/3" for number in range(3)]


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (lambda photos: os.utime(photos / "1.png", ns=(1, 1)), False),
        (lambda photos: (photos / "notes.md").write_text("no picture"), False),
        (lambda photos: (photos / "1.png").rename(photos / "3.png"), True),
        (lambda photos: (photos / "1.png").unlink(), True),
        (lambda photos: (photos / "1.png").write_bytes((photos / "2.png").read_bytes()), True),
        (lambda photos: (photos / "3.png").write_bytes((photos / "2.png").read_bytes()), True),
    ],
)
def test_work__notices_pictures_of_other_content(change, refused, photos):
    data = Step("data", ("precompute",), Path("data.h5"), given=("pictures",))
    steps = [data, Step("bundle", ("bundle",), Path("set"), (data,))]
    with Work(Path(), files=files_of([photos], "a.csv")).doing(data):
        data.made.write_text("")
    change(photos)
    work = Work(Path(), files=files_of([photos], "a.csv"))
    if refused:
        with pytest.raises(
            ConfigError, match="data.h5 was made before the pictures changed; give --force to make data.h5"
        ):
            work.to_do(steps)
        assert work.to_do(steps, force=True) == steps
    else:
        assert work.to_do(steps) == steps[1:]
