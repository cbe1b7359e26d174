"""Frames of a video in order, through PyAV: upright, with square pixels, damage counted and skipped."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import FileFormatError, OlacoreError
from olacore.foreign.names import counted
from teachers.collect.clock import Clock
from teachers.collect.colours import curve_of, to_srgb
from teachers.collect.open_video import MOST_PIXELS, open_video, reason

# Reading goes on behind damage, but not after so many failures in a row.
MOST_FAILURES = 10
# The part of a display matrix that may be off the axes: its numbers are rounded.
AXIS = 0.01
# Bytes behind the last packet that are worth a word, if they are a quarter of the file: indices are shorter.
LEAST_REST = 1 << 20
# Decoders whose threads of frames may wait for each other for ever where a frame is missing.
WAITING = ("hevc", "vvc")
# Threads of a decoder, and pixels of all their frames.
MOST_THREADS, MOST_HELD = 16, 1 << 27
UNKNOWN = "has pixels of a kind that cannot be converted"


@dataclass(frozen=True)
class VideoFrame:
    """A decoded frame; `picture` makes an array of it.

    Parameters
    ----------
    path : of the video
    stamp : its time in units of `unit`; 0 or more, and larger than that of every frame before it
    unit : seconds
    size : (H, W) of the upright picture with square pixels
    matrix : (a, b, c, d) of the display matrix: a pixel at (x, y) is shown at (a x + c y, b x + d y), y downwards
    """

    path: Path
    stamp: int
    unit: Fraction
    frame: Any
    size: tuple[int, int]
    matrix: tuple[int, int, int, int]

    @property
    def time(self) -> Fraction:
        """Seconds on the video's own clock."""
        return self.stamp * self.unit

    def picture(self) -> np.ndarray:
        """(H, W, 3) uint8 sRGB, upright, of `size`.

        Raises
        ------
        FileFormatError  if its pixels are of a kind that cannot be converted
        """
        across, right, down = orientation(self.matrix)
        with plainly(self.path, UNKNOWN):
            pixels = to_srgb(self.frame, *(self.size[::-1] if across else self.size))
        pixels = pixels.swapaxes(0, 1) if across else pixels
        return np.ascontiguousarray(pixels[::down, ::right])

    def thumbnail(self, side: int) -> np.ndarray:
        """(3, side, side) uint8: brightness and two colours, area means, not turned.

        Raises
        ------
        FileFormatError  if its pixels are of a kind that cannot be converted
        """
        with plainly(self.path, UNKNOWN):
            return self.frame.reformat(
                width=side, height=side, format="yuv444p", interpolation="AREA", threads=1
            ).to_ndarray()


class Video:
    """A video file, closed as a context manager; iterating decodes it once from its beginning.

    Parameters
    ----------
    path : of the file; no other file is opened, whatever it says
    keyframes : decode key frames only
    careful : decode on one thread, so that damage always leaves the same frames, and leave corrupt ones out
    most_damaged : give up after more damaged packets and frames than this

    Attributes
    ----------
    frames, damaged : frames that came out so far, and packets and frames that could not be decoded

    Raises
    ------
    ConfigError  if PyAV is not installed
    FileFormatError  if the file is missing, empty, no video, holds no video stream, or is damaged too much
    """

    def __init__(self, path: Path, *, keyframes: bool = False, careful: bool = False, most_damaged: int = 100) -> None:
        self.path, self.keyframes, self.careful, self.most_damaged = path, keyframes, careful, most_damaged
        self.frames = self.damaged = 0
        with plainly(path):
            self._container, self._stream = open_video(path)
            self._codec = self._stream.codec_context
            self._codec.options = {"max_pixels": str(MOST_PIXELS)}
            kind = "SLICE" if self._codec.name in WAITING else "AUTO"
            self._stream.thread_type = "NONE" if careful else kind
            # Every thread of a decoder holds a frame.
            room = MOST_HELD // max(1, self._codec.width * self._codec.height)
            self._codec.thread_count = max(1, min(MOST_THREADS, os.cpu_count() or 1, room))
            if keyframes:
                self._codec.skip_frame = "NONKEY"
            self._clock = Clock(self._stream, self._container.format.name)
            self._bytes = path.stat().st_size
            # The file's word on the shape of pixels outweighs that of the codec; else the latter may change.
            self._aspect = self._stream.sample_aspect_ratio
            self._follows = self._aspect == self._codec.sample_aspect_ratio
        # Stamps of key packets: some decoders do not mark key frames, others do not skip the rest.
        self._keys: set[int | None] = set()
        self._read = 0
        self._sizes: set[tuple[int, int]] = set()
        self._doubts: dict[str, None] = {}

    def __iter__(self) -> Iterator[VideoFrame]:
        for frame in self._decoded():
            if self.keyframes and not (frame.key_frame or frame.pts in self._keys):
                continue
            if self.frames == self._bytes:
                raise FileFormatError(f"{self.path} gives more frames than it has bytes; it is damaged.")
            with plainly(self.path):
                matrix = display_matrix(frame)
                seen = VideoFrame(
                    self.path, self._clock.stamp(frame), self._clock.unit, frame, self._upright(frame, matrix), matrix
                )
                self._look(seen)
            self.frames += 1
            yield seen

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is odd about the video, all of which was read, and how its frames were taken nevertheless."""
        clock, texts = self._clock, [*self._doubts]
        if clock.counted:
            texts.append(f"has no times; frames are counted at {float(clock.rate):.6g} a second")
        elif clock.mended:
            count = f"at {clock.mended} of {self.frames} frames"
            texts.append(f"has times that go back or are missing {count}; these are counted on from the frame before")
        if len(self._sizes) > 1:
            sizes = ", ".join(f"{width} x {height}" for height, width in sorted(self._sizes))
            texts.append(f"changes its size: {sizes}; each frame is cut as it is")
        if self._bytes - self._read > max(LEAST_REST, self._bytes // 4):
            texts.append(f"holds nothing that can be read behind byte {self._read:,} of {self._bytes:,}")
        return tuple(texts)

    def _look(self, seen: VideoFrame) -> None:
        if len(self._sizes) < 4:
            self._sizes.add(seen.size)
        if curve := curve_of(seen.frame):
            mapped = "it is mapped to sRGB with 203 cd/m2 as white, and what is brighter is clipped"
            self._doubts[f"is HDR ({curve}); {mapped}"] = None
        if seen.frame.interlaced_frame:
            self._doubts["is interlaced; frames are taken as they are, with both fields"] = None
        if is_askew(seen.matrix):
            self._doubts["is to be shown at an odd angle; it is turned to the nearest quarter"] = None

    def _packets(self) -> Iterator[Any]:
        """Packets with content; behind damage reading goes on where it can."""
        failures = 0
        while failures < MOST_FAILURES:
            try:
                # Of all streams, to know how far the file was read.
                for packet in self._container.demux():
                    self._read = max(self._read, (packet.pos or 0) + packet.size)
                    # An empty packet would end the decoder; it is told of the end behind the last one.
                    if packet.size and packet.stream is self._stream:
                        failures = 0
                        yield packet
                return
            except Exception as error:
                failures += 1
                if failures == 1:
                    self._count_damage(error)

    def _decoded(self) -> Iterator[Any]:
        for packet in self._packets():
            if packet.has_sidedata("encryption_info"):
                raise FileFormatError(f"{self.path} is encrypted; it has to be decrypted first.")
            self._clock.count(packet)
            if self.keyframes and packet.is_keyframe:
                self._keys.add(packet.pts)
            yield from self._sound(packet)
        yield from self._sound(None)

    def _sound(self, packet: Any) -> Iterator[Any]:
        """The undamaged frames that come out after a packet, or at the end."""
        frames: list[Any] = []
        try:
            frames = self._stream.decode(packet)
        # The decoders raise a dozen types on damaged files.
        except Exception as error:
            self._count_damage(error)
        for frame in frames:
            if frame.is_corrupt:
                self._count_damage("a corrupt frame")
            # Threads may be late to mark a frame: what one pass did not see the next one must not leave out.
            if not (frame.is_corrupt and self.careful):
                yield frame

    def _count_damage(self, what: object) -> None:
        self.damaged += 1
        if self.damaged > self.most_damaged:
            last = reason(what) if isinstance(what, Exception) else what
            count = f"more than {counted(self.most_damaged, 'damaged packet')} (the last: {last})"
            raise FileFormatError(f"{self.path} has {count}; allow more of them, or repair it.")

    def _upright(self, frame: Any, matrix: tuple[int, int, int, int]) -> tuple[int, int]:
        aspect = (self._codec.sample_aspect_ratio if self._follows else self._aspect) or 1
        height, width = frame.height, max(1, round(frame.width * aspect))
        if height * width > MOST_PIXELS:
            size = f"{width} x {height} square pixels"
            raise FileFormatError(f"{self.path} has frames of {size}; expected at most {MOST_PIXELS:,}.")
        return (width, height) if orientation(matrix)[0] else (height, width)

    def __enter__(self) -> "Video":
        return self

    def __exit__(self, *error: object) -> None:
        self._container.close()


def display_matrix(frame: Any) -> tuple[int, int, int, int]:
    """(a, b, c, d) of a frame's display matrix; that of a plain frame where there is none."""
    from av.sidedata.sidedata import Type

    if Type.DISPLAYMATRIX not in frame.side_data:
        return 1, 0, 0, 1
    numbers = np.frombuffer(bytes(frame.side_data[Type.DISPLAYMATRIX]), "=i4", 5).tolist()
    return numbers[0], numbers[1], numbers[3], numbers[4]


def orientation(matrix: tuple[int, int, int, int]) -> tuple[bool, int, int]:
    """The nearest of the eight ways to show a picture: whether its axes are swapped first, and then the steps,
    1 or -1, along which columns and rows are read."""
    a, b, c, d = matrix
    across = abs(b) + abs(c) > abs(a) + abs(d)
    columns, rows = (c, b) if across else (a, d)
    return across, -1 if columns < 0 else 1, -1 if rows < 0 else 1


def is_askew(matrix: tuple[int, int, int, int]) -> bool:
    """Whether none of the eight ways is what the matrix asks for."""
    a, b, c, d = map(abs, matrix)
    return min(a + d, b + c) > AXIS * max(a + d, b + c)


@contextmanager
def plainly(path: Path, what: str = "cannot be decoded") -> Iterator[None]:
    """Make one sentence of whatever the decoders raise, which are a dozen types."""
    try:
        yield
    except OlacoreError:
        raise
    except Exception as error:
        raise FileFormatError(f"{path} {what}: {reason(error)}.") from error
