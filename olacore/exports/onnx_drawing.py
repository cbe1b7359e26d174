"""A set of modules as one graph: what `Generator.draw` does with texts whose words are looked up already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from olacore.drawing.captions import AMONG, MOST, MOST_VARIETY, NEAREST, OVER, SCATTER, SHARP, Captions
from olacore.drawing.lift import MOST_LIFT, TINY, Outline, axes_of
from olacore.drawing.module_set import ModuleSet, open_set
from olacore.drawing.sampler import sample
from olacore.drawing.settings import Settings
from olacore.errors import ConfigError
from olacore.exports.base import Part
from olacore.exports.onnx_graph import FLOAT, Form, Graph, Port
from olacore.exports.onnx_modules import form_of, pictures, unit

# What chance decides by.
NOISE = "standard normal numbers; others give another picture"
UNREAD = ", but not of texts that are like no training caption"
CHANCE = (
    "standard Gumbel numbers, for the training captions that a text is likest, the likest first; others give another "
    "picture of texts that are like no training caption"
)


@dataclass(frozen=True)
class Tensor:
    """An output of an operator that is computed with like an array, so that the sampler runs on it."""

    graph: Graph
    name: str
    __array_ufunc__ = None

    def __add__(self, other: Tensor) -> Tensor:
        return Tensor(self.graph, self.graph.op("Add", self.name, other.name))

    def __sub__(self, other: Tensor) -> Tensor:
        return Tensor(self.graph, self.graph.op("Sub", self.name, other.name))

    def __rmul__(self, factor: np.float32) -> Tensor:
        return Tensor(self.graph, self.graph.op("Mul", self.graph.constant(factor), self.name))


@dataclass(frozen=True)
class Drawing:
    """A set that draws.

    Parameters
    ----------
    parts : by what they do
    found : the set that they are of
    settings : all but seed and negative prompt, which a graph has not
    uint8 : see `form_of`

    Raises
    ------
    ConfigError  if its text module is of another view than table, or variety has no effect on any text
    """

    parts: Mapping[str, Part]
    found: ModuleSet
    settings: Settings
    uint8: bool

    @classmethod
    def of(cls, parts: Mapping[str, Part], settings: Settings, uint8: bool) -> Drawing:
        """The set that parts are of."""
        found = open_set(parts["text"].about["set"]["folder"])
        if (view := parts["text"].program.gather["name"]) != "table":
            raise ConfigError(
                f"the exporter onnx writes sets whose text module has the view table; that of the set {found.name} has "
                f"the view {view}."
            )
        drawing = cls(parts, found, settings, uint8)
        if settings.variety and not drawing.levels and not drawing.leans:
            has = f"denoisers from level {min(found.levels):g} on" if found.levels else "no denoisers"
            raise ConfigError(
                f"variety {settings.variety:g} has no effect: the set {found.name} has {has}, and no text leans on "
                "captions."
            )
        return drawing

    @property
    def levels(self) -> list[float]:
        """That noise passes through."""
        return [one for one in self.found.levels if one <= self.settings.variety][: self.settings.steps]

    @property
    def leans(self) -> bool:
        """Whether texts that are like no training caption are drawn of captions that chance decides on."""
        return bool(self.settings.variety and self.settings.lean) and self.found.seen is not None

    @property
    def decoder(self) -> Part:
        """With the refiner of the set, where it has one."""
        decoder, refiner = self.parts["decoder"], self.parts.get("refiner")
        return replace(decoder, program=replace(decoder.program, refiner=refiner.program)) if refiner else decoder

    @property
    def form(self) -> Form:
        """As a graph."""
        inputs = [*form_of(self.parts["text"]).inputs]
        if self.levels:
            latents = form_of(self.parts["mean"]).output.shape
            inputs.append(Port("noise", latents, NOISE + UNREAD * self.leans))
        if self.leans:
            among = min(AMONG, len(self._captions.vectors))
            inputs.append(Port("chance", ("batch", among), CHANCE))
        return Form(tuple(inputs), pictures(self.found.size, self.found.size, self.uint8), self._build)

    @cached_property
    def _captions(self) -> Captions:
        return Captions.read(self.found.files["captions"])

    def _build(self, graph: Graph, features: str, *by_chance: str) -> str:
        left, asked, seen = [*by_chance], self.settings, self.found.seen
        noise, chance = (left.pop(0) if read else "" for read in (self.levels, self.leans))
        sizes = graph.op("ReduceL1", features, axes=[1], keepdims=1)
        known = graph.op("Greater", sizes, graph.constant(0))
        embeddings = form_of(self.parts["text"]).build(graph, features)
        captions = InGraph.of(graph, self._captions)
        likeness = captions.likeness(embeddings)
        certainty = captions.certainty(likeness, known)
        leaned = captions.leaned(embeddings, likeness, seen, asked.lean, asked.variety, chance)
        latents = expected = self._guided(graph, leaned, known, certainty)
        if noise:
            latents = self._sampled(graph, expected, certainty, noise)
        if noise and chance and seen is not None:
            unlike = graph.op("Unsqueeze", _unlike(graph, certainty, seen), graph.whole(2, 3))
            latents = graph.op("Where", unlike, expected, latents)
        return form_of(self.decoder, self.uint8).build(graph, latents)

    def _guided(self, graph: Graph, embeddings: str, known: str, certainty: str) -> str:
        """The latents that texts lead one to expect; for a text of which nothing is known, the mean of all."""
        program, seen = self.parts["mean"].program, self.found.seen
        shape = program.gather["channels"], program.gather["height"], program.gather["width"]
        everything = graph.constant(program.shift.reshape(1, *shape))
        found = form_of(self.parts["mean"]).build(graph, embeddings)
        found = graph.op("Where", graph.op("Unsqueeze", known, graph.whole(2, 3)), found, everything)
        drawn = graph.op("Flatten", graph.op("Sub", found, everything))
        if (outline := self.found.outline) and seen is not None and program.basis is not None:
            axes = graph.op("Cast", graph.constant(axes_of(program.basis, outline.components), np.float16), to=FLOAT)
            drawn = self._of_unlike(graph, drawn, outline, axes, certainty, seen)
        elif self.settings.guidance is None:
            drawn = _lifted(graph, drawn, self.found.energy)
        if (guidance := self.settings.guidance) is not None:
            drawn = graph.op("Mul", graph.constant(guidance), drawn)
        return graph.op("Add", everything, graph.op("Reshape", drawn, graph.whole(-1, *shape)))

    def _of_unlike(self, graph: Graph, drawn: str, outline: Outline, axes: str, certainty: str, seen: float) -> str:
        """What sets text means apart (batch, n), shrunk and lifted as `Lift` does."""

        def parted(whole: str) -> tuple[str, str]:
            part = graph.op("MatMul", graph.op("Gemm", whole, axes, transB=1), axes)
            return part, graph.op("Sub", whole, part)

        def where_unlike(parts: Iterable[str], whole: str, over: float = 0.0) -> str:
            return graph.op("Where", _unlike(graph, certainty, seen, over), graph.op("Add", *parts), whole)

        if (lean := self.settings.lean) < 1:
            gains = (graph.constant(1 + (1 - lean) * (gain - 1)) for gain in outline.gains)
            shrunk = [graph.op("Mul", gain, part) for gain, part in zip(gains, parted(drawn), strict=True)]
            drawn = where_unlike(shrunk, drawn, OVER)
        if self.settings.guidance is not None:
            return drawn
        energies = outline.energy, outline.rest
        lifted = [_lifted(graph, part, energy) for part, energy in zip(parted(drawn), energies, strict=True)]
        return where_unlike(lifted, _lifted(graph, drawn, self.found.energy))

    def _sampled(self, graph: Graph, expected: str, certainty: str, noise: str) -> str:
        def denoise(noisy: Tensor, level: float) -> Tensor:
            form = form_of(self.parts[f"level {level:g}"])
            of_text = {"text_means": expected, "certainty": certainty}
            given = [of_text[port.name] for port in form.inputs[1:]]
            return Tensor(graph, form.build(graph, noisy.name, *given))

        start, drawn = Tensor(graph, expected), Tensor(graph, noise)
        # It knows arrays alone, and asks nothing of them but sums and products.
        found: Tensor = sample(denoise, start, self.levels, drawn, self.settings.solver)  # type: ignore[arg-type, assignment]
        return found.name


def _unlike(graph: Graph, certainty: str, seen: float, over: float = 0.0) -> str:
    """Whether texts are like no training caption, (batch, 1), as `Generator.unlike` has it."""
    best = graph.op("Slice", certainty, graph.whole(0), graph.whole(1), graph.whole(1))
    known = graph.op("Greater", graph.op("ReduceL1", certainty, axes=[1], keepdims=1), graph.constant(0))
    return graph.op("And", known, graph.op("Less", best, graph.constant(seen - over)))


def _lifted(graph: Graph, flat: str, energy: float) -> str:
    """Vectors (batch, n) multiplied by what `olacore.drawing.lift.lifts` says."""
    size = graph.op("ReduceSumSquare", flat, axes=[1], keepdims=1)
    size = graph.op("Max", size, graph.constant(energy / MOST_LIFT**2 + TINY))
    lift = graph.op("Sqrt", graph.op("Div", graph.constant(energy), size))
    return graph.op("Mul", graph.op("Max", lift, graph.constant(1)), flat)


@dataclass(frozen=True)
class InGraph:
    """Training captions in a graph; the twin of `Captions`, for several embeddings.

    Parameters
    ----------
    count : of captions
    basis, vectors, scales : names of what `Captions` has, as float32
    """

    graph: Graph
    count: int
    basis: str
    vectors: str
    scales: str

    @classmethod
    def of(cls, graph: Graph, captions: Captions) -> InGraph:
        """Put captions into a graph."""
        basis, vectors, scales = (
            graph.op("Cast", graph.constant(part, part.dtype), to=FLOAT)
            for part in (captions.basis, captions.vectors, captions.scales)
        )
        return cls(graph, len(captions.vectors), basis, vectors, scales)

    def likeness(self, embeddings: str) -> str:
        """Cosines of embeddings (batch, E) to all captions, (batch, n)."""
        towards, _ = unit(self.graph, self.graph.op("Gemm", embeddings, self.basis, transB=1))
        return self.graph.op("Mul", self.graph.op("Gemm", towards, self.vectors, transB=1), self.scales)

    def leaned(
        self,
        embeddings: str,
        likeness: str,
        seen: float | None,
        share: float,
        variety: float = 0.0,
        chance: str = "",
    ) -> str:
        """Embeddings moved towards the captions that are likest, as `Captions.leaned` does."""
        graph = self.graph
        if seen is None or not share:
            return embeddings
        best = graph.op("ReduceMax", likeness, axes=[1], keepdims=1)
        way = graph.op("Div", graph.op("Sub", graph.constant(seen), best), graph.constant(OVER))
        way = graph.op("Mul", graph.op("Clip", way, graph.constant(0), graph.constant(1)), graph.constant(MOST * share))
        weights = self._weights(likeness, variety, chance)
        likest = graph.op("MatMul", graph.op("Mul", weights, self.scales), self.vectors)
        likest = graph.op("MatMul", likest, self.basis)
        direction, length = unit(graph, embeddings)
        moved = graph.op("Add", direction, graph.op("Mul", way, graph.op("Sub", likest, direction)))
        return graph.op("Mul", unit(graph, moved)[0], length)

    def _weights(self, likeness: str, variety: float, chance: str) -> str:
        """How much each caption counts, (batch, n), by the chance of the likest, the likest first, where it is read."""
        graph = self.graph
        if not chance:
            return graph.op("Softmax", graph.op("Mul", likeness, graph.constant(SHARP)), axis=1)
        # Of captions that are as like, the first comes first, as in `ranked`.
        likest = graph.op("TopK", likeness, graph.whole(min(AMONG, self.count)), outputs=2, axis=1)
        moves = graph.op("Mul", chance, graph.constant(min(variety, MOST_VARIETY) * SCATTER))
        logs = graph.op("Add", graph.op("Mul", likest, graph.constant(SHARP)), moves)
        none = graph.op("Mul", likeness, graph.constant(0))
        return graph.op("ScatterElements", none, f"{likest}_1", graph.op("Softmax", logs, axis=1), axis=1)

    def certainty(self, likeness: str, known: str) -> str:
        """How near the nearest caption is, and the nearest on average, (batch, 2); zeros where nothing is known."""
        graph = self.graph
        nearest = graph.op("TopK", likeness, graph.whole(min(NEAREST, self.count)), outputs=2, axis=1)
        best, mean = (graph.op(f"Reduce{what}", nearest, axes=[1], keepdims=1) for what in ("Max", "Mean"))
        certainty = graph.op("Concat", best, mean, axis=1)
        return graph.op("Where", known, certainty, graph.constant(0))
