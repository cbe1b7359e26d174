"""Targets: which side of the bound a figure has to be on, and how they are shown."""

import pytest

from bench.common.targets import Target, targets_table


@pytest.mark.parametrize(
    ("least", "measured", "met"), [(True, 2.0, True), (True, 1.9, False), (False, 2.0, False), (False, 1.9, True)]
)
def test_met__on_its_side_of_the_bound(least, measured, met):
    assert Target("figure", 2.0, least, "", measured).met is met


def test_met__neither_nor_without_a_measurement():
    assert Target("figure", 2.0, True, "", None).met is None


@pytest.mark.parametrize("measured", [None, 3.0])
def test_from_dict__is_the_inverse_of_to_dict(measured):
    target = Target("figure", 2.0, True, "ms", measured)
    assert target.to_dict()["met"] is target.met
    assert Target.from_dict(target.to_dict()) == target


def test_targets_table__shows_bound_measurement_and_verdict():
    table = targets_table(
        [
            Target("rate", 2000.0, True, "GB/s", 8974.3),
            Target("time", 3, False, "ms", 4.0),
            Target("x", 1, True, "", None),
        ]
    )
    assert table.title == "Targets"
    assert table.rows == [
        ["rate", "at least 2000 GB/s", "8,974", "yes"],
        ["time", "below 3 ms", "4", "no"],
        ["x", "at least 1", "-", "not measured"],
    ]
