"""Tiny data sets, photographs and recipes for the tests of the organic VAE's figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.ovae.recipes import Recipe
from bench.ovae.workspace import Workspace
from olacore.media.pictures import write_picture
from tests.support.makers import smooth_pictures, write_pictures

SMALL = {"weights": "float16", "block": 64}
STACK = {"stack": 4, "generations": 12, **SMALL}
RECIPES = (
    Recipe("sd15", "pair", {"module": "pair", "window": 1, "loss": "contrast", **STACK}),
    Recipe("sd15", "encoder", {"module": "encoder", "border": 0, "generations": 3, **SMALL}),
    Recipe("sd15", "decoder", {"module": "decoder", "window": 1, **STACK}),
)


def make_workspace(folder: Path) -> Workspace:
    """A data set of 12 small pictures, two of them held-out and there as files; no teacher."""
    workspace = Workspace(folder / "data", folder / "work", folder / "photos", folder / "models")
    for path in (workspace.data, workspace.photos):
        path.mkdir()
    write_pictures(workspace.data / "taesd-8.h5", recon=True)
    for number, pixels in enumerate(smooth_pictures(12, 24, 40)):
        if number >= 8:
            write_picture(workspace.photos / f"{number}.png", np.ascontiguousarray(pixels))
    return workspace
