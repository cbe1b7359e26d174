"""Sets of modules: a folder whose files `set.json` names with their digests."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path

from olacore.drawing.module_set import ABOUT
from olacore.media.pictures import write_picture
from tests.support.command import ola
from tests.support.makers import smooth_pictures
from tests.support.set_samples import write_set


def make(folder: Path) -> None:
    """A set of random modules, a picture that it drew, one to start from, and prompts."""
    (folder / "making").mkdir()
    made = write_set(folder / "making", styles=("warm", "pale"))
    shutil.move(made, folder / "set")
    shutil.rmtree(folder / "making")
    write_picture(folder / "start.png", smooth_pictures(1, 30, 27)[0])
    (folder / "prompts.txt").write_text("a red fox\n\nhearts\n")
    ola("generate", "a", "fox", "--set", folder / "set", "--variety", 2, "--seed", 1, "-o", folder / "drawn.png")


def seal(folder: Path) -> None:
    """Write the digests of the files as they are now."""
    path = folder / "set" / ABOUT
    about = json.loads(path.read_text())
    for entry in (*about["modules"].values(), *about["levels"], about["captions"], about["thumbnails"]):
        entry["sha256"] = sha256((path.parent / entry["file"]).read_bytes()).hexdigest()
    path.write_text(json.dumps(about))
