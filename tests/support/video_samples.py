"""Small videos for the tests, written with PyAV: without loss where frames are compared bit for bit."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av")


def scene(count: int, number: int, height: int = 32, width: int = 48) -> np.ndarray:
    """Frames of one scene: a bright block moves over a still background that depends on `number`."""
    rng = np.random.default_rng(number)
    background = np.kron(rng.integers(0, 256, (4, 4, 3), np.uint8), np.ones((height // 4, width // 4, 1), np.uint8))
    frames = np.repeat(background[None], count, 0)
    for index, frame in enumerate(frames):
        left = 2 * index % (width - 8)
        frame[4:12, left : left + 8] = (255, 255 - 5 * index % 256, index)
    return frames


def write_video(
    path: Path,
    frames: np.ndarray,
    *,
    stamps: Sequence[int] | None = None,
    rate: int = 10,
    codec: str = "ffv1",
    aspect: Fraction | None = None,
) -> Path:
    """Write frames (n, H, W, 3); `stamps` are times in units of 1/1000 s, else `rate` frames come a second."""
    stamps = stamps if stamps is not None else [1000 * index // rate for index in range(len(frames))]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "bgr0" if codec == "ffv1" else "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.thread_count = 1
        if codec != "ffv1":
            stream.codec_context.gop_size = 5
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        for stamp, pixels in zip(stamps, frames, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_sound(path: Path) -> Path:
    """Write a second of silence, without any picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turn(path: Path, degrees: int) -> Path:
    """Set the rotation flag of an MP4 file: players are to turn its pictures clockwise by so many degrees."""
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    one = 1 << 16
    numbers = [cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, 1 << 30]
    content = bytearray(path.read_bytes())
    start = content.index(b"tkhd") + 4 + 40
    content[start : start + 36] = b"".join(number.to_bytes(4, "big", signed=True) for number in numbers)
    path.write_bytes(content)
    return path


def damage(path: Path, first: int, last: int, every: int = 7) -> Path:
    """Overwrite some bytes between two places, counted from the beginning."""
    content = bytearray(path.read_bytes())
    content[first:last:every] = bytes(255 for _ in content[first:last:every])
    path.write_bytes(content)
    return path
