"""What a network leaves of held-out latents at each noise level beside closed forms, and the sheet of its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from olacore.media.canvas import fit, grid
from teachers.autoencoders.network import NetworkTeacher
from teachers.comparison.wiener import TextMean, Wiener, share_left
from teachers.small_pipeline.pipeline import Pipeline, encode_captions
from teachers.small_pipeline.settings import Rows
from teachers.small_pipeline.training import clean_latents

# Standard deviations of the noise in the scaled latent space.
LEVELS = (4.0, 2.0, 1.0, 0.5)
# Rows of a part on the sheet, the pictures made for each, and how.
SHOWN, SEEDS, STEPS, GUIDANCE = 3, (0, 1), 20, 2.0
CELL = 128


class Ruler:
    """Measures denoisers on rows: the training rows' mean leaves 1.

    Parameters
    ----------
    train : the training rows
    """

    def __init__(self, train: Rows) -> None:
        self.mean = train.flat.mean(0)
        deviations = np.maximum(train.latents.std((0, 2, 3), dtype=np.float64), 1e-12)
        self.deviations = np.repeat(deviations, train.latents[0, 0].size)

    def left(self, found: np.ndarray, rows: Rows) -> float:
        """What is left of rows, by what was found for them, (n, ...)."""
        return share_left(found.reshape(len(rows), -1), rows.flat, self.mean, self.deviations)


def noisy_latents(rows: Rows, sigma: float, seed: int = 0) -> np.ndarray:
    """Latents with noise of a level, (n, C, h, w) float32: the same for every denoiser."""
    noise = np.random.default_rng((seed, round(1000 * sigma))).standard_normal(rows.latents.shape)
    return rows.latents + (sigma * noise).astype(np.float32)


def network_left(pipeline: Pipeline, rows: Rows, ruler: Ruler, plain: bool = False) -> dict[str, float]:
    """What the network leaves at each level, with the captions or without."""
    states, places = encode_captions(pipeline, rows.captions)
    told = states[torch.zeros_like(places) if plain else places]
    return {
        f"{sigma:g}": ruler.left(clean_latents(pipeline, noisy_latents(rows, sigma), sigma, told), rows)
        for sigma in LEVELS
    }


def compare(pipeline: Pipeline, train: Rows, parts: Mapping[str, Rows]) -> dict[str, dict[str, dict[str, float]]]:
    """What the network and the closed forms leave of each part at each level; the latter learn the training rows.

    Returns
    -------
    for each part and denoiser, what is left by level
    """
    ruler = Ruler(train)
    wiener = Wiener.fit(train.flat)
    text = TextMean.fit(train.embeddings, train.flat, wiener.basis)
    # A training row's own latent must not tell its mean, or the text would seem surer than it is.
    told = wiener.around(train.flat[text.rows], text.left_out)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, rows in parts.items():
        means = text.of(rows.embeddings)
        noisy = {sigma: noisy_latents(rows, sigma).reshape(len(rows), -1) for sigma in LEVELS}
        found[name] = {
            "network": network_left(pipeline, rows, ruler),
            "network, no caption": network_left(pipeline, rows, ruler, plain=True),
            "Wiener": {f"{sigma:g}": ruler.left(wiener.clean(noisy[sigma], sigma), rows) for sigma in LEVELS},
            "Wiener with text": {
                f"{sigma:g}": ruler.left(told.clean(noisy[sigma], sigma, means), rows) for sigma in LEVELS
            },
            "text alone": dict.fromkeys((f"{sigma:g}" for sigma in LEVELS), ruler.left(means, rows)),
        }
    return found


def draw_samples(pipeline: Pipeline, vae: NetworkTeacher, parts: Mapping[str, Rows]) -> np.ndarray:
    """The sheet: prompts of each part, the true latent decoded, and what the pipeline makes of the prompt.

    Returns
    -------
    (height, width, 3) uint8
    """
    pictures: list[Sequence[np.ndarray]] = []
    labels: list[str] = []
    for name, rows in parts.items():
        for number in np.unique(np.linspace(0, len(rows) - 1, min(SHOWN, len(rows))).round().astype(np.int64)):
            caption = rows.captions[number]
            made = [draw(pipeline, caption, seed) for seed in SEEDS]
            true = vae.decode(rows.latents[number : number + 1])[0]
            pictures.append([fit(picture, CELL, CELL, smooth=False) for picture in (true, *made)])
            labels.append(f"{name}: {caption}")
    return grid(pictures, ["true latent", *(f"seed {seed}" for seed in SEEDS)], labels, CELL)


def draw(pipeline: Pipeline, prompt: str, seed: int) -> np.ndarray:
    """One picture (H, W, 3) uint8 of the pipeline itself."""
    generator: Any = torch.Generator().manual_seed(seed)
    made = pipeline(
        prompt, num_inference_steps=STEPS, guidance_scale=GUIDANCE, generator=generator, output_type="np"
    ).images[0]
    return np.clip(np.rint(255 * made), 0, 255).astype(np.uint8)
