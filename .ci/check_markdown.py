"""Find lines of Markdown of more than 100 characters; tables, code, and lines without a place to break are let pass."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

WIDTH = 100
FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})")
# What may stand before the text of a line: spaces, marks of quotations, and the mark of a list's entry.
MARGIN = re.compile(r"[\s>]*([-*+]\s+|\d{1,9}[.)]\s+)?")


def main(root: Path) -> None:
    """Check all Markdown below a folder but what lies in hidden folders, or is built."""
    found = []
    for path in sorted(root.rglob("*.md")):
        place = path.relative_to(root)
        if not any(part.startswith(".") or part == "build" for part in place.parts):
            found += [f"{place}:{line}" for line in long_lines(path.read_text(encoding="utf-8"))]
    if found:
        sys.exit(f"lines of Markdown have at most {WIDTH} characters; wrap " + ", ".join(found))


def long_lines(text: str) -> Iterator[int]:
    """Numbers of the lines that are too long and could be broken."""
    fence = ""
    for number, line in enumerate(text.splitlines(), start=1):
        mark = FENCE.match(line.lstrip(" >"))
        if fence:
            # A block of code ends with at least as many of the marks that it began with, and nothing else.
            if mark and mark[1].startswith(fence) and not line.strip(" >`~"):
                fence = ""
        elif mark:
            fence = mark[1]
        elif len(line) > WIDTH and can_be_broken(line):
            yield number


def can_be_broken(line: str) -> bool:
    """Whether a line is neither of a table, nor a heading with an address, nor one word behind its margin."""
    if line.lstrip(" >").startswith("|") or (line.startswith("#") and "://" in line):
        return False
    margin = MARGIN.match(line)
    return margin is not None and " " in line[margin.end() :].rstrip()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
