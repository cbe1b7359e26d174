"""`precompute`: a teacher looks at pictures and videos once, and a data set keeps what it answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from olacore.data import InputFile
from olacore.errors import ConfigError
from olacore.media.find import find_inputs
from olacore.media.kinds import MAX_PIXELS
from teachers.collect.captions import CaptionRule
from teachers.collect.crops import PictureRule
from teachers.collect.plan import wanted
from teachers.collect.survey import VideoRule
from teachers.jobs.answers import Answers, with_decoding
from teachers.jobs.fill import fill_files, make_files
from teachers.jobs.job import new_job, resumed_job
from teachers.jobs.output_path import Share, Target
from teachers.jobs.outputs import Output
from teachers.jobs.shares import share_job
from teachers.protocol import Teacher

# Called with what is counted, "files" or "rows", how many are done and how many there are. It may raise to stop.
MOST_WORKERS = 256

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Summary:
    """What `precompute` made.

    Parameters
    ----------
    rows : pictures in the data set
    sources : photographs and scenes in it, by part or split
    files : everything that was given, with the rows and the damage of each, and why some give nothing
    """

    rows: int
    sources: dict[str, int]
    files: tuple[InputFile, ...]

    @property
    def damaged(self) -> int:
        """Packets and frames of videos that could not be decoded."""
        return sum(file.damaged for file in self.files)

    @property
    def skipped(self) -> tuple[InputFile, ...]:
        """The files that give nothing; each has the reason as its note."""
        return tuple(file for file in self.files if file.note)


def precompute(
    sources: Sequence[Path],
    h5: Path,
    teacher: Teacher | Sequence[Teacher],
    rule: PictureRule | None = None,
    video: VideoRule | None = None,
    captions: CaptionRule | None = None,
    *,
    recon: bool = False,
    form: str | None = None,
    shard_size: int | None = None,
    share: Share | None = None,
    workers: int = 0,
    max_pixels: int = MAX_PIXELS,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Make a data set of pictures and videos with a teacher's answers.

    First every file is looked at in full, and a plan is made: which frames and squares become rows, which split each
    photograph and each scene goes into. Then the file is made, with all its room, and filled in the order of the
    plan; each square is resized to `rule.size` with an antialiased Lanczos filter. A file that gives nothing is
    reported and the rest goes on. A killed run that is resumed with the same settings and files gives the same
    bytes as one that was not killed, on the same machine.

    Parameters
    ----------
    sources : pictures, videos, zip archives of pictures, folders of all these, or patterns such as `a/*.jpg`
    h5 : the file to write; with `shard_size` or `share` the folder to write shards into
    teacher : is asked about each picture; or several, each of which may read what those before it wrote
    rule : how pictures are cut and resized; None for the defaults
    video : which frames of a video count; None for the defaults
    captions : where captions and parts come from; by default tables beside the files. Where the form of the files has
        captions of their own, pictures without one are left out
    recon : store an autoencoder's decoding of the stored latents too
    form : schema of the files; by default the one that has a field for all that the teachers write
    shard_size : pictures in each file
    share : make this share alone; all shares go by one plan, which the first of them leaves in the folder
    workers : spawned processes that decode and resize; 0 for a thread of this process
    max_pixels : of the largest picture to read
    resume : go on behind the last finished row of `h5`; start it if it is missing
    force : replace `h5`
    progress : called with "files" or "rows", how many are done and how many there are; what it raises ends the work,
        with everything finished kept

    Raises
    ------
    OutputExistsError  if there is a file and neither `resume` nor `force`
    OutputError  if the file cannot be written, another writer has it, or there is no room for it
    DataError  if no source gives a picture, or the teacher's numbers are not finite
    ConfigError  if the settings are wrong, no form of data fits, or a resumed file was made with other settings
    """
    rule, video, tick = rule or PictureRule(), video or VideoRule(), progress or (lambda *args: None)
    if not 0 <= workers <= MOST_WORKERS:
        raise ConfigError(f"workers must be 0 to {MOST_WORKERS}; got {workers}.")
    asked = [*teacher] if isinstance(teacher, Sequence) else [teacher]
    answers = Answers.of(with_decoding(asked) if recon else asked, rule.size, form)
    telling = replace(captions or CaptionRule(), needed=answers.form.captioned)
    target = Target(h5, shard_size, resume, force, share)
    found, refused = find_inputs(sources, max_pixels)
    inputs = wanted(found, rule)
    with target.locked():
        job = None
        if share:
            told = partial(tick, "files")
            job = share_job(target, share, inputs, refused, rule, video, workers, told, telling, answers)
        elif resume:
            job = resumed_job(target, inputs, rule, video, partial(tick, "files"), telling)
        if job is None:
            job = new_job(target, inputs, refused, rule, video, workers, partial(tick, "files"), telling)
        plan = job

        def opened(number: int, **mode: bool) -> Output:
            return Output(plan.paths[number], plan.parts[number], answers, plan.settings[number], **mode)

        make_files(job.paths, opened, force)
        fill_files(job, opened, rule.size, answers.batch, video.keyframes, workers, partial(tick, "rows"))
    return Summary(job.rows, job.splits, job.files)
