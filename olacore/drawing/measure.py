"""`ola t2i-test`: what a set draws of captions whose pictures are known, beside what needs no module."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from olacore.data import Dataset, open_dataset
from olacore.data.texts import read_texts
from olacore.drawing.generator import Generator
from olacore.drawing.settings import Settings
from olacore.errors import DataError
from olacore.quality.drawings import Known, cells_of
from olacore.quality.judges import Judge, kernel_distance
from olacore.text.table import unit

# Of the two nearest captions' pictures, in the blend.
BLEND = (0.7, 0.3)
MEAN_OF = 8
Figures = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Pictures:
    """The pictures of a data set with their captions, and how near the training captions are to each.

    Parameters
    ----------
    frames : (n, H, W, 3) uint8
    captions : of each picture, the first
    parts : (n,) what its split is called
    training, validation : numbers of those pictures
    embeddings : (n, E) at unit length, of the data's text teacher
    latents : (n, C, h, w) float32, where the data have them
    """

    frames: np.ndarray
    captions: list[str]
    parts: np.ndarray
    training: np.ndarray
    validation: np.ndarray
    embeddings: np.ndarray
    latents: np.ndarray | None

    @classmethod
    def read(cls, data: Dataset, h5: Path) -> Pictures:
        """Read all of them.

        Parameters
        ----------
        h5 : where the data are, for messages

        Raises
        ------
        DataError  if the data have no pictures, no captions with embeddings, or no training pictures
        """
        if not data.captions or not data.has("frames") or not data.has("embeddings"):
            raise DataError(
                f"{h5} has no pictures with captions and their embeddings; give the data set that the set was made of, "
                "or make one by `ola precompute` with --captions, --teacher and --text-teacher."
            )
        rows = np.arange(data.count)
        texts, sources = read_texts(data), data.read(["rows"], rows)["rows"]["source"]
        training = data.indices("train")
        if not len(training):
            raise DataError(f"{h5} has no training pictures to compare with.")
        return cls(
            data.read(["frames"], rows)["frames"],
            [texts.captions[place] for place in texts.of_rows],
            np.array([data.sources[source].part or data.sources[source].split for source in sources]),
            training,
            data.indices("validation"),
            unit(texts.embeddings[texts.of_rows].astype(np.float64)),
            data.read(["latents"], rows)["latents"].astype(np.float32) if data.has("latents") else None,
        )

    def judge(self) -> Judge | None:
        """A judge that learnt from the training pictures; None without validation pictures."""
        if not len(self.validation):
            return None
        used = np.concatenate([self.training, self.validation])
        return Judge.of(self.frames[used], self.embeddings[used], np.arange(len(used)) >= len(self.training))

    def of_nearest(self, numbers: np.ndarray, weights: Sequence[float]) -> np.ndarray:
        """The weighted mean of the pictures of the nearest training captions, (m, H, W, 3) uint8."""
        likeness = self.embeddings[numbers] @ self.embeddings[self.training].T
        best = np.argsort(-likeness, axis=1, kind="stable")[:, : len(weights)]
        mixed = sum(
            weight * self.frames[self.training[place]].astype(np.float32)
            for weight, place in zip(weights, best.T, strict=True)
        )
        return np.rint(mixed).astype(np.uint8)


def measure(
    generator: Generator,
    h5: Path,
    parts: Sequence[str] = (),
    settings: Settings | None = None,
    most: int | None = None,
    other: Path | None = None,
    beside: Mapping[str, Callable[[np.ndarray], np.ndarray]] | None = None,
    watch: Callable[[str, Sequence[str], Mapping[str, np.ndarray]], None] = lambda part, captions, pictures: None,
) -> dict[str, Figures]:
    """Draw the captions of a data set, and compare.

    Parameters
    ----------
    parts : that are measured; all held-out ones where none is named
    settings : of all pictures, one seed each
    most : pictures of a part at most, the first
    other : pictures of other makers with captions and embeddings of the same text teacher, for a judge of their own
    beside : what else draws, by name: from the numbers of pictures (m,) to (m, H, W, 3) uint8
    watch : called with each part, its captions, and its pictures (m, H, W, 3) uint8 by what drew them

    Returns
    -------
    figures by part, then by what drew, see `Known.figures`; `kid` is `kernel_distance` to the true pictures; `judge`
    and `other_judge`, where there are such, are their R-precision among the held-out captions, see `Judge`; `spread`,
    of a set with variety, is half the squared distance of the pictures of two seeds, over the variance that `left` is
    a share of; `text_mean`, of a set where the data have latents of its space and size, is the share of the latents'
    variance that is left by what the captions alone lead one to expect, neither leant nor exaggerated

    Raises
    ------
    DataError  if the data have no pictures with captions, or no such part
    """
    with open_dataset([h5]) as data:
        found = Pictures.read(data, h5)
        held_out = data.indices("held-out")
        same_space = data.space is not None and data.space.fingerprint == generator.fingerprint
        latent = generator.text_means([""]).shape[1:]
    judges = {"judge": found.judge()}
    if other is not None:
        with open_dataset([other]) as data:
            theirs = Pictures.read(data, other)
        if theirs.embeddings.shape[1] != found.embeddings.shape[1]:
            raise DataError(f"{other} has embeddings of another text teacher than {h5}.")
        judges["other_judge"] = theirs.judge()
    asked = settings or Settings()
    names = [*parts] or sorted({*found.parts[held_out].tolist()})
    known = Known.of(found.frames, np.isin(np.arange(len(found.frames)), found.training))
    told: dict[str, Figures] = {}
    for name in names:
        numbers = np.flatnonzero(found.parts == name)[:most]
        if not len(numbers):
            raise DataError(f"the data have no part {name!r}; they have {', '.join(sorted({*found.parts.tolist()}))}.")
        truth, mean = found.frames[numbers], np.rint(known.frame).astype(np.uint8)
        of = {
            "set": draw_all(generator, prompts := [found.captions[number] for number in numbers], asked),
            **{name: draw(numbers) for name, draw in (beside or {}).items()},
            "mean picture": np.broadcast_to(mean, truth.shape),
            "nearest caption's": found.of_nearest(numbers, (1.0,)),
            "blend of 2 nearest": found.of_nearest(numbers, BLEND),
            "mean of 8 nearest": found.of_nearest(numbers, (1 / MEAN_OF,) * MEAN_OF),
            "true pictures": truth,
        }
        watch(name, prompts, of)
        # Captions that are compared are those of pictures that no judge saw.
        among = np.union1d(held_out, numbers)
        own = np.searchsorted(among, numbers)
        told[name] = {who: known.figures(drawn, truth, numbers) for who, drawn in of.items()}
        for who, drawn in of.items():
            if len(numbers) > 1 and drawn is not truth:
                told[name][who]["kid"] = kernel_distance(drawn, truth)
            told[name][who] |= {
                which: judge.precision(drawn, own, found.embeddings[among])
                for which, judge in judges.items()
                if judge is not None
            }
        if found.latents is not None and found.latents.shape[1:] == latent and same_space:
            means = generator.text_means(prompts, Settings(guidance=1.0, lean=0.0))
            missed, spread = (found.latents[numbers] - part for part in (means, found.latents[found.training].mean(0)))
            told[name]["set"]["text_mean"] = float(np.square(missed).sum() / np.square(spread).sum())
        if asked.variety:
            again = draw_all(generator, prompts, replace(asked, seed=asked.seed + 1))
            apart = np.square(cells_of(of["set"]) - cells_of(again)).sum() / 2
            told[name]["set"]["spread"] = float(apart / np.square(known.cells[numbers] - known.mean).sum())
    return told


def draw_all(generator: Generator, prompts: Sequence[str], settings: Settings) -> np.ndarray:
    """A picture of each prompt, (n, H, W, 3) uint8."""
    return np.array([generator.draw(prompt, settings)[0].picture for prompt in prompts])
