"""python -m bench.drawn make FOLDER, judge FOLDER and study --out FOLDER: the drawn set, see `bench.drawn`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from bench.common import RESULTS
from olacore.errors import OlacoreError

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
SIZE = click.option("--size", default=64, show_default=True, help="Side of the pictures, a multiple of 8.")
COUNT = click.option("--count", default=3000, show_default=True, help="Captions; 31590 are all.")
SEED = click.option("--seed", default=0, show_default=True, help="Of what is drawn and of what is held out.")

STYLES = click.option("--styles", is_flag=True, help="Each picture is filled or outlined.")


@click.group()
def main() -> None:
    """Captioned pictures of shapes, and an exact judge of what a picture shows."""


@main.command()
@click.argument("folder", type=FOLDER)
@SIZE
@COUNT
@SEED
@STYLES
def make(folder: Path, size: int, count: int, seed: int, styles: bool) -> None:
    """Draw a set into FOLDER: pictures/ and captions.csv, which has their captions and parts, and styles if any."""
    from bench.drawn import folder as drawn

    parts = drawn.make(folder, size, count, seed, styles)
    click.echo(f"{folder}: {count} pictures (" + ", ".join(f"{n} {part}" for part, n in parts.items()) + ")")


@main.command()
@click.argument("folder", type=FOLDER)
@click.option("--prompts", type=FILE, required=True, help="That 0000.png and so on were drawn of, one a line.")
@click.option("--captions", type=FILE, help="The set's captions.csv, for figures of each part.")
def judge(folder: Path, prompts: Path, captions: Path | None) -> None:
    """Tell which share of the pictures in FOLDER shows what its prompt says."""
    from bench.common.tables import to_rich
    from bench.drawn.figures import figures, read, read_pictures, tables
    from bench.drawn.folder import read_table
    from bench.drawn.scenes import Scene
    from olacore.drawing.job import read_prompts

    texts = read_prompts(prompts)
    known = read_table(captions) if captions else {}
    scenes = [Scene.of(text) for text in texts]
    found = figures(
        scenes,
        read(scenes, read_pictures(folder, len(texts))),
        [known.get(text, "prompts") for text in texts],
    )
    for part in to_rich(tables({str(folder): found})):
        Console(width=None if sys.stdout.isatty() else 120).print(part)


@main.command()
@click.option("--out", type=FOLDER, required=True, help="Keeps pictures, data and runs; what is there is not redone.")
@click.option("--teacher", required=True, help="An autoencoder's folder or hub id, such as madebyollin/taesd3.")
@click.option("--text-teacher", required=True, help="A text encoder's folder or hub id, such as all-MiniLM-L6-v2.")
@click.option(
    "--report", type=FILE, help="Otherwise bench/results/drawings/DATE-drawn.json, or DATE-drawn-styles.json."
)
@SIZE
@COUNT
@SEED
@STYLES
def study(out: Path, report: Path | None, **asked: Any) -> None:
    """Make a set, make modules of it by the command of docs/generate.md, draw what was held out, and judge it."""
    from bench.common.report import dated
    from bench.common.tables import to_rich
    from bench.drawn.study import Study, run

    name = dated("drawn-styles" if asked["styles"] else "drawn")
    told = run(Study(out, **asked), report or RESULTS / "drawings" / f"{name}.json", click.echo)
    for part in to_rich(told):
        Console(width=None if sys.stdout.isatty() else 120).print(part)


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, OlacoreError) as error:
        sys.exit(f"error: {error}")
