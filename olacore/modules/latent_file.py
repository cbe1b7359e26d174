"""Latents in files: `.npy` holds the numbers alone; `.npz` also their latent spaces and the size of the picture.

`.latent` files of ComfyUI are read too.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import ConfigError, FileFormatError
from olacore.files import replace_file
from olacore.modules import comfy_latent
from olacore.modules.identity import space_from
from olacore.pretrained.catalogue import shipped_space
from olacore.spaces import LatentSpace

SUFFIXES = (".npy", ".npz")
READABLE = (*SUFFIXES, comfy_latent.SUFFIX)


@dataclass(frozen=True)
class StoredLatent:
    """A latent and what its file says of it.

    Parameters
    ----------
    latent : (C, h, w) float32
    makes, imitates : the latent space of the encoder that made it, and the one that this imitates; None where there is
        none, or the file does not say
    size : height and width of the picture in pixels, before it was padded; None where the file does not say
    note : what it was taken for, where the file does not say that
    """

    latent: np.ndarray
    makes: LatentSpace | None = None
    imitates: LatentSpace | None = None
    size: tuple[int, int] | None = None
    note: str = ""

    @property
    def spaces(self) -> tuple[LatentSpace | None, LatentSpace | None]:
        """The spaces as one of which it may be read."""
        return self.makes, self.imitates

    def crop(self, picture: np.ndarray) -> np.ndarray:
        """Cut what was padded off a decoded picture (H, W, 3)."""
        return picture if self.size is None else picture[: self.size[0], : self.size[1]]


def check_suffix(path: Path) -> None:
    """Raise `ConfigError` unless latents can be written to such a file."""
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"a latent is written as {' or '.join(SUFFIXES)}; got {path.name!r}.")


def write_latent(path: Path, stored: StoredLatent) -> None:
    """Write a latent in one step; the suffix says whether with its spaces and size.

    Raises
    ------
    ConfigError  if the suffix is unknown
    OutputError  if the file cannot be written
    """
    check_suffix(path)
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
    """Read a latent from a `.npy` or `.npz` file, whatever its name, or from a `.latent` file of ComfyUI.

    A batch of one is that one.

    Raises
    ------
    FileFormatError  if it is missing, no such file, or damaged
    """
    if path.suffix == comfy_latent.SUFFIX:
        latents, note = comfy_latent.read_comfy(path)
        return StoredLatent(unbatched(latents), imitates=shipped_space(comfy_latent.DECODER), note=note)
    try:
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return StoredLatent(unbatched(found))
            if "olacore" not in found:
                return StoredLatent(unbatched(found["latent"]))
            about = json.loads(str(found["olacore"]))
            # Version 0.1 wrote one space: the one that the encoder was trained in.
            spaces = (about["makes"], about["imitates"]) if "makes" in about else (None, about["space"])
            makes, imitates = map(space_from, spaces)
            size = (int(about["size"][0]), int(about["size"][1])) if about["size"] else None
            return StoredLatent(unbatched(found["latent"]), makes, imitates, size)
    except FileNotFoundError as error:
        raise FileFormatError(f"there is no file {path}.") from error
    except (OSError, ValueError, EOFError, KeyError, TypeError, IndexError, zipfile.BadZipFile) as error:
        raise FileFormatError(f"{path} is no .npy or .npz file of a latent; write one with `ola encode`.") from error
