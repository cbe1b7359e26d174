"""Least squares as encoders and decoders, and what they are fitted to."""

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import DataError
from olacore.quality.baselines import fit_to_data
from olacore.quality.reference.least_squares import LeastSquares, TrainingPictures, spread
from olacore.views.patch import PatchDecoder, PatchEncoder
from tests.support.makers import make_module, smooth_pictures, write_pictures


@pytest.fixture
def data(tmp_path):
    with open_dataset([write_pictures(tmp_path / "d.h5", (20, 4, 4), (40, 32))]) as dataset:
        yield TrainingPictures(dataset, dataset.indices("train"), dataset.indices("validation"))


def test_least_squares__encodes_what_is_affine(data):
    view = PatchEncoder(4, border=0)
    fitted = LeastSquares.fit(data, view)
    rows = data.dataset.read(("frames", "latents"), data.dataset.indices("held-out"))
    made = fitted.encode(rows["frames"])
    truth = rows["latents"].astype(np.float32)
    assert made.shape == truth.shape
    # The noise of the latents has a spread of 0.1.
    assert np.sqrt(((made - truth) ** 2).mean()) < 0.2
    assert fitted.nbytes() == 4 * (4 * 192 + 4 + 2 * 192 + 2 * 4)


def test_least_squares__equals_the_baseline_of_a_module_of_its_shape(data):
    view = PatchEncoder(4, border=0)
    items = {split: data.dataset.indices(split) for split in ("train", "validation")}
    fitted = LeastSquares.fit(data, view)
    baseline = fit_to_data(data.dataset, view, fitted.scaling, items, seed=0)
    assert fitted.fitted.rows == baseline.rows
    assert fitted.fitted.weights == pytest.approx(baseline.weights, abs=1e-4)


def test_least_squares__decodes_better_than_the_mean(data):
    fitted = LeastSquares.fit(data, PatchDecoder(4))
    rows = data.dataset.read(("frames", "latents"), data.dataset.indices("held-out"))
    frames = rows["frames"].astype(float)
    made = fitted.decode(rows["latents"])
    assert made.dtype == np.uint8
    assert ((made - frames) ** 2).mean() < 0.6 * frames.var()


def test_least_squares__on_the_latents_of_an_encoder_are_fitted_to_those(data):
    encoder = make_module(PatchEncoder(4, border=0), seed=3)
    view = PatchDecoder(4, window=1)
    frames = data.dataset.read(("frames",), data.dataset.indices("held-out"))["frames"]
    latents = encoder.encode(frames).astype(np.float16)
    errors = [
        ((LeastSquares.fit(data, view, source).decode(latents) - frames.astype(float)) ** 2).mean()
        for source in (encoder, None)
    ]
    assert errors[0] < errors[1]


def test_least_squares__of_a_large_picture_is_the_same_in_pieces(data, monkeypatch):
    encoder = LeastSquares.fit(data, PatchEncoder(4, border=4))
    decoder = LeastSquares.fit(data, PatchDecoder(4))
    frames = smooth_pictures(2, 40, 48)
    latents = encoder.encode(frames)
    pictures = decoder.decode(latents.astype(np.float16))
    monkeypatch.setattr("olacore.modules.kinds.base.ROWS_AT_ONCE", 7)
    assert encoder.encode(frames) == pytest.approx(latents, abs=1e-5)
    difference = np.abs(decoder.decode(latents.astype(np.float16)).astype(int) - pictures)
    assert difference.max() <= 1


def test_training_pictures__need_both_parts(data):
    with pytest.raises(DataError, match="fitted to training and validation pictures; the data lack one"):
        TrainingPictures(data.dataset, data.train, np.empty(0, np.int64))


def test_training_pictures__are_thinned_where_there_are_too_many(data, monkeypatch):
    monkeypatch.setattr("olacore.quality.reference.least_squares.MOST_ROWS", 5 * 20)
    assert sum(len(arrays["frames"]) for arrays in data.batches()) == 5


def test_spread__keeps_both_ends():
    assert spread(np.arange(10, 21), 3).tolist() == [10, 15, 20]
    assert spread(np.arange(2), 5).tolist() == [0, 1]
