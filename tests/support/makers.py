"""Small data sets and modules that the tests share: smooth pictures, and latents that an affine map finds in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numba
import numpy as np
import pytest

from olacore.data import ROW, LatentWriter, Source, write_pairs
from olacore.modules.layers import Layer
from olacore.modules.module import Module
from olacore.search.config import TrainConfig
from olacore.spaces import LatentSpace
from olacore.views import View
from olacore.views.refining import Refiner
from olacore.views.scaling import Scaling

JIT = not numba.config.DISABLE_JIT
SPACE = LatentSpace("someone/tiny", "ab" * 32, scaling=1.0, shift=0.0, channels=4)
OTHER_SPACE = LatentSpace("someone/other", "cd" * 32, scaling=1.0, shift=0.0, channels=4)
PLAIN = (5, 3)
# Of decoders of 4 channels and 8 pixels a latent site: by pixels, by smaller blocks, by sites with a border that is
# wider than a picture of one site, and by sites beside their latents.
REFINERS = (Refiner(), Refiner(4, 3), Refiner(8, 9), Refiner(8, 3, 2, 4))
# Each at small sizes of latents, and the last, which is as shipped ones, at large ones too.
REFINED_SIZES = [(view, size) for view in REFINERS for size in ((1, 1), (3, 5))]
REFINED_SIZES += [(REFINERS[-1], size) for size in ((7, 13), (64, 64), (128, 96))]


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let kernels run on `count` threads, and give the old number back."""
    if count > numba.config.NUMBA_NUM_THREADS:
        pytest.skip(f"this machine lends fewer than {count} threads")
    before = numba.get_num_threads()
    numba.set_num_threads(count)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def quiet() -> AbstractContextManager[object]:
    """With the JIT off, NumPy warns about the NaN and inf that compiled code passes over."""
    return nullcontext() if JIT else np.errstate(all="ignore")


def smooth_pictures(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Pictures of a few waves each, with a little noise: (count, height, width, 3) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 32
    frames = np.zeros((count, height, width, 3))
    for _ in range(5):
        a, b, phase = rng.uniform(-6, 6, (3, count, 1, 1, 3))
        frames += np.sin(a * y[..., None] + b * x[..., None] + phase)
    frames = 127 + 25 * frames + rng.normal(0, 4, frames.shape)
    return np.clip(frames, 0, 255).astype(np.uint8)


def affine_latents(frames: np.ndarray, channels: int = 4, seed: int = 0, noise: float = 0.1) -> np.ndarray:
    """A fixed random affine map of every 8 x 8 patch, plus noise: (m, channels, H/8, W/8) float16."""
    rng = np.random.default_rng(seed)
    m, height, width, _ = frames.shape
    patches = (frames / 127.5 - 1).reshape(m, height // 8, 8, width // 8, 8, 3)
    weights = rng.normal(0, 0.15, (8, 8, 3, channels))
    latents = np.einsum("mhywxc,yxck->mkhw", patches, weights) + rng.normal(0, 1, (channels, 1, 1))
    return (latents + rng.normal(0, noise, latents.shape)).astype(np.float16)


def write_pictures(
    path: Path,
    splits: tuple[int, int, int] = (8, 2, 2),
    size: tuple[int, int] = (32, 32),
    space: LatentSpace = SPACE,
    recon: bool = False,
    seed: int = 0,
) -> Path:
    """Write a data set with `splits` training, validation and held-out pictures, each a source of its own."""
    names = np.repeat(("train", "validation", "held-out"), splits)
    sources = [Source(f"{i}.png", "photograph", str(split), "CC0") for i, split in enumerate(names)]
    frames = smooth_pictures(len(names), *size, seed)
    rows = np.zeros(len(names), ROW)
    rows["source"] = np.arange(len(names))
    with LatentWriter(path, space=space, size=size, capacity=len(names), sources=sources, recon=recon) as writer:
        decoded = (frames // 2 + 64) if recon else None
        writer.append(frames, affine_latents(frames, space.channels), rows, decoded)
    return path


def plain_pairs(rows: int, inputs: int = PLAIN[0], outputs: int = PLAIN[1], noise: float = 0.1, seed: int = 0):
    """Inputs (rows, inputs) and targets (rows, outputs) that a tanh-affine map explains up to noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, inputs)) @ rng.normal(size=(inputs, inputs))
    y = np.tanh(0.3 * x @ rng.normal(size=(inputs, outputs)) + rng.normal(0, 0.3, outputs))
    return x, y + rng.normal(0, noise, y.shape)


def write_plain(path: Path, rows: int = 200, dtype: type = np.float32, **changes: Any) -> Path:
    """Write such pairs as a file, split 80/10/10 in order."""
    x, y = plain_pairs(rows, **changes)
    write_pairs(path, x.astype(dtype), y.astype(dtype))
    return path


def make_config(path: Path, out: Path, **changes: Any) -> TrainConfig:
    """Settings of a short search on one file: of an encoder, or of a plain module where the data are plain pairs."""
    asked: dict[str, Any] = {"module": None, "population": 4, "block": 64, "report_every": 2}
    if not is_plain(path):
        asked |= {"module": "encoder"}
        if changes.get("module", "encoder") == "encoder" and changes.get("view", "patch") == "patch":
            asked |= {"border": 0}
    stack = changes.get("stack") or changes.get("budget")
    if stack or changes.get("strategy") in ("stack", "pair") or changes.get("module") == "pair":
        del asked["population"]
    return TrainConfig(**(asked | {"h5": (path,), "generations": 6, "out": out} | changes))


def is_plain(path: Path) -> bool:
    """Whether a file holds plain pairs; what cannot be read is taken for pictures."""
    try:
        with h5py.File(path) as file:
            return "inputs" in file
    except OSError:
        return False


def make_module(
    view: View,
    space: LatentSpace | None = SPACE,
    seed: int = 0,
    hidden: tuple[int, ...] = (),
    stored: str = "float32",
    components: int | None = None,
) -> Module:
    """A module of that view with small random numbers everywhere, hidden maps of so many units, and so many components
    of its targets.
    """
    rng = np.random.default_rng(seed)

    def small(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.1, shape).astype(np.float32)

    answers = components or view.outputs
    basis = small(components, view.outputs) if components else None
    scaling = Scaling(small(view.inputs), 1 + small(view.inputs), small(view.outputs), 1 + small(answers), basis)
    layers, width = [], view.inputs
    for units in hidden:
        layers.append(Layer(small(units, width), small(units)))
        width += units
    weights, biases = small(answers, width), small(answers)
    return Module(view, space, weights, biases, scaling, {"seed": seed}, stored, tuple(layers))


def refiner_of(decoder: Module, view: View, **form: Any) -> Module:
    """A refiner of a decoder's pictures, as `make_module` makes it of a form, but one that answers few levels."""
    refiner = make_module(view, None, **form)
    scaling = replace(refiner.scaling, target_scale=refiner.scaling.target_scale / 8)
    return replace(refiner, scaling=scaling, training={**refiner.training, "pictures_sha256": decoder.digest})


def refined_by(decoder: Module, view: View, **form: Any) -> Module:
    """A decoder that carries such a refiner."""
    return decoder.with_refiner(refiner_of(decoder, view, **form))


def module_bytes(folder: Path) -> bytes:
    return (folder / "module.safetensors").read_bytes()


def story(folder: Path) -> list[dict]:
    """The log without what the clock says."""
    lines = [json.loads(text) for text in (folder / "log.jsonl").read_text().splitlines()]
    return [{key: line[key] for key in line.keys() - {"seconds", "waited", "exchanged", "awaited"}} for line in lines]
