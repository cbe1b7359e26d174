"""The picture's mean colour as a predictor of the latent's mean."""

import numpy as np
import pytest

from bench.studies.global_view import mean_colour_figures
from olacore.data import open_dataset
from olacore.media.frames import spatial_mean
from tests.support.makers import write_pictures


def test_mean_colour__is_least_squares_on_three_numbers(tmp_path):
    write_pictures(tmp_path / "a.h5")
    with open_dataset([tmp_path / "a.h5"]) as dataset:
        held_out = dataset.read(("frames", "latents"), dataset.indices("held-out"))
        train = dataset.read(("frames", "latents"), dataset.indices("train"))
        latents = spatial_mean(held_out["latents"])
        mean = latents.mean(0)
        figures = mean_colour_figures(dataset, mean)
    x, seen = (
        np.hstack([rows["frames"].mean((1, 2)), np.ones((len(rows["frames"]), 1))]) for rows in (train, held_out)
    )
    weights = np.linalg.pinv(x) @ spatial_mean(train["latents"])
    errors, spread = seen @ weights - latents, latents - mean
    assert figures["r2"] == pytest.approx(1 - (errors**2).sum() / (spread**2).sum(), abs=1e-3)
