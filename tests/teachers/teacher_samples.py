"""A small random teacher of each kind, as files."""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny
from safetensors.torch import save_file


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
