"""What all commands do with what they write: a folder that is told is made, a file's folder has to be there."""

from __future__ import annotations

from pathlib import Path

import pytest

import cli
from olacore.data.sample import sample_path
from tests.support.command import SHORT, check_refusal, fill, ola
from tests.support.set_samples import write_set

CODEC = ("--encoder", "E", "--decoder", "P")
PARTS = tuple(f"--{name}=set/{name}.safetensors" for name in ("text", "mean", "decoder"))
# Of a set: what is there, and a recipe of the rest.
THERE = ("--h5", "set/data.h5", "--text", "set/text.safetensors", "--recipe", "short.toml")
# The arguments of commands that write a file, which comes last.
FILES = {
    "bench": ("--quick", "--json", "a.json"),
    "bench page": ("--quick", "--report", "a.html"),
    "compare": ("E", "--h5", "data.h5", "--report", "a.html"),
    "decode": ("nan.npy", "--decoder", "D", "-o", "a.png"),
    "encode": ("photos/a.png", "-o", "a.npz"),
    "export": ("D", "--to", "npz", "-o", "a.npz"),
    "generate": ("a fox", "--set", "set/set", "-o", "a.png"),
    "generate preview": ("a fox", "--set", "set/set", "--preview", "a.png"),
    "inspect": ("data.h5", "--sheet", "a.png"),
    "merge": ("data.h5", "-o", "a.h5"),
    "play snake": ("--film", "a.gif"),
    "precompute": ("photos", "--teacher", "E", "--h5", "a.h5"),
    "precompute words": ("--words", "--text-teacher", "none", "--h5", "a.h5"),
    "report": ("run", "-o", "a.html"),
    "t2i-test": ("--h5", "set/data.h5", "--set", "set/set", "--report", "a.html"),
    "vae-test": ("photos", *CODEC, "--report", "a.html"),
}
# The same of those that fill a folder.
FOLDERS = {
    "bundle": (*PARTS, "--h5", "set/data.h5", "-o"),
    "compare": ("E", "--h5", "data.h5", "--out"),
    "decode": ("latents", "--decoder", "D", "-o"),
    "demo": ("--time", "0.1s", "--out"),
    "export": ("D", "--to", "hub", "-o"),
    "generate": ("--prompts", "prompts.txt", "--set", "set/set", "-o"),
    "play snake": ("--generations", "1", "--size", "6", "--out"),
    "make-set": (*THERE, "-o"),
    "precompute shards": ("photos", "--teacher", "E", "--size", "16", "--shard-size", "1", "--h5"),
    "precompute share": ("photos", "--teacher", "E", "--size", "16", "--share", "1/2", "--h5"),
    "train": ("--module", "encoder", "--h5", sample_path(), *SHORT, "--out"),
    "vae-test": ("photos", *CODEC, "--repeats", "1", "--out"),
}
NEITHER = {"eval", "list", "log", "serve", "watch"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with small modules, data, pictures, latents and a set."""
    folder = tmp_path_factory.mktemp("made")
    fill(folder)
    write_set(folder / "set")
    (folder / "prompts.txt").write_text("a fox\n")
    (folder / "file").write_text("mine")
    (folder / "short.toml").write_text("[mean]\nstack = 2\ngenerations = 1\n[decoder]\ngenerations = 1\n")
    (folder / "latents").mkdir()
    ola("encode", folder / "photos" / "a.png", "--encoder", folder / "E", "-o", folder / "latents" / "a.npy")
    return folder


@pytest.fixture(autouse=True)
def _here(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)


def words(command: str) -> tuple[str, ...]:
    """The command itself, without what tells its cases apart."""
    first, _, rest = command.partition(" ")
    return (first, rest) if first == "play" else (first,)


def test_outputs__of_all_commands_are_here():
    assert {words(name)[0] for name in (*FILES, *FOLDERS)} | NEITHER == {*cli.COMMANDS}


@pytest.mark.parametrize("command", FILES)
def test_outputs__no_folder_is_made_for_a_file(command, made):
    before = sorted(made.iterdir())
    *given, file = FILES[command]
    check_refusal(f"cannot write none/{file}: there is no folder none", *words(command), *given, f"none/{file}")
    assert sorted(made.iterdir()) == before


# That of `ola demo`, which takes seconds, is made so by its own test.
@pytest.mark.parametrize("command", [name for name in FOLDERS if name != "demo"])
def test_outputs__a_folder_is_made_with_those_above_it(command, tmp_path):
    ola(*words(command), *FOLDERS[command], tmp_path / "new" / "deeper")
    assert any((tmp_path / "new" / "deeper").iterdir())


@pytest.mark.parametrize("command", ["bundle", "compare", "export", "make-set", "vae-test"])
def test_outputs__a_folder_of_other_files_is_filled_with_force_alone(command, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    asked = (*words(command), *FOLDERS[command], tmp_path)
    check_refusal("already holds files; give --force to replace those of equal names", *asked)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    ola(*asked, "--force")
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert len([*tmp_path.iterdir()]) > 1


@pytest.mark.parametrize("command", FOLDERS)
def test_outputs__a_folder_is_not_made_below_a_file(command, made):
    before = sorted(made.iterdir())
    check_refusal("cannot write into file/deeper: file is no folder", *words(command), *FOLDERS[command], "file/deeper")
    assert (made / "file").read_text() == "mine"
    assert sorted(made.iterdir()) == before
