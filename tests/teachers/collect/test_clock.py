"""Stamps rise and are the same ones each time, whatever the times of a file do."""

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.media.find import Input
from teachers.collect.clock import LATEST, Clock
from teachers.collect.crops import rows_at
from teachers.collect.survey import Finding, VideoRule, survey
from teachers.jobs.decode_ahead import Task, cut_rows
from tests.support.odd_videos import encode, join
from tests.support.video_samples import scene, write_video

TIMES = st.none() | st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-100_000, 100_000)


@dataclass
class Stream:
    time_base: Fraction | None = Fraction(1, 1000)
    guessed_rate: Fraction | None = Fraction(25)
    codec_context: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(framerate=None))


@dataclass
class Timed:
    pts: int | None
    dts: int | None = None


def stamps(*times: int | None, stream: Stream | None = None) -> list[int]:
    clock = Clock(stream or Stream(), "mp4")
    return [clock.stamp(Timed(time)) for time in times]


def test_stamp__is_the_time_of_the_file_where_times_rise() -> None:
    assert stamps(0, 40, 100, 7_000_000) == [0, 40, 100, 7_000_000]


def test_stamp__one_that_is_doubled_or_missing_is_counted_on() -> None:
    assert stamps(0, 40, 40, None, 160, 200) == [0, 40, 80, 120, 160, 200]


def test_stamp__behind_a_jump_back_all_is_moved() -> None:
    assert stamps(5000, 5040, 10, 50, 1010) == [5000, 5040, 5080, 5120, 6080]


def test_stamp__a_clock_below_zero_begins_at_zero() -> None:
    assert stamps(-80, -40, 0, 40) == [0, 40, 80, 120]


def test_stamp__times_and_rates_that_are_garbage() -> None:
    assert stamps(1 << 62, -(1 << 62), 5000) == [0, 40, 5000]
    for rate in (None, Fraction(0), Fraction(90_000), Fraction(1, 90)):
        assert stamps(None, None, stream=Stream(None, rate)) == [0, 40]


@given(st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=30), st.sampled_from(("avi", "mp4")))
def test_stamp__rises_whatever_comes(times: list[tuple[int | None, int | None]], form: str) -> None:
    clock = Clock(Stream(), form)
    found = [clock.stamp(Timed(*each)) for each in times]
    assert found[0] >= 0
    assert all(after > before for before, after in pairwise(found))
    assert found[-1] < len(found) * 2 * LATEST


def look(path: Path, **rule: object) -> Finding:
    """Survey a video, and decode it again at the stamps that were found."""
    settings = VideoRule(**({"least_change": 0} | rule))
    found = survey(Input(path, "video"), settings)
    squares = [(0, 0, int(min(size))) for size in found.sizes]
    task = Task(Input(path, "video"), rows_at(found.stamps, squares), 16, settings.keyframes, found.damaged > 0)
    assert len([*cut_rows(task)]) == len(found.stamps)
    return found


@pytest.mark.parametrize("suffix", ["ts", "h264", "mpg"])
@pytest.mark.parametrize(("rule", "taken"), [({"fps": 2}, 12), ({}, 6), ({"every": 5}, 15)])
def test_joined__frames_of_both_halves(tmp_path: Path, suffix: str, rule: dict, taken: int) -> None:
    codec, rate = ("mpeg2video", 25) if suffix == "mpg" else ("libx264", 12)
    parts = [encode(tmp_path / f"{number}.{suffix}", scene(3 * rate, number), codec, rate=rate) for number in range(2)]
    found = look(join(tmp_path / f"joined.{suffix}", *parts), **rule)
    wanted = taken if "every" not in rule else -(-found.frames // 5)
    assert 6 * rate - 2 <= found.frames <= 6 * rate
    assert wanted <= len(found.stamps) <= wanted + 1
    assert "times" in found.doubts[0]


def test_joined__three_parts_of_half_a_second(tmp_path: Path) -> None:
    parts = [encode(tmp_path / f"{number}.ts", scene(5, number), "libx264") for number in range(3)]
    assert len(look(join(tmp_path / "joined.ts", *parts), fps=10).stamps) == 15


def test_avi__has_decoding_times_alone(tmp_path: Path) -> None:
    found = look(encode(tmp_path / "a.avi", scene(30, 0), "libx264"), every=1)
    assert np.diff(found.stamps).tolist() == [1] * 29
    assert found.doubts == ()


def test_wrap__of_a_clock_of_33_bits(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.ts", scene(40, 0), "libx264", start=int((2**33 / 90000 - 2) * 10))
    assert len(look(path, fps=1).stamps) == 4


def test_key_frames__without_any_time_by_time(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.h264", scene(40, 0), "libx264")  # a key frame every half second
    assert len(look(path, keyframes=True).stamps) == 8
    assert len(look(path, keyframes=True, fps=1).stamps) >= 3


def test_times_that_are_far_too_short__are_said(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", scene(12, 0), stamps=[*range(0, 6), *range(6, 12)])
    assert look(path, fps=1).doubts == ()
    content = path.read_bytes()
    scale = b"\x2a\xd7\xb1\x83\x0f\x42\x40"
    assert scale in content
    path.write_bytes(content.replace(scale, b"\x2a\xd7\xb1\x83\x00\x03\xe8"))
    found = look(path, fps=1)
    assert (len(found.stamps), found.frames) == (1, 12)
    assert "12 frames last 1.1e-05 s; take them by their number, with --every" in found.doubts[0]
