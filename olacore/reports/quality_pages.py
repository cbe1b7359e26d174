"""Pages of `ola vae-test`, `ola t2i-test` and `ola compare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import Dataset
from olacore.foreign.names import counted
from olacore.media.pictures import read_picture
from olacore.modules.module import Module
from olacore.quality.compare.measure import Comparison
from olacore.quality.psnr import psnr
from olacore.quality.vae_test.codecs import TEACHER
from olacore.quality.vae_test.figure import WHITE_ERROR, error_map
from olacore.reports.answers import Answers
from olacore.reports.images import grey, picture
from olacore.reports.parts import Facts, Gallery, Page, Part, Picture, Row, Section, Table, Words
from olacore.reports.pictures import SHOWN, find_decoder, latent_gallery, ranked
from olacore.reports.words import figure, size

QUALITY = {
    "psnr": ("PSNR", "peak signal-to-noise ratio in dB; higher is better"),
    "ssim": ("SSIM", "likeness of structure; 1 is perfect"),
    "ms_ssim": ("MS-SSIM", "the same at several sizes; 1 is perfect"),
    "haarpsi": ("HaarPSI", "likeness of edges at several sizes; 1 is perfect"),
    "l2": ("L2", "squared error over the picture's variance; lower is better"),
    "cosine": ("cosine", "of the angle between picture and original; 1 is perfect"),
    "cosine_centered": ("centred", "the same after the mean was taken away"),
    "encode_ms": ("encode, ms", "milliseconds a picture, the median"),
    "decode_ms": ("decode, ms", "milliseconds a picture, the median"),
}
DRAWN = {
    "left": ("left", "share of the true pictures' variance, of 32 x 32 means, that is left; lower is better"),
    "nearest": ("nearest", "share whose true picture is the nearest of all"),
    "among_10": ("among 10", "share whose true picture is among the ten nearest"),
    "nearer": ("nearer", "share that is nearer to the true picture than to any training picture"),
    "energy": ("energy", "of the pixels, over the true pictures'; 1 is right"),
    "detail": ("detail", "of what a blur takes away, over the true pictures'; 1 is right"),
    "grain": ("grain", "on white paper, in grey levels; lower is better"),
    "copies": ("copies", "share that is a training picture, nearly"),
    "kid": ("KID", "distance to the true pictures as a whole; lower is better"),
    "judge": ("judge", "share whose right caption a closed form reads from the picture, among 100"),
    "other_judge": ("other judge", "the same by a judge that learnt from other makers' pictures"),
    "spread": ("spread", "how far two seeds are apart, over the variance"),
    "text_mean": ("text mean", "share of the latents' variance that the captions alone leave; lower is better"),
}
Columns = Mapping[str, tuple[str, str]]


def quality_table(rows: Mapping[str, Mapping[str, Any]], columns: Columns, caption: str, strong: str) -> Table:
    """Figures by row, as far as there are any, with a legend."""
    names = [name for name in columns if any(row.get(name) is not None for row in rows.values())]
    body = [[row, *(figure(values.get(name)) for name in names)] for row, values in rows.items()]
    marked = [place for place, row in enumerate(rows) if row == strong]
    return Table(["", *(columns[name][0] for name in names)], body, caption, [columns[n] for n in names], marked)


# ---------------------------------------------------------------- pictures through encoder and decoder


def vae_page(report: Mapping[str, Any], out: Path) -> Page:
    """The page of `ola vae-test`.

    Parameters
    ----------
    report : what `metrics.json` holds
    out : the folder with the pictures
    """
    mean, pictures, ours = report["mean"], report["pictures"], report["ours"]
    caption = f"Means over {counted(len(pictures), 'picture')}"
    parts: list[Part] = [Words(note, "note") for note in report["notes"]]
    doubts = sorted({doubt for one in pictures.values() for doubt in one["doubts"]})
    parts += [Words(doubt, "warning") for doubt in doubts]
    parts.append(quality_table(mean["rows"], QUALITY, caption, ours))
    sizes = [
        [name, row["encoder"], size(row["encoder_bytes"]), size(row["decoder_bytes"])]
        for name, row in report["rows"].items()
    ]
    parts.append(Table(["", "encoder", "its size", "decoder's size"], sizes, "What takes part", left=(0, 1)))
    sections = [Section("Quality and speed", parts)]
    small = [quality_table(rows, QUALITY, f"At 1/{factor} of the size", ours) for factor, rows in mean["small"].items()]
    if small:
        sections.append(Section("Smaller pictures", small))
    if mean["latents"]:
        rows = [
            [name, figure(one["r2"]), " ".join(figure(r2, 3) for r2 in one["r2_each"])]
            for name, one in mean["latents"].items()
        ]
        table = Table(["encoder", "R2", "R2 by channel"], rows, "Latents beside the teacher's", left=(0, 2))
        sections.append(Section("Latents", [table]))
    sections.append(Section("Pictures", [vae_gallery(report, out)]))
    skipped = [Words(reason, "note") for reason in report["skipped"].values()]
    if skipped:
        sections.append(Section("Left out", skipped))
    lead = f"{counted(len(pictures), 'picture')} encoded and decoded by {len(report['rows'])} codecs; ours is {ours}."
    return Page(f"vae-test of {ours}", lead, sections, _vae_tiles(mean["rows"], ours))


def _vae_tiles(rows: Mapping[str, Mapping[str, Any]], ours: str) -> list[tuple[str, str, str]]:
    teacher, made = rows.get(TEACHER, {}), []
    for name, unit in (("psnr", " dB"), ("ssim", ""), ("haarpsi", ""), ("decode_ms", " ms")):
        if rows[ours].get(name) is not None:
            beside = f"{TEACHER} {figure(teacher[name])}" if teacher.get(name) is not None else ""
            made.append((QUALITY[name][0].removesuffix(", ms"), f"{figure(rows[ours][name])}{unit}", beside))
    return made


def vae_gallery(report: Mapping[str, Any], out: Path, most: int = SHOWN) -> Gallery:
    """Original and reconstructions with their errors, from the files that are there, the worst first."""
    folders, ours = [*report["pictures"]], report["ours"]
    errors = -np.array([report["pictures"][folder]["rows"][ours]["psnr"] for folder in folders], np.float64)
    files = {"the teacher": "sd_recon.png", "ours": "o_recon.png"}
    kept = {name: file for name, file in files.items() if all((out / folder / file).exists() for folder in folders)}
    rows = []
    for place, rank in ranked(errors, most):
        folder, name = folders[place], str(report["pictures"][folders[place]]["file"])
        original = read_picture(out / folder / "orig.png")
        cells: list[Picture | None] = [picture(original, f"original of {name}")]
        for title, file in kept.items():
            made = read_picture(out / folder / file)
            cells.append(picture(made, f"{name} by {title}", f"{figure(psnr(made, original))} dB"))
            cells.append(picture(error_map(made, original), f"error of {title}, {name}"))
        rows.append(Row(f"{rank}: {name}", cells))
    titles = ["original", *(title for name in kept for title in (name, "error"))]
    caption = (
        f"{len(rows)} of {counted(len(folders), 'picture')}, the worst of ours first, large ones made smaller. "
        f"White in an error map is {WHITE_ERROR} of 255 levels or more. The files in full size: {out.name}."
    )
    return Gallery(titles, rows, caption)


# ---------------------------------------------------------------- texts to pictures


class Drawn:
    """Keeps some pictures of `ola t2i-test` for its page: of each part the worst, and some up to the best."""

    def __init__(self, most: int = SHOWN) -> None:
        self.most = most
        self.galleries: dict[str, Gallery] = {}

    def __call__(self, part: str, captions: Sequence[str], pictures: Mapping[str, np.ndarray]) -> None:
        """Take the pictures of a part, by what drew them; `true pictures` are among them."""
        truth = pictures["true pictures"]
        errors = np.array([-psnr(one, true) for one, true in zip(pictures["set"], truth, strict=True)])
        shown = {"true": truth, **{name: each for name, each in pictures.items() if each is not truth}}
        rows = []
        for place, rank in ranked(errors, self.most):
            cells: list[Picture | None] = [
                picture(
                    each[place], f"{captions[place]}, {name}", "" if name == "true" else _decibels(each, truth, place)
                )
                for name, each in shown.items()
            ]
            rows.append(Row(f"{rank}: {captions[place]}", cells))
        caption = f"{len(rows)} of {counted(len(truth), 'picture')}, the worst of the set first. Figures are PSNR."
        self.galleries[part] = Gallery([*shown], rows, caption)


def _decibels(each: np.ndarray, truth: np.ndarray, place: int) -> str:
    return f"{figure(psnr(each[place], truth[place]))} dB"


def t2i_page(found: Mapping[str, Mapping[str, Mapping[str, float]]], drawn: Drawn, name: str) -> Page:
    """The page of `ola t2i-test`.

    Parameters
    ----------
    found : figures by part, then by what drew
    name : of the set
    """
    sections = []
    for part, rows in found.items():
        parts: list[Part] = [quality_table(rows, DRAWN, f"On {part} captions", "set")]
        if part in drawn.galleries:
            parts.append(drawn.galleries[part])
        sections.append(Section(part, parts))
    lead = f"What the set {name} draws of captions whose pictures are known, beside what needs no module."
    return Page(f"t2i-test of {name}", lead, sections)


# ---------------------------------------------------------------- latents beside a teacher's


def compare_latents_page(made: Comparison, module: Module, dataset: Dataset, name: str) -> Page:
    """The page of `ola compare`."""
    figures = made.figures
    whole = [(title, figure(figures[key])) for key, title in (("r2", "R2"), ("l2", "L2"), ("cosine", "cosine"))]
    columns = ("r2_each", "mean", "teacher_mean", "spread", "teacher_spread")
    rows = [[str(channel), *(figure(figures[key][channel]) for key in columns)] for channel in range(len(made.counts))]
    head = ["channel", "R2", "mean", "the data's", "spread", "the data's"]
    table = Table(head, rows, f"By channel, over {counted(figures['frames'], 'frame')}")
    peak = np.log1p(made.counts.max((1, 2), keepdims=True))
    shares = np.log1p(made.counts) / np.maximum(peak, 1)
    cells: list[Picture | None] = [
        picture(255 - grey(share.T[::-1]), f"ours over the data's value, channel {channel}", f"R2 {row[1]}")
        for channel, (share, row) in enumerate(zip(shares, rows, strict=True))
    ]
    bounds = [f"{figure(float(edges[0]), 3)} to {figure(float(edges[-1]), 3)}" for edges in made.edges]
    density = Gallery(
        [f"channel {channel}, {span}" for channel, span in enumerate(bounds)],
        [Row("Our value (upwards) over the data's (to the right)", cells)],
        "The darker, the more sites, on a logarithmic scale; equal values lie on the diagonal from the lower left.",
    )
    read = dataset.read(("frames", "latents", "rows"), made.worst)
    found = Answers(
        made.worst,
        figures["frames"],
        read["latents"],
        module.encode(read["frames"]),
        None,
        {"frames": read["frames"], "rows": read["rows"]},
    )
    worst = latent_gallery(found, dataset, find_decoder(module, None), len(made.worst))
    sections = [
        Section("Agreement", [Facts(whole), table, density]),
        Section("The worst frames", [worst]),
    ]
    lead = f"Latents of {name} beside those of the data, on {figures['split']} rows."
    return Page(f"Latents of {name}", lead, sections)
