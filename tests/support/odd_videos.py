"""Videos as strangers have them: joined, mirrored, deep, without times, encrypted, with words that lead elsewhere."""

import os
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from olacore.media.find import Input
from teachers.collect.survey import Finding, VideoRule, survey
from tests.support.video_samples import scene

av = pytest.importorskip("av")


def encode(
    path: Path,
    frames: Sequence[np.ndarray],
    codec: str = "mpeg4",
    pixels: str = "yuv420p",
    *,
    rate: int = 10,
    start: int = 0,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    setup: Callable[[Any], None] = lambda context: None,
    **colours: Any,
) -> Path:
    """Write frames (H, W, 3) or (H, W, 4) uint8, `rate` a second from frame number `start` on.

    Parameters
    ----------
    options, container : of the encoder and of the file
    setup : called with the encoder's context
    colours : how pixels are converted, for PyAV's `reformat`
    """
    with av.open(str(path), "w", options=container or {}) as box:
        stream = box.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        stream.codec_context.gop_size = 5
        stream.codec_context.thread_count = 1
        setup(stream.codec_context)
        for number, picture in enumerate(frames):
            form = "rgba" if picture.shape[-1] == 4 else "rgb24"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), form)
            if form != pixels:
                frame = frame.reformat(format=pixels, **colours)
            frame.pts, frame.time_base = start + number, Fraction(1, rate)
            box.mux(stream.encode(frame))
        box.mux(stream.encode())
    return path


def tagged(**tags: int) -> Callable[[Any], None]:
    """Set colour tags of an encoder: colorspace, color_primaries, color_trc, color_range."""

    def setup(context: Any) -> None:
        for name, value in tags.items():
            setattr(context, name, value)

    return setup


def join(path: Path, *parts: Path) -> Path:
    """Put files behind each other."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def shown_by(path: Path, a: int, b: int, c: int, d: int) -> Path:
    """Give an MP4 file the display matrix ((a, b), (c, d)), in units of 1/65536."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 44
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def replaced(path: Path, old: bytes, new: bytes) -> Path:
    """Replace some bytes by as many others."""
    content = path.read_bytes()
    assert old in content
    assert len(old) == len(new)
    path.write_bytes(content.replace(old, new))
    return path


def write_streams(path: Path, streams: Sequence[tuple[int, int, int]], default: int = 0) -> Path:
    """A file with several streams, each of (frames, height, width), 10 frames a second; one is the default."""
    with av.open(str(path), "w") as box:
        made = []
        for number, (_, height, width) in enumerate(streams):
            stream = box.add_stream("mjpeg", rate=10)
            stream.height, stream.width, stream.pix_fmt = height, width, "yuvj420p"
            stream.disposition = av.stream.Disposition.default if number == default else av.stream.Disposition(0)
            made.append(stream)
        for stream, (count, height, width) in zip(made, streams, strict=True):
            for number, picture in enumerate(scene(count, 0, height, width)):
                frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuvj420p")
                frame.pts, frame.time_base = number, Fraction(1, 10)
                box.mux(stream.encode(frame))
            box.mux(stream.encode())
    return path


def dying(given: Input, rule: VideoRule) -> Finding:
    """Stand-in for a survey whose decoder may take the process with it."""
    if "deadly" in given.path.name:
        os._exit(9)
    return survey(given, rule)
