"""What the pages show of diffusers and ComfyUI, each run as it stands there."""

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers.utils import dynamic_modules_utils
from PIL import Image

from tests.support.documents import blocks, run

PROGRAM, COMMAND, LOADING = blocks("docs/plug-in.md", "diffusers")
IN_A_PIPELINE = {
    "README": blocks("README.md", "In a pipeline of diffusers"),
    "plug-in": [PROGRAM],
    "tutorial": [
        *blocks("docs/tutorials/diffusers.md", "Decode by a module"),
        *blocks("docs/tutorials/diffusers.md", "Previews, with the pipeline's own autoencoder"),
    ],
}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dynamic_modules_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))


@pytest.mark.parametrize("page", IN_A_PIPELINE)
def test_document__a_pipeline_of_diffusers(page: str, pipeline_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = pipeline_of("sd15")
    pipe.vae = None
    asked = []
    monkeypatch.setattr(diffusers.StableDiffusionPipeline, "from_pretrained", lambda name: asked.append(name) or pipe)
    torch.manual_seed(0)
    names: dict[str, object] = {}
    for block in IN_A_PIPELINE[page]:
        run(block, names)
    assert asked == ["stable-diffusion-v1-5/stable-diffusion-v1-5"]
    last, final = (np.asarray(Image.open(name), np.float32) for name in ("now.png", "fox.png"))
    assert final.shape == (64, 64, 3)
    assert np.abs(last - final).max() <= 8  # this scheduler ends at the noise of the first step of training


def test_document__a_folder_for_others() -> None:
    run(COMMAND)
    found = run(LOADING)
    vae: Any = found["vae"]
    assert vae.decode(torch.zeros(1, 4, 2, 2)).sample.shape == (1, 3, 16, 16)


def test_document__a_pack_for_comfyui() -> None:
    (command,) = blocks("docs/plug-in.md", "ComfyUI")
    Path("ComfyUI/custom_nodes").mkdir(parents=True)
    run(command)
    assert Path("ComfyUI/custom_nodes/olacore/__init__.py").exists()
