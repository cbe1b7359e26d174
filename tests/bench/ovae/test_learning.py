"""Backprop from least squares."""

import pytest

from bench.common.cells import Cells
from bench.ovae.backprop import Case, compare
from bench.ovae.learning import BATCH, batches, run_backprop
from bench.ovae.recipes import chosen
from olacore.search.config import TrainConfig
from tests.support.peer_makers import make_problem

pytestmark = pytest.mark.usefixtures("tiny")


def test_run_backprop__starts_at_least_squares_and_learns(done):
    pytest.importorskip("torch")
    workspace, *_ = done
    (recipe,) = chosen(["sd15-decoder"])
    value = compare(Case(recipe), 0, workspace, Cells(workspace.work / "cells"), str, ())
    assert value["best_rate"] is None
    assert value["ratio"] is None
    config = Case(recipe).config(workspace, 0)
    still = run_backprop(config, 1e-9, 0.02)["curve"][-1][1]
    assert still == pytest.approx(value["affine"], abs=0.02)
    assert run_backprop(config, 3e-3, 0.2)["curve"][-1][1] != pytest.approx(still, abs=1e-3)


@pytest.mark.parametrize(("chunks", "sizes"), [(1, [256]), (9, [BATCH, BATCH])])
def test_batches__are_whole(chunks, sizes):
    block = make_problem(rows=9 * 256).train.block(0, chunks)
    cut = list(batches(block, TrainConfig("decoder", ("d.h5",))))
    assert [len(inputs) for inputs, _, _ in cut] == sizes
    assert {len(part) for batch in cut for part in batch} == set(sizes)
