"""Who takes whose migrants, as a file says it."""

from __future__ import annotations

from pathlib import Path

from olacore.errors import ConfigError
from olacore.foreign.json_text import parse_json, read_json


def read_graph(given: str | Path) -> dict[int, tuple[int, ...]]:
    """Return for each island those whose migrants it takes, counted from 0 on.

    Parameters
    ----------
    given : JSON, or a file of it, such as `{"1": [2, 3], "2": [1]}`: by an island those that it takes from, counted
        from 1 on

    Raises
    ------
    ConfigError  if it says something else
    FileFormatError  if it cannot be read
    """
    inline = str(given).lstrip().startswith("{")
    found = parse_json(str(given), "the graph") if inline else read_json(Path(given), "the graph")
    what = "the graph" if inline else given
    wanted = f'{what} must name for islands those that they take from, as {{"1": [2, 3], "2": [1]}}'
    if not isinstance(found, dict):
        raise ConfigError(f"{wanted}; it holds {type(found).__name__}.")
    graph = {}
    for name, sources in found.items():
        if not (name.isascii() and name.isdecimal() and len(name) < 10):
            raise ConfigError(f"{wanted}; it has {name!r} for an island.")
        if not (isinstance(sources, list) and all(type(each) is int for each in sources)):
            raise ConfigError(f"{wanted}; of island {name} it says {sources!r}.")
        graph[int(name) - 1] = tuple(each - 1 for each in sources)
    return graph
