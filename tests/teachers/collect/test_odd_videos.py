"""Videos turned, mirrored and changing as they go; mangled ones; and what the survey says of them."""

import random
from pathlib import Path

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import FileFormatError, OlacoreError
from olacore.media.find import Input
from olacore.media.pictures import crop
from teachers import PictureRule, VideoRule
from teachers.collect import survey_pool
from teachers.collect.crops import rows_at
from teachers.collect.survey import survey
from teachers.collect.video import Video
from teachers.jobs.decode_ahead import Task, cut_rows
from tests.support.odd_videos import dying, encode, join, replaced, shown_by
from tests.support.plain_samples import EVERY, make
from tests.support.video_samples import scene, write_video

ONE = 1 << 16
# How each matrix ((a, b), (c, d)) shows a picture: (x, y) comes to (a x + c y, b x + d y).
SHOWN = {
    (1, 0, 0, 1): lambda picture: picture,
    (-1, 0, 0, 1): lambda picture: picture[:, ::-1],
    (1, 0, 0, -1): lambda picture: picture[::-1],
    (-1, 0, 0, -1): lambda picture: picture[::-1, ::-1],
    (0, 1, -1, 0): lambda picture: np.rot90(picture, -1),
    (0, -1, 1, 0): lambda picture: np.rot90(picture),
    (0, 1, 1, 0): lambda picture: picture.swapaxes(0, 1),
    (0, -1, -1, 0): lambda picture: np.rot90(picture, 2).swapaxes(0, 1),
}


def pictures(path: Path) -> tuple[list[np.ndarray], tuple[str, ...]]:
    with Video(path) as video:
        found = [frame.picture() for frame in video]
        return found, video.doubts


@pytest.mark.parametrize("matrix", SHOWN)
@pytest.mark.parametrize("scale", [ONE, ONE // 2, 3 * ONE])
def test_matrix__of_all_eight_ways(tmp_path: Path, matrix: tuple[int, ...], scale: int) -> None:
    path = encode(tmp_path / "a.mp4", scene(2, 0))
    plain, _ = pictures(path)
    found, doubts = pictures(shown_by(path, *(scale * number for number in matrix)))
    np.testing.assert_array_equal(found, [SHOWN[matrix](picture) for picture in plain])
    assert doubts == ()


@pytest.mark.parametrize(("degrees", "like"), [(10, (1, 0, 0, 1)), (80, (0, 1, -1, 0)), (170, (-1, 0, 0, -1))])
def test_matrix__of_an_odd_angle(tmp_path: Path, degrees: int, like: tuple[int, ...]) -> None:
    path = encode(tmp_path / "a.mp4", scene(2, 0))
    plain, _ = pictures(path)
    cosine, sine = (round(ONE * part(np.radians(degrees))) for part in (np.cos, np.sin))
    found, doubts = pictures(shown_by(path, cosine, sine, -sine, cosine))
    np.testing.assert_array_equal(found, [SHOWN[like](picture) for picture in plain])
    assert doubts == ("is to be shown at an odd angle; it is turned to the nearest quarter",)


def test_matrix__of_zeros(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", scene(2, 0))
    plain, _ = pictures(path)
    np.testing.assert_array_equal(pictures(shown_by(path, 0, 0, 0, 0))[0], plain)


@pytest.fixture
def growing(tmp_path: Path) -> Path:
    """5 frames of 48 x 32, then 5 of 64 x 96."""
    parts = [
        encode(tmp_path / f"{height}.ts", scene(5, 0, height, width), "mpeg2video", rate=25)
        for height, width in ((32, 48), (96, 64))
    ]
    return join(tmp_path / "growing.ts", *parts)


def test_size__that_changes(growing: Path, caplog: pytest.LogCaptureFixture) -> None:
    found, doubts = pictures(growing)
    assert {picture.shape for picture in found} == {(32, 48, 3), (96, 64, 3)}
    assert "changes its size: 48 x 32, 64 x 96; each frame is cut as it is" in doubts
    output = growing.with_name("out.h5")
    make([growing], output, VideoRule(every=1, least_change=0))
    assert "growing.ts changes its size" in caplog.text
    with open_dataset(output) as data:
        stored = data.read(("frames", "rows"), np.arange(data.count))
    np.testing.assert_array_equal(stored["frames"], [crop(picture, 16) for picture in found])
    assert stored["rows"]["height"].tolist() == [min(picture.shape[:2]) for picture in found]


def test_size__of_some_frames_too_small(growing: Path, caplog: pytest.LogCaptureFixture) -> None:
    output, frames = growing.with_name("out.h5"), pictures(growing)[0]
    large = sum(picture.shape[0] == 96 for picture in frames)
    summary = make([growing], output, VideoRule(every=1, least_change=0), PictureRule(size=64))
    assert summary.rows == large
    assert f"{len(frames) - large} of {len(frames)} frames are smaller than 64 x 64 and left out" in caplog.text


def test_size__that_is_no_longer_that_of_the_plan(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", scene(3, 0))
    rows = rows_at(np.array([0, 100]), [(0, 0, 32), (0, 17, 32)])
    with pytest.raises(FileFormatError, match=r"a\.mkv does not give a square of 32 pixels at \(0, 17\)"):
        list(cut_rows(Task(Input(path, "video"), rows, 16)))


def test_keyframes__of_a_decoder_that_gives_all_frames(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.webm", scene(20, 0), "libvpx-vp9")
    assert survey(Input(path, "video"), VideoRule(keyframes=True, least_change=0)).stamps.tolist() == [
        0,
        500,
        1000,
        1500,
    ]


def test_keyframes__that_are_not_marked_by_the_decoder(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mov", scene(20, 0), "svq1", "yuv410p")
    assert len(survey(Input(path, "video"), VideoRule(keyframes=True, least_change=0)).stamps) == 4


def test_one_frame(tmp_path: Path) -> None:
    found = survey(Input(encode(tmp_path / "a.mp4", scene(1, 0)), "video"), VideoRule())
    assert (found.stamps.tolist(), found.frames, found.doubts) == ([0], 1, ())


def test_more_frames_than_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Video(encode(tmp_path / "a.mp4", scene(4, 0))) as video:
        video._bytes = 3
        with pytest.raises(FileFormatError, match=r"a\.mp4 gives more frames than it has bytes; it is damaged"):
            list(video)


def mangle(content: bytes, chance: random.Random) -> bytes:
    """Change, cut, insert or remove some bytes."""
    data, place = bytearray(content), chance.randrange(1, len(content))
    match chance.randrange(4):
        case 0:
            for _ in range(chance.choice((1, 8, 40))):
                data[chance.randrange(len(data))] = chance.choice((0, 255, chance.randrange(256)))
        case 1:
            del data[place:]
        case 2:
            data[place:place] = bytes(chance.choice((1, 8)))
        case 3:
            data[place : place + 8] = chance.choice((b"\xff" * 8, b"\x7f" + b"\xff" * 7, bytes(8)))
    return bytes(data)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("mp4", "libx264"),
        ("mkv", "mpeg4"),
        ("ts", "mpeg2video"),
        ("avi", "libx264"),
        ("webm", "libvpx"),
        ("h264", "libx264"),
    ],
)
def test_mangled__gives_frames_or_one_sentence(
    tmp_path: Path, suffix: str, codec: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = encode(tmp_path / f"a.{suffix}", scene(12, 0), codec, rate=25)
    content, chance = path.read_bytes(), random.Random(codec)
    capfd.readouterr()
    ends = []
    for _ in range(40):
        path.write_bytes(mangle(content, chance))
        settings = VideoRule(every=1, least_change=0, keyframes=chance.random() < 0.2)
        found = survey(Input(path, "video"), settings)
        ends.append(bool(found.refused))
        if not found.refused:
            assert (np.diff(found.stamps, prepend=-1) > 0).all()
            rows = rows_at(found.stamps, [(0, 0, int(min(size))) for size in found.sizes])
            task = Task(Input(path, "video"), rows, 16, settings.keyframes, found.damaged > 0)
            assert len([*cut_rows(task)]) == len(rows)
    assert not all(ends)
    assert capfd.readouterr() == ("", "")


def test_a_bad_title_beside_others(tmp_path: Path) -> None:
    good = encode(tmp_path / "good.mkv", scene(6, 0))
    bad = encode(tmp_path / "bad.mkv", scene(6, 1))
    replaced(bad, b"Lavf", b"\xff\xfe\xfd\xfc")
    assert make([good, bad], tmp_path / "out.h5", EVERY).rows == 6


def test_a_process_that_dies__costs_its_own_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("deadly", "sound")
    inputs = [Input(encode(tmp_path / f"{name}.mp4", scene(4, 0)), "video") for name in names]
    monkeypatch.setattr(survey_pool, "survey", dying)
    ticks: list[tuple[int, int]] = []
    found = survey_pool.survey_all(inputs, VideoRule(), 1, lambda *counts: ticks.append(counts))
    assert [one.frames for one in found] == [0, 4]
    assert "deadly.mp4 ends the process that decodes it" in found[0].refused
    assert all(total == 2 for _, total in ticks)


def test_everything_is_an_olacore_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: object) -> None:
        raise MemoryError

    monkeypatch.setattr("teachers.collect.video.to_srgb", fails)
    with Video(encode(tmp_path / "a.mp4", scene(2, 0))) as video, pytest.raises(OlacoreError, match="MemoryError"):
        next(iter(video)).picture()
