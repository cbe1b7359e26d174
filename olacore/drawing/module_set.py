"""A set: a folder with the modules that draw together, and what they were trained on.

`set.json` says which file is what, and `captions.safetensors` holds the training captions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from olacore import pretrained
from olacore.drawing.lift import Outline
from olacore.drawing.work_folder import RECORD, where_set
from olacore.errors import FileFormatError, FingerprintError
from olacore.files import is_there
from olacore.foreign import hub
from olacore.foreign.json_text import read_json
from olacore.foreign.reading import read_file
from olacore.foreign.schema import listed, mapping, maybe, number, record, require, text, whole
from olacore.modules.file import BASIS
from olacore.modules.plain import PlainModule, load_plain
from olacore.modules.refined import CARRIED_BY
from olacore.spaces import LatentSpace, named
from olacore.text.style import MOST_STYLE, is_style

SCHEMA = "olacore/set/1"
ABOUT, CAPTIONS, THUMBNAILS = "set.json", "captions.safetensors", "thumbnails.webp"
MOST_BYTES = 1 << 28
# Those that neither make nor read latents.
SPACELESS = ("text", "refiner")
# Characters of a text that a set says of itself.
MOST_ABOUT = 1 << 12
# Modules that a set has, by what they do in it; without an encoder it takes no picture to start from, and a refiner
# works on what the decoder draws.
NEEDED, OPTIONAL = ("text", "mean", "decoder"), ("refiner", "encoder")
# What a set measured of its data, as far as pictures depend on it.
MEASURED = ("seen", "energy", "outline", "style")
# The least noise level, and the most energy.
TINY, LARGEST = 1e-6, 1e30
_FILE = record({"file": text(255), "sha256": text(64)}, closed=True)
_SET = record(
    {
        "schema": text(64),
        "size": whole(8, 8192),
        "modules": record(dict.fromkeys(NEEDED, _FILE), dict.fromkeys(OPTIONAL, _FILE), closed=True),
        "levels": listed(record({"level": number(TINY), "file": text(255), "sha256": text(64)}, closed=True), 0, 64),
        "captions": _FILE,
        "seen": maybe(number()),
        "energy": number(0, LARGEST),
    },
    {
        "thumbnails": _FILE,
        "styles": listed(text(MOST_STYLE), 1),
        "style": text(MOST_STYLE),
        "about": mapping(text(MOST_ABOUT)),
        "outline": record(
            {"components": whole(1, 1 << 20), "energy": number(0, LARGEST), "rest": number(0, LARGEST)},
            {"gains": listed(number(0, 1), 2, 2)},
            closed=True,
        ),
    },
    closed=True,
)


@dataclass(frozen=True)
class ModuleSet:
    """The files of a set, found and checked by their digests.

    Parameters
    ----------
    folder : that they are in
    size : side of the pictures that it draws, in pixels
    files : by what they do: "text", "mean", "decoder", "refiner", "encoder", "captions" and "thumbnails"
    levels : of the denoisers, from the highest noise level to the lowest
    digests : SHA-256 of the files of all modules, by name
    measured : SHA-256 of what else decides about a picture: `seen`, `energy`, `outline`, and the usual style
    seen : similarity to the nearest training caption from which on a prompt counts as seen; None where it is not known
    energy : squared distance of a training picture's latent to the mean of all, the median
    outline : the same of two parts of it, and how sure the text mean is of them; None where that was not measured, or
        the text mean has too few components
    styles : that training captions were joined with, see `olacore.text.style`; none where they were not
    style : of them, in which prompts are read that ask for none, where all captions have one; otherwise ""
    about : what the set says of itself, such as its licence
    reference : to the hub, where it comes from there
    """

    folder: Path
    size: int
    files: dict[str, Path]
    levels: dict[float, Path]
    digests: dict[str, str]
    measured: str
    seen: float | None
    energy: float
    outline: Outline | None
    styles: tuple[str, ...]
    style: str
    about: dict[str, str]
    reference: str = ""

    @property
    def name(self) -> str:
        """What it is opened by once more: of the folder, or on the hub."""
        return self.reference or self.folder.name

    @property
    def nbytes(self) -> int:
        """Of all files in the folder."""
        return sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())


def check_no_work(folder: Path) -> None:
    """Raise `FileFormatError` where a folder is that of the work of `ola make-set`, and no set."""
    if not (folder / ABOUT).exists() and is_there(folder / RECORD):
        raise FileFormatError(f"{folder} is no set but the folder of the work of `ola make-set`; {where_set(folder)}.")


def open_set(reference: Path | str) -> ModuleSet:
    """Find a set.

    Parameters
    ----------
    reference : a folder, `hf:user/name` of the hub, or the name of a set that comes with the package, which no folder
        without a set hides

    Raises
    ------
    FileFormatError  if there is none, or a file is missing, or not the one that the set was made with
    ConfigError  if it is no reference that the hub takes, or the package `huggingface_hub` is missing
    """
    folder = Path(hub.local(reference))
    known = pretrained.sets()
    if pretrained.stands_for(reference, known, (ABOUT,)):
        folder = pretrained.FOLDER / str(reference)
    elif pretrained.is_name(reference):
        names = ", ".join(known) or "none in this version"
        meant = pretrained.guess(reference, known)
        raise FileFormatError(f"{reference} is no folder and no set that is shipped{meant}; there are: {names}.")
    path = folder / ABOUT
    check_no_work(folder)
    if not path.exists():
        raise FileFormatError(f"{folder} is no set of modules: it has no {ABOUT}; `ola bundle` makes one.")
    about = require(_SET, read_json(path, "the set"), str(path))
    if about["schema"] != SCHEMA:
        raise FileFormatError(f"{path} has the schema {about['schema']!r}; this version reads {SCHEMA!r}.")
    entries: dict[str, Mapping[str, Any]] = {**about["modules"], "captions": about["captions"]}
    entries |= {"thumbnails": about["thumbnails"]} if "thumbnails" in about else {}
    levels = sorted(about["levels"], key=lambda entry: -entry["level"])
    if len({f"{entry['level']:g}" for entry in levels}) < len(levels):
        raise FileFormatError(f"{path} names several denoisers of one level.")
    styles = about.get("styles", [])
    if len({*styles}) < len(styles) or not all(map(is_style, styles)) or about.get("style", "") not in ("", *styles):
        raise FileFormatError(
            f"{path} is damaged: styles are words in lower case, each once, and style is one of them; got {styles[:8]} "
            f"and {about.get('style', '')!r}."
        )
    files = {name: _checked(folder, entry) for name, entry in entries.items()}
    digests = {name: entry["sha256"] for name, entry in about["modules"].items()}
    digests |= {f"level {entry['level']:g}": entry["sha256"] for entry in levels}
    return ModuleSet(
        folder,
        about["size"],
        files,
        {float(entry["level"]): _checked(folder, entry) for entry in levels},
        digests,
        sha256(json.dumps([about.get(name) for name in MEASURED], sort_keys=True).encode()).hexdigest(),
        about["seen"],
        float(about["energy"]),
        _outline(about["outline"]) if "outline" in about else None,
        tuple(styles),
        about.get("style", ""),
        dict(about.get("about", {})),
        Path(reference).as_posix() if hub.is_hub(reference) else "",
    )


def _outline(about: Mapping[str, Any]) -> Outline:
    gains = tuple(about.get("gains", Outline.gains))
    return Outline(about["components"], float(about["energy"]), float(about["rest"]), (gains[0], gains[1]))


def _checked(folder: Path, entry: Mapping[str, Any]) -> Path:
    name = entry["file"]
    if Path(name).name != name or "\0" in name:
        raise FileFormatError(f"{folder / ABOUT} names the file {name!r}, which is not in the folder itself.")
    path = folder / name
    content = read_file(path, f"a file of the set {folder.name}", MOST_BYTES)
    if sha256(content).hexdigest() != entry["sha256"]:
        raise FileFormatError(f"{path} is not the file that the set was made with; make or install the set again.")
    return path


def load_parts(found: ModuleSet) -> dict[str, PlainModule]:
    """The modules of a set, by what they do; denoisers as "level 1" and so on.

    Raises
    ------
    FileFormatError  if one is damaged, or of another kind or size than the set says
    FingerprintError  if they are of different latent spaces
    """
    names = [name for name in (*NEEDED, *OPTIONAL) if name in found.files]
    parts = {name: load_plain(found.files[name]) for name in names}
    parts |= {f"level {level:g}": load_plain(path) for level, path in found.levels.items()}
    check_parts({name: part.about for name, part in parts.items()}, str(found.folder))
    view = parts["mean"].view
    sides = [view[side] * view.get("factor", 8) for side in ("height", "width")]
    if sides != [found.size, found.size]:
        raise FileFormatError(
            f"{found.folder} draws pictures of {sides[0]} x {sides[1]}; its {ABOUT} says {found.size}."
        )
    if found.outline and (known := len(parts["mean"].parts.get(BASIS, ()))) <= found.outline.components:
        raise FileFormatError(
            f"the {ABOUT} of {found.folder} speaks of an outline of {found.outline.components} principal components; "
            f"its text mean has {known}."
        )
    for level, path in found.levels.items():
        if (own := parts[f"level {level:g}"].view["level"]) != level:
            raise FileFormatError(f"{path} is a denoiser of level {own:g}; {ABOUT} of the set says {level:g}.")
    return parts


def check_part(name: str, about: Mapping[str, Any], where: str) -> None:
    """Raise `FileFormatError` if a module is of another kind than it should be, by what its file says."""
    known_views = {"text": ("text", "table", "scene"), "mean": ("denoiser", "text"), "decoder": ("decoder", "patch")}
    known_views |= {"refiner": ("refiner", "pixel"), "encoder": ("encoder", "patch")}
    view = about["view"]
    kind, *known = known_views.get(name, ("denoiser", view["name"]))
    if view["kind"] != kind or view["name"] not in known:
        raise FileFormatError(
            f"{where} needs a {' or '.join(known)} {kind} as its {name} module, and has a {view['name']} "
            f"{view['kind']}."
        )
    if name == "text" and view.get("tokens"):
        raise FileFormatError(
            f"{where} needs a text module of one embedding a text; this one answers {view['tokens']} tokens."
        )


def check_parts(abouts: Mapping[str, Mapping[str, Any]], where: str) -> None:
    """Raise unless modules go together, by what their files say.

    Raises
    ------
    FileFormatError  if one is of another kind or size than it should be
    FingerprintError  if they are of different latent spaces
    """
    for name, about in abouts.items():
        check_part(name, about, where)
    if "refiner" in abouts and CARRIED_BY in abouts["decoder"]:
        raise FileFormatError(f"the decoder of {where} carries a refiner; leave the other one out.")
    spaces = {name: fingerprint_of(about) for name, about in abouts.items() if name not in SPACELESS}
    if len({*spaces.values()}) > 1:
        makers = named(*(LatentSpace.from_dict(one) if (one := _space(abouts[name])) else None for name in spaces))
        theirs = ", ".join(map(" ".join, zip(spaces, makers, strict=True)))
        raise FingerprintError(f"the modules of {where} are of different latent spaces: {theirs}.")
    views = {name: about["view"] for name, about in abouts.items()}
    beside = 2 * views["text"]["size"] if views["text"]["name"] == "scene" else 0
    text, mean = views["text"]["width"] + beside, views["mean"]["embedding"]
    if text != mean:
        raise FileFormatError(f"the text module of {where} makes embeddings of {text} numbers; the mean reads {mean}.")
    sides = {name: (view["height"], view.get("width")) for name, view in views.items() if view.get("height")}
    if len({*sides.values()}) > 1:
        theirs = ", ".join(f"{name} {height} x {width}" for name, (height, width) in sides.items())
        raise FileFormatError(f"the modules of {where} are for latents of several sizes: {theirs} sites.")
    for what in ("channels", "factor"):
        found = {name: view.get(what, 8) for name, view in views.items() if name not in SPACELESS}
        if len({*found.values()}) > 1:
            theirs = ", ".join(f"{name} {count}" for name, count in found.items())
            raise FileFormatError(f"the modules of {where} differ in the latents' {what}: {theirs}.")


def fingerprint_of(about: Mapping[str, Any]) -> str | None:
    """The fingerprint of the latent space that a module reads, clones or makes, by its file; None for none."""
    return _space(about).get("fingerprint")


def _space(about: Mapping[str, Any]) -> Mapping[str, Any]:
    return about["reads"] or about["imitates"] or about["makes"] or {}
