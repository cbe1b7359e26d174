"""The pack for ComfyUI: its nodes where neither ComfyUI nor olacore is, and what is written and refused."""

import ast
import json
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

import olacore
from olacore.errors import ConfigError
from olacore.exports.base import Part, export
from olacore.exports.comfyui import legal_text
from olacore.exports.given import load_parts
from olacore.spaces import FAMILIES
from olacore.version import __version__
from olacore.views.plain import Plain
from tests.support.alone import run_without
from tests.support.command import ola
from tests.support.makers import make_module, smooth_pictures
from tests.support.places import ROOT
from tests.support.stages import assert_stages

SIZE = (24, 40)
ALONE = """
import json, numpy, torch
from types import SimpleNamespace
import comfy_stubs
args, approximate, shown = comfy_stubs.install()
told = {}
with torch.inference_mode():  # as ComfyUI runs its nodes
    nodes = comfy_stubs.load_pack("pack")
    told["nodes"] = {
        name: [[[one.id, one.io_type] for one in node.define_schema().inputs],
               [one.io_type for one in node.define_schema().outputs]]
        for name, node in nodes.items()
    }
    told["families"] = nodes["OlacoreDecode"].define_schema().inputs[1].options
    arrays = {}
    for name in told["families"]:
        given = {key: torch.from_numpy(value) for key, value in numpy.load(f"{name}.npz").items()}
        samples = {"samples": given["raw"]}
        arrays[f"{name} decoded"] = nodes["OlacoreDecode"].execute(samples=samples, family=name).result[0]
        made = nodes["OlacoreEncode"].execute(pixels=given["pixels"], family=name).result[0]
        arrays[f"{name} encoded"] = made["samples"]
        (vae,) = nodes["OlacoreVAELoader"].execute(family=name).result
        arrays[f"{name} VAE decoded"] = vae.decode(given["raw"])
        vae.first_stage_model.decoder.refiner = None
        arrays[f"{name} first"] = vae.decode(given["raw"])
        arrays[f"{name} VAE encoded"] = vae.encode(given["pixels"])
        told[f"{name} VAE"] = [vae.downscale_ratio, vae.upscale_ratio, vae.latent_channels, vae.output_channels]
    try:
        nodes["OlacoreDecode"].execute(samples={"samples": torch.zeros(1, 16, 2, 2)}, family="sd15")
    except ValueError as error:
        told["wrong"] = str(error)

import latent_preview
wrapped = latent_preview.get_previewer
comfy_stubs.load_pack("pack")
told["idempotent"] = latent_preview.get_previewer is wrapped

def model(decoder):
    inner = SimpleNamespace(latent_format=SimpleNamespace(taesd_decoder_name=decoder))
    return comfy_stubs.ModelPatcher(inner, torch.device("cpu"), torch.device("cpu"))

def show(one, name="sd15", steps=3):
    shown.clear()
    comfy_stubs.sampled(one, torch.from_numpy(numpy.load(f"{name}.npz")["scaled"]), steps)
    return [None if picture is None else [*picture[1].size, picture[0], picture[2]] for picture in shown]

for name, decoder in (("sd15", "taesd_decoder"), ("sdxl", "taesdxl_decoder"), ("sd3", "taesd3_decoder")):
    told[f"{name} shown"] = show(model(decoder), name)
    arrays[f"{name} shown"] = torch.from_numpy(numpy.asarray(shown[-1][1]).copy())
plain, switch = model("taesd_decoder"), nodes["OlacorePreview"].execute
told["every 2"] = show(switch(model=plain, on=True, every=2).result[0])
told["off"] = show(switch(model=plain, on=False, every=1).result[0])
told["unchanged"] = show(plain)
told["stranger"] = show(model("taef1_decoder"))
video = torch.from_numpy(numpy.load("sd15.npz")["scaled"])[:, :, None].expand(-1, -1, 5, -1, -1)
shown.clear()
comfy_stubs.sampled(plain, video, 1)
told["frames"] = shown[0][1].size
args.preview_method = "none"
told["none"] = show(switch(model=plain, on=True, every=1).result[0])
args.preview_method, approximate[:] = "taesd", ["taesd_decoder.safetensors"]
told["taesd"] = type(latent_preview.get_previewer("cpu", plain.model.latent_format)).__name__
told["taesd overruled"] = show(switch(model=plain, on=True, every=1).result[0])
told["found"] = sorted({"diffusers", "numba"} & {*sys.modules} - {name for name, one in sys.modules.items() if not one})
numpy.savez("found.npz", **{key: value.float().numpy() for key, value in arrays.items()})
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, Any]]:
    """What the pack says, what it computes, and what it was given."""
    folder = tmp_path_factory.mktemp("comfy")
    ola("export", "--to", "comfyui", "-o", folder / "pack")
    shutil.copy(ROOT / "tests" / "support" / "comfy_stubs.py", folder)
    given: dict[str, Any] = {}
    rng = np.random.default_rng(0)
    for name, family in FAMILIES.items():
        channels = 16 if name == "sd3" else 4
        scaled = rng.normal(size=(2, channels, 3, 5)).astype(np.float16).astype(np.float32)
        pictures = smooth_pictures(2, *SIZE)
        given[name] = scaled, pictures
        raw = scaled / np.float32(family.scaling) + np.float32(family.shift)
        np.savez(folder / f"{name}.npz", raw=raw, scaled=scaled, pixels=(pictures / 255).astype(np.float32))
    said = run_without(("olacore", "teachers", "numba", "h5py", "diffusers"), ALONE, folder)
    with np.load(folder / "found.npz") as found:
        return json.loads(said), {**found}, given


def test_nodes__take_and_give_what_they_say(run: Any) -> None:
    assert run[0]["families"] == ["sd15", "sd3", "sdxl"]
    assert run[0]["nodes"] == {
        "OlacoreDecode": [[["samples", "LATENT"], ["family", "COMBO"]], ["IMAGE"]],
        "OlacoreEncode": [[["pixels", "IMAGE"], ["family", "COMBO"]], ["LATENT"]],
        "OlacoreVAELoader": [[["family", "COMBO"]], ["VAE"]],
        "OlacorePreview": [[["model", "MODEL"], ["on", "BOOLEAN"], ["every", "INT"]], ["MODEL"]],
    }


@pytest.mark.filterwarnings("ignore:the latents lie")
@pytest.mark.parametrize("name", FAMILIES)
def test_nodes__compute_what_the_modules_do(name: str, run: Any) -> None:
    _, found, given = run
    (scaled, pictures), family = given[name], FAMILIES[name]
    decoder = olacore.load(f"{name}-decoder")
    decoded = decoder.decode(scaled).astype(np.float32)
    latents = olacore.load(f"{name}-encoder").encode(pictures)
    for who in ("", "VAE "):
        first, whole = (np.rint(found[f"{name} {what}"] * 255).astype(np.uint8) for what in ("first", f"{who}decoded"))
        assert_stages(decoder, scaled, first, whole)
        again = (found[f"{name} {who}encoded"] - family.shift) * family.scaling
        np.testing.assert_allclose(again, latents, atol=0.01)  # weights are float16
    assert np.abs(found[f"{name} shown"] - decoded[0]).max() <= 1
    assert run[0][f"{name} VAE"] == [8, 8, scaled.shape[1], 3]


def test_wrong_family__is_refused_in_a_sentence(run: Any) -> None:
    assert run[0]["wrong"] == (
        "latents of sd15 are (batch, 4, height, width); got (1, 16, 2, 2): choose the family of the model that they "
        "come from."
    )


def test_previews__are_whole_pictures_where_previews_are_shown(run: Any) -> None:
    told, whole, small = run[0], [40, 24, "JPEG", 512], [5, 3, "JPEG", 512]
    assert all(told[f"{name} shown"] == [whole] * 3 for name in FAMILIES)
    assert told["every 2"] == [whole, None, whole]
    assert told["off"] == [small] * 3
    assert told["unchanged"] == [whole] * 3  # the switch made a copy
    assert told["stranger"] == [small] * 3
    assert told["frames"] == [40, 24]
    assert told["none"] == [None] * 3
    assert (told["taesd"], told["taesd overruled"]) == ("TAESDPreviewerImpl", [whole] * 3)
    assert told["idempotent"]
    assert told["found"] == []


def test_pack__is_complete_and_small(tmp_path: Path) -> None:
    ola("export", "--to", "comfyui", "-o", tmp_path / "pack", "--option", "publisher=a\\b\"c",
        "--option", "repository=https://example.org/pack")  # fmt: skip
    names = {path.name for path in (tmp_path / "pack").iterdir()}
    code = {"__init__.py", "convolutions.py", "families.py", "nodes.py", "preview.py"}
    assert names == code | {"LICENSE", "NOTICE", "README.md", "pyproject.toml", "sd15.safetensors", "sd3.safetensors",
                            "sdxl.safetensors"}  # fmt: skip
    assert sum(path.stat().st_size for path in (tmp_path / "pack").iterdir()) < 3_000_000
    project = tomllib.loads((tmp_path / "pack" / "pyproject.toml").read_text())
    assert (project["project"]["version"], project["project"]["dependencies"]) == (__version__, [])
    assert re.fullmatch(r"[a-z0-9-]{1,99}", project["project"]["name"])
    assert "comfyui" not in project["project"]["name"]
    assert (project["tool"]["comfy"]["PublisherId"], project["project"]["urls"]["Repository"]) == (
        'a\\b"c', "https://example.org/pack"
    )  # fmt: skip
    for name in ("LICENSE", "NOTICE"):
        assert (tmp_path / "pack" / name).read_text() == legal_text(name) == (ROOT / name).read_text()
    imported = set()
    for name in code:
        for node in ast.walk(ast.parse((tmp_path / "pack" / name).read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module).partition(".")[0])
    assert imported - sys.stdlib_module_names == {"torch", "safetensors", "PIL", "comfy", "comfy_api", "latent_preview"}


def test_pack__holds_the_modules_that_are_named(tmp_path: Path) -> None:
    export(load_parts(["sd3-decoder"]), "comfyui", tmp_path / "pack")
    assert [path.stem for path in (tmp_path / "pack").glob("*.safetensors")] == ["sd3"]
    with safe_open(tmp_path / "pack" / "sd3.safetensors", "np") as file:
        settings = json.loads(file.metadata()["olacore"])
    assert (settings["encoder_border"], settings["scaling"], settings["shift"]) == (None, 1.5305, 0.0609)
    assert settings["modules"] == {"sd3-decoder": olacore.load("sd3-decoder").digest}
    with pytest.raises(ConfigError, match="ComfyUI has no use for codec4-decoder: its latents are of codec4-encoder"):
        export(load_parts(["codec4-decoder"]), "comfyui", tmp_path / "x")
    with pytest.raises(ConfigError, match="no use for m: its latents are private, or unknown"):
        export([Part.of("m", make_module(Plain(5, 3), None))], "comfyui", tmp_path / "x")
    with pytest.raises(ConfigError, match="sd15-decoder and sd15-decoder are of the same kind"):
        export(load_parts(["sd15-decoder", "sd15-decoder"]), "comfyui", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_export__loads_no_torch(tmp_path: Path) -> None:
    code = f"""
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
import olacore.exports
from olacore.exports.base import export
export([], "comfyui", Path("pack"))
print(*{{"torch", "teachers", "comfy_api"}} & {{*sys.modules}})
"""
    assert run_without((), code, tmp_path) == "\n"
