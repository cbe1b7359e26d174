"""Results on standard output: tables and JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
from rich.console import Console
from rich.table import Table


def print_json(value: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, indent=2))


def print_figures(figures: dict[str, dict[str, Any]], title: str) -> None:
    """Print figures as a table, one row a module or baseline."""
    names = [name for name, value in next(iter(figures.values())).items() if isinstance(value, float)]
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in names:
        # Whatever loss a search minimised, tables compare by the squared error.
        table.add_column("mse" if name == "loss" else name, justify="right")
    for row, values in figures.items():
        table.add_row(row, *(f"{values[name]:.4g}" for name in names))
    stdout().print(table)


def number(value: float | None) -> str:
    """Four digits, or a dash for what is not defined."""
    return "-" if value is None else f"{value:.4g}"


def stdout() -> Console:
    """The console for results, wide enough for every table where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 140)
