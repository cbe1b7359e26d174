"""`ola inspect`."""

import json

import numpy as np
from safetensors.numpy import save_file

from olacore.data.sample import sample_path
from olacore.media.pictures import read_picture
from olacore.modules.latent_file import StoredLatent, write_latent
from olacore.modules.module import load
from tests.support.command import check_refusal, ola
from tests.support.makers import SPACE


def test_inspect__tells_every_kind_of_file(run_folders, tmp_path):
    folder = run_folders["encoder"]
    for name in ("z.npz", "z.npy"):
        write_latent(tmp_path / name, StoredLatent(np.zeros((4, 2, 3), np.float32), imitates=SPACE, size=(16, 20)))
    save_file({"latents": np.zeros((1, 4, 2, 3), np.float32)}, tmp_path / "z.safetensors")
    kinds = {
        sample_path(): "data set, frames and latents",
        folder / "module.safetensors": "module, encoder",
        folder / "checkpoint.safetensors": "checkpoint",
        folder / "baselines.safetensors": "baselines",
        folder: "run",
        tmp_path / "z.npz": "latent",
        tmp_path / "z.npy": "latent",
        tmp_path / "z.safetensors": "latent",
    }
    for path, kind in kinds.items():
        assert json.loads(ola("inspect", path, "--json").output)["kind"] == kind
        assert kind in ola("inspect", path).output
    facts = json.loads(ola("inspect", tmp_path / "z.npz", "--json").output)
    assert facts["imitates"]["fingerprint"] == SPACE.fingerprint
    assert (facts["makes"], facts["shape"], facts["picture"]) == (None, [4, 2, 3], [16, 20])


def test_inspect__draws_a_sheet(folder):
    ola("inspect", "data.h5", "--sheet", "sheet.png")
    assert read_picture(folder / "sheet.png").shape[2] == 3
    check_refusal("already there", "inspect", "data.h5", "--sheet", "sheet.png")
    ola("inspect", "data.h5", "--sheet", "sheet.png", "--force")


def test_inspect__of_a_set_that_is_shipped_is_a_page():
    printed = ola("inspect", "google64").stdout
    assert printed.count("\n") < 40
    assert "decoder: <Module: patch decoder of taesd3" in printed
    assert "Every map in it was evolved without gradients" in printed
    assert "## " not in printed
    assert "## Figures" in json.loads(ola("inspect", "google64", "--json").stdout)["card"]


def test_inspect__refuses_what_is_missing(folder):
    check_refusal("cannot read", "inspect", "missing.h5")
    check_refusal("the modules codec16-decoder, .*and the sets fluent3d, google64", "inspect", "gogle64")


def test_inspect__tells_what_an_onnx_file_reads_and_gives(tmp_path):
    ola("export", "sd15-decoder", "--to", "onnx", "-o", tmp_path / "d.onnx")
    facts = json.loads(ola("inspect", tmp_path / "d.onnx", "--json").stdout)
    assert (facts["kind"], facts["opset"]) == ("ONNX graph, decoder", 17)
    assert facts["reads"] == {"latents": "float (batch, 4, height, width)"}
    assert [*facts["gives"]] == ["pixels"]
    assert facts["run it with"].startswith("ONNX Runtime")
    assert facts["sha256"] == load("sd15-decoder").digest
    content = (tmp_path / "d.onnx").read_bytes()
    for bad in (b"", b"no graph", content[: len(content) // 2]):
        (tmp_path / "d.onnx").write_bytes(bad)
        check_refusal("d.onnx is no ONNX file, or damaged", "inspect", tmp_path / "d.onnx")
