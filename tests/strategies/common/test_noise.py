"""Noise on the inputs of a block."""

from __future__ import annotations

import numpy as np
import pytest

from olacore.blocks import Block, rows_of
from olacore.kernels.layout import CHUNK, empty_packed, pack_rows
from olacore.search.train import train
from olacore.strategies.common.noise import noisy
from tests.support.makers import JIT, make_config, module_bytes, threads, write_plain


def block(rows: int) -> Block:
    rng = np.random.default_rng(0)
    packed = empty_packed(rows, 3)
    pack_rows(rng.standard_normal((rows, 3)).astype(np.float32), packed)
    return Block(packed, np.zeros((2, rows), np.float32))


@pytest.mark.parametrize("rows", [CHUNK, 2 * CHUNK + 5])
def test_noise__has_its_spread_and_leaves_the_block_as_it_was(rows: int) -> None:
    before = block(rows)
    found, again, later = (noisy(before, 0.5, 7, generation) for generation in (3, 3, 4))
    np.testing.assert_array_equal(before.inputs, block(rows).inputs)
    np.testing.assert_array_equal(found.inputs, again.inputs)
    assert not np.array_equal(found.inputs, later.inputs)
    moved = rows_of(found)[0] - rows_of(before)[0]
    assert moved.std() == pytest.approx(0.5, rel=0.1)
    assert not found.inputs[-1, :, rows % CHUNK or CHUNK :].any()
    assert found.targets is before.targets
    assert noisy(before, 0.0, 7, 3) is before


@pytest.mark.skipif(not JIT, reason="too many products without the JIT")
@pytest.mark.parametrize("strategy", ["stack", "wide"])
def test_train__with_noise_is_another_search_of_equal_bytes(tmp_path, strategy: str) -> None:
    write_plain(tmp_path / "p.h5")
    settings = {"strategy": strategy, "stack": 6, "generations": 4}
    for name, noise, count in (("a", 0.2, 2), ("b", 0.2, 1), ("none", 0.0, 2)):
        options = {"noise": noise} | ({"width": 2.0} if strategy == "wide" else {})
        with threads(count):
            train(make_config(tmp_path / "p.h5", tmp_path / name, options=options, **settings))
    assert module_bytes(tmp_path / "a") == module_bytes(tmp_path / "b") != module_bytes(tmp_path / "none")
