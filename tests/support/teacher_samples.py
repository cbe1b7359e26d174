"""A small random teacher of each kind, as files."""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, AutoencoderTiny
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


def build_kl(seed: int = 0, **settings: Any) -> AutoencoderKL:
    """A small random model with distribution, 1/8 size, 4 channels."""
    torch.manual_seed(seed)
    small = {
        "block_out_channels": (8, 8, 8, 8),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "latent_channels": 4,
    }
    return AutoencoderKL(**(small | settings)).eval()


def save_kl(folder: Path, model: AutoencoderKL) -> Path:
    """Save it in the hub's layout."""
    model.save_pretrained(folder)
    return folder


def to_old_names(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename weights to the layout of the original latent-diffusion code, matrices as 1 x 1 convolutions.

    Written the other way round than the converter, from the original code's own module tree.
    """
    old = {}
    for level in range(4):
        for part, new, their in (("encoder", "down_blocks", "down"), ("decoder", "up_blocks", "up")):
            theirs = level if part == "encoder" else 3 - level
            old[f"{part}.{new}.{level}.resnets."] = f"{part}.{their}.{theirs}.block."
            old[f"{part}.{new}.{level}.downsamplers.0."] = f"{part}.{their}.{theirs}.downsample."
            old[f"{part}.{new}.{level}.upsamplers.0."] = f"{part}.{their}.{theirs}.upsample."
    for part in ("encoder", "decoder"):
        old[f"{part}.mid_block.resnets.0."] = f"{part}.mid.block_1."
        old[f"{part}.mid_block.resnets.1."] = f"{part}.mid.block_2."
        old[f"{part}.mid_block.attentions.0."] = f"{part}.mid.attn_1."
        old[f"{part}.conv_norm_out."] = f"{part}.norm_out."
    inside = {
        "conv_shortcut.": "nin_shortcut.",
        "attn_1.group_norm.": "attn_1.norm.",
        "attn_1.to_out.0.": "attn_1.proj_out.",
        **{f"attn_1.to_{letter}.": f"attn_1.{letter}." for letter in "qkv"},
    }
    renamed = {}
    for name, weight in weights.items():
        matrix = "attentions" in name and weight.ndim == 2
        for new, their in (*old.items(), *inside.items()):
            name = name.replace(new, their)
        renamed[name] = weight[:, :, None, None] if matrix else weight
    return renamed
