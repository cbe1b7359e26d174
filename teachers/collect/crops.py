"""How pictures become rows: which squares are cut, which split a source goes into."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from olacore.data import ROW
from olacore.errors import ConfigError
from olacore.media.pictures import Square, centre_square, random_square

CROPS = ("centre", "random")
MOST_SIZE, MOST_CROPS, MOST_SEED = 1 << 14, 1 << 16, (1 << 62) - 1


@dataclass(frozen=True)
class PictureRule:
    """How pictures become rows.

    Parameters
    ----------
    size : side of every row's picture, a multiple of the factor of the teacher's latents
    crops : squares cut from a photograph or a frame: first the largest in its middle, then seeded random ones whose
        side is between half and all of the shorter side, and not under `size`
    crop : "centre" for the above; "random" makes the first square a random one too
    seed : of the random squares and of the split
    upscale : use pictures whose shorter side is under `size` as well; otherwise they are skipped
    validation, held_out : parts of the rows in these splits; of three sources or more, at least one source
    recipe : a file that names the photographs to use and their splits, see `teachers.collect.recipe`

    Raises
    ------
    ConfigError  if a number is out of range
    """

    size: int = 256
    crops: int = 1
    crop: str = "centre"
    seed: int = 0
    upscale: bool = False
    validation: float = 0.1
    held_out: float = 0.1
    recipe: Path | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.size <= MOST_SIZE:
            raise ConfigError(f"the size must be 1 to {MOST_SIZE}; got {self.size}.")
        if not 1 <= self.crops <= MOST_CROPS:
            raise ConfigError(f"the crops of a photograph must be 1 to {MOST_CROPS}; got {self.crops}.")
        if not -MOST_SEED <= self.seed <= MOST_SEED:
            raise ConfigError(f"the seed must be {-MOST_SEED} to {MOST_SEED}; got {self.seed}.")
        if self.crop not in CROPS:
            raise ConfigError(f"a crop is one of {', '.join(CROPS)}; got {self.crop!r}.")
        if not (min(self.validation, self.held_out) >= 0 and self.validation + self.held_out < 1):
            parts = f"{self.validation} and {self.held_out}"
            raise ConfigError(f"validation and held-out parts must be 0 or more, together under 1; got {parts}.")

    def squares(self, key: str, height: int, width: int) -> tuple[Square, ...]:
        """The squares to cut from a picture of this size; random ones depend on the seed and on `key` alone."""
        short = min(height, width)
        least = min(max(self.size, short // 2), short)
        centred = self.crop == "centre"
        keys = [hashed(self.seed, f"{key} {number}")[:16] for number in range(int(centred), self.crops)]
        randoms = [np.random.Generator(np.random.Philox(key=int.from_bytes(key))) for key in keys]
        first = (centre_square(height, width),) if centred else ()
        return *first, *(random_square(height, width, least, random) for random in randoms)

    def splits(self, rows: Mapping[str, int]) -> dict[str, str]:
        """Put each source into a split.

        The sources are ranked by a seeded hash; the first are held out until their rows make up that part, the next
        are for validation. A source that is too large for what is left of its part is passed over.

        Parameters
        ----------
        rows : of each source, by a key that does not depend on names or order
        """
        ranked = sorted(rows, key=lambda key: hashed(self.seed, key))
        whole = sum(rows.values())
        found: dict[str, str] = {}
        for split, part in (("held-out", self.held_out), ("validation", self.validation)):
            taken = 0
            for key in ranked:
                # The last source goes where the sum comes nearest; one is left for training.
                if key not in found and 2 * taken + rows[key] <= 2 * part * whole and len(found) + 1 < len(rows):
                    found[key], taken = split, taken + rows[key]
            left = [key for key in ranked if key not in found]
            if not taken and part > 0 and len(rows) >= 3 and len(left) > 1:
                found[min(left, key=lambda key: rows[key])] = split
        return {key: found.get(key, "train") for key in rows}


def rows_at(stamps: np.ndarray, squares: Iterable[Square]) -> np.ndarray:
    """Rows that cut these squares at these times, of no source yet: (n,) of type `ROW`."""
    rows = np.zeros(len(stamps), ROW)
    rows["pts"] = stamps
    # One square after the other: a film has too many to hold them all as objects.
    rows["top"], rows["left"], rows["height"] = np.fromiter(squares, np.dtype((np.int32, 3)), len(stamps)).T
    rows["width"] = rows["height"]
    return rows


def hashed(seed: int, key: str) -> bytes:
    """A seeded SHA-256 of some text."""
    return hashlib.sha256(f"{seed} {key}".encode()).digest()
