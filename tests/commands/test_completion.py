"""What a shell is told when it asks for the names that go on from what was typed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.shell_completion import BashComplete

import cli
from olacore import pretrained
from olacore.exports import EXPORTERS
from olacore.modules.kinds import KINDS
from olacore.search.plans import PLANS
from olacore.strategies import STRATEGIES
from olacore.views import VIEWS
from tests.support.places import ROOT


def completed(*words: str) -> tuple[set[str], set[str]]:
    """Names that complete the last word, and the sorts of paths that the shell is to complete itself."""
    *before, last = words
    found = BashComplete(cli.group(), {}, "ola", "_OLA_COMPLETE").get_completions(before, last)
    return {one.value for one in found if one.type == "plain"}, {one.type for one in found} - {"plain"}


def of(end: str) -> set[str]:
    return {name for name in pretrained.names() if end in name}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["tr"], {"train"}),
        (["export", "sd15-decoder", "--to", ""], set(EXPORTERS)),
        (["export", "--to", "o"], {"onnx"}),
        (["train", "--module", ""], {*KINDS, *PLANS}),
        (["train", "--strategy", ""], set(STRATEGIES)),
        (["train", "--loss", "m"], {"mse", "mae"}),
        (["train", "--module", "text", "--view", ""], set(VIEWS["text"])),
        (["train", "--view", "g"], {"global"}),
        (["train", "--weights", "f"], {"float32", "float16"}),
    ],
)
def test_complete__names(words, expected):
    assert completed(*words) == (expected, set())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["generate", "--set", ""], set(pretrained.sets())),
        (["encode", "photo.jpg", "--encoder", ""], of("-encoder")),
        (["decode", "z.npy", "--decoder", "sd"], {name for name in of("-decoder") if name.startswith("sd")}),
        (["vae-test", "--decoder", ""], of("-decoder")),
        (["inspect", ""], {*pretrained.names(), *pretrained.sets()}),
        (["export", "goo"], {"google64"}),
        (["eval", "codec4"], {name for name in pretrained.names() if name.startswith("codec4")}),
    ],
)
def test_complete__names_and_files(words, expected):
    assert completed(*words) == (expected, {"file"})


@pytest.mark.parametrize("words", [["train", "--h5", ""], ["encode", ""]])
def test_complete__files_where_nothing_has_a_name(words):
    assert completed(*words) == (set(), {"file"})


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_complete__a_shell_gets_its_script(shell):
    code = "import sys; sys.argv = ['ola']; import cli; cli.main()"
    asked = {**os.environ, "_OLA_COMPLETE": f"{shell}_source", "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=asked)
    assert (run.returncode, run.stderr) == (0, "")
    assert f"_OLA_COMPLETE={shell}_complete" in run.stdout


def test_complete__a_shell_that_asks_is_answered():
    code = "import sys; sys.argv = ['ola']; import cli; cli.main()"
    asked = {"_OLA_COMPLETE": "bash_complete", "COMP_WORDS": "ola decode z.npy --decoder codec4", "COMP_CWORD": "4"}
    environment = {**os.environ, **asked, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (run.returncode, run.stdout, run.stderr) == (0, "file,codec4\nplain,codec4-decoder\n", "")
