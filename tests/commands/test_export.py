"""`ola export`: files for other programs, and sentences for what cannot be."""

from __future__ import annotations

import numpy as np

from tests.support.command import check_refusal, ola


def test_export__writes_a_shipped_module(tmp_path):
    path = tmp_path / "sd15.npz"
    result = ola("export", "sd15-decoder", "--to", "npz", "-o", path)
    assert "sd15.npz: sd15-decoder, 3" in result.output
    with np.load(path) as file:
        assert {"weights_0", "biases_0", "weights_1", "gain", "shift", "about"} <= {*file}


def test_export__names_what_there_is(tmp_path):
    check_refusal("no exporter 'papyrus'; there are .*npz", "export", "x", "--to", "papyrus", "-o", tmp_path / "x.npz")
    wrong = ("export", "sd15-decoder", "--to", "npz", "-o", tmp_path / "x.txt")
    check_refusal("the exporter npz writes .npz files; got 'x.txt'", *wrong)
