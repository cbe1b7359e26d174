"""Small data files for the tests: every row can be told from its content."""

from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import ROW, LatentWriter, Source
from olacore.spaces import LatentSpace

SPACE = LatentSpace("someone/tiny", "ab" * 32, scaling=1.0, shift=0.0, channels=2)
SIZE = (16, 24)
SITES = 6
SOURCES = (
    Source("a.png", "photograph", "train", "CC0", "Ann"),
    Source("bé.png", "photograph", "validation"),
    Source("c.mp4", "scene", "held-out", "CC-BY-4.0"),
)


def make_rows(first: int, count: int) -> dict[str, np.ndarray]:
    """Arguments of `append` for `count` rows; `latents[:, 0, 0, 0]` is the number of the row."""
    rng = np.random.default_rng([first, count])
    number = np.arange(first, first + count)
    frames = rng.integers(0, 256, (count, *SIZE, 3), np.uint8)
    latents = rng.normal(size=(count, 2, 2, 3)).astype(np.float16)
    latents[:, 0, 0, 0] = number
    rows = np.zeros(count, ROW)
    rows["source"] = number % len(SOURCES)
    rows["pts"] = -1
    rows["height"], rows["width"] = SIZE
    return {"frames": frames, "latents": latents, "rows": rows, "recon": frames[:, ::-1].copy()}


def part_of(content: dict[str, np.ndarray], start: int, stop: int) -> dict[str, np.ndarray]:
    """The rows `start` to `stop` of what `make_rows` gave."""
    return {name: array[start:stop] for name, array in content.items()}


def open_writer(path: Path, **changes: Any) -> LatentWriter:
    """A writer of such a file, with room for 12 rows."""
    asked: dict[str, Any] = {"space": SPACE, "size": SIZE, "capacity": 12, "sources": SOURCES, "recon": True}
    return LatentWriter(path, **(asked | {"settings": {"seed": 1, "resize": "area"}} | changes))


def write_latents(path: Path, parts: tuple[int, ...] = (5, 4), *, first: int = 0, **changes: Any) -> Path:
    """Write a file append by append, `parts` rows at a time."""
    with open_writer(path, **changes) as writer:
        for count in parts:
            given = make_rows(first, count)
            if not changes.get("recon", True):
                del given["recon"]
            writer.append(**given)
            first += count
    return path
