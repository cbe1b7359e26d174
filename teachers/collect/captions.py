"""Captions of pictures and videos: from tables beside them, or from their file names."""

import codecs
import logging
import re
import unicodedata
from pathlib import Path

from olacore.media.find import TABLES, Input
from olacore.media.kinds import look_at

logger = logging.getLogger(__name__)

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


class Captions:
    """Finds captions.

    A table is any `.tsv` file in the folder of the picture or of the archive that is not hidden. Each line is a file
    name, a tab, and the caption; further columns are left alone, and only line feeds end a line. It is UTF-8, UTF-16
    or UTF-32 with a byte order mark, or else UTF-8, or else Windows-1252, which is warned of. Fields in quotes are
    unquoted where the name is quoted too, or quotes in them are doubled. Names are compared in Unicode's form NFC. If
    a file is named twice, the first caption counts, and so does the table that sorts first.

    Parameters
    ----------
    names : use the words of the file name where no table names the file
    """

    def __init__(self, names: bool) -> None:
        self.names = names
        self._tables: dict[Path, dict[str, str]] = {}

    def of(self, source: Input) -> str:
        """The caption of a picture or video; empty if it has none."""
        folder = source.path.parent
        if folder not in self._tables:
            self._tables[folder] = _read_tables(folder)
        found = self._tables[folder].get(source.key, "")
        if found or not self.names:
            return found
        return " ".join(re.split(r"[\s_\-.]+", Path(source.name).stem)).strip()


def _read_tables(folder: Path) -> dict[str, str]:
    captions: dict[str, str] = {}
    try:
        tables = sorted(folder.iterdir())
    except OSError as error:
        logger.warning("captions in the folder %s are left out: %s", folder, error.strerror)
        return {}
    for table in tables:
        if table.suffix.lower() in TABLES and not table.name.startswith("."):
            for name, caption in _read_table(table).items():
                captions.setdefault(name, caption)
    return captions


def _read_table(table: Path) -> dict[str, str]:
    found = look_at(table)
    if found != "a file":
        logger.warning("the captions in %s are left out: it is %s", table, found)
        return {}
    try:
        text = _decode(table, table.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        logger.warning("the captions in %s are left out: %s", table, getattr(error, "strerror", None) or error)
        return {}
    captions: dict[str, str] = {}
    bare = twice = long = 0
    for line in text.split("\n"):
        name, tab, rest = line.removesuffix("\r").partition("\t")
        bare += not tab and bool(name.strip())
        if not tab:
            continue
        caption = rest.partition("\t")[0]
        quoted = QUOTED.fullmatch(name.strip())
        if quoted:
            name = quoted[1].replace('""', '"')
        marked = QUOTED.fullmatch(caption.strip())
        if marked and (quoted or '""' in marked[1]):
            caption = marked[1].replace('""', '"')
        # A data set's text ends at a NUL.
        name, caption = unicodedata.normalize("NFC", name), caption.replace("\0", " ").strip()
        twice += captions.get(name, caption) != caption
        long += len(caption) > MOST
        captions.setdefault(name, caption[:MOST])
    for count, what in (
        (bare, "lines without a tab were left out"),
        (twice, "names stand there before, with other captions, which count"),
        (long, f"captions were cut at {MOST:,} characters"),
    ):
        if count:
            logger.warning("%s: %d %s", table, count, what)
    return captions


def _decode(table: Path, content: bytes) -> str:
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "")
    if encoding:
        return content.decode(encoding)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        logger.warning("%s is no UTF-8 from byte %d on; taken as Windows-1252", table, error.start)
        return content.decode("cp1252", "replace")
