"""What a view is: how samples are cut from items of named fields, and how answers become arrays again.

A sample is one (input, target) pair: a latent site with its surroundings, a whole picture, or a pair that comes as it
is. A view may read several fields, and may add noise of its own, which `olacore.views.noise` fixes by the seed, the
pass and the item.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from olacore.blocks import Block, RawBlock, within
from olacore.errors import ConfigError
from olacore.foreign.schema import check_carried, fields_of, is_plain, listed, record, text, whole
from olacore.kernels.layout import CHUNK, empty_packed, pack_rows
from olacore.registry import Registry
from olacore.views.scaling import Scaling

if TYPE_CHECKING:
    from olacore.data import BlockStream, Dataset

# What a view has to be where it comes from a file; `pairs` is how version 0.1 called plain pairs.
VIEW = record({"kind": text(), "name": text()})
PAIR = record({"plain": listed(whole(1), 2, 2)})
# Views by the kind of module that they are for, and by name.
VIEWS: dict[str, Registry[type[View]]] = {}


@dataclass(frozen=True)
class View(ABC):
    """What a module sees and what it answers.

    Attributes
    ----------
    kind, name : of the kind of module, and its own among the views of that kind
    input_fields, target_fields : data sets that inputs and targets are cut from
    bound : largest absolute target where the data's range is known, as of pixels in [-1, 1]; else None
    pixels : whether targets are the pixels of a patch, in the order (row, column, colour)
    alike : whether its inputs have one scale, so that how much each varies says how much it counts
    rotates : whether a module may answer components of its targets instead, see `Scaling`
    options : settings of `TrainConfig` that it takes
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    input_fields: ClassVar[tuple[str, ...]]
    target_fields: ClassVar[tuple[str, ...]]
    bound: ClassVar[float | None] = None
    pixels: ClassVar[bool] = False
    alike: ClassVar[bool] = False
    rotates: ClassVar[bool] = False
    options: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """Return the view of this data; `settings` has the `seed` and those of `options` that were given.

        Raises
        ------
        ShapeError  if samples of this view cannot be cut from the data
        ConfigError  if a setting is out of range
        """

    @classmethod
    def carries(cls, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Names of the arrays that a view of these plain values has too, which a module's file keeps as they are."""
        return ()

    @classmethod
    def of_values(cls, values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Self:
        """Return the view of plain values, checked already, and of the arrays that it carries."""
        return cls(**values)

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """The arrays that it carries, by name: int8, uint8 or float16."""
        return {}

    @property
    @abstractmethod
    def inputs(self) -> int:
        """Numbers that a sample feeds to the module."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Numbers that the module answers to a sample."""

    @abstractmethod
    def check(self, dataset: Dataset) -> None:
        """Raise `ShapeError` unless samples of this view can be cut from `dataset`."""

    def sites(self, dataset: Dataset) -> int:
        """Samples that one item of the data set gives."""
        return 1

    @property
    def title(self) -> str:
        """What messages call it, such as "patch encoder"."""
        return self.kind if self.name == self.kind else f"{self.name} {self.kind}"

    @property
    def heading(self) -> str:
        """What tables of figures call its module: by its kind, and its noise level if it has one."""
        return self.kind

    @property
    def fields(self) -> tuple[str, ...]:
        """All data sets that samples are cut from."""
        return tuple(dict.fromkeys((*self.input_fields, *self.target_fields)))

    def fields_in(self, dataset: Dataset) -> tuple[str, ...]:
        """Those of a data set, where what it has decides which are read."""
        return self.fields

    def items(self, dataset: Dataset) -> np.ndarray:
        """The items of a data set that count, for training and for measuring: (m,) int64, sorted, by default all.

        Raises
        ------
        DataError  if none does
        """
        return np.arange(dataset.count)

    def pass_bytes(self, dataset: Dataset) -> int:
        """Bytes of what a stream makes of an item anew in each pass."""
        return 0

    def stream(
        self, dataset: Dataset, items: np.ndarray, rows: int, seed: int, cursor: dict[str, int] | None = None
    ) -> BlockStream:
        """Stream the samples of `items`, (m,) int64, shuffled, in raw blocks of about `rows`."""
        from olacore.data.stream import BlockStream

        return BlockStream(dataset, items, self.fields_in(dataset), self.sites(dataset), rows, seed, cursor)

    def gather(self, raw: RawBlock, scaling: Scaling, into: Block | None = None) -> Block:
        """Cut, standardise and pack the samples of a raw block.

        In the memory of `into`, an earlier block, if it is large enough: an encoder's patches take 7.2 ms a block that
        way and 9 to 60 in fresh memory, on one thread.
        """
        inputs, targets = (into.inputs, into.targets) if into else (None, None)
        return Block(self.gather_inputs(raw, scaling, inputs), self.gather_targets(raw, scaling, targets))

    def gather_inputs(
        self, raw: RawBlock, scaling: Scaling, into: np.ndarray | None = None, room: int = 0
    ) -> np.ndarray:
        """Cut, standardise and pack the inputs: (chunks, in + room, CHUNK) float32, what is behind `in` undefined."""
        shape = (-(-len(raw.item) // CHUNK), self.inputs + room, CHUNK)
        out = within(into, shape)
        if out is None:
            out = empty_packed(len(raw.item), self.inputs + room)
        self.cut_inputs(raw, scaling, out)
        return out

    def gather_targets(self, raw: RawBlock, scaling: Scaling, into: np.ndarray | None = None) -> np.ndarray:
        """Cut and standardise the targets: (out, n) float32."""
        if scaling.basis is not None:
            return scaling.standardise_targets(self.gather_truth(raw))
        shape = (self.outputs, len(raw.item))
        out = within(into, shape)
        if out is None:
            out = np.empty(shape, np.float32)
        self.cut_targets(raw, scaling, out)
        return out

    def gather_truth(self, raw: RawBlock) -> np.ndarray:
        """Cut the targets as they are in the data: (targets, n) float32."""
        return self.gather_targets(raw, Scaling.identity(self.inputs, self.outputs))

    @abstractmethod
    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write standardised inputs into packed rows (chunks, in or more, CHUNK), zeros past the last sample."""

    @abstractmethod
    def cut_targets(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write standardised targets into (out, n)."""

    @abstractmethod
    def site_count(self, arrays: Mapping[str, np.ndarray]) -> int:
        """Samples that each item of these input arrays gives."""

    @abstractmethod
    def empty(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return an array (m, ...) for the answers to all m items of these input arrays."""

    @abstractmethod
    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write what a module answers, (out, n) float32 in its own scale, to its places in `out`."""

    def answer_at_once(
        self, maps: Sequence[Any], scaling: Scaling, arrays: Mapping[str, np.ndarray]
    ) -> np.ndarray | None:
        """Answer every item of these input arrays by a kernel that does all of it, where there is one; else None.

        Parameters
        ----------
        maps : of a module, with `weights` (out, in) and `biases` (out,), in the order in which they answer
        """
        return None

    def to_dict(self) -> dict[str, Any]:
        """Return the view as plain values."""
        return {
            "kind": self.kind,
            "name": self.name,
            **{name: getattr(self, name) for name in plain_fields(type(self))},
        }


def pack_standardised(rows: np.ndarray, scaling: Scaling, out: np.ndarray) -> None:
    """Standardise inputs (n, in) and pack them."""
    pack_rows(np.ascontiguousarray((rows - scaling.input_mean) / scaling.input_scale, np.float32), out)


def add_view(view: type[View]) -> type[View]:
    """Make a view known to its kind of module; of use as a decorator.

    Parameters
    ----------
    view : a class derived from `View`
    """
    return VIEWS.setdefault(view.kind, Registry(f"view of the {view.kind}")).add(view)


def find_view(kind: str, name: str) -> type[View]:
    """Return the view of that name that modules of this kind have.

    Parameters
    ----------
    kind : of the module, such as "decoder"
    name : of the view, such as "patch"

    Raises
    ------
    ConfigError  if there is none; the message lists those there are
    """
    if kind not in VIEWS:
        raise ConfigError(f"there is no kind {kind!r} of modules with views; there are {', '.join(VIEWS)}.")
    return VIEWS[kind].find(name)


def plain_fields(view: type[View]) -> list[str]:
    """Names of the fields of a view that are plain values."""
    return [one.name for one in fields(view) if is_plain(one)]


def view_from_dict(values: Mapping[str, Any], tensors: Mapping[str, np.ndarray] | None = None) -> View:
    """Rebuild a view from what `to_dict` gave, also in version 0.1, and from the arrays that it carries.

    Parameters
    ----------
    values : JSON types, as a module's file has them
    tensors : arrays that the view carries, by name

    Raises
    ------
    ValueError  if there is no such view, or a value is missing, of a wrong type or out of range
    """
    VIEW(values, "view")
    if values["name"] == "pairs":
        PAIR(values, "view")
        inputs, outputs = values["plain"]
        values = {"kind": "plain", "name": "plain", "inputs": inputs, "outputs": outputs}
    view = find_view(values["kind"], values["name"])
    known = plain_fields(view)
    given = {name: value for name, value in values.items() if name in known}
    fields_of(view)(given, "view")
    carried = tensors or {}
    check_carried(values, view.carries(given), carried)
    return view.of_values(given, carried)
