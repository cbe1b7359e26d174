"""The linear preview, principal components of patches, and block means."""

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.quality.reference.least_squares import TrainingPictures
from olacore.quality.reference.simple import BlockMeans, LinearPreview, PatchComponents, block_means, enlarge
from tests.support.makers import smooth_pictures, write_pictures


@pytest.fixture
def data(tmp_path):
    with open_dataset([write_pictures(tmp_path / "d.h5", (12, 2, 2), (32, 40))]) as dataset:
        yield TrainingPictures(dataset, dataset.indices("train"), dataset.indices("validation"))


class MeanColours:
    """An encoder whose latents are the mean colours, scaled and mixed."""

    mix = np.array([[0.5, 0.1, 0], [0, 1, 0.2], [0.3, 0, 2], [1, 1, 1]])

    def encode(self, pictures: np.ndarray) -> np.ndarray:
        return (
            np.moveaxis(block_means(pictures, 8) / 127.5 - 1, -1, 1)
            .transpose(0, 2, 3, 1)
            .dot(self.mix.T)
            .transpose(0, 3, 1, 2)
        )


def test_linear_preview__finds_colours_that_are_in_the_latents(data):
    encoder = MeanColours()
    preview = LinearPreview.fit(data, encoder)
    pictures = smooth_pictures(2, 32, 48, seed=5)
    latents = encoder.encode(pictures)
    # Latents are fitted as float16.
    assert preview.small(latents).astype(float) == pytest.approx(block_means(pictures, 8), abs=1)
    assert preview.decode(latents).shape == pictures.shape
    assert preview.nbytes() == 4 * (12 + 3)
    assert preview.factor == 8


def test_linear_preview__is_fitted_to_the_latents_of_the_data(data):
    preview = LinearPreview.fit(data)
    rows = data.dataset.read(("frames", "latents"), data.train)
    colours = block_means(rows["frames"], 8)
    error = ((preview.small(rows["latents"]) - colours) ** 2).mean()
    assert error < 0.7 * colours.var()


def test_patch_components__are_orthonormal_and_find_the_variance(data):
    found = PatchComponents.fit(data, 4)
    assert found.axes.T @ found.axes == pytest.approx(np.eye(4), abs=1e-5)
    frames = data.dataset.read(("frames",), data.train)["frames"]
    latents = found.encode(frames)
    assert latents.shape == (12, 4, 4, 5)
    variances = latents.var((0, 2, 3))
    assert (np.diff(variances) <= 0).all()
    patches = frames.reshape(12, 4, 8, 5, 8, 3).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 192) / 127.5 - 1
    singular = np.linalg.svd(patches - patches.mean(0), compute_uv=False)[:4]
    assert variances == pytest.approx(singular**2 / len(patches), rel=1e-3)
    assert latents.mean((0, 2, 3)) == pytest.approx(np.zeros(4), abs=1e-3)


def test_patch_components__work_in_bands(data, monkeypatch):
    found = PatchComponents.fit(data, 3)
    frames = smooth_pictures(1, 72, 16)
    whole = found.encode(frames)
    monkeypatch.setattr("olacore.quality.reference.simple.BANDS", 2)
    assert found.encode(frames) == pytest.approx(whole, abs=1e-6)


def test_block_means__paint_each_block_in_its_mean():
    pictures = smooth_pictures(2, 16, 24)
    codec = BlockMeans()
    back = codec.decode(codec.encode(pictures))
    assert back.shape == pictures.shape
    assert (back[1, 8:16, 16:24] == np.rint(pictures[1, 8:16, 16:24].mean((0, 1)))).all()
    assert codec.nbytes() == 0


def test_enlarge__keeps_a_flat_picture():
    flat = np.full((2, 3, 4, 3), 77, np.uint8)
    assert np.array_equal(enlarge(flat, 4), np.full((2, 12, 16, 3), 77, np.uint8))
