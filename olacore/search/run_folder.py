"""The run folder: `config.json`, `log.jsonl`, `checkpoint.h5`, `module.safetensors` and `baselines.safetensors`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from olacore.errors import OutputError, OutputExistsError
from olacore.files import replace_file
from olacore.foreign.reading import read_file
from olacore.foreign.schema import maybe, number, record, require, whole
from olacore.json_text import parse_json

FILES = (
    "config.json",
    "log.jsonl",
    "checkpoint.h5",
    "module.safetensors",
    "baselines.safetensors",
)

MOST_LOG = 1 << 28
_FIGURE = maybe(number())
LINE = record(
    {"generation": whole()},
    {
        "seconds": number(0),
        "samples": whole(),
        **{f"{best}validation_{name}": _FIGURE for best in ("", "best_") for name in ("loss", "r2")},
        "loss": _FIGURE,
    },
)


class RunFolder:
    """The files of one training run.

    Parameters
    ----------
    path : the folder; it is made where it is missing

    Raises
    ------
    OutputExistsError  if it holds a run, without `resume` or `force`
    OutputError  if it cannot be written to
    """

    def __init__(self, path: Path, resume: bool, force: bool) -> None:
        self.path = path
        if path.exists() and not path.is_dir():
            raise OutputError(f"the run folder {path} is a file; name another with --out.")
        if not (resume or force) and any((path / name).exists() for name in FILES):
            raise OutputExistsError(f"the folder {path} already holds a run; give --resume or --force.")
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write the run folder {path}: {error.strerror}.") from error
        if not os.access(path, os.W_OK):
            raise OutputError(f"the run folder {path} is not writable.")
        self.config, self.log_file, self.checkpoint, self.module, self.baselines = (path / name for name in FILES)

    def clear(self) -> None:
        """Remove the files of an earlier run."""
        self.sweep()
        for name in FILES:
            (self.path / name).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a kill in the middle of a save left behind."""
        for name in FILES:
            for left in self.path.glob(f".{name}.*.tmp"):
                left.unlink(missing_ok=True)

    @contextmanager
    def removed_if_empty(self) -> Iterator[None]:
        """Leave no empty folder behind when the body fails before it has written anything."""
        try:
            yield
        except BaseException:
            with suppress(OSError):
                self.path.rmdir()
            raise

    def write_config(self, settings: dict[str, Any]) -> None:
        """Write `config.json`."""
        replace_file(self.config, (json.dumps(settings, indent=2, sort_keys=True) + "\n").encode())

    def log(self, line: dict[str, Any]) -> None:
        """Append one line to `log.jsonl`."""
        try:
            with self.log_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise OutputError(f"cannot write {self.log_file}: {error.strerror}.") from error

    def read_log(self) -> list[dict[str, Any]]:
        """Return the lines of `log.jsonl`; a last one that a kill cut short is left out.

        Raises
        ------
        FileFormatError  if any other line is not what `log` wrote
        """
        if not self.log_file.exists():
            return []
        texts = read_file(self.log_file, "the log", MOST_LOG).split(b"\n")
        last = texts.pop()
        if last and not last.startswith(b"{"):
            texts.append(last)  # no line of ours, whole or not
        lines = []
        for count, text in enumerate(texts, 1):
            what = f"line {count} of {self.log_file}"
            lines.append(dict(require(LINE, parse_json(text, what), what)))
        return lines

    def cut_log(self, generation: int) -> None:
        """Forget what was logged after `generation`, so that log and checkpoint tell the same story."""
        kept = [line for line in self.read_log() if line["generation"] <= generation]
        replace_file(self.log_file, "".join(json.dumps(line) + "\n" for line in kept).encode())


def next_free(kind: str, parent: Path = Path("runs")) -> Path:
    """Return the next unused `runs/KIND-0001`."""
    number = 1
    while (path := parent / f"{kind}-{number:04d}").exists():
        number += 1
    return path
