"""Modules as graphs of ONNX operators, by the kind and the view of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np

from olacore.errors import ConfigError
from olacore.exports.base import Part
from olacore.exports.convolution import Convolutions
from olacore.exports.onnx_graph import FLOAT, HALF, INT64, UINT8, Form, Graph, Port
from olacore.exports.onnx_pictures import from_bytes, pad_pictures, reflected, to_bytes
from olacore.media.wiener import LARGEST, WienerFilter

# What is added to the sum of a map before its tanh: from the map's columns for it, and biases where it is the first.
Source = Callable[[np.ndarray, np.ndarray | None], str]
LATENTS = "in the scaled latent space that the metadata name"
TINY = np.finfo(np.float32).tiny


def form_of(part: Part, uint8: bool = False) -> Form:
    """Read a part.

    Parameters
    ----------
    uint8 : pictures are (batch, height, width, 3) uint8 and not (batch, 3, height, width) float32 in [-1, 1]

    Raises
    ------
    ConfigError  if modules of its view are not written, or have no pictures, and `uint8` is asked for
    """
    gather = part.program.gather
    key = gather["kind"], gather["name"]
    if key in PICTURES:
        return PICTURES[key](Convolutions.of(part), uint8)
    if key not in FORMS:
        known = ", ".join(f"{name} {kind}" for kind, name in (*PICTURES, *FORMS))
        raise ConfigError(
            f"{part.name} is a {part.program.title}, which the exporter onnx does not write; "
            f"it writes modules of these views: {known}."
        )
    if uint8:
        raise ConfigError(f"{part.name} reads and makes no pictures; leave the option uint8 out.")
    return FORMS[key](part)


def decoder(found: Convolutions, uint8: bool) -> Form:
    """Latents to pixels, refined where the module carries a refiner."""

    def build(graph: Graph, latents: str) -> str:
        # What a refiner reads are whole levels, of latents as modules read them.
        whole = _rounded(graph, latents) if found.refiner else latents
        padded = graph.op("Pad", whole, graph.whole(*_around(found.pad)), mode="edge")
        levels = (127.5, 127.5, 0, 255) if uint8 or found.refiner else (1, 0, -1, 1)
        gain, shift, low, high = map(np.float32, levels)
        answer = _convolved(graph, found, padded, 1, gain, shift)
        answer = graph.op("Clip", answer, graph.constant(low), graph.constant(high))
        if uint8 or found.refiner:
            answer = graph.op("Round", answer)
        answer = graph.op("DepthToSpace", answer, blocksize=found.factor, mode="DCR")
        if found.refiner is None:
            return to_bytes(graph, answer) if uint8 else answer
        return _refined(graph, found.refiner, from_levels(graph, answer), whole, uint8, found.factor)

    grown = f"height_x{found.factor}", f"width_x{found.factor}"
    return Form((_sites(found),), pictures(*grown, uint8), build)


def encoder(found: Convolutions, uint8: bool) -> Form:
    """Pixels to latents; sides that are no whole patches are padded by repeating the last pixels."""

    def build(graph: Graph, pixels: str) -> str:
        padded = pad_pictures(graph, pixels, found.factor, found.pad, uint8)
        return _convolved(graph, found, padded, found.factor, np.float32(1), np.float32(0))

    shrunk = tuple(f"{side}_over_{found.factor}_rounded_up" for side in ("height", "width"))
    output = Port("latents", ("batch", found.channels, *shrunk), f"latents {LATENTS}")
    return Form((pictures("height", "width", uint8),), output, build)


def refiner(found: Convolutions, uint8: bool) -> Form:
    """Pixels that a decoder made, and the latents where they are read, to better ones; sides are whole blocks."""

    def build(graph: Graph, pixels: str, latents: str = "") -> str:
        before = from_bytes(graph, pixels) if uint8 else pixels
        return _refined(graph, found, before, latents and _rounded(graph, latents), uint8)

    drawn = pictures("height", "width", uint8)
    inputs = (drawn,) if found.context is None else (drawn, _sites(found))
    return Form(inputs, replace(drawn, name="refined"), build)


def _refined(graph: Graph, found: Convolutions, drawn: str, latents: str, uint8: bool, least: int = 1) -> str:
    """Pixels (batch, 3, H, W) in [-1, 1], sides of `least` or more, with a refiner's answers added."""
    padded = reflected(graph, drawn, found.pad, least)
    beside = ""
    if found.context is not None:
        beside = graph.op("Pad", latents, graph.whole(*_around(found.context)), mode="edge")
    errors = _convolved(graph, found, padded, found.factor, np.float32(1), np.float32(0), beside)
    if found.factor > 1:
        errors = graph.op("DepthToSpace", errors, blocksize=found.factor, mode="DCR")
    refined = graph.op("Clip", graph.op("Add", drawn, errors), graph.constant(-1), graph.constant(1))
    return to_bytes(graph, levels_of(graph, refined)) if uint8 else refined


def from_levels(graph: Graph, levels: str) -> str:
    """Pixels in [-1, 1] of their levels, 0 to 255."""
    return graph.op("Sub", graph.op("Div", levels, graph.constant(127.5)), graph.constant(1))


def levels_of(graph: Graph, pixels: str) -> str:
    """The levels, 0 to 255, of pixels in [-1, 1]."""
    return graph.op("Round", graph.op("Mul", graph.op("Add", pixels, graph.constant(1)), graph.constant(127.5)))


def pictures(height: int | str, width: int | str, uint8: bool) -> Port:
    """Pixels, as an input or output."""
    if uint8:
        return Port("pixels", ("batch", height, width, 3), "RGB pictures, 0 to 255", UINT8)
    return Port("pixels", ("batch", 3, height, width), "RGB pictures in [-1, 1]")


def plain(part: Part) -> Form:
    """Numbers to numbers."""
    program = part.program
    inputs = (Port("inputs", ("batch", program.inputs), "inputs, in the units of the training data"),)
    output = Port("targets", ("batch", program.outputs), "targets, in the units of the training data")
    return Form(inputs, output, lambda graph, given: _flat_answer(graph, part, [given]))


def text(part: Part) -> Form:
    """What a table of words says of texts, to their embeddings."""
    program = part.program

    def build(graph: Graph, features: str) -> str:
        found = _flat_answer(graph, part, [features])
        return unit(graph, found)[0] if program.gather["unit"] else found

    inputs = (Port("features", ("batch", program.inputs), "of texts: what `WordTable.features` of olacore gives"),)
    return Form(inputs, Port("embeddings", ("batch", program.outputs), "of the texts"), build)


def text_mean(part: Part) -> Form:
    """Embeddings to the latents that they lead one to expect."""
    gather = part.program.gather
    inputs = (Port("embeddings", ("batch", part.program.inputs), "of texts"),)
    return Form(inputs, _latents(gather), lambda graph, given: _whole(graph, part, _flat_answer(graph, part, [given])))


def whole(part: Part) -> Form:
    """Noisy latents of one size, and embeddings where there is text, to clean latents."""
    gather = part.program.gather

    def build(graph: Graph, noisy: str, *embeddings: str) -> str:
        flat = graph.op("Flatten", _rounded(graph, noisy), axis=1)
        return _whole(graph, part, _flat_answer(graph, part, [flat, *embeddings]))

    inputs = [_latents(gather, "noisy", f"latents with noise of level {gather['level']:g}")]
    if gather["embedding"]:
        inputs.append(Port("embeddings", ("batch", gather["embedding"]), "of texts"))
    return Form(tuple(inputs), _latents(gather), build)


def window(part: Part) -> Form:
    """Noisy latents, their text means and how certain these are to clean latents; of any size without a filter."""
    program, gather = part.program, part.program.gather
    sides = gather["window"], gather["text_window"]
    own = WienerFilter.of_view(gather, part.carried)

    def build(graph: Graph, noisy: str, *of_text: str) -> str:
        left = [*of_text]
        sources = [(gather["channels"] * sides[0] ** 2, _window(graph, noisy, sides[0]))]
        if sides[1]:
            latents = [left.pop(0)]
            if own:
                latents.append(_estimates(graph, own, noisy, *latents, *left))
            sources += [(gather["channels"] * sides[1] ** 2, _window(graph, one, sides[1])) for one in latents]
        if gather["certain"]:
            sources.append((2, _numbers(graph, left.pop(0))))
        sources.append((2, _places(graph, noisy)))
        answer = _answer(graph, part, sources, _across)
        return _targets(graph, answer, program.gain[:, None, None], program.shift[:, None, None])

    size = "batch", gather["channels"], *((gather["height"], gather["width"]) if own else ("height", "width"))
    inputs = [Port("noisy", size, f"latents with noise of level {gather['level']:g}, {LATENTS}")]
    if sides[1]:
        inputs.append(Port("text_means", size, "latents that the texts alone lead one to expect"))
    if gather["certain"]:
        about = "cosines of the text to the nearest training caption, and to the eight nearest on average"
        inputs.append(Port("certainty", ("batch", 2), about))
    return Form(tuple(inputs), Port("latents", size, f"clean latents, {LATENTS}"), build)


PICTURES: dict[tuple[str, str], Callable[[Convolutions, bool], Form]] = {
    ("encoder", "patch"): encoder,
    ("decoder", "patch"): decoder,
    ("refiner", "pixel"): refiner,
}
FORMS: dict[tuple[str, str], Callable[[Part], Form]] = {
    ("plain", "plain"): plain,
    ("text", "table"): text,
    ("denoiser", "text"): text_mean,
    ("denoiser", "whole"): whole,
    ("denoiser", "window"): window,
}


def unit(graph: Graph, rows: str) -> tuple[str, str]:
    """Rows (batch, n) at unit length, where zeros stay, and their lengths (batch, 1); the division comes last."""
    length = graph.op("Max", graph.op("ReduceL2", rows, axes=[1], keepdims=1), graph.constant(TINY))
    return graph.op("Div", rows, length), length


def _sites(found: Convolutions) -> Port:
    return Port("latents", ("batch", found.channels, "height", "width"), f"latents {LATENTS}")


def _latents(gather: dict, name: str = "latents", about: str = "clean latents") -> Port:
    return Port(name, ("batch", gather["channels"], gather["height"], gather["width"]), f"{about}, {LATENTS}")


def _around(pad: int) -> tuple[int, ...]:
    return 0, 0, pad, pad, 0, 0, pad, pad


def _convolved(
    graph: Graph,
    found: Convolutions,
    padded: str,
    stride: int,
    factor: np.float32,
    more: np.float32,
    beside: str = "",
) -> str:
    """The targets of a patch module times `factor`, and `more` added, (batch, out, h, w).

    `beside` are the padded latents that a refiner reads beside pixels.
    """
    known: list[str] = []
    for one in found.maps:
        kernel, biases = graph.weights(one.kernel), graph.constant(one.biases)
        total = graph.op("Conv", padded, kernel, biases, strides=[stride, stride])
        if beside and one.beside is not None:
            total = graph.op("Add", total, graph.op("Conv", beside, graph.weights(one.beside)))
        if one.mixing is not None:
            total = graph.op("Add", total, _across(graph, _joined(graph, known), one.mixing))
        known.append(graph.op("Tanh", total))
    return _targets(
        graph, known[-1], (found.gain * factor)[:, None, None], (found.shift * factor + more)[:, None, None]
    )


def _answer(
    graph: Graph, part: Part, sources: Sequence[tuple[int, Source]], mix: Callable[[Graph, str, np.ndarray], str]
) -> str:
    """What the last map of a program answers; sources come with how many of the inputs each is."""
    known: list[str] = []
    edges = [*accumulate(size for size, _ in sources)]
    for step in part.program.steps:
        *columns, mixing = np.split(step.weights, edges, axis=1)
        total = sources[0][1](columns[0], step.biases)
        for (_, source), mine in zip(sources[1:], columns[1:], strict=True):
            total = graph.op("Add", total, source(mine, None))
        if known:
            total = graph.op("Add", total, mix(graph, _joined(graph, known), mixing))
        known.append(graph.op("Tanh", total))
    return known[-1]


def _flat_answer(graph: Graph, part: Part, given: Sequence[str]) -> str:
    """The targets (batch, out) of a program whose inputs are rows of numbers side by side."""
    program = part.program
    inputs = graph.op("Concat", *given, axis=1) if len(given) > 1 else given[0]
    answer = _answer(graph, part, [(program.inputs, _rows(graph, inputs))], _mixed_rows)
    if program.basis is not None:
        basis = graph.weights((program.gain[:, None] * program.basis).astype(np.float32))
        return _clipped(graph, part, graph.op("Add", graph.op("MatMul", answer, basis), graph.constant(program.shift)))
    return _clipped(graph, part, _targets(graph, answer, program.gain, program.shift))


def _whole(graph: Graph, part: Part, flat: str) -> str:
    gather = part.program.gather
    return graph.op("Reshape", flat, graph.whole(-1, gather["channels"], gather["height"], gather["width"]))


def _clipped(graph: Graph, part: Part, targets: str) -> str:
    if (bound := part.program.bound) is None:
        return targets
    return graph.op("Clip", targets, graph.constant(-bound), graph.constant(bound))


def _targets(graph: Graph, answer: str, gain: np.ndarray, shift: np.ndarray) -> str:
    return graph.op("Add", graph.op("Mul", answer, graph.constant(gain)), graph.constant(shift))


def _joined(graph: Graph, known: Sequence[str]) -> str:
    return graph.op("Concat", *known, axis=1) if len(known) > 1 else known[0]


def _rows(graph: Graph, inputs: str) -> Source:
    def source(columns: np.ndarray, biases: np.ndarray | None) -> str:
        more = () if biases is None else (graph.constant(biases),)
        return graph.op("Gemm", inputs, graph.weights(columns), *more, transB=1)

    return source


def _mixed_rows(graph: Graph, known: str, mixing: np.ndarray) -> str:
    return _rows(graph, known)(mixing, None)


def _across(graph: Graph, known: str, mixing: np.ndarray) -> str:
    """A map of what is known at each site."""
    return graph.op("Conv", known, graph.weights(mixing[:, :, None, None]))


def _estimates(graph: Graph, own: WienerFilter, noisy: str, means: str, certainty: str = "") -> str:
    """What a filter makes of noisy latents and text means, as `WienerFilter.clean` does."""
    lengths = np.linalg.norm(own.axes.astype(np.float32), axis=1, keepdims=True)
    steps = graph.op("Cast", graph.constant(own.axes, np.int8), to=FLOAT)
    axes = graph.op("Div", steps, graph.constant(lengths))
    flat, around = (graph.op("Flatten", _rounded(graph, one)) for one in (noisy, means))
    around = graph.op("Add", around, graph.constant(own.mean))
    parts = graph.op("Gemm", graph.op("Sub", flat, around), axes, transB=1)
    gains = graph.constant(own.gains)
    if len(own.thresholds):
        nearest = graph.op("Slice", certainty, graph.whole(0), graph.whole(1), graph.whole(1))
        past = graph.op("Cast", graph.op("GreaterOrEqual", nearest, graph.constant(own.thresholds[None])), to=INT64)
        gains = graph.op("Gather", gains, graph.op("ReduceSum", past, graph.whole(1), keepdims=0))
    parts = graph.op("Mul", parts, gains)
    found = graph.op("Add", around, graph.op("MatMul", parts, axes))
    found = graph.op("Clip", found, graph.constant(-LARGEST), graph.constant(LARGEST))
    return graph.op("Reshape", found, graph.op("Shape", noisy))


def _window(graph: Graph, latents: str, side: int) -> Source:
    """Windows of latents, edges repeated."""
    padded = graph.op("Pad", _rounded(graph, latents), graph.whole(*_around(side // 2)), mode="edge")

    def source(columns: np.ndarray, biases: np.ndarray | None) -> str:
        kernel = graph.weights(columns.reshape(len(columns), -1, side, side))
        return graph.op("Conv", padded, kernel, *(() if biases is None else (graph.constant(biases),)))

    return source


def _numbers(graph: Graph, numbers: str) -> Source:
    """Numbers (batch, n) that are the same for all sites."""

    def source(columns: np.ndarray, biases: np.ndarray | None) -> str:
        return graph.op("Unsqueeze", _rows(graph, numbers)(columns, biases), graph.whole(2, 3))

    return source


def _places(graph: Graph, latents: str) -> Source:
    """Where a site lies, down and across, each from -1 to 1."""
    sides = graph.op("Slice", graph.op("Shape", latents), graph.whole(2), graph.whole(4))
    middles = []
    for axis in range(2):
        side = graph.op("Squeeze", graph.op("Gather", sides, graph.whole(axis)))
        number = graph.op(
            "Cast", graph.op("Range", *(graph.constant(0, np.int64), side, graph.constant(1, np.int64))), to=FLOAT
        )
        middle = graph.op(
            "Div",
            graph.op("Add", graph.op("Mul", number, graph.constant(2)), graph.constant(1)),
            graph.op("Cast", side, to=FLOAT),
        )
        shape = graph.whole(*((1, 1, -1, 1) if axis == 0 else (1, 1, 1, -1)))
        middles.append(graph.op("Reshape", graph.op("Sub", middle, graph.constant(1)), shape))

    def source(columns: np.ndarray, biases: np.ndarray | None) -> str:
        down, across = (
            graph.op("Mul", middle, graph.constant(columns[:, axis, None, None])) for axis, middle in enumerate(middles)
        )
        total = graph.op("Add", down, across)
        return total if biases is None else graph.op("Add", total, graph.constant(biases[:, None, None]))

    return source


def _rounded(graph: Graph, latents: str) -> str:
    """Latents as float16 numbers, which is how denoisers read them."""
    return graph.op("Cast", graph.op("Cast", latents, to=HALF), to=FLOAT)
