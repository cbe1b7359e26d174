"""`python -m teachers.small_pipeline`: parse, train, report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from olacore.commands.say import prepare_streams, say
from olacore.commands.show import print_table
from olacore.commands.signals import stop_on_signal
from olacore.errors import OlacoreError
from olacore.foreign.names import counted
from teachers.small_pipeline.settings import Settings


def main(arguments: Sequence[str] | None = None) -> None:
    """Run; exit code 0 done, 1 a known error, 2 wrong usage, 130 interrupted, 143 terminated."""
    prepare_streams()
    asked = parser().parse_args(arguments)
    try:
        run(asked)
    except OlacoreError as error:
        say(f"error: {error}", err=True)
        sys.exit(1)


def parser() -> argparse.ArgumentParser:
    """Make the parser."""
    made = argparse.ArgumentParser(
        prog="python -m teachers.small_pipeline",
        description="Train a small text-to-picture pipeline on captioned latents, as a teacher.",
    )
    default = Settings()
    made.add_argument("--data", type=Path, required=True, action="append", metavar="F", help="captioned latents, HDF5")
    made.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="of the pipeline")
    made.add_argument("--vae", required=True, metavar="REF", help="the autoencoder that made the latents")
    made.add_argument("--text-teacher", required=True, metavar="REF", help="the text encoder of the embeddings")
    length = made.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=60.0, help="of training, over all runs; by default 60")
    length.add_argument("--steps", type=int, help="of training, over all runs, instead")
    made.add_argument("--seed", type=int, default=default.seed)
    made.add_argument("--width", type=int, default=default.width, help="channels at the lowest resolution")
    made.add_argument("--batch", type=int, default=default.batch)
    made.add_argument("--learning-rate", type=float, default=default.learning_rate)
    made.add_argument("--threads", type=int, default=default.threads)
    made.add_argument("--no-self-test", action="store_true", help="load the teachers without proof")
    made.add_argument("--offline", action="store_true", help="never ask the hub")
    again = made.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on with the checkpoint, or start it")
    again.add_argument("--force", action="store_true", help="start anew in a folder that is there")
    return made


def run(asked: argparse.Namespace) -> None:
    """Open the data, train, print the figures."""
    from olacore.data import open_dataset
    from teachers.options import LoadOptions
    from teachers.small_pipeline.run import Places, make

    settings = Settings(
        seed=asked.seed,
        width=asked.width,
        batch=asked.batch,
        learning_rate=asked.learning_rate,
        threads=asked.threads,
    )
    places = Places(asked.out, asked.vae, asked.text_teacher, resume=asked.resume, force=asked.force)
    options = LoadOptions(offline=asked.offline, self_test=not asked.no_self_test)
    minutes = None if asked.steps is not None else asked.minutes
    with open_dataset(asked.data) as data, stop_on_signal() as stop:
        report = make(data, settings, places, asked.steps, minutes, options=options, stop=stop, say=say)
    if report is None:
        stop.leave("the training is saved; go on with --resume.")
    for part, figures in report["left"].items():
        heads = ["left at sigma", *next(iter(figures.values()))]
        rows = [(name, *(f"{left:.3f}" for left in levels.values())) for name, levels in figures.items()]
        print_table(heads, rows, f"{part}, {counted(report['rows'][part], 'row')}; the mean leaves 1")
    say(f"{asked.out}: a pipeline after {counted(report['steps'], 'step')} in {report['seconds'] / 60:.1f} minutes")
