"""The page of one run: what was asked, how the search went, what came out, and how to use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from olacore.data import SPLITS, Dataset
from olacore.errors import OlacoreError
from olacore.foreign.names import counted
from olacore.reports.asked import command_of, data_of, short_path
from olacore.reports.charts import Points
from olacore.reports.curves import floors, loss_charts, state_charts
from olacore.reports.figures import held_out_table, verdict
from olacore.reports.parts import Charts, Code, Facts, Page, Part, Section, Words
from olacore.reports.pictures import SHOWN, missing, sample_parts
from olacore.reports.run import Run
from olacore.reports.usage import module_facts, outputs_in_words, usage
from olacore.reports.words import duration, figure, size
from olacore.search.advice import LEAST_R2

STOPPED = {
    "time": "its time was over",
    "generations": "its generations were over",
    "passes": "its passes over the data were over",
    "loss": "it reached the loss that was asked for",
    "frozen": "the validation loss no longer improved",
    "interrupted": "it was interrupted, and can be resumed",
}
# Share by which a validation loss falls, over so many reports at least, below which its curve looks flat.
FLAT, LEAST_REPORTS = 0.01, 3
OLD = "This run was made by a version that did not write down what was asked; these settings decided the search."


@dataclass(frozen=True)
class Wishes:
    """What a user wants of a report.

    Parameters
    ----------
    h5 : data files, in place of those that the run names
    decoder : that shows latents as pictures
    beside : what is known beside the search, see `known_beside`
    pictures : items that are shown; 0 for none
    """

    h5: Sequence[Path] = ()
    decoder: str | None = None
    beside: Mapping[str, float | Points] = field(default_factory=dict)
    pictures: int = SHOWN


def run_page(run: Run, title: str, wishes: Wishes) -> Page:
    """The page of a single search."""
    with data_of(run, wishes.h5) as data:
        sections = run_sections(run, data, wishes)
    return Page(title, lead(run), sections, tiles(run))


def run_sections(run: Run, data: Dataset | str, wishes: Wishes) -> list[Section]:
    """All that there is to say of a search.

    Parameters
    ----------
    data : as `data_of` gives them
    """
    sections = [
        Section("Result", result_parts(run)),
        Section("How the search went", curve_parts(run, wishes)),
        Section("Held-out samples", picture_parts(run, data, wishes)),
        Section("What was asked", asked_parts(run)),
        Section("Data", data_parts(run, data)),
        Section("The module, and how to use it", module_parts(run)),
        Section("Make it again", again_parts(run)),
    ]
    return [section for section in sections if section.parts]


def lead(run: Run) -> str:
    """A sentence on what it is and how it ended."""
    what = f"{outputs_in_words(run.module)}" if run.module else f"a {run.kind}; there is no module yet"
    generations = f"{counted(int(run.lines[-1]['generation']), 'generation')}" if run.lines else "no generation yet"
    seconds = run.series("seconds")
    took = f", {duration(seconds[-1][1])} of search" if seconds else ""
    return f"{what[:1].upper()}{what[1:]}. {generations}{took}{ending(run)}."


def ending(run: Run) -> str:
    """How a search ended."""
    if run.stopped in STOPPED:
        return f"; it ended because {STOPPED[run.stopped]}"
    if run.baselines is None and run.config:
        return "; it goes on, or was killed"
    return ""


def tiles(run: Run) -> list[tuple[str, str, str]]:
    """The few figures that matter most."""
    made = []
    for part, rows in list(run.held_out.items())[:2]:
        name = "Held-out" if part == "held-out" else part
        ours, others = (
            rows.get("module", {}),
            {row: rows[row] for row in ("least_squares", "mean", "teacher") if row in rows},
        )
        for metric, title, unit in (("r2", "R2", ""), ("psnr", "PSNR", " dB")):
            if metric in ours:
                shown = [
                    f"{row.replace('_', ' ')} {figure(each[metric])}" for row, each in others.items() if metric in each
                ]
                made.append((f"{name} {title}", f"{figure(ours[metric])}{unit}", ", ".join(shown)))
    if not made and (points := run.series("best_validation_r2")):
        made.append(("Validation R2", figure(points[-1][1]), "the best so far"))
    if run.module:
        made.append(("Module", size(run.module.nbytes()), f"{run.module.parameters:,} weights and biases"))
    if seconds := run.series("seconds"):
        made.append(("Search", duration(seconds[-1][1]), counted(int(seconds[-1][0]), "generation")))
    return made


def result_parts(run: Run) -> list[Part]:
    """What came out, in words and figures."""
    parts: list[Part] = [Words(note, "warning") for note in run.notes]
    for part, rows in run.held_out.items():
        parts += [*verdict(rows), held_out_table(rows, part)]
    if not run.held_out:
        if run.module is None:
            parts.append(Words("There is no module yet: the search goes on, or was killed before its end.", "note"))
        elif run.stopped == "interrupted" or (run.baselines is None and run.config and run.config["module"] != "pair"):
            parts.append(Words("Held-out figures are made at the end of a run; this one has not come to it.", "note"))
        else:
            parts.append(Words("This module has no held-out figures of its own.", "note"))
    if run.module and "validation_loss" in run.training:
        told = run.training
        found = f"On validation samples: {told.get('loss')} {figure(told['validation_loss'])}"
        parts.append(Words(f"{found}, R2 {figure(told.get('validation_r2'))}. They chose which candidate was kept."))
    return parts


def curve_parts(run: Run, wishes: Wishes) -> list[Part]:
    """Curves, and what they are beside."""
    charts = [*loss_charts(run, wishes.beside), *state_charts(run)]
    if not charts:
        return [Words("There is no log of this search.", "note")] if run.config else []
    known = floors(run)
    if known:
        text = "Losses are in the units of the targets. Mean and least squares are of the same validation samples."
    else:
        text = f"Losses are in the units of the targets. Mean and least squares have no {run.loss} of their own."
    return [Words(text), *flat_curve(run), Charts(charts)]


def flat_curve(run: Run) -> list[Part]:
    """Words on a validation loss that hardly moves: what there was to learn was learnt before the first report."""
    losses, r2 = run.series("validation_loss"), run.series("best_validation_r2")
    if len(losses) < LEAST_REPORTS or not r2 or r2[-1][1] < LEAST_R2:
        return []
    (at, first), best = losses[0], min(loss for _, loss in losses)
    if not best > (1 - FLAT) * first:
        return []
    return [
        Words(
            f"The validation loss is flat: from the first report, after {counted(int(at), 'generation')}, to the best "
            f"one it fell by {100 * (1 - best / first):.2g} %. What there was to learn was learnt before that report."
        )
    ]


def picture_parts(run: Run, data: Dataset | str, wishes: Wishes) -> list[Part]:
    """What the module makes of held-out samples."""
    if run.module is None or not wishes.pictures:
        return []
    if isinstance(data, str):
        return [Words(data, "note")]
    try:
        return sample_parts(run, data, wishes.decoder, wishes.pictures)
    except OlacoreError as error:
        return [missing(error)]


def asked_parts(run: Run) -> list[Part]:
    """The command, and where it ran."""
    parts: list[Part] = []
    began = run.began
    parts.append(Code(command_of(run.asked)) if began.get("asked") else Words(OLD, "note"))
    names = ("strategy", "loss", "seed", "population", "block", "weights")
    items = [(name, str(run.config[name])) for name in names if run.config.get(name) is not None]
    options = {**(run.training.get("options") or {}), **(run.config.get("options") or {})}
    items += [
        (f"option {name}", figure(value) if isinstance(value, float) else str(value)) for name, value in options.items()
    ]
    if items:
        parts.append(Facts(items))
    places = []
    for one in run.sessions:
        if one["event"] == "began" and (place := _place(one)) not in places:
            places.append(place)
    parts += [Facts(place) for place in places]
    return parts


def _place(session: Mapping[str, Any]) -> list[tuple[str, str]]:
    machine, versions = session.get("machine", {}), session.get("versions", {})
    memory = f", {figure(machine['memory_gb'], 3)} GB" if isinstance(machine.get("memory_gb"), float) else ""
    return [
        ("began", _date(str(session.get("at", "")))),
        ("machine", f"{machine.get('processor', '?')}, {machine.get('cores', '?')} cores{memory}"),
        ("system", str(machine.get("system", "?"))),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]


def _date(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return text


def data_parts(run: Run, data: Dataset | str) -> list[Part]:
    """What was learnt from."""
    asked = run.asked.get("h5")
    items = []
    if isinstance(asked, list):
        items.append(("files", ", ".join(short_path(path) for path in asked)))
    if run.digest:
        items.append(("digest", run.digest[:16]))
    if isinstance(data, Dataset):
        counts = {split: len(data.indices(split)) for split in SPLITS}
        items.append(("rows", ", ".join(f"{count:,} {split}" for split, count in counts.items())))
        sources = {split: sum(source.split == split for source in data.sources) for split in SPLITS}
        if any(sources.values()):
            items.append(("sources", ", ".join(f"{count:,} {split}" for split, count in sources.items())))
        if data.size:
            items.append(("pictures", f"{data.size[1]} x {data.size[0]} pixels"))
        if data.space:
            items.append(("latents of", f"{data.space.maker}, {data.space.channels} channels"))
        if data.inputs:
            items.append(("numbers", f"{data.inputs:,} inputs, {data.outputs:,} targets"))
    if "rows" in run.training:
        items.append(("training samples", f"{run.training['rows']:,}"))
    if run.module:
        licences = run.training.get("licences") or []
        items.append(("licences", ", ".join(map(str, licences)) if licences else "the data name none"))
    parts: list[Part] = [Facts(items)] if items else []
    if isinstance(data, str) and run.module is None:
        parts.append(Words(data, "note"))
    return parts


def module_parts(run: Run) -> list[Part]:
    """What the module is, and the lines that use it."""
    if run.module is None:
        return []
    return [module_facts(run.module), *usage(run.module, short_path(run.path))]


def again_parts(run: Run) -> list[Part]:
    """How to make the same module."""
    if not run.began.get("asked"):
        return []
    fixed = any(run.asked.get(name) for name in ("generations", "passes")) or run.stopped in ("generations", "passes")
    same = (
        "With the same data, versions and kind of processor the file has the same bytes, with any number of threads."
        if fixed
        else "A run that ends by time or by freezing does not end at exactly the same generation; "
        f"--generations {int(run.lines[-1]['generation']) if run.lines else 'N'} in place of its limit does."
    )
    return [
        Words(f"{same} The data are known by the digest above; `ola inspect` shows that of a file."),
        Code(command_of(run.asked)),
    ]
