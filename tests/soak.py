"""Runs of every kind, killed at random and at aimed moments, resumed, and compared with the run that nobody killed.

`python -m tests.soak --runs 100` prints a line for every kind and ends with 1 if any run ended in other bytes. It is no
part of the suite: it takes minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import olacore.search.loop
from olacore.jit.threads import let_idle_threads_sleep
from olacore.search.train import train
from tests.support.makers import make_config, story, write_pictures, write_plain
from tests.support.plain_samples import make, save_photographs

# Calls before or after which a child kills itself: what is on disk changes there.
AIMS = ("open", "write", "fsync", "close", "unlink", "replace")
TRAINED = {
    "rows": {"generations": 12},
    "classic": {"strategy": "classic", "generations": 12},
    "stack": {"stack": 4, "generations": 24},
    "pair": {"module": "pair", "border": 0, "generations": 6},
}
Job = Callable[[Path, bool], object]


def train_into(place: Path, resume: bool, data: Path, name: str) -> None:
    olacore.search.loop.CHECKPOINT_SECONDS = -1  # after every generation
    config = make_config(data, place, **TRAINED[name])
    train(replace(config, resume=resume))


def precompute_into(place: Path, resume: bool, photographs: list[Path], workers: int) -> None:
    place.mkdir(exist_ok=True)
    make(photographs, place / "data.h5", workers=workers, resume=resume)


def jobs(folder: Path) -> dict[str, Job]:
    """Every kind of run."""
    plain = write_plain(folder / "plain.h5")
    pictures = write_pictures(folder / "pictures.h5", (6, 2, 2), (24, 16))
    photographs = save_photographs(folder / "photographs", 24)
    found: dict[str, Job] = {
        name: partial(train_into, data=pictures if name == "pair" else plain, name=name) for name in TRAINED
    }
    for workers in (1, 2):
        found[f"precompute, {workers} workers"] = partial(precompute_into, photographs=photographs, workers=workers)
    return found


def end_of(place: Path) -> dict[str, str]:
    """What has to be equal: every file but checkpoints and sessions, which know the time; logs without their clock."""
    found = {}
    for path in sorted(file for file in place.rglob("*") if file.is_file()):
        if path.name == "log.jsonl":
            content = str([sorted(line.items()) for line in story(path.parent)]).encode()
        elif path.name in ("checkpoint.safetensors", "sessions.jsonl"):
            continue
        else:
            content = path.read_bytes()
        found[str(path.relative_to(place))] = hashlib.sha256(content).hexdigest()
    return found


def kill_at(aim: str, number: int, before: bool) -> None:
    """Let this process kill itself at the call of a number, counted from 0."""
    original, calls = getattr(os, aim), iter(range(1 << 60))

    def counted(*arguments, **named):
        due = next(calls) == number
        if due and before:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = original(*arguments, **named)
        if due:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(os, aim, counted)


def run(job: Job, place: Path, resume: bool, arm: Callable[[], None] = lambda: None, seconds: float = 0) -> int:
    """Run a job in a child, kill it after some seconds if any are given, and return how it ended."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            arm()
            job(place, resume)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if seconds:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def soak(name: str, job: Job, runs: int, folder: Path, draw: random.Random) -> Counter[str]:
    """Kill and resume so many runs of a kind."""
    counts: Counter[str] = Counter()
    run(job, folder / "whole", False)  # kernels are compiled and kept
    shutil.rmtree(folder / "whole")
    began = time.perf_counter()
    if run(job, folder / "whole", False):
        raise SystemExit(f"{name} does not run")
    took, wanted = time.perf_counter() - began, end_of(folder / "whole")
    for number in range(runs):
        place, resume, story_of_it = folder / str(number), False, []
        for _ in range(draw.choice((1, 1, 2, 3))):  # a resumed run is killed again
            if draw.random() < 0.5:
                aim, call, before = draw.choice(AIMS), int(2 ** draw.uniform(0, 8)) - 1, draw.random() < 0.5
                ended = run(job, place, resume, partial(kill_at, aim, call, before))
                story_of_it.append(f"{aim} {call} {'before' if before else 'after'}")
            else:
                seconds = draw.uniform(0.01, took)
                ended = run(job, place, resume, seconds=seconds)
                story_of_it.append(f"{seconds:.2f} s")
            counts["kills"] += ended == -signal.SIGKILL
            resume = True
            if ended not in (0, -signal.SIGKILL):
                counts["failed"] += 1
                print(f"{name}: ended as {ended} after {story_of_it}")
        ended = run(job, place, True)
        equal = ended == 0 and end_of(place) == wanted
        counts["equal" if equal else "other"] += 1
        if equal:
            shutil.rmtree(place)
        else:
            print(f"{name}: {place} ended as {ended} in other bytes after {story_of_it}")
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60, help="runs of all kinds together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="kinds whose names begin so")
    asked = parser.parse_args()
    let_idle_threads_sleep()
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    draw, wrong = random.Random(asked.seed), 0
    kinds = {name: job for name, job in jobs(folder).items() if name.startswith(asked.only)}
    for number, (name, job) in enumerate(kinds.items()):
        place = folder / str(number)
        place.mkdir()
        counts = soak(name, job, -(-asked.runs // len(kinds)), place, draw)
        wrong += counts["other"] + counts["failed"]
        print(f"{name}: {dict(counts)}", flush=True)
    if not wrong:
        shutil.rmtree(folder)
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
