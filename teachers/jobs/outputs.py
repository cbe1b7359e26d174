"""Where answers go: a data file of any form."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import Header, Writer
from olacore.errors import ShapeError
from teachers.collect.plan import Plan
from teachers.jobs.answers import Answers


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
        self.answers = answers
        form = answers.form
        self.captions = np.array([source.caption for source in plan.sources])
        header = Header(
            form,
            answers.sizes,
            len(plan.rows) * answers.each,
            space=answers.space if form.spaced else None,
            sources=plan.sources if form.sourced else (),
            optional=answers.optional,
            settings={**settings, **answers.settings},
            files=plan.files if form.sourced else (),
        )
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

    def answer(self, frames: np.ndarray, rows: np.ndarray) -> Callable[[], None]:
        """Ask about the pictures of some rows of the plan; the result stores what came.

        Raises
        ------
        ShapeError  if a picture gives another number of rows than the first one did
        """
        shared = {name: array[rows["source"]] for name, array in self.writer.per_source.items()}
        given = self.answers.of_rows(frames, self.captions[rows["source"]], shared)
        if not self.answers.form.sourced:
            each, count = self.answers.each, len(given[self.answers.form.first.name])
            if count != each * len(frames):
                raise ShapeError(f"a picture gave {each} rows before; {len(frames)} now give {count}.")
            return lambda: self.writer.add(given)
        return lambda: self.writer.add(given, rows)

    def close(self, complete: bool) -> None:
        """Finish the file."""
        self.writer.close(complete)
