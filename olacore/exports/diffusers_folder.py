"""An encoder and a decoder as a model of diffusers: a folder that loads there without olacore."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from olacore import pretrained
from olacore.errors import ConfigError
from olacore.exports.base import EXPORTERS, Exporter, Part
from olacore.exports.given import load_parts
from olacore.exports.torch_form import Form, adapters, torch_form
from olacore.files import write_folder

CLASS, FILE = "OrganicVAE", "organic_vae"
CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"
IMPORT = "from teachers.adapters.convolutions import PatchDecoder, PatchEncoder\n"


@dataclass(frozen=True)
class DiffusersFolder(Exporter):
    """`config.json`, weights, and one file of Python with the class, which diffusers runs if it is trusted.

    Parameters
    ----------
    half : weights as float16
    """

    name: ClassVar[str] = "diffusers"
    suffix: ClassVar[str] = ""
    most: ClassVar[int] = 2

    half: bool = False

    def write(self, parts: Sequence[Part], path: Path) -> int:
        """Write the folder."""
        from safetensors.numpy import save

        settings, weights = torch_form(parts)
        if self.half:
            weights = {name: array.astype("float16") for name, array in weights.items()}
        config = {"_class_name": CLASS, "auto_map": {"AutoModel": f"{FILE}.{CLASS}"}, **settings}
        files = {
            f"{FILE}.py": class_file().encode(),
            WEIGHTS: save(weights, {"format": "pt"}),
            CONFIG: (json.dumps(config, indent=2) + "\n").encode(),
        }
        return write_folder(path, files)


EXPORTERS.add(DiffusersFolder())


def class_file() -> str:
    """The text of the class in one file: the convolutions stand where they were imported."""
    folder = adapters()
    convolutions, whole = ((folder / name).read_text(encoding="utf-8") for name in ("convolutions.py", "diffusers.py"))
    before, after = whole.split(IMPORT)
    body = convolutions.partition("import torch\n")[2]
    return f"{before.rstrip()}\n{body.rstrip()}\n{after}"


def shipped_form(name: str) -> Form:
    """Settings and weights of a pair that comes with the package, such as "sd15", or of one such module.

    Raises
    ------
    ConfigError  if there are no modules of that name
    """
    names = [one for one in (name, f"{name}-encoder", f"{name}-decoder") if one in pretrained.names()]
    if not names:
        pairs = sorted({one.rpartition("-")[0] for one in pretrained.names()})
        raise ConfigError(f"there are no modules {name!r}; there are {', '.join(pairs)}.")
    return torch_form(load_parts(names))
