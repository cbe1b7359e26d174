"""`ola export`: files for other programs, and sentences for what cannot be."""

from __future__ import annotations

import numpy as np

from tests.support.command import check_refusal, ola


def test_export__writes_a_shipped_module(tmp_path):
    path = tmp_path / "sd15.npz"
    result = ola("export", "sd15-decoder", "--to", "npz", "-o", path)
    assert "sd15.npz: sd15-decoder, " in result.output
    with np.load(path) as file:
        assert {"weights_0", "biases_0", "weights_1", "gain", "shift", "about"} <= {*file}


def test_export__says_how_much_was_written_and_not_what_else_is_in_a_folder(tmp_path, monkeypatch):
    (tmp_path / "mine").write_bytes(bytes(1 << 20))
    monkeypatch.chdir(tmp_path)
    check_refusal("already holds files; give --force", *(asked := ("export", "sd15-decoder")),
                  *(form := ("--to", "hub", "-o", ".")))  # fmt: skip
    result = ola(*asked, *form, "--force")
    written = sum(path.stat().st_size for path in tmp_path.iterdir() if path.name != "mine")
    assert f": sd15-decoder, {written:,} bytes" in result.output


def test_export__names_what_there_is(tmp_path):
    check_refusal("no exporter 'papyrus'; there are .*npz", "export", "x", "--to", "papyrus", "-o", tmp_path / "x.npz")
    wrong = ("export", "sd15-decoder", "--to", "npz", "-o", tmp_path / "x.txt")
    check_refusal("the exporter npz writes .npz files; got 'x.txt'", *wrong)
