"""Cases that are bound by arithmetic."""

import numpy as np
import pytest

from bench.speed.compute_cases import codec_cases, genome_cases, product_cases, trial_cases, unit_cases
from tests.support.bench_samples import TINY_SIZE


@pytest.mark.parametrize("cases", [product_cases, trial_cases, unit_cases, genome_cases])
def test_cases__run_and_say_their_work(cases):
    made = list(cases(TINY_SIZE))
    assert len({case.name for case in made}) == len(made) >= 3
    for case in made:
        case.action()
        assert case.work > 0
        # What holds no product of its own is compared with copying, and says what it moves.
        assert (case.traffic is None) == (cases is product_cases)
        assert case.traffic is None or np.isfinite(case.traffic)


def test_codec_cases__run_and_count_two_operations_a_weight_and_site():
    for case in codec_cases(8):
        case.action()
        inputs, units, outputs = (int(part) for part in case.shape.split(",")[0].split("-"))
        assert case.work == 2 * 8 * (inputs * units + (inputs + units) * outputs)


def test_product_cases__count_two_operations_a_weight_and_sample():
    works = {case.name: case.work for case in product_cases(TINY_SIZE)}
    assert works["score_population"] == works["multiply_packed"] == TINY_SIZE.flops
    assert works["append_layer"] == TINY_SIZE.flops / TINY_SIZE.pop
