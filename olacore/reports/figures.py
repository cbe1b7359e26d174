"""Tables of quality, with a legend, and what they say in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from olacore.reports.parts import Table, Words
from olacore.reports.run import Run
from olacore.reports.words import NOTHING, figure

Figures = Mapping[str, Mapping[str, float]]
COLUMNS = {
    "loss": ("mse", "mean squared error in the units of the targets; lower is better"),
    "r2": ("R2", "share of the targets' variance that is explained: 1 is perfect, 0 is the mean; 1 - L2"),
    "l2": ("L2", "squared error over the targets' variance; lower is better"),
    "cosine": ("cosine", "of the angle between answer and target, mean over items; 1 is perfect"),
    "cosine_centered": ("cosine, centred", "the same after the training mean was taken away from both"),
    "psnr": ("PSNR", "peak signal-to-noise ratio of pictures in dB, mean over them; higher is better"),
}
ROWS = {
    "module": "what was evolved",
    "least_squares": "best closed form of the same shape, fitted to the same training samples; never the result",
    "mean": "the mean of the training targets, whatever the inputs",
    "teacher": "the large network's own decoding, which the data hold",
}


def held_out_table(figures: Figures, part: str) -> Table:
    """The figures of a module and of what it is beside on one part of the data."""
    names = [name for name in COLUMNS if any(name in row for row in figures.values())]
    rows = [[row.replace("_", " "), *(figure(values.get(name)) for name in names)] for row, values in figures.items()]
    legend = [(row.replace("_", " "), ROWS[row]) for row in figures if row in ROWS]
    legend += [COLUMNS[name] for name in names]
    strong = [place for place, row in enumerate(figures) if row == "module"]
    caption = f"On {part} samples, of which the search saw nothing" if "held-out" in part else f"On {part} samples"
    return Table(["", *(COLUMNS[name][0] for name in names)], rows, caption, legend, strong)


def verdict(figures: Figures) -> list[Words]:
    """What held-out figures say, and a warning where a module is no better than what needs none."""
    r2 = {row: values["r2"] for row, values in figures.items() if "r2" in values}
    if "module" not in r2:
        return []
    ours = r2["module"]
    if ours <= r2.get("mean", 0):
        sentence = "The module is no better than the mean of the targets: it learnt nothing that holds on new data."
        return [Words(sentence, "warning")]
    told = f"The module explains {ours:.1%} of the variance of targets that it never saw"
    if (closed := r2.get("least_squares")) is not None:
        gap = ours - closed
        if abs(gap) < 0.002:
            told += ", as much as least squares of the same shape"
        else:
            told += f", {abs(gap) * 100:.1f} points {'more' if gap > 0 else 'less'} than least squares of its shape"
    return [Words(f"{told}.")]


def spread_table(groups: Mapping[str, Sequence[Run]]) -> Table | None:
    """Median, least and most of runs that differ by their seed alone; None where there are no two such."""
    rows = []
    for name, runs in groups.items():
        if len(runs) < 2:
            continue
        for metric in ("loss", "r2", "psnr"):
            values = [
                row["module"][metric]
                for run in runs
                for row in list(run.held_out.values())[:1]
                if metric in row.get("module", {})
            ]
            if len(values) > 1:
                cells = (median(values), min(values), max(values), max(values) - min(values))
                rows.append([name, COLUMNS[metric][0], str(len(values)), *map(figure, cells)])
    if not rows:
        return None
    head = ["runs", "held-out", "seeds", "median", "least", "most", "spread"]
    return Table(
        head,
        rows,
        "How much the seed matters, where nothing else differs",
        [("spread", "most less least")],
        left=(0, 1),
    )


def last(points: Sequence[tuple[float, float]]) -> str:
    """The last value of a curve."""
    return figure(points[-1][1]) if points else NOTHING
