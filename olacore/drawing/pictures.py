"""Drawn pictures as files: with what they were drawn from, as grids and strips, and beside the training pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from olacore.drawing.module_set import ModuleSet
from olacore.errors import FileFormatError
from olacore.foreign.json_text import parse_json
from olacore.foreign.schema import anything, listed, mapping, maybe, number, record, require, text, whole
from olacore.media.pictures import read_note, write_picture

KEY, SCHEMA = "olacore", "olacore/drawing/1"
GAP = 2
_RECORD = record(
    {
        "schema": text(64),
        "prompt": text(1 << 20),
        "seed": whole(0, (1 << 63) - 1),
        "count": whole(1, 1 << 16),
        "variety": number(),
        "steps": maybe(whole(1)),
        "solver": text(64),
        "guidance": maybe(number()),
        "negative": text(1 << 20),
        "lean": number(),
        "set": text(4096),
        "drawn by": text(64),
        "modules": mapping(text(64)),
    },
    {
        "init": maybe(text(64)),
        "strength": number(),
        "notes": listed(text(1 << 20)),
        "olacore": anything,
        "about": mapping(text()),
        "style": text(1 << 20),
    },
)


def write_drawing(path: Path, picture: np.ndarray, about: dict[str, Any]) -> None:
    """Write a picture; a PNG keeps what it was drawn from.

    Raises
    ------
    ConfigError, ShapeError, OutputError  as `write_picture`
    """
    write_picture(path, picture, note_of(about))


def note_of(about: dict[str, Any]) -> dict[str, str]:
    """What a PNG keeps of how it was drawn."""
    return {KEY: json.dumps({"schema": SCHEMA, **about}, sort_keys=True)}


def read_drawing(path: Path) -> dict[str, Any] | None:
    """What a PNG says of how it was drawn; None where it says nothing of that.

    Raises
    ------
    FileFormatError  if it is no picture, or says what cannot be
    """
    found = read_note(path, KEY)
    if found is None:
        return None
    about = parse_json(found.encode(), f"what {path} says of how it was drawn")
    require(_RECORD, about, str(path))
    if about["schema"] != SCHEMA:
        raise FileFormatError(f"{path} has the schema {about['schema']!r}; this version reads {SCHEMA!r}.")
    return dict(about)


def grid_of(pictures: Sequence[np.ndarray], columns: int | None = None) -> np.ndarray:
    """Pictures of one size (H, W, 3) uint8 in rows on white, with gaps; one alone stays as it is."""
    if len(pictures) == 1:
        return pictures[0]
    columns = columns or int(np.ceil(np.sqrt(len(pictures))))
    rows, (height, width) = -(-len(pictures) // columns), pictures[0].shape[:2]
    sheet = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), 255, np.uint8)
    for place, picture in enumerate(pictures):
        top, left = place // columns * (height + GAP), place % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = picture
    return sheet


class Thumbnails:
    """Small pictures of what a set was trained on, in the order of its captions.

    Raises
    ------
    FileFormatError  if the set has none, or they cannot be read
    """

    def __init__(self, found: ModuleSet, captions: int) -> None:
        from olacore.media.pictures import read_picture

        if "thumbnails" not in found.files:
            raise FileFormatError(f"the set {found.name} has no small pictures of its training pictures.")
        sheet = read_picture(found.files["thumbnails"])
        side = int(np.ceil(np.sqrt(captions)))
        size = len(sheet) // max(side, 1)
        if not size or sheet.shape != (side * size, side * size, 3):
            raise FileFormatError(f"{found.files['thumbnails']} is damaged: it does not hold {captions} pictures.")
        small = sheet.reshape(side, size, side, size, 3).transpose(0, 2, 1, 3, 4).reshape(-1, size, size, 3)
        self.pictures, self.size = small[:captions], size

    def nearest(self, picture: np.ndarray) -> tuple[int, float]:
        """The number of the nearest training picture, and the root mean square distance in grey levels."""
        from PIL import Image

        small = np.asarray(Image.fromarray(picture).resize((self.size, self.size), Image.Resampling.BOX))
        distances = np.square(self.pictures.astype(np.float32) - small).mean((1, 2, 3))
        best = int(distances.argmin())
        return best, float(np.sqrt(distances[best]))
