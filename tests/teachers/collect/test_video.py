"""Frames of a video: exact, upright, with square pixels; damage counted; bad files refused."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from olacore.errors import ConfigError, FileFormatError
from teachers.collect.video import Video
from tests.support.video_samples import damage, scene, turn, write_sound, write_video


def pictures(path: Path, **options: bool) -> list[np.ndarray]:
    with Video(path, **options) as video:
        return [frame.picture() for frame in video]


def test_video__gives_every_frame_as_it_was(tmp_path: Path) -> None:
    frames = scene(12, 0)
    path = write_video(tmp_path / "a.mkv", frames)
    for careful in (False, True):
        np.testing.assert_array_equal(pictures(path, careful=careful), frames)
    with Video(path) as video:
        assert [frame.time for frame in video] == [Fraction(number, 10) for number in range(12)]
        assert (video.frames, video.damaged, video.doubts) == (12, 0, ())


def test_video__variable_frame_rate(tmp_path: Path) -> None:
    stamps = [0, 100, 150, 900, 1000, 2500]
    with Video(write_video(tmp_path / "a.mkv", scene(6, 0), stamps=stamps)) as video:
        assert [frame.time * 1000 for frame in video] == stamps


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_video__turned_as_its_flag_says(tmp_path: Path, degrees: int) -> None:
    path = write_video(tmp_path / "a.mp4", scene(3, 0), codec="mpeg4")
    plain = pictures(path)
    turned = pictures(turn(path, degrees))
    np.testing.assert_array_equal(turned, [np.rot90(picture, -degrees // 90) for picture in plain])
    with Video(path) as video:
        assert next(iter(video)).size == turned[0].shape[:2]


def test_video__odd_sizes(tmp_path: Path) -> None:
    frames = np.ascontiguousarray(scene(2, 0)[:, :31, :47])
    np.testing.assert_array_equal(pictures(write_video(tmp_path / "a.mkv", frames)), frames)


def test_video__pixels_that_are_not_square(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", scene(2, 0), codec="mpeg4", aspect=Fraction(4, 3))
    assert [picture.shape for picture in pictures(path)] == [(32, 64, 3)] * 2
    assert [picture.shape for picture in pictures(turn(path, 90))] == [(64, 32, 3)] * 2


def test_video__key_frames_only(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", scene(20, 0), codec="mpeg4")
    with Video(path, keyframes=True) as video:
        stamps = [frame.time for frame in video]
    assert stamps == [Fraction(number, 10) for number in (0, 5, 10, 15)]  # the writer makes one every five frames


def test_video__damaged_packets_are_counted_up_to_a_limit(tmp_path: Path) -> None:
    whole = np.concatenate([scene(30, 0, 64, 96), scene(30, 1, 64, 96)])
    path = write_video(tmp_path / "a.avi", whole, codec="mpeg4")
    size = path.stat().st_size
    damage(path, size // 4, size // 2, 97)
    seen = []
    for _ in range(2):
        with Video(path, careful=True) as video:
            seen.append(np.stack([frame.picture() for frame in video]))
            lost = video.damaged
        assert lost > 0
        assert 0 < len(seen[-1]) < 60
    np.testing.assert_array_equal(*seen)
    too_many = rf"a\.avi has more than {lost - 1} damaged packets .*allow more of them"
    with Video(path, careful=True, most_damaged=lost - 1) as video, pytest.raises(FileFormatError, match=too_many):
        list(video)


def test_video__bad_files(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with pytest.raises(FileFormatError, match=r"a\.mp4 is missing; expected a video"):
        Video(path)
    path.touch()
    with pytest.raises(FileFormatError, match=r"a\.mp4 is empty \(0 bytes\)"):
        Video(path)
    path.write_text("my holidays " * 100)
    with pytest.raises(FileFormatError, match=r"a\.mp4 is no video that can be read.*Invalid data"):
        Video(path)
    whole = write_video(path, scene(20, 0), codec="mpeg4").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileFormatError, match="cut short"):
        Video(path)
    with pytest.raises(FileFormatError, match="has no video stream"):
        Video(write_sound(tmp_path / "a.wav"))


def test_video__truncated_where_the_index_is_not_at_the_end(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", scene(20, 0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames = pictures(path, careful=True)
    np.testing.assert_array_equal(frames, scene(20, 0)[: len(frames)])
    assert 5 < len(frames) < 15


def test_video__av_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(ConfigError, match=r"needs the package av; pip install 'olacore\[video\]'"):
        Video(tmp_path / "a.mp4")
