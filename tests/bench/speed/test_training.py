"""Training end to end: the data set, and what is read off the log."""

import pytest

from bench.speed.training import SPACE, Log, Plan, resident_bytes, training_row, write_random
from olacore.data import open_dataset
from olacore.search.observers import Advanced, Reported
from olacore.strategies import Report


def test_training_row__measures_between_the_first_line_and_the_last(tmp_path):
    path = tmp_path / "data"
    path.touch()
    log = Log(path, seconds=4.0)

    def never():
        raise AssertionError("a module was made")

    assert not log.is_over()
    for second in range(5):
        log(Advanced(1 + second, 100 * (1 + second), Report(1.0, 1.0, 0)))
        line = {"seconds": 10.0 + second, "samples": 100 * (1 + second), "waited": 7.0 + 0.1 * second}
        log(Reported(line, never))
    assert log.is_over()
    row = training_row("encoder", log, Plan(pictures=33, side=16, intervals=4), 2)
    assert row.value == pytest.approx(100)
    assert row.repeats == 4
    assert row.shares["waiting"] == pytest.approx(0.1)
    assert row.shares["passes"] == 500 / 4


def test_write_random__keeps_pictures_back_for_both_other_splits(tmp_path):
    path = write_random(tmp_path / "random.h5", Plan(pictures=40, side=16))
    with open_dataset([path]) as dataset:
        assert dataset.complete
        assert dataset.space == SPACE
        assert [len(dataset.indices(split)) for split in ("train", "validation", "held-out")] == [8, 16, 16]


def test_resident_bytes__is_what_the_system_tells():
    assert resident_bytes() == 0 or resident_bytes() > 1 << 20
