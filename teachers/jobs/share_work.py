"""A share of a data set as a call that can be sent to another process: what is asked for, teachers by reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from olacore.errors import ConfigError
from olacore.media.kinds import MAX_PIXELS
from teachers.collect.captions import CaptionRule
from teachers.collect.crops import PictureRule
from teachers.collect.survey import VideoRule
from teachers.jobs.output_path import Share, check_target
from teachers.jobs.run import Progress, Summary, precompute
from teachers.options import LoadOptions
from teachers.own.organic import OrganicEncoder
from teachers.protocol import Teacher
from teachers.registry import load_any_teacher


@dataclass(frozen=True)
class PrecomputeConfig:
    """What `precompute` is asked for, with teachers by reference; it can be pickled.

    Parameters
    ----------
    sources, rule, video, captions, recon, workers, max_pixels : see `precompute`
    h5 : the folder of the shares
    teacher : reference of the teacher, see `load_any_teacher`
    latents_from : an organic encoder in its place
    text_teacher : reference of a text encoder, for embeddings of captions
    tokens : embeddings of the captions' tokens too
    loading : how teachers are loaded

    Raises
    ------
    ConfigError  unless there is either a teacher or an organic encoder
    """

    sources: Sequence[Path]
    h5: Path
    teacher: str | None = None
    latents_from: Path | None = None
    text_teacher: str | None = None
    tokens: bool = False
    loading: LoadOptions = field(default_factory=LoadOptions)
    rule: PictureRule | None = None
    video: VideoRule | None = None
    captions: CaptionRule | None = None
    recon: bool = False
    workers: int = 0
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        if (self.teacher is None) == (self.latents_from is None):
            raise ConfigError("give either a teacher or an organic encoder that makes the latents.")

    def load(self) -> list[Teacher]:
        """Load the teachers."""
        first: Teacher = (
            OrganicEncoder(self.latents_from)
            if self.latents_from
            else load_any_teacher(str(self.teacher), self.loading)
        )
        if not self.text_teacher:
            return [first]
        # Those of text need torch and transformers, which the others may do without.
        from teachers.text.load import load_text_teacher

        return [first, load_text_teacher(self.text_teacher, self.loading, tokens=self.tokens)]


def precompute_share(config: PrecomputeConfig, number: int, count: int, progress: Progress | None = None) -> Summary:
    """Make one share, or go on with it where it was killed; made already, nothing happens.

    Parameters
    ----------
    config : what is asked for
    number, count : share `number` of `count`, counted from 1
    progress : see `precompute`

    Raises
    ------
    ConfigError  if there is no such share
    OlacoreError  as `precompute` does
    """
    share = Share(number, count)
    check_target(config.h5, resume=True, share=share)  # before the seconds that a teacher takes to load
    return precompute(
        config.sources,
        config.h5,
        config.load(),
        config.rule,
        config.video,
        config.captions,
        recon=config.recon,
        share=share,
        workers=config.workers,
        max_pixels=config.max_pixels,
        resume=True,
        progress=progress,
    )
