"""`precompute` of captions alone: what a text teacher says of each, for modules that stand in for it; no pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path

import numpy as np

from olacore.data import FORMS, ROW, Source, Writer, open_dataset
from olacore.data.forms import CAPTION
from olacore.data.records import SPLITS
from olacore.errors import ConfigError, DataError
from olacore.foreign.reading import read_file
from olacore.media.find import is_table
from teachers.collect.caption_tables import clean, decode, read_table
from teachers.collect.crops import PictureRule
from teachers.collect.plan import Plan, split_of
from teachers.jobs.output_path import Share, Target
from teachers.jobs.outputs import header_of
from teachers.jobs.run import Progress
from teachers.jobs.shares import agreed_part, unit_of
from teachers.jobs.words import digest
from teachers.protocol import Teacher

MOST_BYTES = 1 << 28
MOST_TEXTS = 1 << 22


def collect_texts(sources: Sequence[Path], rule: PictureRule | None = None) -> list[Source]:
    """List captions, each once, as sources of one caption each.

    Parameters
    ----------
    sources : lists with a caption a line; tables of captions, with their parts where they have them; or data sets with
        captions, which stay in the splits that they are in there
    rule : shares of the splits, and the seed; what has no part is put into them by a hash of the caption, whatever its
        case and blanks

    Raises
    ------
    FileFormatError  if a file cannot be read
    DataError  if there is no caption, or a data set has none
    ConfigError  if a part is none of training, validation or held-out
    """
    found: dict[str, str] = {}
    for path in sources:
        data = path.is_dir() or path.suffix.lower() in (".h5", ".hdf5")
        told = _of_data(path) if data else _of_table(path) if is_table(path.name) else _of_list(path)
        for text, part in told:
            found.setdefault(text, part)
    if not 0 < len(found) <= MOST_TEXTS:
        raise DataError(f"expected 1 to {MOST_TEXTS:,} captions; got {len(found):,}.")
    keys = {text: " ".join(text.casefold().split()) for text, part in found.items() if not part}
    splits = (rule or PictureRule()).splits({key: 1 for key in keys.values()}) if keys else {}
    listed = []
    for number, (text, part) in enumerate(found.items()):
        split = split_of(part) if part else splits[keys[text]]
        name = f"caption {number:06}"
        listed.append(Source(name, "text", split, caption=text, part="" if part in SPLITS else part))
    return listed


def precompute_texts(
    texts: Sequence[Source],
    h5: Path,
    teacher: Teacher,
    *,
    share: Share | None = None,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> int:
    """Make a data set of captions with a text teacher's embeddings, schema `olacore/texts/1`; safe to kill.

    Parameters
    ----------
    texts : see `collect_texts`
    h5 : the file to write; with `share` the folder to write into
    teacher : reads `captions`; writes `embeddings` (n, E), and maybe `tokens` (n, T, F)
    share, resume, force, progress : see `precompute`; progress counts "rows"

    Returns
    -------
    captions in the file

    Raises
    ------
    OutputExistsError, OutputError, ConfigError, DataError  as `precompute` does
    """
    if teacher.reads != ("captions",) or "embeddings" not in teacher.writes:
        raise ConfigError(f"{teacher.name} is no text encoder: it reads {teacher.reads} and writes {teacher.writes}.")
    target = Target(h5, None, resume, force, share)
    form = FORMS["olacore/texts/1"]
    captions = [source.caption for source in texts]
    asked = teacher.answer({"captions": np.array(["word"])})
    sizes = {"E": asked["embeddings"].shape[1]}
    optional = tuple(name for name in teacher.writes if name != "embeddings")
    if "tokens" in optional:
        sizes |= dict(zip(("T", "F"), asked["tokens"].shape[1:], strict=True))
    rows = np.zeros(len(texts), ROW)
    rows["source"], rows["pts"] = np.arange(len(texts)), -1
    settings = teacher.settings | {"captions": digest(captions)}
    plan = Plan((), tuple(texts), rows, tuple((text,) for text in captions))
    told = progress or (lambda *args: None)
    with target.locked():
        if share:
            asked_for = {"form": form.schema, "fields": [*optional], **settings, "shares": share.count}
            check = partial(_check_texts, target.plan, captions)
            plan, whole = agreed_part(target.plan, share, unit_of([teacher]), plan, asked_for, check)
            settings |= {"plan": whole}
        [path], [settings] = target.paths(1), target.settings(settings, 1)
        rows, captions = plan.rows, [source.caption for source in plan.sources]
        complete = False
        header = header_of(plan, form, sizes, 1, None, optional, settings)
        writer = Writer(path, header, rows, force=force, resume=resume)
        try:
            for first in range(writer.rows_valid, len(rows), teacher.batch):
                told("rows", first, len(rows))
                here = slice(first, first + teacher.batch)
                answers = teacher.answer({"captions": np.array(captions[here])})
                writer.add({CAPTION: np.arange(len(rows), dtype=np.int32)[here]}, rows[here], answers)
            told("rows", len(rows), len(rows))
            complete = True
        finally:
            writer.close(complete)
    return len(rows)


def _check_texts(path: Path, captions: Sequence[str], plan: Plan) -> None:
    """Raise if a caption is not what it was for the plan; both are named."""
    before = [source.caption for source in plan.sources]
    for number, (old, new) in enumerate(zip_longest(before, captions)):
        if old != new:
            what = f"the plan {path} was made of captions of which number {number} is {old!r}, now it is {new!r}"
            raise ConfigError(f"{what}; give all shares the same captions, or begin in another folder.")


def _of_list(path: Path) -> list[tuple[str, str]]:
    text = decode(path, read_file(path, "the list of captions", MOST_BYTES), strict=True)
    return [(caption, "") for line in text.splitlines() if (caption := clean(line))]


def _of_table(path: Path) -> list[tuple[str, str]]:
    return [(caption, line.part) for line in read_table(path).lines for caption in line.captions]


def _of_data(path: Path) -> list[tuple[str, str]]:
    with open_dataset([path]) as data:
        if not data.captions:
            raise DataError(f"{path} has no captions; expected a list of them, a table, or a data set with captions.")
        pairs = zip(data.sources, data.captions, strict=True)
        return [(text, source.part or source.split) for source, captions in pairs for text in captions]
