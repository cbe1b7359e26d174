"""Reports: what they were measured on, and their way to JSON and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from olacore.errors import FileFormatError
from olacore.files import replace_file
from olacore.json_text import read_json


def describe_run(schema: str, threads: int, packages: Iterable[str] = ()) -> dict[str, Any]:
    """What every report begins with: its schema, the machine, versions and threads.

    Parameters
    ----------
    packages : whose versions matter beside the usual ones
    """
    # Reading a report takes no kernels, and so no Numba.
    from bench.common.machine import describe_machine, describe_versions

    return {
        "schema": schema,
        "machine": describe_machine(),
        "versions": describe_versions(packages),
        "threads": threads,
    }


def heading(report: Mapping[str, Any], *further: str) -> str:
    """One line on machine, versions and whatever else a reader has to know."""
    machine = report["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    place = (
        f"{machine['processor']} ({machine['instructions']}), {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{', '.join(machine['blas'])}"
    )
    return "; ".join((place, versions, *further))


def dated(name: str) -> str:
    """Name of a report's files: the day in UTC, and what it is of."""
    return f"{datetime.now(UTC):%Y-%m-%d}-{name}"


def write_report(report: Mapping[str, Any], path: Path) -> None:
    """Write a report as JSON, in one step.

    Raises
    ------
    OutputError  if the file cannot be written
    """
    replace_file(path, (json.dumps(report, indent=1, allow_nan=False) + "\n").encode())


def read_report(path: Path, schema: str, command: str) -> dict[str, Any]:
    """Read a report.

    Parameters
    ----------
    command : that writes reports of this schema, for sentences

    Raises
    ------
    FileFormatError  if it is missing, no JSON, or no report of this schema
    """
    values = read_json(path, "the report")
    found = values.get("schema") if isinstance(values, dict) else None
    if found != schema:
        raise FileFormatError(f"{path} has the schema {found!r}; a report of `{command}` has {schema!r}.")
    return dict(values)
