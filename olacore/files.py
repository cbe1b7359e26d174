"""Files that are either the old one or the new one, never half of it, and never another one behind a link."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from olacore.errors import FileFormatError, OutputError, OutputExistsError

# Where a system has them: a link is not followed, a pipe not waited for, line ends are left alone.
SAFE = os.O_CLOEXEC if hasattr(os, "O_CLOEXEC") else 0
for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
    SAFE |= getattr(os, flag, 0)
# Characters of a file's name that its temporary name begins with: names may have 255 bytes.
NAMED = 40


def replace_file(path: Path, content: bytes) -> int:
    """Write `content` to `path` in one step, by way of a temporary file in its folder that nobody can guess.

    A link at `path` is replaced itself; what it leads to stays as it is.

    Returns
    -------
    bytes that were written

    Raises
    ------
    OutputError  if the folder cannot be written to, the disk is full, or something other than a file is there; what
        was there before is untouched
    """
    temporary = path.with_name(f".{path.name[:NAMED]}.{secrets.token_hex(8)}.tmp")
    with _failures_named(path):
        _check_kind(path)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFE, 0o666)
        try:
            try:
                _write(descriptor, content)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
    return len(content)


def create_once(path: Path, content: bytes) -> bool:
    """Write `content` to `path` in one step unless something is there; of several who do so, one succeeds.

    Returns
    -------
    whether it was written; otherwise what is there is untouched

    Raises
    ------
    OutputError  if the folder cannot be written to, or the disk is full
    """
    temporary = path.with_name(f".{path.name[:NAMED]}.{secrets.token_hex(8)}.tmp")
    replace_file(temporary, content)
    with _failures_named(path):
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:
            # A file system without hard links.
            if is_there(path):
                return False
            temporary.replace(path)
        finally:
            with suppress(OSError):
                temporary.unlink()
    return True


def write_folder(path: Path, files: Mapping[str, bytes]) -> int:
    """Write files into a folder: a new or empty one appears in one step; in any other, each file is replaced in order.

    What else is in the folder stays. An empty folder that cannot give way to another one stays too, and is filled in
    order: a link to it, a mount point, the working directory, one whose parent takes no new files.

    Parameters
    ----------
    files : content by name, without folders; the one that makes the others count comes last

    Returns
    -------
    bytes that were written

    Raises
    ------
    OutputError  if the folder cannot be made, the disk is full, or something other than a folder is there
    """
    there = is_there(path)
    if not there:
        make_folder(path.parent)
    with _failures_named(path):
        keeps = there and (any(path.iterdir()) or _stays(path))
        temporary = (path if keeps else path.parent) / f".{path.name[:NAMED]}.{secrets.token_hex(8)}.tmp"
        try:
            temporary.mkdir()
            for name, content in files.items():
                replace_file(temporary / name, content)
            if keeps:
                for name in files:
                    (temporary / name).replace(path / name)
            else:
                with suppress(FileNotFoundError):
                    path.rmdir()
                temporary.replace(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return sum(map(len, files.values()))


def shipped_file(name: str) -> Path:
    """Find a file of `datasets/`, inside an installed package or beside it in a checkout.

    Raises
    ------
    FileFormatError  if it is in neither place
    """
    package = Path(__file__).parent
    for path in (package / "sample" / name, package.parent / "datasets" / name):
        if path.exists():
            return path
    raise FileFormatError(f"the shipped file {name} is missing; install olacore again.")


def append_to_file(path: Path, content: bytes) -> None:
    """Add `content` to the end of a file, all of it or nothing; it is made where it is missing.

    Raises
    ------
    OutputError  if the file cannot be written, the disk is full, or a link is there
    """
    with _failures_named(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | SAFE, 0o666)
        try:
            before = os.fstat(descriptor).st_size
            try:
                _write(descriptor, content)
            except BaseException:
                with suppress(OSError):
                    os.ftruncate(descriptor, before)
                raise
        finally:
            os.close(descriptor)


def is_there(path: Path) -> bool:
    """Whether there is anything of that name, a link that leads nowhere included."""
    return os.path.lexists(path)


def free_beside(path: Path, suffix: str) -> Path:
    """The first of `NAME.SUFFIX`, `NAME-2.SUFFIX` and so on beside a file that is not there yet."""
    names = (f"{path.stem}{f'-{number}' if number > 1 else ''}{suffix}" for number in count(1))
    return next(one for name in names if not is_there(one := path.with_name(name)))


def why_not_first(path: Path, beside: Path) -> str:
    """Why `free_beside` did not take the first name; empty where it did."""
    first = beside.with_name(f"{beside.stem}{path.suffix}")
    return "" if path == first else f" ({first} was there already)"


def make_folder(path: Path) -> None:
    """Make a folder that is to be filled, with those above it, unless it is there.

    A command that is told a folder makes it; one that is told a file makes no folder for it (`check_output`).

    Raises
    ------
    OutputError  if it cannot be made or written into, or something other than a folder is there
    """
    check_folder(path, force=True)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path}: {error.strerror or error}.") from error


def check_folder(path: Path, force: bool) -> None:
    """Raise unless a folder may be filled: it is empty, or `force` is given, or it can be made.

    Raises
    ------
    OutputExistsError  if it holds files, and `force` is not given
    OutputError  if it takes no new files or cannot be made, or something other than a folder is there
    """
    there = next(one for one in (path, *path.parents) if is_there(one))
    if not there.is_dir():
        what = "it" if there == path else str(there)
        raise OutputError(f"cannot write into {path}: {what} is no folder.")
    if not force and there == path and any(path.iterdir()):
        raise OutputExistsError(f"the folder {path} already holds files; give --force to replace those of equal names.")
    if not os.access(there, os.W_OK):
        raise OutputError(f"cannot write into {path}: the folder {there} is not writable.")


def check_output(path: Path, force: bool) -> None:
    """Raise unless `path` may be written: it is new, or `force` is given, and its folder takes new files."""
    if is_there(path):
        # No `force` helps with a folder.
        with _failures_named(path):
            _check_kind(path)
        if not force:
            raise OutputExistsError(f"the file {path} is already there; give --force to replace it.")
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"cannot write {path}: there is no folder {folder}.")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"cannot write {path}: the folder {folder} is not writable.")


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _stays(path: Path) -> bool:
    """Whether an empty folder cannot be taken away, or should not be, so that another one takes its name."""
    held = path.is_symlink() or os.path.ismount(path) or path.samefile(Path.cwd())
    return held or not os.access(path.parent, os.W_OK)


def _check_kind(path: Path) -> None:
    """Refuse a folder, and devices and pipes, which moving a file over them would destroy."""
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "it is a folder; name a file")
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise OSError(errno.EINVAL, "it is a device or a pipe, not a file")


@contextmanager
def _failures_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror or error
        raise OutputError(f"cannot write {path}: {reason}.") from error
