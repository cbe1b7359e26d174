"""What a data set is made of: pictures in folders, patterns and zip archives, and videos, known by their names."""

import glob
import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from olacore.errors import FileFormatError
from olacore.media.pictures import SUFFIXES, decode_picture, read_content

VIDEO_SUFFIXES = frozenset(
    (".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv")
)
PIECE_BYTES = 1 << 22


@dataclass(frozen=True)
class Input:
    """A picture or a video.

    Parameters
    ----------
    path : of the file, or of the archive that it is in
    kind : what it is taken for
    member : its name in the archive
    """

    path: Path
    kind: Literal["picture", "video"]
    member: str = ""

    @property
    def name(self) -> str:
        """The file's name without folders, as UTF-8 can hold it."""
        name = self.member.rsplit("/", 1)[-1] or self.path.name
        return name.encode("utf-8", "replace").decode()

    def __str__(self) -> str:
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    def digest(self) -> str:
        """SHA-256 of the content.

        Raises
        ------
        FileFormatError  if it cannot be read
        """
        digest = hashlib.sha256()
        try:
            if self.member:
                digest.update(self._unpacked())
            else:
                with self.path.open("rb") as file:
                    while piece := file.read(PIECE_BYTES):
                        digest.update(piece)
        except OSError as error:
            if isinstance(error, FileFormatError):
                raise
            raise FileFormatError(f"{self} cannot be read: {error.strerror}.") from error
        return digest.hexdigest()

    def picture(self) -> np.ndarray:
        """Read the picture: (H, W, 3) uint8, upright.

        Raises
        ------
        FileFormatError  if it is missing, empty, damaged or no picture
        """
        return decode_picture(self._unpacked() if self.member else read_content(self.path), str(self))

    def _unpacked(self) -> bytes:
        try:
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(self.member)
        # An archive's damage comes as a dozen types, a password as RuntimeError.
        except Exception as error:
            raise FileFormatError(f"{self} cannot be unpacked: {error}.") from error


def find_inputs(sources: Sequence[Path]) -> tuple[list[Input], list[tuple[Path, str]]]:
    """List every picture and video of the sources, in their order; folders, patterns and archives sorted by name.

    Parameters
    ----------
    sources : pictures, videos, zip archives of pictures, folders of all these, or patterns such as `a/*.jpg`

    Returns
    -------
    what there is, and the sources that give nothing, each with the reason
    """
    found: list[Input] = []
    refused: list[tuple[Path, str]] = []
    for source in sources:
        try:
            found += _inputs_of(source)
        except FileFormatError as error:
            refused.append((source, str(error)))
    return found, refused


def _inputs_of(source: Path) -> list[Input]:
    if source.is_dir():
        # Names that begin with a dot are thumbnails and leftovers of file managers.
        inputs = [one for path in sorted(source.rglob("[!.]*")) for one in _known(path)]
        if not inputs:
            raise FileFormatError(f"the folder {source} holds no pictures and no videos.")
        return inputs
    if source.is_file():
        return _known(source) or [Input(source, "picture")]
    if glob.has_magic(str(source)) and (matches := sorted(glob.glob(str(source), recursive=True))):  # noqa: PTH207 - whole patterns
        return [one for match in matches for one in _inputs_of(Path(match))]
    raise FileFormatError(f"expected a picture, a video or a folder of them at {source}; nothing is there.")


def _known(path: Path) -> list[Input]:
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return [Input(path, "picture")]
    if suffix in VIDEO_SUFFIXES:
        return [Input(path, "video")]
    return [*_members(path)] if suffix == ".zip" else []


def _members(path: Path) -> Iterator[Input]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(archive.namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise FileFormatError(f"{path} is no zip archive that can be read: {error}.") from error
    pictures = [name for name in names if _is_picture(name)]
    if not pictures:
        raise FileFormatError(f"the archive {path} holds no pictures.")
    for name in pictures:
        yield Input(path, "picture", name)


def _is_picture(member: str) -> bool:
    name = member.rsplit("/", 1)[-1]
    return Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
