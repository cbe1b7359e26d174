"""The captions that a set was trained on: which are nearest to a prompt, and how near."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from olacore.errors import FileFormatError
from olacore.foreign.tensors import read_safetensors
from olacore.text.table import unit

WHAT, MAKER = "file of captions", "`ola bundle`"
LEVELS, NEAREST = 127, 8
# How far below a seen caption's cosine a prompt leans on captions most, which share of the way to them that is, and how
# much less one that is less like it counts. Of validation concepts of google64 and fluent3d 3 and 2 % are copies then,
# 3 and 4 % by all the way; their detail is 0.59 and 0.58 of the true pictures', and their energy 0.96 and 0.99.
OVER, MOST, SHARP = 0.01, 0.9, 300.0
# With variety: how many of the likest captions a prompt may lean on, and by how much chance moves the logarithms of
# their weights at variety 1; above the most, by no more. Of validation concepts of google64 the spread over seeds is
# 0.40, of fluent3d 0.42, at 20 it is 0.37 and 0.41.
AMONG, SCATTER, MOST_VARIETY = 16, 30.0, 1000.0
NAMES = ("texts", "vectors", "scales", "basis")


def chance_of(seed: int, count: int) -> np.ndarray:
    """Standard Gumbel numbers of a seed for all captions, (count,) float64; not the numbers that latents get as noise.

    Every caption has its own, so that prompts differ in theirs.
    """
    return np.random.Generator(np.random.Philox(seed).jumped()).gumbel(size=count)


def ranked(likeness: np.ndarray) -> np.ndarray:
    """The places of captions from the likest on, (n,); those that are as like stay in their order."""
    return np.argsort(-likeness, kind="stable")


@dataclass(frozen=True)
class Captions:
    """Training captions, and the directions of their embeddings.

    Parameters
    ----------
    texts : (bytes,) uint8, UTF-8 with a line feed between captions
    vectors : (n, k) int8
    scales : (n,) float16; a row of `vectors` times its scale is the direction of the embedding in the basis
    basis : (k, E) float16, orthonormal rows
    """

    texts: np.ndarray
    vectors: np.ndarray
    scales: np.ndarray
    basis: np.ndarray

    @classmethod
    def of(cls, texts: list[str], embeddings: np.ndarray, size: int) -> Captions:
        """Keep captions with the `size` components of their embeddings (n, E) that hold most."""
        from threadpoolctl import threadpool_limits

        units = unit(embeddings.astype(np.float64))
        with threadpool_limits(1, user_api="blas"):
            _, axes = np.linalg.eigh(units.T @ units)
            basis = np.ascontiguousarray(axes[:, ::-1][:, :size].T, np.float16)
            vectors = unit(units @ basis.astype(np.float64).T)
        scales = (np.abs(vectors).max(1) / LEVELS).astype(np.float16)
        levels = np.rint(vectors / np.maximum(scales, np.float16(1e-6)).astype(float)[:, None])
        lines = "\n".join(text.replace("\n", " ") for text in texts)
        return cls(np.frombuffer(lines.encode(), np.uint8), levels.clip(-LEVELS, LEVELS).astype(np.int8), scales, basis)

    @classmethod
    def read(cls, path: Path) -> Captions:
        """Read a file of them.

        Raises
        ------
        FileFormatError  if it is missing, damaged, or no such file
        """
        _, tensors = read_safetensors(path, WHAT, MAKER, ("U8", "I8", "F16"))
        try:
            found = cls(**{name: tensors[name] for name in NAMES})
            count, size = len(found.listed), len(found.basis)
            shapes = {"vectors": (count, size), "scales": (count,), "basis": (size, *found.basis.shape[1:])}
            fits = all(tensors[name].shape == shape for name, shape in shapes.items()) and found.basis.ndim == 2
            fits &= [tensors[name].dtype for name in NAMES] == [np.uint8, np.int8, np.float16, np.float16]
            fits &= bool(np.isfinite(found.scales).all() and np.isfinite(found.basis).all())
        except (KeyError, TypeError, UnicodeDecodeError) as error:
            raise FileFormatError(f"{path} is no {WHAT} of {MAKER}.") from error
        if not fits:
            raise FileFormatError(f"{path} is damaged: its captions and their vectors do not fit.")
        return found

    def content(self) -> bytes:
        """The bytes of the file."""
        from safetensors.numpy import save

        return save({name: np.ascontiguousarray(getattr(self, name)) for name in NAMES})

    @cached_property
    def listed(self) -> list[str]:
        """The captions in order."""
        return self.texts.tobytes().decode().split("\n")

    def likeness(self, embedding: np.ndarray) -> np.ndarray:
        """The cosines of an embedding (E,) to all captions' in the basis, (n,) float32."""
        towards = unit(embedding[None].astype(np.float64) @ self.basis.T.astype(np.float64))[0]
        return np.asarray((self.vectors @ towards) * self.scales, np.float32)

    def leaned(
        self, embedding: np.ndarray, seen: float | None, share: float, variety: float = 0.0, seed: int = 0
    ) -> np.ndarray:
        """An embedding (E,), of unchanged length, moved towards the captions that are likest where none is like enough.

        Parameters
        ----------
        seen : cosine to the nearest caption from which on nothing is moved, and `OVER` below which it is moved most
        share : of `MOST` of the way that it is moved then, 0 to 1
        variety : how far chance decides which of the `AMONG` likest captions that are; 0 leaves nothing to it
        seed : of chance
        """
        likeness = self.likeness(embedding)
        if seen is None or not (way := MOST * share * min(max((seen - likeness.max()) / OVER, 0), 1)):
            return embedding
        weights = self._weights(likeness, min(variety, MOST_VARIETY), seed)
        likest = (weights * self.scales) @ self.vectors @ self.basis.astype(np.float32)
        size = np.linalg.norm(embedding)
        moved = embedding / size + np.float32(way) * (likest.astype(np.float32) - embedding / size)
        return np.asarray(unit(moved[None])[0] * size, np.float32)

    def _weights(self, likeness: np.ndarray, variety: float, seed: int) -> np.ndarray:
        """How much each caption counts, (n,) float32."""
        logs = SHARP * (likeness - likeness.max())
        if variety:
            logs = logs + variety * SCATTER * chance_of(seed, len(logs))
            logs[ranked(likeness)[AMONG:]] = -np.inf
            logs = (logs - logs.max()).astype(np.float32)
        weights = np.exp(logs)
        return np.asarray(weights / weights.sum())

    def certainty(self, embedding: np.ndarray) -> np.ndarray:
        """How near the nearest caption is, and the eight nearest on average: (2,) float32."""
        best = np.sort(self.likeness(embedding))[::-1][:NEAREST]
        return np.array([best[0], best.mean()], np.float32)
