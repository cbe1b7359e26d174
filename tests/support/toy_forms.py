"""Forms of data and teachers that the product does not know, as somebody else would add them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import FORMS, ROW, FieldSpec, Form, Header, Source, Writer

UINT8, FLOAT16, FLOAT32 = (np.dtype(name) for name in ("uint8", "float16", "float32"))

# Mean colours, how far the pixels are from them, and the letters of the caption, which are stored once a source.
COLOURS = Form(
    "tests/colours/1",
    (
        FieldSpec("frames", ("H", "W", 3), UINT8),
        FieldSpec("colours", (3,), FLOAT32),
        FieldSpec("spread", (), FLOAT32, also=(FLOAT16,), optional=True),
        FieldSpec("letters", ("L",), FLOAT16, per="source"),
    ),
)
SOURCES = tuple(
    Source(f"{name}.png", "photograph", split, caption=caption)
    for name, split, caption in (("a", "train", "abba"), ("b", "validation", "b"), ("c", "held-out", ""))
)
SIDE, CAPACITY = 4, 9


@contextmanager
def registered(*forms: Form) -> Iterator[None]:
    """Make forms known for a while."""
    for form in forms:
        FORMS.add(form)
    try:
        yield
    finally:
        for form in forms:
            del FORMS[form.name]


def letters(captions: Any) -> np.ndarray:
    """How often a, b and c stand in each caption: (n, 3) float64."""
    return np.array([[caption.count(letter) for letter in "abc"] for caption in captions], np.float64)


def colours_of(frames: np.ndarray) -> dict[str, np.ndarray]:
    """What there is to say of frames."""
    flat = frames.reshape(len(frames), -1, 3) / 255
    return {"colours": flat.mean(1), "spread": flat.std((1, 2))}


def toy_rows(first: int, count: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Fields and entries of `count` rows of the form of colours."""
    frames = np.random.default_rng(0).integers(0, 256, (CAPACITY, SIDE, SIDE, 3), np.uint8)[first : first + count]
    rows = np.zeros(count, ROW)
    rows["source"] = np.arange(first, first + count) % len(SOURCES)
    return {"frames": frames, **colours_of(frames)}, rows


def toy_writer(path: Path, **changes: Any) -> Writer:
    """A writer of such a file."""
    sizes = {"H": SIDE, "W": SIDE, "L": 3}
    asked: dict[str, Any] = {"sources": SOURCES, "optional": ("spread",), "settings": {"seed": 1}}
    mode = {name: changes.pop(name) for name in ("force", "resume") if name in changes}
    captions = [source.caption for source in SOURCES]
    header = Header(COLOURS, sizes, CAPACITY, **(asked | changes))
    return Writer(path, header, None, lambda: {"letters": letters(captions)}, **mode)


def write_toy(path: Path, parts: tuple[int, ...] = (5, 4), **changes: Any) -> Path:
    """Write a file append by append."""
    first = 0
    with toy_writer(path, **changes) as writer:
        for count in parts:
            writer.add(*toy_rows(first, count))
            first += count
    return path
