"""From a prompt to pictures: text module, text mean, denoisers, decoder, refiner; some sets have fewer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from olacore.drawing.captions import OVER, Captions, ranked
from olacore.drawing.lift import Lift
from olacore.drawing.module_set import ModuleSet, fingerprint_of, load_parts, open_set
from olacore.drawing.notes import on_chance, on_negative, on_prompt, on_wording, words_said
from olacore.drawing.sampler import noise_of, sample
from olacore.drawing.settings import Settings
from olacore.drawing.wording import Wording
from olacore.errors import ConfigError, DTypeError, FileFormatError, ShapeError
from olacore.modules.file import BASIS
from olacore.text.emoji import name_emoji
from olacore.text.style import plain_style, style_in, styled

DEFAULT_SET = "google64"
MOST_COUNT = 4096
# Prompts whose text means are asked for at once: LANES of `olacore.kernels.tile`, which takes no time to import here.
FEW = 16
# What a negative prompt counts for, of what sets it apart from the mean of all.
AWAY = np.float32(0.5)
# What a callback gets: the step from 0 on, how many there are, and the picture as it would be now, (H, W, 3) uint8.
Watcher = Callable[[int, int, np.ndarray], None]
# Share, variety and seed, as `Captions.leaned` takes them.
Lean = tuple[float] | tuple[float, float, int]


class Part(Protocol):
    """A module that runs, by kernels or without."""

    @property
    def table(self) -> Any:
        """Of words, where it has one."""

    def run(self, given: Any) -> np.ndarray:
        """Answer what the view reads: (n, ...) for n items."""

    def with_refiner(self, refiner: Any) -> Part:
        """A decoder with a refiner behind it."""


@dataclass(frozen=True)
class Drawing:
    """A picture, and how it came about.

    Parameters
    ----------
    picture : (H, W, 3) uint8 RGB
    prompt : as it was given
    settings : that it was drawn with
    notes : what whoever asked for it should know, such as words that are not known
    nearest : training captions nearest to the prompt, with the cosine of their embeddings
    record : how it was drawn, JSON types, as its PNG keeps it
    """

    picture: np.ndarray
    prompt: str
    settings: Settings
    notes: tuple[str, ...] = ()
    nearest: tuple[tuple[str, float], ...] = ()
    record: dict[str, Any] = field(default_factory=dict)


class Generator:
    """A set of modules that is loaded once, and draws as often as one likes.

    Parameters
    ----------
    reference : a set by its name, the folder of one's own, or `hf:user/name` of the hub
    kernels : use the compiled kernels, which draw quicker; otherwise NumPy alone, which starts sooner, and so draws a
        single picture of a process quicker. Pixels of the two may differ by a grey level

    Raises
    ------
    FileFormatError, FingerprintError  if the set is not there, damaged, or its modules do not go together
    """

    def __init__(self, reference: Path | str = DEFAULT_SET, *, kernels: bool = True) -> None:
        self.set: ModuleSet = open_set(reference)
        self.kernels = kernels
        plain = load_parts(self.set)
        self._parts: dict[str, Part] = dict(plain)
        if kernels:
            from olacore.drawing.by_kernels import KernelModule

            self._parts = {name: KernelModule.load(self._file(name)) for name in plain}
        if "refiner" in plain:
            self._parts["decoder"] = self._parts["decoder"].with_refiner(self._parts.pop("refiner"))
        self.captions = Captions.read(self.set.files["captions"])
        # Scenes are made of known words in new places: one is no better drawn as those that are likest, and what no
        # caption has is not told by how near they are.
        scenes = plain["text"].view["name"] == "scene"
        self.seen = None if scenes else self.set.seen
        self.said = words_said(self.table, self.captions.listed) if scenes else None
        self.wording = Wording(self.table, self.captions.listed, self.set.styles) if scenes else None
        view = plain["mean"].view
        if (width := self.captions.basis.shape[1]) != view["embedding"]:
            path = self.set.files["captions"]
            raise FileFormatError(f"{path} has embeddings of {width} numbers; the set makes {view['embedding']}.")
        parts, sides = plain["mean"].parts, ("channels", "height", "width")
        # The mean of all training latents.
        self._everything = parts["target_mean"].reshape(1, *(view[side] for side in sides))
        self._lift = Lift.of(self.set.energy, self.set.outline, parts.get(BASIS))
        self.fingerprint = fingerprint_of(plain["mean"].about)

    def _file(self, name: str) -> Path:
        return self.set.files[name] if name in self.set.files else self.set.levels[float(name.removeprefix("level "))]

    @property
    def table(self) -> Any:
        """The words that the text module knows."""
        return self._parts["text"].table

    def embed(self, prompts: Sequence[str]) -> np.ndarray:
        """The embeddings of prompts, (n, E) float32."""
        return self._parts["text"].run([name_emoji(prompt) for prompt in prompts])

    def embedded(self, texts: Iterable[str]) -> dict[str, np.ndarray]:
        """The embeddings (E,) of those texts of which anything is known, by text."""
        known = [text for text in dict.fromkeys(texts) if any(self.table.read(name_emoji(text))[0])]
        return dict(zip(known, self.embed(known), strict=True)) if known else {}

    def text_means(self, prompts: Sequence[str], settings: Settings | None = None) -> np.ndarray:
        """The latents that the prompts alone lead one to expect, (n, C, h, w) float32, with guidance."""
        asked = settings or Settings()
        read = [self.read_of(prompt, asked) for prompt in prompts]
        known = self.embedded(read)
        apart = self.apart(read, [(asked.lean, asked.variety, asked.seed)] * len(read), known)
        if asked.negative:
            negatives = [self.negative_of(prompt, asked) for prompt in prompts]
            away = {one: self.apart([one], [(asked.lean,)], self.embedded([one]))[0] for one in {*negatives}}
            apart -= AWAY * np.array([away[one] for one in negatives])
        unlike = [one in known and self.unlike(self.captions.certainty(known[one])) for one in read]
        return self.lifted(apart, [asked.guidance] * len(read), unlike)

    def lifted(self, apart: np.ndarray, guidance: Sequence[float | None], unlike: Sequence[bool]) -> np.ndarray:
        """The latents (n, C, h, w) float32 of what sets them apart from the mean of all, as `Lift.lifted` says."""
        return np.asarray(self._everything + self._lift.lifted(apart, guidance, unlike))

    def apart(self, texts: Sequence[str], leans: Sequence[Lean], embedded: Mapping[str, np.ndarray]) -> np.ndarray:
        """What sets the latents that texts lead one to expect apart from the mean of all, (n, C, h, w) float32.

        Parameters
        ----------
        leans : of each text
        embedded : what `embedded` says of the texts
        """
        found = np.zeros((len(texts), *self._everything.shape[1:]), np.float32)
        known = [place for place, text in enumerate(texts) if text in embedded]
        if known:
            leaned = [self.captions.leaned(embedded[texts[place]], self.seen, *leans[place]) for place in known]
            # Few at once, as of one prompt: kernels for many samples may differ in their last bits.
            groups = [np.array(leaned[first : first + FEW]) for first in range(0, len(leaned), FEW)]
            drawn = np.concatenate([self._parts["mean"].run({"embeddings": each}) for each in groups])
            drawn -= self._everything
            unlike = [self.unlike(self.captions.certainty(embedded[texts[place]]), OVER) for place in known]
            found[known] = self._lift.shrunk(drawn, [leans[place][0] for place in known], unlike)
        return found

    def draw(
        self,
        prompt: str,
        settings: Settings | None = None,
        *,
        count: int = 1,
        init: np.ndarray | None = None,
        strength: float = 0.5,
        watch: Watcher | None = None,
        **given: Any,
    ) -> list[Drawing]:
        """Draw pictures of a prompt.

        Parameters
        ----------
        prompt : any text
        settings : or single settings by name in `given`, such as `seed=1`
        count : pictures, of the seeds from `settings.seed` on
        init : a picture (H, W, 3) uint8 of the set's size to start from
        strength : how far to go from it, 0 to 1
        watch : called after each step, for one picture at a time

        Raises
        ------
        ConfigError  if a setting is unknown or out of range, or the set cannot do what is asked
        ShapeError  if `init` is of another size
        DTypeError  if the prompt is no text
        """
        known = [one.name for one in fields(Settings)]
        if unknown := [name for name in given if name not in known]:
            known += ["count", "init", "strength", "watch"]
            raise ConfigError(f"there is no setting {unknown[0]!r} of a drawing; there are {', '.join(known)}.")
        asked = replace(settings or Settings(), **given)
        if not isinstance(prompt, str):
            raise DTypeError(f"a prompt is a text; got {type(prompt).__name__}.")
        if not 1 <= count <= MOST_COUNT:
            raise ConfigError(f"count must be 1 to {MOST_COUNT}; got {count}.")
        self.check(asked)
        asked = replace(asked, style=self.style_of(prompt, asked))
        text = self.read_of(prompt, asked)
        notes, nearest, certainty = self.look(text, self.embedded([text]).get(text))
        leans = self.leans(asked, certainty)
        by_chance = on_chance(asked, leans, self.levels(asked, certainty), count)
        notes = (*notes, *on_negative(self.table, asked.negative, self.said), *by_chance)
        drawings = []
        for number in range(count):
            own = replace(asked, seed=asked.seed + number)
            if not number or leans:
                expected = self.text_means([prompt], own)
                begin = expected if init is None else self.between(init, expected, strength)
            latent = self.sample(begin, expected, certainty[None], [own], watch)
            picture = self.paint(latent)[0]
            drawings.append(Drawing(picture, prompt, own, notes, nearest, self.record(prompt, own)))
        return drawings

    def read_of(self, text: str, asked: Settings) -> str:
        """What is read of a prompt: it, and its style."""
        return styled(text, self.style_of(text, asked))

    def negative_of(self, prompt: str, asked: Settings) -> str:
        """What is read of the negative prompt: it, and the style that it has, or the prompt's."""
        own = style_in(asked.negative, self.set.styles) or self.style_of(prompt, asked)
        return self.read_of(asked.negative, replace(asked, style=own))

    def style_of(self, text: str, asked: Settings) -> str:
        """The style of a prompt: that asked for, or that it has, or the set's; none where nothing of it is known.

        Raises
        ------
        ConfigError  if the set does not know the one that is asked for
        """
        style = plain_style(asked.style)
        if style and not self.set.styles:
            raise ConfigError(f"the set {self.set.name} knows no styles; leave the style {asked.style!r} out.")
        if style and style not in self.set.styles:
            known = ", ".join(self.set.styles)
            raise ConfigError(f"the set {self.set.name} knows the styles {known}; got the style {asked.style!r}.")
        style = style or style_in(text, self.set.styles) or self.set.style
        return style if style and any(self.table.read(name_emoji(text))[0]) else ""

    def check(self, asked: Settings) -> None:
        """Raise `ConfigError` where the set does not know the style, or variety has no effect on any prompt.

        Where it has one on some, prompts are drawn, and `on_chance` tells of those that it does not move.
        """
        self.style_of("", asked)
        lowest = min(self.set.levels, default=np.inf)
        if 0 < asked.variety < lowest and self.seen is None:
            has = f"denoisers from level {lowest:g} on" if self.set.levels else "no denoisers"
            raise ConfigError(f"the set {self.set.name} has {has}; variety {asked.variety:g} has no effect.")

    def between(self, init: np.ndarray, expected: np.ndarray, strength: float) -> np.ndarray:
        """The latent (1, C, h, w) float32 on the way from a picture to what a prompt leads one to expect.

        Without noise the way is a straight line.

        Parameters
        ----------
        init : the picture (H, W, 3) uint8, of the set's size
        expected : (1, C, h, w) float32, the text means
        strength : how far to go, 0 to 1

        Raises
        ------
        ConfigError  if the set has no encoder, or `strength` is out of range
        ShapeError  if `init` is of another size or type
        """
        if "encoder" not in self._parts:
            raise ConfigError(f"the set {self.set.name} has no encoder, and starts from no picture.")
        size = self.set.size
        if init.shape != (size, size, 3) or init.dtype != np.uint8:
            raise ShapeError(
                f"a picture to start from must be ({size}, {size}, 3) uint8; got {init.dtype} {init.shape}."
            )
        if not 0 <= strength <= 1:
            raise ConfigError(f"strength must be 0 to 1; got {strength}.")
        own = self._parts["encoder"].run(init[None])
        return np.asarray(own + np.float32(strength) * (expected - own))

    def unlike(self, certainty: np.ndarray, over: float = 0.0) -> bool:
        """Whether a prompt of such a certainty (2,), of `look`, is like no training caption, by `over` or more."""
        return bool(self.seen is not None and certainty.any() and certainty[0] < self.seen - over)

    def leans(self, asked: Settings, certainty: np.ndarray) -> bool:
        """Whether a prompt of such a certainty (2,), of `look`, is drawn of captions that chance decides on."""
        return bool(asked.variety and asked.lean) and self.unlike(certainty)

    def levels(self, asked: Settings, certainty: np.ndarray) -> list[float]:
        """The noise levels that a prompt of such a certainty (2,) passes, from high to low; none where it leans."""
        passed = [one for one in self.set.levels if one <= asked.variety][: asked.steps]
        return [] if self.leans(asked, certainty) else passed

    def sample(
        self,
        start: np.ndarray,
        expected: np.ndarray,
        certainty: np.ndarray,
        asked: Sequence[Settings],
        watch: Watcher | None = None,
    ) -> np.ndarray:
        """Add noise to latents and take it away, level by level.

        Parameters
        ----------
        start : (n, C, h, w) float32, clean
        expected : (n, C, h, w) float32, the text means
        certainty : (n, 2) float32, of `look`
        asked : n settings that pass through the same levels by the same solver
        watch : as in `draw`, of the first

        Returns
        -------
        (n, C, h, w) float32
        """

        def denoise(noisy: np.ndarray, at: float) -> np.ndarray:
            given = {"noisy": noisy, "text_means": expected, "certainty": certainty}
            return self._parts[f"level {at:g}"].run(given)

        def told(step: int, steps: int, latent: np.ndarray) -> None:
            if watch is not None:
                watch(step, steps, self.paint(latent[:1])[0])

        levels = self.levels(asked[0], certainty[0])
        if not levels:
            told(0, 1, start)
            return start
        noise = np.stack([noise_of(one.seed, start.shape[1:]) for one in asked])
        return sample(denoise, start, levels, noise, asked[0].solver, told)

    def paint(self, latents: np.ndarray) -> np.ndarray:
        """The pictures of latents (n, C, h, w) float32: (n, H, W, 3) uint8."""
        return self._parts["decoder"].run(latents)

    def look(
        self, prompt: str, embedding: np.ndarray | None
    ) -> tuple[tuple[str, ...], tuple[tuple[str, float], ...], np.ndarray]:
        """Notes on a prompt, the nearest training captions, and how near they are, (2,) float32.

        Parameters
        ----------
        embedding : of the prompt, (E,) float32; None where nothing of it is known
        """
        notes = on_prompt(self.table, prompt, self.said)
        if embedding is None:
            what = "the prompt is empty" if not prompt.strip() else "nothing of the prompt is known"
            notes.append(f"{what}: this is the mean of all training pictures")
            return tuple(notes), (), np.zeros(2, np.float32)
        likeness = self.captions.likeness(embedding)
        best = ranked(likeness)[:3]
        nearest = tuple((self.captions.listed[place], float(likeness[place])) for place in best)
        if self.set.seen is not None and nearest[0][1] < self.set.seen:
            names = ", ".join(f"'{text}'" for text, _ in nearest)
            notes.append(f"not seen in training; closest known: {names}")
        if self.wording is not None and not self.wording.has(prompt):
            notes.append(on_wording(nearest[0][0]))
        return tuple(notes), nearest, self.captions.certainty(embedding)

    def record(self, prompt: str, asked: Settings) -> dict[str, Any]:
        """What a picture's file says of it, so that it can be drawn again."""
        return {
            "prompt": prompt,
            **asdict(asked),
            "set": self.set.name,
            "drawn by": "kernels" if self.kernels else "numpy",
            "modules": self.set.digests,
            "measured": self.set.measured,
            **({"about": self.set.about} if self.set.about else {}),
        }


def generate(prompt: str, *, set: Path | str = DEFAULT_SET, **settings: Any) -> Drawing:
    """Draw one picture; a `Generator` is quicker for more.

    Parameters
    ----------
    prompt : any text
    set : by its name, the folder of one's own, or `hf:user/name` of the hub
    settings : of `Settings`, and what else `Generator.draw` takes, by name; not `count`

    Raises
    ------
    ConfigError  if `count` is given
    OlacoreError  another of its kinds, as `Generator` and its `draw` do
    """
    if "count" in settings:
        raise ConfigError("generate draws one picture; for more, take Generator(set).draw(prompt, count=...).")
    return Generator(set, kernels=False).draw(prompt, **settings)[0]
