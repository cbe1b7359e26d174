"""Teachers that the product does not know, as somebody else would add them; none of them needs torch."""

from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import FieldSpec, Form
from olacore.spaces import LatentSpace
from teachers import LoadOptions
from teachers.protocol import Arrays
from tests.support.toy_forms import FLOAT16, FLOAT32, UINT8, colours_of, letters

# A picture, its latent, what its caption says, a level of noise, and the latent without that noise.
DENOISED = Form(
    "tests/denoised/1",
    (
        FieldSpec("frames", ("H", "W", 3), UINT8),
        FieldSpec("latents", ("C", "h", "w"), FLOAT16),
        FieldSpec("letters", ("L",), FLOAT16, per="source"),
        FieldSpec("level", (), FLOAT32),
        FieldSpec("clean", ("C", "h", "w"), FLOAT16),
    ),
    spaced=True,
)


class Toy:
    """What these teachers share."""

    space: LatentSpace | None = None
    reads: tuple[str, ...] = ("frames",)
    writes: tuple[str, ...] = ()

    def __init__(self, batch: int = 4, **settings: Any) -> None:
        self.name, self.batch, self.settings = type(self).__name__.lower(), batch, settings


class Colours(Toy):
    """Mean colours of pictures, and how far the pixels are from them."""

    writes = ("colours", "spread")

    def answer(self, arrays: Arrays) -> dict[str, np.ndarray]:
        return colours_of(arrays["frames"])


class Letters(Toy):
    """How often three letters stand in captions."""

    reads, writes = ("captions",), ("letters",)

    def answer(self, arrays: Arrays) -> dict[str, np.ndarray]:
        return {"letters": letters(arrays["captions"])}


class Levels(Toy):
    """A level for each latent, drawn by what it holds, so that its company does not matter."""

    reads, writes = ("latents",), ("level",)

    def answer(self, arrays: Arrays) -> dict[str, np.ndarray]:
        seeds = [np.frombuffer(latent.tobytes(), np.uint16) for latent in arrays["latents"]]
        return {"level": np.array([np.random.default_rng(seed).uniform(0.5, 4) for seed in seeds])}


class Denoiser(Toy):
    """Shrinks latents by their level, and a little by the caption."""

    reads, writes = ("latents", "level", "letters"), ("clean",)

    def __init__(self, space: LatentSpace, **settings: Any) -> None:
        super().__init__(3, **settings)
        self.space = space

    def answer(self, arrays: Arrays) -> dict[str, np.ndarray]:
        said = arrays["letters"].sum(1, dtype=np.float32)
        return {"clean": arrays["latents"] / (1 + arrays["level"] + said)[:, None, None, None]}


def is_colours(reference: str) -> bool:
    """Whether a reference is a file of the toy's own kind."""
    return Path(reference).suffix == ".colours"


def load_colours(reference: str, options: LoadOptions) -> Colours:
    """Load the teacher of colours."""
    return Colours(options.batch or 4, file=Path(reference).name)
