"""Threads of kernels, products and torch, which are given back."""

import sys

import numba
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from bench.common.threads import limit_threads


def blas_threads() -> set[int]:
    np.ones((2, 2)) @ np.ones((2, 2))
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_limit_threads__holds_kernels_and_products(monkeypatch):
    monkeypatch.setitem(sys.modules, "teachers.comparison.torch_kernels", None)
    before = numba.get_num_threads(), blas_threads()
    with limit_threads(1):
        assert numba.get_num_threads() == 1
        assert blas_threads() == {1}
    assert (numba.get_num_threads(), blas_threads()) == before


@pytest.mark.parametrize("held", [True, False])
def test_limit_threads__holds_torch_where_it_is_wanted(held):
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with limit_threads(1, torch=held):
            assert torch.get_num_threads() == (1 if held else 2)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
