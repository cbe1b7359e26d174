"""Modules as one page that works from disk in any browser: HTML with scripts and weights inside, and no request.

A codec page has an encoder, a decoder or both, of patches; a set makes a page that draws while one types. What the
scripts in `page/` compute is what the modules compute, up to a grey level.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from safetensors.numpy import load

from olacore.drawing.captions import Captions
from olacore.drawing.module_set import open_set
from olacore.drawing.settings import varieties
from olacore.errors import ConfigError
from olacore.exports.base import EXPORTERS, Exporter, Part, require_pair
from olacore.exports.convolution import CONVOLVED
from olacore.files import replace_file
from olacore.foreign.names import shown
from olacore.modules.identity import ROLES
from olacore.modules.latent_doubts import FARTHEST, NEAREST
from olacore.modules.program import Factors, Program
from olacore.modules.refined import check_refiner, require_pictures_of
from olacore.pretrained.catalogue import family_of
from olacore.spaces import FAMILIES
from olacore.text import WordTable
from olacore.text.emoji import names
from olacore.text.table import ZEROS
from olacore.text.words import LEFT_OUT
from olacore.version import __version__

WORKER = ("half.js", "kernel.js", "engine.js", "chance.js", "styles.js", "text.js")
SCRIPT = ("half.js", "files.js", "page.js", "codec.js", "styles.js", "draw.js")
# Arrays begin at multiples of as many bytes.
ALIGNED = 8
EXAMPLE = "a red heart"
# What a page shows, with an encoder or without, with a decoder or without.
SHOWS = {
    (True, True): "A picture beside what comes through encoder and decoder.",
    (True, False): "A picture to its latent.",
    (False, True): "A latent to its picture.",
}


@dataclass(frozen=True)
class Page(Exporter):
    """An encoder, a decoder, or both, with a refiner where there is one, or a set, as a page."""

    name: ClassVar[str] = "html"
    suffix: ClassVar[str] = ".html"
    most: ClassVar[int] = 64

    def write(self, parts: Sequence[Part], path: Path) -> int:
        """Write the page.

        Raises
        ------
        ConfigError  if these modules make no page together
        """
        arrays = Arrays()
        sets = {part.about["set"]["folder"]: part.about["set"] for part in parts if "set" in part.about}
        if not sets:
            about, words = _codec(parts, arrays)
        elif len(sets) > 1 or not all("set" in part.about for part in parts):
            raise ConfigError("a page holds one set, or an encoder and a decoder; got modules of several.")
        else:
            about, words = _drawing(parts, next(iter(sets.values())), arrays)
        return replace_file(path, _fill(about, words, arrays).encode())


@dataclass
class Arrays:
    """Arrays one behind the other, each known by its type, its shape and where it begins."""

    content: bytearray = field(default_factory=bytearray)

    def add(self, array: np.ndarray) -> dict[str, Any]:
        """Add one; what the page calls it."""
        self.content += bytes(-len(self.content) % ALIGNED)
        place = {"type": array.dtype.name, "shape": list(array.shape), "at": len(self.content)}
        self.content += np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        return place

    def add_text(self, text: str) -> dict[str, Any]:
        """Add a text as UTF-8."""
        return self.add(np.frombuffer(text.encode(), np.uint8))

    def add_factors(self, factors: Factors) -> dict[str, Any]:
        """Add a matrix as it is stored."""
        return {name: self.add(part) for name, part in vars(factors).items()}

    def add_module(self, part: Part) -> dict[str, Any]:
        """Add what a module computes."""
        program, own = part.program, {}
        if program.gather.get("wiener"):
            own = {"filter": {name: self.add(array) for name, array in part.carried.items()}}
        return {**self.add_program(program), **own, "spaces": {role: part.about[role] for role in ROLES}}

    def add_program(self, program: Program) -> dict[str, Any]:
        """Add maps and what is around them."""
        return {
            "gather": program.gather,
            "inputs": program.inputs,
            "outputs": program.outputs,
            "steps": [{**self.add_factors(step.factors), "biases": self.add(step.biases)} for step in program.steps],
            "gain": self.add(np.broadcast_to(program.gain, len(program.steps[-1].biases)).astype(np.float32)),
            "shift": self.add(program.shift.astype(np.float32)),
            "basis": None if program.basis_factors is None else self.add_factors(program.basis_factors),
        }

    def add_modules(self, parts: Mapping[str, Part]) -> dict[str, Any]:
        """Add modules by what they do; the refiner that a decoder carries is one of them."""
        found = {name: self.add_module(part) for name, part in parts.items()}
        behind = parts["decoder"].program.refiner if "decoder" in parts else None
        return found | ({"refiner": self.add_program(behind)} if behind and "refiner" not in parts else {})


def _codec(parts: Sequence[Part], arrays: Arrays) -> tuple[dict[str, Any], dict[str, str]]:
    """What a page of an encoder and a decoder holds, and its words."""
    found: dict[str, Part] = {}
    for part in parts:
        gather = part.program.gather
        kind = str(gather["kind"])
        if CONVOLVED.get(kind) != gather["name"] or part.program.basis is not None:
            raise ConfigError(
                f"{part.name} is a {part.program.title}; a page takes encoders and decoders of the view patch, "
                "refiners, or a set."
            )
        if kind in found:
            raise ConfigError(f"a page holds one {kind}; got {found[kind].name} and {part.name}.")
        found[kind] = part
    if {"encoder", "decoder"} <= found.keys():
        require_pair(found["encoder"], found["decoder"])
    if "refiner" in found:
        _check_refiner(found["refiner"], found.get("decoder"))
    shared = {part.name.removesuffix(f"-{kind}") for kind, part in found.items()}
    title = " and ".join(part.name for part in found.values())
    if len(found) > 1 and len(shared) == 1:
        title = f"{shared.pop()}: picture to latent and back"
    takes = {"encoder": "a picture", "decoder": "a latent (.npz, .npy, .safetensors, .latent)"}
    words = {
        "title": title,
        "lead": f"{SHOWS['encoder' in found, 'decoder' in found]} Everything runs in this page; nothing is sent.",
        "panel": "Picture and latent",
        "invitation": f"Drop, paste or choose {' or '.join(takes[kind] for kind in takes if kind in found)}",
    }
    decoder = found.get("decoder")
    raw = _raw(decoder) if decoder else None
    return {"modules": arrays.add_modules(found), "raw": raw, "expects": _expects(decoder)}, words


def _check_refiner(refiner: Part, decoder: Part | None) -> None:
    """Raise unless there is a decoder, whose pictures the refiner was trained on."""
    if decoder is None:
        raise ConfigError(f"{refiner.name} refines what a decoder draws; name that decoder too.")
    if decoder.program.refiner is not None:
        raise ConfigError(f"{decoder.name} carries a refiner; leave {refiner.name} out.")
    require_pictures_of(refiner.name, refiner.about["training"], decoder.name, decoder.digest)
    check_refiner(decoder.about, decoder.digest, refiner.about)


def _raw(decoder: Part) -> dict[str, float] | None:
    """How raw latents become those that a decoder reads, where it is one of a known model."""
    family = family_of(decoder.space("reads"))
    return {"scaling": FAMILIES[family].scaling, "shift": FAMILIES[family].shift} if family else None


def _expects(decoder: Part | None) -> dict[str, Any] | None:
    """Mean and spread of each channel of the latents that a decoder was trained on, and what is odd about others."""
    if decoder is None:
        return None
    tensors = load(decoder.content)
    mean, spread = (
        tensors[name].reshape(decoder.program.gather["channels"], -1).mean(1, dtype=np.float64).tolist()
        for name in ("input_mean", "input_scale")
    )
    return {"mean": mean, "spread": spread, "nearest": NEAREST, "farthest": FARTHEST}


def _drawing(parts: Sequence[Part], known: Mapping[str, Any], arrays: Arrays) -> tuple[dict[str, Any], dict[str, str]]:
    """What a page of a set holds, and its words."""
    modules = {part.name: part for part in parts}
    if (view := modules["text"].program.gather["name"]) != "table":
        raise ConfigError(
            f"the exporter html writes sets whose text module has the view table; that of the set {known['name']} has "
            f"the view {view}."
        )
    captions = Captions.read(open_set(known["folder"]).files["captions"])
    table = WordTable.of_view(modules["text"].program.gather, modules["text"].carried)
    about = {
        "modules": arrays.add_modules(modules),
        "raw": None,
        "expects": _expects(modules["decoder"]),
        "set": {
            **{name: known[name] for name in ("size", "energy", "outline", "seen")},
            "styles": known.get("styles", []),
            "style": known.get("style", ""),
            "varieties": varieties(known["levels"], known["seen"]),
            "levels": [[level, f"level {level:g}"] for level in known["levels"]],
            "example": EXAMPLE if all(word in table.places for word in EXAMPLE.split()) else "",
            "everything": arrays.add(modules["mean"].program.shift),
            "table": {
                "words": arrays.add_text("\n".join(table.listed)),
                **{name: arrays.add(table.tensors[name]) for name in ("vectors", "scales", "weights")},
                "bits": table.bits,
                "even": table.even,
                "zero": ZEROS[table.bits],
            },
            "captions": {name: arrays.add(part) for name, part in vars(captions).items() if name != "listed"},
            "emoji": arrays.add_text("\n".join(_emoji())),
            "leftOut": LEFT_OUT,
        },
    }
    words = {
        "title": f"{known['name']}: text in, picture out",
        "lead": "Type, and the picture changes. Everything runs in this page; nothing is sent.",
        "panel": "A picture of your own" if "encoder" in modules else "A latent",
        "invitation": (
            "Drop, paste or choose a picture, and see it through encoder and decoder; or a latent (.npz, .npy)"
            if "encoder" in modules
            else "Drop, paste or choose a latent (.npz, .npy, .safetensors)"
        ),
    }
    return about, words


def _emoji() -> list[str]:
    """Signs as code points and their names: emoji, and what else Unicode calls a symbol."""
    known = dict(names())
    for code in range(0x110000):
        sign = chr(code)
        if unicodedata.category(sign) == "So" and sign not in known:
            known[sign] = unicodedata.name(sign, "").lower()
    return [f"{'-'.join(f'{ord(letter):x}' for letter in sign)} {name}" for sign, name in known.items()]


def _fill(about: Mapping[str, Any], words: Mapping[str, str], arrays: Arrays) -> str:
    """The page: its template with everything in its place."""
    texts = {one.name: one.read_text(encoding="utf-8") for one in (resources.files(__package__) / "page").iterdir()}
    encodes = "encoder" in about["modules"]
    # The end of a script is the only thing in it that a page would stumble over.
    told = json.dumps(about, sort_keys=True, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    filled = {name: escape(shown(text)) for name, text in words.items()} | {
        "accepted": ("image/*," if encodes else "") + ".npz,.npy,.safetensors,.latent",
        "foot": f"Written by olacore {__version__}.",
        "style": texts["palette.css"] + texts["style.css"],
        "about": told,
        "content": base64.b64encode(zlib.compress(bytes(arrays.content), 9)).decode(),
        "worker": "\n".join(texts[name] for name in WORKER),
        "script": "\n".join(texts[name] for name in SCRIPT),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: filled[found[1]], texts["page.html"])


EXPORTERS.add(Page())
