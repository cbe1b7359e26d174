"""A VAE for diffusers as a folder: what is in it, that it loads without olacore, and what is refused."""

import ast
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import olacore
from olacore.errors import ConfigError, FingerprintError, OutputError, OutputExistsError
from olacore.exports.base import Part, export
from olacore.exports.diffusers_folder import WEIGHTS, class_file
from olacore.exports.given import load_parts
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.plain import Plain
from olacore.views.refining import Refiner
from tests.support.alone import run_without
from tests.support.command import check_refusal, ola
from tests.support.makers import make_module
from tests.support.pipeline_samples import save_sd
from tests.support.places import ROOT
from tests.support.stages import assert_stages

FILES = {"config.json", "diffusion_pytorch_model.safetensors", "organic_vae.py"}
# Everything in one process, since diffusers takes seconds to load.
ALONE = """
import torch, numpy
from diffusers import AutoModel, DiffusionPipeline
latents = torch.from_numpy(numpy.load("latents.npy"))
for name, dtype in (("whole", None), ("half", torch.float16)):
    vae = AutoModel.from_pretrained(name, trust_remote_code=True, torch_dtype=dtype)
    numpy.save(f"{name}.npy", vae.decode(latents).sample.detach().numpy())
    refiner, vae.decoder.refiner = vae.decoder.refiner, None
    numpy.save(f"{name} first.npy", vae.decode(latents).sample.detach().numpy())
    vae.decoder.refiner = refiner
    print(type(vae).__name__, vae.dtype, vae.encoder is None)
try:
    type(vae).from_pretrained("sd15")
except ValueError as error:
    print(error)
try:
    DiffusionPipeline.from_pretrained("pipeline")
except ValueError as error:
    print("trust_remote_code" in str(error))
pipe = DiffusionPipeline.from_pretrained("pipeline", trust_remote_code=True)
pipe.set_progress_bar_config(disable=True)
asked = dict(height=64, width=64, num_inference_steps=2)
picture = pipe("a cat", output_type="pt", generator=torch.Generator().manual_seed(0), **asked).images
latents = pipe("a cat", output_type="latent", generator=torch.Generator().manual_seed(0), **asked).images
expected = pipe.vae.decode(latents).sample.detach() / 2 + 0.5
print(type(pipe.vae).__name__, tuple(picture.shape), float((picture - expected).abs().max()) < 1e-5)
"""


def test_folders__load_where_olacore_is_not(tmp_path: Path) -> None:
    ola("export", "sd15-decoder", "--to", "diffusers", "-o", tmp_path / "whole")
    ola("export", "sd15-decoder", "--to", "diffusers", "-o", tmp_path / "half", "--option", "half=1")
    pipeline = save_sd(tmp_path)
    shutil.rmtree(pipeline / "vae")
    ola("export", "sd15-encoder", "sd15-decoder", "--to", "diffusers", "-o", pipeline / "vae")
    index = json.loads((pipeline / "model_index.json").read_text())
    (pipeline / "model_index.json").write_text(json.dumps(index | {"vae": ["organic_vae", "OrganicVAE"]}))
    given = np.random.default_rng(0).normal(size=(2, 4, 5, 7)).astype(np.float16).astype(np.float32)
    np.save(tmp_path / "latents.npy", given)
    assert run_without(("olacore", "teachers", "numba", "h5py"), ALONE, tmp_path).splitlines() == [
        "OrganicVAE torch.float32 True",
        "OrganicVAE torch.float16 True",
        "there is no folder 'sd15'; modules of that name come with olacore.",
        "True",
        "OrganicVAE (1, 3, 64, 64) True",
    ]
    # Where torch computes in float16, the second stage sums 256 numbers in it, and adds them to pixels in it.
    for name, most in (("whole", 1), ("half", 3)):
        answers = [np.load(tmp_path / f"{name}{stage}.npy").transpose(0, 2, 3, 1) for stage in (" first", "")]
        first, whole = (np.rint((answer + 1) * 127.5).astype(np.uint8) for answer in answers)
        assert_stages(olacore.load("sd15-decoder"), given, first, whole, most)
    assert (tmp_path / "half" / WEIGHTS).stat().st_size < 0.51 * (tmp_path / "whole" / WEIGHTS).stat().st_size


def test_file__imports_torch_and_diffusers_alone() -> None:
    names = set()
    for node in ast.walk(ast.parse(class_file())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module
            names.add(node.module.partition(".")[0])
    assert names == {"torch", "diffusers", "dataclasses", "importlib", "pathlib"}


def test_export__loads_no_torch(tmp_path: Path) -> None:
    code = """
from pathlib import Path
from olacore.exports.base import export
from olacore.exports.given import load_parts
import olacore.exports
export(load_parts(["sd15-encoder", "sd15-decoder"]), "diffusers", Path("vae"))
print(*{"torch", "diffusers", "teachers"} & {*sys.modules})
"""
    assert run_without((), f"sys.path.insert(0, {str(ROOT)!r})\n{code}", tmp_path) == "\n"
    assert {path.name for path in (tmp_path / "vae").iterdir()} == FILES


def test_folder__is_written_whole_and_replaced_by_force(tmp_path: Path) -> None:
    parts, folder = load_parts(["sd15-decoder"]), tmp_path / "vae"
    export(parts, "diffusers", folder)
    assert {path.name for path in folder.iterdir()} == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["vae"]
    with pytest.raises(OutputExistsError, match=r"vae already holds files; give --force"):
        export(parts, "diffusers", folder)
    (folder / "mine.txt").write_text("mine")
    before = (folder / "config.json").read_bytes()
    export(load_parts(["sd3-decoder"]), "diffusers", folder, force=True)
    assert (folder / "config.json").read_bytes() != before
    assert (folder / "mine.txt").read_text() == "mine"
    (tmp_path / "file").write_text("")
    for force in (False, True):
        with pytest.raises(OutputError, match="file: it is no folder"):
            export(parts, "diffusers", tmp_path / "file", force)
    with pytest.raises(OutputError, match=r"cannot write .*file/vae: "):
        export(parts, "diffusers", tmp_path / "file" / "vae")


def test_export__refuses_what_is_no_vae(tmp_path: Path) -> None:
    def refused(sentence: str, *modules: olacore.Module, error: type[Exception] = ConfigError) -> None:
        with pytest.raises(error, match=sentence):
            export([Part.of(f"m{k}", one) for k, one in enumerate(modules)], "diffusers", tmp_path / "x")
        assert not (tmp_path / "x").exists()

    refused("m0 is a plain module; convolutions that this form takes: patch en", make_module(Plain(5, 3), None))
    refused("m0 is a pixel refiner; convolutions that .* patch encoder, patch decoder", make_module(Refiner(), None))
    decoder = make_module(PatchDecoder(4, 8, 3))
    refused("a VAE has one encoder and one decoder, or one of them; m0 and m1 are of the same kind", decoder, decoder)
    refused("must agree in channels .*; got m0 16, 8, m1 4, 8", make_module(PatchEncoder(16, 8, 4), None), decoder)
    refused("a power of 2 as the pixels of a latent site; got 6", make_module(PatchDecoder(4, 6, 3), None))
    stranger = olacore.load("sd15-encoder")
    refused("latent spaces differ: m1 has .*someone/tiny.*, m0 has .*taesd", stranger, decoder, error=FingerprintError)
    refused("modules that the exporter diffusers takes at once: 1 to 2; got 3 .m0, m1, m2.", decoder, decoder, decoder)
    check_refusal("has no option 'half_'", "export", "sd15-decoder", "--to", "diffusers", "-o", tmp_path / "x",
                  "--option", "half_=1")  # fmt: skip
