"""`precompute` on videos: what is stored, splits by scene, workers, shards, interruptions of every kind."""

import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import ConfigError, FileFormatError, OutputError, OutputExistsError
from olacore.media.find import Input
from olacore.media.pictures import Square, crop, read_picture
from teachers import CaptionRule, PictureRule, VideoRule
from teachers.collect.plan import Plan
from tests.support.places import ROOT
from tests.support.plain_samples import EVERY, RULE, MeanTeacher, make, save_photographs
from tests.support.video_samples import damage, scene, turn, write_sound, write_video


@pytest.fixture
def films(tmp_path: Path) -> list[Path]:
    """Two videos of two and three scenes, and a photograph: 26 rows with EVERY."""
    folder = tmp_path / "films"
    folder.mkdir()
    one = write_video(folder / "one.mkv", np.concatenate([scene(12, 0), scene(8, 1)]))
    two = write_video(folder / "two.mkv", np.concatenate([scene(10, 2), scene(8, 3), scene(12, 4)]))
    return [one, *save_photographs(folder, 1), two]


def stop_at(rows: int) -> Callable[[str, int, int], None]:
    def stop(what: str, done: int, total: int) -> None:
        if what == "rows" and done >= rows:
            raise KeyboardInterrupt

    return stop


def test_video__rows_are_the_frames_with_their_times(tmp_path: Path, films: list[Path]) -> None:
    summary = make(films, tmp_path / "out.h5")
    assert summary.rows == 26
    assert sum(summary.sources.values()) == 6
    with open_dataset(tmp_path / "out.h5") as data:
        assert data.verify() == []
        rows = data.read(("frames", "latents", "recon", "rows"), np.arange(26))
        names = [data.sources[number].name for number in rows["rows"]["source"]]
        assert [(file.name, file.rows, file.frames) for file in data.files] == [
            ("one.mkv", 10, 20),
            ("photo0.png", 1, 1),
            ("two.mkv", 15, 30),
        ]
    assert names[:10] == ["one.mkv scene 1"] * 6 + ["one.mkv scene 2"] * 4
    assert names[10] == "photo0.png"
    assert rows["rows"]["pts"][:10].tolist() == list(range(0, 2000, 200))
    frames = np.concatenate([scene(12, 0), scene(8, 1)])[::2]
    np.testing.assert_array_equal(rows["frames"][:10], [crop(frame, 16) for frame in frames])
    np.testing.assert_array_equal(rows["frames"][10], crop(read_picture(films[1]), 16))
    np.testing.assert_array_equal(rows["latents"], MeanTeacher().encode(rows["frames"]).astype(np.float16))
    np.testing.assert_array_equal(rows["recon"], MeanTeacher().decode(rows["latents"]))


def test_estimate__is_told_at_the_start(tmp_path: Path, films: list[Path], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        make(films, tmp_path / "out.h5")
    assert re.search(r"26 pictures from 3 files, 26 to do: 0 MB, about \d+ s of the teacher's time", caplog.text)


def test_video__split_by_scene(tmp_path: Path, films: list[Path]) -> None:
    make(films, tmp_path / "out.h5", rule=PictureRule(size=16, validation=0.2, held_out=0.2))
    with open_dataset(tmp_path / "out.h5") as data:
        rows = data.read(("rows",), np.arange(data.count))["rows"]
        for number, source in enumerate(data.sources):
            assert set(data.split[rows["source"] == number]) == {
                ("train", "validation", "held-out").index(source.split)
            }
        assert all(2 <= len(data.indices(split)) <= 7 for split in ("validation", "held-out"))


def test_video__a_cut_back_stays_in_one_split(tmp_path: Path) -> None:
    shots = [scene(8, 0), scene(8, 1), scene(16, 0)[8:], scene(16, 1)[8:]]
    path = write_video(tmp_path / "dialogue.mkv", np.concatenate(shots))
    make([path], tmp_path / "out.h5", VideoRule(every=4, least_change=0))
    with open_dataset(tmp_path / "out.h5") as data:
        rows = data.read(("rows",), np.arange(data.count))["rows"]
    assert rows["source"].tolist() == [0, 0, 1, 1, 0, 0, 1, 1]


def test_video__several_crops_a_frame(tmp_path: Path, films: list[Path]) -> None:
    make(films[:1], tmp_path / "out.h5", rule=PictureRule(size=16, crops=3))
    with open_dataset(tmp_path / "out.h5") as data:
        rows = data.read(("rows", "frames"), np.arange(data.count))
    places = rows["rows"]
    assert places["pts"].tolist() == np.repeat(np.arange(0, 2000, 200), 3).tolist()
    assert places[["top", "left", "height"]][::3].tolist() == [(0, 8, 32)] * 10
    assert len(set(places[["top", "left", "height"]].tolist())) > 15
    top, left, side = (int(places[name][4]) for name in ("top", "left", "height"))
    frame = scene(12, 0)[2]
    np.testing.assert_array_equal(rows["frames"][4], crop(frame, 16, Square(top, left, side)))


def test_video__turned_ones_are_cut_upright(tmp_path: Path) -> None:
    path = turn(write_video(tmp_path / "a.mp4", scene(4, 0), codec="mpeg4"), 90)
    make([path], tmp_path / "out.h5")
    with open_dataset(tmp_path / "out.h5") as data:
        places = data.read(("rows",), np.arange(2))["rows"]
    assert places[["top", "left", "height"]].tolist() == [(8, 0, 32)] * 2


def test_workers__make_the_same_bytes(tmp_path: Path, films: list[Path]) -> None:
    make(films, tmp_path / "thread.h5")
    make(films, tmp_path / "processes.h5", workers=2)
    assert (tmp_path / "thread.h5").read_bytes() == (tmp_path / "processes.h5").read_bytes()


@pytest.mark.parametrize(("after", "workers"), [(4, 0), (12, 0), (12, 1)])
def test_resume__same_rows_and_same_bytes(tmp_path: Path, films: list[Path], after: int, workers: int) -> None:
    whole, resumed = tmp_path / "whole.h5", tmp_path / "resumed.h5"
    make(films, whole)
    with pytest.raises(KeyboardInterrupt):
        make(films, resumed, progress=stop_at(after), workers=workers)
    with h5py.File(resumed) as file:
        assert file.attrs["rows_valid"] == after + 4
        assert file.attrs["complete"] == 0
    surveyed = []
    made = make(films, resumed, resume=True, workers=workers, progress=lambda *counts: surveyed.append(counts))
    assert ("rows", after + 4, 26) in surveyed
    assert ("rows", after, 26) not in surveyed
    assert resumed.read_bytes() == whole.read_bytes()
    assert (made.rows, sum(made.sources.values())) == (26, 6)


def test_resume__starts_a_missing_file(tmp_path: Path, films: list[Path]) -> None:
    make(films, tmp_path / "whole.h5")
    make(films, tmp_path / "new.h5", resume=True)
    assert (tmp_path / "new.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"video": VideoRule(every=3, least_change=0)}, r"settings\[every\] 2, now it is 3"),
        ({"rule": PictureRule(size=24)}, r"size \[16, 16\], now it is \[24, 24\]"),
        ({"rule": PictureRule(size=16, crops=2)}, r"settings\[crops\] 1, now it is 2"),
        ({"recon": False}, "recon True, now it is False"),
    ],
)
def test_resume__other_settings_are_refused_and_both_named(
    tmp_path: Path, films: list[Path], changes: dict, message: str
) -> None:
    make(films, tmp_path / "out.h5")
    before = (tmp_path / "out.h5").read_bytes()
    with pytest.raises(ConfigError, match=message):
        make(films, tmp_path / "out.h5", **({"resume": True} | changes))
    assert (tmp_path / "out.h5").read_bytes() == before


def test_resume__another_film_is_refused(tmp_path: Path, films: list[Path]) -> None:
    make(films, tmp_path / "out.h5")
    films[0].write_bytes(films[2].read_bytes() + b" ")
    with pytest.raises(ConfigError, match=r"settings\[sources\] '3 files, sha256 \w+', now it is '3 files, sha256"):
        make(films, tmp_path / "out.h5", resume=True)


def test_kill__at_any_row_loses_and_doubles_none(tmp_path: Path, films: list[Path]) -> None:
    whole, killed = tmp_path / "whole.h5", tmp_path / "killed.h5"
    make(films, whole)
    code = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.support.plain_samples import make
def die(what, done, total):
    if what == "rows" and done and done >= int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
make([Path(source) for source in sys.argv[4:]], Path(sys.argv[2]), progress=die, resume=True)
"""
    for row in (1, 13, 99):
        command = [sys.executable, "-c", code, str(ROOT), str(killed), str(row), *map(str, films)]
        done = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        assert done.returncode == (0 if row == 99 else -signal.SIGKILL)
    assert killed.read_bytes() == whole.read_bytes()


def test_bad_videos__are_reported_and_the_rest_goes_on(tmp_path: Path, films: list[Path]) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "text.mp4").write_text("my holidays " * 100)
    (folder / "empty.avi").touch()
    whole = write_video(folder / "cut.mp4", scene(20, 5), codec="mpeg4").read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    os.rename(write_sound(tmp_path / "sound.wav"), folder / "sound.avi")  # noqa: PTH104
    write_video(folder / "small.mkv", scene(4, 6)[:, :8])
    summary = make([folder, *films], tmp_path / "out.h5")
    assert summary.rows == 26
    reasons = {file.name: file.note for file in summary.skipped}
    for name, words in {
        "text.mp4": "no video that can be read",
        "empty.avi": "0 bytes",
        "cut.mp4": "cut short",
        "sound.avi": "no video stream",
        "small.mkv": "48 x 8, smaller than 16 x 16",
    }.items():
        assert words in reasons.pop(name)
    assert reasons == {}


def test_damaged_packets__are_counted_in_the_file(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", np.concatenate([scene(30, 0, 64, 96), scene(30, 1, 64, 96)]), codec="mpeg4")
    damage(path, path.stat().st_size // 4, path.stat().st_size // 2, 97)
    summary = make([path], tmp_path / "out.h5")
    assert summary.damaged > 0
    assert summary.rows > 10
    make([path], tmp_path / "again.h5", workers=1)
    assert (tmp_path / "again.h5").read_bytes() == (tmp_path / "out.h5").read_bytes()
    with open_dataset(tmp_path / "out.h5") as data:
        assert data.files[0].damaged == summary.damaged


def test_feed__a_file_that_changes_during_the_work(tmp_path: Path, films: list[Path]) -> None:
    def change(what: str, done: int, total: int) -> None:
        if (what, done) == ("rows", 0):
            write_video(films[2], scene(4, 2))

    with pytest.raises(FileFormatError, match=r"two\.mkv no longer gives the frame at"):
        make(films, tmp_path / "out.h5", progress=change)


def test_captions__are_kept_with_the_sources(tmp_path: Path, films: list[Path]) -> None:
    (films[0].parent / "captions.tsv").write_text("one.mkv\ta man walks\n")
    make(films, tmp_path / "out.h5", rule=PictureRule(size=16), captions=CaptionRule("names"))
    with open_dataset(tmp_path / "out.h5") as data:
        captions = {source.name: source.caption for source in data.sources}
    assert captions["one.mkv scene 2"] == "a man walks"
    assert captions["photo0.png"] == "photo0"


def test_shards__hold_the_rows_of_one_file(tmp_path: Path, films: list[Path]) -> None:
    one = tmp_path / "one.h5"
    make(films, one)
    summary = make(films, tmp_path / "many", shard_size=8)
    shards = sorted(path.name for path in (tmp_path / "many").iterdir())
    assert shards == [f"shard-000{number}-of-0004.h5" for number in (1, 2, 3, 4)]
    assert summary == make(films, tmp_path / "same.h5")
    fields = ("frames", "latents", "recon", "rows")
    with open_dataset(one) as single, open_dataset(tmp_path / "many") as sharded:
        assert (sharded.count, sharded.complete) == (26, True)
        want, have = (data.read(fields, np.arange(26)) for data in (single, sharded))
        for name in fields[:3]:
            np.testing.assert_array_equal(want[name], have[name])
        np.testing.assert_array_equal(want["rows"]["pts"], have["rows"]["pts"])
        np.testing.assert_array_equal(single.split, sharded.split)
        names = [
            [data.sources[n].name for n in rows["rows"]["source"]] for data, rows in ((single, want), (sharded, have))
        ]
        assert names[0] == names[1]


def test_shards__resumed_after_a_stop_in_the_second(tmp_path: Path, films: list[Path]) -> None:
    make(films, tmp_path / "whole", shard_size=8)
    with pytest.raises(KeyboardInterrupt):
        make(films, tmp_path / "many", shard_size=8, progress=stop_at(12))
    with open_dataset(tmp_path / "many") as data:
        assert 8 < data.count < 26
        assert not data.complete
    with pytest.raises(OutputExistsError, match="holds shards already"):
        make(films, tmp_path / "many", shard_size=8)
    with pytest.raises(ConfigError, match=r"settings\[shard_size\] 8, now it is 9"):
        make(films, tmp_path / "many", shard_size=9, resume=True)
    make(films, tmp_path / "many", shard_size=8, resume=True)
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "many" / path.name).read_bytes()
    (tmp_path / "many" / "shard-0003-of-0004.h5").unlink()
    make(films, tmp_path / "many", shard_size=8, resume=True)
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "many" / path.name).read_bytes()
    make(films, tmp_path / "many", shard_size=30, force=True)
    assert [path.name for path in (tmp_path / "many").iterdir()] == ["shard-0001-of-0001.h5"]


def test_plan__shards_cover_it(tmp_path: Path, films: list[Path]) -> None:
    from teachers.jobs.job import new_job
    from teachers.jobs.output_path import Target

    inputs = [Input(path, "picture" if path.suffix == ".png" else "video") for path in films]
    target = Target(tmp_path / "many", 7)
    absent = [(tmp_path / "none", "nothing is there.")]
    job = new_job(target, inputs, absent, RULE, EVERY, 0, lambda *counts: None)
    assert [len(part.rows) for part in job.parts] == [7, 7, 7, 5]
    assert [[(file.name, file.rows) for file in part.files] for part in job.parts] == [
        [("one.mkv", 7), ("none", 0)],
        [("one.mkv", 3), ("photo0.png", 1), ("two.mkv", 3)],
        [("two.mkv", 7)],
        [("two.mkv", 5)],
    ]
    assert [(file.name, file.rows) for file in job.files] == [
        ("one.mkv", 10),
        ("none", 0),
        ("photo0.png", 1),
        ("two.mkv", 15),
    ]
    whole = Plan(job.files, (), np.concatenate([part.rows for part in job.parts]), ())
    assert all(a <= b for a, b in pairwise(whole.rows["pts"][:10].tolist()))


def test_target__wrong_outputs(tmp_path: Path, films: list[Path]) -> None:
    with pytest.raises(ConfigError, match="is a folder; name a file, or give --shard-size"):
        make(films, tmp_path)
    with pytest.raises(OutputError, match="it is no folder"):
        make(films, films[0], shard_size=3)
    with pytest.raises(ConfigError, match="a shard holds 1 picture or more; got 0"):
        make(films, tmp_path / "many", shard_size=0)
    with pytest.raises(ConfigError, match="got both"):
        make(films, tmp_path / "out.h5", resume=True, force=True)
    with pytest.raises(ConfigError, match="workers must be 0 to 256; got -1"):
        make(films, tmp_path / "out.h5", workers=-1)


def test_second_writer__is_kept_out(tmp_path: Path, films: list[Path]) -> None:
    seen = []

    def again(what: str, done: int, total: int) -> None:
        if (what, done) == ("rows", 4):
            with pytest.raises(OutputError, match="is being written by another process") as error:
                make(films, seen[0], resume=True, **({"shard_size": 8} if seen[0].suffix == "" else {}))
            seen.append(error)

    for output, options in ((tmp_path / "out.h5", {}), (tmp_path / "many", {"shard_size": 8})):
        seen = [output]
        make(films, output, progress=again, **options)
        assert len(seen) == 2


def test_full_disk__nothing_is_left_and_the_need_is_told(
    tmp_path: Path, films: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = os.posix_fallocate
    calls = []

    def full(descriptor: int, offset: int, length: int) -> None:
        calls.append(length)
        if len(calls) > 4:  # the third shard: each reserves twice
            raise OSError(28, "No space left on device")
        reserve(descriptor, offset, length)

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OutputError, match=r"needs [\d,]+ bytes and [\d,]+ are free \(No space left"):
        make(films, tmp_path / "many", shard_size=8)
    assert [*(tmp_path / "many").iterdir()] == []


def test_resume__a_file_of_a_newer_schema(tmp_path: Path, films: list[Path]) -> None:
    make(films, tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5", "r+") as file:
        file.attrs["schema"] = "olacore/latents/9"
    with pytest.raises(FileFormatError, match="this version reads 'olacore/latents/1'; upgrade olacore"):
        make(films, tmp_path / "out.h5", resume=True)
