"""What the network of each family of pipelines is told beside the noisy latent: the prompt, and more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

# What a network is called with, by name, beside its sample and the time step.
Condition = dict[str, Any]


@dataclass(frozen=True)
class Family:
    """How one family of pipelines is asked.

    Parameters
    ----------
    name : for people
    network : the pipeline's attribute: unet or transformer
    sample : what that network calls the noisy latent
    condition : turns a pipeline, a prompt and the pixels' side into the network's other arguments
    sampling : what such a pipeline has to be told when it makes pictures, beside the usual
    """

    name: str
    network: str
    sample: str
    condition: Callable[[Any, str, int], Condition]
    sampling: Mapping[str, Any] = field(default_factory=dict)


def _sd(pipeline: Any, prompt: str, side: int) -> Condition:
    states, _ = pipeline.encode_prompt(prompt, pipeline._execution_device, 1, False)
    return {"encoder_hidden_states": states}


def _lcm(pipeline: Any, prompt: str, side: int) -> Condition:
    condition = _sd(pipeline, prompt, side)
    width = pipeline.unet.config.time_cond_proj_dim
    if width:
        # The guidance that a consistency model has learnt is part of its input; 8 is what its pipelines take.
        weights = torch.full((1,), GUIDANCE_LEARNT - 1.0)
        condition["timestep_cond"] = pipeline.get_guidance_scale_embedding(weights, embedding_dim=width)
    return condition


def _sdxl(pipeline: Any, prompt: str, side: int) -> Condition:
    states, _, pooled, _ = pipeline.encode_prompt(
        prompt, device=pipeline._execution_device, num_images_per_prompt=1, do_classifier_free_guidance=False
    )
    if not prompt and pipeline.config.get("force_zeros_for_empty_prompt"):
        # What the pipeline itself takes for guidance.
        states, pooled = torch.zeros_like(states), torch.zeros_like(pooled)
    # Original size, corner of the crop, target size: a whole picture of the size asked for.
    ids = torch.tensor([[side, side, 0, 0, side, side]], dtype=states.dtype, device=states.device)
    return {"encoder_hidden_states": states, "added_cond_kwargs": {"text_embeds": pooled, "time_ids": ids}}


def _sd3(pipeline: Any, prompt: str, side: int) -> Condition:
    states, _, pooled, _ = pipeline.encode_prompt(
        prompt=prompt, prompt_2=None, prompt_3=None, do_classifier_free_guidance=False
    )
    return {"encoder_hidden_states": states, "pooled_projections": pooled}


def _pixart(pipeline: Any, prompt: str, side: int) -> Condition:
    states, mask, _, _ = pipeline.encode_prompt(prompt, do_classifier_free_guidance=False)
    added: Condition = {"resolution": None, "aspect_ratio": None}
    if getattr(pipeline.transformer, "use_additional_conditions", False):
        sides, ratio = torch.tensor([[side, side]], dtype=states.dtype), torch.ones(1, 1, dtype=states.dtype)
        added = {"resolution": sides.to(states.device), "aspect_ratio": ratio.to(states.device)}
    return {"encoder_hidden_states": states, "encoder_attention_mask": mask, "added_cond_kwargs": added}


GUIDANCE_LEARNT = 8.0
_SD = Family("SD 1 and 2", "unet", "sample", _sd)
_SDXL = Family("SDXL", "unet", "sample", _sdxl)
# The size asked for as it is, and the caption as it is.
_AS_GIVEN = {"use_resolution_binning": False, "clean_caption": False}
_PIXART = Family("PixArt", "transformer", "hidden_states", _pixart, _AS_GIVEN)
# By the class that a pipeline's `model_index.json` names.
FAMILIES = {
    "StableDiffusionPipeline": _SD,
    "StableDiffusionXLPipeline": _SDXL,
    "LatentConsistencyModelPipeline": Family("LCM", "unet", "sample", _lcm),
    "StableDiffusion3Pipeline": Family("SD 3", "transformer", "hidden_states", _sd3),
    "PixArtAlphaPipeline": _PIXART,
    "PixArtSigmaPipeline": _PIXART,
}
