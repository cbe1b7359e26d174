"""`ola eval`."""

import json

import pytest

from olacore.data.sample import sample_path
from tests.support.command import check_refusal, ola


def test_eval__gives_the_promised_json(run_folders):
    for module, keys in (("encoder", {"loss", "r2", "l2", "cosine", "cosine_centered"}), ("decoder", {"psnr"})):
        result = ola("eval", run_folders[module] / "module.safetensors", "--h5", sample_path(), "--json")
        figures = json.loads(result.output)
        assert {"module", "least_squares", "mean"} <= set(figures)
        for row in ("module", "least_squares", "mean"):
            assert keys <= set(figures[row])
        assert figures["mean"]["r2"] == pytest.approx(0, abs=0.2)


def test_eval__fits_the_baselines_anew_where_they_are_missing(run_folders, tmp_path):
    kept = run_folders["decoder"] / "module.safetensors"
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes(kept.read_bytes())
    beside = json.loads(ola("eval", kept, "--h5", sample_path(), "--json").output)
    fitted = json.loads(ola("eval", alone, "--h5", sample_path(), "--json").output)
    assert fitted == beside


def test_eval__refuses_what_is_no_module_and_no_data(folder):
    check_refusal("is no olacore module", "eval", "broken.png", "--h5", "data.h5")
    check_refusal("HDF5", "eval", "E", "--h5", "broken.png")
