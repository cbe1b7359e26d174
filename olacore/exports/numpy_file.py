"""A module as plain NumPy arrays in one `.npz` file: readable wherever NumPy is, or with any zip reader."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from olacore.errors import FileFormatError
from olacore.exports.base import EXPORTERS, Exporter, Part
from olacore.files import replace_file
from olacore.foreign.arrays import read_arrays
from olacore.foreign.json_text import parse_json
from olacore.modules.file import named_as_carried
from olacore.modules.program import Program


@dataclass(frozen=True)
class NumpyFile(Exporter):
    """Arrays `weights_0`, `biases_0` and so on, `gain`, `shift`, and `basis` if there is one; as JSON, `about` them.

    Those that a view carries, such as a table of words, are `view_...`, as in the module's own file; docs/data.md says
    how those of a Wiener filter apply. Those of a refiner that a decoder carries begin with `refiner_`, and are told of
    in `about["refiner"]`.
    """

    name: ClassVar[str] = "npz"
    suffix: ClassVar[str] = ".npz"

    def write(self, parts: Sequence[Part], path: Path) -> int:
        """Write the arrays of the program."""
        program, about = parts[0].program, parts[0].about
        told, arrays = {**about, **_told(program)}, _arrays(program) | named_as_carried({**parts[0].carried})
        if program.refiner is not None:
            told["refiner"] = {**about["refiner"], **_told(program.refiner)}
            arrays |= {f"refiner_{name}": part for name, part in _arrays(program.refiner).items()}
        content = io.BytesIO()
        np.savez(content, about=np.array(json.dumps(told, sort_keys=True)), **arrays)  # type: ignore[arg-type]
        return replace_file(path, content.getvalue())


EXPORTERS.add(NumpyFile())


def _told(program: Program) -> dict[str, Any]:
    return {"gather": program.gather, "steps": len(program.steps), "bound": program.bound}


def _arrays(program: Program) -> dict[str, np.ndarray]:
    arrays = {"gain": program.gain, "shift": program.shift}
    if program.basis is not None:
        arrays["basis"] = program.basis
    for number, step in enumerate(program.steps):
        arrays |= {f"weights_{number}": step.weights, f"biases_{number}": step.biases}
    return arrays


def read_about(path: Path) -> dict[str, Any] | None:
    """Return what an exported module's file says of it; None if the file is something else."""
    try:
        found = read_arrays(path, "exported module", "`ola export`", ("about",)).get("about")
        about = parse_json(str(found.item()), str(path)) if found is not None and found.size == 1 else None
    except (FileFormatError, ValueError):
        return None
    return about if isinstance(about, dict) else None
