"""From captioned pictures to a set that draws, in one command that goes on where it was stopped."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import cli
from olacore.drawing import verdict
from olacore.drawing.module_set import open_set
from olacore.drawing.recipe import names
from olacore.media.pictures import read_picture, write_picture
from olacore.pretrained import card, sets
from tests.support.caption_samples import captions_of, write_captioned
from tests.support.command import check_refusal, ola
from tests.support.documents import blocks
from tests.support.makers import JIT, smooth_pictures
from tests.support.set_samples import write_set
from tests.support.teacher_samples import save_model
from tests.support.text_samples import save_sentence

SEARCHED = "stack = 4\ngenerations = 2\n"
# Of data and a text that are there.
SHORT = f"[mean]\n{SEARCHED}[decoder]\nwindow = 3\n{SEARCHED}[refiner]\n{SEARCHED}"
WHOLE = f"""
[data]
workers = 0
no-self-test = true
[words]
vocabulary = 30
common = 20
no-self-test = true
[text]
view = "table"
word-size = 4
{SEARCHED}
[mean]
folds = 2
{SEARCHED}
[decoder]
window = 3
{SEARCHED}
[encoder]
{SEARCHED}
[rows]
levels = [1, 0.5]
[denoiser]
window = 3
{SEARCHED}
"""
THERE = ("--h5", "given/data.h5", "--text", "given/text.safetensors", "--recipe", "short.toml")
DRY = ("--dry-run",)
NO_RUN = ("photos", "--captions", "captions.csv", "-o", "mine")

slow = pytest.mark.skipif(not JIT, reason="too many products without the JIT")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Captioned data and the text module of a set, a short recipe, and the set that they make."""
    folder = tmp_path_factory.mktemp("given")
    write_set(folder / "given")
    (folder / "short.toml").write_text(SHORT)
    return folder


@pytest.fixture
def here(given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder that has what is given."""
    (tmp_path / "given").symlink_to(given / "given")
    (tmp_path / "short.toml").write_text(SHORT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(folder: Path) -> dict[str, bytes]:
    """What a set holds."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def lines(*arguments: object, missing: str = "there is no") -> list[str]:
    """The commands that `--dry-run` prints, also where what is given is not there, which is an error behind them."""
    result = ola("make-set", *arguments, "--dry-run", code=1 if missing else 0)
    assert result.stderr.startswith(f"error: {missing} ") if missing else "error: " not in result.stderr
    first, *rest = result.stdout.splitlines()
    assert first.startswith("mkdir -p ")
    return [command for about, command in pairwise(rest) if about.startswith("# ")]


def typed(text: str) -> Iterator[str]:
    """Commands of a block of a page, each in one line."""
    return (line for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines() if line.startswith("ola "))


@slow
def test_make_set__of_pictures_draws(tmp_path, monkeypatch):
    """And each command by itself makes the same, byte by byte."""
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "tiny")
    save_sentence(tmp_path / "says")
    (tmp_path / "photos").mkdir()
    for number, picture in enumerate(smooth_pictures(40, 24, 24)):
        write_picture(tmp_path / "photos" / f"{number:02}.png", picture)
    table = "".join(f"{number:02}.png,{caption}\n" for number, caption in enumerate(captions_of(40)))
    Path("captions.csv").write_text(f"file,caption\n{table}")
    Path("whole.toml").write_text(WHOLE)
    teachers = ("--teacher", "tiny", "--text-teacher", "says")
    asked = ("photos", "--captions", "captions.csv", "--size", "24", *teachers, "--recipe", "whole.toml")
    told = ola("make-set", *asked, "-o", "mine", "--about", "licence=CC0-1.0").stdout
    assert "too few pictures for figures, of which a part has to have 8: validation (4), held-out (4).\n" in told
    made = open_set("mine")
    assert {*made.files} == {"text", "mean", "decoder", "encoder", "captions", "thumbnails"}
    assert (made.size, [*made.levels], made.about) == (24, [1.0, 0.5], {"licence": "CC0-1.0"})
    ola("generate", "a red heart", "--set", "mine", "-o", "a.png")
    assert read_picture(Path("a.png")).shape == (24, 24, 3)
    for path, other in (("captions.csv", "captions"), ("photos/00.png", "pictures")):
        before = Path(path).read_bytes()
        Path(path).write_bytes(before.replace(b"\n00.png,", b"\n00.png,another ") + b"\n")
        sentence = (
            f"data.h5 was made before the {other} changed; give --force to make mine-work/data.h5, .*/text, .* again"
        )
        check_refusal(sentence, "make-set", *asked, "-o", "mine")
        Path(path).write_bytes(before)
    check_refusal("the set mine is already there", "make-set", *asked, "-o", "mine")
    check_refusal(
        "data.h5 was made with --size 24, not --size 32; give", "make-set", *asked, "-o", "mine", "--size", 32
    )
    words = ("--h5", "mine-work/data.h5", "--words", "mine-work/words.h5", "--recipe", "whole.toml")
    ola("make-set", *words, "-o", "other")
    assert open_set("other").digests["text"] == made.digests["text"]
    before = Path("mine-work/data.h5").read_bytes()
    check_refusal("photos", "make-set", *asked, "-o", "mine", "--teacher", "photos", "--force")
    assert Path("mine-work/data.h5").read_bytes() == before
    Path("mine").rename("first")
    Path("mine-work").rename("first-work")
    commands = lines(*asked, "-o", "mine", "--about", "licence=CC0-1.0", missing="")
    assert [line for line in told.splitlines() if line.startswith("$ ")] == [f"$ {command}" for command in commands]
    Path("mine-work").mkdir()
    for command in commands:
        ola(*shlex.split(command)[1:])
    assert content(Path("mine")) == content(Path("first"))


@slow
@pytest.mark.parametrize(("place", "done"), [("--module denoiser", 0), ("--module refiner", 2)])
def test_make_set__goes_on_where_it_was_stopped(place, done, here):
    ola("make-set", *THERE, "-o", "whole")
    command = [sys.executable, cli.__file__, "make-set", *THERE, "-o", "mine"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout
    while place not in run.stdout.readline():
        assert run.poll() is None
    run.send_signal(signal.SIGTERM)
    _, stderr = run.communicate()
    assert run.returncode == 143
    assert stderr.count("go on with the same command, `ola make-set`\n") == 1
    told = ola("make-set", *THERE, "-o", "mine").stdout.splitlines()
    every = [f"{name}: done before, see {Path('mine-work', 'runs', name)}" for name in ("mean", "decoder", "refiner")]
    before = [line for line in told if "done before" in line]
    assert before == every[: len(before)]
    assert len(before) >= done
    assert content(here / "mine") == content(here / "whole")


@slow
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_make_set__says_how_to_go_on_from_a_step_that_waits_for_no_signal(force, here):
    ends = "import signal, sys, cli, olacore.drawing.bundle as room\nsignal.signal(2, signal.SIG_DFL)\n"
    ends += "room.make_set = lambda *_, **__: signal.raise_signal(2)\ncli.main()"
    command = [sys.executable, "-c", ends, "make-set", *THERE, "-o", "mine", *force]
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent)}
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert run.returncode == 130
    how = f"go on with the same command, `ola make-set{' ... --force' if force else ''}`"
    assert run.stderr.endswith(f"mine-work keeps what is done; {how}\ninterrupted\n")


@slow
def test_make_set__reuses_nothing_that_was_made_otherwise(here, monkeypatch):
    """And says each time what can be expected of the set."""
    told = ola("make-set", *THERE, "-o", "mine").stdout
    assert "too few pictures for figures, of which a part has to have 8: validation (6), held-out (6).\n" in told
    again = ("make-set", *THERE, "-o", "mine", "--force")
    monkeypatch.setattr(verdict, "FEW", 6)
    told = ola(*again).stdout
    assert told.count("done before") == 3
    title, *rest = told.partition("what to expect of mine, by ")[2].splitlines()
    assert title.strip() == "pictures that were held apart"
    assert [line.split()[1:4:2] for line in rest if line.startswith("│")] == [["validation", "6"], ["held-out", "6"]]
    assert len(rest) <= 12
    wrong = r"mine-work is no set but the folder of the work of `ola make-set`; the set was written to mine\."
    check_refusal(wrong, "generate", "a red heart", "--set", "mine-work")
    check_refusal(wrong, "inspect", "mine-work")
    before = content(here / "mine")
    runs = [str(Path("mine-work", "runs", name)) for name in ("decoder", "refiner")]
    longer = ("--override", "decoder.generations=3")
    made = f"{runs[0]} was made with --generations 2, not --generations 3; give --force to make {', '.join(runs)} again"
    check_refusal(re.escape(f"{made}, or another -o or --work"), *again[:-1], *longer)
    check_refusal(f"{runs[1]} was made without --border 1; give", *again[:-1], "--override", "refiner.border=1")
    record = Path("mine-work", "make-set.json").read_bytes()
    assert ola(*again[:-1]).stdout == "nothing to do: mine is made\n"
    dry = ola(*again[:-1], "--dry-run")
    assert (dry.stdout.splitlines()[-1], dry.stderr) == ("nothing to do: mine is made", "")
    check_refusal(f"{runs[1]} was made without --border 1; give", *again[:-1], "--override", "refiner.border=1", *DRY)
    check_refusal("the set mine is already there; give --force", *again[:-1], "--about", "licence=CC0-1.0", *DRY)
    assert "nothing to do" not in ola(*again, *DRY).stdout
    assert (content(here / "mine"), Path("mine-work", "make-set.json").read_bytes()) == (before, record)
    check_refusal("the set mine is already there; give --force", *again[:-1], "--about", "licence=CC0-1.0")
    for damaged in ("set.json", "mean.safetensors"):
        Path("mine", damaged).write_bytes(before[damaged] + b" ")
        check_refusal("the set mine is already there; give --force", *again[:-1])
        Path("mine", damaged).write_bytes(before[damaged])
    record = json.loads(Path("mine-work", "make-set.json").read_text())["steps"]
    assert [*record] == ["mean", "decoder", "refiner", "bundle"]
    assert all(step["done"] for step in record.values())
    shutil.rmtree(runs[0])
    another = f"{runs[1]} was made of another {runs[0]}; give --force to make {runs[1]} again"
    check_refusal(re.escape(another), *again[:-1], *longer)
    told = ola(*again, *longer).stdout
    assert told.count("done before") == 1
    assert "--resume" not in told
    assert content(here / "mine") != before
    assert ola(*again).stdout.count("done before") == 1
    assert content(here / "mine") == before
    Path("mine-work", "make-set.json").write_text('{"schema": "olacore/make-set/1", "steps": {"mean": 3}}')
    check_refusal("make-set.json is damaged: steps.mean must be an object", *again)


@slow
def test_make_set__makes_no_set_of_what_other_data_were_made_of(here):
    """Also where the data have the same name as before."""
    asked = ("make-set", "--h5", "data.h5", *THERE[2:], "-o", "mine")
    shutil.copy("given/data.h5", "data.h5")
    ola(*asked)
    before = content(here / "mine")
    write_captioned(here / "other.h5", {"train": 32, "validation": 6, "held-out": 6}).replace("data.h5")
    runs = [str(Path("mine-work", "runs", name)) for name in ("mean", "decoder", "refiner")]
    sentence = f"{runs[0]} was made before the data changed; give --force to make {', '.join(runs)} again"
    check_refusal(re.escape(sentence), *asked)
    shutil.copy("given/data.h5", "data.h5")
    shutil.rmtree(runs[1])
    sentence = f"{runs[1]} is gone, and what was made of it is there; remove {runs[2]} to have it made again"
    check_refusal(re.escape(sentence), *asked, "--force")
    assert content(here / "mine") == before
    shutil.rmtree(runs[2])
    ola(*asked, "--force")
    assert content(here / "mine") == before


@slow
def test_make_set__stops_with_the_error_of_a_step(here):
    """And a folder of a run that it knows nothing of is gone on with, as the command would."""
    asked = ("make-set", *THERE, "-o", "mine", "--override", "mean.generations=3")
    ola("train", "--module", "encoder", "--h5", "given/data.h5", "--generations", "1", "--out", "mine-work/runs/mean")
    before = content(Path("mine-work/runs/mean"))
    for more in ((), ("--force",), ("--force", "--override", "mean.generations=4")):
        check_refusal("the run in mine-work/runs/mean was started with", *asked, *more)
        assert json.loads(Path("mine-work", "make-set.json").read_text())["steps"] == {}
    assert content(Path("mine-work/runs/mean")) == before
    assert not Path("mine").exists()


@slow
def test_make_set__keeps_with_force_what_nothing_takes_the_place_of(here):
    """And what a user has put beside it, whatever happens."""
    asked = ("make-set", *THERE, "-o", "mine", "--force")
    ola(*asked)
    Path("mine-work/runs/decoder/notes.txt").write_text("mine")
    record = Path("mine-work", "make-set.json")
    before = [content(Path("mine-work/runs", name)) for name in ("mean", "decoder", "refiner")]
    steps = json.loads(record.read_text())
    for _ in range(2):
        check_refusal("window must be ", *asked, "--override", "decoder.window=4")
        assert [content(Path("mine-work/runs", name)) for name in ("mean", "decoder", "refiner")] == before
        assert json.loads(record.read_text()) == steps
    assert ola(*asked).stdout.count("done before") == 3
    wider = (*asked, "--override", "decoder.window=5")
    told = ola(*wider).stdout
    assert [line.split()[-1] for line in told.splitlines() if line.startswith("$ ")] == ["--force"] * 3
    assert ola(*wider).stdout.count("done before") == 3
    assert Path("mine-work/runs/decoder/notes.txt").read_text() == "mine"


def test_make_set__needs_captioned_data_and_replaces_no_set(here):
    from tests.support.makers import write_pictures

    write_pictures(here / "bare.h5")
    asked = ("make-set", "--text", "given/text.safetensors", "--recipe", "short.toml")
    check_refusal("bare.h5 has no pictures with captions", *asked, "--h5", "bare.h5", "-o", "mine")
    wrong = ("--h5", "given/data.h5", "-o", "mine", "--text", "given/mean.safetensors")
    check_refusal("the set needs a table or scene text as its text module, and has a text denoiser", *asked, *wrong)
    assert not Path("mine-work").exists()
    sentence = "the set given/set is already there; give --force to replace it"
    check_refusal(sentence, *asked, "--h5", "given/data.h5", "-o", "given/set")


def test_dry_run__opens_what_is_there(here):
    asked = ("make-set", *THERE, "-o", "mine", "--dry-run")
    assert ola(*asked).stderr == ""
    data = ("make-set", "--h5", "given/data.h5", "-o", "mine", "--dry-run")
    check_refusal(
        r"given/data\.h5 has no words; make it by `ola precompute --words`", *data, "--words", "given/data.h5"
    )
    check_refusal("the set needs a table or scene text", *data, "--text", "given/mean.safetensors")
    check_refusal("short.toml is not an HDF5 file", *data, "--words", "short.toml")
    assert not Path("mine-work").exists()


def test_dry_run__takes_what_is_there_and_the_text_of_a_set():
    commands = lines("--h5", "d.h5", "--words", "w.h5", "-o", "mine", "--seed", "7", "--recipe", "scenes")
    assert [shlex.split(command)[1:4] for command in commands] == [
        *(["train", "--module", kind] for kind in ("text", "denoiser", "decoder", "refiner")),
        ["bundle", "--text", "mine-work/runs/text"],
    ]
    assert all("--seed 7" in command for command in commands[:-1])
    assert "--words w.h5 --h5 d.h5" in commands[0]
    text = open_set("google64").files["text"]
    commands = lines("--h5", "d.h5", "--text", "google64", "-o", "mine", missing="expected an HDF5 file at d.h5;")
    assert f"--text-from {text} --h5 d.h5" in commands[0]
    assert "--size 32" in lines(*NO_RUN, "--override", "data.size=32")[0]
    assert "--size 16" in lines(*NO_RUN, "--override", "data.size=32", "--size", "16")[0]


def test_dry_run__gives_a_filter_to_denoisers_of_all_levels_or_of_one():
    denoisers = ("mean.folds=2", "rows.levels=[4, 1]", "denoiser.stack=8")

    def asked(*more: str) -> list[bool]:
        changes = [word for change in (*denoisers, *more) for word in ("--override", change)]
        return ["--wiener 256" in line for line in lines(*NO_RUN, *changes) if "--view window" in line]

    assert asked() == [False, False]
    assert asked("denoiser.wiener=256") == [True, True]
    assert asked("level-4.wiener=256") == [True, False]


def test_recipes__are_in_the_documentation_and_the_cards():
    """The default's commands are those of the page, word by word."""
    page = [command for block in blocks("docs/generate.md", "Your own pictures") for command in typed(block.text)]
    asked = next(shlex.split(command) for command in page if command.startswith("ola make-set"))
    commands = lines(*asked[2:])
    first = page.index(commands[0])
    assert page[first : first + len(commands)] == commands
    assert {"google64", "fluent3d", "scenes", "things"} == {*names()}
    for name in sets():
        (command,) = typed(card(name).partition("## Make it again")[2].partition("## Limits")[0])
        assert f"--recipe {name} " in command
        assert lines(*shlex.split(command)[2:])[-1].endswith(f"-o {name}")
