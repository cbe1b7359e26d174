"""The process that runs cases, one at a time, and may die of one."""

from __future__ import annotations

import faulthandler
import gc
import os
import re
import resource
import shutil
import signal
import time
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tests.fuzz.cases import Case, Outcome

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = tuple(str(ROOT / name) for name in ("olacore", "teachers", "bench", "cli.py"))
# A terminal would act on these; tabs and ends of lines are none.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")
LINE = re.compile(r'File "([^"]+)", line (\d+)')


def quick_bench() -> None:
    """Let `ola bench` give a small report at once: what it reads is in question, not what it measures."""
    from bench.speed import suite
    from tests.support.bench_samples import small_report

    suite.run = lambda *given: small_report()


def serve(connection: Connection, group: str, seconds: float, memory: int, trace: Path) -> None:
    """Run cases that come through a pipe, each a folder, its case and whether limits hold.

    Parameters
    ----------
    group : place of the commands, `module:function`
    seconds : of a case on an idle machine, more on a busy one; then the process is ended by a signal
    memory : bytes over what it has now that a case may reserve four times of
    trace : the file where a process that dies says where it was
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setpgid(0, 0)  # what a case has started ends with it
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    file = trace.open("w")
    faulthandler.enable(file)
    for number in (signal.SIGALRM, signal.SIGUSR1):  # too long, too large
        signal.signal(number, signal.SIG_DFL)
        faulthandler.register(number, file, chain=True)
    quick_bench()
    module, _, name = group.partition(":")
    make = getattr(import_module(module), name)
    gc.freeze()  # so that what is loaded is not searched after each case
    while True:
        try:
            folder, case, limited = connection.recv()
        except EOFError:
            return
        connection.send(run(make(), Path(folder), case, seconds if limited else 0, memory))


def run(group: Any, folder: Path, case: Case, seconds: float, memory: int) -> Outcome:
    """Run one case in its folder."""
    os.chdir(folder)
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # begins the highest of memory anew
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if seconds:
        resource.setrlimit(resource.RLIMIT_AS, (status("VmSize") + 4 * memory, hard))
    start, busy = time.monotonic(), time.process_time()
    signal.setitimer(signal.ITIMER_REAL, seconds * max(1, os.getloadavg()[0] / (os.cpu_count() or 1)))
    try:
        result = CliRunner().invoke(group, list(case.arguments))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    spent, busy = time.monotonic() - start, time.process_time() - busy
    outcome = judge(result, case)
    more = max(0, status("VmHWM") - before)
    del result  # its traceback holds files open
    gc.collect()
    os.chdir("/")
    shutil.rmtree(folder, ignore_errors=True)
    verdict = outcome.verdict if more <= memory else "memory"
    place = outcome.place or (f"memory of {case.arguments[0]} on a {case.kind}" if verdict == "memory" else "")
    return Outcome(verdict, place, outcome.message, spent, busy, more)


def judge(result: Result, case: Case) -> Outcome:
    """Tell a result or a clear refusal from anything else."""
    error, text = result.exception, result.output
    last = ([line for line in text.splitlines() if line.strip()] or [""])[-1]
    command = f"{case.arguments[0]} on a {case.kind}"
    if error is not None and not isinstance(error, SystemExit):
        frames = []
        trace = error.__traceback__
        while trace:
            frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
            trace = trace.tb_next
        return Outcome("traceback", f"{type(error).__name__} at {place_of(frames[::-1])}", str(error)[:300])
    if "Traceback (most recent call last)" in text or "Exception ignored in" in text:
        frames = [(path, int(line)) for path, line in LINE.findall(text)]
        return Outcome("traceback", f"{last.split(':')[0][:60]} printed at {place_of(frames[::-1])}", last[:300])
    if found := CONTROL.search(text.replace("\r\n", "\n")):
        return Outcome("unclear", f"character {found[0]!r} printed by {command}", last[:300])
    if result.exit_code == 0 and case.broken:
        return Outcome("silent", f"damage goes unnoticed by {command}", last[:300])
    if result.exit_code == 0:
        return Outcome("done", message=last[:300])
    if result.exit_code in (1, 2) and last.lower().startswith("error: "):
        return Outcome("refused", message=last[:300])
    return Outcome("unclear", f"exit code {result.exit_code} of {command} without a line of its own", text[-300:])


def place_of(frames: list[tuple[str, int]]) -> str:
    """The deepest line of the product, or else the deepest of all, from frames with the deepest first."""
    path, line = next((frame for frame in frames if frame[0].startswith(PRODUCT)), (frames or [("nowhere", 0)])[0])
    return f"{Path(path).relative_to(ROOT) if Path(path).is_relative_to(ROOT) else path}:{line}"


def death(trace: Path, code: int | None, case: Case) -> Outcome:
    """What a process that died of a case says."""
    text = trace.read_text(errors="replace") if trace.exists() else ""
    # Of several threads the one that the signal met, else the main one, which comes last.
    threads = re.split(r"\n(?=(?:Current t|T)hread )", text)
    met = next((part for part in threads if "Current thread" in part), threads[-1])
    frames = [(path, int(line)) for path, line in LINE.findall(met)]
    where = f"at {place_of(frames)}" if frames else f"in {case.arguments[0]} on a {case.kind}"
    name = signal.Signals(-code).name if code and code < 0 else f"exit {code}"
    verdict = {"SIGALRM": "hang", "SIGUSR1": "memory"}.get(name, "crash")
    return Outcome(verdict, f"{verdict if verdict != 'crash' else name} {where}", name)


def status(name: str, process: str | int = "self") -> int:
    """Bytes that a process has or had of some sort of memory."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) << 10
    return 0
