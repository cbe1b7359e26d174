"""Deals cases out to processes, replaces those that die, and counts."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path

from tests.fuzz.cases import WRONG, Case, Outcome, build, keep, sound_cases
from tests.fuzz.kinds import Kind
from tests.fuzz.worker import death, serve, status

# Files in memory, where a system has that: every write is synced, and disks take long for it.
MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Limits:
    """Seconds of a case, and bytes that it may take over what the process has."""

    seconds: float = 10.0
    memory: int = 1 << 30


class Worker:
    """A process that runs one case after the other.

    Parameters
    ----------
    group : place of the commands, `module:function`
    needs : packages that take long to load
    """

    def __init__(self, group: str, limits: Limits, needs: Iterable[str] = ()) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fuzz-", dir=MEMORY if MEMORY.is_dir() else None))
        self.group, self.limits, self.needs = group, limits, [*needs]
        self.case: Case | None = None
        self.start()

    def start(self) -> None:
        """Fork it from one that has everything loaded."""
        context = get_context("forkserver")
        context.set_forkserver_preload(["tests.fuzz.preload", *self.needs])
        self.pipe, theirs = context.Pipe()
        given = theirs, self.group, self.limits.seconds, self.limits.memory, self.folder / "trace"
        self.process = context.Process(target=serve, args=given, daemon=False)
        self.process.start()
        theirs.close()
        self.base = 0

    def give(self, case: Case, limited: bool = True) -> None:
        """Begin a case, whose folder is `place`."""
        self.case, self.limited = case, limited
        self.began = time.monotonic()
        self.base = status("VmRSS", self.process.pid or 0)
        with suppress(OSError):  # one that has died says so when it is asked
            self.pipe.send((str(self.place), case, limited))

    @property
    def place(self) -> Path:
        """The folder of the case."""
        return self.folder / "case"

    def outcome(self) -> Outcome | None:
        """How the case ended; None while it runs."""
        assert self.case
        if self.pipe.poll():
            with suppress(EOFError, OSError):
                found: Outcome = self.pipe.recv()
                return found
        elif self.process.is_alive():
            with suppress(OSError, ProcessLookupError):
                if self.limited and status("VmRSS", self.process.pid or 0) > self.base + self.limits.memory:
                    os.kill(self.process.pid or 0, signal.SIGUSR1)
            return None
        self.process.join()
        found = death(self.folder / "trace", self.process.exitcode, self.case)
        self.stop()
        self.start()
        return replace(found, seconds=time.monotonic() - self.began)

    def run(self, case: Case, limited: bool = True) -> Outcome:
        """Run a case to its end."""
        self.give(case, limited)
        while (found := self.outcome()) is None:
            wait([self.pipe, self.process.sentinel], 0.05)
        return found

    def stop(self) -> None:
        """End the process and all that it has started; an idle one ends when its pipe does."""
        self.pipe.close()
        self.process.join(10)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        shutil.rmtree(self.place, ignore_errors=True)

    def close(self) -> None:
        """End it for good."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Tally:
    """What came out, of one kind."""

    cases: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    memory: int = 0
    slowest: float = 0.0
    processor: float = 0.0

    def add(self, outcome: Outcome) -> None:
        """Count a case."""
        self.cases += 1
        self.verdicts[outcome.verdict] += 1
        self.memory = max(self.memory, outcome.memory)
        self.slowest = max(self.slowest, outcome.seconds)
        self.processor += outcome.processor


@dataclass
class Found:
    """A place where something is wrong: how often, and the least damaged example."""

    case: Case
    outcome: Outcome
    count: int = 1


class Fuzzer:
    """Runs mangled cases of some kinds.

    Parameters
    ----------
    kinds : by name
    folder : where sound files are made
    examples : where an example of each place is kept; None keeps none
    """

    def __init__(
        self,
        kinds: dict[str, Kind],
        folder: Path,
        seed: int = 0,
        examples: Path | None = None,
        group: str = "cli:group",
        limits: Limits | None = None,
    ) -> None:
        self.kinds, self.folder, self.seed, self.examples, self.group = kinds, folder, seed, examples, group
        self.limits = limits or Limits()
        self.tallies = {name: Tally() for name in kinds}
        self.found: dict[str, Found] = {}

    def prepare(self) -> None:
        """Make sound files, and let every command succeed on them: otherwise nothing that follows means anything.

        Raises
        ------
        RuntimeError  if a command fails on sound files
        """
        failed = []
        with self.workers(1) as (worker,):
            for name, kind in self.kinds.items():
                sound = self.folder / name
                sound.mkdir(parents=True)
                kind.make(sound)
                for case in sound_cases(name, kind, sound):
                    shutil.copytree(sound, worker.place)
                    outcome = worker.run(case, limited=False)
                    if outcome.verdict != "done":
                        failed.append(f"`ola {' '.join(case.arguments)}` on sound files: {outcome}")
        if failed:
            raise RuntimeError("\n".join(failed))

    @contextmanager
    def workers(self, count: int) -> Iterator[list[Worker]]:
        """Some processes."""
        needs = sorted({name for kind in self.kinds.values() for name in kind.needs})
        made = [Worker(self.group, self.limits, needs) for _ in range(count)]
        try:
            yield made
        finally:
            for worker in made:
                worker.close()

    def run(self, seconds: float, cases: int | None = None, workers: int = 1) -> None:
        """Run cases, of each kind in turn, for so long or so many of them."""
        until = time.monotonic() + seconds
        names = [name for name in self.kinds]
        number = 0
        with self.workers(workers) as idle:
            busy: list[Worker] = []
            while True:
                more = time.monotonic() < until and (cases is None or number < cases)
                while idle and more and (cases is None or number < cases):
                    worker = idle.pop()
                    worker.give(self.build(names[number % len(names)], number // len(names), worker.place))
                    busy.append(worker)
                    number += 1
                if not busy:
                    return
                wait([end for worker in busy for end in (worker.pipe, worker.process.sentinel)], 0.05)
                for worker in [*busy]:
                    case = worker.case
                    if case and (outcome := worker.outcome()):
                        busy.remove(worker)
                        idle.append(worker)
                        self.take(case, outcome, worker)

    def build(self, name: str, number: int, place: Path) -> Case:
        """Make the folder of a case."""
        shutil.rmtree(place, ignore_errors=True)
        return build(name, self.kinds[name], self.folder / name, place, self.seed, number)

    def take(self, case: Case, outcome: Outcome, worker: Worker) -> None:
        """Count a case; of what took too long, only what does so again."""
        if outcome.verdict == "hang":
            self.build(case.kind, case.number, worker.place)
            outcome = worker.run(case)
        self.tallies[case.kind].add(outcome)
        if outcome.verdict not in WRONG:
            return
        known = self.found.get(outcome.place)
        if known:
            known.count += 1
            if len(known.case.damage) <= len(case.damage):
                return
            known.case, known.outcome = case, outcome
        else:
            self.found[outcome.place] = Found(case, outcome)
        if self.examples:
            letters = "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in outcome.place)
            example = self.examples / letters[:100]
            self.build(case.kind, case.number, example)
            keep(case, outcome, example)
