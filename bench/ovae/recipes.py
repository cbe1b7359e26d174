"""How the modules that come with the package are made: the only place where that is written.

Commands, cards and comparisons are generated from this table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from olacore.errors import ConfigError
from olacore.modules.find import IN_RUN
from olacore.search.config import TrainConfig
from olacore.search.plans.pair import AFFINE
from olacore.search.rules import PAIR
from olacore.search.run_folder import REFINED

SIZE, FACTOR = 256, 8
SMALL = "small"


@dataclass(frozen=True)
class Space:
    """A latent space that modules are made for.

    Parameters
    ----------
    name : the first word of its modules' names
    title : for people
    teacher : name of its folder among the models; on the hub it is `madebyollin/` and this
    crops : of each photograph in the data set
    recon : the data set holds the teacher's own decodings too
    codec : the first word of the names of a pair that is evolved from its data; empty where there is none
    """

    name: str
    title: str
    teacher: str
    crops: int = 8
    recon: bool = True
    codec: str = ""

    @property
    def data(self) -> str:
        """Name of the data set's file."""
        return f"{self.teacher}-{self.crops}.h5"

    @property
    def precompute(self) -> str:
        """The command that makes the data set."""
        teacher = f"--teacher madebyollin/{self.teacher}"
        recon = " --recon" if self.recon else ""
        return f"ola precompute PHOTOS {teacher} --crops {self.crops}{recon} --h5 {self.data}"


@dataclass(frozen=True)
class Recipe:
    """One run of `ola train`.

    Parameters
    ----------
    space : name of the latent space
    kind : "pair", "encoder", "decoder", or "refiner" for a decoder that carries one
    settings : of `TrainConfig` that differ from the default, without data and folder
    size : the last word of the names of its run and its module, where there is a larger one of that kind
    crops : of each photograph in a data set of its own, without the teacher's decodings; None for the space's data set
    """

    space: str
    kind: str
    settings: dict[str, Any]
    size: str = ""
    crops: int | None = None

    @property
    def name(self) -> str:
        """Of the run."""
        return "-".join(filter(None, (self.family, self.kind, self.size)))

    @property
    def source(self) -> Space:
        """The latent space, with the data set that it is made from."""
        space = SPACES[self.space]
        return space if self.crops is None else replace(space, crops=self.crops, recon=False)

    @property
    def behind(self) -> str:
        """Of a refiner, the run of the decoder that it stands behind; empty for others."""
        return f"{self.family}-decoder-{SMALL}" if self.kind == "refiner" else ""

    @property
    def family(self) -> str:
        """The first word of the names of its modules."""
        return SPACES[self.space].codec if self.kind == PAIR else self.space

    @property
    def makes(self) -> dict[str, str]:
        """Files in the run folder by the names of the modules that they become."""
        if self.behind:
            return {f"{self.family}-decoder": REFINED}
        if self.kind != PAIR:
            return {self.name: IN_RUN}
        return {f"{self.family}-{part}": f"{part}/{IN_RUN}" for part in ("encoder", "decoder")}

    @property
    def affine_decoder(self) -> str:
        """The affine decoder that was evolved with a pair's encoder, in the run folder."""
        return f"encoder/{AFFINE}"

    def config(self, h5: Path, out: Path) -> TrainConfig:
        """Settings of the run."""
        drawn = out.parent / self.behind if self.behind else None
        return TrainConfig(h5=(h5,), out=out, force=True, pictures_from=drawn, **self.settings)

    @property
    def command(self) -> str:
        """The same as a command line."""
        drawn = f" --pictures-from {self.behind}" if self.behind else ""
        plain = [f"--{name.replace('_', '-')} {value}" for name, value in self.settings.items() if name != "options"]
        options = [f"--option {name}={value}" for name, value in self.settings.get("options", {}).items()]
        settings = " ".join([*plain, *options])
        return f"ola train --h5 {self.source.data}{drawn} {settings} --out {self.name}"


SPACES = {
    space.name: space
    for space in (
        Space("sd15", "SD 1.5", "taesd", codec="codec4"),
        Space("sdxl", "SDXL", "taesdxl", crops=4),
        Space("sd3", "SD 3", "taesd3", codec="codec16"),
    )
}

STORED = {"weights": "float16"}
STACK_PAIR = {"module": PAIR, "window": 5, "stack": 320, "loss": "contrast", "generations": 600, **STORED}
# With 16 channels the decoder of STACK_PAIR takes 0.5 MB.
AFFINE_PAIR = {"module": PAIR, "window": 5, "generations": 400, **STORED}
ENCODER = {"module": "encoder", "stack": 320, "budget": 512 * 1024, "generations": 800, **STORED}
DECODER = {"module": "decoder", "window": 5, "stack": 256, "loss": "mse", "generations": 500, **STORED}
REFINER = {
    "module": "refiner",
    "patch": 2,
    "border": 3,
    "stack": 64,
    "generations": 300,
    "block": 65536,
    "options": {"pays": "-1"},
    **STORED,
}

# The later two in less time: 13 million rows.
SHORT_REFINER = {**REFINER, "generations": 200}

RECIPES = (
    Recipe("sd15", PAIR, STACK_PAIR),
    Recipe("sd15", "encoder", ENCODER),
    Recipe("sd15", "decoder", DECODER, SMALL),
    Recipe("sd15", "refiner", REFINER, crops=2),
    Recipe("sdxl", "encoder", ENCODER),
    Recipe("sdxl", "decoder", DECODER, SMALL),
    Recipe("sdxl", "refiner", SHORT_REFINER, crops=2),
    Recipe("sd3", PAIR, AFFINE_PAIR),
    Recipe("sd3", "encoder", ENCODER),
    Recipe("sd3", "decoder", DECODER, SMALL),
    Recipe("sd3", "refiner", SHORT_REFINER, crops=2),
)


def chosen(names: Iterable[str] = (), spaces: Iterable[str] = (), generations: int | None = None) -> tuple[Recipe, ...]:
    """Return the recipes of these names and spaces, all where none are named.

    Parameters
    ----------
    generations : in place of every recipe's own, for a trial

    Raises
    ------
    ConfigError  if there is no such recipe or space
    """
    names, spaces = tuple(names), tuple(spaces)
    for asked, known in ((names, [recipe.name for recipe in RECIPES]), (spaces, [*SPACES])):
        for name in asked:
            if name not in known:
                raise ConfigError(f"there is no {name!r} among the recipes; there are {', '.join(known)}.")
    found = [
        recipe for recipe in RECIPES if (not names or recipe.name in names) and (not spaces or recipe.space in spaces)
    ]
    if generations is None:
        return tuple(found)
    return tuple(replace(recipe, settings={**recipe.settings, "generations": generations}) for recipe in found)
