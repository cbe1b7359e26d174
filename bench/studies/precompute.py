"""What `ola precompute` costs: throughput, memory, bytes on disk, reading back, and what kills leave.

python -m bench.studies.precompute VIDEOS --teacher TAESD [--part throughput|memory|kills|bytes|reading] [--rows 20000]

Each part prints one JSON line. VIDEOS is a folder of videos.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.common.pages import drop_pages
from olacore.data import BlockStream, LatentWriter, Source, open_dataset
from olacore.data.records import ROW
from olacore.spaces import LatentSpace

if TYPE_CHECKING:
    from teachers import Autoencoder

SPACE = LatentSpace("bench/cheap", "00" * 32, 1.0, 0.0, 4)
BLOCK_ROWS = 8192
KILLS = 50


def cheap_teacher() -> Autoencoder:
    """A teacher that costs next to nothing: mean colours of the patches."""
    from teachers import Autoencoder

    class CheapTeacher(Autoencoder):
        space = SPACE
        batch = 8

        def __init__(self) -> None:
            self.settings: dict[str, Any] = {}

        def encode(self, frames: np.ndarray) -> np.ndarray:
            n, height, width, _ = frames.shape
            means = frames.reshape(n, height // 8, 8, width // 8, 8, 3).mean((2, 4), dtype=np.float32) / 127.5 - 1
            return np.concatenate([means, means[..., :1]], -1).transpose(0, 3, 1, 2)

        def decode(self, latents: np.ndarray) -> np.ndarray:
            pixels = np.clip((latents[:, :3].astype(np.float32) + 1) * 127.5, 0, 255).astype(np.uint8)
            return pixels.repeat(8, 2).repeat(8, 3).transpose(0, 2, 3, 1)

    return CheapTeacher()


def measure_throughput(videos: Path, reference: str, folder: Path, repeats: int) -> dict[str, Any]:
    """Pictures a second of the whole work over those of the teacher alone on pictures that are ready, in turn."""
    from teachers import PictureRule, VideoRule, load_teacher, precompute

    teacher = load_teacher(reference)
    rule, video = PictureRule(), VideoRule(every=5, most=24)
    sources = sorted(videos.glob("*.mp4"))[:1]
    ratios, whole, surveys = [], [], []
    for turn in range(repeats):
        stamps: list[tuple[str, int, float]] = []

        def note(what: str, done: int, total: int, kept: list[tuple[str, int, float]] = stamps) -> None:
            kept.append((what, done, time.perf_counter()))

        h5 = folder / f"throughput{turn}.h5"
        began = time.perf_counter()
        precompute(sources, h5, teacher, rule, video, recon=True, progress=note)
        rows = [(done, at) for what, done, at in stamps if what == "rows"]
        seconds = (rows[-1][1] - rows[0][1]) / (rows[-1][0] - rows[0][0])
        surveys.append(next(at for what, _, at in stamps if what == "rows") - began)
        with open_dataset(h5) as data:
            frames = data.read(("frames",), np.arange(data.count))["frames"]
        began = time.perf_counter()
        for first in range(0, len(frames), teacher.batch):
            teacher.decode(teacher.encode(frames[first : first + teacher.batch]).astype(np.float16))
        bare = (time.perf_counter() - began) / len(frames)
        ratios.append(bare / seconds)
        whole.append(1 / seconds)
    return {
        "part": "throughput",
        "over bare forward, median": round(statistics.median(ratios), 3),
        "each": [round(ratio, 3) for ratio in ratios],
        "pictures a second": round(statistics.median(whole), 2),
        "survey and start, s": round(statistics.median(surveys), 2),
    }


def loop_videos(videos: Path, folder: Path, rows: int) -> list[Path]:
    """Copies of a video, each with other bytes at its end, until frames every 5 would give so many rows."""
    content = (videos / "vtest.avi").read_bytes()
    folder.mkdir(exist_ok=True)
    paths = []
    for number in range(-(-rows // 159)):
        path = folder / f"{rows}-{number:04d}.avi"
        path.write_bytes(content + number.to_bytes(8, "big"))
        paths.append(path)
    return paths


def measure_memory(videos: Path, folder: Path, rows: int) -> dict[str, Any]:
    """Peak memory of a process that makes a few rows, and of one that makes many."""
    peaks = {}
    for count in (200, rows):
        paths = loop_videos(videos, folder / f"loop{count}", count)
        asked = [str(videos), "--part", "one-run", "--folder", str(folder), "--rows", str(count)]
        command = [sys.executable, "-m", "bench.studies.precompute", *asked]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[str(count)] = json.loads(done.stdout.splitlines()[-1])
        for path in (*paths, folder / f"one{count}.h5"):
            path.unlink()
    few, many = (peaks[str(count)]["peak MiB"] for count in (200, rows))
    return {"part": "memory", "many over few": round(many / few, 3), "runs": peaks}


def one_run(folder: Path, rows: int) -> dict[str, Any]:
    """Make a data set with the cheap teacher, and tell this process's peak memory."""
    from teachers import PictureRule, VideoRule, precompute

    paths = sorted((folder / f"loop{rows}").iterdir())
    began = time.perf_counter()
    made = precompute(
        paths, folder / f"one{rows}.h5", cheap_teacher(), PictureRule(size=64), VideoRule(every=5, least_change=0)
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": made.rows, "peak MiB": round(peak, 1), "seconds": round(time.perf_counter() - began, 1)}


def measure_kills(videos: Path, folder: Path) -> dict[str, Any]:
    """Kill runs at 50 random moments while they fill the file, resume each time, and compare with a whole run."""
    source = videos / "bikes.mp4"
    whole, killed = folder / "whole.h5", folder / "killed.h5"
    seconds = kill_target(source, whole, None)
    rng = random.Random(0)
    kills: list[int] = []
    equal = True
    while len(kills) < KILLS and equal:
        # A fifth of a run each, so that a file meets several kills.
        code = f"from bench.studies.precompute import *; kill_target(Path({str(source)!r}), Path({str(killed)!r}), "
        done = subprocess.run([sys.executable, "-c", f"{code}{rng.uniform(0, seconds / 5)})"], check=False)
        if done.returncode == -signal.SIGKILL:
            kills.append(rows_in(killed))
        else:
            equal = done.returncode == 0 and killed.read_bytes() == whole.read_bytes()
            killed.unlink()
    if killed.exists():
        kill_target(source, killed, None)
        equal = equal and killed.read_bytes() == whole.read_bytes()
    return {"part": "kills", "kills": len(kills), "rows at each kill": kills, "equal": equal}


def kill_target(source: Path, h5: Path, seconds: float | None) -> float:
    """One run, killed so many seconds after it has begun to fill the file; the seconds that filling took."""
    from teachers import PictureRule, VideoRule, precompute

    began: list[float] = []

    def note(what: str, done: int, total: int) -> None:
        if what == "rows" and not began:
            began.append(time.perf_counter())
            if seconds is not None:
                threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()

    rule, video = PictureRule(size=64, crops=2), VideoRule(every=1, least_change=0)
    precompute([source], h5, cheap_teacher(), rule, video, recon=True, resume=True, progress=note)
    if seconds is not None:
        os._exit(0)  # without waiting for the timer
    return time.perf_counter() - began[0]


def rows_in(h5: Path) -> int:
    """Rows that a file keeps; 0 where there is none yet."""
    import h5py

    if not h5.exists():
        return 0
    with h5py.File(h5, locking=False) as file:
        return int(file.attrs["rows_valid"])


def write_many(path: Path, rows: int) -> None:
    """A data set of 256 x 256 frames of noise with latents and decodings."""
    sources = [Source("noise", "photograph", "train")]
    rng = np.random.default_rng(0)
    with LatentWriter(path, space=SPACE, size=(256, 256), capacity=rows, sources=sources, recon=True) as writer:
        for _ in range(0, rows, 64):
            frames = rng.integers(0, 256, (64, 256, 256, 3), np.uint8)
            latents = rng.normal(size=(64, 4, 32, 32)).astype(np.float16)
            writer.append(frames, latents, np.zeros(64, ROW), frames)


def measure_bytes(folder: Path, rows: int = 256) -> dict[str, Any]:
    """Bytes of a frame with latents and decoding, over the same as float32."""
    path = folder / "bytes.h5"
    write_many(path, rows)
    each = path.stat().st_size / rows
    floats = 4 * (2 * 256 * 256 * 3 + 4 * 32 * 32)
    return {"part": "bytes", "a frame": round(each), "as float32": floats, "share": round(each / floats, 4)}


def measure_reading(folder: Path, rows: int, repeats: int) -> dict[str, Any]:
    """Bytes a second of one pass of shuffled training blocks over those of reading the file from end to end."""
    path = folder / "reading.h5"
    write_many(path, rows)
    ratios, rates = [], []
    for _ in range(repeats):
        blocks = timed(path, lambda: read_blocks(path, rows))
        plain = timed(path, lambda: read_plain(path))
        ratios.append(blocks / plain)
        rates.append(plain / 1e9)
    return {
        "part": "reading",
        "blocks over sequential, median": round(statistics.median(ratios), 3),
        "each": [round(ratio, 3) for ratio in ratios],
        "sequential GB/s": [round(rate, 2) for rate in rates],
    }


def timed(path: Path, read: Callable[[], int]) -> float:
    """Bytes a second of a read whose pages have been dropped."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    drop_pages(path)
    began = time.perf_counter()
    count = read()
    return count / (time.perf_counter() - began)


def read_blocks(path: Path, rows: int) -> int:
    """One pass of blocks of frames, latents and decodings."""
    with open_dataset(path) as data:
        fields = ("frames", "latents", "recon")
        with BlockStream(data, np.arange(rows), fields, 1024, BLOCK_ROWS, seed=0) as stream:
            for _ in range(stream.blocks_per_pass):
                next(stream)
        return rows * data.row_bytes(fields)


def read_plain(path: Path) -> int:
    """Read a file from end to end."""
    count = 0
    with path.open("rb", buffering=0) as file:
        buffer = bytearray(8 << 20)
        while read := file.readinto(buffer):
            count += read
    return count


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--teacher")
    parser.add_argument("--part", default="all")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="For files; otherwise a temporary one.")
    asked = parser.parse_args()
    if asked.part == "one-run":
        print(json.dumps(one_run(asked.folder, asked.rows)))
        return
    with tempfile.TemporaryDirectory(dir=asked.folder) as temporary:
        folder = Path(temporary)
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "bytes": lambda: measure_bytes(folder),
            "reading": lambda: measure_reading(folder, 2048, asked.repeats),
            "kills": lambda: measure_kills(asked.videos, folder),
            "memory": lambda: measure_memory(asked.videos, folder, asked.rows),
        }
        if asked.teacher:
            parts["throughput"] = lambda: measure_throughput(asked.videos, asked.teacher, folder, asked.repeats)
        for name, measure in parts.items():
            if asked.part in ("all", name):
                print(json.dumps(measure()), flush=True)


if __name__ == "__main__":
    main()
