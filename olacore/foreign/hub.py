"""Modules of the hub by `hf:user/name`: what a repository says that it holds, taken from the hub's cache or downloaded.

`hf:user/name@revision` names a branch, a tag or a commit, `hf:user/name/module` one of several modules. A repository
that `ola export --to hub` made lists its files in its `config.json`; no other file is looked at, and nothing but
safetensors, JSON and the thumbnails of a set is taken.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from olacore.errors import ConfigError, FileFormatError
from olacore.foreign.json_text import read_json
from olacore.foreign.schema import anything, listed, mapping, one_of, record, require, text

PREFIX = "hf:"
CONFIG, MODEL, SET = "config.json", "model.safetensors", "set.json"
LIBRARY, SCHEMA = "olacore", "olacore/hub/1"
SUFFIXES = (".safetensors", ".json", ".webp")
# Of a file, and of all that are taken: what is larger is no module of ours.
MOST_BYTES, MOST_IN_ALL, MOST_FILES = 1 << 28, 1 << 30, 256
SECONDS = 10
REFERENCE = re.compile(r"hf:(\w[\w.-]*/\w[\w.-]*)(?:/([\w .-]+))?(?:@([\w./-]+))?")

_CONFIG = record(
    {
        "schema": one_of([SCHEMA]),
        "files": listed(text(255), 1, MOST_FILES),
        "modules": mapping(record({"file": text(255)})),
    },
    {"library_name": one_of([LIBRARY]), "set": anything},
)


def is_hub(reference: Path | str) -> bool:
    """Whether it names a repository of the hub; a path that is there is that path."""
    return _words(reference).startswith(PREFIX) and not Path(reference).exists()


def local(reference: Path | str) -> Path | str:
    """What a reference stands for on this machine: of the hub, the folder or file in its cache; else what was given.

    What the cache holds is taken without asking the hub. Of a repository all files are taken, for one of its modules
    that one's alone.

    Raises
    ------
    ConfigError  if it is no such reference, or the package `huggingface_hub` is missing
    FileFormatError  if the hub does not give it, or it is nothing that `ola export --to hub` wrote
    """
    if not is_hub(reference):
        return reference
    words = _words(reference)
    found = REFERENCE.fullmatch(words)
    if found is None:
        form = "hf:user/name, hf:user/name@revision or hf:user/name/module"
        raise ConfigError(f"a reference to the hub is {form}; got {words!r}.")
    name, module, revision = found.groups()
    folder = _cached(words, name, module, revision) or _downloaded(words, name, module, revision)
    return folder if module is None else module_in(folder, module, words)


def name_of(reference: Path | str) -> str:
    """The last part of a reference to the hub, which its module is called by; any other as it is."""
    words = _words(reference)
    return words.partition("@")[0].rpartition("/")[2] if words.startswith(PREFIX) else words


def read_config(folder: Path) -> dict[str, Any] | None:
    """What a folder of `ola export --to hub` says of its files and modules; None where it is something else.

    Raises
    ------
    FileFormatError  if it is damaged, or names files elsewhere or of other kinds
    """
    path = folder / CONFIG
    if not path.is_file():
        return None
    content = read_json(path, "the configuration")
    if not isinstance(content, dict) or content.get("library_name") != LIBRARY:
        return None
    require(_CONFIG, content, str(path))
    if not content["modules"]:
        raise FileFormatError(f"{path} is damaged: it names no module.")
    for name in [*content["files"], *(module["file"] for module in content["modules"].values())]:
        if Path(name).name != name or "\\" in name or "\0" in name:
            raise FileFormatError(f"{path} names the file {name!r}, which is not in the folder itself.")
        if Path(name).suffix not in SUFFIXES:
            kinds = ", ".join(SUFFIXES)
            raise FileFormatError(f"{path} names the file {name!r}; only {kinds} are taken from the hub.")
    return content


def module_in(folder: Path, module: str | None = None, where: str = "") -> Path:
    """The file of a module in a folder of `ola export --to hub`.

    Parameters
    ----------
    module : its name; not needed where the folder holds one
    where : the reference to the hub that the folder is of, for sentences

    Raises
    ------
    FileFormatError  if there is no such module, or several and no name, or the folder is something else
    """
    what = where or str(folder)
    content = read_config(folder)
    if content is None:
        raise FileFormatError(f"{what} has no {CONFIG} of olacore; `ola export --to hub` makes such a folder.")
    modules = content["modules"]
    if module is None and content.get("set"):
        raise FileFormatError(f"{what} is a set that draws from text; give it to `ola generate --set`.")
    if module is None and len(modules) == 1:
        module = next(iter(modules))
    if module not in modules:
        first = _one_of(where, next(iter(modules))) if where else folder / next(iter(modules.values()))["file"]
        raise FileFormatError(f"{what} holds the modules {', '.join(modules)}; name one, such as {first}.")
    return folder / str(modules[module]["file"])


def _one_of(words: str, module: str) -> str:
    """A reference to a module of the same repository."""
    found = REFERENCE.fullmatch(words)
    name, _, revision = found.groups() if found else (words, None, None)
    return f"{PREFIX}{name}/{module}" + (f"@{revision}" if revision else "")


def _wanted(content: dict[str, Any], module: str | None) -> list[str]:
    """The files that a reference needs: all, or that of a module; none where there is no such module."""
    if module is None:
        return [*dict.fromkeys(content["files"])]
    return [content["modules"][module]["file"]] if module in content["modules"] else []


def _words(reference: Path | str) -> str:
    return reference.as_posix() if isinstance(reference, Path) else reference


def _cached(words: str, name: str, module: str | None, revision: str | None) -> Path | None:
    """The folder in the hub's cache, if all that is wanted of it is there."""
    download = _client(words).hf_hub_download
    try:
        folder = Path(download(name, CONFIG, revision=revision, local_files_only=True)).parent
        content = read_config(folder)
        if content is not None:
            for file in _wanted(content, module):
                download(name, file, revision=folder.name, local_files_only=True)
            return folder
    except FileFormatError:
        raise
    # The hub's errors have no common base across versions.
    except Exception as error:
        _refuse_name(words, error)
    return None


def _downloaded(words: str, name: str, module: str | None, revision: str | None) -> Path:
    client = _client(words)
    try:
        # One short question first: a download retries for half a minute where there is no network.
        found = client.HfApi().model_info(name, revision=revision, timeout=SECONDS, files_metadata=True)
        sizes = {file.rfilename: file.size for file in found.siblings}
        _check(words, [CONFIG], sizes)
        # Everything is of the commit whose sizes these are, though the branch may move on meanwhile.
        folder = Path(client.hf_hub_download(name, CONFIG, revision=found.sha)).parent
        content = read_config(folder)
        if content is None:
            raise FileFormatError(
                f"{words} has a {CONFIG} of something else than olacore; `ola export --to hub` makes such a folder."
            )
        _check(words, wanted := _wanted(content, module), sizes)
        # Asked for by the branch too, so that the cache knows what that is.
        client.hf_hub_download(name, CONFIG, revision=revision)
        for file in wanted:
            client.hf_hub_download(name, file, revision=found.sha)
    except FileFormatError:
        raise
    except Exception as error:
        _refuse_name(words, error)
        raise FileFormatError(f"cannot load {words}: {_reason(error)}.") from error
    return folder


def _check(words: str, files: list[str], sizes: dict[str, int | None]) -> None:
    """Raise unless the hub has all the files, and none of them, nor all, are too large."""
    total = 0
    for file in files:
        if file not in sizes:
            raise FileFormatError(f"{words} has no file {file}; `ola export --to hub` makes a whole folder.")
        size = sizes[file]
        if size is None:
            raise FileFormatError(f"cannot load {words}: the hub does not say how large {file} is.")
        if size > MOST_BYTES:
            raise FileFormatError(f"{words} is too large: {file} has {size} bytes, and at most {MOST_BYTES} are read.")
        total += size
    if total > MOST_IN_ALL:
        raise FileFormatError(
            f"{words} is too large: its files have {total} bytes, and at most {MOST_IN_ALL} are read."
        )


def _client(words: str) -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise ConfigError(
            f"{words} is of the hub, which needs the package huggingface_hub; pip install 'olacore[hub]'."
        ) from error
    return huggingface_hub


def _refuse_name(words: str, error: Exception) -> None:
    """Raise where the hub knows no such names at all."""
    if "HFValidationError" in _kinds(error):
        raise ConfigError(f"{words} is no name that the hub takes: {str(error).partition(chr(10))[0]}") from error


def _reason(error: Exception) -> str:
    kinds = _kinds(error)
    if "OfflineModeIsEnabled" in kinds:
        return "the hub's cache does not hold it, and HF_HUB_OFFLINE forbids to ask the hub"
    if "GatedRepoError" in kinds:
        return "its owner gives it to those who ask; ask on its page, then log in with `hf auth login`"
    if "RepositoryNotFoundError" in kinds:
        return "the hub has no such repository, or it is private; check the name, or log in with `hf auth login`"
    if "RevisionNotFoundError" in kinds:
        return "the repository has no such revision"
    return f"its cache does not hold it, and the hub did not give it ({type(error).__name__}); check the connection"


def _kinds(error: Exception) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}
