"""`denoise`: a denoiser is asked about the noisy latents of captioned data, and a data set keeps what it answered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from olacore.blocks import noise_of
from olacore.data import Captions, Dataset, Header, Writer, open_dataset, read_plan
from olacore.data.forms import CAPTION, CAPTIONED, DENOISED
from olacore.errors import ConfigError, DataError, FileFormatError
from olacore.foreign.names import counted
from olacore.spaces import require_same
from teachers.jobs.fill import Answer, Tick, fill_each, make_files
from teachers.jobs.noise_levels import find_levels
from teachers.jobs.noise_rule import NoiseRule
from teachers.jobs.output_path import Target
from teachers.jobs.run import Progress, Summary
from teachers.jobs.sheet import Sheet, sheet_of_rows, sheet_of_trajectories, starts_of
from teachers.jobs.text_means import CaptionFields
from teachers.protocol import Arrays

if TYPE_CHECKING:
    from teachers.denoisers.denoiser import DenoiserTeacher

# Rows that are written together where nobody is asked.
BATCH = 256


class Work(ABC):
    """Rows to make of captioned data.

    Parameters
    ----------
    teacher : None for rows of latents alone

    Attributes
    ----------
    fields : the optional fields of a row that are made
    batch : rows at once
    """

    fields: tuple[str, ...]
    batch: int

    def __init__(self, data: Dataset, teacher: DenoiserTeacher | None, rule: NoiseRule) -> None:
        self.data, self.teacher, self.rule = data, teacher, rule

    @abstractmethod
    def levels(self, tick: Tick) -> tuple[float, ...]:
        """The noise levels.

        Parameters
        ----------
        tick : see `find_levels`
        """

    @abstractmethod
    def sheet(self, levels: Sequence[float]) -> Sheet:
        """All rows."""

    @abstractmethod
    def answer(self, sheet: Sheet, here: slice) -> Arrays:
        """The latents of some rows, and the optional fields."""

    def settings(self, levels: Sequence[float]) -> dict[str, Any]:
        """Everything that decides about the rows, and so must be the same when a run is resumed."""
        teacher = self.teacher.settings if self.teacher else {"denoiser": None}
        carried = {name: self.data.settings.get(name) for name in ("text_teacher", "text_sha256")}
        return {**teacher, **carried, "data": f"sha256 {self.data.digest()}", **self.rule.told(), "levels": [*levels]}


class Rows(Work):
    """The data's own latents with noise, each beside what the teacher finds in it."""

    def __init__(self, data: Dataset, teacher: DenoiserTeacher | None, rule: NoiseRule) -> None:
        super().__init__(data, teacher, rule)
        self.fields = teacher.writes if teacher else ()
        self.batch = teacher.batch if teacher else BATCH

    def levels(self, tick: Tick) -> tuple[float, ...]:
        """Those given, or chosen."""
        return find_levels(self.data, self.teacher, self.rule, tick)

    def sheet(self, levels: Sequence[float]) -> Sheet:
        """Every row of the data at every level."""
        return sheet_of_rows(self.data, self.rule, levels)

    def answer(self, sheet: Sheet, here: slice) -> Arrays:
        """Read latents, and take away the noise of their rows."""
        rows, back = np.unique(sheet.origins[here], return_inverse=True)
        latents = self.data.read(["latents"], rows)["latents"][back]
        if self.teacher is None:
            return {"latents": latents}
        noise = noise_of(sheet.noise_seeds[here], latents.shape[1:])
        asked = {"latents": latents, "noise": noise, "sigmas": sheet.sigmas[here], "captions": sheet.texts[here]}
        return {"latents": latents} | self.teacher.answer(asked)


class Trajectories(Work):
    """What the teacher's own sampler passes through, and where it ends."""

    teacher: DenoiserTeacher

    def __init__(self, data: Dataset, teacher: DenoiserTeacher | None, rule: NoiseRule) -> None:
        if teacher is None:
            raise ConfigError("trajectories are those of a denoiser's sampler; name one.")
        super().__init__(data, teacher, rule)
        self.fields = ("noisy", *teacher.writes)
        self.starts = starts_of(data, rule)

    def levels(self, tick: Tick) -> tuple[float, ...]:
        """Those that the sampler passes through, which the first trajectory shows."""
        return tuple(self._follow(0).sigmas.astype(np.float32).tolist())

    def sheet(self, levels: Sequence[float]) -> Sheet:
        """Every state of every trajectory."""
        self.batch = len(levels)
        name = self.teacher.name, self.teacher.fingerprint
        return sheet_of_trajectories(self.starts, levels, self.data.size or (0, 0), name)

    def answer(self, sheet: Sheet, here: slice) -> Arrays:
        """Follow the trajectory of these rows, and ask about each of its states as it is stored."""
        found = self._follow(int(sheet.origins[here.start]))
        sigmas = sheet.sigmas[here]
        if not np.array_equal(found.sigmas.astype(np.float32), sigmas):
            counts = f"{counted(len(found.sigmas), 'level')}, and the first one through {len(sigmas)}"
            raise DataError(f"a trajectory of {self.teacher.name} passes through {counts}; take another scheduler.")
        with np.errstate(over="ignore"):
            noisy = found.noisy.astype(np.float16)
        asked = {"noisy": noisy, "sigmas": sigmas, "captions": sheet.texts[here]}
        latents = np.broadcast_to(found.latent, noisy.shape)
        return {"latents": latents, "noisy": noisy} | self.teacher.answer(asked)

    def _follow(self, number: int) -> Any:
        from teachers.denoisers.sampler import sample

        start, rule = self.starts[number], self.rule
        return sample(self.teacher, start.text, self.data.size or (0, 0), start.seed, rule.steps, rule.guidance)


class Output:
    """One open file of rows.

    Parameters
    ----------
    mode : `force` or `resume`, see `Writer`
    """

    def __init__(
        self, path: Path, sheet: Sheet, work: Work, shared: CaptionFields, settings: dict[str, Any], **mode: bool
    ) -> None:
        self.sheet, self.work, self.shared = sheet, work, shared
        captions, self.numbers = Captions.by_row(sheet.texts.tolist(), sheet.plan.rows)
        self.texts = captions.texts
        # How many captions the rows before each one have.
        self.known = np.maximum.accumulate(np.concatenate([[0], self.numbers + 1]))
        data = work.data
        height, width = data.size or (0, 0)
        header = Header(
            DENOISED,
            {"H": height, "W": width, "E": data.layout_of("embeddings")[0][0]},
            sheet.count,
            data.space,
            sheet.plan.sources,
            (*work.fields, *shared.names),
            settings,
            sheet.plan.files,
            captions,
        )
        self.writer = Writer(path, header, sheet.plan.rows, dict, **mode)

    @property
    def done(self) -> int:
        """Rows that are in the file."""
        return self.writer.rows_valid

    def answer(self, here: slice) -> Callable[[], None]:
        """Make some rows; the result stores them."""
        sheet = self.sheet
        given = {**self.work.answer(sheet, here), CAPTION: self.numbers[here]}
        given |= {"sigmas": sheet.sigmas[here], "noise_seeds": sheet.noise_seeds[here]}
        new = self.texts[self.known[here.start] : self.known[here.stop]]
        captions = self.shared.of(new) if new else {}
        return lambda: self.writer.add(given, sheet.plan.rows[here], captions)

    def close(self, complete: bool) -> None:
        """Finish the file."""
        self.writer.close(complete)


def denoise(
    sources: Sequence[Path],
    h5: Path,
    teacher: DenoiserTeacher | None,
    rule: NoiseRule | None = None,
    *,
    text_means: Path | None = None,
    shard_size: int | None = None,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Make a data set of noisy latents with what a denoiser says of them, in the form `olacore/denoised/1`.

    Noise is drawn from each row's seed and never stored. A killed run that is resumed with the same settings and data
    gives the same bytes as one that was not killed, on the same machine.

    Parameters
    ----------
    sources : data of the form `olacore/captioned/1`, files or folders of shards
    h5 : the file to write; with `shard_size` the folder to write shards into
    teacher : None for rows without answers: the clean latent is then all that there is to find
    rule : levels, draws and seeds; or trajectories
    text_means : file of what text alone says of each caption's latent, `.npz` or HDF5
    shard_size : rows in each file; whole trajectories
    resume, force : as of `precompute`
    progress : called with "levels", while they are chosen by what the teacher answers, or "rows", how many are done
        and how many there are; what it raises ends the work, ready to be resumed

    Raises
    ------
    OutputExistsError, OutputError, ConfigError  as `precompute` does
    FileFormatError  if the data are of another form
    FingerprintError  if they have another latent space than the teacher
    DataError  if they are not complete, or the teacher's numbers are not finite
    """
    rule, tick = rule or NoiseRule(), progress or (lambda *args: None)
    target = Target(h5, shard_size, resume, force)
    with open_dataset(sources) as data:
        check_data(data, teacher, h5)
        work = (Trajectories if rule.trajectories else Rows)(data, teacher, rule)
        shared = CaptionFields(data, text_means)
        levels = (resumed_levels(target, rule) if resume else None) or work.levels(partial(tick, "levels"))
        whole = work.sheet(levels)
        shared.check([*dict.fromkeys(whole.texts.tolist())])
        size = shard_size or whole.count
        # A trajectory is in one file.
        sheets = whole.shards(max(1, size // work.batch) * work.batch if rule.trajectories else size)
        paths = target.paths(len(sheets))
        told = work.settings(levels) | ({"text_means": f"sha256 {shared.digest}"} if text_means else {})
        settings = target.settings(told, len(sheets))

        def opened(number: int, **mode: bool) -> Output:
            return Output(paths[number], sheets[number], work, shared, settings[number], **mode)

        with target.locked():
            make_files(paths, opened, force)
            fill_each([sheet.count for sheet in sheets], opened, asked, work.batch, partial(tick, "rows"))
    splits = {source.name: source.part or source.split for source in whole.plan.sources}
    return Summary(whole.count, dict(Counter(splits.values())), whole.plan.files)


@contextmanager
def asked(number: int, output: Output) -> Iterator[Answer]:
    """What answers the rows of a file."""
    yield output.answer


def check_data(data: Dataset, teacher: DenoiserTeacher | None, h5: Path) -> None:
    """Raise unless rows can be made of these data."""
    paths = ", ".join(map(str, data.contents.paths))
    if data.form != CAPTIONED:
        wanted = f"denoiser rows are made of data with captions ({CAPTIONED.schema})"
        raise FileFormatError(f"{wanted}; {paths} have the form {data.form.schema}.")
    if not data.complete:
        raise DataError(f"{paths} are not complete; go on with --resume where they are made first.")
    if any(path.resolve() == h5.resolve() or path.resolve().parent == h5.resolve() for path in data.contents.paths):
        raise ConfigError(f"{h5} is what the rows are made of; write them elsewhere.")
    if teacher:
        then = "make the data with the pipeline's own autoencoder"
        require_same(teacher.name, teacher.space, paths, data.space, then=then)


def resumed_levels(target: Target, rule: NoiseRule) -> tuple[float, ...] | None:
    """The levels that a run which was interrupted has chosen, if it was asked as this one is.

    Whether all else is equal is found out when the files are opened for writing.
    """
    if isinstance(rule.levels, tuple) and not rule.trajectories:
        return None
    for path in target.existing()[:1]:
        try:
            settings = read_plan(path)[0].settings
            told = {name: settings.get(name) for name in rule.told()}
            levels = tuple(map(float, settings["levels"]))
        except (FileFormatError, LookupError, TypeError, ValueError):
            return None
        return levels if told == rule.told() and levels and np.all(np.isfinite(levels)) else None
    return None
