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
from pathlib import Path

import pytest

import cli
from olacore.commands.set_steps import Step
from olacore.commands.set_work import Work
from olacore.drawing.module_set import open_set
from olacore.drawing.recipe import names
from olacore.errors import ConfigError
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


def lines(*arguments: object) -> list[str]:
    """The commands that `--dry-run` prints."""
    first, *commands = ola("make-set", *arguments, "--dry-run").stdout.splitlines()
    assert first.startswith("mkdir -p ")
    return commands


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
    made = open_set("mine")
    assert {*made.files} == {"text", "mean", "decoder", "encoder", "captions", "thumbnails"}
    assert (made.size, [*made.levels], made.about) == (24, [1.0, 0.5], {"licence": "CC0-1.0"})
    ola("generate", "a red heart", "--set", "mine", "-o", "a.png")
    assert read_picture(Path("a.png")).shape == (24, 24, 3)
    before = Path("captions.csv").read_text()
    Path("captions.csv").write_text(before.replace("\n00.png,", "\n00.png,another "))
    check_refusal("data.h5 was made of what is not the same now; remove", "make-set", *asked, "-o", "mine", "--force")
    Path("captions.csv").write_text(before)
    words = ("--h5", "mine-work/data.h5", "--words", "mine-work/words.h5", "--recipe", "whole.toml")
    ola("make-set", *words, "-o", "other")
    assert open_set("other").digests["text"] == made.digests["text"]
    commands = lines(*asked, "-o", "mine", "--about", "licence=CC0-1.0")
    assert [line for line in told.splitlines() if line.startswith("$ ")] == [f"$ {command}" for command in commands]
    Path("mine").rename("first")
    Path("mine-work").rename("first-work")
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
    assert stderr.count("go on with the same `ola make-set`\n") == 1
    told = ola("make-set", *THERE, "-o", "mine").stdout.splitlines()
    every = [f"{name}: done before, see {Path('mine-work', 'runs', name)}" for name in ("mean", "decoder", "refiner")]
    before = [line for line in told if "done before" in line]
    assert before == every[: len(before)]
    assert len(before) >= done
    assert content(here / "mine") == content(here / "whole")


@slow
def test_make_set__says_how_to_go_on_from_a_step_that_waits_for_no_signal(here):
    ends = "import signal, sys, cli, olacore.drawing.bundle as room\nsignal.signal(2, signal.SIG_DFL)\n"
    ends += "room.make_set = lambda *_, **__: signal.raise_signal(2)\ncli.main()"
    command = [sys.executable, "-c", ends, "make-set", *THERE, "-o", "mine"]
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent)}
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert run.returncode == 130
    assert run.stderr.endswith("mine-work keeps what is done; go on with the same `ola make-set`\ninterrupted\n")


@slow
def test_make_set__reuses_nothing_that_was_made_otherwise(here):
    ola("make-set", *THERE, "-o", "mine")
    again = ("make-set", *THERE, "-o", "mine", "--force")
    told = ola(*again).stdout
    assert told.count("done before") == 3
    before = content(here / "mine")
    runs = [str(Path("mine-work", "runs", name)) for name in ("decoder", "refiner")]
    sentence = f"{runs[0]} was made with --stack 4, not --stack 5; remove {', '.join(runs)} to have them made again"
    check_refusal(re.escape(sentence), *again, "--override", "decoder.stack=5")
    check_refusal(f"{runs[1]} was made without --border 1; remove", *again, "--override", "refiner.border=1")
    assert content(here / "mine") == before
    record = json.loads(Path("mine-work", "make-set.json").read_text())["steps"]
    assert [*record] == ["mean", "decoder", "refiner", "bundle"]
    assert all(step["done"] for step in record.values())
    subprocess.run(["rm", "-r", runs[0]], check=True)
    check_refusal(f"{runs[1]} was made of what is not the same now", *again, "--override", "decoder.stack=5")
    subprocess.run(["rm", "-r", runs[1]], check=True)
    assert ola(*again, "--override", "decoder.stack=5").stdout.count("done before") == 1
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
    sentence = f"{runs[0]} was made of what is not the same now; remove {', '.join(runs)} to have them made again"
    check_refusal(re.escape(sentence), *asked, "--force")
    shutil.copy("given/data.h5", "data.h5")
    shutil.rmtree(runs[1])
    sentence = f"{runs[1]} is gone, and what was made of it is there; remove {runs[2]} to have it made again"
    check_refusal(re.escape(sentence), *asked, "--force")
    assert content(here / "mine") == before
    shutil.rmtree(runs[2])
    ola(*asked, "--force")
    assert content(here / "mine") == before


def test_to_do__makes_nothing_again_that_nobody_reads(tmp_path):
    data, words, text, bundle = (tmp_path / name for name in ("data", "words", "text", "set"))
    first = Step("data", ("1",), data)
    second = Step("words", ("2",), words, (first,))
    third = Step("text", ("3",), text, (first, second))
    steps = [first, second, third, Step("bundle", ("4",), bundle, (first, third))]
    work = Work(tmp_path)
    assert work.to_do(steps) == steps
    for step in steps:
        with work.doing(step):
            step.made.write_text("")
    assert Work(tmp_path).to_do(steps) == steps[-1:]
    words.unlink()
    assert Work(tmp_path).to_do(steps) == steps[-1:], "the words are in the text"
    data.unlink()
    with pytest.raises(ConfigError, match=f"{data.name} is gone, .* remove {re.escape(str(text))} to have it made"):
        Work(tmp_path).to_do(steps)
    text.unlink()
    assert Work(tmp_path).to_do(steps) == steps


def test_work__records_commands_with_every_name(tmp_path):
    """Of which a shell may write as many as it takes, and which may be no text."""
    names = [f"photos/ä {number:06}.png" for number in range(50_000)]
    step = Step("data", ("precompute", *names, os.fsdecode(b"\xff.png")), tmp_path / "data.h5")
    with Work(tmp_path).doing(step):
        step.made.write_text("")
    assert Work(tmp_path).is_done(step)
    assert [*Work(tmp_path).steps["data"]["command"].split()[-1:]] == ["'\\udcff.png'"]


@slow
def test_make_set__stops_with_the_error_of_a_step(here):
    """And a folder of a run that it knows nothing of is gone on with, as the command would."""
    asked = ("make-set", *THERE, "-o", "mine", "--override", "mean.generations=3")
    ola("train", "--module", "encoder", "--h5", "given/data.h5", "--generations", "1", "--out", "mine-work/runs/mean")
    check_refusal("the run in mine-work/runs/mean was started with", *asked)
    assert not Path("mine").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--recipe", "scene"), r"no recipe 'scene' \(did you mean scenes\?\); name a file, or one of fluent3d"),
        (("--recipe", "none.toml"), "cannot read the recipe none.toml: No such file"),
        (("--recipe", "text.toml"), "the recipe text.toml is no TOML: "),
        (("--override", "decodr.stack=3"), r"has a table 'decodr' \(did you mean decoder or encoder\?\), which is"),
        (("--override", "decoder.stac=3"), r"has 'stac' in \[decoder\] \(did you mean stack\?\); that step takes view"),
        (("--override", "decoder.out=x"), r"has 'out' in \[decoder\].*; that step takes "),
        (("--override", "stack=3"), "'stack=3' changes nothing; write TABLE.KEY=VALUE"),
        (("--override", "decoder.stack=true"), r"has True as stack in \[decoder\]; expected a number, text or a list"),
        (("--override", "decoder.stack=nan"), r"has nan as stack in \[decoder\]; expected a number"),
        (("--override", "data.offline=1"), r"has 1 as offline in \[data\]; expected true or false"),
        (("--override", "decoder.stack=much"), "asks for what decoder does not take: Invalid value for '--stack'"),
        (
            ("--override", 'decoder.option=["noise=x"]'),
            "things, decoder: the option noise of the strategy stack must be",
        ),
        (("--override", "mean.window=3"), r"has 'window' in \[mean\]"),
        (("--override", "rows.repeats=2"), r"has \[rows\] without \[denoiser\]; denoisers need both"),
        (("--recipe", "level.toml"), r"must list the noise levels of \[rows\], each once and above 0: levels = \["),
        (("--recipe", "fold.toml", "--override", "rows.levels=[1, 1.0]"), "must list the noise levels"),
        (("--recipe", "fold.toml", "--override", "rows.levels=[1, 0]"), "must list the noise levels"),
        (("--recipe", "fold.toml"), r"has \[rows\], which need what modules of folds answer; give \[mean\] folds = 8"),
        (
            ("--recipe", "fold.toml", "--override", "mean.folds=2", "--override", "level-3.wiener=9"),
            r"has \[level-3\], which is no level of \[rows\]",
        ),
        (("--recipe", "value.toml"), r"gives mean a value; it is a table, written \[mean\]"),
        (("--override", "text.view=words"), r"must say in \[text\] which view its module has: table or scene"),
        (("--recipe", "bare.toml"), r"has no table \[decoder\], and a set has to have one"),
        (("--recipe", "fluent3d"), "the recipe fluent3d trains no text module; name one that is there with --text"),
        ((), "there is no photos, of which the pictures of a set should come"),
        (("--about", f"a={'b' * 9999}"), "what a set says of itself has up to"),
        (("--work", "mine"), "written to mine, and what it is made of to mine/data.h5; give --work a folder that is"),
        (("--work", "mine/../mine"), "written to mine, and what it is made of to mine/../mine/data.h5; give --work"),
        (("--work", "mine/work"), "written to mine, and what it is made of to mine/work/data.h5; give --work"),
        (("--work", ".", "-o", "runs"), "written to runs, and what it is made of to runs/text; give --work"),
        (("--work", ".", "-o", "runs/mean"), "written to runs/mean, and what it is made of to runs/mean; give --work"),
        (("-o", "data.h5", "--work", "."), "written to data.h5, and what it is made of to data.h5; give --work"),
        (("--text", "none/text"), "there is no text module none/text"),
        (("--text", "google46"), "there is no text module or set google46; sets that come with .*: fluent3d, google64"),
    ],
)
def test_make_set__says_what_is_wrong_before_anything_is_done(arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if arguments[:1] == ("--text",):
        Path("photos").mkdir()
        Path("captions.csv").write_text("file,caption\n")
    denoisers = "[rows]\n{}\n[denoiser]\n"
    written = {
        "text.toml": "what a recipe is",
        "level.toml": f"[mean]\n[decoder]\n{denoisers.format('levels = 3')}",
        "fold.toml": f"[mean]\n[decoder]\n{denoisers.format('levels = [1]')}",
        "value.toml": "mean = 3",
        "bare.toml": "[mean]",
    }
    for name, told in written.items():
        Path(name).write_text(told)
    before = sorted(tmp_path.iterdir())
    check_refusal(sentence, "make-set", *NO_RUN, *arguments)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "give a folder of pictures with --captions, or --h5 for data that are there"),
        (("photos",), "a set is made of captions; give --captions a table, txt or names"),
        (("photos", "--h5", "a.h5"), "--h5 has data that are there; leave pictures out"),
        (("--h5", "a.h5", "--size", "64"), "--h5 has data that are there; leave --size out"),
        (("--h5", "a.h5", "--text", "t", "--words", "w"), "--text is a module that has its words; leave --words out"),
        (("--h5", "a.h5", "-o", "."), ". has no name to call the folder of the work by; give --work"),
        (("--h5", "a.h5", "-o", "/"), "/ has no name to call the folder of the work by; give --work"),
        (("--h5", "a.h5", "-o", "x/.."), "x/.. has no name to call the folder of the work by; give --work"),
    ],
)
def test_make_set__options_that_exclude_each_other(arguments, sentence):
    assert sentence in ola("make-set", "-o", "mine", *arguments, code=2).stderr


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


def test_dry_run__takes_what_is_there_and_the_text_of_a_set():
    commands = lines("--h5", "d.h5", "--words", "w.h5", "-o", "mine", "--seed", "7", "--recipe", "scenes")
    assert [shlex.split(command)[1:4] for command in commands] == [
        *(["train", "--module", kind] for kind in ("text", "denoiser", "decoder", "refiner")),
        ["bundle", "--text", "mine-work/runs/text"],
    ]
    assert all("--seed 7" in command for command in commands[:-1])
    assert "--words w.h5 --h5 d.h5" in commands[0]
    text = open_set("google64").files["text"]
    assert f"--text-from {text} --h5 d.h5" in lines("--h5", "d.h5", "--text", "google64", "-o", "mine")[0]
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
