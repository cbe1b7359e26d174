"""What is public says what it takes, what comes back and what goes wrong."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import Validator, validate

from docs.extension.docstrings import for_numpydoc
from docs.extension.public import comment, is_described, members, names, rooms
from olacore import errors

# Of numpydoc's checks: a docstring that is there, with a summary that is a sentence, known sections in their order, no
# parameter that there is none of, and a description of each.
WANTED = {"GL03", "GL05", "GL06", "GL07", "GL08", "GL10", "SS01", "SS02", "SS03", "SS04", "PR02", "PR07"}
# Of names themselves: every parameter. Methods name theirs where the first sentence does not say it all.
WANTED_OF_NAMES = {*WANTED, "PR01"}
# A shape: (n, in), (H, W, 3), (out,); or "(n,) each".
SHAPE = re.compile(r"\([\w./*+ -]+,[\w./*+, -]*\)")
HOLDERS = re.compile(r"\b(?:dict|Mapping|MutableMapping|Iterator|Iterable|Callable|list|Sequence)\[.*?\](?:\])*")
ERRORS = {name for name in vars(errors) if name.endswith("Error")}


def things() -> Iterator[tuple[str, Any, bool]]:
    """Everything public once: its name, what it is, and whether it is a member of a class."""
    seen: set[int] = set()
    for room in rooms():
        for name, value in names(room).items():
            if is_described(value) and id(value) not in seen:
                seen.add(id(value))
                yield f"{room}.{name}", value, False
                for member, its in members(value).items() if inspect.isclass(value) else ():
                    yield f"{room}.{name}.{member}", its, True


def function_of(thing: Any) -> Any:
    """What was written: of a method, a property, a compiled function."""
    for name in ("__func__", "fget", "func", "py_func"):
        thing = getattr(thing, name, None) or thing
    return inspect.unwrap(thing)


def told(name: str, thing: Any) -> str:
    """Its docstring, and those of the methods that it takes the place of."""
    docs = [inspect.getdoc(function_of(thing)) or ""]
    module, _, rest = name.rpartition(".")
    owner = names(module.rpartition(".")[0]).get(module.rpartition(".")[2]) if module not in rooms() else None
    for base in owner.__mro__[1:] if inspect.isclass(owner) else ():
        docs.append(inspect.getdoc(function_of(vars(base).get(rest))) or "" if rest in vars(base) else "")
    return "\n".join(docs)


class Ours(Validator):
    """Looks at a docstring in the form that numpydoc reads."""

    def __init__(self, thing: Any) -> None:
        doc = inspect.getdoc(thing) or ""
        super().__init__(get_doc_object(thing, doc="\n".join(for_numpydoc(doc.splitlines(), thing))))
        self.raw_doc = doc

    @property
    def doc_all_parameters(self) -> dict[str, Any]:
        """By name, as the signature has it, with its stars."""
        stars = {name.lstrip("*"): name for name in self.signature_parameters}
        return {stars.get(name.lstrip("*"), name): value for name, value in super().doc_all_parameters.items()}

    @property
    def signature_parameters(self) -> tuple[str, ...]:
        """None of a protocol, which is not called."""
        return () if getattr(self.obj, "_is_protocol", False) else super().signature_parameters


EVERY = [*things()]


def test_public__is_much_and_named_once():
    assert len(EVERY) > 350
    assert len(set(rooms())) == len(rooms())


@pytest.mark.parametrize("room", rooms())
def test_docstrings__pass_numpydoc(room):
    wrong = []
    for name, thing, is_member in EVERY:
        if name.startswith(f"{room}.") and (name.count(".") == room.count(".") + 1 + is_member):
            found = validate("", validator_cls=lambda obj_name, thing=thing: Ours(function_of(thing)))["errors"]
            wanted = WANTED if is_member else WANTED_OF_NAMES
            wrong += [f"{name}: {error}" for code, error in found if code in wanted]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", rooms())
def test_constants__have_a_comment_that_says_what_they_are(room):
    constants = [name for name, value in names(room).items() if not is_described(value)]
    assert not [name for name in constants if not comment(room, name)]


def test_docstrings__give_the_shapes_of_arrays():
    wrong = []
    for name, thing, _ in EVERY:
        function = function_of(thing)
        if not inspect.isclass(function):
            annotations = " ".join(map(str, getattr(function, "__annotations__", {}).values()))
            if "ndarray" in HOLDERS.sub("", annotations) and not SHAPE.search(told(name, thing)):
                wrong.append(name)
    assert not wrong


def test_docstrings__name_the_errors_that_are_raised():
    """Those that the function itself raises; a class may raise them when it is made."""
    wrong = []
    for name, thing, _ in EVERY:
        function = function_of(thing)
        makers = [vars(function).get(part) for part in ("__init__", "__post_init__")]
        bodies = filter(inspect.isfunction, makers if inspect.isclass(function) else [function])
        for body in [one for one in bodies if one.__code__.co_filename != "<string>"]:  # of a dataclass
            nodes = [*ast.walk(ast.parse(textwrap.dedent(inspect.getsource(body))))]
            caught = {
                id(one) for node in nodes if isinstance(node, ast.Try) for part in node.body for one in ast.walk(part)
            }
            for node in [one for one in nodes if id(one) not in caught]:
                raised = getattr(getattr(getattr(node, "exc", None), "func", None), "id", None)
                if isinstance(node, ast.Raise) and raised in ERRORS and raised not in told(name, thing):
                    wrong.append(f"{name}: {raised}")
    assert not wrong
