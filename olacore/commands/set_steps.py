"""The commands that make a set of captioned pictures, one after the other: what `ola make-set` runs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from olacore.drawing.recipe import Recipe, level_name, written
from olacore.drawing.work_folder import BUNDLE

# The side of pictures, where neither the command nor the recipe says one.
SIZE = 64
PRECOMPUTE, TRAIN = "precompute", "train"
# What a step may read that no step makes, in words.
GIVEN = {
    "pictures": "the pictures",
    "captions": "the captions",
    "split": "the table of parts",
    "data": "the data",
    "words": "the table of words",
    "text": "the text module",
}
# What each step makes; those of denoisers are called by their levels.
MAKES = {
    "data": "pictures to latents, captions to embeddings",
    "words": "words to embeddings",
    "text": "text to embedding",
    "mean": "text to latent",
    "decoder": "latent to picture",
    "refiner": "picture to better picture",
    "encoder": "picture to latent",
    "rows": "latents to noisy latents",
    "level": "noisy latent to latent",
    BUNDLE: "modules to set",
}


@dataclass(frozen=True)
class Asked:
    """What a set is made of, and where.

    Parameters
    ----------
    output : the folder of the set
    work : the folder of data, words and runs
    sources, captions, split : pictures, their captions, and a table of parts, as `ola precompute` takes them
    size : side of a picture; None for what the recipe says
    teacher, text_teacher : as `ola precompute` takes them
    h5, words, text : the data, the table of words and the text module, where they are there already
    seed : of every search; None for what the recipe says
    about : what the set says of itself, each written NAME=TEXT
    force : replace the set that is there
    """

    output: Path
    work: Path
    sources: Sequence[Path]
    captions: str | None
    split: Path | None
    size: int | None
    teacher: str
    text_teacher: str
    h5: Path | None
    words: Path | None
    text: Path | None
    seed: int | None
    about: Sequence[str] = ()
    force: bool = False


@dataclass(frozen=True)
class Step:
    """A command of `ola`.

    Parameters
    ----------
    name : of the step: a table of the recipe, "level-2" for a denoiser, or "bundle"
    arguments : words of the command behind `ola`
    made : file or folder that is there when it is done
    reads : the steps whose files it reads
    given : what else it reads, which was there already; see `GIVEN`
    """

    name: str
    arguments: tuple[str, ...]
    made: Path
    reads: tuple[Step, ...] = ()
    given: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """What is typed; bytes of names that are no text are shown as escapes."""
        return shlex.join(("ola", *self.arguments)).encode("utf-8", "backslashreplace").decode()

    @property
    def makes(self) -> str:
        """What it makes of what, in a few words."""
        return MAKES[self.name.partition("-")[0]]


def steps_of(recipe: Recipe, asked: Asked) -> list[Step]:
    """All steps in their order; the last one makes the set.

    What is there already has no step. The recipe has a text, or there is one.
    """
    plan = Plan(recipe, asked)
    if asked.h5 is None:
        plan.data()
    if asked.text is None:
        if asked.words is None:
            plan.words()
        plan.text()
    mean = ("--module", "denoiser", "--view", "text", "--text-from", str(plan.of_text))
    plan.train("mean", mean, ("data", "text"))
    plan.train("decoder", ("--module", "decoder"), ("data",))
    if "refiner" in recipe:
        behind = ("--module", "refiner", "--pictures-from", str(plan.run("decoder")))
        plan.train("refiner", behind, ("data", "decoder"))
    if "encoder" in recipe:
        plan.train("encoder", ("--module", "encoder"), ("data",))
    if recipe.levels:
        plan.denoisers()
    plan.bundle()
    return [*plan.steps.values()]


class Plan:
    """Steps while they are put together.

    Parameters
    ----------
    recipe, asked : what they are made of
    """

    def __init__(self, recipe: Recipe, asked: Asked) -> None:
        self.recipe, self.asked = recipe, asked
        self.steps: dict[str, Step] = {}
        self.h5 = str(asked.h5 or asked.work / "data.h5")
        self.of_words = asked.words or asked.work / "words.h5"
        self.of_text = asked.text or self.run("text")

    def run(self, name: str) -> Path:
        """The run folder of a step."""
        return self.asked.work / "runs" / name

    def add(self, name: str, arguments: Sequence[str], made: Path, reads: Sequence[str] = ()) -> None:
        """Add a step; of what it reads, what is there already has no step."""
        before = tuple(self.steps[one] for one in reads if one in self.steps)
        given = tuple(one for one in reads if one not in self.steps)
        self.steps[name] = Step(name, tuple(map(str, arguments)), made, before, given)

    def data(self) -> None:
        """Pictures, latents, and embeddings of the captions."""
        asked = self.asked
        options = {"size": SIZE, **self.recipe.options("data", size=asked.size)}
        split = [] if asked.split is None else ["--split", str(asked.split)]
        teachers = ["--teacher", asked.teacher, "--text-teacher", asked.text_teacher]
        told = ["--captions", str(asked.captions), *split, "--size", str(options.pop("size")), *teachers]
        arguments = [PRECOMPUTE, *map(str, asked.sources), *told, *written(options), "--h5", self.h5]
        self.add("data", arguments, Path(self.h5), ("pictures", "captions", *(["split"] if split else [])))

    def words(self) -> None:
        """Embeddings of single words."""
        options = [*written(self.recipe.options("words")), "--text-teacher", self.asked.text_teacher]
        arguments = [PRECOMPUTE, "--words", self.h5, *options, "--h5", str(self.of_words)]
        self.add("words", arguments, self.of_words, ("data",))

    def text(self) -> None:
        """Words to an embedding."""
        self.train("text", ("--module", "text", "--words", str(self.of_words)), ("data", "words"))

    def train(self, name: str, told: Sequence[str], reads: Sequence[str]) -> None:
        """A search on the data."""
        options, out = written(self.recipe.options(name, seed=self.asked.seed)), self.run(name)
        self.add(name, [TRAIN, *told, "--h5", self.h5, *options, "--out", str(out)], out, reads)

    def denoisers(self) -> None:
        """Rows of noisy latents, and a denoiser for each level of noise."""
        rows = self.asked.work / "rows.h5"
        means = self.run("mean") / "answers.npz"
        told = ["--denoiser", "none", "--text-means", str(means), *written(self.recipe.options("rows"))]
        self.add("rows", [PRECOMPUTE, self.h5, *told, "--h5", str(rows)], rows, ("data", "mean"))
        for level in self.recipe.levels:
            name = level_name(level)
            options, out = written(self.recipe.options(name, seed=self.asked.seed)), self.run(name)
            told = ["--module", "denoiser", "--view", "window", "--level", str(level), "--h5", str(rows)]
            self.add(name, [TRAIN, *told, *options, "--out", str(out)], out, ("rows",))

    def bundle(self) -> None:
        """The set."""
        words = ["--text", str(self.of_text)]
        modules = ["text", "mean", "decoder", *(name for name in ("refiner", "encoder") if name in self.steps)]
        for name in modules[1:]:
            words += [f"--{name}", str(self.run(name))]
        levels = [level_name(level) for level in self.recipe.levels]
        for name in levels:
            words += ["--denoiser", str(self.run(name))]
        words += ["--h5", self.h5, "-o", str(self.asked.output)]
        for each in self.asked.about:
            words += ["--about", each]
        force = ["--force"] if self.asked.force else []
        self.add(BUNDLE, [BUNDLE, *words, *force], self.asked.output, ("data", *modules, *levels))
