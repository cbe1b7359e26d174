"""What a run folder says of who asked for it, and how it ended."""

import json
from dataclasses import replace

import numpy as np
import pytest

from olacore.search.config import TrainConfig
from olacore.search.sessions import asked
from olacore.search.train import train
from tests.support.makers import make_config, write_pictures, write_plain
from tests.support.searches import stop_after


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return write_plain(tmp_path_factory.mktemp("data") / "pairs.h5")


def lines(folder):
    return [json.loads(line) for line in (folder / "sessions.jsonl").read_text().splitlines()]


def test_sessions__tell_each_start_and_end(plain, tmp_path):
    config = make_config(plain, tmp_path / "run", seed=3)
    train(config, should_stop=stop_after(2))
    train(replace(config, resume=True))
    found = lines(tmp_path / "run")
    assert [line["event"] for line in found] == ["began", "ended"] * 2
    assert [(line["stopped"], line["generation"]) for line in found[1::2]] == [("interrupted", 2), ("generations", 6)]
    for line in found[::2]:
        assert line["asked"]["seed"] == 3
        assert line["asked"]["h5"] == [str(plain)]
        assert line["asked"].keys().isdisjoint({"resume", "force", "view"})
        assert line["versions"]["numpy"] == np.__version__
        assert line["machine"]["cores"] >= 1
        assert line["at"].endswith("+00:00")
    train(replace(config, force=True))
    assert [line["event"] for line in lines(tmp_path / "run")] == ["began", "ended"]


def test_sessions__of_a_pair_tell_what_was_asked_of_both(tmp_path):
    data = write_pictures(tmp_path / "data.h5")
    train(make_config(data, tmp_path / "run", module="pair", border=0, stack=2), should_stop=stop_after(2))
    told = lines(tmp_path / "run/encoder")[0]["asked"]
    assert (told["module"], told["stack"], told["out"]) == ("pair", 2, str(tmp_path / "run"))


def test_sessions__are_of_no_consequence_for_the_module(plain, tmp_path):
    for name in ("a", "b"):
        train(make_config(plain, tmp_path / name))
    one, other = ((tmp_path / name / "module.safetensors").read_bytes() for name in ("a", "b"))
    assert one == other


def test_asked__leaves_defaults_out_and_names_a_loss(tmp_path):
    config = TrainConfig("encoder", ("a.h5",), options={"directions": 4}, output_weights=(1, 2.5))
    assert asked(config) == {
        "module": "encoder", "h5": ["a.h5"], "options": {"directions": 4}, "output_weights": [1, 2.5]
    }  # fmt: skip
    json.dumps(asked(replace(config, out=tmp_path)))
