"""A folder to share: modules or a set as a repository of the hub, with a configuration and a card."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from olacore.drawing.module_set import ABOUT, ModuleSet, open_set
from olacore.errors import ConfigError
from olacore.exports.base import EXPORTERS, Exporter, Part
from olacore.exports.model_card import README, write_card
from olacore.files import write_folder
from olacore.foreign.hub import CONFIG, LIBRARY, MODEL, SCHEMA
from olacore.foreign.names import file_name
from olacore.modules.identity import ROLES
from olacore.version import __version__

REPO = re.compile(r"\w[\w.-]*/\w[\w.-]*")


@dataclass(frozen=True)
class HubFolder(Exporter):
    """Modules as they are in `model.safetensors`, or in a file each; `config.json` lists them; `README.md` is the card.

    Parameters
    ----------
    license : of the weights, as the hub writes it, such as "apache-2.0"; by default what the card of a shipped one says
    repo : that it is for, `user/name`, as the card's example has it
    base_model, datasets : ids on the hub, by commas

    Raises
    ------
    ConfigError  if `repo` is not user/name
    """

    name: ClassVar[str] = "hub"
    suffix: ClassVar[str] = ""
    most: ClassVar[int] = 64

    license: str = ""
    repo: str = ""
    base_model: str = ""
    datasets: str = ""

    def __post_init__(self) -> None:
        if self.repo and not REPO.fullmatch(self.repo):
            raise ConfigError(f"the option repo is user/name on the hub; got {self.repo!r}.")

    def write(self, parts: Sequence[Part], path: Path) -> int:
        """Write the files, the configuration last, so that a folder with one is whole."""
        found = _set_of(parts)
        names = _names(parts) if found is None else {**_files(found)}
        files = {names[part.name]: part.content for part in parts}
        if found is not None:
            more = [
                found.folder / ABOUT,
                *(found.files[name] for name in ("captions", "thumbnails") if name in found.files),
            ]
            files |= {file.name: file.read_bytes() for file in more}
        config: dict[str, Any] = {
            "library_name": LIBRARY,
            "olacore_version": __version__,
            "schema": SCHEMA,
            "files": sorted(files),
            "modules": {part.name: {"file": names[part.name], **_facts(part)} for part in parts},
        }
        if found is not None:
            config["set"] = {"name": parts[0].about["set"]["name"], "size": found.size}
        card = write_card(parts, found, self, self.repo or f"user/{_repository(path)}")
        last = {README: card.encode(), CONFIG: (json.dumps(config, indent=1, sort_keys=True) + "\n").encode()}
        return write_folder(path, files | last)


EXPORTERS.add(HubFolder())


def _set_of(parts: Sequence[Part]) -> ModuleSet | None:
    """The set that the parts are, if they come from one."""
    folders = {part.about.get("set", {}).get("folder") for part in parts}
    if len(folders) > 1:
        raise ConfigError("a set is shared alone: it has a repository of its own, and so have other modules.")
    folder = folders.pop()
    return None if folder is None else open_set(Path(folder))


def _repository(path: Path) -> str:
    """A name that the hub takes, after a folder."""
    return re.sub(r"[^\w.-]+", "-", path.resolve().name).lstrip(".-") or "name"


def _names(parts: Sequence[Part]) -> dict[str, str]:
    """The files of modules, by their names."""
    names = {part.name: MODEL if len(parts) == 1 else f"{file_name(part.name)}.safetensors" for part in parts}
    if len({*names.values()}) < len(parts):
        raise ConfigError(f"modules are shared by different names; got {', '.join(part.name for part in parts)}.")
    return names


def _files(found: ModuleSet) -> dict[str, str]:
    """The files of a set, by what they do in it."""
    return {name: file.name for name, file in found.files.items()} | {
        f"level {level:g}": file.name for level, file in found.levels.items()
    }


def _facts(part: Part) -> dict[str, Any]:
    """What programs may want to know of a module without reading it; latents are always the scaled ones."""
    program = part.program
    sizes = [program.inputs, *(len(step.biases) for step in program.steps)]
    facts = {key: part.about[key] for key in ("kind", "view", "weights", *ROLES)}
    return {**facts, "sizes": sizes, "bytes": len(part.content), "digest": part.digest}
