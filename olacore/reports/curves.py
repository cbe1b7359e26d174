"""How a search went, as charts: loss beside what is known, trust, steps, hidden units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from statistics import median

from olacore.errors import ConfigError, FileFormatError
from olacore.reports.charts import Chart, Curve, Level, Points, chart, worth_logarithm
from olacore.reports.run import Run
from olacore.search.run_log import read_lines

OVERS = {"seconds": "seconds of search", "generation": "generations"}
STEPS = {
    "step": ("Step size of the affine map", "usual step of a row, in spreads of what it answers"),
    "moved": ("Step size", "what the latest step changed, as a share of the weights' length"),
}
MOST_LEVELS = 4
DASHES = {"mean": "dotted", "least squares": "dashed"}


def floors(run: Run) -> dict[str, float]:
    """Losses on the run's validation samples that its own are beside: `mean` and `least squares`.

    Only a search of squared errors has them. That of the mean follows from the log, since R2 is 1 - loss / variance.
    """
    if run.loss != "mse":
        return {}
    found = {}
    pairs = [(loss, r2) for (_, loss), (_, r2) in _together(run, "validation_loss", "validation_r2") if r2 < 1]
    if pairs:
        found["mean"] = median(loss / (1 - r2) for loss, r2 in pairs)
    if run.baselines is not None and isfinite(run.baselines.validation_loss):
        found["least squares"] = run.baselines.validation_loss
    return found


def known_beside(given: Sequence[str]) -> dict[str, float | Points]:
    """What a user knows beside the search, as NAME=LOSS or NAME=FILE, a file of lines like those of a log.

    Raises
    ------
    ConfigError  if it is neither
    FileFormatError  if such a file is damaged, or has no line with `seconds` and `validation_loss`
    """
    found: dict[str, float | Points] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not (name and equals and value):
            raise ConfigError(f"{one!r} is nothing to show beside the search; write backprop=0.0123 or backprop=LOG.")
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = _points(Path(value))
    return found


def _points(path: Path) -> Points:
    if not path.exists():
        raise ConfigError(f"{path} is neither a number nor a file.")
    lines = read_lines(path)
    for line in lines:
        if isinstance(line, FileFormatError):
            raise line
    run = Run("", path, {}, [line for line in lines if isinstance(line, dict)])
    if not (points := run.series("validation_loss", "seconds")):
        raise FileFormatError(f"{path} has no line with seconds and validation_loss.")
    return points


def loss_charts(run: Run, beside: Mapping[str, float | Points]) -> list[Chart]:
    """The loss over seconds and over generations, beside all that is known."""
    levels = [Level(f"{name} (validation)", value, DASHES[name]) for name, value in floors(run).items()]
    levels += [Level(name, value, "mixed", number) for number, name, value in _levels(beside)]
    made = []
    for over, title in OVERS.items():
        best = run.series("best_validation_loss", over)
        now = run.series("validation_loss", over)
        curves = [
            Curve("validation, best so far", best),
            # Where every report was the best one, the two are one.
            *([] if best == now else [Curve("validation, at each report", now, 4, dash="dotted")]),
            Curve("training block", run.series("loss", over), 1),
        ]
        if over == "seconds":
            curves += [
                Curve(name, points, number, dash="mixed")
                for number, (name, points) in enumerate(beside.items(), 2)
                if not isinstance(points, float)
            ]
        logarithmic = _scales(curves, levels)
        made.append(
            chart(
                f"Loss over {title}",
                curves,
                title,
                f"{run.loss}, targets' units",
                levels,
                logarithmic,
                near=over != "seconds",
            )
        )
    return [one for one in made if one]


def state_charts(run: Run) -> list[Chart]:
    """Trust, steps, proposals that were kept, hidden units; as far as the log has them."""
    made: list[Chart | None] = []
    title, trust = OVERS["generation"], run.quantiles()
    if len({tuple(values) for _, values in trust}) > 1:
        low, middle, high = ([(at, values[place]) for at, values in trust] for place in range(3))
        curves = [Curve("least to most", low, upper=high), Curve("median", middle)]
        made.append(chart("Trust", curves, title, "trust of genomes, 0 to 1", y_zero=True))
    for name, (what, unit) in STEPS.items():
        points = [point for point in run.series(name) if point[1] > 0]
        scales = (worth_logarithm(at for at, _ in points), worth_logarithm(value for _, value in points))
        made.append(chart(what, [Curve("", points)], title, unit, logarithmic=scales))
    if any(count for _, count in run.series("units")):
        curves = [Curve("hidden units", run.series("units"), stairs=True)]
        curves.append(Curve("replaced so far", run.series("replaced"), 1, stairs=True))
        made.append(chart("Units grown and replaced", curves, title, "units", y_zero=True))
    accepted = run.series("accepted")
    if len({value for _, value in accepted}) > 1:
        made.append(chart("Proposals kept", [Curve("", accepted)], title, "share, 0 to 1", y_zero=True))
    return [one for one in made if one]


def together_charts(runs: Mapping[str, Run], beside: Mapping[str, float | Points]) -> list[Chart]:
    """Validation losses of several runs; as shares of the mean's where their targets differ."""
    alike = len({(run.loss, run.digest, run.kind) for run in runs.values()}) == 1
    first = next(iter(runs.values()))
    levels: list[Level] = []
    if alike:
        known = {name: floors(run) for name, run in runs.items()}
        if means := [each["mean"] for each in known.values() if "mean" in each]:
            levels.append(Level("mean (validation)", median(means), DASHES["mean"]))
        # Modules of one shape share their least squares; a stack's has other data to answer from.
        apart: dict[str, tuple[int, str, float]] = {}
        for number, (name, each) in enumerate(known.items()):
            if (value := each.get("least squares")) is not None:
                apart.setdefault(f"{value:.2g}", (number, name, value))
        for number, name, value in [*apart.values()][:MOST_LEVELS]:
            whose = f", as of {name}" if len(apart) > 1 else ""
            levels.append(
                Level(f"least squares (validation){whose}", value, DASHES["least squares"], number if whose else -1)
            )
        levels += [Level(name, value, "mixed", len(runs) + number) for number, name, value in _levels(beside)]
    else:
        levels.append(Level("mean", 1.0, "dotted"))
    made = []
    for over, title in OVERS.items():
        curves = []
        for number, (name, run) in enumerate(runs.items()):
            points = run.series("best_validation_loss" if alike else "best_validation_r2", over)
            points = points if alike else [(at, 1 - r2) for at, r2 in points]
            curves.append(Curve(name, points, number, dash=("", "dashed", "dotted")[number // 8 % 3]))
        what = f"{first.loss}, targets' units" if alike else "1 - R2: share of the variance that is left"
        kind = "Validation loss" if alike else "What is left of the variance"
        made.append(
            chart(f"{kind} over {title}", curves, title, what, levels, _scales(curves, levels), near=over != "seconds")
        )
    return [one for one in made if one]


def _scales(curves: Sequence[Curve], levels: Sequence[Level]) -> tuple[bool, bool]:
    points = [point for curve in curves for point in curve.points]
    heights = [*(y for _, y in points), *(level.value for level in levels)]
    return worth_logarithm(x for x, _ in points), worth_logarithm(heights, 1)


def _levels(beside: Mapping[str, float | Points]) -> list[tuple[int, str, float]]:
    return [(number, name, value) for number, (name, value) in enumerate(beside.items(), 2) if isinstance(value, float)]


def _together(run: Run, *names: str) -> list[tuple[tuple[float, float], ...]]:
    found = [dict(run.series(name)) for name in names]
    shared = [at for at in found[0] if all(at in one for one in found[1:])]
    return [tuple((at, one[at]) for one in found) for at in shared]
