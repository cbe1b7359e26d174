"""Latents in files: `.npy` holds the numbers alone; `.npz` also their latent spaces and the size of the picture.

Those of other programs are read too (`other_latents`).
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import ConfigError, DataError, FileFormatError, ShapeError
from olacore.files import replace_file
from olacore.foreign.arrays import check_numbers, read_arrays
from olacore.foreign.json_text import parse_json
from olacore.foreign.schema import listed, maybe, record, require, whole
from olacore.modules import other_latents
from olacore.modules.identity import space_from
from olacore.spaces import SPACE, LatentSpace

SUFFIXES = (".npy", ".npz")
READABLE = (*SUFFIXES, *other_latents.SUFFIXES)

ABOUT = record({"size": maybe(listed(whole(1), 2, 2))})
PLACED = record({"makes": maybe(SPACE), "imitates": maybe(SPACE)})
PLACED_1 = record({"space": maybe(SPACE)})


@dataclass(frozen=True)
class StoredLatent:
    """A latent and what its file says of it.

    Parameters
    ----------
    latent : (C, h, w), or (n, C, h, w) of other programs, float32
    makes, imitates : the latent space of the encoder that made it, and the one that this imitates; None where there is
        none, or the file does not say
    size : height and width of the picture in pixels, before it was padded; None where the file does not say
    raw : whether it is as the model's autoencoder has it, or else as its denoiser sees it; None where the file does not
        say
    """

    latent: np.ndarray
    makes: LatentSpace | None = None
    imitates: LatentSpace | None = None
    size: tuple[int, int] | None = None
    raw: bool | None = None

    @property
    def spaces(self) -> tuple[LatentSpace | None, LatentSpace | None]:
        """The spaces as one of which it may be read."""
        return self.makes, self.imitates

    def crop(self, picture: np.ndarray, shrink: int = 1) -> np.ndarray:
        """Cut what was padded off a decoded picture (H, W, 3), whose sides were divided by `shrink`.

        Raises
        ------
        ShapeError  if the picture is smaller than it is said to be
        """
        if self.size is None:
            return picture
        height, width = (-(-side // shrink) for side in self.size)
        if not (1 <= height <= picture.shape[0] and 1 <= width <= picture.shape[1]):
            decoded = f"{picture.shape[0]} x {picture.shape[1]}"
            raise ShapeError(
                f"the latent says that its picture has {height} x {width} pixels; it decodes to {decoded}."
            )
        return picture[:height, :width]


def check_suffix(path: Path) -> None:
    """Raise `ConfigError` unless latents can be written to such a file."""
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"a latent is written as {' or '.join(SUFFIXES)}; got {path.name!r}.")


def write_latent(path: Path, stored: StoredLatent) -> None:
    """Write a latent in one step; the suffix says whether with its spaces and size.

    Raises
    ------
    ConfigError  if the suffix is unknown
    DataError  if the latent holds NaN or inf, as of a module with absurd weights
    OutputError  if the file cannot be written
    """
    check_suffix(path)
    if not np.isfinite(stored.latent).all():
        raise DataError(f"a latent must be finite; the one for {path} holds NaN or inf.")
    content = io.BytesIO()
    if path.suffix == ".npy":
        np.save(content, stored.latent)
    else:
        about: dict[str, Any] = {
            "makes": stored.makes.to_dict() if stored.makes else None,
            "imitates": stored.imitates.to_dict() if stored.imitates else None,
            "size": stored.size,
        }
        np.savez(content, latent=stored.latent, olacore=np.array(json.dumps(about, sort_keys=True)))
    replace_file(path, content.getvalue())


def unbatched(latent: np.ndarray) -> np.ndarray:
    """Return the only latent of a batch of one, (1, C, h, w), as other programs store it; anything else as it is."""
    return latent[0] if latent.ndim == 4 and len(latent) == 1 else latent


def read_latent(path: Path) -> StoredLatent:
    """Read a latent from a file of another program, which its suffix names, or else from a `.npy` or `.npz` file.

    A batch of one is that one.

    Raises
    ------
    FileFormatError  if it is missing, no such file, damaged, no array of floats, or takes more than 256 MiB
    """
    if path.suffix in other_latents.SUFFIXES:
        latents, raw = other_latents.read_other(path)
        return StoredLatent(unbatched(latents), raw=raw)
    found = read_arrays(path, "latent", "`ola encode`", ("latent", "olacore"))
    latent = found.get("", found.get("latent"))
    if latent is None:
        raise FileFormatError(f"{path} is no .npy or .npz file of a latent: it holds no array 'latent'.")
    latent = unbatched(check_numbers(latent, str(path)))
    if latent.ndim not in (1, 2, 3, 4):
        raise FileFormatError(f"{path} holds an array of shape {latent.shape}; a latent is (C, h, w) or (n, C, h, w).")
    if "olacore" not in found:
        return StoredLatent(latent)
    about = _about(found["olacore"], path)
    # Version 0.1 wrote one space: the one that the encoder was trained in.
    makes, imitates = map(space_from, (about.get("makes"), about.get("imitates", about.get("space"))))
    channels = latent.shape[-3] if latent.ndim > 2 else latent.shape[-1]
    for space in filter(None, (makes, imitates)):
        if space.channels != channels:
            raise FileFormatError(f"{path} is damaged: its latent of shape {latent.shape} is said to be of {space}.")
    size = (about["size"][0], about["size"][1]) if about["size"] else None
    return StoredLatent(latent, makes, imitates, size)


def _about(stored: np.ndarray, path: Path) -> dict[str, Any]:
    """What a `.npz` file says of its latent, as JSON in an array of one text."""
    if stored.dtype.kind != "U" or stored.size != 1:
        raise FileFormatError(f"{path} is damaged: 'olacore' must be one text; got {stored.dtype} {stored.shape}.")
    try:
        words = str(stored.item())
    except ValueError as error:
        raise FileFormatError(f"{path} is damaged: 'olacore' is no text ({error}).") from error
    about = require(ABOUT, parse_json(words, f"the metadata of {path}"), str(path))
    return dict(require(PLACED if "makes" in about else PLACED_1, about, str(path)))
