"""HDF5 files on disk: opened with clear errors; made under a lock, in reserved space, on a temporary name."""

import errno
import os
import re
import shutil
import stat
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np

from olacore.data.arrays import require_own
from olacore.data.survival import require_survivable
from olacore.errors import FileFormatError, OlacoreError, OutputError, OutputExistsError
from olacore.foreign.reading import or_meant

try:
    import fcntl
except ImportError:  # not a POSIX system: HDF5's own locks have to do
    fcntl = None  # type: ignore[assignment]

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# What stands at a place in other files that are given by mistake, and what they are.
PICTURE = "a {} picture; `ola precompute` makes data of pictures"
OTHERS = (
    (0, b"\xff\xd8\xff", PICTURE.format("JPEG")),
    (0, b"\x89PNG\r\n", PICTURE.format("PNG")),
    (0, b"GIF8", PICTURE.format("GIF")),
    (0, b"II*\0", PICTURE.format("TIFF")),
    (0, b"MM\0*", PICTURE.format("TIFF")),
    (8, b"WEBP", PICTURE.format("WebP")),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"\x93NUMPY", "a .npy file"),
    (8, b'{"', "a safetensors file, such as a module"),
)
# What a file system without locks answers.
NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
# Room for the superblock, headers, attributes and the index of the chunks, added to the arrays' own bytes.
OVERHEAD = 1 << 20
# What HDF5 may hold of the index of a file that is written from its beginning to its end; its own limit is 32 MiB.
INDEX_BYTES = 1 << 18


def open_file(path: Path, mode: str = "r", *, locking: bool | None = None) -> h5py.File:
    """Open an existing HDF5 file for reading (`"r"`) or in place (`"r+"`); everything that it names lies in it.

    On a disk without locks it is opened without one.

    Raises
    ------
    FileFormatError  if it is missing, empty, not HDF5, truncated, damaged, being written, or names another file
    """
    _require_hdf5(path)
    require_survivable([path])
    file = _open(path, mode, locking)
    try:
        require_own(file, path)
    except BaseException:
        file.close()
        raise
    return file


def _require_hdf5(path: Path) -> None:
    try:
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no file" if path.exists() else "missing"
            raise FileFormatError(f"expected an HDF5 file at {path}; it is {what}{or_meant(path)}")
        size = path.stat().st_size
        if size == 0:
            raise FileFormatError(f"{path} is empty (0 bytes); make it again.")
        with path.open("rb") as file:
            start = file.read(16)
            place = 0
            # Another program's block of 512, 1024, 2048 and so on bytes may stand before it.
            while place < size:
                file.seek(place)
                if file.read(len(SIGNATURE)) == SIGNATURE:
                    return
                place = max(512, 2 * place)
    except FileFormatError:
        raise
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror}.") from error
    what = next((f"is {words}" for place, mark, words in OTHERS if start.startswith(mark, place)), "")
    raise FileFormatError(f"{path} is not an HDF5 file: it {what or f'begins with {start!r}'}.")


def _open(path: Path, mode: str, locking: bool | None) -> h5py.File:
    try:
        return h5py.File(path, mode, locking=locking)
    except BlockingIOError as error:
        raise FileFormatError(f"{path} is being written by another process; wait until that is done.") from error
    except OSError as error:
        if locking is None and error.errno in NO_LOCKS:
            return _open(path, mode, locking=False)
        if "truncated" in str(error):
            size = f"{path.stat().st_size:,} bytes"
            raise FileFormatError(f"{path} is truncated to {size}; copy it or make it again.") from error
        raise FileFormatError(f"{path} cannot be opened: {error}.") from error
    except (RuntimeError, ValueError) as error:
        raise FileFormatError(f"{path} cannot be opened: {error}.") from error


def lock_file(path: Path, *, create: bool = False) -> int:
    """Take the writer's lock of a file; closing the descriptor that it returns, or dying, gives it back.

    Parameters
    ----------
    create : make it if it is missing; a link is refused, since what it leads to is nobody's to overwrite

    Raises
    ------
    OutputError  if another writer has it, or the file cannot be opened for writing
    """
    flags = os.O_RDWR | (os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) if create else 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    except OSError as error:
        reason = "it is a link" if create and path.is_symlink() else error.strerror
        raise OutputError(f"cannot write {path}: {reason}; remove it or choose another output.") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or (create and found.st_nlink > 1):
        os.close(descriptor)
        what = "it has a second name" if stat.S_ISREG(found.st_mode) else "it is no file"
        raise OutputError(f"cannot write {path}: {what}; remove it or choose another output.")
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another writer may have moved or removed the file between the two calls above.
        if not path.exists() or not os.path.samestat(os.fstat(descriptor), path.stat()):
            raise BlockingIOError
    except BlockingIOError as error:
        os.close(descriptor)
        raise OutputError(f"{path} is being written by another process; wait, or choose another output.") from error
    except OSError as error:
        # A file system without locks: go on without one.
        if error.errno not in NO_LOCKS:
            os.close(descriptor)
            raise OutputError(f"cannot lock {path}: {error.strerror}; choose another output.") from error
    return descriptor


def cannot_write(path: Path, error: Exception) -> OutputError:
    """What to raise in place of an error of HDF5, whose own text has several lines."""
    number = getattr(error, "errno", None) or next(iter(re.findall(r"errno = (\d+)", str(error))), 0)
    reason = os.strerror(int(number)) if number else error
    return OutputError(f"cannot write {path}: {reason}; make room or choose another output.")


def reserve_space(descriptor: int, path: Path, needed: int) -> None:
    """Make the file system set aside `needed` bytes: HDF5 does not recover from a full disk.

    Raises
    ------
    OutputError  if there is no room
    """
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(descriptor, 0, needed)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EINVAL):
            return
        free = shutil.disk_usage(path.parent).free
        room = f"{needed:,} bytes and {free:,} are free ({error.strerror})"
        raise OutputError(f"{path} needs {room}; make room or store less.") from error


def create_file(path: Path, needed: int, force: bool, fill: Callable[[h5py.File], None]) -> int:
    """Make a file on a temporary name and move it to `path`; return the descriptor that locks it.

    Parameters
    ----------
    needed : bytes that `fill` will allocate
    force : whether a file that is already there may be replaced
    fill : is called with the open new file

    Raises
    ------
    OutputExistsError  if there is a file and `force` is not given
    OutputError  if the file cannot be written, is locked, or there is no room for it
    """
    temporary = path.with_name(path.name + ".partial")
    lock = lock_file(temporary, create=True)
    with ExitStack() as undo:
        undo.callback(os.close, lock)
        undo.callback(temporary.unlink, missing_ok=True)
        with ExitStack() as until_replaced:
            if path.exists():
                if not force:
                    raise OutputExistsError(f"{path} is already there; resume it, force a new one, or choose another.")
                until_replaced.callback(os.close, lock_file(path))
            try:
                # Mode "w" destroys a file before it looks at the lock: only for this one, whose lock is ours.
                with h5py.File(temporary, "w", libver="earliest", locking=False) as file:
                    reserve_space(lock, path, needed + OVERHEAD)  # HDF5 has emptied the file, and cuts it at the end
                    limit_index(file)
                    fill(file)
                reserve_space(lock, path, os.fstat(lock).st_size)
                os.fsync(lock)
                temporary.replace(path)
            except (OSError, RuntimeError) as error:
                if isinstance(error, OlacoreError):
                    raise
                raise cannot_write(path, error) from error
        undo.pop_all()
    return lock


def limit_index(file: h5py.File) -> None:
    """Keep little of the index of the chunks in memory, so that many rows take no more of it than few."""
    config = file.id.get_mdc_config()
    config.set_initial_size = True
    config.initial_size = config.min_size = config.max_size = INDEX_BYTES
    config.incr_mode = config.decr_mode = config.flash_incr_mode = 0
    file.id.set_mdc_config(config)


def create_array(
    file: h5py.File, name: str, shape: tuple[int, ...], dtype: np.dtype, chunk: tuple[int, ...] | None = None
) -> None:
    """Add a data set whose whole storage is allocated now and never filled: later only its bytes change."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    file.create_dataset(name, shape, dtype, chunks=chunk, dcpl=properties)
