"""Small codecs that everybody knows: a linear preview, principal components of patches, the mean of each block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from olacore.media.frames import to_pixels
from olacore.quality.protocols import EncodesPictures
from olacore.quality.reference.least_squares import TrainingPictures

# Rows of patches that are worked on at once.
BANDS = 64


@dataclass(frozen=True)
class LinearPreview:
    """Colours of the latent's sites as an affine map of its channels; the picture is these, enlarged.

    Parameters
    ----------
    weights : (3, C)
    biases : (3,) for levels in [-1, 1]
    factor : pixels along a side that a site stands for
    """

    weights: np.ndarray
    biases: np.ndarray
    factor: int = 8

    @classmethod
    def fit(cls, data: TrainingPictures, latents_of: EncodesPictures | None = None) -> LinearPreview:
        """Fit it by least squares to the mean colour of each patch."""
        size = data.channels + 1
        gram, products = np.zeros((size, size)), np.zeros((size, 3))
        for arrays in data.batches(latents_of):
            sites = np.moveaxis(arrays["latents"].astype(np.float64), 1, -1)
            sites = sites.reshape(-1, sites.shape[-1])
            wide = np.hstack([sites, np.ones((len(sites), 1))])
            colours = block_means(arrays["frames"], data.factor).reshape(-1, 3) / 127.5 - 1
            gram, products = gram + wide.T @ wide, products + wide.T @ colours
        solution = np.linalg.lstsq(gram, products, rcond=None)[0].T
        return cls(solution[:, :-1], solution[:, -1], data.factor)

    def small(self, latents: np.ndarray) -> np.ndarray:
        """Turn latents (m, C, h, w) into pictures (m, h, w, 3) uint8."""
        values = np.moveaxis(np.tensordot(self.weights, latents.astype(np.float64), (1, 1)), 0, -1)
        return to_pixels(values + self.biases)

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Turn latents (m, C, h, w) into pictures (m, 8h, 8w, 3) uint8, enlarged with a bicubic filter."""
        return enlarge(self.small(latents), self.factor)

    def nbytes(self) -> int:
        """Bytes of its numbers as float32."""
        return 4 * (self.weights.size + self.biases.size)


@dataclass(frozen=True)
class PatchComponents:
    """The main principal components of patches, as an encoder.

    Parameters
    ----------
    mean : (3 factor^2,) of patches, levels in [-1, 1]
    axes : (3 factor^2, C) orthonormal
    factor : pixels of a patch along a side
    """

    mean: np.ndarray
    axes: np.ndarray
    factor: int = 8

    @classmethod
    def fit(cls, data: TrainingPictures, channels: int) -> PatchComponents:
        """Find the components of the training patches that have the largest variance."""
        size = 3 * data.factor**2
        count, total, products = 0, np.zeros(size), np.zeros((size, size))
        for arrays in data.batches():
            patches = _patches(arrays["frames"], data.factor)
            flat = patches.reshape(-1, size).astype(np.float64)
            count, total, products = count + len(flat), total + flat.sum(0), products + flat.T @ flat
        mean = total / count
        _, axes = np.linalg.eigh(products / count - np.outer(mean, mean))
        return cls(mean.astype(np.float32), np.ascontiguousarray(axes[:, ::-1][:, :channels], np.float32), data.factor)

    def encode(self, pictures: np.ndarray) -> np.ndarray:
        """Turn pictures (m, H, W, 3) uint8 into latents (m, C, H/8, W/8) float32."""
        (m, height, width, _), factor = pictures.shape, self.factor
        out = np.empty((m, self.axes.shape[1], height // factor, width // factor), np.float32)
        for top in range(0, out.shape[2], BANDS):
            band = _patches(pictures[:, top * factor : (top + BANDS) * factor], factor) - self.mean
            out[:, :, top : top + BANDS] = np.moveaxis(band @ self.axes, -1, 1)
        return out

    def nbytes(self) -> int:
        """Bytes of its numbers as float32."""
        return 4 * (self.mean.size + self.axes.size)


@dataclass(frozen=True)
class BlockMeans:
    """The mean colour of each patch and nothing else: what colour alone reaches.

    Parameters
    ----------
    factor : pixels of a patch along a side
    """

    factor: int = 8

    def encode(self, pictures: np.ndarray) -> np.ndarray:
        """Turn pictures (m, H, W, 3) uint8 into mean colours (m, 3, H/8, W/8), levels 0 to 255."""
        return np.moveaxis(block_means(pictures, self.factor), -1, 1)

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Paint each patch in its colour."""
        colours = np.rint(np.moveaxis(latents, 1, -1)).astype(np.uint8)
        return colours.repeat(self.factor, 1).repeat(self.factor, 2)

    def nbytes(self) -> int:
        """Nothing has to be stored."""
        return 0


def block_means(pictures: np.ndarray, factor: int) -> np.ndarray:
    """Make pictures (m, H, W, 3) smaller by area: (m, H / factor, W / factor, 3) float64, levels as they were."""
    m, height, width, channels = pictures.shape
    rows = pictures.reshape(m, height // factor, factor, width, channels).sum(2, dtype=np.float64)
    return rows.reshape(m, height // factor, width // factor, factor, channels).sum(3) / factor**2


def enlarge(pictures: np.ndarray, factor: int) -> np.ndarray:
    """Make pictures (m, h, w, 3) uint8 larger with a bicubic filter."""
    from PIL import Image

    size = pictures.shape[2] * factor, pictures.shape[1] * factor
    return np.array([np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in pictures])


def _patches(pictures: np.ndarray, factor: int) -> np.ndarray:
    """Cut pictures (m, H, W, 3) into patches (m, H / factor, W / factor, 3 factor^2), levels in [-1, 1]."""
    m, height, width, _ = pictures.shape
    cut = pictures.reshape(m, height // factor, factor, width // factor, factor, 3).transpose(0, 1, 3, 2, 4, 5)
    return cut.reshape(m, height // factor, width // factor, -1) / np.float32(127.5) - 1
