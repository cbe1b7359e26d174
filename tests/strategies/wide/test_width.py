"""How the width of units is found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from olacore.strategies.wide.width import MOST, climb, lowest


@pytest.mark.parametrize("at_once", [1, 2, 4, 8])
@pytest.mark.parametrize("start", [0.5, 3.0, 40.0])
def test_climb__finds_the_lowest_place_between_the_numbers_it_tries(start: float, at_once: int) -> None:
    tried = climb(lambda numbers: [(np.log(number) - np.log(3.7)) ** 2 for number in numbers], start, 2.0, at_once)
    assert next(iter(tried)) == min(tried, key=lambda number: abs(np.log(number / 3.7)))
    assert lowest(tried) == pytest.approx(3.7)


def test_climb__tries_one_after_the_other_unless_several_take_no_longer() -> None:
    def asked(at_once: int) -> list[list[float]]:
        found: list[list[float]] = []

        def losses_of(numbers: Sequence[float]) -> list[float]:
            found.append([*numbers])
            return [abs(np.log2(number) - 4) for number in numbers]

        climb(losses_of, 2.0, 2.0, at_once)
        return found

    assert asked(1) == [[2, 4], [8], [16], [32]]
    assert asked(4) == [[2, 4, 1, 8], [16, 32, 64, 128]]


def test_climb__ends_where_the_loss_falls_for_ever() -> None:
    assert len(climb(lambda numbers: [-number for number in numbers], 2.0, 2.0)) == MOST + 2


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_climb__ends_at_the_first_valley_however_many_are_tried_at_once(at_once: int) -> None:
    valleys = dict(enumerate([6.0, 5.0, 4.0, 3.0, 3.5, 2.0, 1.0, 0.0, 0.0, 0.0], 1))
    tried = climb(lambda numbers: [valleys.get(int(np.log2(number)), 9.0) for number in numbers], 2.0, 2.0, at_once)
    assert next(iter(tried)) == 16
    assert max(tried) == 32


@pytest.mark.parametrize("at_once", [1, 2, 8])
def test_climb__tries_nothing_that_is_too_wide(at_once: int) -> None:
    tried = climb(lambda numbers: [-number for number in numbers], 2.0, 4.0, at_once)
    assert max(tried) == next(iter(tried)) == 8192


def test_lowest__at_the_end_of_what_was_tried_is_that_end() -> None:
    assert lowest({2.0: 1.0, 4.0: 2.0}) == 2.0
    assert lowest(climb(lambda numbers: [1.0] * len(numbers), 2.0, 2.0)) == 2.0


def test_lowest__of_numbers_that_are_not_evenly_apart() -> None:
    assert lowest({number: (np.log(number) - np.log(0.6)) ** 2 for number in (1.0, 0.1, 2.5)}) == pytest.approx(0.6)
