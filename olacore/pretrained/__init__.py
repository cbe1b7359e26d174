"""The modules that come with the package, found by name: `NAME.safetensors` with a card `NAME.md` beside it."""

from __future__ import annotations

from pathlib import Path

from olacore.errors import FileFormatError

FOLDER = Path(__file__).parent
# What encodes where nothing else is said: the smallest pair, and the one with the best pictures.
ENCODER, DECODER = "codec4-encoder", "codec4-decoder"
IN_RUN = "module.safetensors"


def names() -> list[str]:
    """Names of the modules that there are, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def is_name(reference: Path | str) -> bool:
    """Whether it is no file and looks like the name of a pretrained module: no folder, no suffix."""
    path = Path(reference)
    return not path.exists() and str(reference) == path.name == path.stem


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
        return FOLDER / f"{reference}.safetensors"
    known = ", ".join(names()) or "none in this version"
    raise FileFormatError(f"{reference} is no file and no pretrained module; there are: {known}.")


def card(name: str) -> str:
    """Return what is known of a module: its data, its figures and how to make it again; empty where it has no card."""
    path = FOLDER / f"{name}.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""
