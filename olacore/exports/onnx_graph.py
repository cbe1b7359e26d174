"""A graph of ONNX operators while it is built: plain values, so that only what makes a model of it imports onnx."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Types of numbers, as `onnx.TensorProto` counts them.
FLOAT, UINT8, INT64, HALF = 1, 2, 7, 10
# All operators of a graph are in it, and runtimes of 2022 and later know it; the file's version goes with it.
OPSET, IR_VERSION = 17, 8


@dataclass(frozen=True)
class Port:
    """An input or output of a graph.

    Parameters
    ----------
    shape : sizes, or names of those that are free
    about : what it holds
    kind : of its numbers
    """

    name: str
    shape: tuple[int | str, ...]
    about: str
    kind: int = FLOAT


@dataclass
class Node:
    """An operator, the names of what it reads and makes, and its attributes."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass
class Graph:
    """Operators in the order in which they run, and constants, each once.

    Parameters
    ----------
    half : whether weights are stored as float16; they are computed with as float32
    """

    half: bool = False
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    _known: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Add an operator, and return the name of its first output."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        names = (name, *(f"{name}_{number}" for number in range(1, outputs)))
        self.nodes.append(Node(kind, inputs, names, attributes))
        return name

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """The name of a constant."""
        array = np.array(values, dtype, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = f"constant_{len(self._known)}"
            self.constants[self._known[key]] = array
        return self._known[key]

    def whole(self, *values: int) -> str:
        """The name of a constant of whole numbers, (n,) int64."""
        return self.constant(list(values), np.int64)

    def weights(self, values: np.ndarray) -> str:
        """The name of finite float32 weights."""
        if not self.half:
            return self.constant(values)
        with np.errstate(over="ignore"):
            halves = values.astype(np.float16)
        if np.isfinite(halves).all():
            return self.op("Cast", self.constant(halves, np.float16), to=FLOAT)
        # An input that hardly varies has weights of any size: its column is brought near 1 by a power of two.
        _, exponents = np.frexp(np.abs(values).max(0, keepdims=True))
        columns = np.ldexp(np.float32(1), exponents)
        halves = (values / columns).astype(np.float16)
        return self.op("Mul", self.op("Cast", self.constant(halves, np.float16), to=FLOAT), self.constant(columns))

    def end(self, name: str) -> None:
        """Call the output of the last operator so; it is the graph's."""
        self.nodes[-1].outputs = (name,)


@dataclass(frozen=True)
class Form:
    """What a module is as a graph.

    Parameters
    ----------
    inputs, output : of a graph of this module alone
    build : adds its operators to a graph, from the names of its inputs, and returns the name of its output, which the
        last operator makes
    """

    inputs: tuple[Port, ...]
    output: Port
    build: Callable[..., str]
