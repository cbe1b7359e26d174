"""Held-out samples to look at: pictures and latents side by side with their errors, numbers as predicted over true."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from olacore import pretrained
from olacore.data import Dataset
from olacore.errors import OlacoreError
from olacore.foreign.names import counted
from olacore.media.contact_sheet import false_colours
from olacore.modules.module import Module, load
from olacore.pretrained.catalogue import decoder_of
from olacore.quality.psnr import psnr
from olacore.quality.vae_test.figure import WHITE_ERROR, error_map
from olacore.reports.answers import Answers, answers_of
from olacore.reports.charts import scatter
from olacore.reports.images import grey, picture
from olacore.reports.parts import Charts, Gallery, Part, Picture, Row, Table, Words
from olacore.reports.run import Run
from olacore.reports.words import figure, ordinal
from olacore.spaces import accepts

# Items on a page; half of them the worst, the others evenly spread over the rest.
SHOWN = 8
# Error of a latent in spreads of the data's that shows as white, root mean square over channels.
WHITE_SPREADS = 2.0
# Plots of outputs, the worst first, and samples in each.
OUTPUTS, SAMPLES = 6, 500
TINY = 1e-6
LATENTS = ("the data's latent", "the module's")


def sample_parts(run: Run, dataset: Dataset, decoder: str | None = None, most: int = SHOWN) -> list[Part]:
    """What a module makes of held-out samples.

    Parameters
    ----------
    decoder : that shows latents as pictures, a file or a name; by default one that is shipped for them, if any is
    most : items that are shown

    Raises
    ------
    OlacoreError  one of its kinds, if module and data do not belong together, or a decoder that is named does not fit
    """
    assert run.module is not None
    found = answers_of(run.module, dataset, run.baselines)
    if found.module.dtype == np.uint8:
        return [picture_gallery(found, dataset, run.kind, most)]
    if found.module.ndim == 4:
        return [latent_gallery(found, dataset, find_decoder(run.module, decoder), most)]
    return number_parts(found, dataset, most)


def ranked(errors: np.ndarray, most: int) -> list[tuple[int, str]]:
    """Places of the items to show, the worst first, and what each is called."""
    order, count = np.argsort(-errors, kind="stable"), len(errors)
    worst = min(count, most // 2 if count > most else most)
    rest = np.linspace(worst, count - 1, most - worst).round().astype(int) if count > most else ()
    ranks = [*range(worst), *dict.fromkeys(int(rank) for rank in rest)]
    names = {count - 1: f"Best of {count}", 0: "Worst"}
    return [(int(order[rank]), names.get(rank, f"{ordinal(rank + 1)} worst")) for rank in ranks]


def picture_gallery(found: Answers, dataset: Dataset, kind: str, most: int) -> Gallery:
    """Pictures: what is true, what else there is, what the module made, and its error."""
    errors = -np.array([psnr(ours, true) for ours, true in zip(found.module, found.truth, strict=True)])
    given = (
        found.shown.get("recon") if found.truth.shape[1:] == found.shown.get("recon", np.empty(0)).shape[1:] else None
    )
    columns = {
        "original": found.truth,
        "to be refined" if kind == "refiner" else "the teacher's decoding": given,
        "least squares": found.closed,
        f"the {kind}": found.module,
    }
    shown = {name: pictures for name, pictures in columns.items() if pictures is not None}
    rows = []
    for place, rank in ranked(errors, most):
        about, true = label(found, dataset, place), found.truth[place]
        cells: list[Picture | None] = []
        for name, pictures in shown.items():
            note = "" if name == "original" else f"{figure(psnr(pictures[place], true))} dB"
            cells.append(picture(pictures[place], f"{name} of {about}", note))
        cells.append(picture(error_map(found.module[place], true), f"error of the {kind}, {about}"))
        rows.append(Row(f"{rank}: {about}", cells))
    caption = (
        f"{told(found, len(rows))} Figures are PSNR. The last column is the error of the {kind}, mean of red, green "
        f"and blue: black is none, white {WHITE_ERROR} of 255 levels or more."
    )
    return Gallery([*shown, "error"], rows, caption)


def latent_gallery(found: Answers, dataset: Dataset, decoder: Module | None, most: int) -> Gallery:
    """Latents as false colours, the error between them, and both as pictures where there is a decoder."""
    truth, ours = found.truth.astype(np.float32), found.module.astype(np.float32)
    spread = np.maximum(truth.std((0, 2, 3)), TINY)[:, None, None]
    errors = np.square((ours - truth) / spread).mean((1, 2, 3))
    chosen = ranked(errors, most)
    places = [place for place, _ in chosen]
    colours = np.split(false_colours(np.concatenate([truth[places], ours[places]])), 2)
    titles = [*LATENTS, "error"]
    frames = found.shown.get("frames")
    if frames is not None:
        titles.insert(0, "picture")
    if decoder is not None:
        titles += ["the data's, decoded", "the module's, decoded"]
    rows = []
    for number, (place, rank) in enumerate(chosen):
        about, share = label(found, dataset, place), float(errors[place])
        cells: list[Picture | None] = []
        if frames is not None:
            cells.append(picture(frames[place], f"picture, {about}"))
        cells += [picture(each[number], f"{title}, {about}") for each, title in zip(colours, LATENTS, strict=True)]
        missed = np.sqrt(np.square((ours[place] - truth[place]) / spread).mean(0))
        cells.append(picture(grey(missed / WHITE_SPREADS), f"error, {about}", f"L2 {figure(share)}"))
        if decoder is not None:
            for latents, title in ((truth, "data's"), (ours, "module's")):
                cells.append(picture(decoder.decode(latents[place]), f"the {title} latent decoded, {about}"))
        rows.append(Row(f"{rank}: {about}", cells))
    caption = (
        f"{told(found, len(rows))} Latents are shown by their three main components as red, green and blue. White in "
        f"an error map is {WHITE_SPREADS:g} spreads of the latents or more. L2: squared error over their variance."
    )
    return Gallery(titles, rows, caption)


def number_parts(found: Answers, dataset: Dataset, most: int) -> list[Part]:
    """Numbers: predicted over true, the outputs that are explained least first."""
    truth, ours = (part.reshape(len(part), -1).astype(np.float64) for part in (found.truth, found.module))
    left = np.square(ours - truth).sum(0) / np.maximum(np.square(truth - truth.mean(0)).sum(0), TINY)
    order = np.argsort(-left, kind="stable")
    some = np.unique(np.linspace(0, len(truth) - 1, min(SAMPLES, len(truth))).round().astype(int))
    plots = [
        scatter(f"Output {output}, R2 {figure(1 - left[output])}", truth[some, output], ours[some, output])
        for output in order[:OUTPUTS].tolist()
    ]
    outputs = truth.shape[1]
    first = f", the {len(plots)} of {outputs} outputs that are explained least" if outputs > len(plots) else ""
    text = f"Predicted over true values of {counted(len(some), 'sample')} of {found.count:,} held-out ones{first}."
    parts: list[Part] = [Words(f"{text} On the dashed line they would be equal."), Charts(plots)]
    if "captions" in found.shown:
        errors = np.square(ours - truth).mean(1) / max(float(truth.var()), TINY)
        rows = [[label(found, dataset, place), figure(errors[place])] for place, _ in ranked(errors, most)]
        parts.append(Table(["text", "L2"], rows, "Texts, the worst first", left=(0,)))
    return parts


def find_decoder(module: Module, reference: str | None) -> Module | None:
    """A decoder of the latents that a module answers: the one that is named, or one that is shipped.

    Raises
    ------
    OlacoreError  one of its kinds, if one that is named cannot be read
    """
    if reference is not None:
        return load(reference)
    spaces = [space for space in (module.imitates, module.makes, module.space) if space is not None]
    if name := decoder_of(*spaces):
        return load(name)
    for name in pretrained.sets():
        path = Path(pretrained.FOLDER) / name / "decoder.safetensors"
        if path.exists():
            decoder = load(path)
            if decoder.reads is not None and any(accepts(decoder.reads, space) for space in spaces):
                return decoder
    return None


def label(found: Answers, dataset: Dataset, place: int) -> str:
    """What an item is called: its caption, or its source and its row."""
    item = int(found.items[place])
    if "captions" in found.shown:
        caption: bytes = found.shown["captions"][place]
        return caption.decode("utf-8", "replace")
    if "rows" in found.shown:
        return f"{dataset.sources[found.shown['rows'][place]['source']].name}, row {item}"
    return f"row {item}"


def told(found: Answers, shown: int) -> str:
    """Which items there are to see."""
    looked = len(found.items)
    among = f"{looked} of {found.count:,}" if looked < found.count else f"all {looked}"
    rest = " then some spread evenly up to the best." if shown < looked else ""
    return f"{shown} of {among} held-out items, the worst first{',' if rest else '.'}{rest}"


def missing(error: OlacoreError) -> Words:
    """Why there is nothing to see."""
    return Words(f"There are no samples to look at: {error}", "note")
