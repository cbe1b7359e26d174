"""The plan of a data set as a file, which all machines that make shares of it go by."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from olacore.data import ROW, Captions, attributes
from olacore.data.arrays import require_array
from olacore.data.header import captions_in, records_in
from olacore.data.records import (
    STORED_ROW,
    checksums,
    pack_captions,
    pack_files,
    pack_sources,
    unpack_files,
    unpack_sources,
)
from olacore.data.storage import open_file
from olacore.errors import FileFormatError
from olacore.files import create_once
from teachers.collect.plan import Plan

SCHEMA = "olacore/plan/1"
NAMES = ("rows", "sources", "files", "captions", "source_captions", "caption_sums")


def write_plan(path: Path, plan: Plan, told: dict[str, Any]) -> bool:
    """Write a plan, whole and in one step; nothing happens where there is one already.

    Parameters
    ----------
    told : everything that decides about the rows, JSON types

    Returns
    -------
    whether it was written

    Raises
    ------
    OutputError  if it cannot be written
    """
    captioned = all(plan.captions)
    plain = [replace(source, caption="") for source in plan.sources] if captioned else plan.sources
    rows = np.zeros(len(plan.rows), STORED_ROW)
    for name in ROW.names or ():
        rows[name] = plan.rows[name]
    arrays = {"rows": rows, "sources": pack_sources(plain)}
    if plan.files:
        arrays["files"] = pack_files(plan.files)
    if captioned:
        texts, pairs = pack_captions(Captions.of(plan.captions, plan.rows))
        arrays |= {"captions": texts, "source_captions": pairs, "caption_sums": checksums([texts])}
    settings = json.dumps(told, sort_keys=True)
    content = io.BytesIO()
    with h5py.File(content, "w", libver="earliest") as file:
        for name, array in arrays.items():
            file[name] = array
        file.attrs["schema"] = SCHEMA
        file.attrs["settings"] = settings
        file.attrs["sha256"] = _digest(settings, arrays)
    return create_once(path, content.getvalue())


def read_plan_file(path: Path) -> tuple[Plan, dict[str, Any], str]:
    """Read a plan: itself, what decides about its rows, and its SHA-256.

    Raises
    ------
    FileFormatError, ShapeError, DTypeError  if it is missing, truncated, damaged or something else
    """
    with open_file(path, locking=False) as file:
        if not attributes.has(file, path, "schema") or attributes.text(file, path, "schema") != SCHEMA:
            raise FileFormatError(f"{path} is no plan of shares; expected the schema {SCHEMA!r}.")
        told = attributes.json_object(file, path, "settings")
        stored = require_array(file, path, "rows", ("n",), (STORED_ROW,))[:]
        sources = records_in(file, path, "sources", unpack_sources)
        files = records_in(file, path, "files", unpack_files) if "files" in file else ()
        captions = captions_in(file, path, len(sources)) if "captions" in file else Captions()
        arrays = {name: file[name][:] for name in NAMES if name in file}
        digest = attributes.text(file, path, "sha256")
        found = _digest(attributes.text(file, path, "settings"), arrays)
    inside = len(sources) > 0 and stored["source"].min() >= 0 and stored["source"].max() < len(sources)
    counted = not files or sum(entry.rows for entry in files) == len(stored)
    if found != digest or not (inside and counted):
        raise FileFormatError(f"the plan {path} is damaged: it does not have its own checksum; copy it again.")
    rows = np.empty(len(stored), ROW)
    for name in ROW.names or ():
        rows[name] = stored[name]
    own = captions.by_source() or [(source.caption,) if source.caption else () for source in sources]
    sources = tuple(replace(one, caption="".join(texts[:1])) for one, texts in zip(sources, own, strict=True))
    return Plan(files, sources, rows, tuple(own)), told, digest


def _digest(settings: str, arrays: dict[str, np.ndarray]) -> str:
    found = hashlib.sha256(settings.encode())
    for name in NAMES:
        if name in arrays:
            found.update(f"{name} {arrays[name].shape}".encode())
            found.update(np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()
