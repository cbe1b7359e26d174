"""Cases that move bytes rather than multiply."""

from functools import partial

import pytest

from bench.speed.memory_cases import (
    gather_cases,
    layout_cases,
    population_cases,
    random_cases,
    retina_cases,
    window_cases,
    word_cases,
)
from tests.support.bench_samples import TINY_SIZE

MAKERS = {
    "random": partial(random_cases, TINY_SIZE),
    "population": partial(population_cases, TINY_SIZE),
    "layout": partial(layout_cases, TINY_SIZE),
    "gather": partial(gather_cases, 5),
    "window": partial(window_cases, 1),
    "retina": partial(retina_cases, 1),
    "words": partial(word_cases, 2),
}


@pytest.mark.parametrize("name", MAKERS)
def test_cases__run_and_say_what_they_move(name):
    made = list(MAKERS[name]())
    assert len({case.name for case in made}) == len(made)
    for case in made:
        case.action()
        assert case.work > 0
        assert case.traffic is not None
        assert case.traffic > 0
