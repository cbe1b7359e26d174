"""The batch that fits a card's memory."""

import pytest
import torch

from teachers.autoencoders.device import CPU_BATCH, LARGE_BATCH, batch_for, fitting_batch

GIB = 1 << 30


@pytest.mark.parametrize(
    ("total", "picture", "batch"),
    [
        (80 * GIB, GIB // 2, 32),
        (80 * GIB, 4 << 20, 64),
        (8 * GIB, 2 * GIB, 1),
        (8 * GIB, 20 * GIB, 1),
        (24 * GIB, GIB, 8),
    ],
)
def test_fitting_batch__a_power_of_two_within_a_share_of_the_card(total: int, picture: int, batch: int) -> None:
    assert fitting_batch(total, 335 << 20, picture) == batch


def test_batch_for__a_cpu_depends_on_the_network_alone() -> None:
    def never() -> int:
        raise AssertionError

    assert batch_for(torch.device("cpu"), 1_000_000, never) == CPU_BATCH
    assert batch_for(torch.device("cpu"), 84_000_000, never) == LARGE_BATCH
