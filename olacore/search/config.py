"""What a training run is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from olacore.errors import ConfigError
from olacore.search.islands.island import Island, check_island
from olacore.search.rules import PAIR, Settled, settle

# The least and the largest value of numbers that count something. Four streams of random numbers follow from a seed.
MOST = (1 << 31) - 1
RANGES = {
    "population": (1, MOST),
    "block": (1, MOST),
    "report_every": (1, MOST),
    "patience": (0, MOST),
    "seed": (0, (1 << 62) - 1),
    "stack": (1, MOST),
    "budget": (1, 1 << 50),
    "components": (0, MOST),
    "wiener": (0, MOST),
    "folds": (2, 100),
}
LIMITS = ("generations", "passes", "seconds", "until_loss")
# What views take; each says which.
OF_VIEW = (
    "patch",
    "border",
    "context",
    "window",
    "level",
    "truth",
    "text_window",
    "wiener",
    "unconditional",
    "buckets",
    "words",
    "word_size",
    "word_bits",
    "target",
)
# What has to be the same when a search is resumed, as it was asked for.
ASKED = (
    "module",
    "view",
    *OF_VIEW,
    "options",
    "stack",
    "budget",
    "components",
    "seed",
    "block",
    "report_every",
    "skip_nonfinite",
)


@dataclass(frozen=True)
class TrainConfig:
    """Settings of `train`; None stands for the default of whatever else was chosen, see `settled`.

    Parameters
    ----------
    module : kind of the module, such as "encoder" or "decoder"; "pair" for an encoder and the decoder of its own
        latents; None for plain pairs
    h5 : data set files, of one latent space
    view : how samples are cut, such as "patch" or "global"; None for the first view that the kind has
    patch : pixels along a side of a refiner's block; None for a single one, or for a latent site's with `context`
    border, window : pixels around the patch of an encoder or the block of a refiner; latent sites along a side of a
        decoder's or a denoiser's window
    context : latent sites around a refiner's block that it reads too; None for no latents
    level : noise level of a denoiser, in the units of the latents
    truth : share of pictures' own latents in the targets of a denoiser that learns a teacher's answers, from 0 to 1;
        None for 0
    text_window : latent sites along a side of a denoiser's window of the text mean; 0 for none
    wiener : components of a Wiener filter of whole latents that a denoiser of the view window reads; None or 0 for none
    unconditional : a denoiser without text
    buckets : that the words of a text are hashed into
    words, word_size, word_bits : file of words with a text teacher's embeddings, numbers of a word's vector, and bits
        of such a number, of a text's table
    target : of a text module "embeddings", one a caption, or "tokens", those of all its tokens; None for the former
    strategy : its name; None for "rows", "stack" where one is asked for, and "pair" for a pair
    options : of the strategy, those that differ from the default
    loss : what the search minimises: "mse", "mae", "huber", "cosine", "contrast", `my_losses.py:function`, or a
        compiled function of (prediction, target), see `Objective`
    output_weights : weight of each output in the loss; none for equal ones
    weights : how weights are stored: "float32", "float16", or "int8", weights of 255 levels a row; None for int8 of
        wide stacks, float16 of other stacks and pairs, else float32
    stack : hidden units at most of a stack; None for one affine map
    budget : bytes that the module's file may take; with it alone, a stack grows up to it
    components : principal components of the targets that the search works with, and the module carries; 0 for the
        targets as they are; None to let a wide stack of many targets choose
    folds : also evolve so many modules, each without a fold of the training samples, and write what they answer to
        those, see `olacore.search.plans.folds`
    latents_from : an organic encoder whose latents take the place of the data's; a file or a name
    text_from : a text module whose embeddings take the place of the data's
    pictures_from : a decoder whose pictures a refiner learns to refine, in place of the data's decodings
    population : number of genomes, of strategies that have a choice; None for 40
    seed : of every random number
    block : samples read at once
    generations, passes, seconds, until_loss : when to stop; with none of them, after 60 s of search, or after as many
        generations as a strategy that cools down says. `until_loss` is in the units of the targets
    patience : reports without a better validation loss after which the search is frozen; 0 never freezes. A fixed
        number of generations or passes is always run to its end
    report_every : generations between reports, each with a validation
    skip_nonfinite : leave items with NaN or inf out instead of refusing the data
    out : run folder; None takes the next free `runs/encoder-0001`
    resume, force : go on in, or replace, a run folder that is already there
    island : which of several searches of the module this one is; None for a search that is none

    Raises
    ------
    ConfigError  if a setting is unknown or out of range, or would be ignored beside the others
    """

    module: str | None
    h5: tuple[Path, ...]
    view: str | None = None
    patch: int | None = None
    border: int | None = None
    context: int | None = None
    window: int | None = None
    level: float | None = None
    truth: float | None = None
    text_window: int | None = None
    wiener: int | None = None
    unconditional: bool | None = None
    buckets: int | None = None
    words: Path | str | None = None
    word_size: int | None = None
    word_bits: int | None = None
    target: str | None = None
    strategy: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    loss: str | Callable[..., Any] = "mse"
    output_weights: tuple[float, ...] = ()
    weights: str | None = None
    stack: int | None = None
    budget: int | None = None
    components: int | None = None
    folds: int | None = None
    latents_from: Path | str | None = None
    text_from: Path | str | None = None
    pictures_from: Path | str | None = None
    population: int | None = None
    seed: int = 0
    block: int = 8192
    generations: int | None = None
    passes: float | None = None
    seconds: float | None = None
    until_loss: float | None = None
    patience: int = 20
    report_every: int = 10
    skip_nonfinite: bool = False
    out: Path | None = None
    resume: bool = False
    force: bool = False
    island: Island | None = None

    def __post_init__(self) -> None:
        paths = (self.h5,) if isinstance(self.h5, str | Path) else self.h5
        object.__setattr__(self, "h5", tuple(Path(path) for path in paths))
        if self.out is not None:
            object.__setattr__(self, "out", Path(self.out))
        object.__setattr__(self, "output_weights", tuple(self.output_weights))
        if self.words is not None:
            object.__setattr__(self, "words", str(self.words))
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                bound = f"at least {least}" if value < least else f"at most {most}"
                raise ConfigError(f"{name} must be {bound}; got {value}.")
        for name in LIMITS:
            value = getattr(self, name)
            if value is not None and not 0 < value <= MOST:
                raise ConfigError(f"{name} must be {'at most ' + str(MOST) if value > 0 else 'above 0'}; got {value}.")
        if self.resume and self.out is None:
            raise ConfigError("to resume, name the run folder with --out.")
        if self.resume and self.force:
            raise ConfigError("resume and force exclude each other: go on with the run, or replace it.")
        if not self.h5:
            raise ConfigError("training needs at least one data set file.")
        seconds = self.settled.seconds  # what does not go together is refused here
        if self.island is not None:
            apart = f"--module {PAIR}" if self.module == PAIR else "--folds" if self.folds else None
            check_island(self.island, seconds, apart)

    @cached_property
    def settled(self) -> Settled:
        """What the settings come to, with every default in its place."""
        return settle(self)

    @property
    def freezes(self) -> bool:
        """Whether the search ends when the validation loss no longer improves."""
        return self.patience > 0 and self.settled.generations is None and self.passes is None

    def view_settings(self) -> dict[str, Any]:
        """What was asked of the view."""
        return {name: getattr(self, name) for name in OF_VIEW if getattr(self, name) is not None}

    def search_settings(self) -> dict[str, Any]:
        """What decides the course of the search, and so must be the same when it is resumed."""
        settled = self.settled
        return {
            **{name: getattr(self, name) for name in ASKED},
            "strategy": settled.strategy.name,
            "weights": settled.weights,
            "population": settled.population,
            "loss": settled.objective.name,
            "output_weights": list(self.output_weights),
        }
