"""The pipeline around the network: an ordinary `StableDiffusionPipeline`, made of the data's own teachers.

Its text encoder and tokenizer are the text teacher's, and the network attends to the states of the tokens, as in every
pipeline of that class. The pooled embedding of the data, one vector, has no ordinary form there: a text encoder that
gives it would be a class of our own, which nobody else could load. Attention to the tokens contains it, since an even
attention is a mean. Training takes the states from `encode_prompt` of this very pipeline: padded to one length, the
padding masked within the text encoder and not in the network, the empty prompt in place of those left out.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.utils import logging as diffusers_logging

from olacore.errors import ConfigError, FingerprintError, OutputError
from olacore.spaces import LatentSpace, require_same
from teachers.autoencoders.hub import CONFIG, WEIGHTS, find_model
from teachers.autoencoders.load import load_teacher
from teachers.autoencoders.network import NetworkTeacher
from teachers.options import LoadOptions
from teachers.small_pipeline.settings import Rows, Settings
from teachers.text.encoder import TextTeacher
from teachers.text.load import load_text_teacher

# Of diffusers, which does not tell the types of its parts.
Pipeline = Any
INDEX = "model_index.json"
# The noise of Stable Diffusion: levels 0.03 to 14.6. With latents of about unit variance and a predicted velocity, what
# the network is fed and has to answer has unit variance at every level.
NOISE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "timestep_spacing": "trailing",
    "prediction_type": "v_prediction",
}
LOWEST, LEAST, GROUPS = 4, 32, 8
# Tokens are padded to a multiple.
TOKENS = 8
# Captions that are encoded at once, and rows whose embeddings are compared.
AT_ONCE, COMPARED = 64, 4
# Of one embedding and the same one computed elsewhere.
ROUNDING = 1e-3


def build_network(settings: Settings, channels: int, side: int, states: int) -> UNet2DConditionModel:
    """The network with random weights of the settings' seed: attention at all resolutions but the highest.

    Parameters
    ----------
    channels, side : of the latents
    states : of a token, E
    """
    levels, low = 1, side
    while low % 2 == 0 and low > LOWEST:
        levels, low = levels + 1, low // 2
    narrow = min(LEAST, settings.width)
    widths = [max(settings.width >> down, narrow) // 16 * 16 for down in reversed(range(levels))]
    crossed = [level > 0 or levels == 1 for level in range(levels)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return UNet2DConditionModel(
            sample_size=side,
            in_channels=channels,
            out_channels=channels,
            block_out_channels=tuple(widths),
            down_block_types=tuple("CrossAttnDownBlock2D" if cross else "DownBlock2D" for cross in crossed),
            up_block_types=tuple("CrossAttnUpBlock2D" if cross else "UpBlock2D" for cross in reversed(crossed)),
            layers_per_block=settings.layers,
            norm_num_groups=GROUPS,
            attention_head_dim=settings.heads,
            cross_attention_dim=states,
            dropout=settings.dropout,
        )


def load_vae(reference: str, space: LatentSpace, options: LoadOptions) -> NetworkTeacher:
    """Load the autoencoder that made the latents.

    Raises
    ------
    FingerprintError  if it is another one
    ConfigError  if pipelines have no form for it: its folder is not given, or its latents are shifted
    """
    files = find_model(reference, options.offline)
    if files.config is None or files.weights.name != WEIGHTS:
        raise ConfigError(f"--vae takes a folder or hub id with {CONFIG} and {WEIGHTS}; {reference} is none.")
    vae = load_teacher(reference, options)
    require_same("--vae", vae.space, "the data", space, then="give the autoencoder that made the latents")
    if np.any(space.shift) or np.ndim(space.scaling):
        raise ConfigError(f"the pipeline knows one scaling and no shift; the latents of {space.maker} have others.")
    assert isinstance(vae, NetworkTeacher)
    return vae


def load_text(reference: str, rows: Rows, options: LoadOptions) -> TextTeacher:
    """Load the text teacher whose embeddings the data have.

    Raises
    ------
    FingerprintError  if it gives other embeddings
    ConfigError  if it has several networks
    """
    text = load_text_teacher(reference, options)
    if len(text.parts) != 1:
        raise ConfigError(f"a small teacher takes one text encoder; {reference} has {len(text.parts)}.")
    captions, wanted = rows.captions[:COMPARED], rows.embeddings[:COMPARED]
    found = text.answer({"captions": np.array(captions)})["embeddings"]
    if found.shape != wanted.shape or np.abs(found - wanted).max() > ROUNDING * np.abs(wanted).max():
        raise FingerprintError(
            f"--text-teacher {reference} gives other embeddings than the data have of {captions[0]!r}; "
            "give the one that they were made with."
        )
    return text


def network_config(text: TextTeacher) -> Any:
    """The configuration of the text teacher's only network."""
    network: Any = text.parts[0].network
    return network.config


def build_pipeline(
    network: UNet2DConditionModel, vae: NetworkTeacher, text: TextTeacher, captions: Sequence[str]
) -> Pipeline:
    """Put the parts together.

    Parameters
    ----------
    captions : the longest of them decides how many tokens a prompt is padded to, and cut at
    """
    part = text.parts[0]
    if part.pads:
        length = part.length
    else:
        longest = max(len(ids) for ids in part.tokenizer([*captions, ""], truncation=False, verbose=False)["input_ids"])
        length = min(-(-longest // TOKENS) * TOKENS, part.length)
    part.tokenizer.model_max_length = length
    network_config(text).use_attention_mask = not part.pads
    pipeline: Pipeline = StableDiffusionPipeline(
        vae=vae.model,
        text_encoder=part.network,
        tokenizer=part.tokenizer,
        unet=network,
        scheduler=DDIMScheduler(**NOISE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@torch.no_grad()
def encode_captions(pipeline: Pipeline, captions: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """What the pipeline tells its network of each caption.

    Returns
    -------
    states (u, T, E) float16 of each different caption, the empty one first, and which of them each caption is, (n,)
    """
    places = {"": 0}
    for caption in captions:
        places.setdefault(caption, len(places))
    names = [*places]
    parts = [
        pipeline.encode_prompt(names[first : first + AT_ONCE], "cpu", 1, False)[0].half()
        for first in range(0, len(names), AT_ONCE)
    ]
    return torch.cat(parts), torch.tensor([places[caption] for caption in captions], dtype=torch.int64)


def save_pipeline(pipeline: Pipeline, vae: str, folder: Path, options: LoadOptions) -> None:
    """Write the pipeline's folder, each file in one step and the index last; the autoencoder's files as they are.

    Parameters
    ----------
    vae : its reference; its weights keep their bytes, and the latent space its fingerprint

    Raises
    ------
    OutputError  if it cannot be written
    """
    try:
        with tempfile.TemporaryDirectory(prefix=".pipeline-", dir=folder) as made:
            with quiet():
                pipeline.save_pretrained(made)
            files = find_model(vae, options.offline)
            assert files.config is not None
            shutil.copyfile(files.config, Path(made) / "vae" / CONFIG)
            shutil.copyfile(files.weights, Path(made) / "vae" / WEIGHTS)
            found = [path.relative_to(made) for path in sorted(Path(made).rglob("*")) if path.is_file()]
            for path in sorted(found, key=lambda path: path.name == INDEX):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                os.replace(Path(made) / path, folder / path)  # noqa: PTH105
    except OSError as error:
        raise OutputError(f"cannot write the pipeline {folder}: {error.strerror or error}.") from error


@contextmanager
def quiet() -> Any:
    """Without what diffusers says of parts that pipelines of that class do not have as a rule, and its bars."""
    before = diffusers_logging.get_verbosity()
    diffusers_logging.set_verbosity_error()
    try:
        yield
    finally:
        diffusers_logging.set_verbosity(before)


def described(settings: Settings, pipeline: Pipeline) -> str:
    """One line about the network."""
    count = sum(weight.numel() for weight in pipeline.unet.parameters())
    widths = json.dumps(pipeline.unet.config.block_out_channels)
    return f"{count / 1e6:.2f} M parameters, channels {widths}, {pipeline.tokenizer.model_max_length} tokens"
