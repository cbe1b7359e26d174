"""A small random pipeline of each family, as a folder."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    PixArtAlphaPipeline,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import AutoTokenizer, CLIPTextModel, CLIPTextModelWithProjection, T5EncoderModel

from teachers.comparison.torch_kernels import torch_threads
from tests.support.teacher_samples import build_kl
from tests.support.text_samples import save_clip, save_t5, save_tokenizer

UNET = {
    "sample_size": 8,
    "block_out_channels": (8, 16),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": 4,
}
# Of SD's schedulers, which clip nothing.
LINE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "steps_offset": 1,
}


def one_thread() -> AbstractContextManager[None]:
    """Networks so small are slower with several threads, on a busy machine much slower."""
    return torch_threads(1)


def _unet(width: int, **more: Any) -> UNet2DConditionModel:
    torch.manual_seed(7)
    return UNet2DConditionModel(**(UNET | {"cross_attention_dim": width} | more)).eval()


def _text(folder: Path, name: str = "clip", known: Sequence[str] = (), **told: Any) -> tuple[Any, Any]:
    save_tokenizer(save_clip(folder / name, **told), 20, known)
    model = CLIPTextModelWithProjection if "projection" in told else CLIPTextModel
    return model.from_pretrained(folder / name).eval(), AutoTokenizer.from_pretrained(folder / name)


def save_sd(folder: Path, prediction: str = "epsilon", known: Sequence[str] = ()) -> Path:
    """SD 1 or 2; its tokenizer spells, or knows some words."""
    text, words = _text(folder / "made", known=known)
    scheduler = DDIMScheduler(**LINE, prediction_type=prediction)
    StableDiffusionPipeline(
        vae=build_kl(),
        text_encoder=text,
        tokenizer=words,
        unet=_unet(16),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "pipeline")
    return folder / "pipeline"


def save_lcm(folder: Path) -> Path:
    """LCM."""
    text, words = _text(folder / "made")
    LatentConsistencyModelPipeline(
        vae=build_kl(),
        text_encoder=text,
        tokenizer=words,
        unet=_unet(16, time_cond_proj_dim=8),
        scheduler=LCMScheduler(**LINE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "pipeline")
    return folder / "pipeline"


def save_sdxl(folder: Path) -> Path:
    """SDXL."""
    text, words = _text(folder / "made")
    text_2, words_2 = _text(folder / "made", "clip_2", seed=1, width=32, projection=24)
    unet = _unet(
        48,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=24 + 6 * 8,
    )
    StableDiffusionXLPipeline(
        vae=build_kl(),
        text_encoder=text,
        text_encoder_2=text_2,
        tokenizer=words,
        tokenizer_2=words_2,
        unet=unet,
        scheduler=DDIMScheduler(**LINE),
    ).save_pretrained(folder / "pipeline")
    return folder / "pipeline"


def save_sd3(folder: Path, channels: int = 4) -> Path:
    """SD 3, without its third text encoder, of so many channels."""
    text, words = _text(folder / "made", projection=16)
    text_2, words_2 = _text(folder / "made", "clip_2", seed=1, projection=16)
    torch.manual_seed(7)
    transformer = SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=channels,
        num_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=32,
        caption_projection_dim=16,
        pooled_projection_dim=32,
        out_channels=channels,
        pos_embed_max_size=16,
    ).eval()
    StableDiffusion3Pipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=build_kl(shift_factor=0.1, latent_channels=channels),
        text_encoder=text,
        tokenizer=words,
        text_encoder_2=text_2,
        tokenizer_2=words_2,
        text_encoder_3=None,
        tokenizer_3=None,
    ).save_pretrained(folder / "pipeline")
    return folder / "pipeline"


def save_pixart(folder: Path) -> Path:
    """PixArt."""
    save_tokenizer(save_t5(folder / "made/t5"), 40)
    torch.manual_seed(7)
    transformer = PixArtTransformer2DModel(
        sample_size=8,
        patch_size=2,
        in_channels=4,
        out_channels=8,
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=8,
        cross_attention_dim=16,
        caption_channels=16,
        use_additional_conditions=False,
    ).eval()
    PixArtAlphaPipeline(
        tokenizer=AutoTokenizer.from_pretrained(folder / "made/t5"),
        text_encoder=T5EncoderModel.from_pretrained(folder / "made/t5").eval(),
        vae=build_kl(),
        transformer=transformer,
        scheduler=DPMSolverMultistepScheduler(beta_start=0.0001, beta_end=0.02, beta_schedule="linear"),
    ).save_pretrained(folder / "pipeline")
    return folder / "pipeline"


FAMILIES: dict[str, Callable[[Path], Path]] = {
    "sd": save_sd,
    "sd velocity": lambda folder: save_sd(folder, "v_prediction"),
    "lcm": save_lcm,
    "sdxl": save_sdxl,
    "sd3": save_sd3,
    "pixart": save_pixart,
}
