"""Frames of a video in order, through PyAV: upright, with square pixels, damage counted and skipped."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import ConfigError, FileFormatError

# Quarter turns that bring a picture upright, by the rotation that the file asks for, in degrees.
TURNS = {0: 0, 90: 1, 180: 2, -180: 2, -90: 3, 270: 3}


@dataclass
class VideoFrame:
    """A decoded frame; `picture` makes an array of it.

    Parameters
    ----------
    stamp : its time in units of `unit`; larger than that of every frame before it
    unit : seconds
    """

    stamp: int
    unit: Fraction
    frame: Any
    size: tuple[int, int]
    turns: int

    @property
    def time(self) -> Fraction:
        """Seconds on the video's own clock."""
        return self.stamp * self.unit

    def picture(self) -> np.ndarray:
        """(H, W, 3) uint8 RGB, upright, of the size that `Video.size` names."""
        height, width = self.size if self.turns % 2 == 0 else self.size[::-1]
        # One thread: the decoder and the teacher have the others.
        small = self.frame.reformat(width=width, height=height, format="rgb24", interpolation="BICUBIC", threads=1)
        return np.ascontiguousarray(np.rot90(small.to_ndarray(), self.turns))

    def thumbnail(self, side: int) -> np.ndarray:
        """(3, side, side) uint8: brightness and two colours, area means, not turned."""
        return self.frame.reformat(
            width=side, height=side, format="yuv444p", interpolation="AREA", threads=1
        ).to_ndarray()


class Video:
    """A video file, closed as a context manager; iterating decodes it once from its beginning.

    Parameters
    ----------
    path : of the file
    keyframes : decode key frames only
    careful : decode on one thread, so that damage always leaves the same frames
    most_damaged : give up after more damaged packets and frames than this

    Attributes
    ----------
    size : (H, W) of the upright picture with square pixels; known after the first frame
    frames, damaged : frames that came out so far, and packets and frames that could not be decoded

    Raises
    ------
    ConfigError  if PyAV is not installed
    FileFormatError  if the file is missing, empty, no video, holds no video stream, or is damaged too much
    """

    def __init__(self, path: Path, *, keyframes: bool = False, careful: bool = False, most_damaged: int = 100) -> None:
        try:
            import av
        except ImportError as error:
            raise ConfigError("a video needs the package av; pip install 'olacore[video]'.") from error
        if not path.is_file():
            raise FileFormatError(f"{path} is missing; expected a video.")
        if path.stat().st_size == 0:
            raise FileFormatError(f"{path} is empty (0 bytes); expected a video.")
        self.path, self.most_damaged = path, most_damaged
        self.size = (0, 0)
        self.frames = self.damaged = 0
        self._errors: Any = av.FFmpegError
        try:
            self._container = av.open(str(path))
        # What PyAV raises on text and truncated files is a ValueError or an OSError, and not always its own.
        except av.FFmpegError as error:
            raise FileFormatError(
                f"{path} is no video that can be read, or is cut short: {error.strerror or error}."
            ) from error
        attached = av.stream.Disposition.attached_pic
        streams = [one for one in self._container.streams.video if not one.disposition & attached]
        if not streams:
            self._container.close()
            raise FileFormatError(f"{path} has no video stream; expected one.")
        self._stream = streams[0]
        self._stream.thread_type = "NONE" if careful else "AUTO"
        if keyframes:
            self._stream.codec_context.skip_frame = "NONKEY"

    def __iter__(self) -> Iterator[VideoFrame]:
        unit = Fraction(self._stream.time_base or Fraction(1, 1000))
        last: int | None = None
        for frame in self._decoded():
            stamp = frame.pts if frame.pts is not None else frame.dts
            if stamp is None or (last is not None and stamp <= last):
                stamp = 0 if last is None else last + 1
            last = stamp
            turns = TURNS.get(round(frame.rotation / 90) * 90, 0)
            if not self.frames:
                self.size = self._upright_size(frame, turns)
            self.frames += 1
            yield VideoFrame(stamp, unit, frame, self.size, turns)

    def _decoded(self) -> Iterator[Any]:
        packets = self._container.demux(self._stream)
        while True:
            frames: list[Any] = []
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = packet.decode()
            except EOFError:
                return
            except self._errors as error:
                self._count_damage(error)
            for frame in frames:
                if frame.is_corrupt:
                    self._count_damage("a corrupt frame")
                else:
                    yield frame

    def _count_damage(self, what: object) -> None:
        self.damaged += 1
        if self.damaged > self.most_damaged:
            count = f"more than {self.most_damaged} damaged packets (the last: {what})"
            raise FileFormatError(f"{self.path} has {count}; allow more of them, or repair it.")

    def _upright_size(self, frame: Any, turns: int) -> tuple[int, int]:
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        size = frame.height, max(1, round(frame.width * aspect))
        return size if turns % 2 == 0 else size[::-1]

    def __enter__(self) -> "Video":
        return self

    def __exit__(self, *error: object) -> None:
        self._container.close()
