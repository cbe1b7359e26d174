"""Runs that may be asked for again and again, since whoever asked last may have died: they go on from their folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from olacore.errors import OutputExistsError
from olacore.search.config import TrainConfig
from olacore.search.plans.base import open_data
from olacore.search.run_folder import RunFolder, next_free
from olacore.search.run_log import CONFIG


def prepared(configs: Sequence[TrainConfig]) -> list[TrainConfig]:
    """Return configurations that may be run more than once: folders of their own, empty unless they are to go on.

    Nothing is lost where one of them is refused.

    Raises
    ------
    OutputExistsError  if a folder holds a run that is neither to be resumed nor replaced
    OutputError  if a search goes on in a folder that is to be replaced
    OlacoreError  if the data that are to replace it cannot be opened
    """
    given = [replace(config, out=config.out or next_free(config.module or "plain")) for config in configs]
    earlier: list[RunFolder] = []
    for config in given:
        assert config.out is not None
        if not config.resume and (runs := runs_in(config.out)):
            if not config.force:
                raise OutputExistsError(f"the folder {config.out} already holds a run; give --resume or --force.")
            with open_data(config):
                earlier += [RunFolder(run, resume=False, force=True) for run in runs]
    for clear in (False, True):
        for folder in earlier:
            with folder.held():  # a search that goes on there keeps its files
                if clear:
                    folder.clear()
    return [replace(config, force=False) for config in given]


def resumed(config: TrainConfig) -> TrainConfig:
    """Return a configuration that goes on with what its folder holds, if it holds anything."""
    assert config.out is not None
    return replace(config, resume=bool(runs_in(config.out)), force=False)


def runs_in(folder: Path) -> list[Path]:
    """The folders in a run folder, and itself, that a search has begun in."""
    return sorted(path.parent for path in folder.rglob(CONFIG))
