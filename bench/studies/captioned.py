"""What a captioned data set costs over its bare teachers.

python -m bench.studies.captioned PICTURES --captions TABLE --teacher VAE --text-teacher TEXT [--size 64] [--repeats 1]

Prints one JSON line: seconds of the whole work, from the first look at the pictures to the finished file, and of the
teachers alone on the same pictures and captions, in memory, one after the other, in turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from olacore.data import open_dataset

if TYPE_CHECKING:
    from teachers import Encoder, Teacher


def measure(asked: argparse.Namespace, vae: Encoder, text: Teacher, folder: Path) -> dict[str, Any]:
    """Time both, as often as it is asked for."""
    from teachers import CaptionRule, PictureRule, precompute

    rule, telling = PictureRule(size=asked.size), CaptionRule(asked.captions, set_=asked.set)
    whole, bare, rows = [], [], 0
    for turn in range(asked.repeats):
        h5 = folder / f"{turn}.h5"
        began = time.perf_counter()
        rows = precompute([asked.pictures], h5, [vae, text], rule, None, telling, workers=asked.workers).rows
        whole.append(time.perf_counter() - began)
        with open_dataset(h5) as data:
            frames = data.read(["frames"], np.arange(data.count))["frames"]
            texts = sorted({caption for captions in data.captions for caption in captions})
        h5.unlink()
        began = time.perf_counter()
        for first in range(0, len(frames), vae.batch):
            vae.encode(frames[first : first + vae.batch])
        for first in range(0, len(texts), text.batch):
            text.answer({"captions": np.array(texts[first : first + text.batch])})
        bare.append(time.perf_counter() - began)
    ratios = [one / other for one, other in zip(bare, whole, strict=True)]
    return {
        "rows": rows,
        "seconds, median": round(statistics.median(whole), 1),
        "bare teachers' seconds, median": round(statistics.median(bare), 1),
        "bare over whole": [round(ratio, 3) for ratio in ratios],
    }


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.studies.captioned", description="Time a captioned data set and its bare teachers."
    )
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--captions", required=True, type=Path)
    parser.add_argument("--set", help="of a table of several sets")
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--text-teacher", required=True)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=1)
    asked = parser.parse_args()
    from teachers import load_teacher, load_text_teacher

    teachers = load_teacher(asked.teacher), load_text_teacher(asked.text_teacher)
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(json.dumps(measure(asked, *teachers, Path(folder))) + "\n")


if __name__ == "__main__":
    main()
