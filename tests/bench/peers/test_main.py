"""The command line: help, errors, threads."""

import os
import subprocess
import sys

from click.testing import CliRunner

from bench.peers.__main__ import hold_threads, main


def test_command__explains_itself():
    done = subprocess.run([sys.executable, "-m", "bench.peers", "--help"], capture_output=True, text=True, check=True)
    assert "Work folder, which keeps floors and cells" in done.stdout


def test_command__says_what_is_wrong_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.peers.__main__.hold_threads", lambda threads: None)
    result = CliRunner().invoke(main, ["--out", str(tmp_path), "--part", "speed"])
    assert result.exit_code == 1
    assert "there is no part 'speed'; there are ours, peers, ablations, growth, losses." in result.output


def test_hold_threads__starts_again_once(monkeypatch):
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda program, arguments: started.append(arguments))
    monkeypatch.setattr("os.environ", {})
    monkeypatch.setattr("sys.argv", ["peers", "--out", "x"])
    hold_threads(2)
    assert os.environ["NUMBA_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == "2"
    hold_threads(2)
    assert [arguments[1:] for arguments in started] == [["-m", "bench.peers", "--out", "x"]]
