"""`ola generate` and `ola bundle`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.data.texts import read_texts
from olacore.drawing.generator import Generator
from olacore.drawing.notes import SAME, UNMEASURED
from olacore.drawing.pictures import read_drawing, write_drawing
from olacore.drawing.settings import Settings
from olacore.media.pictures import read_picture, write_picture
from tests.support.caption_samples import write_denoised
from tests.support.command import check_refusal, ola
from tests.support.places import ROOT
from tests.support.set_samples import SIDE, resealed, write_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_set(tmp_path_factory.mktemp("set"))


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def draw(folder: Path, *arguments: object) -> dict:
    return json.loads(ola("generate", *arguments, "--set", folder, "--json").stdout)


def test_generate__writes_a_picture_named_after_the_prompt(folder, tmp_path):
    result = ola("generate", "A red  heart/..", "--set", folder)
    assert result.stdout == "a-red-heart_.png: 'A red  heart/..'\n"
    assert read_picture(tmp_path / "a-red-heart_.png").shape == (SIDE, SIDE, 3)
    assert ola("generate", "A red  heart/..", "--set", folder).stdout.startswith("a-red-heart_-2.png: ")
    assert ola("generate", "a", "red", "heart", "--set", folder).stdout == "a-red-heart.png: 'a red heart'\n"
    assert ola("generate", "", "--set", folder).stderr == (
        "note: the prompt is empty: this is the mean of all training pictures\n"
    )


def test_generate__says_how_a_prompt_begins_with_a_dash(folder):
    assert "stands behind --: ola generate -- -5" in ola("generate", "-5", code=2).stderr
    told = ola("generate", "--varety", "2", "fox", code=2).stderr
    assert "--variety" in told
    assert "behind" not in told
    assert ola("generate", "--set", folder, "--", "-5").stdout == "_-5.png: '-5'\n"


def test_generate__tells_a_seed_that_nobody_chose_and_repeats_it(folder, tmp_path):
    told = draw(folder, "a fox", "--variety", "2", "-n", "4", "-o", "a.png")
    assert read_picture(tmp_path / "a.png").shape == (2 * SIDE + 2, 2 * SIDE + 2, 3)
    other = draw(folder, "a fox", "--variety", "2", "-n", "4", "-o", "b.png")
    assert told["seed"] != other["seed"]
    result = ola("generate", "--like", "a.png", "-o", "c.png", "--set", folder)
    assert f"seed {told['seed']}" in result.stdout
    assert (tmp_path / "c.png").read_bytes() == (tmp_path / "a.png").read_bytes()
    draw(folder, "a fox", "--variety", "2", "-n", "4", "--seed", told["seed"], "-o", "d.png")
    assert (tmp_path / "d.png").read_bytes() == (tmp_path / "a.png").read_bytes()


def test_generate__says_where_a_picture_of_before_may_differ(folder, tmp_path):
    far, near = (resealed(Path(shutil.copytree(folder, tmp_path / f"{seen}")), "", seen=seen) for seen in (1.0, -1.0))
    for one, prompt, count in ((far, "a fox", 1), (near, "a fox", 0), (far, "xqzv", 0)):
        told = draw(one, prompt, "-o", "new.png", "--force")
        assert UNMEASURED not in told["notes"]
        again = ("--like", "new.png", "-o", "again.png", "--force")
        assert draw(one, *again)["notes"] == told["notes"]
        about = read_drawing(tmp_path / "new.png")
        del about["measured"]
        write_drawing(tmp_path / "new.png", read_picture(tmp_path / "new.png"), about)
        assert draw(one, *again)["notes"] == told["notes"] + count * [UNMEASURED]


def test_generate__says_what_makes_pictures_differ(folder, tmp_path):
    without = write_set(tmp_path, levels=(), encoder=False)
    notes = [draw(one, "a fox", "-n", "2")["notes"] for one in (folder, without)]
    assert notes[0][-1] == "without variety all pictures are the same; add --variety 1"
    assert notes[1][-1] == "without variety all pictures are the same"
    told = draw(folder, "a fox", "--seed", "4")
    assert told["notes"][-1] == "without variety the seed has no effect; add --variety 1"


def test_generate__tells_no_seed_that_has_no_effect():
    for more, note in (
        (("--variety", "1"), SAME),
        (("--variety", "1", "-n", "2"), SAME),
        (("--seed", "4"), "without variety the seed has no effect"),
    ):
        result = ola("generate", "a red heart", "--set", "fluent3d", *more, "-o", "a.png", "--force")
        assert result.stdout == "a.png: 'a red heart'\n"
        assert result.stderr == f"note: {note}\n"


def test_generate__in_a_style(folder, tmp_path):
    styled = write_set(tmp_path / "styled", styles=("warm", "juggle pale"))
    result = ola("generate", "a red fox", "--style", "warm", "--set", styled, "-o", "a.png")
    assert result.stdout == "a.png: 'a red fox', warm\n"
    assert read_drawing(tmp_path / "a.png")["style"] == "warm"
    told = draw(styled, "a red fox, warm", "--nearest", "-o", "b.png")
    assert (told["style"], told["prompt"]) == ("warm", "a red fox, warm")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), read_picture(tmp_path / "b.png"))
    told = draw(styled, "a red fox", "-n", "2", "--style", "Warm", "--nearest", "-o", "n.png")
    assert (len(told["nearest pictures"]), told["style"]) == (2, "warm")
    told = draw(styled, "a red fox", "-o", "usual.png")
    assert told["style"] == "juggle pale", "of as many pictures as the other, and first"
    ola("generate", "--like", "a.png", "-o", "c.png", "--set", styled)
    assert (tmp_path / "c.png").read_bytes() == (tmp_path / "a.png").read_bytes()
    assert "leave --style out" in ola("generate", "--like", "a.png", "--style", "warm", code=2).stderr
    (tmp_path / "prompts.txt").write_text("a red fox\na fox\n")
    ola("generate", "--prompts", "prompts.txt", "--style", "warm", "-o", "out", "--set", styled)
    assert (tmp_path / "out" / "0000.png").read_bytes() == (tmp_path / "a.png").read_bytes()
    known = "the set set knows the styles juggle pale, warm; got the style 'dotted'."
    check_refusal(known, "generate", "a fox", "--style", "dotted", "--set", styled, "-o", "d.png")
    none = "the set set knows no styles; leave the style 'warm' out."
    check_refusal(none, "generate", "a fox", "--style", "warm", "--set", folder, "-o", "d.png")
    assert not (tmp_path / "d.png").exists()


def test_generate__draws_a_file_of_prompts(folder, tmp_path):
    (tmp_path / "prompts.txt").write_text("# a red heart\n\n  a fox \n", encoding="utf-8-sig")
    result = ola("generate", "--prompts", "prompts.txt", "-o", "out", "--set", folder, "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["prompt"] for line in lines] == ["# a red heart", "a fox"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0000.png", "0001.png"]
    check_refusal("is already there", "generate", "--prompts", "prompts.txt", "-o", "out", "--set", folder)
    (tmp_path / "out" / "0000.png").unlink()
    check_refusal("0001.png is already there", "generate", "--prompts", "prompts.txt", "-o", "out", "--set", folder)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0001.png"], "nothing is drawn where all cannot be"
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    check_refusal("is no UTF-8 text", "generate", "--prompts", "latin.txt", "-o", "two", "--set", folder)
    (tmp_path / "empty.txt").write_text("\n")
    check_refusal("must have 1 to", "generate", "--prompts", "empty.txt", "-o", "two", "--set", folder)


def test_generate__starts_from_a_picture_and_shows_the_steps(folder, tmp_path):
    write_picture(tmp_path / "start.png", np.zeros((30, 50, 3), np.uint8))
    told = draw(
        folder,
        "a fox",
        "--init",
        "start.png",
        "--strength",
        "0.3",
        "--variety",
        "2",
        "-o",
        "a.png",
        "--preview",
        "p.png",
    )
    assert (len(told["init"]), told["strength"]) == (64, 0.3)
    assert read_picture(tmp_path / "p.png").shape == (SIDE, 2 * SIDE + 2, 3)
    assert told["preview"] == "p.png"
    text = ola("generate", "a fox", "-o", "c.png", "--preview", "q.png", "--set", folder).stdout
    assert text.splitlines() == ["c.png: 'a fox'", "q.png: the picture after each step"]
    result = ola("generate", "--like", "a.png", "-o", "b.png", "--set", folder, code=2)
    assert "repeat it with --init" in result.stderr


def test_generate__tells_the_nearest_training_picture(folder):
    told = draw(folder, "a red heart", "-o", "a.png", "--nearest")
    assert told["nearest captions"][0]["cosine"] <= 1
    (near,) = told["nearest pictures"]
    assert near["caption"].startswith("a ")
    assert near["grey levels"] > 0
    text = ola("generate", "a red heart", "-o", "b.png", "--nearest", "--set", folder).stdout
    assert "nearest training picture: 'a " in text
    alike = ola("generate", "a red heart", "-n", "3", "-o", "c.png", "--nearest", "--set", folder).stdout.splitlines()
    assert alike[1:] == text.splitlines()[1:]
    varied = ("-n", "3", "--variety", "2", "--seed", "0", "-o", "d.png", "--nearest")
    lines = ola("generate", "a red heart", *varied, "--set", folder).stdout.splitlines()[1:]
    assert [line.partition(": ")[0] for line in lines] == [
        f"picture {number}, nearest training picture" for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "give one of: a prompt, --prompts FILE, --like FILE"),
        (("a fox", "--like", "a.png"), "give one of"),
        (("--like", "a.png", "--seed", "3"), "--like takes the settings of the picture; leave --seed out"),
        (("--prompts", "a.txt"), "--prompts needs a folder, with -o"),
        (("a fox", "--strength", "0.4"), "--strength needs a picture to start from"),
        (("a fox", "--steps", "3"), "--steps and --solver need noise to take away"),
        (("--prompts", "a.txt", "-o", "x", "--init", "a.png"), "--prompts takes neither --init nor --preview"),
    ],
)
def test_generate__contradictions_are_wrong_usage(folder, arguments, sentence):
    result = ola("generate", *arguments, "--set", folder, code=2)
    assert sentence in " ".join(result.stderr.split())


def test_generate__faults_are_told_in_one_line(folder, tmp_path):
    check_refusal("no folder and no set that is shipped", "generate", "a fox", "--set", "nothing")
    check_refusal(r"pictures are written as .*; got a\.gif", "generate", "a fox", "-o", "a.gif", "--set", folder)
    check_refusal("there is no folder", "generate", "a fox", "-o", "no/a.png", "--set", folder)
    check_refusal(r"cannot write \.: it is a folder; name a file", "generate", "a fox", "-o", ".", "--set", folder)
    check_refusal("variety must be", "generate", "a fox", "--variety", "-1", "--set", folder)
    (tmp_path / "a.png").write_text("text")
    check_refusal("is already there", "generate", "a fox", "-o", "a.png", "--set", folder)
    check_refusal("as a picture", "generate", "--like", "a.png", "--set", folder)
    write_picture(tmp_path / "other.png", np.zeros((8, 8, 3), np.uint8))
    check_refusal("does not say how it was drawn", "generate", "--like", "other.png", "--set", folder)
    draw(folder, "a fox", "-o", "mine.png")
    about = read_drawing(tmp_path / "mine.png")
    assert about is not None
    sentence = r"mine.png was drawn by the set set, which is no folder here .*; name its folder with --set"
    check_refusal(sentence, "generate", "--like", "mine.png", "-o", "again.png")
    shorter = write_set(tmp_path, levels=())
    check_refusal(
        "was drawn by other modules of the set set: level 0.5, level 2 differ",
        *("generate", "--like", "mine.png", "-o", "again.png", "--set", shorter),
    )
    measured = resealed(Path(shutil.copytree(folder, tmp_path / "measured")), "", energy=1.0)
    check_refusal(
        "drawn by the same modules in another set set, whose measures of its data differ",
        *("generate", "--like", "mine.png", "-o", "again.png", "--set", measured),
    )


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_generate__without_permission_says_so(folder, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    check_refusal("is not writable", "generate", "a fox", "-o", "locked/a.png", "--set", folder)


def test_generate__imports_next_to_nothing(folder):
    code = f"""
import sys, cli
sys.argv = ["ola", "generate", "a fox", "--set", {str(folder)!r}, "-o", "a.png", "--nearest"]
try:
    cli.main()
finally:
    print("loaded", *(name for name in ("numba", "h5py", "matplotlib", "torch", "rich") if name in sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "loaded"


def test_bundle__tells_what_it_made(folder, tmp_path):
    parts = [f"--{name}={folder.parent / name}.safetensors" for name in ("text", "mean", "decoder", "encoder")]
    level = folder.parent / "level-2.safetensors"
    result = ola("bundle", *parts, "--denoiser", level, "--h5", folder.parent / "data.h5", "-o", "mine")
    assert "draw with: ola generate 'a prompt' --set mine" in result.stdout
    assert ola("generate", "a fox", "--set", "mine", "--variety", "2").stdout.startswith("a-fox.png")
    check_refusal("is already there", "bundle", *parts, "--h5", folder.parent / "data.h5", "-o", "mine")


def test_t2i_test__measures_parts_beside_what_needs_no_module(folder):
    data = folder.parent / "data.h5"
    found = json.loads(ola("t2i-test", "--h5", data, "--set", folder, "--json").stdout)
    assert [*found] == ["held-out"]
    figures = found["held-out"]
    assert figures["true pictures"]["left"] == pytest.approx(0, abs=1e-6)
    assert figures["mean picture"]["left"] == pytest.approx(1, abs=0.01)
    assert figures["nearest caption's"]["copies"] == 1
    assert {"set", "blend of 2 nearest", "mean of 8 nearest"} < {*figures}
    assert 0 <= figures["set"]["judge"] <= 1
    with open_dataset([data]) as opened:
        latents, of_rows = opened.read(["latents"], np.arange(opened.count))["latents"], read_texts(opened).of_rows
        texts, rows = read_texts(opened).captions, opened.indices("held-out")
        mean = latents[opened.indices("train")].astype(np.float32).mean(0)
    drawn = Generator(folder, kernels=False).text_means(
        [texts[of_rows[row]] for row in rows], Settings(guidance=1.0, lean=0.0)
    )
    left = np.square(latents[rows] - drawn).sum() / np.square(latents[rows] - mean).sum()
    assert figures["set"]["text_mean"] == pytest.approx(left, rel=1e-4)
    assert "text_mean" not in figures["true pictures"]
    both = json.loads(ola("t2i-test", "--h5", data, "--judge", data, "--set", folder, "--json").stdout)
    assert both["held-out"]["set"]["other_judge"] == both["held-out"]["set"]["judge"]
    page = (ROOT / "docs/generate.md").read_text(encoding="utf-8")
    heads = page.partition("| drawn of held-out captions | ")[2].partition(" |\n")[0]
    assert len(named := re.split(r" \| |, ", heads)) == 9
    assert {*named} <= both["held-out"]["set"].keys(), "the page calls columns as they are printed"
    table = ola("t2i-test", "--h5", data, "--set", folder, "--part", "validation", "--most", "3").stdout
    assert "validation" in table
    Path("page.html").write_text("mine")
    check_refusal("page.html is already there", "t2i-test", "--h5", data, "--set", folder, "--report", "page.html")
    rows = write_denoised(folder.parent / "rows.h5")
    wrong = r"rows\.h5 has no pictures with captions and their embeddings; give the data set that the set was made of"
    check_refusal(wrong, "t2i-test", "--h5", rows, "--set", folder)
    check_refusal(wrong, "t2i-test", "--h5", data, "--judge", rows, "--set", folder)
    check_refusal("the data have no part 'other'", "t2i-test", "--h5", data, "--set", folder, "--part", "other")


def test_inspect__tells_of_drawings_and_sets(folder):
    draw(folder, "a fox", "-o", "a.png", "--seed", "3")
    facts = json.loads(ola("inspect", "a.png", "--json").stdout)
    assert (facts["kind"], facts["prompt"], facts["seed"]) == ("drawing", "a fox", 3)
    facts = json.loads(ola("inspect", folder, "--json").stdout)
    assert (facts["kind"], facts["size"], facts["captions"]) == ("set", [SIDE, SIDE], 30)
    assert [*facts["modules"]] == ["text", "mean", "decoder", "encoder", "level 2", "level 0.5"]
    check_refusal("is no olacore module", "inspect", write_other())


def write_other() -> Path:
    """A picture that says nothing."""
    write_picture(Path("plain.png"), np.zeros((8, 8, 3), np.uint8))
    return Path("plain.png")


def test_bundle__what_it_says_of_itself_is_in_the_pictures_that_it_draws(folder):
    parts = [f"--{name}={folder.parent / name}.safetensors" for name in ("text", "mean", "decoder")]
    told = ("--about", "licence=CC-BY-4.0", "--about", "data=my own photographs = mine")
    given = ("bundle", *parts, "--h5", folder.parent / "data.h5", "-o", "mine")
    ola(*given, *told)
    expected = {"licence": "CC-BY-4.0", "data": "my own photographs = mine"}
    assert json.loads(ola("inspect", "mine", "--json").output)["about"] == expected
    ola("generate", "a fox", "--set", "mine", "-o", "fox.png")
    assert json.loads(ola("inspect", "fox.png", "--json").output)["about"] == expected
    ola("generate", "--like", "fox.png", "--set", "mine", "-o", "again.png")
    check_refusal("up to 4,096 characters; 'licence' has more", *given, "--force", "--about", "licence=" + "x" * 5000)
    check_refusal("is plain text of one line", *given, "--force", "--about", "licence=a\nb")
