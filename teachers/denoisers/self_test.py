"""Proof that a denoiser was loaded right: it takes noise away from the latents of real pictures."""

from __future__ import annotations

import numpy as np

from olacore.errors import FileFormatError
from teachers.autoencoders.self_test import proof_pictures
from teachers.denoisers.denoiser import DenoiserTeacher
from teachers.protocol import Encoder

# Of the noise's mean square: what a whole network leaves at this level. One that answers nothing leaves all of it.
SIGMA, LEFT = 1.0, 0.7


def prove(teacher: DenoiserTeacher, encoder: Encoder, source: object) -> None:
    """Add noise to latents of real pictures, and see how much of it goes.

    Parameters
    ----------
    encoder : the pipeline's autoencoder
    source : what errors call the pipeline

    Raises
    ------
    FileFormatError  if more noise is left than a trained network leaves
    """
    clean = encoder.encode(proof_pictures())
    noise = np.random.default_rng(0).standard_normal(clean.shape).astype(np.float32)
    sigmas, captions = np.full(len(clean), SIGMA), np.array(["a photograph"] * len(clean))
    found = teacher.answer({"latents": clean, "captions": captions, "sigmas": sigmas, "noise": noise})["answers"]
    left = float(np.mean((found - clean) ** 2)) / SIGMA**2
    if left > LEFT:
        raise FileFormatError(
            f"{source} leaves {left:.2f} of the noise in latents of real pictures, {LEFT} at most is expected of a "
            "trained network; take the model's own files, or give --no-self-test."
        )
