"""Tables of captions and parts: with tabs, commas or semicolons, or JSON lines as data-set folders have them."""

import codecs
import csv
import io
import logging
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from olacore.errors import FileFormatError
from olacore.foreign.json_text import parse_json
from olacore.foreign.names import counted
from olacore.foreign.reading import read_file
from olacore.media.kinds import VIDEO_SUFFIXES, picture_suffixes
from olacore.text.style import MOST_STYLE, is_style, plain_style, styled

logger = logging.getLogger(__name__)

# Of a table with a million captions.
MOST_BYTES = 1 << 28
# Characters of a caption that are kept, since a data set has room for the longest one in every source.
MOST = 10_000
# Longest marks first: UTF-32's begins with UTF-16's.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
QUOTED = re.compile(r'"((?:[^"]|"")*)"')
# What columns are called, in lower case.
NAMES = ("file_name", "file", "filename", "image", "path", "name")
CAPTIONS = ("caption", "captions", "text")
PARTS = ("part", "split")
ROWS, SETS, STYLES = ("row",), ("set",), ("style", "styles")
KNOWN = {"name": NAMES, "caption": CAPTIONS, "part": PARTS, "row": ROWS, "set": SETS, "style": STYLES}
JSON_LINES = (".jsonl", ".ndjson")
# Characters of a first line that an error repeats.
SHOWN = 100


@dataclass(frozen=True)
class Line:
    """What a table says of a picture.

    Parameters
    ----------
    number : of the line, from 0, without the one that names the columns
    name : of the file, in Unicode's form NFC, with folders where the table has them, and without blanks at its ends;
        None without such a column
    row : of an array of pictures, or of another table; None without such a column
    captions : without empty ones, each joined with the style
    part : "" without such a column
    set_ : which of several collections it belongs to; "" without such a column
    first : the first cell, which is the caption where lines are told by their number
    style : "" for none
    """

    number: int
    name: str | None
    row: int | None
    captions: tuple[str, ...]
    part: str = ""
    set_: str = ""
    first: str = ""
    style: str = ""


@dataclass(frozen=True)
class Table:
    """A table of captions, of parts, or of both.

    Parameters
    ----------
    path : of the file
    lines : in order
    columns : what it says: some of `KNOWN`; a table without a line that names its columns has names and captions
    headed : whether it has such a line, or names them in each line
    """

    path: Path
    lines: tuple[Line, ...]
    columns: frozenset[str]
    headed: bool


def read_table(path: Path, *, strict: bool = True) -> Table:
    """Read a table.

    A `.csv` file has commas, or semicolons or tabs where its first lines show that, as a column or a picture is called.
    It is UTF-8, UTF-16 or UTF-32 with a byte order mark, or else UTF-8, or else Windows-1252, which is warned of. Of
    tables with tabs only line feeds end a line, and fields in quotes are unquoted where the name is quoted too, or
    quotes in them are doubled.

    Parameters
    ----------
    strict : refuse what is no text, and lines that say nothing

    Raises
    ------
    FileFormatError  if it cannot be read, or is no table
    """
    text = decode(path, read_file(path, "the table", MOST_BYTES), strict=strict)
    suffix = path.suffix.lower()
    if suffix in JSON_LINES:
        return _table(path, *_from_json(path, text))
    cells = _separated(text, path) if suffix == ".csv" else [*_tabbed(text, path)]
    if not cells:
        raise FileFormatError(f"{path} is empty; expected a table of captions.")
    head = [_kind_of(cell) for cell in cells[0][1]]
    headed = bool({"caption", "part"} & {*head}) and bool({"name", "row"} & {*head})
    if not headed:
        _check_first(path, [line for _, line in cells])
    columns: list[str | None] = [*head] if headed else ["name", "caption"]
    lines = [
        dict(_pairs(columns, line)) | {"first": line[0], "number": number - headed} for number, line in cells[headed:]
    ]
    return _table(path, lines, {name for name in columns if name}, headed)


def decode(path: Path, content: bytes, *, strict: bool = False) -> str:
    """Turn the bytes of a text file into text.

    Raises
    ------
    FileFormatError  if `strict` and it is text in no encoding that is known
    """
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "")
    try:
        text = content.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding:
            raise FileFormatError(f"{path} is damaged text: {error}.") from error
        logger.warning("%s is no UTF-8 from byte %d on; taken as Windows-1252", path, error.start)
        text = content.decode("cp1252", "replace")
    if strict and any(character in text for character in "\0\ufffd"):
        raise FileFormatError(f"{path} is no text in UTF-8, UTF-16, UTF-32 or Windows-1252; convert it to UTF-8.")
    return text


def is_file_name(name: str) -> bool:
    """Whether it ends as the name of a picture or a video does."""
    return bool(file_suffix(name.strip()))


def file_suffix(name: str) -> str:
    """Of a picture or video; what is behind another dot is a part of the name."""
    suffix = PurePosixPath(name).suffix
    return suffix if suffix.lower() in picture_suffixes() or suffix.lower() in VIDEO_SUFFIXES else ""


def clean(caption: str) -> str:
    """A caption as it is kept: without blanks at its ends; a data set's text ends at a NUL."""
    return caption.replace("\0", " ").strip()[:MOST].strip()


def _table(path: Path, records: list[dict[str, Any]], columns: set[str], headed: bool) -> Table:
    """Make lines of records that have values by the kind of column."""
    long = 0
    lines = []
    for record in records:
        number, told = record["number"], record.get("caption", "")
        given = [told] if isinstance(told, str) else told
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise FileFormatError(f"line {number + 1} of {path} has a caption that is no text.")
        long += sum(len(one) > MOST for one in given)
        style = _style(record.get("style"), number, path)
        captions = tuple(dict.fromkeys(styled(caption, style) for one in given if (caption := clean(one))))
        name, row = record.get("name"), record.get("row")
        texts = [record.get(key, "") for key in ("part", "set")]
        if not all(isinstance(one, str) for one in (*texts, "" if name is None else name)):
            raise FileFormatError(f"line {number + 1} of {path} has a file name, part or set that is no text.")
        part, set_ = (clean(one) for one in texts)
        key = None if name is None else unicodedata.normalize("NFC", name).replace("\\", "/").strip()
        lines.append(Line(number, key, _whole(row, number, path), captions, part, set_, record.get("first", ""), style))
    if long:
        logger.warning("%s: cut at %s characters: %s", path, f"{MOST:,}", counted(long, "caption"))
    return Table(path, tuple(lines), frozenset(columns), headed)


def _whole(row: Any, number: int, path: Path) -> int | None:
    if row is None:
        return None
    text = str(row).strip()
    if isinstance(row, bool) or not text.isdecimal() or len(text) > 15:
        raise FileFormatError(f"line {number + 1} of {path} has the row {row!r}; expected a number from 0 on.")
    return int(text)


def _style(given: Any, number: int, path: Path) -> str:
    text = "" if given is None else given
    style = plain_style(clean(text)) if isinstance(text, str) else text
    if style != "" and not (isinstance(style, str) and is_style(style)):
        raise FileFormatError(
            f"line {number + 1} of {path} has the style {text!r}; expected a word or a few, of up to {MOST_STYLE} "
            "characters, or nothing."
        )
    return str(style)


def _from_json(path: Path, text: str) -> tuple[list[dict[str, Any]], set[str], bool]:
    records, columns = list[dict[str, Any]](), set[str]()
    for number, line in enumerate(text.split("\n")):
        if not line.strip():
            continue
        found = parse_json(line, f"line {number + 1} of {path}")
        if not isinstance(found, dict):
            raise FileFormatError(f"line {number + 1} of {path} is no JSON object such as {{'file_name': ..}}.")
        record = dict(_pairs([_kind_of(str(key)) for key in found], [*found.values()]))
        columns |= record.keys()
        records.append(record | {"number": len(records)})
    if not {"caption", "part"} & columns or not {"name", "row"} & columns:
        raise FileFormatError(f"{path} has no lines with a file_name or row, and a caption, text or part.")
    return records, columns, True


def _pairs(columns: list[str | None], values: list[Any]) -> Iterator[tuple[str, Any]]:
    """Values by the kind of their columns, the first of each kind."""
    seen = set[str]()
    for column, value in zip(columns, values, strict=False):
        if column and column not in seen:
            seen.add(column)
            yield column, value


def _kind_of(cell: str) -> str | None:
    word = cell.strip().strip('"').lower()
    return next((kind for kind, words in KNOWN.items() if word in words), None)


def _tabbed(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The numbers of the lines of a table with tabs, and their cells; or the lines of a text without any."""
    bare = 0
    for number, line in enumerate(text.split("\n")):
        cells = line.removesuffix("\r").split("\t")
        if len(cells) == 1 and "\t" in text:
            bare += bool(line.strip())
        elif line.strip():
            quoted = _unquoted(cells[0].strip(), always=True)
            first = cells[0] if quoted is None else quoted
            yield number, [first, *(_cell(cell, quoted is not None) for cell in cells[1:])]
    if bare:
        logger.warning("%s: left out: %s without a tab", path, counted(bare, "line"))


def _separated(text: str, path: Path) -> list[tuple[int, list[str]]]:
    try:
        reader = csv.reader(io.StringIO(text), delimiter=_separator(text))
        return [(number, cells) for number, cells in enumerate(reader) if cells]
    except csv.Error as error:
        raise FileFormatError(f"{path} is no comma-separated table: {error}.") from error


def _separator(text: str) -> str:
    """The first of commas, semicolons, tabs behind which columns have known names, or before which a picture has."""
    for mark in ",;\t":
        lines = [*islice(filter(None, csv.reader(io.StringIO(text), delimiter=mark)), 2)]
        named = lines and len(lines[0]) > 1 and any(map(_kind_of, lines[0]))
        if named or any(len(line) > 1 and is_file_name(line[0]) for line in lines):
            return mark
    return ","


def _check_first(path: Path, lines: list[list[str]]) -> None:
    """Raise `FileFormatError` if the first line, without the columns that are needed, names columns nevertheless."""
    first, others = lines[0], lines[1:]
    kinds = set(filter(None, map(_kind_of, first)))
    if is_file_name(first[0]):
        return
    if kinds or (first[0].strip() and others and all(is_file_name(line[0]) for line in others)):
        lacking = [] if kinds & {"name", "row"} else [NAMES[0]]
        lacking += [] if kinds & {"caption", "part"} else [CAPTIONS[0]]
        there = ", ".join(cell.strip() for cell in first)
        there = there if len(there) <= SHOWN else f"{there[:SHOWN]}..."
        raise FileFormatError(
            f"the first line of {path} names no column {' or '.join(lacking)}: {there!r}; columns are "
            f"{NAMES[0]} or row, caption, part, style and set."
        )


def _cell(cell: str, quoted: bool) -> str:
    found = _unquoted(cell.strip(), always=quoted)
    return cell if found is None else found


def _unquoted(cell: str, *, always: bool) -> str | None:
    """The content of a cell in quotes; None if it is in none, or has none in it to tell that it is."""
    found = QUOTED.fullmatch(cell)
    if not found or not (always or '""' in found[1]):
        return None
    return found[1].replace('""', '"')
