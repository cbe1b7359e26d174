"""Tiny data sets, photographs and recipes for the tests of the organic VAE's figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.ovae.recipes import Recipe
from bench.ovae.room import Room
from olacore.media.pictures import write_picture
from tests.support.makers import smooth_pictures, write_pictures

SMALL = {"weights": "float16", "block": 64, "border": 0}
STACK = {"stack": 4, "generations": 12, **SMALL}
RECIPES = (
    Recipe("sd15", "pair", {"module": "pair", "window": 1, "loss": "structure", **STACK}),
    Recipe("sd15", "encoder", {"module": "encoder", "generations": 3, **SMALL}),
    Recipe("sd15", "decoder", {"module": "decoder", "window": 1, **STACK}),
)


def make_room(folder: Path) -> Room:
    """A data set of 12 small pictures, two of them held-out and there as files; no teacher."""
    room = Room(folder / "data", folder / "work", folder / "photos", folder / "models")
    for path in (room.data, room.photos):
        path.mkdir()
    write_pictures(room.data / "taesd-8.h5", recon=True)
    for number, pixels in enumerate(smooth_pictures(12, 24, 40)):
        if number >= 8:
            write_picture(room.photos / f"{number}.png", np.ascontiguousarray(pixels))
    return room
