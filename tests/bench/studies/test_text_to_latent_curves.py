"""Curves from captions to latents: every method a line, a picture with a panel for each held-out part."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.studies import text_to_latent_curves
from bench.studies.text_means import KnownTexts
from olacore.data import open_dataset
from tests.support.caption_samples import write_captioned
from tests.support.makers import JIT

PARTS = {"train": 34, "validation": 5, "held-out:concept-held-out": 5, "held-out:combination-held-out": 4}


@pytest.fixture(scope="module")
def h5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "captioned.h5"
    write_captioned(path, PARTS)
    return path


def test_captioned__what_the_mean_leaves_is_all(h5: Path) -> None:
    with open_dataset(h5) as data:
        captioned = text_to_latent_curves.Captioned.read(data, KnownTexts.read(data))
    assert captioned.left(lambda asked: np.repeat(captioned.mean[None], len(asked), 0)) == pytest.approx(
        {"concept-held-out": 1, "combination-held-out": 1}
    )
    np.testing.assert_allclose(captioned.x.mean(0), 0, atol=1e-4)


@pytest.mark.skipif(not JIT, reason="too many products without the JIT")
def test_study__follows_every_method_and_draws_them(h5: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    arguments = [str(h5), "--out", str(tmp_path / "curves"), "--units", "4", "--budget", "0", "--seeds", "1"]
    monkeypatch.setattr(sys, "argv", ["text_to_latent_curves", *arguments, "--seconds", "0"])
    parts = ["concept-held-out", "combination-held-out"]
    monkeypatch.setitem(
        text_to_latent_curves.PEERS, "OpenAI-ES (evosax)", lambda *_: [(1.0, dict.fromkeys(parts, 1.0))]
    )
    monkeypatch.setattr(text_to_latent_curves, "draw", lambda found, path: drawn.append((list(found), path)))
    drawn: list[tuple[list[str], Path]] = []
    text_to_latent_curves.main()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["name"] for line in lines][2] == "wide, 4 units"
    assert drawn == [([line["name"] for line in lines], tmp_path / "curves.png")]
    written = json.loads((tmp_path / "curves.json").read_text(encoding="utf-8"))["methods"]
    wide = next(method for method in written if method["name"] == "wide, 4 units")
    seconds = [cpu for cpu, _ in wide["curves"][0]]
    assert seconds == sorted(seconds)
    assert len(seconds) == 6
    # Peers alone are joined to what was measured.
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--peers", "OpenAI-ES (evosax)"])
    text_to_latent_curves.main()
    again = json.loads((tmp_path / "curves.json").read_text(encoding="utf-8"))["methods"]
    assert again == written


def test_draw__writes_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    runs = [[(0.5, {"one": 0.9, "other": 0.8}), (1.0, {"one": 0.5, "other": 0.7})]]
    text_to_latent_curves.draw({"wide": runs, "closed": [runs[0][:1]]}, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
