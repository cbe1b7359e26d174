"""Data sets in shares, each made on a machine of its own: one plan for all, and what one share has to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from olacore.data.writer import check_same
from olacore.errors import ConfigError
from olacore.foreign.names import counted
from olacore.media.find import Input
from teachers.collect.captions import CaptionRule
from teachers.collect.crops import PictureRule
from teachers.collect.plan import Plan
from teachers.collect.survey import VideoRule
from teachers.collect.survey_pool import digest_all
from teachers.jobs.answers import Answers
from teachers.jobs.job import Job, Tick, describe_settings, job_of, plan_of
from teachers.jobs.output_path import Share, Target
from teachers.jobs.plan_file import read_plan_file, write_plan
from teachers.protocol import Teacher


def share_job(
    target: Target,
    share: Share,
    inputs: Sequence[Input],
    refused: Sequence[tuple[Path, str]],
    rule: PictureRule,
    video: VideoRule,
    workers: int,
    tick: Tick,
    telling: CaptionRule,
    answers: Answers,
) -> Job:
    """Take the plan of all shares from its file, or make both; the job is one share of it.

    Raises
    ------
    ConfigError  if the plan was made of other sources or settings, or for another number of shares
    DataError, FileFormatError  as `new_job` and `read_plan_file` do
    """
    unit = unit_of(answers.teachers)
    made: Plan | None = None
    if target.plan.exists():
        digests = digest_all(inputs, tick)
    else:
        made, digests = plan_of(inputs, refused, rule, video, workers, tick, telling)
    settings = describe_settings(digests, rule, video, telling)
    space = answers.space.to_dict() if answers.space else {}
    told = {"form": answers.form.schema, "size": answers.size, "fields": [*answers.optional], **space}
    told |= {**settings, **answers.settings, "shares": share.count}
    part, digest = agreed_part(
        target.plan, share, unit, made, told, lambda kept: _check_sources(target.plan, kept, inputs, digests)
    )
    return job_of(target, [part], {**settings, "plan": digest}, inputs, digests)


def agreed_part(
    path: Path, share: Share, unit: int, made: Plan | None, told: dict[str, Any], check: Callable[[Plan], None]
) -> tuple[Plan, str]:
    """Give a share of the plan of all, and the SHA-256 of that plan; whoever comes first leaves it at `path`.

    Parameters
    ----------
    unit : rows that are not cut
    made : the plan, where it had to be made
    told : everything that decides about the rows
    check : raises if the plan that was there is of other sources

    Raises
    ------
    ConfigError  if the one that is there was made with other settings, or there are more shares than can be cut
    FileFormatError  if it is damaged
    """
    told = json.loads(json.dumps(told))
    if made is not None:
        bounds(len(made.rows), share, unit)  # no plan is left that no share can go by
    written = made is not None and write_plan(path, made, told)
    plan, before, digest = read_plan_file(path)
    if not written:
        check(plan)
        check_same(path, before, told)
    return plan.part(*bounds(len(plan.rows), share, unit)), digest


def unit_of(teachers: Sequence[Teacher]) -> int:
    """The rows that no share may cut: a batch, where a teacher's answers depend on it."""
    batches = [teacher.batch for teacher in teachers]
    return min(batches) if any("batch" in teacher.settings for teacher in teachers) else 1


def bounds(rows: int, share: Share, unit: int) -> tuple[int, int]:
    """The first row of a share, and the first of the next one.

    Raises
    ------
    ConfigError  if there are more shares than can be cut
    """
    blocks = -(-rows // unit)
    if share.count > blocks:
        together = f", {unit} at once," if unit > 1 else ""
        most = counted(blocks, "share")
        raise ConfigError(f"of {counted(rows, 'row')}{together} there may be at most {most}; got {share.count}.")
    first, last = (blocks * number // share.count * unit for number in (share.number - 1, share.number))
    return first, min(last, rows)


def _check_sources(path: Path, plan: Plan, inputs: Sequence[Input], digests: Sequence[str]) -> None:
    """Raise if a file is not what it was for the plan; both are named."""
    now = [(given.name, digest) for given, digest in zip(inputs, digests, strict=True)]
    # Behind the inputs stand sources that give nothing; they have no digest.
    before = [(file.name, file.sha256) for file in plan.files if file.sha256 or (file.name, "") in now]
    for old, new in zip_longest(before, now):
        if old != new:
            had = f"{old[0]} with SHA-256 {old[1] or 'unknown'}" if old else "no further source"
            has = f"{new[0]} with SHA-256 {new[1] or 'unknown'}" if new else "none"
            raise ConfigError(
                f"the plan {path} was made of {had}, now there is {has}; give all shares the same sources, or begin "
                "in another folder."
            )
