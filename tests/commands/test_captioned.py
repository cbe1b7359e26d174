"""Text modules and denoisers from the command line."""

import json

import pytest

from olacore.views.noisy import Whole
from olacore.views.prompt import Prompt
from tests.support.caption_samples import write_captioned, write_denoised
from tests.support.command import SHORT, check_refusal, ola
from tests.support.makers import JIT


@pytest.mark.skipif(not JIT, reason="too many products without the JIT")
def test_train_and_eval__show_each_held_out_part(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_captioned(tmp_path / "c.h5", {"train": 30, "validation": 6, "held-out:concept-held-out": 5, "held-out": 4})
    asked = ("--h5", "c.h5", *SHORT)
    kind = (
        "--module",
        "denoiser",
        "--view",
        "window",
        "--level",
        "0.5",
        "--text-window",
        "1",
        "--option",
        "shrinkage=0.03",
    )
    made = json.loads(ola("train", *kind, *asked, "--out", "run", "--json").output)
    figures = json.loads(ola("eval", "run", "--h5", "c.h5", "--json").output)
    assert figures.keys() == {"concept-held-out", "held-out"} <= made.keys()
    assert figures["held-out"]["module"]["loss"] == pytest.approx(made["held-out"]["module"]["loss"], rel=1e-6)
    table = ola("eval", "run", "--h5", "c.h5").output
    assert "run/module.safetensors on concept-held-out rows" in table
    assert "run/module.safetensors on held-out rows" in table
    assert "module" in json.loads(ola("eval", "run", "--h5", "c.h5", "--split", "validation", "--json").output)
    ola("train", "--module", "text", "--buckets", "64", "--option", "shrinkage=0.03", *asked, "--out", "text")
    assert "words" in ola("inspect", "text").output


@pytest.mark.skipif(not JIT, reason="a search")
def test_truth__is_said_of_the_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_denoised(tmp_path / "d.h5")
    asked = ("--module", "denoiser", "--view", "window", "--level", "0.5", "--h5", "d.h5", "--option", "shrinkage=0.03")
    for share in ("0.5", "0"):
        told = ola("train", *asked, *SHORT, "--truth", share, "--out", share).stdout
        assert told.splitlines()[0].strip() == "denoiser of level 0.5 on held-out samples"
        view = json.loads(ola("inspect", f"{share}/module.safetensors", "--json").output)["view"]
        assert view.get("truth") == {"0.5": 0.5, "0": None}[share]
        assert ("truth" in ola("inspect", f"{share}/module.safetensors").output) == (share == "0.5")


def test_heading__names_the_level_where_there_is_one():
    assert Whole(channels=4, level=2.0, unconditional=True).heading == "denoiser of level 2"
    assert Prompt(channels=4, embedding=3).heading == "denoiser"


def test_train__says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_denoised(tmp_path / "d.h5", optional=("answers",))
    kind = ("train", "--module", "denoiser", "--h5", "d.h5", *SHORT, "--view")
    check_refusal("say which with --level, of 0.5, 2.0", *kind, "whole")
    check_refusal("no row of the data has the level 3", *kind, "whole", "--level", "3")
    check_refusal("needs text_means", *kind, "window", "--level", "0.5")
    window = (*kind, "window", "--level", "0.5", "--text-window", "0")
    check_refusal("leave --wiener out where there is none", *window, "--wiener", "4")
    check_refusal("takes no wiener", *kind, "whole", "--level", "0.5", "--wiener", "4")
    check_refusal("wiener must be at least 0; got -1", *window, "--wiener", "-1")
    check_refusal("takes no buckets", *kind, "whole", "--level", "0.5", "--buckets", "64")
    check_refusal(r"truth must be a share from 0 to 1; got -1\.0", *kind, "whole", "--level", "0.5", "--truth", "-1")
    check_refusal(
        "the words view of the text takes no truth", "train", "--module", "text", "--h5", "d.h5", "--truth", "1"
    )
    write_denoised(tmp_path / "u.h5", optional=("text_means",))
    given = ("--module", "denoiser", "--view", "window", "--level", "0.5", "--truth", "0.5")
    check_refusal("the data hold none: targets are the latents anyway", "train", *given, "--h5", "u.h5", *SHORT)
    check_refusal("expected /frames", "train", "--module", "encoder", "--h5", "d.h5", *SHORT)
