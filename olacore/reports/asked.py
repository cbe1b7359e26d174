"""What was asked for as the command that asks for it again, and the data that it names."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from olacore import pretrained
from olacore.data import Dataset, open_dataset
from olacore.errors import OlacoreError
from olacore.reports.run import Run
from olacore.search.plans.base import open_seen

# Settings whose option is not their name with dashes.
OPTIONS = {"seconds": "--time", "options": "--option"}
FIRST, LAST = ("module", "h5"), ("seed", "out")
# Settings that name files: as they were typed they belong to the folder that one was in.
SEEN_BY = ("latents_from", "pictures_from", "text_from")
FILES = ("h5", *SEEN_BY, "words")


def command_of(asked: Mapping[str, Any]) -> str:
    """The `ola train` line of some settings, on several lines where it is long."""
    names = [*(name for name in FIRST if name in asked), *(n for n in asked if n not in (*FIRST, *LAST))]
    parts = [
        part for name in [*names, *(name for name in LAST if name in asked)] for part in _option(name, asked[name])
    ]
    words = ["ola train", *(shlex.join(part) for part in parts)]
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) > 88:
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += f" {word}"
    return "\n".join(lines)


def _option(name: str, value: Any) -> Iterator[list[str]]:
    flag = OPTIONS.get(name, f"--{name.replace('_', '-')}")
    if value is None:
        return
    if isinstance(value, bool):
        yield from [[flag]] if value else []
    elif name == "options" and isinstance(value, Mapping):
        yield from ([flag, f"{key}={each}"] for key, each in value.items())
    elif name == "output_weights" and isinstance(value, Sequence):
        yield [flag, ",".join(f"{each:g}" if isinstance(each, float) else str(each) for each in value)]
    elif isinstance(value, list):
        yield from ([flag, short_path(each)] for each in value)
    elif name == "seconds" and isinstance(value, int | float):
        yield [flag, f"{value:g}s"]
    else:
        yield [flag, short_path(value) if name in (*FILES, "exchange", "out") else str(value)]


def short_path(path: Any) -> str:
    """A path as it was typed; of one from the root the last name alone, since a report is for others to read."""
    text = str(path)
    return Path(text).name if Path(text).is_absolute() else text


@contextmanager
def data_of(run: Run, given: Sequence[Path] = ()) -> Iterator[Dataset | str]:
    """Open the data of a run as its search saw them, or tell in a sentence why they are not at hand.

    Parameters
    ----------
    given : data files in place of those that were named when it began
    """
    asked = run.asked
    here = Path(str(run.began.get("cwd", ".")))
    files = [*given] or [here / str(path) for path in _listed(asked.get("h5"))]
    if not files:
        yield "What data this run had is not written down; name them with --h5."
        return
    if missing := [path for path in files if not path.exists()]:
        names = ", ".join(short_path(path) for path in missing)
        yield f"The data are not at hand: {names} is no longer where it was; name it with --h5."
        return
    others = {name: _place(here, asked[name]) for name in SEEN_BY if asked.get(name)}
    if asked.get("module") == "pair" and run.kind == "decoder":
        others["latents_from"] = run.path.parent / "encoder"
    if remote := [name for name in others.values() if str(name).startswith("hf:")]:
        yield f"The data are seen through {remote[0]}, which is not at hand; a report asks the hub for nothing."
        return
    with ExitStack() as opened:
        yield _opened(opened, run, files, others)


def _opened(opened: ExitStack, run: Run, files: Sequence[Path], others: Mapping[str, Any]) -> Dataset | str:
    names = ", ".join(short_path(path) for path in files)
    try:
        dataset = opened.enter_context(open_seen(files, **others))
        digests = {dataset.digest()}
        if others:  # an affine pair is evolved from the frames alone
            with open_dataset(files) as unseen:
                digests.add(unseen.digest())
    except OlacoreError as error:
        return f"The data cannot be read: {error}"
    if run.digest and run.digest not in digests:
        found = min(digests)[:12]
        return f"{names} is not what this run was trained on: its digest is {found}, not {run.digest[:12]}."
    return dataset


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _place(here: Path, reference: Any) -> Path | str:
    """Where a module lies that was named when the run began; names of what is shipped stay names."""
    text = str(reference)
    known = pretrained.is_name(text) or text.startswith("hf:")
    return text if known else here / text
