"""Where a module is: a file, a run folder, a folder that is shared, the hub, or the name of one that is shipped."""

from __future__ import annotations

from pathlib import Path

from olacore import pretrained
from olacore.errors import FileFormatError
from olacore.foreign import hub
from olacore.pretrained import is_name, names

IN_RUN = "module.safetensors"
# What a folder that stands for modules holds.
MARKS = (IN_RUN, f"decoder/{IN_RUN}", hub.CONFIG)


def find(reference: Path | str, *kinds: str) -> Path:
    """Return the file of a module.

    Parameters
    ----------
    reference : a file; a run folder, or one of `ola export --to hub`, which stands for the module in it; or, where none
        of these is there, `hf:user/name` of the hub, or a name; no other folder hides a name
    kinds : "encoder" or "decoder", of which a name can have been meant; none for all

    Raises
    ------
    FileFormatError  if it looks like a name and there is no such module, it is the folder of a pair, or the hub does
        not give it
    ConfigError  if it is no reference that the hub takes, or the package `huggingface_hub` is missing
    """
    where = Path(reference).as_posix() if hub.is_hub(reference) else ""
    reference = hub.local(reference)
    path = Path(reference)
    if pretrained.stands_for(reference, names(), MARKS):
        return pretrained.FOLDER / f"{reference}.safetensors"
    if path.is_dir():
        if not (path / IN_RUN).exists() and (path / "decoder" / IN_RUN).exists():
            raise FileFormatError(f"{path} holds a pair; name {path / 'encoder'} or {path / 'decoder'}.")
        shared = not (path / IN_RUN).exists() and hub.read_config(path) is not None
        return hub.module_in(path, where=where) if shared else path / IN_RUN
    if not is_name(reference):
        return path
    there = names(*kinds)
    known, what = ", ".join(there) or "none in this version", " or ".join(kinds) or "module"
    if str(reference) in pretrained.sets():
        raise FileFormatError(f"{reference} is a set, which draws; where a module is asked for, there are: {known}.")
    meant = pretrained.guess(reference, there)
    raise FileFormatError(f"{reference} is no file and no pretrained {what}{meant}; there are: {known}.")
