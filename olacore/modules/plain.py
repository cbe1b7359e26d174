"""Modules in NumPy alone: the twin of `Module` for a process that is over before Numba would be imported.

The numbers are those of the kernels to the last digits or so of float32, and not bit by bit. BLAS is held to one
thread, so that they do not depend on how many there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import FileFormatError, ShapeError
from olacore.foreign.schema import Check, Misfit, both, check_carried, flag, number, record, require, text, whole
from olacore.media.wiener import MOST_NUMBERS, WienerFilter, carried_by
from olacore.modules.file import BASIS, POSITIVE, TENSORS, Stored, read_module
from olacore.modules.find import find
from olacore.modules.refined import check_refiner
from olacore.modules.shapes import check_shapes, titled
from olacore.spaces import MOST_CHANNELS, MOST_FACTOR
from olacore.text.table import NAMES, WordTable, unit

HALF_PIXEL = np.float32(127.5)


@dataclass(frozen=True)
class PlainModule:
    """A module of one of the views in `VIEWS`.

    Parameters
    ----------
    file : what its file holds
    table : of words, where the view has one
    filter : of whole latents, where the view has one
    refiner : that a decoder carries
    """

    file: Stored
    table: WordTable | None = None
    filter: WienerFilter | None = None
    refiner: PlainModule | None = None

    @property
    def about(self) -> dict[str, Any]:
        """The metadata of its file."""
        return self.file.content

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """Its float32 tensors."""
        return self.file.parts

    def with_refiner(self, refiner: PlainModule | None) -> PlainModule:
        """As `Module.with_refiner`."""
        if refiner is not None:
            check_refiner(self.about, self.file.digest, refiner.about)
        return replace(self, refiner=refiner)

    @property
    def view(self) -> dict[str, Any]:
        """As plain values."""
        return dict(self.about["view"])

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        """Answer samples: (n, in) float32 to (n, out) float32, in the scale of the data."""
        from threadpoolctl import threadpool_limits

        parts = self.parts
        known = (inputs - parts["input_mean"]) / parts["input_scale"]
        with threadpool_limits(1, user_api="blas"):
            for number in range(len(self.about.get("layers", (0, 0))) - 2):
                weights, biases = parts[f"hidden_{number}_weights"], parts[f"hidden_{number}_biases"]
                known = np.hstack([known, np.tanh(known @ weights.T + biases)])
            answer = np.tanh(known @ parts["weights"].T + parts["biases"]) * parts["target_scale"]
            return np.asarray((answer @ parts[BASIS] if BASIS in parts else answer) + parts["target_mean"])

    def run(self, given: Any) -> np.ndarray:
        """Answer what the view reads: texts (a list), latents (n, C, h, w), pictures (n, H, W, 3) or what a denoiser is
        given, by name.

        The answers have the shapes and types that those of `Module.run` have.
        """
        return VIEWS[self.view["kind"], self.view["name"]].run(self, given)


def load_plain(reference: Path | str) -> PlainModule:
    """Read a module from its file, as `olacore.load` does.

    Raises
    ------
    FileFormatError  as `load` does, or if it has a view that is not run here
    """
    path = find(reference)
    return of_stored(read_module(path), path)


def of_stored(file: Stored, path: Path) -> PlainModule:
    """Return the module of what a file holds, see `load_plain`."""
    content, parts, carried = file.content, file.parts, file.carried
    view = require(NAMED, content["view"], str(path))
    if (view["kind"], view["name"]) not in VIEWS:
        raise FileFormatError(f"{path} holds a {view['name']} {view['kind']}, which is not run without kernels.")
    form = VIEWS[view["kind"], view["name"]]
    require(form.fields, view, f"the view of {path}")
    try:
        check_carried(view, form.carries(view), carried)
        own = form.own(view, carried)
        hidden = [f"hidden_{number}_" for number in range(len(content.get("layers", (0, 0))) - 2)]
        maps = [(parts[f"{name}weights"], parts[f"{name}biases"]) for name in (*hidden, "")]
        scaling = {name: parts[name] for name in TENSORS[2:]} | ({"basis": parts[BASIS]} if BASIS in parts else {})
        check_shapes(f"a {titled(view)}", form.sizes(view), maps, scaling)
        if not all((parts[name] > 0).all() for name in POSITIVE):
            raise ValueError("a scale is not above 0")
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{path} is damaged: {str(error).removesuffix('.')}.") from error
    return PlainModule(file, **own, refiner=of_stored(file.refiner, path) if file.refiner else None)


def embed(module: PlainModule, texts: list[str]) -> np.ndarray:
    """Texts to embeddings (n, E), or those of their tokens (n, T, E), float32; of the view scene (n, E + vectors)."""
    assert module.table is not None
    view = module.view
    tokens = view.get("tokens")
    found = module.forward(module.table.features(texts, whole=bool(tokens)))
    if tokens:
        return found.reshape(len(texts), tokens, -1)
    found = unit(found) if view["unit"] else found
    return np.hstack([found, module.table.features(texts, summed=True)]) if view["name"] == "scene" else found


def imagine(module: PlainModule, given: Mapping[str, np.ndarray]) -> np.ndarray:
    """`embeddings` (n, E) to latents (n, C, h, w) float32."""
    view = module.view
    return module.forward(given["embeddings"]).reshape(-1, view["channels"], view["height"], view["width"])


def decode(module: PlainModule, latents: np.ndarray) -> np.ndarray:
    """Latents (n, C, h, w) to pictures (n, H, W, 3) uint8, refined where the module carries a refiner."""
    patches = module.forward(windows_of(latents, module.view["window"]))
    pixels = picture_of(patches, len(latents), latents.shape[2], latents.shape[3])
    pictures = np.clip(np.rint((pixels + 1) * HALF_PIXEL), 0, 255).astype(np.uint8)
    return pictures if module.refiner is None else refine(module.refiner, {"recon": pictures, "latents": latents})


def picture_of(patches: np.ndarray, count: int, rows: int, columns: int) -> np.ndarray:
    """Patches (samples, 3 size^2) put together: (count, rows size, columns size, 3)."""
    size = math.isqrt(patches.shape[1] // 3)
    apart = patches.reshape(count, rows, columns, size, size, 3).transpose(0, 1, 3, 2, 4, 5)
    return apart.reshape(count, rows * size, columns * size, 3)


def denoise(module: PlainModule, given: Mapping[str, np.ndarray]) -> np.ndarray:
    """`noisy` (n, C, h, w), and as the view says `text_means` (n, C, h, w) and `certainty` (n, 2), to clean latents.

    Raises
    ------
    ShapeError  if latents are of another size than a filter is for
    """
    view, noisy = module.view, given["noisy"]
    count, channels, height, width = noisy.shape
    if module.filter and (height, width) != (sides := (view["height"], view["width"])):
        raise ShapeError(f"the denoiser is for latents of {sides[0]} x {sides[1]} sites; got {height} x {width}.")
    parts = [windows_of(noisy, view["window"])]
    if view["text_window"]:
        means = np.broadcast_to(given["text_means"], noisy.shape)
        parts.append(windows_of(means, view["text_window"]))
        if module.filter:
            certainty = np.broadcast_to(given["certainty"], (count, 2)) if view["certain"] else None
            estimates = module.filter.clean(noisy.astype(np.float16), means.astype(np.float16), certainty)
            parts.append(windows_of(estimates, view["text_window"]))
    if view["certain"]:
        parts.append(np.repeat(np.broadcast_to(given["certainty"], (count, 2)), height * width, 0))
    down, across = (np.arange(1, 2 * side, 2, dtype=np.float32) / np.float32(side) - 1 for side in (height, width))
    places = np.stack(np.broadcast_arrays(down[:, None], across), -1).reshape(-1, 2)
    samples = np.hstack([*parts, np.tile(places, (count, 1))])
    sites = module.forward(samples).reshape(count, height, width, channels)
    return np.ascontiguousarray(sites.transpose(0, 3, 1, 2))


def windows_of(latents: np.ndarray, window: int) -> np.ndarray:
    """The window around every site of latents (n, C, h, w), edges repeated, as float16 numbers: (n h w, C window^2)."""
    half, channels = window // 2, latents.shape[1]
    pad = ((0, 0), (0, 0), (half, half), (half, half))
    wide = np.pad(latents.astype(np.float16).astype(np.float32), pad, "edge")
    windows = np.lib.stride_tricks.sliding_window_view(wide, (window, window), axis=(2, 3))
    return np.asarray(windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, channels * window**2))


def encode(module: PlainModule, pictures: np.ndarray) -> np.ndarray:
    """Pictures (n, H, W, 3) uint8, sides of whole patches, to latents (n, C, h, w) float32."""
    border, size = module.view["border"], module.view.get("factor", 8)
    count, height, width, _ = pictures.shape
    sites = module.forward(blocks_of(pictures, size, border)).reshape(count, height // size, width // size, -1)
    return np.ascontiguousarray(sites.transpose(0, 3, 1, 2))


def refine(module: PlainModule, given: Any) -> np.ndarray:
    """Pictures (n, H, W, 3) uint8 of a decoder, sides of whole blocks, to refined ones.

    Given are they alone, or, as `recon`, with the `latents` that they were made of, for a refiner that reads these.
    """
    parts = given if isinstance(given, Mapping) else {"recon": given}
    pictures = parts["recon"]
    border, size = module.view["border"], module.view["factor"]
    count, height, width, _ = pictures.shape
    samples = blocks_of(pictures, size, border)
    if (context := module.view.get("context")) is not None:
        samples = np.hstack([samples, windows_of(parts["latents"], 2 * context + 1)])
    errors = picture_of(module.forward(samples), count, height // size, width // size)
    return np.clip(np.rint(pictures + errors * HALF_PIXEL), 0, 255).astype(np.uint8)


def blocks_of(pictures: np.ndarray, size: int, border: int) -> np.ndarray:
    """The blocks of pictures (n, H, W, 3) uint8 with a border around each, edges reflected, in [-1, 1]: (samples, 3
    side^2) float32.
    """
    pad = ((0, 0), (border, border), (border, border), (0, 0))
    wide = np.pad(pictures, pad, "reflect").astype(np.float32) / HALF_PIXEL - np.float32(1)
    side = size + 2 * border
    windows = np.lib.stride_tricks.sliding_window_view(wide, (side, side), axis=(1, 2))[:, ::size, ::size]
    return np.ascontiguousarray(windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 3 * side**2))


@dataclass(frozen=True)
class PlainView:
    """What is run here of a view.

    Parameters
    ----------
    fields : what its plain values have to be
    sizes : inputs and targets of a sample, by these values
    run : answers what the view reads
    carries : names of the arrays that it carries, by these values
    own : makes what a `PlainModule` has of them, by name
    """

    fields: Check
    sizes: Callable[[dict[str, Any]], tuple[int, int]]
    run: Callable[[PlainModule, Any], np.ndarray]
    carries: Callable[[dict[str, Any]], tuple[str, ...]] = lambda view: ()
    own: Callable[[dict[str, Any], dict[str, np.ndarray]], dict[str, Any]] = lambda view, carried: {}


def fields(needed: dict[str, Check], known: dict[str, Check] | None = None) -> Check:
    """Of a view: some beside its kind and its name. What it does not know is ignored: version 0.1 wrote more."""
    return record({"kind": text(), "name": text(), **needed}, known)


def odd(least: int) -> Check:
    """Sites along a side of a window: an odd number, or 0 where that is the least."""

    def check(value: Any, place: str) -> None:
        whole(least, MOST_WINDOW)(value, place)
        if value and value % 2 == 0:
            raise Misfit(f"{place} must be odd; got {value}")

    return check


def together(value: Any, place: str) -> None:
    """Context and channels of a refiner: latents are read, or not."""
    if ("context" in value) != ("channels" in value):
        raise Misfit("context and channels must be given together")


MOST_WINDOW = 15
NAMED = record({"kind": text(), "name": text()})
LATENT = {"channels": whole(1, MOST_CHANNELS)}
# Of 8 pixels where a file does not say, as in version 0.1.
FACTOR = {"factor": whole(1, MOST_FACTOR)}
SIDE = whole(1, 4096)
OF_TABLE = {"width": whole(1, 1 << 20), "size": whole(2, 4096), "unit": flag}
OF_PROMPT = {"level": number(), "height": SIDE, "width": SIDE, "embedding": whole(1, 1 << 20)}
OF_WINDOW = {"level": number(0), "unconditional": flag, "window": odd(1), "text_window": odd(0)}
OF_FILTER = {"wiener": whole(0, MOST_NUMBERS), "height": whole(0, 4096), "width": whole(0, 4096)}
WORDED: tuple[Any, ...] = (lambda view: NAMES, lambda view, carried: {"table": WordTable.of_view(view, carried)})
VIEWS = {
    ("text", "table"): PlainView(
        fields(OF_TABLE, {"tokens": whole(0, 1 << 20), "even": flag}),
        lambda view: (2 * view["size"], view["width"] * (view.get("tokens") or 1)),
        embed,
        *WORDED,
    ),
    ("text", "scene"): PlainView(
        fields(OF_TABLE, {"even": flag}), lambda view: (2 * view["size"], view["width"]), embed, *WORDED
    ),
    ("denoiser", "text"): PlainView(
        fields(LATENT | OF_PROMPT, FACTOR),
        lambda view: (view["embedding"], view["channels"] * view["height"] * view["width"]),
        imagine,
    ),
    ("denoiser", "window"): PlainView(
        fields(LATENT | OF_WINDOW | {"certain": flag}, FACTOR | OF_FILTER),
        lambda view: (
            view["channels"] * (view["window"] ** 2 + (1 + bool(view.get("wiener"))) * view["text_window"] ** 2)
            + 2 * view["certain"]
            + 2,
            view["channels"],
        ),
        denoise,
        carried_by,
        lambda view, carried: {"filter": WienerFilter.of_view(view, carried)},
    ),
    ("decoder", "patch"): PlainView(
        fields(LATENT | {"window": odd(1)}, FACTOR),
        lambda view: (view["channels"] * view["window"] ** 2, 3 * view.get("factor", 8) ** 2),
        decode,
    ),
    ("encoder", "patch"): PlainView(
        fields(LATENT | {"border": whole(0, 64)}, FACTOR),
        lambda view: (3 * (view.get("factor", 8) + 2 * view["border"]) ** 2, view["channels"]),
        encode,
    ),
    ("refiner", "pixel"): PlainView(
        both(fields({"border": whole(0, 64)} | FACTOR, {"context": whole(0, MOST_WINDOW // 2)} | LATENT), together),
        lambda view: (
            3 * (view["factor"] + 2 * view["border"]) ** 2
            + view.get("channels", 0) * (2 * view.get("context", 0) + 1) ** 2,
            3 * view["factor"] ** 2,
        ),
        refine,
    ),
}
