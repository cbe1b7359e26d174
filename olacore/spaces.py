"""Latent spaces: who made latents and how they are scaled, and which latents may be read as which."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from olacore.errors import ConfigError, FingerprintError
from olacore.foreign.schema import either, listed, number, record, text, whole

MOST_CHANNELS, MOST_FACTOR = 4096, 256
_AFFINE = either(number(), listed(number(), 1, MOST_CHANNELS), "a number, or a list of one number a channel")
# What a space has to be where it comes from a file.
SPACE = record(
    {
        "maker": text(),
        "maker_sha256": text(),
        "scaling": _AFFINE,
        "shift": _AFFINE,
        "channels": whole(1, MOST_CHANNELS),
        "factor": whole(1, MOST_FACTOR),
        "picture_range": listed(number(), 2, 2),
    }
)


@dataclass(frozen=True)
class Family:
    """Diffusion models whose latents mean the same pictures.

    Parameters
    ----------
    title : for people
    channels : of the latents
    scaling, shift : what the denoiser sees is (raw - shift) * scaling, where the autoencoder's own latents are raw
    preview : the name that ComfyUI has for a small decoder of them
    """

    title: str
    channels: int
    scaling: float
    shift: float
    preview: str


FAMILIES = {
    "sd15": Family("SD 1.5", 4, 0.18215, 0.0, "taesd_decoder"),
    "sdxl": Family("SDXL", 4, 0.13025, 0.0, "taesdxl_decoder"),
    "sd3": Family("SD 3", 16, 1.5305, 0.0609, "taesd3_decoder"),
}


@dataclass(frozen=True)
class LatentSpace:
    """The latent space that latents live in: who made them and how they are scaled.

    Parameters
    ----------
    maker : id of the model that made the latents, for people to read
    maker_sha256 : of its weights
    scaling, shift : the stored latent is (raw - shift) * scaling; numbers, or one number a channel
    channels : of the latent
    factor : picture pixels per latent site, along each side
    picture_range : what pixel values 0 and 255 stand for in the maker's input

    Raises
    ------
    ConfigError  if a vector has not one number a channel, a number is not finite, or a scaling is 0
    """

    maker: str
    maker_sha256: str
    scaling: float | tuple[float, ...]
    shift: float | tuple[float, ...]
    channels: int
    factor: int = 8
    picture_range: tuple[float, float] = (-1.0, 1.0)

    def __post_init__(self) -> None:
        for name in ("scaling", "shift"):
            values = np.atleast_1d(getattr(self, name))
            if np.ndim(getattr(self, name)) and values.shape != (self.channels,):
                raise ConfigError(f"{name} must be a number or {self.channels} numbers; got {values.size}.")
            if not np.isfinite(values).all() or (name == "scaling" and not values.all()):
                raise ConfigError(f"the {name} of latents must be finite, and no scaling 0; got {getattr(self, name)}.")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, every number in its canonical type, so that 1 and 1.0 are the same space."""
        low, high = self.picture_range
        return {
            "maker": str(self.maker),
            "maker_sha256": str(self.maker_sha256),
            "scaling": _plain(self.scaling),
            "shift": _plain(self.shift),
            "channels": int(self.channels),
            "factor": int(self.factor),
            "picture_range": [float(low), float(high)],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; numbers may be NumPy's, and keys it does not know are left alone.

        Raises
        ------
        ValueError  if one is missing, or is not what it has to be
        """
        plain = {name: _from_numpy(values[name]) for name in cls.__dataclass_fields__ if name in values}
        SPACE(plain, "")
        low, high = plain["picture_range"]
        return cls(
            maker=plain["maker"],
            maker_sha256=plain["maker_sha256"],
            scaling=_number_or_vector(plain["scaling"]),
            shift=_number_or_vector(plain["shift"]),
            channels=plain["channels"],
            factor=plain["factor"],
            picture_range=(float(low), float(high)),
        )

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits over everything but the maker's name."""
        values = self.to_dict()
        del values["maker"]
        text = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        """Name it for messages, see `named`."""
        return self.maker or self.fingerprint


def named(*spaces: LatentSpace | None) -> list[str]:
    """Names of spaces for a message: who made their latents; fingerprints too where different ones have one maker.

    Parameters
    ----------
    *spaces : None where one is not known
    """
    makers = {space.maker: set[str]() for space in spaces if space is not None}
    for space in filter(None, spaces):
        makers[space.maker].add(space.fingerprint)
    return [
        "unknown" if space is None else f"{space}" if len(makers[space.maker]) < 2 else f"{space} ({space.fingerprint})"
        for space in spaces
    ]


def _from_numpy(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _number_or_vector(value: Any) -> float | tuple[float, ...]:
    return tuple(float(number) for number in value) if np.ndim(value) else float(value)


def _plain(value: float | tuple[float, ...]) -> float | list[float]:
    canonical = _number_or_vector(value)
    return list(canonical) if isinstance(canonical, tuple) else canonical


def accepts(reads: LatentSpace | None, *latents: LatentSpace | None) -> bool:
    """Whether latents may be read as those of a space.

    Parameters
    ----------
    reads : the space of what reads them, such as a decoder; None where it is not known
    latents : the spaces that the latents belong to: their encoder's own, and the one that it imitates; None where that
        is not known

    Returns
    -------
    true if one of them is the same, or nothing is known of either side
    """
    known = {space.fingerprint for space in latents if space is not None}
    return reads is None or not known or reads.fingerprint in known


def require_same(reader: str, reads: LatentSpace | None, what: str, *latents: LatentSpace | None, then: str) -> None:
    """Raise unless latents may be read as those of a space, see `accepts`.

    Parameters
    ----------
    reader, what : what reads, and what the latents are of, for the message
    reads : the space of what reads; None where it is not known
    latents : the spaces that the latents belong to
    then : what to do about it

    Raises
    ------
    FingerprintError  otherwise; both are named
    """
    if not accepts(reads, *latents):
        ours, *theirs = named(reads, *(space for space in latents if space is not None))
        raise FingerprintError(f"latent spaces differ: {reader} has {ours}, {what} has {' or '.join(theirs)}; {then}.")
