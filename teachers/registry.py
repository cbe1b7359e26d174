"""Which teacher a reference stands for: each sort of teacher has a loader that knows its own references."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from olacore.registry import Registry
from teachers.autoencoders.load import check_size, load_teacher
from teachers.options import LoadOptions
from teachers.own.function import is_function, load_function
from teachers.own.organic import is_organic, load_organic
from teachers.protocol import Teacher
from teachers.text.load import is_text_encoder, load_text_teacher


@dataclass(frozen=True)
class Loader:
    """Loads one sort of teacher.

    Parameters
    ----------
    name : of the sort
    matches : whether a reference, as it was written on the command line, is one of its own; looks at files, never at
        their weights
    load : makes the teacher
    check : raises, as `load` would or what asks the teacher, where pictures of `options.size` do not fit it; without
        the packages that `load` needs; None where that is found out later
    """

    name: str
    matches: Callable[[str], bool]
    load: Callable[[str, LoadOptions], Teacher]
    check: Callable[[str, LoadOptions], None] | None = None


# The one that was added last is asked first. Whatever no other knows is an autoencoder, on the disk or on the hub.
# Sorts of teachers by name; the one that was added last is asked first.
LOADERS: Registry[Loader] = Registry("sort of teacher")
LOADERS.add(Loader("autoencoder", lambda reference: True, load_teacher, check_size))
LOADERS.add(Loader("text encoder", is_text_encoder, load_text_teacher))
LOADERS.add(Loader("organic encoder", is_organic, load_organic))
LOADERS.add(Loader("function", is_function, load_function))


def load_any_teacher(reference: object, options: LoadOptions | None = None) -> Teacher:
    """Load a teacher of whatever sort.

    Parameters
    ----------
    reference : an autoencoder, see `load_teacher`; an organic encoder's file, run folder or name; a function of one's
        own, `my_teacher.py:fn`; or what another loader in `LOADERS` knows
    options : how it is loaded; None for the defaults

    Raises
    ------
    ConfigError, FileFormatError  as its loader does
    """
    text = str(reference)
    return _loader_of(text).load(text, options or LoadOptions())


def check_any_size(reference: object, options: LoadOptions) -> None:
    """Refuse pictures of `options.size` that a teacher cannot take, as far as that shows before it is loaded.

    Parameters
    ----------
    reference, options : as of `load_any_teacher`

    Raises
    ------
    ConfigError, FileFormatError  as its loader does
    """
    text = str(reference)
    if check := _loader_of(text).check:
        check(text, options)


def _loader_of(reference: str) -> Loader:
    return next(loader for loader in reversed(LOADERS.values()) if loader.matches(reference))
