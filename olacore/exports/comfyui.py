"""Encoders and decoders as a pack of nodes for ComfyUI: a folder for its `custom_nodes/`, without need of olacore."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import ClassVar

from olacore.errors import ConfigError, FileFormatError
from olacore.exports.base import EXPORTERS, Exporter, Part
from olacore.exports.given import load_parts
from olacore.exports.torch_form import adapters, torch_form
from olacore.files import write_folder
from olacore.pretrained.catalogue import family_of
from olacore.spaces import FAMILIES, Family
from olacore.version import __version__


@dataclass(frozen=True)
class ComfyUI(Exporter):
    """The nodes, and weights as float16: of the modules given, or of the compatible pairs that come with the package.

    Parameters
    ----------
    publisher, repository : of `pyproject.toml`, for whoever publishes the pack: an id of the registry, and an address
    """

    name: ClassVar[str] = "comfyui"
    suffix: ClassVar[str] = ""
    least: ClassVar[int] = 0
    most: ClassVar[int] = 2 * len(FAMILIES)

    publisher: str = ""
    repository: str = ""

    def write(self, parts: Sequence[Part], path: Path) -> int:
        """Write the folder."""
        given = parts or load_parts([f"{name}-{kind}" for name in FAMILIES for kind in ("encoder", "decoder")])
        by_family: dict[str, list[Part]] = {}
        for part in given:
            by_family.setdefault(_family(part), []).append(part)
        files = {f"{name}.safetensors": _weights(FAMILIES[name], found) for name, found in by_family.items()}
        folder = adapters()
        pack = folder / "comfyui"
        files |= {name: legal_text(name).encode() for name in ("LICENSE", "NOTICE")}
        files["README.md"] = (pack / "README.md").read_bytes()
        files["pyproject.toml"] = self._project((pack / "pyproject.toml").read_text(encoding="utf-8"))
        # The file that ComfyUI looks for comes last.
        for source in (folder / "convolutions.py", *sorted(pack.glob("*.py"), reverse=True)):
            files[source.name] = _standing_alone(source.read_text(encoding="utf-8")).encode()
        return write_folder(path, files)

    def _project(self, text: str) -> bytes:
        """What the registry reads, filled in."""
        values = {"version": __version__, "PublisherId": self.publisher, "Repository": self.repository}
        for name, value in values.items():
            text = re.sub(f"^{name} = .*$", f"{name} = {json.dumps(value)}".replace("\\", r"\\"), text, flags=re.M)
        return text.encode()


EXPORTERS.add(ComfyUI())


def _family(part: Part) -> str:
    """The family whose latents a module reads, or was cloned from.

    Raises
    ------
    ConfigError  if it is none of those that ComfyUI has models of
    """
    space = part.space("reads") or part.space("imitates")
    if family := family_of(space):
        return family
    theirs = f"of {space.maker}" if space else "private, or unknown"
    raise ConfigError(
        f"ComfyUI has no use for {part.name}: its latents are {theirs}, and not those of {', '.join(FAMILIES)}."
    )


def _weights(family: Family, parts: Sequence[Part]) -> bytes:
    """A family's file, with what the nodes have to know of it."""
    from safetensors.numpy import save

    settings, weights = torch_form(parts)
    settings |= {"scaling": family.scaling, "shift": family.shift, "preview": family.preview}
    settings["modules"] = {part.name: part.digest for part in parts}
    return save({name: array.astype("float16") for name, array in weights.items()}, {"olacore": json.dumps(settings)})


def _standing_alone(source: str) -> str:
    """Imports of files that lie beside it in the folder, as ComfyUI loads them."""
    pack = "from teachers.adapters.comfyui"
    source = source.replace(f"{pack} import", "from . import").replace(f"{pack}.", "from .")
    return source.replace("from teachers.adapters.", "from .")


def legal_text(name: str) -> str:
    """LICENSE or NOTICE of the package, installed or in a checkout.

    Raises
    ------
    FileFormatError  if it is in neither place
    """
    with suppress(metadata.PackageNotFoundError):
        if text := metadata.distribution("olacore").read_text(f"licenses/{name}"):
            return text
    beside = Path(__file__).parents[2] / name
    if beside.exists():
        return beside.read_text(encoding="utf-8")
    raise FileFormatError(f"the file {name} is missing; install olacore again.")
