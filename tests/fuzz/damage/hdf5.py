"""Damage to HDF5 through h5py, so that the file stays a sound HDF5 file: attributes, types, shapes, links, sources."""

from __future__ import annotations

import json
import os
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np

from tests.fuzz.damage import values

# Bytes that damage may take.
MEMORY = 1 << 30
SIGN = b"\x89HDF\r\n\x1a\n"
TYPES = (">f4", "f8", "f2", "u1", "i1", "i8", "u8", "c8", "S1", "S9", "?", "V3", "i4")
# An odd value for an attribute; what h5py cannot store is passed over.
ATTRIBUTES = (
    "x", "", "inf", "-1", "null", b"\xff\xfe", np.void(b"ab"), 0, 1, -1, 2**40, -(2**63), 1.5, np.nan, np.inf,
    -np.inf, 1e308, True, False,
    np.zeros(0), np.zeros(3), np.ones((2, 2), "i8"), np.array([b"a", b"b"]), h5py.Empty("f4"), "x" * 60_000,
    "\x1b]0;x\x07", "[/b]",
)  # fmt: skip
VALUES = (np.nan, np.inf, -np.inf, 0, -1, 1, 1e30, 255, 2**31 - 1, -(2**31), 2**63 - 1)
TEXTS = (b"", b"x", b"../../x", b"\xff\xfe", b"\x1b]0;x\x07", b"[/b]", b"/etc/passwd")


def knows(data: bytes) -> bool:
    """Whether it is HDF5."""
    return data.startswith(SIGN)


def mangle(rng: Random, data: bytes) -> tuple[bytes, str]:
    """Change one or two things, in a process of its own: some of it ends the HDF5 library that does it.

    Raises
    ------
    RuntimeError  if that process ended
    """
    seed = rng.getrandbits(64)
    with tempfile.TemporaryDirectory() as folder:
        path, note = Path(folder) / "file.h5", Path(folder) / "words.txt"
        path.write_bytes(data)
        child = os.fork()
        if not child:
            try:
                # What was made to claim terabytes may be read by the next change.
                pages = int(Path("/proc/self/statm").read_text().split()[0])
                resource.setrlimit(
                    resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, resource.RLIM_INFINITY)
                )
                note.write_text(change(Random(seed), path))
                os._exit(0)
            finally:
                os._exit(1)
        if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            raise RuntimeError(f"ended with {code}")
        return path.read_bytes(), note.read_text()


def change(rng: Random, path: Path) -> str:
    """Change one or two things in a file."""
    words = []
    with h5py.File(path, "r+") as file:
        for _ in range(rng.choice((1, 1, 1, 2))):
            way = rng.choice(WAYS)
            try:
                words.append(f"{way.__name__} {way(rng, file)}")
            except (TypeError, ValueError, LookupError, OSError, RuntimeError, OverflowError) as error:
                words.append(f"{way.__name__}: {error}"[:60])
    return "; ".join(words)


def any_of(rng: Random, file: h5py.File) -> str:
    """The name of something at the top."""
    return rng.choice(sorted(file))


def array_of(rng: Random, file: h5py.File) -> tuple[str, h5py.Dataset]:
    """A data set at the top."""
    name = rng.choice([name for name in sorted(file) if isinstance(file.get(name), h5py.Dataset)])
    return name, file[name]


def attribute(rng: Random, file: h5py.File) -> str:
    """Give an attribute another value, or drop it; of JSON, change a part of it."""
    name = rng.choice(sorted(file.attrs) or ["schema"])
    old = file.attrs.get(name)
    if isinstance(old, str) and old.startswith(("{", "[")) and rng.random() < 0.7:
        value, word = values.mangle(rng, json.loads(old))
        file.attrs[name] = values.dumps(value)[:60_000]
        return f"{name} {word}"
    if rng.random() < 0.15:
        del file.attrs[name]
        return f"drop {name}"
    new: Any = rng.choice(ATTRIBUTES)
    if rng.random() < 0.3 and isinstance(old, str):
        new = values.near(rng, old)
    elif rng.random() < 0.4 and np.ndim(old) == 0 and isinstance(old, np.number):
        new = old.dtype.type(rng.choice((old + 1, old - 1, -old, old * 2, 0)))
    file.attrs[name] = new
    return f"{name} = {str(new)[:40]!r}"


def lose(rng: Random, file: h5py.File) -> str:
    """Drop something."""
    name = any_of(rng, file)
    del file[name]
    return name


def retype(rng: Random, file: h5py.File) -> str:
    """Store an array as another type."""
    name, old = array_of(rng, file)
    kind = rng.choice(TYPES)
    with np.errstate(all="ignore"):
        new = np.zeros(old.shape, kind) if old.dtype.names else old[()].astype(kind)
    return replace(file, name, data=new) + f" {kind}"


def reshape(rng: Random, file: h5py.File) -> str:
    """Store an array with another shape: more, fewer or no rows, other axes."""
    name, old = array_of(rng, file)
    full = np.asarray(old[()])
    ways: tuple[Callable[[], np.ndarray], ...] = (
        lambda: full[:0],
        lambda: full[:-1],
        lambda: np.concatenate([full, full]),
        lambda: full[..., None],
        lambda: full[None],
        lambda: full.reshape(-1),
        lambda: full.T,
        lambda: full[..., :0],
        lambda: full[..., :1],
        lambda: full.reshape(-1)[0],
        lambda: np.concatenate([full, full], -1),
    )
    new = rng.choice(ways)()
    return replace(file, name, data=new) + f" {new.shape}"


def unwritten(rng: Random, file: h5py.File) -> str:
    """Say that an array is huge, without a byte of it."""
    name, old = array_of(rng, file)
    rows = rng.choice((10**6, 10**9, 10**12, 2**40))
    kind, shape = old.dtype, (rows, *old.shape[1:])
    more = {"chunks": (1, *old.shape[1:])} if old.ndim and rng.random() < 0.5 else {}
    return replace(file, name, shape=shape, dtype=kind, maxshape=None, **more) + f" {rows} rows"


def content(rng: Random, file: h5py.File) -> str:
    """Put an odd number or text into an array, or into a field of a table."""
    name, old = array_of(rng, file)
    full = np.asarray(old[()])
    part = full
    if full.dtype.names:
        field = rng.choice(full.dtype.names)
        part = full[field]
        name = f"{name}.{field}"
    spot = () if not part.ndim else slice(None) if rng.random() < 0.4 else rng.randrange(max(1, len(part)))
    odd = rng.choice(TEXTS if part.dtype.kind in "SO" else VALUES)
    with np.errstate(all="ignore"):
        part[spot] = np.asarray(odd).astype(part.dtype) if part.dtype.kind in "fiub" else odd
    old[()] = full
    return f"{name}[{spot}] = {odd!r}"


def field(rng: Random, file: h5py.File) -> str:
    """Lose, rename, add or retype a field of a table."""
    name = rng.choice([name for name in sorted(file) if file[name].dtype.names])
    full = file[name][()]
    fields = [(key, full.dtype[key]) for key in full.dtype.names]
    number = rng.randrange(len(fields))
    way = rng.choice(("lose", "rename", "retype", "add"))
    if way == "lose":
        del fields[number]
    elif way == "rename":
        fields[number] = "x", fields[number][1]
    elif way == "retype":
        fields[number] = fields[number][0], np.dtype(rng.choice(TYPES))
    else:
        fields.append((rng.choice(("x", "caption", "crc32")), np.dtype(rng.choice(TYPES))))
    new = np.zeros(full.shape, fields)
    for key in set(new.dtype.names or ()) & set(full.dtype.names):
        if new.dtype[key] == full.dtype[key]:
            new[key] = full[key]
    return replace(file, name, data=new) + f" {way} {full.dtype.names[min(number, len(full.dtype.names) - 1)]}"


def stranger(rng: Random, file: h5py.File) -> str:
    """Put a group, a text, a reference or nothing in an array's place, or beside it."""
    name = (
        any_of(rng, file) if rng.random() < 0.7 else rng.choice(("x", "[/b]", "\x1b]0;x\x07", "recon", "split", "rows"))
    )
    if name in file:
        del file[name]
    way = rng.choice(("group", "text", "reference", "empty", "lists", "type", "enum"))
    if way == "group":
        file.create_group(name).create_group(name)
    elif way == "text":
        file[name] = "x"
    elif way == "reference":
        file.create_dataset(name, (2,), h5py.ref_dtype)
    elif way == "empty":
        file[name] = h5py.Empty("f4")
    elif way == "lists":
        file.create_dataset(name, (3,), h5py.vlen_dtype(np.float32))
    elif way == "type":
        file[name] = np.dtype("f4")
    else:
        file.create_dataset(name, (3,), h5py.enum_dtype({"a": 0, "b": 1}))
    return f"{name} {way}"


def link(rng: Random, file: h5py.File) -> str:
    """Put a link in an array's place: within the file, in a circle, to nowhere, to another file; or a second name."""
    name = any_of(rng, file)
    del file[name]
    target = any_of(rng, file) if len(file) else "x"
    ways = {
        "soft": h5py.SoftLink(f"/{target}"),
        "circle": h5py.SoftLink(f"/{name}"),
        "nowhere": h5py.SoftLink("/nowhere/at/all"),
        "external": h5py.ExternalLink("file.h5", "/x"),
        "passwd": h5py.ExternalLink("/etc/passwd", "/"),
        "hard": file["/"],
    }
    way = rng.choice(list(ways))
    file[name] = ways[way]
    return f"{name} {way}"


def elsewhere(rng: Random, file: h5py.File) -> str:
    """Take an array's numbers from another place: a virtual set of itself or of a file that is missing, raw bytes."""
    name, old = array_of(rng, file)
    shape, kind = old.shape, old.dtype
    way = rng.choice(("virtual", "itself", "raw", "filter", "fill"))
    del file[name]
    if way == "raw":
        file.create_dataset(name, shape, kind, external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])
    elif way == "fill":
        file.create_dataset(name, shape, kind)
    else:
        plist, space = h5py.h5p.create(h5py.h5p.DATASET_CREATE), h5py.h5s.create_simple(shape)
        plist.set_obj_track_times(False)  # so that the same damage gives the same bytes
        if way == "filter":
            plist.set_chunk(tuple(max(1, side) for side in shape))
            plist.set_filter(rng.choice((305, 32_000)), h5py.h5z.FLAG_OPTIONAL, ())
        else:
            plist.set_virtual(space, b"." if way == "itself" else b"missing.h5", name.encode(), space)
        h5py.h5d.create(file.id, name.encode(), h5py.h5t.py_create(kind, logical=True), space, dcpl=plist)
    return f"{name} {way}"


def repack(rng: Random, file: h5py.File) -> str:
    """Store an array in other chunks, packed or not."""
    name, old = array_of(rng, file)
    full = np.asarray(old[()])
    chunks = tuple(rng.randint(1, max(1, side)) for side in full.shape) or None
    more: dict[str, Any] = rng.choice(
        ({}, {"chunks": chunks}, {"chunks": chunks, "compression": "gzip"}, {"chunks": chunks, "fletcher32": True})
    )
    return replace(file, name, data=full, **more) + f" {more}"


def replace(file: h5py.File, name: str, **made: Any) -> str:
    """Make an array anew."""
    del file[name]
    file.create_dataset(name, **made)
    return name


WAYS = (
    *(attribute, attribute, attribute, content, content, lose, retype, reshape, reshape, unwritten, field, stranger),
    *(link, elsewhere, repack),
)
