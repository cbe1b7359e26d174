"""Lines and JSON: what strangers wrote comes out as it stands, also where it cannot be printed."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cli
from olacore.commands.say import prepare_streams, print_json, say
from tests.support.command import ola

ROOT = Path(cli.__file__).parent
STRANGE = "a[/b]\x1b]0;own\x07\r\x08\x9b31m\u202ebidi\ud800\udcff\n"


def run_ola(*arguments: object, **how: object) -> subprocess.CompletedProcess[bytes]:
    """Run `ola` in a process of its own."""
    settings = {"capture_output": True, "check": False} | how
    settings["env"] = {**os.environ, "PYTHONPATH": str(ROOT), **settings.get("env", {})}
    program = "import sys; from cli import main; sys.argv[0] = 'ola'; main()"
    return subprocess.run([sys.executable, "-P", "-c", program, *map(os.fspath, arguments)], **settings)


@pytest.mark.parametrize("err", [False, True])
def test_say__shows_what_moves_cursors_and_cannot_be_seen_on_one_line(capsys, err):
    say(STRANGE, err)
    printed = getattr(capsys.readouterr(), "err" if err else "out")
    assert printed == r"a[/b]\x1b]0;own\x07\r\x08\x9b31m\u202ebidi\ud800\xff\n" + "\n"


def test_print_json__is_one_document_of_unicode_and_numbers_alone(capsys):
    print_json({STRANGE: [1, None, float("nan"), float("inf"), STRANGE]})
    ((key, values),) = json.loads(capsys.readouterr().out).items()
    assert key == values[4] == "a[/b]\x1b]0;own\x07\r\x08\x9b31m\u202ebidi\\ud800\\xff\n"
    assert values[:4] == [1, None, None, None]


def test_prepare_streams__what_an_encoding_lacks_is_escaped(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    prepare_streams()
    say("é ─ 中")
    assert sys.stdout.buffer.getvalue() == rb"\xe9 \u2500 \u4e2d" + b"\n"


def test_usage_errors__show_names_as_they_stand():
    result = ola("decode", "one", "two\x1b[31m\x07\u202e", "-o", "x", code=2)
    assert r"\x07\u202e)" in result.stderr
    assert not {"\x1b", "\x07", "\u202e"} & set(result.stderr)


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_names__of_any_bytes_reach_a_terminal_as_text(tmp_path):
    name = tmp_path / os.fsdecode(b"\xff[b]\x1b[31m\n-.h5")
    name.write_text("nothing")
    for encoding in ("ascii", "latin-1", "utf-8"):
        done = run_ola("inspect", name, env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
        assert done.returncode == 1
        assert rb"\xff[b]\x1b[31m\n-.h5" in done.stderr
        assert done.stderr.count(b"\n") == 1
        assert b"\x1b" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is full")
@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["inspect", "sd15-decoder"], ["--help"]])
def test_output__that_is_full_is_one_sentence(arguments):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = run_ola(*arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: ")
    assert b"No space left on device" in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="pipes break elsewhere in other ways")
@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["--help"]])
def test_output__that_nobody_reads_ends_quietly(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    done = run_ola(*arguments, capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(os.name != "posix", reason="streams are closed as on Unix")
@pytest.mark.parametrize("number", [0, 1, 2])
def test_streams__that_are_closed_are_not_taken_by_files(number, tmp_path):
    def close():
        os.close(number)

    latent = tmp_path / "export.npz"
    done = run_ola("export", "codec4-decoder", "--to", "npz", "-o", latent, preexec_fn=close)
    assert done.returncode == 0
    assert latent.read_bytes()[:2] == b"PK"
    assert b"Traceback" not in done.stderr
