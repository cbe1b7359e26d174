"""The API reference: a page a room, written before Sphinx reads its sources."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

from docs.extension.public import ROOMS, comment, is_described, names, rooms

INDEX = """# Python

What is public, by room: {count} names. All else may change without a word. An import of `olacore`
loads next to nothing; names are looked up when they are first used.

Arrays are NumPy's unless a page says otherwise. Shapes are in round brackets: `(n, in)` has n
samples of `in` numbers, `(H, W, 3)` is a picture, `(C, h, w)` a latent. Errors are those of
[olacore.errors](api/olacore.errors.rst), each of one sentence.
"""


def write(app: Any) -> None:
    """Write the pages of all rooms, and the one that lists them; what is as it was is left alone, so as not to be read
    again.
    """
    folder = Path(app.srcdir) / "reference"
    (folder / "api").mkdir(parents=True, exist_ok=True)
    lines = [INDEX.format(count=sum(len(names(room)) for room in rooms()))]
    for group, its in ROOMS.items():
        lines += [f"## {group}", "", "```{toctree}", ":maxdepth: 1", *(f"api/{room}" for room in its), "```", ""]
        for room in its:
            put(folder / "api" / f"{room}.rst", "\n".join(page(room)))
    put(folder / "python.md", "\n".join(lines))


def put(path: Path, text: str) -> None:
    """Write a file where it is not already so."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def earlier(room: str, value: Any) -> str | None:
    """The name on an earlier page of what a room but passes on: Sphinx wants it described once."""
    if value.__module__ == room:
        return None
    before = rooms()[: rooms().index(room)]
    return next((f"{one}.{name}" for one in before for name, other in names(one).items() if other is value), None)


def page(room: str) -> list[str]:
    """Lines of the page of a room."""
    about = inspect.cleandoc(import_module(room).__doc__ or "").split("\n\n")
    lines = [room, "=" * len(room), "", about[0], "", f".. py:currentmodule:: {room}", ""]
    everything = {name: value for name, value in names(room).items() if is_described(value)}
    elsewhere = {name: other for name, value in everything.items() if (other := earlier(room, value))}
    described = {name: value for name, value in everything.items() if name not in elsewhere}
    if everything:
        rows = [f"   {elsewhere.get(name, name)}" for name in everything]
        lines += [".. autosummary::", "   :nosignatures:", "", *rows, ""]
    constants = [name for name in names(room) if name not in everything]
    if constants:
        lines += ["Constants", "---------", ""]
        for name in constants:
            lines += [f".. py:data:: {room}.{name}", "", f"   {comment(room, name)}", ""]
    for title, wanted in (("Classes", True), ("Functions", False)):
        found = [name for name, value in described.items() if inspect.isclass(value) is wanted]
        if found:
            lines += [title, "-" * len(title), ""]
        for name in found:
            lines += [f".. auto{'class' if wanted else 'function'}:: {room}.{name}"]
            lines += ["   :members:", "   :member-order: bysource", ""] if wanted else [""]
    return lines
