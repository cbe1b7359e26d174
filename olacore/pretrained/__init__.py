"""The modules that come with the package, found by name: `NAME.safetensors` with a card `NAME.md` beside it, and
sets of modules that draw from text, `NAME/` with a card in it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

from olacore.foreign.names import alike

FOLDER = Path(__file__).parent
# What encodes where nothing else is said: the smallest pair, and the one with the best pictures.
ENCODER, DECODER = "codec4-encoder", "codec4-decoder"


def names(*kinds: str) -> list[str]:
    """Names of the modules that there are, sorted.

    Parameters
    ----------
    kinds : "encoder" or "decoder", for those alone; none for all
    """
    found = sorted(path.stem for path in FOLDER.glob("*.safetensors"))
    return [name for name in found if not kinds or {*kinds} & {*name.split("-")}]


def sets() -> list[str]:
    """Names of the sets of modules that draw from text, sorted."""
    return sorted(path.parent.name for path in FOLDER.glob("*/set.json"))


def is_name(reference: Path | str) -> bool:
    """Whether it is no file and looks like the name of a pretrained module: no folder, no suffix.

    Parameters
    ----------
    reference : what a user has named
    """
    path = Path(reference)
    return not path.exists() and str(reference) == path.name == path.stem


def stands_for(reference: Path | str, known: Iterable[str], marks: Iterable[str]) -> bool:
    """Whether a reference is one of the known names and stands for what is shipped, not for a path of that name.

    A path that is taken in place of what is shipped is warned of. A folder is not, unless it holds what could be meant.

    Parameters
    ----------
    reference : what a user has named
    known : names of what is shipped
    marks : patterns of files, any of which a folder that is meant holds
    """
    if str(reference) not in known:
        return False
    path = Path(reference)
    if not path.exists() or (path.is_dir() and not any(any(path.glob(mark)) for mark in marks)):
        return True
    what = "not the one of that name that is shipped; rename it to take that one."
    warnings.warn(f"{reference} in the current folder is taken, {what}", stacklevel=1)  # shown once
    return False


def guess(reference: Path | str, known: Iterable[str]) -> str:
    """Words for a message on an unknown name: which of the known ones may have been meant; empty where none is near.

    Parameters
    ----------
    reference : what a user has named
    known : what could have been named
    """
    meant = alike(str(reference), known)
    return f" (did you mean {meant}?)" if meant else ""


def card(name: str) -> str:
    """Return what is known of a module or a set: data, figures, how to make it again; empty where it has no card.

    Parameters
    ----------
    name : of a module or a set
    """
    path = FOLDER / f"{name}.md" if name not in sets() else FOLDER / name / "card.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""
