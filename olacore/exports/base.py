"""What an exporter is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from olacore.errors import ConfigError
from olacore.files import check_output
from olacore.modules.module import Module
from olacore.modules.program import Program
from olacore.registry import Registry


class Exporter(ABC):
    """Writes a module's program in some form.

    Attributes
    ----------
    name : what it is found by, and what `--to` takes
    suffix : of the file that it writes
    """

    name: ClassVar[str]
    suffix: ClassVar[str]

    @abstractmethod
    def write(self, program: Program, about: dict[str, Any], path: Path) -> None:
        """Write a file in one step.

        Parameters
        ----------
        about : what is known of the module, JSON types

        Raises
        ------
        OutputError  if the file cannot be written
        """


EXPORTERS: Registry[Exporter] = Registry("exporter")


def export(module: Module, to: str, path: Path, force: bool = False) -> None:
    """Write a module in the form of an exporter.

    Raises
    ------
    ConfigError  if there is no such exporter, or the file's suffix is another one than it writes
    OutputExistsError, OutputError  if the file is there without `force`, or cannot be written
    """
    exporter = EXPORTERS.find(to)
    if path.suffix != exporter.suffix:
        raise ConfigError(f"the exporter {to} writes {exporter.suffix} files; got {path.name!r}.")
    check_output(path, force)
    exporter.write(module.program(), module.about(), path)
