"""What `ola export` is given: modules by name or file, and sets, which stand for all of their modules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from olacore import pretrained
from olacore.drawing.module_set import ABOUT, ModuleSet, open_set
from olacore.exports.base import Part
from olacore.modules.module import load


def load_parts(references: Sequence[Path | str]) -> list[Part]:
    """Modules of files, run folders, names and sets, in order; those of a set by what they do in it.

    Raises
    ------
    FileFormatError  as `load` and `open_set` do
    """
    parts = []
    for reference in references:
        if is_set(reference):
            parts += _of_set(open_set(reference))
        else:
            path = Path(reference)
            parts.append(Part.of(path.stem or path.resolve().name, load(reference)))
    return parts


def is_set(reference: Path | str) -> bool:
    """Whether it is the folder of a set, or the name of one that is shipped."""
    return (Path(reference) / ABOUT).exists() or (pretrained.is_name(reference) and str(reference) in pretrained.sets())


def _of_set(found: ModuleSet) -> list[Part]:
    known = {"name": found.name, "size": found.size, "energy": found.energy, "levels": sorted(found.levels)[::-1]}
    known |= {"folder": str(found.folder), "seen": found.seen}
    files = {name: path for name, path in found.files.items() if name in found.digests}
    files |= {f"level {level:g}": path for level, path in found.levels.items()}
    return [Part.of(name, load(path), known) for name, path in files.items()]
