"""`ola play`."""

from __future__ import annotations

import json

import pytest

from tests.support.command import check_refusal, ola


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_play_snake__evolves_measures_and_films(tmp_path):
    result = ola("play", "snake", "--generations", 12, "--size", 6, "--out", "run", "--json")
    told = json.loads(result.stdout)
    assert told["evolved"]["food"] > 3
    assert set(told) == {"film", "folder", "evolved", "written by hand"}
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {"snake.gif", "curve.png", "module.safetensors"}
    table = ola("play", "snake", "--size", 6, "--module", "run/module.safetensors").stdout
    assert "written by hand" in table
    assert "look at snake.gif" in table
    assert (tmp_path / "snake.gif").read_bytes()[:3] == b"GIF"
    longer = ola("play", "snake", "--generations", 14, "--size", 6, "--out", "run", "--resume", "--json")
    assert json.loads(longer.stdout)["folder"] == "run"


def test_play_snake__that_is_resumed_replaces_its_film_with_force_alone(tmp_path):
    run, film = ("play", "snake", "--size", 6, "--out", "run"), ("--film", "mine.gif")
    ola(*run, *film, "--generations", 12)
    log = (tmp_path / "run" / "log.jsonl").read_bytes()
    (tmp_path / "mine.gif").write_text("mine")
    longer = (*run, "--generations", 24, "--resume")
    check_refusal("mine.gif is already there; give --force to replace it", *longer, *film)
    check_refusal("resume and force exclude each other", *longer, "--force")
    assert (tmp_path / "mine.gif").read_text() == "mine"
    assert (tmp_path / "run" / "log.jsonl").read_bytes() == log
    ola(*longer, *film, "--force")
    assert (tmp_path / "mine.gif").read_bytes()[:3] == b"GIF"
    went_on = (tmp_path / "run" / "log.jsonl").read_bytes()
    assert went_on.startswith(log)
    assert len(went_on) > len(log)


def test_play_snake__draws_no_curve_of_a_run_that_ends_before_its_first_report(tmp_path):
    said = ola("play", "snake", "--generations", 1, "--size", 6, "--out", "run").stdout
    assert "snake.gif" in said
    assert "curve.png" not in said
    assert not (tmp_path / "run" / "curve.png").exists()


@pytest.mark.parametrize(
    "asked",
    [
        ("--resume",),
        ("--out", "run"),
        ("--generations", 3),
        ("--time", "60s"),
        ("--hidden", 0),
        ("--strategy", "full"),
        ("--seed", 1),
    ],
)
def test_play_snake__searches_for_no_player_that_is_there(asked, tmp_path):
    told = ola("play", "snake", "--module", "player.safetensors", *asked, code=2).stderr
    assert f"--module is a player that is there, and nothing is searched; leave {asked[0]} out." in told
    assert not [*tmp_path.iterdir()]


def test_play_snake__refuses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_refusal("4 to 32", "play", "snake", "--size", 3)
    check_refusal("no strategy for genomes", "play", "snake", "--strategy", "luck")
    (tmp_path / "mine.gif").write_text("mine")
    check_refusal("mine.gif is already there", "play", "snake", "--film", "mine.gif")
    (tmp_path / "mine.gif").rename("snake.gif")
    check_refusal("snake.gif is already there", "play", "snake", "--module", "player.safetensors")
    (tmp_path / "snake.gif").unlink()
    check_refusal("plays no Snake", "play", "snake", "--module", "sd15-decoder")
    check_refusal("above 0", "play", "snake", "--generations", -1)
    check_refusal("generations must be above 0; got 0", "play", "snake", "--generations", 0)
    assert not [*tmp_path.iterdir()], "nothing is left behind"
