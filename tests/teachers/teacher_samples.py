"""A small random teacher, and photographs for it."""

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from diffusers import AutoencoderTiny
from PIL import Image
from safetensors.torch import save_file

from olacore.data import LatentSpace


def save_model(folder: Path, seed: int = 0, **settings: Any) -> Path:
    """A model in the hub's layout, 1/8 size, 4 channels in 4 small stages."""
    torch.manual_seed(seed)
    narrow, short = (4, 4, 4, 4), (1, 1, 1, 1)
    small = {
        "encoder_block_out_channels": narrow,
        "decoder_block_out_channels": narrow,
        "num_encoder_blocks": short,
        "num_decoder_blocks": short,
    }
    model = AutoencoderTiny(**(small | settings))
    folder.mkdir()
    config = {"_class_name": "AutoencoderTiny"} | {k: v for k, v in model.config.items() if k[0] != "_"}
    (folder / "config.json").write_text(json.dumps(config))
    save_file(model.state_dict(), folder / "diffusion_pytorch_model.safetensors")
    return folder


def save_photographs(folder: Path, count: int, height: int = 40, width: int = 56) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"photo{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    return paths


class MeanTeacher:
    """A teacher without a network: every site of a latent is its patch's mean colour, and then zero."""

    space = LatentSpace("tests/mean", "ab" * 32, scaling=1.0, shift=0.0, channels=4)
    batch = 1
    settings: ClassVar[dict[str, Any]] = {}

    def encode(self, frames: np.ndarray) -> np.ndarray:
        n, height, width, _ = frames.shape
        patches = frames.reshape(n, height // 8, 8, width // 8, 8, 3) / 127.5 - 1
        colours = patches.mean((2, 4)).transpose(0, 3, 1, 2)
        return np.concatenate([colours, 0 * colours[:, :1]], 1).astype(np.float32)

    def decode(self, latents: np.ndarray) -> np.ndarray:
        pixels = np.rint((latents[:, :3].astype(np.float32) + 1) * 127.5).astype(np.uint8)
        return pixels.repeat(8, 2).repeat(8, 3).transpose(0, 2, 3, 1)
