"""The group: lazy commands, errors and log lines."""

import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import cli
from olacore.commands.group import Commands, StandardError, print_fault, warn
from olacore.errors import DataError
from olacore.media.pictures import write_picture
from tests.support.command import check_refusal, ola


def test_help__of_all_commands_imports_none():
    """Their places do not even exist."""
    places = {"two": ("B", "nowhere.two:two", "Do two; then rest."), "one": ("A", "nowhere.one:one", "Do one.")}
    group = Commands(places, ("A", "none", "B"))
    result = CliRunner().invoke(group, ["--help"])
    assert result.exit_code == 0
    assert result.output.endswith("\n\nA:\n  one  Do one.\n\nB:\n  two  Do two; then rest.\n")


def test_usage_errors__exit_with_2():
    assert "No such command 'guess'" in ola("guess", code=2).stderr
    ola("decode", code=2)


def test_errors__are_one_line_and_exit_code_1():
    check_refusal("cannot read missing", "inspect", "missing.h5")


def test_log_lines__go_to_what_standard_error_is_when_they_come(monkeypatch):
    """So that progress bars, which take its place, make room for them."""
    handler, seen = StandardError(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", seen)
    handler.emit(logging.LogRecord("olacore", logging.INFO, "", 0, "memory plan", None, None))
    assert seen.getvalue() == "memory plan\n"


NO_HOME = """
import os, pwd, sys
for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
    os.environ.pop(name, None)
def unknown(number):
    raise KeyError("getpwuid(): uid not found")
pwd.getpwuid = unknown
from cli import main
main()
"""
PLAIN = "from cli import main\nmain()"


COMPILING = "compiling kernels takes up to half a minute; later runs load them where they can be kept\n"


def run_encode(folder: Path, program: str = PLAIN, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `ola encode` on a small picture in a process of its own, in that folder; an affine map needs few kernels."""
    write_picture(folder / "a.png", np.zeros((16, 16, 3), np.uint8))
    command = [sys.executable, "-P", "-c", program, "encode", "a.png", "--encoder", "codec4-encoder", "-o", "z.npy"]
    wanted = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent), **environment}
    return subprocess.run(command, cwd=folder, env=wanted, capture_output=True, text=True, check=False)


class Failing(Commands):
    """A group whose one command raises something."""

    def __init__(self, error: BaseException) -> None:
        super().__init__({})
        self.error = error

    def resolve_command(self, *arguments):
        raise self.error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DataError("no rows."), "no rows."),
        (PermissionError(13, "Permission denied", "x"), "x: Permission denied."),
        (OSError(18, "Invalid cross-device link", "x", None, "y"), "x and y: Invalid cross-device link."),
        (OSError(28, "No space left on device"), "No space left on device."),
        (OSError("odd\x1b"), r"odd\x1b."),
        (MemoryError(), "there is too little memory."),
        (MemoryError("Unable to allocate 1 GiB"), "there is too little memory: Unable to allocate 1 GiB."),
        (RecursionError("too deep"), "something is nested too deeply to be read."),
        (ImportError("no module"), "no module."),
        (SystemError(), "Python failed, perhaps for want of memory: SystemError."),
        (EOFError("marshal data too short"), "a file of this program ends too early (marshal data too short); "),
    ],
)
def test_errors__of_the_machine_are_one_line(error, told):
    result = CliRunner().invoke(Failing(error), ["any"])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {told}")
    assert result.stderr.count("\n") == 1


def test_errors__that_are_faults_of_ours_are_raised():
    result = CliRunner().invoke(Failing(KeyError("x")), ["any"])
    assert isinstance(result.exception, KeyError)


def test_print_fault__shows_what_strangers_wrote_as_it_stands(capsys):
    try:
        raise KeyError("\x1b]0;own\x07")
    except KeyError as error:
        print_fault(KeyError, error, error.__traceback__)
    printed = capsys.readouterr().err
    assert printed.startswith("Traceback")
    assert "\x1b" not in printed


def test_warn__prints_the_first_line(capsys):
    warn(RuntimeWarning("bad\x07 value\nand a traceback"), RuntimeWarning, "file.py", 1)
    assert capsys.readouterr().err == "warning: bad\\x07 value\n"


def test_ola__needs_no_home(tmp_path):
    done = run_encode(tmp_path, NO_HOME, NUMBA_OPT="0")  # what it compiles nobody keeps
    assert done.returncode == 0
    assert done.stderr == COMPILING


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NUMBA_NUM_THREADS", "0"),
        ("NUMBA_NUM_THREADS", "abc"),
        ("NUMBA_NUM_THREADS", "99999999999999999999"),
        ("NUMBA_NUM_THREADS", ""),
        ("NUMBA_THREADING_LAYER", "nonsense"),
        ("NUMBA_CPU_FEATURES", "nonsense"),
    ],
)
def test_environment__that_numba_cannot_use_is_one_line(tmp_path, name, value):
    done = run_encode(tmp_path, **{name: value})
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: the environment variable {name} must be ")
    assert f"got {value!r}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_environment__a_layer_that_is_not_there_is_one_line(tmp_path):
    without = "import sys\nsys.modules['numba.np.ufunc.tbbpool'] = None\n"
    done = run_encode(tmp_path, without + PLAIN, NUMBA_THREADING_LAYER="tbb", NUMBA_NUM_THREADS="1")
    assert done.returncode == 1
    assert "Numba cannot run threads with NUMBA_THREADING_LAYER=tbb" in done.stderr
    assert done.stderr.count("\n") == 1


def test_settings_of_libraries__in_the_current_folder_are_not_read(tmp_path):
    (tmp_path / ".numba_config.yaml").write_text("num_threads: [0")
    (tmp_path / "matplotlibrc").write_bytes(b"backend: module://nothing\n\xff")
    done = run_encode(tmp_path)
    assert done.returncode == 0
    assert done.stderr in ("", COMPILING)
