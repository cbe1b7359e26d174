"""The table of commands, and how `ola` ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cli
from olacore.media.pictures import write_picture
from tests.support.command import ola
from tests.support.makers import make_module, smooth_pictures
from tests.support.vae_samples import DECODER, encoder

# Runs `ola --version`, and sends itself a signal when a module is about to be imported.
SIGNALLED = """
import signal, sys
import cli

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            signal.raise_signal({number})

sys.meta_path.insert(0, Finder())
sys.argv[1:] = ["--version"]
cli.main()
"""


def fresh(code: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a fresh process that finds `cli`."""
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent)}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_commands__are_where_the_table_says_and_say_of_themselves_what_it_says(name):
    group, _, about = cli.COMMANDS[name]
    assert group in cli.GROUPS
    assert cli.group().commands[name].load().help.replace("\n", " ").startswith(about)
    assert ola(name, "--help").output.startswith(f"Usage: ola {name} ")
    assert ola(name, "-h").output == ola(name, "--help").output


def test_help__cuts_no_summary(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert "..." not in ola("--help").output.partition("Draw:")[2]


def test_help__of_all_commands_loads_none_of_them():
    code = 'import sys; sys.argv[1:] = ["--help"]\ntry: cli.main()\nfinally: print("|", *sys.modules)'
    printed, _, loaded = fresh(f"import cli\n{code}").stdout.partition("|")
    shown = [tuple(line.split()[:1]) for line in printed.partition("--help ")[2].splitlines()[2:]]
    expected: list[tuple[str, ...]] = []
    for group in cli.GROUPS:
        if names := [name for name, (its, *_) in cli.COMMANDS.items() if its == group]:
            expected += [(f"{group}:",), *((name,) for name in names), ()]
    assert shown == expected[:-1]
    assert not {place.partition(":")[0] for _, place, _ in cli.COMMANDS.values()} & set(loaded.split())
    assert not {"numpy", "rich"} & set(loaded.split())


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help__of_one_command_loads_nothing_that_compiles_or_reads_data(name):
    code = f"import cli, sys; cli.group().commands[{name!r}].load(); print(*sys.modules)"
    loaded = {module.partition(".")[0] for module in fresh(code).stdout.split()}
    assert "click" in loaded
    assert not {"numba", "numpy", "h5py", "torch", "PIL"} & loaded


def test_encode_and_decode__load_only_what_they_need(tmp_path):
    """What is imported for nothing is most of the time of such a short command."""
    picture, latent, back = (str(tmp_path / name) for name in ("in.png", "z.npz", "out.png"))
    write_picture(tmp_path / "in.png", smooth_pictures(1, 16, 16)[0])
    encoder().module.save(tmp_path / "E")
    make_module(DECODER).save(tmp_path / "D")
    commands = [["encode", picture, "--encoder", str(tmp_path / "E"), "-o", latent]]
    commands += [["decode", latent, "--decoder", str(tmp_path / "D"), "-o", back]]
    for command in commands:
        code = f"import cli, sys; cli.group()({command}, standalone_mode=False); print(*sys.modules)"
        loaded = set(fresh(code).stdout.split())
        assert "PIL.Image" in loaded
        assert ("numba" in loaded) is (command[0] == "encode")
        assert not {"rich", "torch", "matplotlib", "olacore.search", "teachers"} & loaded


@pytest.mark.parametrize("module", ["click", "olacore.errors"])
@pytest.mark.parametrize(("number", "word", "code"), [("SIGINT", "interrupted", 130), ("SIGTERM", "terminated", 143)])
def test_signal__during_the_first_imports_ends_in_one_line(module, number, word, code):
    # What runs the tests in the background may have left the signal ignored.
    heard = f"import signal; signal.signal({int(signal.Signals[number])}, signal.SIG_DFL)"
    run = fresh(heard + SIGNALLED.format(module=module, number=int(signal.Signals[number])))
    assert (run.returncode, run.stderr, run.stdout) == (code, f"{word}\n", "")


def test_signal__that_is_ignored_stays_ignored():
    run = fresh(
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)" + SIGNALLED.format(module="click", number=2)
    )
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("error", ["OSError(24, 'Too many open files')", "MemoryError()", "ImportError('none')"])
def test_main__what_keeps_it_from_starting_is_one_line(error):
    run = fresh(f"import cli\ndef group():\n    raise {error}\ncli.group = group\ncli.main()")
    assert run.returncode == 1
    assert run.stderr.startswith("error: ola cannot start: ")
    assert run.stderr.count("\n") == 1


def test_main__a_fault_of_ours_keeps_its_traceback():
    run = fresh("import cli\ndef group():\n    raise KeyError('x')\ncli.group = group\ncli.main()")
    assert run.returncode == 1
    assert run.stderr.endswith("KeyError: 'x'\n")


# Tells when signals may come; they are held back until `ola` watches, since nobody can answer before.
HELD_BACK = """
import signal, sys
both = {signal.SIGINT, signal.SIGTERM}
for number in both:
    signal.signal(number, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, both)
import cli
real = cli.group
def group():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, both)
    return real()
cli.group = group
print("ready", flush=True)
cli.main()
"""
# Goes on for ever, in Python, whatever it is asked.
STUBBORN = """
import signal, sys
import cli, click
from olacore.commands.signals import stop_on_signal
@click.command()
def command():
    with stop_on_signal():
        print("ready", flush=True)
        while True:
            pass
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
cli.group = lambda: command
cli.main()
"""
# Ends while a thread still works, as a pool of threads may.
JOINED = """
import signal, sys, threading
import cli
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
def group():
    def work():
        print("ready", flush=True)
        threading.Event().wait()
    threading.Thread(target=work).start()
    return lambda: sys.exit(0)
cli.group = group
cli.main()
"""
# A signal comes where Python drops exceptions.
DROPPED = """
import signal, sys
import cli
class Dropping:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)
def group():
    def command():
        Dropping()
        sys.exit(0)
    return command
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
cli.group = group
cli.main()
"""
needs_signals = pytest.mark.skipif(os.name != "posix", reason="signals are those of Unix")


def begin(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a program, and wait until it says that it is ready."""
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent)}
    pipe = subprocess.PIPE
    run = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=pipe, stderr=pipe, text=True, env=environment
    )
    assert run.stdout.readline() == "ready\n"
    return run


@needs_signals
@pytest.mark.parametrize(("number", "word", "code"), [("SIGINT", "interrupted", 130), ("SIGTERM", "terminated", 143)])
@pytest.mark.parametrize("delay", [0, 0.05, 0.15, 0.3, 0.5])
def test_signal__at_any_time_ends_in_one_line(number, word, code, delay, tmp_path):
    arguments = ["decode", str(tmp_path / "missing.npy"), "-o", str(tmp_path / "out.png")]
    run = begin(HELD_BACK, *arguments)
    time.sleep(delay)  # where it is then does not matter
    run.send_signal(signal.Signals[number])
    _, told = run.communicate()
    if run.returncode == 1:  # it was through
        assert told.startswith("error: ")
    else:
        assert run.returncode == code
        assert told.endswith(f"{word}\n")
    assert "Traceback" not in told


@needs_signals
@pytest.mark.parametrize("second", ["SIGINT", "SIGTERM"])
def test_signal__a_second_one_ends_at_once_what_never_asks(second):
    run = begin(STUBBORN)
    run.send_signal(signal.SIGTERM)
    run.send_signal(signal.SIGINT)
    assert run.communicate() == ("", "terminated\n") or run.returncode in (130, 143)
    assert run.returncode in (130, 143)


@needs_signals
def test_signal__while_python_waits_for_threads_at_its_end():
    run = begin(JOINED)
    run.send_signal(signal.SIGTERM)
    assert run.communicate() == ("", "terminated\n")
    assert run.returncode == 143


@needs_signals
def test_signal__while_another_thread_works_waits_for_nobody():
    run = fresh(JOINED.replace("lambda: sys.exit(0)", "lambda: signal.raise_signal(signal.SIGTERM)"))
    assert (run.returncode, run.stderr) == (143, "terminated\n")
    unread = "lambda: (print('x'), os.close(1), signal.raise_signal(signal.SIGTERM))"
    # The thread prints nothing, which might come after the end of what it would be printed to.
    silent = JOINED.replace('print("ready", flush=True)', "pass")
    run = fresh("import os\n" + silent.replace("lambda: sys.exit(0)", unread))
    assert (run.returncode, run.stderr) == (143, "terminated\n")


@needs_signals
def test_signal__where_python_drops_exceptions_is_not_lost():
    run = fresh(DROPPED)
    assert (run.returncode, run.stdout, run.stderr) == (143, "", "terminated\n")


def test_exit_codes__of_a_process(tmp_path):
    for arguments, code in ((["--version"], 0), (["inspect", "missing"], 1), (["inspect"], 2)):
        program = f"import cli, sys; sys.argv[1:] = {json.dumps(arguments)}; cli.main()"
        assert fresh(program).returncode == code


def test_ola__alone_shows_what_one_can_do():
    """And every command that it names is there."""
    shown = ola().stdout
    named = set(re.findall(r"ola ([a-z][a-z0-9-]+)", shown))
    assert {"generate", "decode", "demo", "train", "watch"} <= named <= {*cli.COMMANDS}
    assert len(shown.splitlines()) < 14
    assert max(map(len, shown.splitlines())) <= 110
