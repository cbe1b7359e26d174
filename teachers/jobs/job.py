"""What a run of `precompute` has to do: a new plan, or the one that is kept in the files of an earlier run."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import Header, InputFile, read_plan
from olacore.errors import FileFormatError
from olacore.media.find import Input
from teachers.collect.captions import BESIDE, NAMED, CaptionRule, Captions
from teachers.collect.crops import PictureRule
from teachers.collect.matching import check_match, check_sources
from teachers.collect.plan import Plan, make_plan, refused_file
from teachers.collect.survey import VideoRule
from teachers.collect.survey_pool import digest_all, survey_all
from teachers.jobs.output_path import Target

Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """A plan, cut into the files that it fills.

    Parameters
    ----------
    parts, paths, settings : of each file
    inputs : what to decode, by SHA-256
    """

    parts: list[Plan]
    paths: list[Path]
    settings: list[dict[str, Any]]
    inputs: dict[str, Input]

    @property
    def rows(self) -> int:
        """Pictures in all files."""
        return sum(len(part.rows) for part in self.parts)

    @property
    def files(self) -> tuple[InputFile, ...]:
        """What was given, with the rows over all parts."""
        merged: dict[tuple[str, str], InputFile] = {}
        for file in (file for part in self.parts for file in part.files):
            before = merged.get((file.name, file.sha256))
            # Only files that give nothing can have one name and one content twice: each of them counts.
            key = (file.name, f"{file.sha256} {len(merged)}") if file.note else (file.name, file.sha256)
            merged[key] = replace(file, rows=file.rows + before.rows) if before and not file.note else file
        return tuple(merged.values())

    @property
    def splits(self) -> dict[str, int]:
        """Sources in each part, or in each split where parts have no names."""
        splits = {source.name: source.part or source.split for part in self.parts for source in part.sources}
        return dict(Counter(splits.values()))


def new_job(
    target: Target,
    inputs: Sequence[Input],
    refused: Sequence[tuple[Path, str]],
    rule: PictureRule,
    video: VideoRule,
    workers: int,
    tick: Tick,
    telling: CaptionRule | None = None,
) -> Job:
    """Look at every file and plan the rows.

    Parameters
    ----------
    refused : sources that give nothing, with the reason
    workers, tick : see `survey_all`

    Raises
    ------
    DataError  if no source gives a picture
    ConfigError  if the recipe does not fit the pictures
    """
    plan, digests = plan_of(inputs, refused, rule, video, workers, tick, telling)
    parts = plan.shards(target.shard_size or len(plan.rows))
    settings = describe_settings(digests, rule, video, telling or CaptionRule())
    return job_of(target, parts, settings, inputs, digests)


def plan_of(
    inputs: Sequence[Input],
    refused: Sequence[tuple[Path, str]],
    rule: PictureRule,
    video: VideoRule,
    workers: int,
    tick: Tick,
    telling: CaptionRule | None = None,
) -> tuple[Plan, list[str]]:
    """The plan of a data set, and the SHA-256 of each input; see `new_job`."""
    check_sources(inputs, refused)
    captions = Captions(telling or CaptionRule())
    check_match(inputs, captions)
    findings = survey_all(inputs, video, workers, tick)
    plan = make_plan(inputs, findings, rule, captions)
    absent = [refused_file(path, reason) for path, reason in refused]
    return replace(plan, files=(*plan.files, *absent)), [finding.digest for finding in findings]


def resumed_job(
    target: Target,
    inputs: Sequence[Input],
    rule: PictureRule,
    video: VideoRule,
    tick: Tick,
    telling: CaptionRule | None = None,
) -> Job | None:
    """Take the plan from the files of an earlier run; None if some are missing or keep no plan.

    Whether the settings are those of that run is found out when the files are opened for writing.
    """
    paths = target.existing()
    if not paths:
        return None
    try:
        plans = [kept_plan(header, rows) for header, rows in map(read_plan, paths)]
    except FileFormatError:
        return None
    digests = digest_all(inputs, tick)
    return job_of(target, plans, describe_settings(digests, rule, video, telling or CaptionRule()), inputs, digests)


def kept_plan(header: Header, rows: np.ndarray) -> Plan:
    """The plan that a file keeps."""
    own = header.captions.by_source()
    if not own:
        plain = tuple((source.caption,) if source.caption else () for source in header.sources)
        return Plan(header.files, header.sources, rows, plain)
    sources = tuple(replace(source, caption=texts[0]) for source, texts in zip(header.sources, own, strict=True))
    return Plan(header.files, sources, rows, tuple(own))


def job_of(
    target: Target, parts: list[Plan], settings: dict[str, Any], inputs: Sequence[Input], digests: Sequence[str]
) -> Job:
    """Cut a plan into the files of a target.

    Parameters
    ----------
    settings : of all files
    digests : SHA-256 of each input
    """
    each = target.settings(settings, len(parts))
    found = {digest: given for given, digest in zip(reversed(inputs), reversed(digests), strict=True)}
    return Job(parts, target.paths(len(parts)), each, found)


def describe_settings(
    digests: Sequence[str], rule: PictureRule, video: VideoRule, telling: CaptionRule
) -> dict[str, Any]:
    """Everything that decides about the rows, and so must be the same when a run is resumed."""
    pictures = {name: value for name, value in asdict(rule).items() if name != "size"}
    whole = hashlib.sha256("".join(digests).encode()).hexdigest()
    return {
        "resize": "square to size, Lanczos",
        **pictures,
        "recipe": digest_of(rule.recipe),
        **asdict(video),
        "captions": telling.table if telling.table in (BESIDE, NAMED) else digest_of(telling.table),
        "parts": digest_of(telling.parts),
        "set": telling.set_,
        "sources": f"{len(digests)} files, sha256 {whole}",
    }


def digest_of(path: Path | str | None) -> str | None:
    """What settings call a file that decides about rows; None without one."""
    return None if path is None else f"sha256 {hashlib.sha256(Path(path).read_bytes()).hexdigest()}"
