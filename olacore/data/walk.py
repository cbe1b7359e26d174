"""Walks through HDF5 files as a program of its own, so that a damaged file ends this program and no other.

Usage: `python walk.py LIBRARY FILE...`, where LIBRARY is anything that is linked with HDF5. It touches what opening a
data set touches: every link, object, attribute, type and chunk index, and lists that are read whole. A number is
printed before each file. What HDF5 refuses by itself is passed over: whoever opens the file is told the same; but not
where it is for want of memory, which this program is short of and whoever opens the file is not. Nothing but the
standard library is imported, for a quick start.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Processor time for any file, and bytes that are walked in a second at the very least; memory for all.
SECONDS, BYTES_A_SECOND, MEMORY = 3, 200 << 20, 1 << 30
# Lists up to this size are read, as opening a data set does.
READ_BYTES = 64 << 20

# How this program ends where text or a list claims more than that memory.
GREEDY = 3

# Of HDF5: identifiers of objects and layouts, and what an iteration is told.
DATASET, VIRTUAL = 5, 3
BY_NAME, ANY_ORDER, BASIC = 0, 2, 1
Identifier = ctypes.c_int64
Visitor = ctypes.CFUNCTYPE(ctypes.c_int, Identifier, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p)


class Walker:
    """Calls HDF5 through `ctypes`."""

    def __init__(self, library: str) -> None:
        self.hdf5 = ctypes.CDLL(library, use_errno=True)
        self.hdf5.H5open()
        self.call("H5Eset_auto2", 0, None, None)

    def call(self, name: str, *arguments: object, result: type = Identifier) -> int:
        """Call a function of HDF5 whose arguments are identifiers, addresses and numbers."""
        function = getattr(self.hdf5, name)
        function.restype = result
        wrapped = [Identifier(value) if isinstance(value, int) else value for value in arguments]
        return int(function(*wrapped))

    def newest(self, name: str) -> str:
        """The newest version of a function that comes in several."""
        return next(found for found in (f"{name}3", f"{name}2", f"{name}1", name) if hasattr(self.hdf5, found))

    def walk(self, path: bytes, size: int) -> None:
        """Touch everything in a file of so many bytes."""
        self.size = size
        on_link, on_object = Visitor(lambda *given: 0), Visitor(self.visit)
        fields = [BASIC] if hasattr(self.hdf5, "H5Ovisit3") else []
        with self.opened("H5Fopen", path, 0, 0) as file:
            self.call(self.newest("H5Lvisit"), file, BY_NAME, ANY_ORDER, on_link, None)
            self.call(self.newest("H5Ovisit"), file, BY_NAME, ANY_ORDER, on_object, None, *fields)

    @contextmanager
    def opened(self, name: str, *arguments: object) -> Iterator[int]:
        """What a function of HDF5 opens, to be closed behind it; negative if there is nothing."""
        found = self.call(name, *arguments)
        yield found
        if found >= 0:
            self.call("H5Idec_ref", found)

    def visit(self, parent: int, name: bytes, _info: object, _data: object) -> int:
        """Touch an object, its attributes and its chunk index."""
        with self.opened("H5Oopen", parent, name, 0) as found:
            on_attribute = Visitor(self.visit_attribute)
            self.call("H5Aiterate2", found, BY_NAME, ANY_ORDER, None, on_attribute, None)
            if self.call("H5Iget_type", found, result=ctypes.c_int) == DATASET:
                self.visit_dataset(found)
        return 0

    def visit_dataset(self, found: int) -> None:
        """Touch where a data set lies; what lies in other files is left alone, since nobody reads it."""
        with self.opened("H5Dget_create_plist", found) as properties:
            virtual = self.call("H5Pget_layout", properties, result=ctypes.c_int) == VIRTUAL
            if virtual or self.call("H5Pget_external_count", properties, result=ctypes.c_int) > 0:
                return
        self.call("H5Dget_offset", found)
        with self.opened("H5Dget_space", found) as space, self.opened("H5Dget_type", found) as kind:
            if self.call("H5Sget_simple_extent_ndims", space, result=ctypes.c_int) == 1:
                self.read("H5Dread", found, space, kind, 0, 0, 0)
            # Goes through the index of the chunks.
            self.call("H5Dget_num_chunks", found, space, ctypes.byref(ctypes.c_uint64()))

    def visit_attribute(self, parent: int, name: bytes, _info: object, _data: object) -> int:
        """Read an attribute."""
        with (
            self.opened("H5Aopen", parent, name, 0) as found,
            self.opened("H5Aget_space", found) as space,
            self.opened("H5Aget_type", found) as kind,
        ):
            self.read("H5Aread", found, space, kind)
        return 0

    def read(self, how: str, found: int, space: int, kind: int, *between: int) -> None:
        """Read numbers or text, unless they are more than anybody reads at once."""
        with self.opened("H5Tget_native_type", kind, 0) as native:
            size = self.call("H5Sget_simple_extent_npoints", space) * self.call("H5Tget_size", native)
            if native >= 0 and 0 < size <= READ_BYTES:
                ctypes.set_errno(0)
                room = ctypes.create_string_buffer(size)
                failed = self.call(how, found, native, *between, room, result=ctypes.c_int) < 0
                # Lists of text are as long as the file at most: of a large one they may truly need more.
                short = failed and ctypes.get_errno() == errno.ENOMEM
                if short and (how == "H5Aread" or self.size < MEMORY // 2):
                    os._exit(GREEDY)


def limit(size: int) -> None:
    """Let the file have no more than its time, and this program no more than its memory."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + SECONDS + size // BYTES_A_SECOND
    limits = {resource.RLIMIT_CPU: seconds, resource.RLIMIT_AS: MEMORY, resource.RLIMIT_CORE: 0}
    for which, value in limits.items():
        _, most = resource.getrlimit(which)
        resource.setrlimit(which, (value if most == resource.RLIM_INFINITY else min(value, most), most))


def main(library: str, *paths: str) -> None:
    """Walk through files."""
    walker = Walker(library)
    for number, path in enumerate(map(os.fsencode, paths)):
        os.write(1, b"%d\n" % number)
        size = os.stat(path).st_size  # noqa: PTH116  pathlib takes as long to load as all else here
        limit(size)
        walker.walk(path, size)
    # Not by the library's own end, which is as good as what it has read.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
