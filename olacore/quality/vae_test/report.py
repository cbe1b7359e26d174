"""The folder that `ola vae-test` writes: one folder a picture, and the figures of all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol
from unicodedata import normalize

import numpy as np

from olacore.errors import DataError, FileFormatError
from olacore.files import make_folder, replace_file
from olacore.foreign.names import file_name, json_value
from olacore.media.pictures import crop, write_picture
from olacore.quality.vae_test.codecs import TEACHER, Lineup
from olacore.quality.vae_test.figure import draw_comparison
from olacore.quality.vae_test.measure import REPEATS, Measured, VaeTest

SCHEMA = "olacore/vae-test/1"
METRICS = "metrics.json"


class PictureLike(Protocol):
    """A picture that is read when its turn comes."""

    @property
    def name(self) -> str:
        """The file's name without folders."""

    def picture(self) -> np.ndarray:
        """Read it as (H, W, 3) uint8; raises `FileFormatError` if that fails."""


def run_vae_test(
    lineup: Lineup,
    pictures: Sequence[PictureLike],
    out: Path,
    size: int | None = None,
    repeats: int = REPEATS,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Measure every picture and write what came out, after each one, so that an interruption loses nothing.

    Parameters
    ----------
    size : cut the centre square of each picture and bring it to this side; without it whole pictures
    progress : called with the pictures done, all of them, and the next one's name
    should_stop : asked between pictures

    Returns
    -------
    what `metrics.json` holds: `rows`, `notes`, `mean`, `pictures`, and `skipped` with the reason of each

    Raises
    ------
    DataError  if there are no pictures, or none could be read
    OutputError  if something cannot be written
    """
    if not pictures:
        raise DataError("there are no pictures to test; give files, folders, zip archives or patterns.")
    test = VaeTest(lineup, repeats)
    report = _start(lineup, size)
    folders = folder_names(picture.name for picture in pictures)
    for number, (source, folder) in enumerate(zip(pictures, folders, strict=True)):
        if should_stop():
            return report
        progress(number, len(pictures), source.name)
        try:
            picture = source.picture()
        except FileFormatError as error:
            report["skipped"][str(source)] = str(error)
            continue
        if size:
            picture = crop(picture, size)
        measured = test.measure(picture)
        _write_pictures(out / folder, source.name, picture, measured, lineup.main)
        height, width, _ = picture.shape
        parts = {part: getattr(measured, part) for part in ("rows", "small", "latents", "doubts")}
        report["pictures"][folder] = {"file": source.name, "height": height, "width": width, **parts}
        report["mean"] = test.means()
        replace_file(out / METRICS, (json.dumps(json_value(report), indent=1, allow_nan=False) + "\n").encode())
    if not report["pictures"]:
        reasons = "; ".join([*report["skipped"].values()][:3])
        raise DataError(f"none of {len(pictures)} pictures could be read: {reasons}")
    if report["skipped"]:
        replace_file(out / METRICS, (json.dumps(json_value(report), indent=1, allow_nan=False) + "\n").encode())
    progress(len(pictures), len(pictures), "")
    return report


def folder_names(files: Iterable[str]) -> list[str]:
    """Names of folders for files: their stems, made safe and numbered where two are alike on some system."""
    taken, names = {METRICS}, []
    for file in files:
        stem = name = file_name(Path(file).stem)
        number = 1
        while (known := normalize("NFC", name).casefold()) in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(known)
        names.append(name)
    return names


def _start(lineup: Lineup, size: int | None) -> dict[str, Any]:
    rows = {
        row.name: {"encoder": row.encoder, "encoder_bytes": lineup.sizes[row.encoder], "decoder_bytes": row.nbytes}
        for row in lineup.rows
    }
    content: dict[str, Any] = {"schema": SCHEMA, "size": size, "ours": lineup.main, "rows": rows}
    return content | {"notes": lineup.notes, "mean": {}, "pictures": {}, "skipped": {}}


def _write_pictures(folder: Path, file: str, original: np.ndarray, measured: Measured, main: str) -> None:
    make_folder(folder)
    write_picture(folder / "orig.png", original)
    columns = []
    for name, title, target in ((TEACHER, "teacher", "sd_recon.png"), (main, f"ours ({main})", "o_recon.png")):
        if name in measured.pictures:
            write_picture(folder / target, measured.pictures[name])
            columns.append((f"{title}\n{_short(measured.rows[name])}", measured.pictures[name]))
    title = f"{file}\noriginal, {original.shape[1]} x {original.shape[0]} pixels"
    write_picture(folder / "side_by_side.png", draw_comparison(original, title, columns))


def _short(figures: dict[str, float | None]) -> str:
    psnr, ssim = figures["psnr"], figures["ssim"]
    return f"{psnr:.2f} dB" + (f", SSIM {ssim:.3f}" if ssim is not None else "")
