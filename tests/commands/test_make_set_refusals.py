"""What `ola make-set` says of what it is given, before anything is made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from olacore.commands import set_files
from olacore.commands.set_files import files_of
from tests.support.command import check_refusal, ola
from tests.support.teacher_samples import save_model

NO_RUN = ("photos", "--captions", "captions.csv", "-o", "mine")


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
            r"has \[level-3\], which is no level of \[rows\]; the tables of levels are \[\"level-1\"\]",
        ),
        (("--recipe", "value.toml"), r"gives mean a value; it is a table, written \[mean\]"),
        (("--override", "text.view=words"), r"must say in \[text\] which view its module has: table or scene"),
        (("--recipe", "bare.toml"), r"has no table \[decoder\], and a set has to have one"),
        (("--recipe", "fluent3d"), "the recipe fluent3d trains no text module; name one that is there with --text"),
        ((), r"there is no captions\.csv, of which the table of a set should come\.\n"),
        (("--recipe", "texts.toml"), r"cannot read the recipe texts.toml: .*; did you mean text.toml\?"),
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
        (("fotos", "--captions", "captions.csv"), r"at fotos; nothing is there; did you mean photos\?\n"),
        (("fotos/*.png", "--captions", "captions.csv"), r"no source gives a picture: .* at fotos/\*\.png; nothing is"),
        (
            ("photos", "--captions", "captions.cvs"),
            r"no captions.cvs, .* come; did you mean captions.csv or captions2.csv",
        ),
        (("photos", "--captions", "captions.csv", "--split", "prts.csv"), r"prts.csv, .*; did you mean parts.csv"),
        (("photos", "--captions", "captions.csv", "--words", "word.h5"), r"word.h5, .*; did you mean words.h5\?\n"),
        (("--h5", "words.h4"), r"expected an HDF5 file at words.h4; it is missing; did you mean words.h5\?\n"),
        (
            ("--h5", "words.h5", "--text", "./txt.safetensors"),
            r"txt.safetensors; .*; did you mean text.safetensors\?\n",
        ),
    ],
)
def test_make_set__says_which_file_was_meant(arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("captions.csv", "captions2.csv", "parts.csv", "words.h5", "text.safetensors"):
        Path(name).touch()
    Path("photos").mkdir()
    check_refusal(sentence, "make-set", *arguments, "-o", "mine")
    assert not Path("mine-work").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "give a folder of pictures with --captions, or --h5 for data that are there"),
        (("photos",), "a set is made of captions; give --captions a table, txt or names"),
        (("photos", "--h5", "a.h5"), "--h5 has data that are there; leave pictures out"),
        (("--h5", "a.h5", "--size", "64"), "--h5 has data that are there; leave --size out"),
        (("--h5", "a.h5", "--text", "t", "--words", "w"), "--text is a module that has its words; leave --words out"),
        (("--h5", "a.h5", "--override", "data.size=32"), "--h5 has data that are there; leave --override data.size=32"),
        (
            ("--h5", "a.h5", "--words", "w", "--override", "words.vocabulary=5000"),
            "--words is a table that is there; leave --override words.vocabulary=5000 out",
        ),
        *(
            (
                ("--h5", "a.h5", "--text", "google64", "--override", "mean.stack=8", "--override", change),
                f"--text is a module that has its words; leave --override {change} out",
            )
            for change in ("text.budget=1MB", "words.vocabulary=5000")
        ),
        (("--h5", "a.h5", "-o", "."), ". has no name to call the folder of the work by; give --work"),
        (("--h5", "a.h5", "-o", "/"), "/ has no name to call the folder of the work by; give --work"),
        (("--h5", "a.h5", "-o", "x/.."), "x/.. has no name to call the folder of the work by; give --work"),
    ],
)
def test_make_set__options_that_exclude_each_other(arguments, sentence):
    assert sentence in ola("make-set", "-o", "mine", *arguments, code=2).stderr


def test_dry_run__looks_at_names_and_tables_alone(tmp_path, monkeypatch):
    """Of files that are no pictures, and without teachers."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for number in range(3):
        Path("photos", f"{number}.png").touch()
    Path("captions.csv").write_text("file,caption\n0.png,a fox\n1.png,a boat\n9.png,a cat\n")
    Path("parts.csv").write_text("file,part\n0.png,train\n")
    asked = ("make-set", *NO_RUN, "--dry-run")
    told = ola(*asked, "--split", "parts.csv").stderr
    assert told.splitlines() == [
        "3 pictures, 2 with a caption",
        "captions.csv: 3 lines, 2 matched",
        "parts.csv: 1 line, 1 matched",
        "parts: train 1",
    ]
    assert ola("make-set", "photos", "--captions", "names", "-o", "mine", "--dry-run").stderr == (
        "3 pictures, 3 with a caption\n"
    )
    Path("captions.csv").write_text("file,caption\n0,a fox\n")
    check_refusal(r"captions\.csv has none of 3 pictures: its names have no suffix, such as 0 for 0\.png", *asked)
    Path("captions.csv").unlink()
    check_refusal("there is no captions.csv, of which the table of a set should come", *asked)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts.csv", "photos"]


@pytest.mark.parametrize(
    ("source", "told", "sentence"),
    [
        (".", (), r"mine is inside \., and what it holds would be among the pictures the next time; give -o a folder"),
        ("photos", ("-o", "photos/mine"), "photos/mine is inside photos, .*; give -o a folder elsewhere"),
        ("photos", ("--work", "photos/mine"), "photos/mine is inside photos, .*; give --work a folder elsewhere"),
        ("photos", ("--work", "photos"), "photos is inside photos, .*; give --work a folder elsewhere"),
        ("link", ("-o", "photos/mine"), "photos/mine is inside link, .*; give -o a folder elsewhere"),
        ("photos", ("-o", "link/mine"), "link/mine is inside photos, .*; give -o a folder elsewhere"),
        ("pho*", ("-o", "photos/mine"), r"photos/mine is inside pho\*, .*; give -o a folder elsewhere"),
        ("*", (), r"mine is inside \*, .*; give -o a folder elsewhere"),
    ],
)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_make_set__is_made_in_no_folder_of_its_pictures(source, told, sentence, dry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    Path("link").symlink_to("photos")
    check_refusal(sentence, "make-set", source, *NO_RUN[1:], *told, *dry)
    check_refusal("there is no captions.csv", "make-set", "photos/*.png", *NO_RUN[1:], "-o", "photos/mine", *dry)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("-o", "full"), "the folder full already holds files; give --force"),
        (("--work", "mine"), "written to mine, and what it is made of to mine/data.h5; give --work"),
        (("--about", f"a={'b' * 9999}"), "what a set says of itself has up to"),
    ],
)
def test_dry_run__refuses_what_would_be_refused_at_once(arguments, sentence, tmp_path, monkeypatch):
    """Before a picture is looked at."""
    monkeypatch.chdir(tmp_path)
    for name in ("photos", "full"):
        Path(name).mkdir()
        Path(name, "a.png").write_text("no picture")
    Path("captions.csv").write_text("file,caption\na.png,a fox\n")
    monkeypatch.setattr(set_files, "content_of", lambda path: pytest.fail(f"{path} is read"))
    asked = ("make-set", *NO_RUN, *arguments)
    check_refusal(sentence, *asked)
    check_refusal(sentence, *asked, "--dry-run")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["captions.csv", "full", "photos"]


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_make_set__refuses_a_size_and_a_part_before_torch_is_loaded(dry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    Path("photos", "a.png").write_text("no picture")
    save_model(tmp_path / "tiny")
    Path("captions.csv").write_text("file,caption,part\na.png,a fox,train\n")
    monkeypatch.setitem(sys.modules, "torch", None)
    asked = ("make-set", *NO_RUN, "--teacher", "tiny", *dry)
    check_refusal("the size must be a multiple of 8, the pixels that a latent of tiny stands for", *asked, "--size", 60)
    Path("captions.csv").write_text("file,caption,part\na.png,a fox,lern\n")
    check_refusal("the part 'lern' is none of training, validation or held-out", *asked)


def test_dry_run__takes_patterns(tmp_path, monkeypatch):
    """As `ola precompute` does, where a picture that is in several counts once."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for number in range(3):
        Path("photos", f"{number}.png").touch()
    asked = ("make-set", "photos/*.png", "photos/[01].png", "--captions", "names", "-o", "mine")
    assert ola(*asked, "--dry-run").stderr == "3 pictures, 3 with a caption\n"
    assert files_of([Path("photos/*.png"), Path("photos/[01].png")], "names")["pictures"] == [
        Path("photos", f"{number}.png") for number in range(3)
    ]
