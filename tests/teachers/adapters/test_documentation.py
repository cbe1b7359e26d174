"""The recipes of `docs/plug-in.md` for diffusers and ComfyUI, each run as it stands there."""

import re
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers.utils import dynamic_modules_utils
from PIL import Image

from tests.support.command import ola
from tests.support.places import ROOT

PAGE = (ROOT / "docs" / "plug-in.md").read_text(encoding="utf-8")


def blocks(section: str) -> list[str]:
    """The code of a section, commands and programs."""
    text = re.split(r"\n## ", PAGE.partition(f"\n## {section}\n")[2])[0]
    return [block for _, block in re.findall(r"```(python)?\n(.*?)```", text, re.S)]


def run_command(block: str) -> None:
    """Run a command of the page."""
    program, *arguments = block.split()
    assert program == "ola"
    ola(*arguments)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dynamic_modules_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))


def test_document__a_pipeline_of_diffusers(pipeline_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = pipeline_of("sd15")
    pipe.vae = None
    asked = []
    monkeypatch.setattr(diffusers.StableDiffusionPipeline, "from_pretrained", lambda name: asked.append(name) or pipe)
    torch.manual_seed(0)
    exec(blocks("diffusers")[0], {})
    assert asked == ["stable-diffusion-v1-5/stable-diffusion-v1-5"]
    last, final = (np.asarray(Image.open(name), np.float32) for name in ("now.png", "fox.png"))
    assert final.shape == (64, 64, 3)
    assert np.abs(last - final).max() <= 8  # this scheduler ends at the noise of the first step of training


def test_document__a_folder_for_others() -> None:
    run_command(blocks("diffusers")[1])
    found: dict[str, Any] = {}
    exec(blocks("diffusers")[2], found)
    assert found["vae"].decode(torch.zeros(1, 4, 2, 2)).sample.shape == (1, 3, 16, 16)


def test_document__a_pack_for_comfyui() -> None:
    (command,) = blocks("ComfyUI")
    run_command(command)
    assert Path("ComfyUI/custom_nodes/olacore/__init__.py").exists()
