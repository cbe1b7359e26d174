"""Pages of several searches: runs and seeds beside each other, pairs, and modules of folds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np

from olacore.errors import OlacoreError
from olacore.foreign.names import counted
from olacore.quality.psnr import psnr
from olacore.reports.answers import Answers, answers_of
from olacore.reports.asked import data_of, short_path
from olacore.reports.curves import together_charts
from olacore.reports.figures import COLUMNS, held_out_table, spread_table, verdict
from olacore.reports.images import picture
from olacore.reports.parts import Charts, Code, Fold, Gallery, Page, Part, Picture, Row, Section, Table, Words
from olacore.reports.pictures import label, ranked, told
from olacore.reports.run import Found, Run
from olacore.reports.run_page import Wishes, again_parts, asked_parts, curve_parts, lead, run_sections, tiles
from olacore.reports.usage import module_facts, shape_in_words, usage
from olacore.reports.words import NOTHING, duration, figure, size

# Runs whose pictures stand side by side.
ACROSS = 5
METRICS = ("loss", "r2", "psnr")


def plan_page(found: Found, wishes: Wishes) -> Page:
    """The page of a plan's searches: what it is about, as of a single run, and behind it the others."""
    first, *others = found.runs
    with data_of(first, wishes.h5) as data:
        sections = run_sections(first, data, wishes)
    if found.plan == "folds":
        named = {run.name: run for run in others}
        text = "Each was evolved without one part of the training samples, which it then answered."
        parts: list[Part] = [Words(text), runs_table(named, "Modules of the folds")]
        sections.append(Section("The folds", [*parts, Charts(together_charts(named, {}))] if others else [Words(text)]))
    for run in others if found.plan == "pair" else ():
        parts = [] if run.lines == first.lines else [*curve_parts(run, wishes)]
        if run.module:
            parts += [module_facts(run.module), *usage(run.module, short_path(run.path))]
        sections.insert(-1, Section(f"The {run.name} of the pair", parts))
    what = {"pair": "Pair", "folds": "Run with folds"}[found.plan]
    return Page(f"{what} {found.name}", lead(first), sections, tiles(first))


def compare_page(found: Sequence[Found], wishes: Wishes) -> Page:
    """The page of several runs."""
    runs = named_runs(found)
    groups = by_seed(runs)
    parts: list[Part] = [runs_table(runs, "All runs; figures are of held-out samples")]
    if (spread := spread_table({", ".join(names): [runs[one] for one in names] for names in groups})) is not None:
        parts.append(spread)
    digests = {run.digest for run in runs.values() if run.digest}
    if len(digests) > 1:
        parts.append(
            Words("The runs are of different data: their held-out figures are not of the same samples.", "note")
        )
    parts += [Words(f"{name}: {note}", "warning") for name, run in runs.items() for note in run.notes]
    sections = [Section("Results", parts)]
    with_logs = {name: run for name, run in runs.items() if run.lines}
    if with_logs and (charts := together_charts(with_logs, wishes.beside)):
        sections.append(Section("How the searches went", [Charts(charts)]))
    if wishes.pictures and (seen := pictures_of(runs, wishes)):
        sections.append(Section("Held-out samples", seen))
    sections.append(Section("Each run", [run_fold(name, run, wishes) for name, run in runs.items()]))
    seeds = len({run.config.get("seed") for run in runs.values()})
    text = f"{counted(len(runs), 'run')}, {counted(seeds, 'seed')}, of {counted(max(len(digests), 1), 'data set')}."
    return Page(f"{counted(len(runs), 'run')} compared", text, sections)


def named_runs(found: Sequence[Found]) -> dict[str, Run]:
    """All searches by names that tell them apart."""
    named: dict[str, Run] = {}
    for one in found:
        for run in one.runs:
            alone = len(one.runs) == 1 or run.name == one.name
            name = one.name if alone else run.name if len(found) == 1 else f"{one.name}/{run.name}"
            if name in named:
                name = str(run.path)
            while name in named:
                name += "'"
            named[name] = run
    return named


def by_seed(runs: Mapping[str, Run]) -> list[list[str]]:
    """Names of runs that differ by their seed alone."""
    groups: dict[str, list[str]] = {}
    for name, run in runs.items():
        asked = {key: value for key, value in run.asked.items() if key not in ("seed", "out", "resume", "force")}
        config = {key: value for key, value in run.config.items() if key != "seed"}
        groups.setdefault(json.dumps([asked, config], sort_keys=True), []).append(name)
    return [*groups.values()]


def runs_table(runs: Mapping[str, Run], caption: str) -> Table:
    """One row a run: what it is, and its figures."""
    known = {name: next(iter(run.held_out.values()), {}) for name, run in runs.items()}
    metrics = [name for name in METRICS if any(name in rows.get("module", {}) for rows in known.values())]
    head = [
        "run",
        "what",
        "strategy",
        "seed",
        "search",
        "generations",
        "validation R2",
        *(COLUMNS[m][0] for m in metrics),
    ]
    rows = []
    best = max((rows.get("module", {}).get("r2", -np.inf) for rows in known.values()), default=-np.inf)
    alike = len({(run.digest, run.kind) for run in runs.values()}) == 1
    strong = []
    for place, (name, run) in enumerate(runs.items()):
        ours, seconds = known[name].get("module", {}), run.series("seconds")
        closed = known[name].get("least_squares", {}).get("r2")
        rows.append(
            [
                name,
                shape_in_words(run.module) if run.module else f"{run.kind}, no module yet",
                str(run.config.get("strategy", NOTHING)),
                str(run.config.get("seed", NOTHING)),
                duration(seconds[-1][1]) if seconds else NOTHING,
                f"{int(seconds[-1][0]):,}" if seconds else NOTHING,
                figure(run.training.get("validation_r2")),
                *(figure(ours.get(metric)) for metric in metrics),
                figure(closed),
                size(run.module.nbytes()) if run.module else NOTHING,
            ]
        )
        if alike and ours.get("r2") == best:
            strong.append(place)
    legend = [COLUMNS[metric] for metric in metrics]
    legend.append(("least squares, R2", "best closed form of the same shape on the same samples"))
    legend += [("bold", "the best R2")] if strong else []
    return Table([*head, "least squares, R2", "file"], rows, caption, legend, strong, left=(0, 1, 2))


def run_fold(name: str, run: Run, wishes: Wishes) -> Fold:
    """A run of several, to open."""
    parts: list[Part] = [Words(lead(run))]
    for part, rows in run.held_out.items():
        parts += [*verdict(rows), held_out_table(rows, part)]
    parts += [*asked_parts(run), *curve_parts(run, wishes)]
    if run.module:
        parts += [module_facts(run.module), *usage(run.module, name)]
    again = [part for part in again_parts(run) if not isinstance(part, Code)]
    return Fold(name, [*parts, *again])


def pictures_of(runs: Mapping[str, Run], wishes: Wishes) -> list[Part]:
    """The same held-out pictures by several runs, those that are worst on average first."""
    answered: dict[str, Answers] = {}
    about: list[str] = []
    names: dict[int, str] = {}
    for name, run in runs.items():
        if run.module is None or "frames" not in run.module.view.target_fields or len(answered) == ACROSS:
            continue
        with data_of(run, wishes.h5) as data:
            if isinstance(data, str):
                about.append(f"{name}: {data}")
                continue
            try:
                one = answers_of(run.module, data, None)
            except OlacoreError as error:
                about.append(f"{name}: {error}")
                continue
            first = next(iter(answered.values()), one)
            same = np.array_equal(one.items, first.items) and one.truth.shape == first.truth.shape
            if one.module.dtype == np.uint8 and same:
                answered[name] = one
                names = names or {place: label(one, data, place) for place in range(len(one.items))}
    if len(answered) < 2:
        return [Words(text, "note") for text in about]
    first = next(iter(answered.values()))
    figures = {
        name: [psnr(a, b) for a, b in zip(one.module, first.truth, strict=True)] for name, one in answered.items()
    }
    rows = []
    for place, rank in ranked(-np.mean([*figures.values()], axis=0), wishes.pictures):
        cells: list[Picture | None] = [picture(first.truth[place], f"original of {names[place]}")]
        cells += [
            picture(one.module[place], f"{names[place]} by {name}", f"{figure(figures[name][place])} dB")
            for name, one in answered.items()
        ]
        rows.append(Row(f"{rank}: {names[place]}", cells))
    more = f" At most {ACROSS} runs are shown." if len(answered) == ACROSS else ""
    caption = f"{told(first, len(rows))} Figures are PSNR.{more}"
    return [*(Words(text, "note") for text in about), Gallery(["original", *answered], rows, caption)]
