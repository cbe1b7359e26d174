"""`ola eval`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from olacore.commands.options import ANY_MODULE, DECODER, FILE, data_sets, skip_nonfinite, split
from olacore.commands.say import print_json
from olacore.commands.show import print_figures


@click.command("eval")
@click.argument("modules", type=ANY_MODULE, nargs=-1, required=True)
@data_sets
@split
@click.option("--text-from", type=FILE, help="A text module that makes the embeddings, as of `ola train`.")
@click.option("--pictures-from", type=DECODER, help="The decoder whose pictures are refined, as of `ola train`.")
@skip_nonfinite
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; with several modules, one a line.")
def evaluate(
    modules: Sequence[Path],
    h5: Sequence[Path],
    split: str,
    text_from: Path | None,
    pictures_from: Path | None,
    skip_nonfinite: bool,
    as_json: bool,
) -> None:
    """Measure modules on held-out rows, beside simple baselines. They are least squares of the same shape and the mean.

    Parts of the rows that have names, such as concept-held-out, are measured apart.
    """
    from olacore.data import open_dataset
    from olacore.modules.find import find
    from olacore.modules.module import load
    from olacore.quality.evaluation import baselines_beside, evaluate_parts, joined
    from olacore.search.plans.base import decoded, embedded

    for path in map(find, modules):
        module = load(path)
        with open_dataset(h5) as file:
            dataset = file if text_from is None else embedded(file, text_from)
            dataset = dataset if pictures_from is None else decoded(dataset, pictures_from)
            parts = evaluate_parts(module, dataset, baselines_beside(path, module), split, skip_nonfinite)
        if as_json:
            print_json(joined(parts), indent=None)
            continue
        for part, figures in parts.items():
            print_figures(figures, f"{path} on {part} rows")
