"""`python -m bench.islands`: simulated time, and a search that is divided beside the same search alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.islands import __main__ as command
from bench.islands.search import ring, simulate
from bench.islands.simulation import Simulation
from olacore.data import write_pairs
from olacore.search.config import TrainConfig
from olacore.strategies.group import Group
from tests.support.makers import plain_pairs


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "pairs.h5"
    write_pairs(path, *plain_pairs(400))
    return path


def test_simulation__lasts_as_long_as_the_slowest_between_two_places(tmp_path: Path) -> None:
    simulation = Simulation(3, tmp_path)

    def live(group: Group) -> list[int]:
        simulation._began -= (1.0, 3.0, 2.0)[group.number]
        found = group.gather("first", {"number": np.array(group.number)})
        simulation._began -= (5.0, 0.0, 0.0)[group.number]
        return [int(part["number"]) for part in found]

    assert simulation.run(live) == [[0, 1, 2]] * 3
    assert simulation.epochs >= 8
    assert simulation.exchanged > 0


def test_simulation__an_error_of_one_island_ends_all(tmp_path: Path) -> None:
    def live(group: Group) -> None:
        if group.number:
            raise ValueError("one of them")
        group.gather("first", {})

    with pytest.raises(ValueError, match="one of them"):
        Simulation(2, tmp_path).run(live)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_simulate__a_divided_search_ends_where_it_ends_alone(pairs: Path, count: int) -> None:
    config = TrainConfig(None, (pairs,), strategy="wide", stack=60, generations=3, options={"width": 2.0})
    (alone, _), (divided, exchange) = (simulate(config, islands, 1, 1) for islands in (1, count))
    np.testing.assert_allclose([loss for _, loss in divided], [loss for _, loss in alone], rtol=1e-4)
    assert 0 < exchange < 1


def test_ring__neighbours_are_those_beside_an_island() -> None:
    assert [ring(number, 4) for number in range(4)] == [[1, 3], [0, 2], [1, 3], [0, 2]]
    assert ring(1, 2) == [0]
    assert ring(0, 1) == []


def test_command__measures_the_encoder_and_joins_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = command.cases

    def few(folder: Path, *asked: object):
        for case in whole(folder, *asked):
            yield command.replace(case, config=command.replace(case.config, generations=2), every=1)

    monkeypatch.setattr(command, "cases", few)
    out = tmp_path / "islands.json"
    asked = ["--json", str(out), "--only", "encoder", "--seeds", "1", "--join", "--islands"]
    for counts in ("1", "1,2"):
        done = CliRunner().invoke(command.main, [*asked, counts], catch_exceptions=False)
        assert done.exit_code == 0
    report = json.loads(out.read_text())
    assert [(line["islands"], line["seeds"]) for line in report["summary"]] == [(1, 1), (2, 1)]
    assert report["summary"][0]["time"] == 1
    assert [len(run["curve"]) for run in report["runs"]] == [2, 2]
    assert out.with_suffix(".png").is_file()
    assert "| encoder | 2 |" in done.output
