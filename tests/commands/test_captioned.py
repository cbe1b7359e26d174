"""Text modules and denoisers from the command line."""

import json

import pytest

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


def test_train__says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_denoised(tmp_path / "d.h5", optional=("answers",))
    kind = ("train", "--module", "denoiser", "--h5", "d.h5", *SHORT, "--view")
    check_refusal("say which with --level, of 0.5, 2.0", *kind, "whole")
    check_refusal("no row of the data has the level 3", *kind, "whole", "--level", "3")
    check_refusal("needs text_means", *kind, "window", "--level", "0.5")
    check_refusal("takes no buckets", *kind, "whole", "--level", "0.5", "--buckets", "64")
    check_refusal("expected /frames", "train", "--module", "encoder", "--h5", "d.h5", *SHORT)
