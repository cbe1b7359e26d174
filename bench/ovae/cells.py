"""What was measured, kept in files: an interrupted comparison goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import olacore
from olacore.files import replace_file

SCHEMA = "olacore/ovae-cell/1"
PACKAGES = Path(olacore.__file__).parents[1]
# What decides the course of a search, and what is read off pictures.
SEARCH = (
    "olacore/strategies/**/*.py",
    "olacore/kernels/*.py",
    "olacore/search/loop.py",
    "olacore/search/pair.py",
    "olacore/losses/objective.py",
    "olacore/views/scaling.py",
    "olacore/views/view.py",
    "olacore/data/encoded.py",
    "olacore/data/stream.py",
)
BACKPROP = ("teachers/comparison/backprop.py", "bench/ovae/learning.py", "bench/ovae/clock.py", "olacore/views/view.py")
PICTURES = (
    "olacore/quality/pictures/figures.py",
    "olacore/quality/pictures/ssim.py",
    "olacore/quality/pictures/haarpsi.py",
    "olacore/quality/psnr.py",
    "olacore/quality/latent_agreement.py",
    "olacore/quality/reference/least_squares.py",
    "olacore/quality/reference/simple.py",
    "olacore/quality/vae_test/codecs.py",
    "olacore/quality/vae_test/measure.py",
    "bench/ovae/quality.py",
)
SPEED = ("olacore/modules/module.py", "olacore/kernels/*.py", "bench/ovae/speed.py")


@dataclass(frozen=True)
class Cells:
    """A folder of measurements.

    Parameters
    ----------
    folder : one JSON file each
    frozen : whether only what is there is given, and nothing measured
    """

    folder: Path
    frozen: bool = False

    def get(self, name: str, key: dict[str, Any], make: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        """Give a measurement: a kept one of the same key, or else a new one; None where it would have to be made and
        the folder is frozen.

        Parameters
        ----------
        key : everything that decides about it, JSON types
        """
        path = self.folder / f"{name}.json"
        kept = read(path)
        if kept is not None and kept["key"] == plain(key):
            return dict(kept["value"])
        if self.frozen:
            return None
        value = make()
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"schema": SCHEMA, "key": key, "value": value}, indent=1)
        replace_file(path, (text + "\n").encode())
        return dict(plain(value))


def read(path: Path) -> dict[str, Any] | None:
    """Read a cell's file; None if there is none, or something else."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("schema") == SCHEMA else None


def plain(value: Any) -> Any:
    """A value as JSON gives it back."""
    return json.loads(json.dumps(value))


def code_digest(*patterns: str) -> str:
    """Eight digits that change with the sources that decide about a measurement."""
    files = sorted({path for pattern in patterns for path in PACKAGES.glob(pattern)})
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]


def file_digest(path: Path) -> str:
    """SHA-256 of a file; empty where it is missing."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
