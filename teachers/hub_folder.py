"""The folder of a model that is given as one, or by an id of the public hub."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from olacore.errors import FileFormatError
from olacore.foreign.reading import or_meant

# What may be on the hub, and what is a file by its suffix all the same.
HUB_ID, FILES = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?"), (".safetensors", ".ckpt", ".pt", ".py")


def check_path(reference: str, what: str) -> None:
    """Raise `FileFormatError` where a reference to a model can only be a path, and nothing is there.

    Parameters
    ----------
    what : the model is, in a sentence
    """
    path = Path(re.sub(r"(?<=\.py):\w+$", "", reference)).expanduser()
    if (HUB_ID.fullmatch(reference) is None or path.suffix in FILES) and not path.exists():
        raise FileFormatError(f"there is no {what} {reference}, a folder or file{or_meant(path)}")


def folder_of(reference: str, what: str, offline: bool, fetch: Callable[..., Any]) -> Path:
    """Find the folder of a model: as it is given, in the hub's cache, or from the hub.

    Parameters
    ----------
    what : such a model is, at the beginning of a sentence
    offline : look in the hub's cache only
    fetch : given `local_files_only`, gives the folder of the files in the hub's cache, or raises

    Raises
    ------
    FileFormatError  if there is none
    """
    path = Path(reference).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise FileFormatError(f"{what} is a folder or hub id; {path} is a file.")
    reason = ""
    for local in (True,) if offline else (True, False):
        try:
            return Path(fetch(local_files_only=local))
        # The hub's errors have no common base across versions and transports.
        except Exception as error:
            reason = type(error).__name__
    where = "the hub's cache does not hold it" if offline else f"the hub did not give it ({reason})"
    then = "leave --offline out, check the name" if offline else "check the name"
    raise FileFormatError(f"no folder {reference!r}, and {where}; {then}, or download it into a folder.")
