"""Where answers go: a data file of any form."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import Captions, Form, Header, Writer
from olacore.errors import ShapeError
from olacore.foreign.names import counted
from olacore.spaces import LatentSpace
from teachers.collect.plan import Plan
from teachers.jobs.answers import Answers


def header_of(
    plan: Plan,
    form: Form,
    sizes: Mapping[str, int],
    each: int,
    space: LatentSpace | None,
    optional: tuple[str, ...],
    settings: dict[str, Any],
) -> Header:
    """The header of a file that is made for a plan.

    Parameters
    ----------
    each : rows of the file for a row of the plan
    sizes, space, optional, settings : see `Header`
    """
    plain = tuple(replace(source, caption="") for source in plan.sources) if form.captioned else plan.sources
    return Header(
        form,
        sizes,
        len(plan.rows) * each,
        space=space,
        sources=plain if form.sourced else (),
        optional=optional,
        settings=settings,
        files=plan.files if form.sourced else (),
        captions=Captions.of(plan.captions, plan.rows) if form.captioned else Captions(),
    )


class Output:
    """One open file, and the teachers that fill it.

    Parameters
    ----------
    path : of the file
    plan : what it will hold
    answers : the teachers, and the form of the file
    settings : how the rows are chosen
    mode : `force` or `resume`, see `Writer`
    """

    def __init__(self, path: Path, plan: Plan, answers: Answers, settings: dict[str, Any], **mode: bool) -> None:
        self.answers, self.plan = answers, plan
        form = answers.form
        self.captions = np.array([source.caption for source in plan.sources])
        told = {**settings, **answers.settings}
        space = answers.space if form.spaced else None
        header = header_of(plan, form, answers.sizes, answers.each, space, answers.optional, told)
        own = header.captions
        ends = np.array([max(one, default=-1) + 1 for one in own.of_sources], np.int64)
        # How many captions there have to be before each row, and after the last.
        self._needed = np.r_[0, np.maximum.accumulate(ends[plan.rows["source"]]) if form.captioned else []].astype(int)
        planned = plan.rows if form.sourced else np.repeat(plan.split, answers.each)
        self.writer = Writer(path, header, planned, lambda: answers.of_sources(self.captions.tolist()), **mode)

    @property
    def done(self) -> int:
        """Rows of the plan that are in the file."""
        return self.writer.rows_valid // self.answers.each

    @property
    def row_bytes(self) -> int:
        """Bytes in the file for every row of the plan."""
        return self.writer.header.row_bytes * self.answers.each

    def answer(self, frames: np.ndarray, first: int) -> Callable[[], None]:
        """Ask about the pictures of some rows of the plan, from `first` on; the result stores what came.

        Raises
        ------
        ShapeError  if a picture gives another number of rows than the first one did
        """
        rows = self.plan.rows[first : first + len(frames)]
        shared = {name: array[rows["source"]] for name, array in self.writer.per_source.items()}
        given = self.answers.of_rows(frames, self.captions[rows["source"]], shared)
        if not self.answers.form.sourced:
            each, count = self.answers.each, len(given[self.answers.form.first.name])
            if count != each * len(frames):
                raise ShapeError(f"a picture gave {counted(each, 'row')} before; now {len(frames)} of them: {count}.")
            return lambda: self.writer.add(given)
        if not self.answers.form.captioned:
            return lambda: self.writer.add(given, rows)
        told, needed = self._needed[first], self._needed[first + len(frames)]
        captions = self.answers.of_captions(self.writer.header.captions.texts[told:needed])
        return lambda: self.writer.add(given, rows, captions)

    def close(self, complete: bool) -> None:
        """Finish the file."""
        self.writer.close(complete)
