"""Tensors of a `.pt` file as NumPy arrays, without torch and without running anything that is in the file.

Such a file is a zip archive of a pickle and the bytes of each storage. A pickle is a program for a small machine; this
one has the few operations that tensors in dictionaries, lists and tuples need, and none of them calls anything: what
the program names is compared with names, and a tensor is noted down, to be read when it is asked for.
"""

from __future__ import annotations

import io
import math
import pickletools
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import FileFormatError
from olacore.foreign.arrays import MOST_BYTES, from_bfloat
from olacore.foreign.reading import or_rather, read_file
from olacore.foreign.schema import shown

# Of the pickle: that of a few tensors has hundreds, that of a large network a hundred thousand.
MOST_PROGRAM = 1 << 18
MOST_AXES = 8
LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
TYPES = {"HalfStorage": "f2", "BFloat16Storage": "u2", "FloatStorage": "f4", "DoubleStorage": "f8"}
TENSOR, PARAMETER = "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter"
ORDERED = "collections OrderedDict"


@dataclass(frozen=True)
class Named:
    """What the program names, such as "torch FloatStorage"; only a word."""

    name: str


@dataclass(frozen=True)
class Storage:
    """The bytes of tensors: what they are, the name of their member, and how many numbers the program says they are."""

    kind: str
    member: str
    count: int


@dataclass(frozen=True)
class Tensor:
    """A view into a storage, in numbers and not in bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Unreadable(ValueError):
    """A program that does something else than to describe tensors."""


def read_torch(path: Path, what: str, most: int = MOST_BYTES) -> TorchFile:
    """Look into a `.pt` file.

    Parameters
    ----------
    what : of sentences, such as "latent"
    most : bytes of the file, and of each tensor that is read of it

    Raises
    ------
    FileFormatError  if it is missing, larger, no such file, damaged, or holds more than tensors
    """
    data = read_file(path, f"the {what}", most + MOST_PROGRAM)
    if data.startswith(LEGACY):
        raise FileFormatError(f"{path} is of torch's old form, before 1.6; load and save it once more with torch.")
    if not data.startswith(b"PK"):
        raise FileFormatError(f"{path} is no .pt file of a {what}: {or_rather(data, 'what torch.save writes')}.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            programs = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if len(programs) != 1:
                raise Unreadable(f"it holds {len(programs)} members data.pkl")
            folder = programs[0].removesuffix("data.pkl")
            program = _member(archive, programs[0], MOST_PROGRAM)
            order = b"little"
            if f"{folder}byteorder" in archive.namelist():
                order = _member(archive, f"{folder}byteorder", 16)
        if order not in (b"little", b"big"):
            raise Unreadable(f"its order of bytes is {shown(order)}")
        return TorchFile(path, data, folder, "<" if order == b"little" else ">", run(program), most)
    except (IndexError, KeyError) as error:
        raise FileFormatError(f"{path} is no .pt file of a {what} that can be read: its pickle is damaged.") from error
    # Damage of zip archives and of pickles comes as a dozen types.
    except Exception as error:
        raise FileFormatError(f"{path} is no .pt file of a {what} that can be read: {error}.") from error


@dataclass(frozen=True)
class TorchFile:
    """A `.pt` file whose program was read.

    Parameters
    ----------
    data : the whole file
    folder : of its members
    order : of the bytes of numbers, "<" or ">"
    content : what the program makes: tensors, dictionaries, lists, tuples, plain values, and words for what is named
    most : bytes of a tensor
    """

    path: Path
    data: bytes
    folder: str
    order: str
    content: Any
    most: int

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Those that the file holds as such or in a dictionary, list or tuple at its top, by their names."""
        content = self.content
        if isinstance(content, Tensor):
            return {"": content}
        entries = content.items() if isinstance(content, dict) else enumerate(content) if _listed(content) else ()
        return {str(name): entry for name, entry in entries if isinstance(entry, Tensor)}

    def read(self, tensor: Tensor) -> np.ndarray:
        """The numbers of a tensor: float16, float32 or float64, C order; bfloat16 as float32.

        Raises
        ------
        FileFormatError  if they are not there, or too many
        """
        kind = TYPES.get(tensor.storage.kind)
        if kind is None:
            raise FileFormatError(
                f"{self.path} holds {shown(tensor.storage.kind)}; expected float16, bfloat16, float32 or float64."
            )
        itemsize, shape = np.dtype(kind).itemsize, tensor.shape
        if 0 in shape:
            raise FileFormatError(f"{self.path} holds no numbers: its shape is {shown(shape)}.")
        if math.prod(shape) * itemsize > self.most:
            raise FileFormatError(f"{self.path} is too large: a tensor of {shown(shape)}; at most {self.most} bytes.")
        try:
            with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
                stored = _member(archive, f"{self.folder}data/{tensor.storage.member}", self.most)
        except Exception as error:
            raise FileFormatError(f"{self.path} is no .pt file that can be read: {error}.") from error
        numbers = np.frombuffer(stored[: len(stored) // itemsize * itemsize], self.order + kind)
        last = tensor.offset + sum((side - 1) * stride for side, stride in zip(shape, tensor.strides, strict=True))
        if last >= numbers.size:
            size = f"a tensor of {shown(shape)} ends at number {last}, and {numbers.size} are there"
            raise FileFormatError(f"{self.path} is cut short: {size}.")
        view = np.lib.stride_tricks.as_strided(
            numbers[tensor.offset :], shape, [stride * itemsize for stride in tensor.strides], writeable=False
        )
        plain = np.array(view, np.dtype(kind), order="C")
        return from_bfloat(plain) if kind == "u2" else plain


def run(program: bytes) -> Any:
    """Carry out a pickle of tensors.

    Raises
    ------
    Unreadable  if it has an operation or names a function that no tensor needs
    ValueError, IndexError, KeyError, TypeError  if it is damaged
    """
    stack: list[Any] = []
    marks: list[int] = []
    memory: dict[int, Any] = {}

    def since_mark() -> list[Any]:
        at = marks.pop()
        taken = stack[at:]
        del stack[at:]
        return taken

    def last(count: int) -> tuple[Any, ...]:
        if len(stack) < count:
            raise Unreadable("it takes what is not there")
        taken = tuple(stack[len(stack) - count :])
        del stack[len(stack) - count :]
        return taken

    given: Any
    for operation, given, _ in pickletools.genops(program):
        name = operation.name
        if name == "STOP":
            return last(1)[0]
        if name in ("PROTO", "FRAME"):
            continue
        if name in ("BINPUT", "LONG_BINPUT"):
            memory[given] = stack[-1]
        elif name == "MEMOIZE":
            memory[len(memory)] = stack[-1]
        elif name == "MARK":
            marks.append(len(stack))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(last(int(name[-1])))
        elif name == "TUPLE":
            stack.append(tuple(since_mark()))
        elif name in ("SETITEM", "SETITEMS"):
            pairs = last(2) if name == "SETITEM" else since_mark()
            _fill(stack[-1], pairs)
        elif name in ("APPEND", "APPENDS"):
            _expect(type(stack[-2 if name == "APPEND" else marks[-1] - 1]) is list, "it appends to what is no list")
            entries = last(1) if name == "APPEND" else since_mark()
            stack[-1].extend(entries)
        elif name == "BUILD":  # attributes, such as the versions of a state_dict
            last(1)
        elif name == "BINPERSID":
            stack.append(_storage(*last(1)))
        elif name == "REDUCE":
            stack.append(_made(*last(2)))
        elif name in MADE:
            stack.append(MADE[name](given, memory))
        else:
            raise Unreadable(f"it is more than tensors: it holds the operation {name} of pickles")
    raise Unreadable("its pickle has no end")


MADE: dict[str, Any] = {
    "GLOBAL": lambda given, memory: Named(given),
    "BINGET": lambda given, memory: memory[given],
    "LONG_BINGET": lambda given, memory: memory[given],
    "EMPTY_DICT": lambda given, memory: {},
    "EMPTY_LIST": lambda given, memory: [],
    "EMPTY_TUPLE": lambda given, memory: (),
    "NONE": lambda given, memory: None,
    "NEWTRUE": lambda given, memory: True,
    "NEWFALSE": lambda given, memory: False,
} | dict.fromkeys(
    ("BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"), lambda given, memory: given
)


def _fill(filled: Any, pairs: Any) -> None:
    _expect(type(filled) is dict and len(pairs) % 2 == 0, "it fills what is no dictionary")
    # Hashes of tuples in tuples have no end that Python would watch.
    _expect(all(type(key) in (str, int) for key in pairs[::2]), "it holds a key that is neither text nor a number")
    filled.update(zip(pairs[::2], pairs[1::2], strict=True))


def _storage(given: Any) -> Storage:
    _expect(type(given) is tuple and len(given) == 5, "a storage of it is none")
    word, kind, member, _, count = given
    fits = word == "storage" and isinstance(kind, Named) and type(member) is str and type(count) is int
    _expect(fits and kind.name.startswith("torch "), "a storage of it is none")
    return Storage(kind.name.removeprefix("torch "), member, count)


def _made(function: Any, given: Any) -> Any:
    """What a function of torch would make of what it is given."""
    _expect(isinstance(function, Named) and type(given) is tuple, "it calls what is no function")
    if function.name == ORDERED and not given:
        return {}
    if function.name == PARAMETER and given and isinstance(given[0], Tensor):
        return given[0]
    if function.name == TENSOR and len(given) >= 4:
        storage, offset, shape, strides = given[:4]
        _expect(
            isinstance(storage, Storage) and _sizes((offset,)) and _sizes(shape) and _sizes(strides), "a bad tensor"
        )
        _expect(len(shape) == len(strides) <= MOST_AXES, "a tensor of it has other axes than strides, or too many")
        return Tensor(storage, offset, shape, strides)
    raise Unreadable(f"it is more than tensors: it names {shown(function.name)}")


def _sizes(given: Any) -> bool:
    return type(given) is tuple and all(type(side) is int and 0 <= side < 1 << 48 for side in given)


def _listed(content: Any) -> bool:
    return isinstance(content, list | tuple)


def _expect(fits: bool, otherwise: str) -> None:
    if not fits:
        raise Unreadable(otherwise)


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A member of an archive, whole: its checksum is compared."""
    with archive.open(name) as member:
        content = member.read(most + 1)
    _expect(len(content) <= most, f"its member {shown(name)} has more than {most} bytes")
    return content
