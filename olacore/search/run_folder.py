"""The run folder: `config.json`, `log.jsonl`, `checkpoint.safetensors`, `module.safetensors` and the like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from olacore.data.shards import locked_folder
from olacore.errors import FileFormatError, OutputError, OutputExistsError
from olacore.files import append_to_file, is_there, make_folder, replace_file
from olacore.search.run_log import CONFIG, LOG, MODULE, read_log

# The affine decoder of a pair lies beside the encoder that it was evolved with.
AFFINE = "affine_decoder.safetensors"
# The decoder that a refiner was evolved behind, with it.
REFINED = "decoder.safetensors"
# What modules of folds answered to samples that they did not see.
ANSWERS = "answers.npz"
# Begins the names of the folders of their runs.
FOLD = "fold-"
# Who asked for what, where and when: a line for each time that a search began or ended.
SESSIONS = "sessions.jsonl"
# The checkpoint of version 0.1 is never read.
OLD_CHECKPOINT = "checkpoint.h5"
FILES = (
    CONFIG,
    LOG,
    "checkpoint.safetensors",
    MODULE,
    "baselines.safetensors",
    AFFINE,
    REFINED,
    ANSWERS,
    SESSIONS,
    OLD_CHECKPOINT,
)


class RunFolder:
    """The files of one training run.

    Parameters
    ----------
    path : the folder; it is made where it is missing
    resume, force : go on with, or replace, a run that is there

    Raises
    ------
    OutputExistsError  if it holds a run, without `resume` or `force`
    OutputError  if it cannot be written to
    FileFormatError  if it is to be resumed and holds a run of version 0.1
    """

    def __init__(self, path: Path, resume: bool, force: bool) -> None:
        self.path = path
        self._fresh = not (resume or force)
        self._check_free()
        self.config, self.log_file, self.checkpoint, self.module, self.baselines = (path / name for name in FILES[:5])
        if resume and is_there(path / OLD_CHECKPOINT) and not is_there(self.checkpoint):
            raise FileFormatError(
                f"the run in {path} was made by version 0.1, whose {OLD_CHECKPOINT} cannot be resumed; "
                "give --force to start anew, or another --out."
            )
        make_folder(path)

    def _check_free(self) -> None:
        if self._fresh and any(is_there(self.path / name) for name in FILES):
            raise OutputExistsError(f"the folder {self.path} already holds a run; give --resume or --force.")

    def clear(self) -> None:
        """Remove the files of an earlier run, and those of its folds."""
        for run in (self.path, *(path for path in self.path.glob(f"{FOLD}[0-9]*") if path.is_dir())):
            for name in FILES:
                (run / name).unlink(missing_ok=True)
            if run != self.path:
                with suppress(OSError):
                    run.rmdir()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other searches out of the folder, and remove what a kill in the middle of a save left behind.

        No empty folder stays behind when the body fails.

        Raises
        ------
        OutputExistsError  if another search has put a run there meanwhile
        OutputError  if another search is in it
        """
        with held(self.path):
            self._check_free()
            for left in (left for name in FILES for left in self.path.glob(f".{name}.*.tmp")):
                left.unlink(missing_ok=True)
            yield

    def write_config(self, settings: dict[str, Any]) -> None:
        """Write `config.json`."""
        replace_file(self.config, (json.dumps(settings, indent=2, sort_keys=True) + "\n").encode())

    def log(self, line: dict[str, Any]) -> None:
        """Append one line to `log.jsonl`."""
        append_to_file(self.log_file, (json.dumps(line) + "\n").encode())

    def read_log(self) -> list[dict[str, Any]]:
        """Return the lines of `log.jsonl`; a last one that a kill cut short is left out.

        Raises
        ------
        FileFormatError  if any other line is not what `log` wrote
        """
        return read_log(self.path)

    def cut_log(self, generation: int) -> None:
        """Forget what was logged after `generation`, so that log and checkpoint tell the same story."""
        kept = [line for line in self.read_log() if line["generation"] <= generation]
        replace_file(self.log_file, "".join(json.dumps(line) + "\n" for line in kept).encode())


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep other searches out of a run folder, which is made; leave no empty one behind when the body fails.

    A process that dies gives the folder back. On a disk without locks nobody is kept out.

    Raises
    ------
    OutputError  if another search is in it
    """
    make_folder(path)
    with locked_folder(path):
        try:
            yield
        except BaseException:
            with suppress(OSError):
                path.rmdir()
            raise


def next_free(kind: str, parent: Path = Path("runs")) -> Path:
    """Make and return the next unused `runs/KIND-0001`; of two searches that ask together, each gets its own."""
    make_folder(parent)
    number = 1
    while True:
        path = parent / f"{kind}-{number:04d}"
        number += 1
        try:
            path.mkdir()
            return path
        except FileExistsError:
            continue
        except OSError as error:
            raise OutputError(f"cannot write the run folder {path}: {error.strerror}.") from error
