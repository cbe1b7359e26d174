"""Which frames of a video are taken, and what the survey says of bad files."""

from pathlib import Path

import numpy as np
import pytest

from olacore.errors import ConfigError
from olacore.media.find import Input
from teachers.collect.survey import Finding, VideoRule, survey
from teachers.collect.survey_pool import digest_all, survey_all
from tests.support.plain_samples import save_photographs
from tests.support.video_samples import damage, scene, write_sound, write_video


def look(path: Path, **rule: object) -> Finding:
    return survey(Input(path, "video"), VideoRule(**({"least_change": 0} | rule)))


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_video(tmp_path / "film.mkv", np.concatenate([scene(12, 0), scene(10, 1), scene(8, 2)]))


def test_survey__every_frame_with_its_scene(film: Path) -> None:
    found = look(film, every=1)
    assert found.stamps.tolist() == list(range(0, 3000, 100))
    assert found.scenes.tolist() == [0] * 12 + [1] * 10 + [2] * 8
    assert (found.sizes.tolist(), found.frames, found.damaged) == ([[32, 48]] * 30, 30, 0)
    assert (found.refused, found.doubts) == ("", ())


@pytest.mark.parametrize(
    ("rule", "stamps"),
    [
        ({"every": 10}, [0, 1000, 2000]),
        ({"fps": 2}, [0, 500, 1000, 1500, 2000, 2500]),
        ({"fps": 0.75}, [0, 1400, 2700]),
        ({}, [0, 1000, 2000]),
        ({"every": 1, "most": 4}, [0, 1000, 1900, 2900]),
        ({"every": 10, "most": 1}, [0]),
        ({"fps": 100, "most": 30}, list(range(0, 3000, 100))),
    ],
)
def test_survey__takes_by_number_and_by_time(film: Path, rule: dict, stamps: list[int]) -> None:
    assert look(film, **rule).stamps.tolist() == stamps


def test_survey__by_time_with_a_variable_frame_rate(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", scene(7, 0), stamps=[200, 300, 1150, 1250, 1350, 3600, 4300])
    # Ticks are counted from the first frame; of several frames in one second the first is taken.
    assert look(path, fps=1).stamps.tolist() == [200, 1250, 3600, 4300]


def test_survey__near_duplicates_are_dropped(tmp_path: Path) -> None:
    frames = np.repeat(scene(4, 0), 3, 0)
    path = write_video(tmp_path / "a.mkv", frames)
    assert look(path, every=1, least_change=0.2).stamps.tolist() == [0, 300, 600, 900]
    assert len(look(path, every=1).stamps) == 12


def test_survey__key_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", scene(20, 0), codec="mpeg4")
    found = look(path, keyframes=True)
    assert (len(found.stamps), found.frames) == (4, 4)
    assert len(look(path, keyframes=True, every=2).stamps) == 2


def test_survey__damage_is_counted_and_the_rest_taken_alike_each_time(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", np.concatenate([scene(30, 0, 64, 96), scene(30, 1, 64, 96)]), codec="mpeg4")
    damage(path, path.stat().st_size // 4, path.stat().st_size // 2, 97)
    one, other = look(path, every=1), look(path, every=1)
    assert one.damaged > 0
    assert one.refused == ""
    np.testing.assert_array_equal(one.stamps, other.stamps)
    assert "more than 0 damaged" in look(path, every=1, most_damaged=0).refused


def test_survey__bad_files_say_why(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("my holidays " * 100)
    (tmp_path / "empty.mp4").touch()
    write_sound(tmp_path / "sound.wav")
    for name, reason in (("text.mp4", "no video"), ("empty.mp4", "0 bytes"), ("sound.wav", "no video stream")):
        assert reason in look(tmp_path / name).refused
    missing = look(tmp_path / "none.mp4")
    assert "cannot read the video" in missing.refused
    assert missing.digest == ""


def test_survey_all__in_order_with_threads_and_with_processes(tmp_path: Path, film: Path) -> None:
    photos = save_photographs(tmp_path, 2)
    inputs = [Input(photos[0], "picture"), Input(film, "video"), Input(photos[1], "picture")]
    ticks: list[tuple[int, int]] = []
    threads, processes = (survey_all(inputs, VideoRule(), n, lambda *t: ticks.append(t)) for n in (0, 2))
    assert ticks[-1] == (3, 3)
    assert [one.digest for one in threads] == [one.digest for one in processes] == digest_all(inputs, lambda *t: None)
    assert [len(one.stamps) for one in threads] == [len(one.stamps) for one in processes] == [1, 3, 1]
    assert threads[0].stamps.tolist() == [-1]


@pytest.mark.parametrize("workers", [0, 1])
def test_survey_all__what_the_tick_raises_ends_it(film: Path, workers: int) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        survey_all([Input(film, "video")] * 3, VideoRule(), workers, stop)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"every": 0}, "every must be 1 or more; got 0"),
        ({"every": 2, "fps": 1.0}, "got every 2 and 1.0 fps"),
        ({"fps": 0.0}, "fps must be above 0; got 0.0"),
        ({"fps": float("nan")}, "fps must be above 0; got nan"),
        ({"most": 0}, "most must be 1 or more; got 0"),
        ({"most_damaged": -1}, "most_damaged must be 0 or more; got -1"),
        ({"least_change": -1.0}, "least_change must be 0 or more; got -1.0"),
    ],
)
def test_rule__numbers_out_of_range(settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        VideoRule(**settings)


@pytest.mark.parametrize(("name", "scenes"), [("bikes.mp4", 6), ("Megamind.avi", 4), ("solidWhiteRight.mp4", 1)])
def test_survey__scenes_of_real_videos(shared_data: Path, name: str, scenes: int) -> None:
    assert len(set(look(shared_data / "video" / name, every=1).scenes.tolist())) == scenes
