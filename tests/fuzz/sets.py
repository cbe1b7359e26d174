"""Sets of modules: a folder whose files `set.json` names with their digests."""

from __future__ import annotations

import json
import shutil
from contextlib import chdir
from hashlib import sha256
from pathlib import Path

from olacore.drawing.module_set import ABOUT
from olacore.media.pictures import write_picture
from tests.support.command import ola
from tests.support.makers import smooth_pictures
from tests.support.set_samples import write_set

# What `being_made` makes a set of.
THERE = "--h5 data.h5 --text text.safetensors --recipe short.toml"


def make(folder: Path) -> None:
    """A set of random modules, a picture that it drew, one to start from, and prompts."""
    (folder / "making").mkdir()
    made = write_set(folder / "making", styles=("warm", "pale"))
    shutil.move(made, folder / "set")
    shutil.rmtree(folder / "making")
    write_picture(folder / "start.png", smooth_pictures(1, 30, 27)[0])
    (folder / "prompts.txt").write_text("a red fox\n\nhearts\n")
    ola("generate", "a", "fox", "--set", folder / "set", "--variety", 2, "--seed", 1, "-o", folder / "drawn.png")


def being_made(folder: Path) -> None:
    """Captioned data, a text module, a recipe, names and a table, and the work of a set that is not put together."""
    write_set(folder)
    (folder / "photos").mkdir()
    (folder / "photos" / "fox.png").touch()
    (folder / "photos.csv").write_text("file,caption\nfox.png,a fox\n")
    (folder / "short.toml").write_text(
        '[mean]\nstack = 2\ngenerations = 1\n[decoder]\noption = ["memory=0.5"]\npasses = 1\n'
    )
    with chdir(folder):
        ola("make-set", *THERE.split(), "-o", "mine")
    shutil.rmtree(folder / "mine")


def seal(folder: Path) -> None:
    """Write the digests of the files as they are now."""
    path = folder / "set" / ABOUT
    about = json.loads(path.read_text())
    for entry in (*about["modules"].values(), *about["levels"], about["captions"], about["thumbnails"]):
        entry["sha256"] = sha256((path.parent / entry["file"]).read_bytes()).hexdigest()
    path.write_text(json.dumps(about))
