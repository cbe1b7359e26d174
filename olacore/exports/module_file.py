"""A module as a file of its own; of a decoder and its refiner, one that has both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from olacore.errors import ConfigError
from olacore.exports.base import EXPORTERS, Exporter, Part
from olacore.files import replace_file
from olacore.modules.file import parse_module
from olacore.modules.module import Module, of_stored
from olacore.modules.refined import require_pictures_of


@dataclass(frozen=True)
class ModuleFile(Exporter):
    """The file that `ola train` writes; a decoder carries the refiner that is named beside it."""

    name: ClassVar[str] = "module"
    suffix: ClassVar[str] = ".safetensors"
    most: ClassVar[int] = 2

    def write(self, parts: Sequence[Part], path: Path) -> int:
        """Write the file."""
        if len(parts) == 1:
            return replace_file(path, parts[0].content)
        kinds = {str(part.program.gather["kind"]): part for part in parts}
        if kinds.keys() != {"decoder", "refiner"}:
            told = " and ".join(f"{part.name} ({part.program.gather['kind']})" for part in parts)
            raise ConfigError(f"two modules that become one file are a decoder and its refiner; got {told}.")
        decoder, refiner = (_module(kinds[kind]) for kind in ("decoder", "refiner"))
        alone = decoder.with_refiner(None)
        require_pictures_of(kinds["refiner"].name, refiner.training, kinds["decoder"].name, alone.digest)
        return replace_file(path, alone.with_refiner(refiner).content())


EXPORTERS.add(ModuleFile())


def _module(part: Part) -> Module:
    return of_stored(parse_module(Path(part.name), part.content), Path(part.name))
