"""What `ola export` is given: modules by name or file, and sets, which stand for all of their modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from olacore import pretrained
from olacore.drawing.module_set import ABOUT, ModuleSet, open_set
from olacore.exports.base import Part
from olacore.foreign import hub
from olacore.foreign.reading import read_file
from olacore.foreign.tensors import MOST_BYTES
from olacore.modules.find import MARKS, find
from olacore.modules.module import load

SUFFIX = ".safetensors"


def load_parts(references: Sequence[Path | str]) -> list[Part]:
    """Modules of files, run folders, names, sets and the hub, in order; those of a set by what they do in it.

    Raises
    ------
    FileFormatError, ConfigError  as `load` and `open_set` do
    """
    parts = []
    for reference in references:
        place = hub.local(reference)
        if is_set(place):
            parts += _of_set(open_set(place), name_of(reference))
        else:
            parts.append(_part(name_of(reference), place))
    return parts


def name_of(reference: Path | str) -> str:
    """What a module or a set is called: its file without the suffix, its folder, or its name."""
    path = Path(hub.name_of(reference))
    name = path.name.removesuffix(SUFFIX)
    return name if name not in ("", "..") else path.resolve().name


def is_set(reference: Path | str) -> bool:
    """Whether it is the folder of a set, or the name of one that is shipped."""
    shipped = pretrained.stands_for(reference, pretrained.sets(), (ABOUT, *MARKS))
    return shipped or (Path(reference) / ABOUT).exists()


def _of_set(found: ModuleSet, name: str) -> list[Part]:
    known = {
        "name": name,
        "size": found.size,
        "energy": found.energy,
        "outline": found.outline and asdict(found.outline),
        "levels": sorted(found.levels)[::-1],
    }
    # Exports of sets without have the bytes that they had.
    known |= {"styles": list(found.styles), "style": found.style} if found.styles else {}
    known |= {"folder": str(found.folder), "seen": found.seen}
    files = {name: path for name, path in found.files.items() if name in found.digests}
    files |= {f"level {level:g}": path for level, path in found.levels.items()}
    return [_part(name, path, known) for name, path in files.items()]


def _part(name: str, place: Path | str, of_set: dict[str, Any] | None = None) -> Part:
    file = find(place)
    return Part.of(name, load(file), of_set, read_file(file, "the module", MOST_BYTES))
