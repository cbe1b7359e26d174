"""Captions of pictures and videos: from tables beside them, or from their file names."""

import re
from functools import lru_cache
from pathlib import Path

from olacore.media.find import Input


class Captions:
    """Finds captions.

    A table is any `.tsv` file in the folder of the picture or of the archive, UTF-8, each line a file name, a tab,
    and the caption; further columns are left alone. If two tables name a file, the table that sorts first counts.

    Parameters
    ----------
    names : use the words of the file name where no table names the file
    """

    def __init__(self, names: bool) -> None:
        self.names = names

    def of(self, source: Input) -> str:
        """The caption of a picture or video; empty if it has none."""
        found = _tables(source.path.parent).get(source.name, "")
        if found or not self.names:
            return found
        return " ".join(re.split(r"[\s_\-.]+", Path(source.name).stem)).strip()


@lru_cache(maxsize=64)
def _tables(folder: Path) -> dict[str, str]:
    captions: dict[str, str] = {}
    for table in sorted(folder.glob("*.tsv")):
        for line in table.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, rest = line.partition("\t")
            captions.setdefault(name, rest.partition("\t")[0].strip())
    return captions
