"""Where a module is: a file, a run folder, or the name of one that comes with the package."""

from __future__ import annotations

from pathlib import Path

from olacore import pretrained
from olacore.errors import FileFormatError
from olacore.pretrained import is_name, names

IN_RUN = "module.safetensors"


def find(reference: Path | str) -> Path:
    """Return the file of a module.

    Parameters
    ----------
    reference : a file; a run folder, which stands for the module in it; or, where neither is there, a name

    Raises
    ------
    FileFormatError  if it looks like a name and there is no such module, or it is the folder of a pair
    """
    path = Path(reference)
    if path.is_dir():
        if not (path / IN_RUN).exists() and (path / "decoder" / IN_RUN).exists():
            raise FileFormatError(f"{path} holds a pair; name {path / 'encoder'} or {path / 'decoder'}.")
        return path / IN_RUN
    if not is_name(reference):
        return path
    if str(reference) in names():
        return pretrained.FOLDER / f"{reference}.safetensors"
    known = ", ".join(names()) or "none in this version"
    raise FileFormatError(f"{reference} is no file and no pretrained module; there are: {known}.")
