"""What any of our files holds, told from the file itself."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from olacore import pretrained
from olacore.data import SPLITS, Dataset, open_dataset
from olacore.data.open_file import text_maker
from olacore.drawing import module_set
from olacore.drawing.captions import Captions
from olacore.drawing.pictures import read_drawing
from olacore.errors import FileFormatError
from olacore.exports import numpy_file, onnx_file
from olacore.foreign import hub
from olacore.foreign.reading import or_meant
from olacore.modules import latent_file, other_latents
from olacore.modules.find import MARKS, find
from olacore.modules.identity import ROLES, spaces_to_dict
from olacore.modules.module import Module, load
from olacore.quality import baselines
from olacore.search import checkpoint

HDF5_MAGIC, PNG_MAGIC = b"\x89HDF\r\n\x1a\n", b"\x89PNG\r\n\x1a\n"
# Files of a data set whose rows are told one by one, those with most rows first.
SHOWN = 30
# What a folder that is described holds.
DESCRIBED = (module_set.ABOUT, *MARKS, "*.h5")


def describe(path: Path) -> dict[str, Any]:
    """Describe a data set or a folder of its shards, a module, a set, the baselines of a run, a checkpoint, a latent, a
    drawing, an ONNX graph or a run folder; what is pretrained is known by its name, and its card is added.

    Raises
    ------
    FileFormatError  if it is none of these, or damaged
    ConfigError  if it is an ONNX graph, and the package onnx is missing
    """
    path = Path(hub.local(path))
    if pretrained.stands_for(path, pretrained.sets(), DESCRIBED):
        return {**describe_set(path), "card": pretrained.card(path.name)}
    if pretrained.stands_for(path, pretrained.names(), DESCRIBED):
        return {**describe(find(path)), "card": pretrained.card(path.name)}
    if pretrained.is_name(path):
        known = f"the modules {', '.join(pretrained.names())}, and the sets {', '.join(pretrained.sets())}"
        meant = pretrained.guess(path, [*pretrained.names(), *pretrained.sets()])
        raise FileFormatError(f"{path} is no file and nothing that is shipped{meant}; there are {known}.")
    if path.is_dir():
        if (path / module_set.ABOUT).exists():
            return describe_set(path)
        module_set.check_no_work(path)
        if not (path / "module.safetensors").exists() and (shared := hub.read_config(path)):
            files = {name: path / module["file"] for name, module in shared["modules"].items()}
            return {"file": path.name, "kind": "shared modules", **{name: describe(files[name]) for name in files}}
        if not (path / "config.json").exists():
            shards = sorted(path.glob("*.h5"))
            if not shards:
                raise FileFormatError(f"the folder {path} holds no run and no data files.")
            with open_dataset([path]) as dataset:
                size = sum(shard.stat().st_size for shard in shards)
                facts = {"file": path.name, "bytes": size, "shards": len(shards), **describe_dataset(dataset)}
                # Shards without any row yet are not part of the data set.
                whole = len(shards) == dataset.settings.get("shards", len(shards)) == dataset.file_count
                return {**facts, "complete": dataset.complete and whole}
        parts = {
            name: describe(path / file)
            for name, file in (("module", "module.safetensors"), ("checkpoint", "checkpoint.safetensors"))
            if (path / file).exists()
        }
        return {"file": path.name, "kind": "run", **parts}
    try:
        with path.open("rb") as file:
            magic = file.read(len(HDF5_MAGIC))
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror}{or_meant(path)}") from error
    if magic == HDF5_MAGIC:
        with open_dataset([path]) as dataset:
            return {"file": path.name, "bytes": path.stat().st_size, **describe_dataset(dataset)}
    if path.name == "baselines.safetensors":
        found = baselines.Baselines.load(path)
        return {
            "file": path.name,
            "kind": "baselines",
            "shape": list(found.weights.shape),
            "link": found.link,
            "ridge": found.ridge,
            "rows": found.rows,
        }
    if path.suffix == numpy_file.NumpyFile.suffix and (found_export := numpy_file.read_about(path)):
        return {**found_export, "file": path.name, "bytes": path.stat().st_size, "kind": "module, exported"}
    if magic == PNG_MAGIC and (drawing := read_drawing(path)):
        return {"file": path.name, "bytes": path.stat().st_size, "kind": "drawing", **drawing}
    if path.suffix in latent_file.READABLE and path.suffix != other_latents.TENSORS:
        return describe_latent(path)
    if checkpoint.is_checkpoint(path):
        return describe_checkpoint(path)
    if path.suffix == onnx_file.OnnxFile.suffix:
        return {"file": path.name, "bytes": path.stat().st_size, **onnx_file.read_about(path)}
    try:
        module = load(path)
    except FileFormatError:
        # A latent alone, of another program, ends in .safetensors as a module does.
        if path.suffix == other_latents.TENSORS:
            with suppress(FileFormatError):
                return describe_latent(path)
        raise
    return {"file": path.name, "bytes": path.stat().st_size, **describe_module(module)}


def describe_module(module: Module) -> dict[str, Any]:
    """Describe a module, and the refiner that it carries."""
    return {
        "kind": f"module, {module.kind}",
        "view": module.view.to_dict(),
        "inputs": module.view.inputs,
        "outputs": module.view.outputs,
        **({} if module.components is None else {"components": module.components}),
        "hidden": [layer.units for layer in module.hidden],
        "stored": module.stored,
        "parameters": module.parameters,
        **spaces_to_dict({role: getattr(module, role) for role in ROLES}),
        "training": module.training,
        **({"refiner": describe_module(module.refiner)} if module.refiner else {}),
    }


def describe_set(path: Path) -> dict[str, Any]:
    """Describe a set of modules, each by its own file."""
    found = module_set.open_set(path)
    names = [name for name in module_set.NEEDED + module_set.OPTIONAL if name in found.files]
    files = {name: found.files[name] for name in names}
    files |= {f"level {level:g}": file for level, file in found.levels.items()}
    return {
        "file": path.name,
        "bytes": found.nbytes,
        "kind": "set",
        "size": [found.size, found.size],
        "captions": len(Captions.read(found.files["captions"]).listed),
        **({"styles": list(found.styles)} if found.styles else {}),
        **({"style where none is asked for": found.style} if found.style else {}),
        **({"about": found.about} if found.about else {}),
        "modules": {name: {"bytes": file.stat().st_size, "shape": repr(load(file))} for name, file in files.items()},
    }


def describe_latent(path: Path) -> dict[str, Any]:
    """Describe a latent: its shape, its spaces and the picture's size where the file says them."""
    stored = latent_file.read_latent(path)
    return {
        "file": path.name,
        "bytes": path.stat().st_size,
        "kind": "latent",
        "shape": list(stored.latent.shape),
        "type": str(stored.latent.dtype),
        **spaces_to_dict({"makes": stored.makes, "imitates": stored.imitates}),
        "picture": list(stored.size) if stored.size else None,
        **({} if stored.raw is None else {"raw": stored.raw}),
    }


def describe_checkpoint(path: Path) -> dict[str, Any]:
    """Describe a checkpoint: how far it is, and its arrays."""
    with checkpoint.open_checkpoint(path) as (file, stored):
        return {
            "file": path.name,
            "bytes": path.stat().st_size,
            "kind": "checkpoint",
            **stored,
            "arrays": {name: f"{dtype} {shape}" for name, (shape, dtype) in file.layout.items()},
        }


def describe_dataset(dataset: Dataset) -> dict[str, Any]:
    """Describe a data set: rows, splits, sources, latent space, damage."""
    rows = {split: len(dataset.indices(split)) for split in SPLITS}
    common = {"rows": dataset.count, "rows by split": rows, "digest": dataset.digest()}
    if dataset.kind == "pairs":
        return {"kind": "data set, pairs", **common, "inputs": dataset.inputs, "outputs": dataset.outputs}
    if not dataset.form.sourced:
        return {
            "kind": f"data set, {dataset.kind}",
            **common,
            "fields": describe_fields(dataset),
            "settings": dataset.settings,
        }
    damaged = dataset.verify()
    sources = {source.name: source for source in dataset.sources}.values()
    facts = {
        "kind": "data set, frames and latents" if dataset.kind == "latents" else f"data set, {dataset.kind}",
        **common,
        "complete": dataset.complete,
        "damaged rows": damaged,
        "size": list(dataset.size or ()),
        "latent shape": list(dataset.latent_shape or ()),
        "decodings": dataset.has("recon"),
        "sources": len(sources),
        "sources by kind": dict(Counter(source.kind for source in sources)),
        "sources by split": dict(Counter(source.split for source in sources)),
        **describe_captions(dataset),
        "licences": sorted({source.licence for source in sources if source.licence}),
        "files": describe_files(dataset),
        "settings": dataset.settings,
    }
    if dataset.kind != "latents":
        facts["fields"] = describe_fields(dataset)
    if dataset.has("sigmas"):
        facts["rows by level"] = count_levels(dataset)
    if dataset.space is not None:
        facts["teacher"] = dataset.space.maker
        facts["space"] = dataset.space.to_dict()
        facts["fingerprint"] = dataset.space.fingerprint
    if dataset.has("latents"):
        facts["latent mean and spread"] = latent_spread(dataset)
    return facts


def describe_captions(dataset: Dataset) -> dict[str, Any]:
    """Tell how many captions there are, who made their embeddings, and which parts the data have by name."""
    sources = {source.name: source for source in dataset.sources}.values()
    parts = Counter(source.part or source.split for source in sources) if any(source.part for source in sources) else {}
    named = {"sources by part": dict(parts)} if parts else {}
    if styles := Counter(source.style for source in sources if source.style):
        named["sources by style"] = dict(sorted(styles.items()))
    if not dataset.captions:
        return {"captions": sum(bool(source.caption) for source in sources), **named}
    several = sum(len(captions) > 1 for captions in dataset.captions)
    return {
        "captions": len({text for captions in dataset.captions for text in captions}),
        "pictures with several captions": several,
        "text teacher": text_maker(dataset.settings),
        **named,
    }


def describe_fields(dataset: Dataset) -> dict[str, str]:
    """Tell the type and the shape of an entry of each field."""
    layout = dataset.contents.layout
    return {spec.name: describe_field(*layout[spec.name]) for spec in dataset.form.fields if dataset.has(spec.name)}


def describe_field(shape: tuple[int, ...], dtype: np.dtype) -> str:
    """Tell the type and the shape of an entry of a field."""
    return f"{dtype} {shape}" if shape else str(dtype)


def count_levels(dataset: Dataset) -> dict[str, int]:
    """How many rows a data set for denoisers has at each noise level, the highest first."""
    sigmas = dataset.read(("sigmas",), np.arange(dataset.count), checked=False)["sigmas"]
    levels, counts = np.unique(sigmas, return_counts=True)
    return {f"{level:g}": int(count) for level, count in zip(levels[::-1], counts[::-1], strict=True)}


def describe_files(dataset: Dataset) -> dict[str, Any]:
    """Tell what a data set was made of: rows and damage of its files, which gave nothing; empty if it does not say."""
    if not dataset.files:
        return {}
    rows: Counter[str] = Counter()
    damaged: dict[str, int] = {}
    notes: dict[str, str] = {}
    for file in dataset.files:
        rows[file.name] += file.rows
        # A file in several shards has its damage in each of them.
        damaged |= {file.name: file.damaged} if file.damaged else {}
        notes |= {file.name: file.note} if file.note else {}
    return {
        "given": len(rows),
        "planned rows": planned_rows(dataset),
        "rows": dict(rows.most_common(SHOWN)),
        "damaged packets": damaged,
        "gave nothing": notes,
    }


def planned_rows(dataset: Dataset) -> int:
    """Rows that the files of a data set were made for, as far as they say."""
    return sum(file.rows for file in dataset.files)


def latent_spread(dataset: Dataset) -> dict[str, list[float]]:
    """Mean and standard deviation of each latent channel over the first rows."""
    some = np.arange(min(dataset.count, 256))
    latents = dataset.read(("latents",), some, checked=False)["latents"].astype(np.float64)
    return {
        "mean": [round(float(v), 4) for v in latents.mean((0, 2, 3))],
        "std": [round(float(v), 4) for v in latents.std((0, 2, 3))],
    }
