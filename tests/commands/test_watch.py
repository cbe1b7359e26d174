"""`ola watch` and `ola log`."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys

import pytest

from olacore.commands import watch as module_of_watch
from olacore.commands.watch import watch
from olacore.search.machine import describe_process
from tests.support.command import check_refusal, ola


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(run_folders, tmp_path, monkeypatch):
    """A run that has ended, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run_folders["encoder"], tmp_path / "runs" / "mine")
    return tmp_path / "runs" / "mine"


def test_watch__a_run_that_has_ended_shows_its_lines_and_its_summary(run):
    shown = ola("watch", run).stdout.splitlines()
    count = len((run / "log.jsonl").read_text().splitlines())
    assert all(line.startswith("mine: generation ") for line in shown[:count])
    assert shown[count].startswith("mine on held-out samples")
    assert any("least_squares" in line for line in shown)
    assert shown[-1].endswith("bytes")


def test_watch__without_a_name_takes_the_newest(run):
    assert "mine" in ola("watch", "--once").stdout
    check_refusal("already|holds no run", "watch", "--once", run / "nothing")


def test_watch__without_any_run_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_refusal("the folder runs holds no run; name one", "watch", "--once")


def test_watch__once_prints_a_row_a_run_or_json(run):
    shutil.copytree(run, run.with_name("other"))
    shown = ola("watch", run.parent, "--once").stdout
    assert "mine" in shown
    assert "other" in shown
    assert "ended" in shown
    assert "│" in shown
    assert "held-out" not in shown
    facts = json.loads(ola("watch", run.parent, "--once", "--json").stdout)
    assert [fact["run"] for fact in facts] == ["mine", "other"]
    assert facts[0]["last"] == json.loads((run / "log.jsonl").read_text().splitlines()[-1])
    assert (facts[0]["ended"], facts[0]["damaged"]) == (True, 0)
    assert "--json goes with --once" in ola("watch", run, "--json", code=2).stderr


def grow(run, monkeypatch, steps):
    """Let each pause of `ola watch` do one of the steps, which are done in their order."""
    waiting = iter(steps)
    monkeypatch.setattr(module_of_watch, "sleep", lambda seconds: next(waiting)())


def test_watch__follows_a_run_that_comes_grows_and_ends(run, monkeypatch):
    """The last line that is there at first is cut short."""
    text, hidden = (run / "log.jsonl").read_bytes(), run.with_name("hidden")
    half = text[: text.rindex(b"{") + 9]
    (run / "log.jsonl").write_bytes(half)
    os.utime(run / "module.safetensors", (0, 0))
    run.rename(hidden)
    grow(
        run,
        monkeypatch,
        (
            lambda: hidden.rename(run),
            lambda: (run / "log.jsonl").write_bytes(half),
            lambda: (run / "log.jsonl").write_bytes(text),
            lambda: os.utime(run / "module.safetensors", (9e9, 9e9)),
        ),
    )
    result = ola("watch", run)
    assert result.stderr == f"waiting for {run}\n"
    shown = [line for line in result.stdout.splitlines() if ": generation" in line]
    last = json.loads(text.splitlines()[-1])["generation"]
    assert [f"generation {last}," in line for line in shown[-2:]] == [True, True]  # of the log, and of the summary
    assert len(shown) == text.count(b"\n") + 1


def live(monkeypatch, width, *arguments):
    """What a terminal of that width is shown."""
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("LINES", "30")
    monkeypatch.setattr(sys, "stdout", screen)
    watch.main([str(argument) for argument in arguments], standalone_mode=False)
    return screen.getvalue()


@pytest.mark.parametrize("width", [30, 60, 120])
def test_watch__draws_a_table_and_a_curve_on_a_terminal(run, monkeypatch, width):
    with (run / "log.jsonl").open("ab") as file:
        file.write(b"what is this\n")
    os.utime(run / "module.safetensors", (0, 0))
    os.utime(run / "log.jsonl", (1000, 1000))
    steps = iter([lambda: os.utime(run / "module.safetensors", (2000, 2000))])
    monkeypatch.setattr(module_of_watch, "sleep", lambda seconds: next(steps)())
    shown = live(monkeypatch, width, run)
    assert "best R2" in shown
    assert ("samples/s" in shown) == (width > 88)
    assert "validation loss" in shown
    assert any(0x2800 < ord(letter) < 0x2900 for letter in shown)
    if width > 88:
        assert "silent for" in shown
        assert "ended, 1 damaged line" in shown
        assert "damaged lines" not in shown
        assert "best R2" in shown
    assert "bytes" in shown
    assert shown.index("\x1b[?25l") < shown.index("\x1b[?25h")  # the cursor comes back


def test_watch__once_on_a_terminal_draws_the_curve(run, monkeypatch):
    assert "validation loss" in live(monkeypatch, 100, run, "--once")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere nothing is known of processes")
def test_watch__says_that_the_process_of_a_run_is_gone(run):
    code = "import json; from olacore.search.machine import describe_process; print(json.dumps(describe_process()))"
    dead = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert set(dead) == {"pid", "place", "since"}
    os.utime(run / "module.safetensors", (0, 0))
    mine = describe_process()
    for process, gone in (
        (dead, True),
        (mine, False),
        ({**mine, "since": "0"}, True),  # its number was given to this process
        ({**dead, "place": "elsewhere"}, False),
        ({**dead, "pid": "1"}, False),
        (None, False),
    ):
        (run / "sessions.jsonl").write_text(json.dumps({"event": "began", "process": process}) + "\n")
        assert json.loads(ola("watch", run, "--once", "--json").stdout)[0]["gone"] is gone
    (run / "sessions.jsonl").write_text(json.dumps({"event": "began", "process": dead}) + "\n")
    assert "its process is gone" in ola("watch", run, "--once").stdout
    last = ola("watch", run).stdout.splitlines()[-1]
    assert last.startswith("mine: its process is gone after generation ")
    assert last.endswith(f"go on with its command and --resume --out {run}")
    os.utime(run / "module.safetensors", (9e9, 9e9))
    assert "its process is gone" not in ola("watch", run, "--once").stdout


def test_watch__names_of_runs_are_shown_without_control_characters(run, tmp_path):
    run.rename(run.with_name("x\x1b[31m"))
    assert "\x1b" not in ola("watch", run.parent, "--once").stdout


def test_log__sends_a_run_to_tensorboard(run):
    count = len((run / "log.jsonl").read_text().splitlines())
    assert ola("log", run, "--to", "tensorboard=boards").stdout == f"mine: {count} lines to tensorboard=boards\n"
    assert list((run.parents[1] / "boards" / "mine").iterdir())


def test_log__names_what_is_wrong(run):
    check_refusal("there is no logger 'nothing'", "log", run, "--to", "nothing")
    check_refusal("nowhere holds no run", "log", "nowhere", "--to", "tensorboard")
    (run / "log.jsonl").write_text("{}\n{}\n")
    check_refusal("line 1 of .*log.jsonl is damaged", "log", run, "--to", "tensorboard")
