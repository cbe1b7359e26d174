"""Small pipelines with an organic VAE, made once for all tests of a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DiffusionPipeline

from teachers.adapters.diffusers import OrganicVAE
from tests.support.pipeline_samples import save_sd, save_sd3, save_sdxl

SAVERS: dict[str, Callable[[Path], Path]] = {
    "sd15": save_sd,
    "sdxl": save_sdxl,
    "sd3": lambda folder: save_sd3(folder, channels=16),
}


@pytest.fixture(scope="module")
def pipeline_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Pipelines of families, each made once, with the organic VAE given to `from_pretrained`."""
    made: dict[str, Any] = {}

    def find(family: str) -> Any:
        if family not in made:
            folder = SAVERS[family](tmp_path_factory.mktemp(family))
            third = {"text_encoder_3": None, "tokenizer_3": None} if family == "sd3" else {}
            vae = OrganicVAE.from_pretrained(family)
            made[family] = DiffusionPipeline.from_pretrained(folder, vae=vae, **third)
            made[family].set_progress_bar_config(disable=True)
        return made[family]

    return find


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    """Networks so small are slower with several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
