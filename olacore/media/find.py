"""What a data set is made of: pictures in folders, patterns and zip archives, and videos."""

import hashlib
import io
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from olacore.errors import FileFormatError
from olacore.media.archives import list_members, open_member
from olacore.media.decode import decode_picture
from olacore.media.kinds import MAX_PIXELS, START, VIDEO_SUFFIXES, is_video, look_at, picture_suffixes
from olacore.media.pictures import open_picture
from olacore.media.stack import open_stack

PIECE_BYTES = 1 << 22
# Folders of copies, thumbnails and rubbish that other programs make beside pictures, besides the hidden ones.
ASIDE = frozenset(("@eadir", "__macosx", "@recycle", "#recycle", "$recycle.bin"))
# Tables of captions, which belong to the pictures: by suffix, and as data-set folders call them.
TABLES, METADATA = ".tsv", ("metadata.csv", "metadata.jsonl")
EXPECTED = "expected a picture, a video or a folder of them"


@dataclass(frozen=True)
class Input:
    """A picture or a video.

    Parameters
    ----------
    path : of the file, or of the archive that it is in
    kind : what it is taken for
    member : its name in the archive
    max_pixels : of the largest picture to read
    row : its place in an array of pictures; None of a file of its own
    """

    path: Path
    kind: Literal["picture", "video"]
    member: str = ""
    max_pixels: int = MAX_PIXELS
    row: int | None = None

    @property
    def name(self) -> str:
        """The file's name without folders, as UTF-8 can hold it; in an array, that of the array with its place."""
        if self.row is not None:
            return f"{self.path.stem} {self.row:05d}".encode("utf-8", "replace").decode()
        name = re.split(r"[/\\]", self.member)[-1] or self.path.name
        return name.encode("utf-8", "replace").decode()

    @property
    def key(self) -> str:
        """The name by which tables and recipes are searched: in Unicode's form NFC, which not all systems keep."""
        return unicodedata.normalize("NFC", self.name)

    def __str__(self) -> str:
        if self.row is not None:
            return f"picture {self.row} in {self.path}"
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    def digest(self) -> str:
        """SHA-256 of the content.

        Raises
        ------
        FileFormatError  if it cannot be read
        """
        digest = hashlib.sha256()
        if self.row is not None:
            picture = self.picture()
            digest.update(f"{picture.shape}".encode() + picture.tobytes())
            return digest.hexdigest()
        try:
            with open_member(self.path, self.member) if self.member else open_picture(self.path, self.kind) as file:
                while piece := file.read(PIECE_BYTES):
                    digest.update(piece)
        except OSError as error:
            if isinstance(error, FileFormatError):
                raise
            raise FileFormatError(f"{self} cannot be read: {error.strerror}.") from error
        return digest.hexdigest()

    def picture(self) -> np.ndarray:
        """Read the picture: (H, W, 3) uint8 sRGB, upright.

        Raises
        ------
        FileFormatError  if it is missing, empty, damaged, too large or no picture
        """
        if self.row is not None:
            return open_stack(self.path)[self.row]
        if not self.member:
            with open_picture(self.path) as file:
                return decode_picture(file, str(self), self.max_pixels)
        with open_member(self.path, self.member) as file:
            content: BinaryIO = io.BytesIO(file.read())
        return decode_picture(content, str(self), self.max_pixels)


def find_inputs(sources: Sequence[Path], max_pixels: int = MAX_PIXELS) -> tuple[list[Input], list[tuple[Path, str]]]:
    """List every picture and video of the sources, in their order; folders, patterns and archives sorted by name.

    What is named outright is taken for what its suffix says, or else its first bytes. In folders and archives suffixes
    decide. Hidden files and folders, and the thumbnails and copies of file managers, are left out; of everything else
    the number and the suffixes are told. Linked folders are looked into, each folder once. What is in several sources
    is listed once, in the first.

    Parameters
    ----------
    sources : pictures, videos, zip archives of pictures, `.npz` files with an array `images`, folders of all these, or
        patterns such as `a/*.jpg`
    max_pixels : of the largest picture to read

    Returns
    -------
    what there is, and what was left out of the sources or gives nothing, each with the reason
    """
    search = _Search(max_pixels)
    for source in sources:
        search.look(source)
    once: dict[tuple[Path, str, int | None], Input] = {}
    for one in search.found:
        once.setdefault((one.path.absolute(), one.member, one.row), one)
    return [*once.values()], [*dict.fromkeys(search.refused)]


class _Search:
    """What was found so far, and what was left out."""

    def __init__(self, max_pixels: int) -> None:
        self.max_pixels = max_pixels
        self.found: list[Input] = []
        self.refused: list[tuple[Path, str]] = []

    def look(self, source: Path) -> None:
        """Take a source that is named outright."""
        there = look_at(source)
        if there == "a folder":
            self._take_folder(source)
        elif there == "a file":
            if not self._take(source):
                self.found.append(Input(source, _kind_by_content(source), max_pixels=self.max_pixels))
        elif there:
            self.refused.append((source, f"{source} is {there}; {EXPECTED}."))
        elif matches := _matches(source):
            # `a/**` matches folders and, once more, the folders in them.
            folders = {match for match in matches if look_at(match) == "a folder"}
            for match in matches:
                if folders.isdisjoint(match.parents):
                    self.look(match)
        else:
            self.refused.append((source, f"{EXPECTED} at {source}; nothing is there."))

    def _take(self, path: Path) -> bool:
        """Take a file if its suffix says what it is."""
        suffix = path.suffix.lower()
        if suffix == ".zip":
            self._take_archive(path)
        elif suffix == ".npz":
            self._take_stack(path)
        elif suffix in VIDEO_SUFFIXES:
            self.found.append(Input(path, "video", max_pixels=self.max_pixels))
        elif suffix in picture_suffixes():
            self.found.append(Input(path, "picture", max_pixels=self.max_pixels))
        else:
            return False
        return True

    def _take_folder(self, folder: Path) -> None:
        if folder.name.lower() in ASIDE:
            self.refused.append((folder, f"the folder {folder} holds copies and thumbnails; it is left out."))
            return
        before, others = len(self.found), list[Path]()
        for path, there in sorted(self._files_in(folder)):
            if there != "a file":
                self.refused.append((path, f"{path} is {there}; it is left out."))
            elif not self._take(path):
                others.append(path)
        self._tell(folder, f"the folder {folder}", "pictures and no videos", len(self.found) - before, others)

    def _files_in(self, folder: Path) -> Iterator[tuple[Path, str]]:
        """Every file below a folder, and what else stands in its place; links are followed after all else."""
        folders, links, seen = [folder], list[Path](), set[tuple[int, int]]()
        while folders or links:
            here = folders.pop() if folders else links.pop(0)
            try:
                about = here.stat()
                if (about.st_dev, about.st_ino) in seen:
                    continue
                seen.add((about.st_dev, about.st_ino))
                entries = sorted(os.listdir(here))  # noqa: PTH208 - names alone
            except OSError as error:
                self.refused.append((here, f"the folder {here} cannot be read: {error.strerror}."))
                continue
            for path in (here / name for name in entries if not _is_aside(name)):
                there = look_at(path)
                if there == "a folder":
                    (links if path.is_symlink() else folders).append(path)
                elif there:
                    yield path, there

    def _take_archive(self, path: Path) -> None:
        try:
            members = [name for name in list_members(path) if not any(map(_is_aside, re.split(r"[/\\]", name)))]
        except FileFormatError as error:
            self.refused.append((path, str(error)))
            return
        pictures = [name for name in members if Path(name).suffix.lower() in picture_suffixes()]
        self.found += [Input(path, "picture", name, self.max_pixels) for name in pictures]
        others = [Path(name) for name in members if Path(name).suffix.lower() not in picture_suffixes()]
        self._tell(path, f"the archive {path}", "pictures", len(pictures), others)

    def _take_stack(self, path: Path) -> None:
        try:
            count = len(open_stack(path))
        except FileFormatError as error:
            self.refused.append((path, str(error)))
            return
        self.found += [Input(path, "picture", max_pixels=self.max_pixels, row=row) for row in range(count)]

    def _tell(self, source: Path, name: str, what: str, taken: int, others: Sequence[Path]) -> None:
        """Count what was left out of a source, or say that it holds nothing."""
        others = [path for path in others if not is_table(path.name)]
        kinds = Counter(path.suffix.lower() or "without a suffix" for path in others)
        counts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        if not taken:
            self.refused.append((source, f"{name} holds no {what}{f' ({counts})' if counts else ''}."))
        elif others:
            some = f"{len(others)} other files, left out" if len(others) > 1 else "another file, left out"
            self.refused.append((source, f"{name} holds {some}: {counts}, such as {others[0].name}."))


def is_table(name: str) -> bool:
    """Whether a file holds captions by its name, and is not hidden."""
    return not name.startswith(".") and (name.lower().endswith(TABLES) or name.lower() in METADATA)


def _is_aside(name: str) -> bool:
    """Whether a file or folder is hidden, or other programs keep copies in it."""
    return name.startswith(".") or name.lower() in ASIDE


def _kind_by_content(path: Path) -> Literal["picture", "video"]:
    try:
        with path.open("rb") as file:
            return "video" if is_video(file.read(START)) else "picture"
    except OSError:
        return "picture"


def _matches(pattern: Path) -> list[Path]:
    """What a pattern matches, sorted, without what is hidden or aside unless the pattern names it."""
    parts = pattern.parts
    first = next((number for number, part in enumerate(parts) if re.search(r"[*?[]", part)), None)
    if first is None:
        return []
    base, rest = Path(*parts[:first]), parts[first:]
    # `a**` is no error in a shell.
    wanted = [part if part == "**" else re.sub(r"\*+", "*", part) for part in rest]
    named = {part for part in wanted if _is_aside(part)}
    try:
        matches = sorted(base.glob(str(Path(*wanted))))
    except (OSError, ValueError):
        return []
    return [path for path in matches if named or not any(map(_is_aside, path.relative_to(base).parts))]
