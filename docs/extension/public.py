"""What is public: the one list that the API reference, and the test of its docstrings, are made from."""

from __future__ import annotations

import ast
import functools
import inspect
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import GenericAlias, ModuleType
from typing import Any, TypeVar

# Rooms by what one wants of them. What a room exports is its `__all__`, or else what is defined in it.
ROOMS = {
    "Every day": (
        "olacore",
        "olacore.errors",
        "olacore.drawing.generator",
        "olacore.drawing.settings",
        "olacore.search.observers",
        "olacore.search.seeds",
    ),
    "What is shipped": ("olacore.pretrained", "olacore.pretrained.catalogue", "olacore.spaces"),
    "Any fitness": ("olacore.fitness", "olacore.play"),
    "Watching and reports": ("olacore.search.loggers", "olacore.reports.report"),
    "Kernels": ("olacore.embed.checked", "olacore.embed"),
    "Data": ("olacore.data", "olacore.text", "olacore.text.emoji"),
    "Teachers and pipelines": (
        "teachers",
        "teachers.adapters.diffusers",
        "teachers.adapters.preview",
        "teachers.adapters.text_encoder",
    ),
    "Additions of your own": (
        "olacore.registry",
        "olacore.modules.kinds",
        "olacore.views",
        "olacore.strategies",
        "olacore.losses.base",
        "olacore.search.plans",
        "olacore.search.backends",
        "olacore.exports",
        "olacore.exports.base",
    ),
}


def rooms() -> list[str]:
    """Names of all rooms."""
    return [room for group in ROOMS.values() for room in group]


@functools.cache
def names(room: str) -> dict[str, Any]:
    """What a room exports, by name: no modules, and nothing of Python's own such as `__version__`."""
    module = import_module(room)
    listed = getattr(module, "__all__", None)
    if listed is None:
        listed = [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", None) == room
        ]
    found = {name: getattr(module, name) for name in listed if not name.startswith("_")}
    return {name: value for name, value in found.items() if not isinstance(value, ModuleType | TypeVar)}


def is_described(value: Any) -> bool:
    """Whether something has a docstring of its own: a class, a function, or a compiled function."""
    return not isinstance(value, GenericAlias) and callable(value) and hasattr(value, "__name__")


def members(kind: type) -> dict[str, Any]:
    """Methods and properties that a class itself defines, by name."""
    sorts = (classmethod, staticmethod, property, functools.cached_property)
    return {
        name: value
        for name, value in vars(kind).items()
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, sorts))
    }


def comment(room: str, name: str) -> str:
    """The comment above a constant, where it is assigned; empty where there is none."""
    spec = find_spec(room)
    assert spec
    assert spec.origin
    source = Path(spec.origin).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and name in [one.name for one in node.names]:
            return comment(str(node.module), name)
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        parts = [part for one in targets for part in getattr(one, "elts", [one])]
        if name in [getattr(part, "id", None) for part in parts]:
            above = source.splitlines()[: node.lineno - 1]
            lines: list[str] = []
            while above and above[-1].startswith("# "):
                lines.insert(0, above.pop().removeprefix("# "))
            return " ".join(lines)
    return ""
