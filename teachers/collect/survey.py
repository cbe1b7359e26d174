"""A first look at every file: what is in it, and which of its frames become rows."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from olacore.errors import ConfigError, FileFormatError
from olacore.foreign.names import counted
from olacore.media.find import Input
from teachers.collect.open_video import MOST_PIXELS
from teachers.collect.scenes import SIDE, SceneFinder, change
from teachers.collect.video import Video, VideoFrame

# Frames a second; times that say more are not believed.
FASTEST = 1000


@dataclass(frozen=True)
class VideoRule:
    """Which frames of a video become rows.

    Parameters
    ----------
    every : take every Nth frame
    fps : take so many frames a second, by the frames' own times; one a second unless `every` or `keyframes` is given
    keyframes : take key frames only; with `every` or `fps` some of them
    most : take at most so many frames of a video, evenly spread over what is left
    least_change : drop near duplicates, frames whose 32 x 32 thumbnail differs by fewer grey levels on average from the
        frame that was taken before; 0 drops none
    most_damaged : damaged packets and frames after which a video is given up

    Raises
    ------
    ConfigError  if a number is out of range, or both `every` and `fps` are given
    """

    every: int | None = None
    fps: float | None = None
    keyframes: bool = False
    most: int | None = None
    least_change: float = 2.0
    most_damaged: int = 100

    def __post_init__(self) -> None:
        if self.every is not None and self.fps is not None:
            raise ConfigError(f"frames are taken by number or by time; got every {self.every} and {self.fps} fps.")
        for name, least in (("every", 1), ("most", 1), ("most_damaged", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"{name} must be {least} or more; got {value}.")
        if self.fps is not None and not 0 < self.fps < float("inf"):
            raise ConfigError(f"fps must be above 0; got {self.fps}.")
        if not self.least_change >= 0:
            raise ConfigError(f"least_change must be 0 or more; got {self.least_change}.")

    @property
    def ticks(self) -> Fraction | None:
        """Frames a second to take; None where frames are counted instead."""
        if self.fps is not None:
            return Fraction(str(self.fps))
        return None if self.every or self.keyframes else Fraction(1)


@dataclass(frozen=True)
class Finding:
    """What a file holds.

    Parameters
    ----------
    digest : SHA-256 of its content; empty if it cannot be read
    sizes : (n, 2) int32, height and width of each upright picture to take
    stamps : (n,) int64, times of the frames to take; -1 for a picture
    scenes : (n,) int32, the scene of each
    frames, damaged : frames that could be decoded, packets and frames that could not
    refused : why nothing can be taken
    doubts : what is odd about it, and how it is taken nevertheless
    """

    digest: str
    sizes: np.ndarray = field(default_factory=lambda: np.empty((0, 2), np.int32))
    stamps: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    scenes: np.ndarray = field(default_factory=lambda: np.empty(0, np.int32))
    frames: int = 0
    damaged: int = 0
    refused: str = ""
    doubts: tuple[str, ...] = ()

    def large_enough(self, side: int) -> np.ndarray:
        """Which pictures hold a square of this side: (n,) bool."""
        return self.sizes.min(1) >= side


def survey(source: Input, rule: VideoRule, stopped: Callable[[], bool] = lambda: False) -> Finding:
    """Decode a file in full and choose its frames; faults of the file are in the result.

    Parameters
    ----------
    stopped : asked before every frame; once it is true the survey is given up and its result is worth nothing
    """
    digest = ""
    try:
        digest = source.digest()
        if source.kind == "picture":
            sizes = np.array([source.picture().shape[:2]], np.int32)
            return Finding(digest, sizes, np.full(1, -1, np.int64), np.zeros(1, np.int32), 1)
        found = survey_video(source, digest, rule, False, stopped)
        return survey_video(source, digest, rule, True, stopped) if found.damaged else found
    except FileFormatError as error:
        return Finding(digest, refused=str(error))


def survey_video(
    source: Input, digest: str, rule: VideoRule, careful: bool, stopped: Callable[[], bool] = lambda: False
) -> Finding:
    """Decode a video once and choose its frames.

    Raises
    ------
    FileFormatError  if it cannot be decoded or gives no frame
    """
    stamps, numbers, sizes = array("q"), array("q"), array("i")
    finder, sampler = SceneFinder(), Sampler(rule)
    with Video(source.path, keyframes=rule.keyframes, careful=careful, most_damaged=rule.most_damaged) as video:
        for number, frame in enumerate(video):
            if stopped():
                break
            thumbnail = frame.thumbnail(SIDE)
            finder.look(thumbnail)
            if sampler.takes(number, frame, thumbnail):
                stamps.append(frame.stamp)
                numbers.append(number)
                sizes.extend(frame.size)
    if not stamps:
        kind = "key frame" if rule.keyframes else "frame"
        expected = f"expected a video, its frames of at most {MOST_PIXELS:,} pixels"
        raise FileFormatError(f"{source} gives no {kind} ({counted(video.damaged, 'damaged packet')}); {expected}.")
    few = np.arange(len(stamps))
    if rule.most is not None and len(few) > rule.most:
        few = np.linspace(0, len(few) - 1, rule.most).round().astype(int)
    return Finding(
        digest,
        np.array(sizes, np.int32).reshape(-1, 2)[few],
        np.array(stamps, np.int64)[few],
        finder.scenes()[np.array(numbers)[few]],
        video.frames,
        video.damaged,
        doubts=(*video.doubts, *sampler.doubts),
    )


class Sampler:
    """Decides frame by frame which are taken."""

    def __init__(self, rule: VideoRule) -> None:
        self.rule, self.ticks = rule, rule.ticks
        self._start: Fraction | None = None
        self._lasts = Fraction(0)
        self._frames = 0
        self._tick = -1
        self._taken: np.ndarray | None = None

    def takes(self, number: int, frame: VideoFrame, thumbnail: np.ndarray) -> bool:
        """Whether frame `number` is one to take: its turn, and different from the last one taken."""
        if not self._is_its_turn(number, frame):
            return False
        if self._taken is not None and change(thumbnail, self._taken) < self.rule.least_change:
            return False
        self._taken = thumbnail
        return True

    @property
    def doubts(self) -> tuple[str, ...]:
        """What makes it doubtful that frames were taken as the rule means it."""
        if self.ticks is not None and self._frames > FASTEST * self._lasts + 1:
            short = f"says that its {self._frames} frames last {float(self._lasts):.3g} s"
            return (f"{short}; take them by their number, with --every",)
        return ()

    def _is_its_turn(self, number: int, frame: VideoFrame) -> bool:
        self._frames = number + 1
        if self.ticks is None:
            return number % (self.rule.every or 1) == 0
        if self._start is None:
            self._start = frame.time
        self._lasts = frame.time - self._start
        tick = int(self._lasts * self.ticks)
        if tick <= self._tick:
            return False
        self._tick = tick
        return True
