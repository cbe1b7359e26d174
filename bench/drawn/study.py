"""A set of modules for the drawn set, by the command that docs/generate.md gives, and what its pictures show.

What is there already is not done again, so that an interrupted study goes on.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.common.markdown import pieces
from bench.common.report import describe_run, write_report
from bench.common.tables import Part, Table
from bench.drawn.figures import Figures, figures, read, read_pictures, tables
from bench.drawn.folder import CAPTIONS, make, read_table
from bench.drawn.pictures import draw
from bench.drawn.scenes import TRAIN, Scene
from olacore.errors import OlacoreError
from olacore.files import replace_file
from olacore.foreign.json_text import read_json

SCHEMA = "olacore/drawn/1"
# What `ola make-set` writes down of its steps.
RECORD = "make-set.json"
# What a user types, in the study's folder; TEACHER and TEXT are asked for. Its data and runs lie beside the set.
MAKE = (
    "ola make-set set/pictures --captions set/captions.csv --size 64 --teacher TEACHER --text-teacher TEXT "
    "--recipe scenes --work . -o shapes"
)
# With styles: in fewer numbers of a word the search does not find the metric of slopes, by which unseen pairs follow.
IN_STYLES = " --override text.word-size=192"
MADE = "shapes/set.json"
DRAW = "ola generate --set shapes --prompts prompts.txt --json --force"
# Every so many of the training captions are drawn too.
OF_TRAINING = 5
TRUE, OURS, PLAIN, DECODED, NEAREST = (
    "true pictures",
    "set",
    "text mean alone",
    "teacher's latents, decoded",
    "nearest caption's picture",
)
TARGETS = (
    ("colour and shape, unseen scenes", "scene-held-out", "two kinds", "kinds", 0.95),
    ("an unseen pair", "pair-held-out", "one kind", "bound", 0.85),
    ("two things bound", "scene-held-out", "two kinds", "bound", 0.60),
)
Say = Callable[[str], object]


@dataclass(frozen=True)
class Study:
    """Where a study is kept, and of what it is.

    Parameters
    ----------
    out : the folder
    teacher, text_teacher : as `ola precompute` takes them
    size, count, seed, styles : of the pictures, see `bench.drawn.folder.make`
    """

    out: Path
    teacher: str
    text_teacher: str
    size: int = 64
    count: int = 3000
    seed: int = 0
    styles: bool = False

    @property
    def command(self) -> str:
        """`MAKE`, as it is given for such pictures."""
        return MAKE + (IN_STYLES if self.styles else "")

    def filled(self, command: str) -> list[str]:
        """The words of a command, with the teachers and the size that were asked for."""
        names = {"TEACHER": self.teacher, "TEXT": self.text_teacher}
        words = [names.get(word, word) for word in shlex.split(command)]
        if "--size" in words:
            words[words.index("--size") + 1] = str(self.size)
        return words

    def do(self, command: str, made: str, say: Say) -> None:
        """Run a command in the folder unless what it makes last is there.

        Raises
        ------
        OlacoreError  if it fails
        """
        if (self.out / made).exists():
            return
        say(f"$ {command}")
        words = [sys.executable, "-m", "cli", *self.filled(command)[1:]]
        done = subprocess.run(words, cwd=self.out, env=environment(), stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise OlacoreError(f"`{command}` failed with exit code {done.returncode}.")

    def steps(self) -> list[tuple[str, dict[str, float]]]:
        """The commands that made the set, with no machine's teachers in them, and the seconds that each took."""
        names = {self.teacher: "TEACHER", self.text_teacher: "TEXT"}
        told = []
        for step in read_json(self.out / RECORD, "the record")["steps"].values():
            words = [names.get(word, word) for word in shlex.split(step["command"])]
            told.append((shlex.join(words), {name: step[name] for name in ("wall", "processor")}))
        return told


def environment() -> dict[str, str]:
    """That of this process, with this checkout to import from."""
    here = str(Path(__file__).resolve().parents[2])
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))}


def run(study: Study, report: Path, say: Say) -> list[Part]:
    """Make, train, draw and judge; write the report, and a sheet of pictures beside the true ones.

    Returns
    -------
    the tables
    """
    table = study.out / "set" / CAPTIONS
    if not table.exists():
        say(f"drawing {study.count} pictures into {table.parent}")
        make(table.parent, study.size, study.count, study.seed, study.styles)
    study.do(study.command, MADE, say)
    steps = study.steps()
    prompts = chosen(read_table(table))
    replace_file(study.out / "prompts.txt", "".join(f"{caption}\n" for caption in prompts).encode())
    last = f"{len(prompts) - 1:04d}.png"
    for command, folder in ((DRAW, "drawn"), (f"{DRAW} --guidance 1", "plain")):
        study.do(f"{command} -o {folder}", f"{folder}/{last}", say)
    scenes, parts = [Scene.of(caption) for caption in prompts], [*prompts.values()]
    truth, ours = [draw(scene, study.size) for scene in scenes], read_pictures(study.out / "drawn", len(prompts))
    drawn = {
        TRUE: truth,
        OURS: ours,
        PLAIN: read_pictures(study.out / "plain", len(prompts)),
        DECODED: decoded(study.out, [*prompts]),
        NEAREST: nearest(study.out / "shapes", [*prompts], study.size),
    }
    found = {name: figures(scenes, read(scenes, pictures), parts) for name, pictures in drawn.items()}
    from PIL import Image

    Image.fromarray(sheet(truth, ours, parts)).save(study.out / "sheet.png")
    about = describe_run(SCHEMA, int(os.environ.get("NUMBA_NUM_THREADS", os.cpu_count() or 1)))
    asked = {"size": study.size, "count": study.count, "seed": study.seed} | ({"styles": True} if study.styles else {})
    told = [{"command": command, "seconds": seconds} for command, seconds in steps]
    write_report(about | {"set": asked, "bytes": size_of(study.out / "shapes"), "steps": told, "shown": found}, report)
    return [timing(steps), *tables(found), against(found[OURS])]


def chosen(parts: Mapping[str, str]) -> dict[str, str]:
    """The captions that are drawn, with their parts: all that are held out, and some of training."""
    held = {caption: part for caption, part in parts.items() if part.endswith("held-out")}
    return held | dict([(caption, part) for caption, part in parts.items() if part == TRAIN][::OF_TRAINING])


def decoded(out: Path, captions: Sequence[str]) -> list[np.ndarray]:
    """What the set's decoder and refiner make of the teacher's own latents, where the text leaves nothing open."""
    from olacore.data import open_dataset
    from olacore.modules.module import load

    decoder = load(out / "runs" / "decoder").with_refiner(load(out / "runs" / "refiner"))
    with open_dataset([out / "data.h5"]) as data:
        sources = data.read(["rows"], np.arange(data.count))["rows"]["source"]
        rows = {data.captions[source][0]: row for row, source in enumerate(sources.tolist())}
        order = np.array([rows[caption] for caption in captions])
        places = np.argsort(order)
        latents = data.read(["latents"], order[places])["latents"].astype(np.float32)
    return [*decoder.decode(latents)[np.argsort(places)]]


def nearest(folder: Path, captions: Sequence[str], side: int) -> list[np.ndarray]:
    """The pictures of the training captions that the set's text module finds nearest."""
    from olacore.drawing.generator import Generator

    generator = Generator(folder, kernels=False)
    places = [int(generator.captions.likeness(embedding).argmax()) for embedding in generator.embed(captions)]
    return [draw(Scene.of(generator.captions.listed[place]), side) for place in places]


def size_of(folder: Path) -> int:
    """The bytes of a set's files together."""
    return sum(path.stat().st_size for path in folder.iterdir())


def sheet(truth: Sequence[np.ndarray], ours: Sequence[np.ndarray], parts: Sequence[str]) -> np.ndarray:
    """Two dozen drawn pictures of each part, in rows of twelve below their true ones."""
    from olacore.drawing.pictures import grid_of

    across, rows = 12, 2
    pictures: list[np.ndarray] = []
    for part in dict.fromkeys(parts):
        here = [place for place, name in enumerate(parts) if name == part]
        taken = np.array(here)[np.linspace(0, len(here) - 1, across * rows).astype(int)].tolist()
        for start in range(0, len(taken), across):
            line = taken[start : start + across]
            pictures += [truth[place] for place in line] + [ours[place] for place in line]
    return grid_of(pictures, across)


def timing(steps: Sequence[tuple[str, Mapping[str, float]]]) -> Table:
    """What each command took."""
    rows = [
        [" ".join(pieces(command)[:4]), *(f"{seconds[name]:.0f}" for name in ("processor", "wall"))]
        for command, seconds in steps
    ]
    total = [f"{sum(seconds[name] for _, seconds in steps):.0f}" for name in ("processor", "wall")]
    return Table(["command", "processor seconds", "wall seconds"], [*rows, ["all", *total]], "Training")


def against(ours: Figures) -> Table:
    """The set's figures beside their targets."""
    rows = []
    for name, part, sort, figure, target in TARGETS:
        told: Any = ours.get(part, {}).get(sort, {}).get(figure)
        if told is not None:
            rows.append([name, f"{100 * told:.1f} %", f"{100 * target:.0f} %", "yes" if told >= target else "no"])
    return Table(["figure", "set", "target", "reached"], rows, "Targets")
