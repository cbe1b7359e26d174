"""What decides about a training, and the data that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from olacore.errors import ConfigError, DataError
from olacore.spaces import LatentSpace


class Captioned(Protocol):
    """What is asked of a data set: `olacore.data.open_dataset` on captioned latents, or a test's own."""

    @property
    def count(self) -> int:
        """Rows."""

    @property
    def latent_shape(self) -> tuple[int, ...] | None:
        """(C, h, w)."""

    @property
    def space(self) -> LatentSpace | None:
        """Of the latents."""

    @property
    def sources(self) -> Sequence[Any]:
        """With `part`, the name of the part that a source is in, empty where it has none."""

    def has(self, field: str) -> bool:
        """Whether there is such a field."""

    def indices(self, split: str) -> np.ndarray:
        """The rows of train, validation or held-out."""

    def read(self, fields: Sequence[str], indices: np.ndarray) -> dict[str, np.ndarray]:
        """Rows of fields: latents (m, C, h, w), embeddings (m, E), captions (m,) UTF-8, rows with `source`."""


@dataclass(frozen=True)
class Settings:
    """What decides about a training beside the data; a training that is resumed has to have equal ones.

    Neither a number of steps nor minutes are among them: a step depends on what came before it alone, so that a
    training can stop anywhere and go on.

    Parameters
    ----------
    seed : of weights, batches, noise and levels
    width : channels at the lowest resolution; half as many at twice the resolution, 32 or more
    layers : residual blocks a resolution
    heads : of attention
    dropout : in the residual blocks
    batch : latents a step
    learning_rate : the largest, after `warm_up` steps; it falls with the root of the steps from `steady` steps on
    weight_decay : of AdamW
    plain : share of the latents that are given without their caption, for guidance
    middle, spread : of the normal distribution that the logarithm of the noise level is drawn from
    threads : of torch; another number changes the last bits of every step
    """

    seed: int = 0
    width: int = 128
    layers: int = 1
    heads: int = 4
    dropout: float = 0.1
    batch: int = 64
    learning_rate: float = 1e-3
    warm_up: int = 100
    steady: int = 2000
    weight_decay: float = 0.01
    plain: float = 0.1
    middle: float = 0.3
    spread: float = 1.3
    threads: int = 2

    def __post_init__(self) -> None:
        if self.width < 16 or self.width % 16:
            raise ConfigError(f"a width is 16 channels or a multiple of them; got {self.width}.")
        for name in ("layers", "heads", "batch", "threads"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be 1 or more; got {getattr(self, name)}.")
        if not 0 < self.learning_rate < 1:
            raise ConfigError(f"a learning rate is above 0 and below 1; got {self.learning_rate:g}.")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class Rows:
    """Rows of a data set in memory.

    Parameters
    ----------
    latents : (n, C, h, w) float32, in the scaled space
    embeddings : (n, E) float32
    captions : n of them
    """

    latents: np.ndarray
    embeddings: np.ndarray
    captions: list[str]

    def __len__(self) -> int:
        return len(self.captions)

    @property
    def flat(self) -> np.ndarray:
        """(n, F) float64."""
        return self.latents.reshape(len(self), -1).astype(np.float64)


def check_data(data: Captioned) -> tuple[int, int]:
    """Return channels and side of the latents, or say what the data lack.

    Raises
    ------
    DataError  if there are no captions or embeddings, no latents or squares of them, or no training rows
    """
    missing = [name for name in ("latents", "embeddings", "captions") if not data.has(name)]
    if missing or data.latent_shape is None or data.space is None:
        lacked = " and ".join(missing or ["a latent space"])
        raise DataError(f"a small teacher learns from captioned latents; the data have no {lacked}: make them again "
                        "with captions and a text teacher.")  # fmt: skip
    channels, height, width = data.latent_shape
    if height != width or height % 2:
        raise DataError(f"latents must be squares of an even side; got {height} x {width}.")
    if len(data.indices("train")) < 2:
        raise DataError("two training rows or more are needed; take data with a training part.")
    return channels, height


def read_rows(data: Captioned, indices: np.ndarray) -> Rows:
    """Read rows into memory.

    Raises
    ------
    DataError  if a latent or an embedding is not finite
    """
    read = data.read(("latents", "embeddings", "captions"), indices)
    latents, embeddings = (np.ascontiguousarray(read[name], np.float32) for name in ("latents", "embeddings"))
    if not (np.isfinite(latents).all() and np.isfinite(embeddings).all()):
        raise DataError("latents or embeddings of the data have NaN or inf; make them again.")
    return Rows(latents, embeddings, [text_of(caption) for caption in read["captions"]])


def parts_of(data: Captioned, split: str) -> dict[str, np.ndarray]:
    """The rows of each named part of a split; those in no part are one of the split's name."""
    indices = data.indices(split)
    if not len(indices):
        return {}
    sources = data.read(("rows",), indices)["rows"]["source"]
    names = np.array([data.sources[source].part or split for source in sources])
    return {str(name): indices[names == name] for name in np.unique(names)}


def spread_out(indices: np.ndarray, most: int) -> np.ndarray:
    """At most so many of some rows, evenly spread over them."""
    return indices[np.unique(np.linspace(0, len(indices) - 1, min(most, len(indices))).round().astype(np.int64))]


def text_of(caption: bytes | str) -> str:
    """A caption as text."""
    return caption.decode(errors="replace") if isinstance(caption, bytes) else str(caption)
