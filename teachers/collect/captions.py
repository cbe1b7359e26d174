"""Captions of pictures and videos, and the parts that they are in: from tables, texts beside them, or their names."""

import logging
import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

from olacore.errors import ConfigError, FileFormatError
from olacore.foreign.reading import read_file
from olacore.media.archives import open_member
from olacore.media.find import Input, is_table
from olacore.media.kinds import look_at
from teachers.collect.caption_tables import CAPTIONS, MOST, NAMES, Line, Table, clean, decode, read_table

logger = logging.getLogger(__name__)

# In place of a table: a text beside each picture, or the words of its name.
BESIDE, NAMED = "txt", "names"
# Of a text beside a picture.
TEXT_BYTES = 1 << 20


@dataclass(frozen=True)
class CaptionRule:
    """Where captions come from, and which part of the data a picture belongs to.

    Parameters
    ----------
    table : a table of captions; "txt" for a text beside each picture, of its name, each line of which is a caption;
        "names" for the words of the file's name where no table beside it has one; None for tables beside it alone
    parts : a table that says which part each picture belongs to, and also its caption if it has those; its rows are
        lines of `table`, or of the array of pictures
    set_ : which collection is meant where a table is of several; by default the one that is called as the source
    needed : whether pictures without a caption are left out
    """

    table: Path | str | None = None
    parts: Path | None = None
    set_: str | None = None
    needed: bool = False


@dataclass(frozen=True)
class Told:
    """What is told of a picture or a video: its captions, each once and with its style; its part and style, or ""."""

    captions: tuple[str, ...] = ()
    part: str = ""
    style: str = ""


class Captions:
    """Finds captions and parts.

    A table beside a picture, or beside its archive, is any `.tsv` file that is not hidden, `metadata.csv` or
    `metadata.jsonl`; the first that names the picture counts. Names are compared in Unicode's form NFC, with as many
    folders as the table and the file both have.

    Raises
    ------
    FileFormatError  if a table that is named cannot be read
    ConfigError  if a table of parts has none, or one of styles no captions, or the rules exclude each other
    """

    def __init__(self, rule: CaptionRule) -> None:
        self.rule = rule
        self._tables: dict[Path, list[Index]] = {}
        own = None if rule.table in (None, BESIDE, NAMED) else Index(read_table(Path(str(rule.table))), rule.set_)
        self._own = own
        self._parts = Index(read_table(rule.parts), rule.set_) if rule.parts else None
        if self._parts and "part" not in self._parts.table.columns:
            raise ConfigError(f"{rule.parts} says of no picture which part it belongs to; expected a column part.")
        tables = [index.table for index in (own, self._parts) if index]
        if odd := [table.path for table in tables if "style" in table.columns and "caption" not in table.columns]:
            raise ConfigError(f"{odd[0]} has styles and no captions; a style stands in the table of the captions.")
        if rule.needed and own and not any("caption" in table.columns for table in tables):
            raise ConfigError(f"{rule.table} has no captions; a column of them is called {' or '.join(CAPTIONS)}.")

    @property
    def has_parts(self) -> bool:
        """Whether a table says which part each picture belongs to."""
        return bool(self._parts) or bool(self._own and "part" in self._own.table.columns)

    @property
    def named(self) -> list["Index"]:
        """The tables that the rule names: of captions, and of parts."""
        return [index for index in (self._own, self._parts) if index]

    @property
    def deciding(self) -> list["Index"]:
        """Those of them that decide which pictures are used, since others have no caption or are in no part."""
        own, parts = (index.table.columns if index else frozenset() for index in (self._own, self._parts))
        told = "part" in own - parts or (self.rule.needed and "caption" not in parts)
        return [index for index in self.named if index is self._parts or told]

    def of(self, source: Input) -> Told:
        """What is told of a picture or video.

        Raises
        ------
        ConfigError  if a table has rows and a file needs names, or a picture has several styles
        """
        if self._own and source.row is None and "name" not in self._own.table.columns:
            raise ConfigError(
                f"{self._own.table.path} has rows and no names of files, which {source.path} needs: give a table with "
                f"a column such as {NAMES[0]} with --captions, and this one with --split."
            )
        lines = self._own.find(source) if self._own else []
        told = _joined(lines)
        if self.rule.table == BESIDE:
            told = Told(_text_beside(source))
        elif self._own is None:
            found = next((lines for index in self._beside(source) if (lines := index.find(source))), [])
            told = replace(_joined(found), part="")
            if not told.captions and self.rule.table == NAMED:
                words = " ".join(re.split(r"[\s_\-.]+", Path(source.name).stem)).strip()
                told = Told((words,) if words else ())
        if not self._parts:
            return told
        row = source.row if source.row is not None else lines[0].number if lines else None
        also = _joined(self._parts.find(source, row))
        return Told(also.captions, also.part, also.style) if also.captions else replace(told, part=also.part)

    def _beside(self, source: Input) -> list["Index"]:
        folder = source.path.parent
        if folder not in self._tables:
            self._tables[folder] = [Index(table, None) for table in _tables_in(folder)]
        return self._tables[folder]


class Index:
    """The lines of a table by name and by row.

    Parameters
    ----------
    set_ : which collection is meant; by default the one that is called as the source
    """

    def __init__(self, table: Table, set_: str | None) -> None:
        self.table, self.set_ = table, set_
        self._by_name: dict[str, list[Line]] = {}
        self._by_last: dict[str, set[str]] = {}
        self._by_row: dict[tuple[str, int], list[Line]] = {}
        for line in table.lines:
            if line.name:  # an empty one names no picture
                self._by_name.setdefault(line.name, []).append(line)
                self._by_last.setdefault(line.name.split("/")[-1].strip(), set()).add(line.name)
            row = line.number if line.row is None else line.row
            self._by_row.setdefault((line.set_, row), []).append(line)
        self.sets = {line.set_ for line in table.lines} if "set" in table.columns else set[str]()
        if set_ is not None and self.sets and set_ not in self.sets:
            raise ConfigError(f"{table.path} has no set {set_!r}; it is of {', '.join(sorted(self.sets))}.")

    def find(self, source: Input, row: int | None = None) -> list[Line]:
        """The lines of a picture or video.

        Parameters
        ----------
        row : under which a table without names has it; by default its place in an array of pictures

        Raises
        ------
        ConfigError  if the table is of several collections and it is not clear which is meant
        """
        row = source.row if row is None else row
        by_row = row is not None and (source.row is not None or "name" not in self.table.columns)
        if by_row and not ("row" in self.table.columns or source.row is not None):
            return []
        if row is not None and by_row:
            found = self._by_row.get((self._set_of(source), row), [])
            if not self.table.headed:
                # Lines that are told by their number begin with the caption.
                found = [replace(line, captions=tuple(filter(None, [clean(line.first)]))) for line in found]
            return found
        wanted = self._set_of(source)
        return [line for line in self._by_name.get(self._name_of(source), []) if line.set_ == wanted]

    def _name_of(self, source: Input) -> str:
        """The name under which a file is in the table: with as many folders as there are."""
        inside = source.member.replace("\\", "/").split("/") if source.member else []
        whole = [unicodedata.normalize("NFC", part) for part in (*source.path.parts, *inside)]
        names = ("/".join(whole[start:]).strip() for start in range(len(whole)))
        known = self._by_last.get(source.key.strip(), set())
        return next((name for name in names if name in known), next(iter(known)) if len(known) == 1 else "")

    def _set_of(self, source: Input) -> str:
        if not self.sets:
            return ""
        wanted = self.set_ or source.path.stem
        if wanted not in self.sets:
            raise ConfigError(
                f"{self.table.path} is of the sets {', '.join(sorted(self.sets))}, and {source.path.name} is called as "
                "none of them; say which with --set."
            )
        return wanted


def _joined(lines: list[Line]) -> Told:
    captions = dict.fromkeys(caption for line in lines for caption in line.captions)
    styles = [*dict.fromkeys(line.style for line in lines if line.captions and line.style)]
    if len(styles) > 1:
        what = lines[0].name or f"the picture of line {lines[0].number + 1}"
        raise ConfigError(f"{what} has the styles {' and '.join(styles)}; a picture has one at most.")
    return Told(tuple(captions), next((line.part for line in lines), ""), "".join(styles))


def _text_beside(source: Input) -> tuple[str, ...]:
    try:
        if source.member:
            name = str(Path(source.member).with_suffix(".txt"))
            with open_member(source.path, name) as file:
                content = file.read(TEXT_BYTES + 1)[:TEXT_BYTES]
            return _lines(source.path, content)
        path = source.path.with_suffix(".txt")
        return _lines(path, read_file(path, "the caption", TEXT_BYTES)) if path.exists() else ()
    except FileFormatError as error:
        logger.warning("%s has no caption: %s", source, error)
    except KeyError:
        pass
    return ()


def _lines(path: Path, content: bytes) -> tuple[str, ...]:
    text = decode(path, content, strict=True)
    return tuple(dict.fromkeys(caption for line in text.split("\n") if (caption := clean(line))))


def _tables_in(folder: Path) -> list[Table]:
    """The tables in a folder that can be read; of others a warning tells."""
    try:
        paths = sorted(path for path in folder.iterdir() if is_table(path.name))
    except OSError as error:
        logger.warning("captions in the folder %s are left out: %s", folder, error.strerror)
        return []
    found = []
    for path in paths:
        there = look_at(path)
        try:
            if there != "a file":
                raise FileFormatError(f"it is {there}")
            found.append(read_table(path, strict=False))
        except FileFormatError as error:
            logger.warning("the captions in %s are left out: %s", path, error)
    return found


__all__ = ["BESIDE", "MOST", "NAMED", "CaptionRule", "Captions", "Told"]
