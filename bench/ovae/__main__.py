"""python -m bench.ovae --data DIR --out FILE: every figure of the organic VAE, from the modules' training on.

What was done before is kept in the work folder, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.common import RESULTS
from bench.ovae import PARTS
from olacore.errors import OlacoreError

PATH = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--data", type=FOLDER, required=True, help="Folder of the data sets; missing ones are made.")
@click.option("--out", type=PATH, help="The report; otherwise bench/results/DATE-ovae.json.")
@click.option("--work", type=FOLDER, help="Keeps runs, cells and pictures; otherwise DATA/ovae.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only these; otherwise all.")
@click.option("--recipe", "names", multiple=True, help="Only these recipes, such as codec4-pair.")
@click.option("--space", "spaces", multiple=True, help="Only these latent spaces: sd15, sdxl, sd3.")
@click.option("--photos", type=FOLDER, help="Photographs; otherwise those of the development machine.")
@click.option("--models", type=FOLDER, help="Folder with the teachers; otherwise those of the development machine.")
@click.option("--preview-network", "preview", type=PATH, help="Weights of the web interface's preview network.")
@click.option("--pretrained", type=FOLDER, help="Gets modules and cards; otherwise the package.")
@click.option("--rate", "rates", type=float, multiple=True, help="Only these learning rates of backprop.")
@click.option("--seeds", default=1, show_default=True, help="Of the comparison with backprop.")
@click.option("--threads", type=int, default=2, show_default=True, help="Of everything but backprop.")
@click.option("--generations", type=click.IntRange(1), help="Instead of the recipes' own, for a trial.")
def main(
    data: Path,
    out: Path | None,
    work: Path | None,
    photos: Path | None,
    models: Path | None,
    preview: Path | None,
    **asked: Any,
) -> None:
    """Make the modules of the organic VAE, and measure everything about them."""
    from bench.common.datasets import MODELS, PHOTOS
    from bench.common.report import dated
    from bench.ovae.command import run
    from bench.ovae.workspace import Workspace

    workspace = Workspace(data, work or data / "ovae", photos or PHOTOS, models or MODELS, preview)
    try:
        run(workspace, out or RESULTS / f"{dated('ovae')}.json", **asked)
    except OlacoreError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
