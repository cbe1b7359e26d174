"""Plans of videos: the order and the squares of the rows, and the memory that they take."""

import tracemalloc
from pathlib import Path

import numpy as np

from olacore.media.find import Input
from teachers.collect.crops import PictureRule
from teachers.collect.plan import make_plan
from teachers.collect.survey import Finding

FILM = Input(Path("film.mkv"), "video")


def finding(digest: str, stamps: list[int], scenes: list[int]) -> Finding:
    sizes = np.full((len(stamps), 2), (40, 56), np.int32)
    return Finding(digest, sizes, np.array(stamps, np.int64), np.array(scenes, np.int32), len(stamps))


def test_plan__rows_follow_the_files_and_their_time_across_scenes() -> None:
    rule = PictureRule(size=16, crops=3)
    given = {"ab": ([0, 10, 20, 30], [0, 1, 0, 1]), "cd": ([5, 7], [0, 0])}
    plan = make_plan(
        [FILM, Input(Path("other.mkv"), "video")], [finding(name, *what) for name, what in given.items()], rule
    )
    expected = [
        (first + scene, stamp, top, left, side, side)
        for first, (name, (stamps, scenes)) in zip((0, 2), given.items(), strict=True)
        for stamp, scene in zip(stamps, scenes, strict=True)
        for top, left, side in rule.squares(f"{name} {stamp}", 40, 56)
    ]
    assert plan.rows.tolist() == expected
    assert [source.name for source in plan.sources] == ["film.mkv scene 1", "film.mkv scene 2", "other.mkv scene 1"]


def test_plan__takes_little_memory_a_row() -> None:
    count = 20_000
    found = finding("ab", [*range(count)], [0] * count)
    tracemalloc.start()
    try:
        make_plan([FILM], [found], PictureRule(size=16))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A row of the plan has 28 bytes, and is copied a few times; as Python objects it took 350 or more.
    assert peak < 240 * count
