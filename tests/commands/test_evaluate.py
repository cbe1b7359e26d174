"""`ola eval`."""

import json

import pytest

from olacore.data.sample import sample_path
from tests.support.caption_samples import write_captioned
from tests.support.command import check_refusal, ola
from tests.support.set_samples import modules


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


def test_evaluate__takes_the_embeddings_of_a_text_module(tmp_path):
    text = modules()["text"]
    text.save(tmp_path / "text.safetensors")
    mean = modules()["mean"]
    mean.training.update(text_teacher="organic letters", text_sha256=text.digest)
    mean.save(tmp_path / "mean.safetensors")
    data = write_captioned(tmp_path / "data.h5")
    check_refusal("embeddings differ", "eval", tmp_path / "mean.safetensors", "--h5", data)
    given = ("--text-from", tmp_path / "text.safetensors", "--json")
    found = ola("eval", tmp_path / "mean.safetensors", "--h5", data, *given)
    assert "module" in json.loads(found.stdout)
