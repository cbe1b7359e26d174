"""`python -m bench.fitness`."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from bench.fitness import functions, tasks
from bench.fitness.__main__ import follow, main, reached, summary
from bench.fitness.methods import OURS
from bench.fitness.tasks import function_tasks, snake_task
from olacore.errors import ConfigError


def test_functions__are_zero_at_their_optimum_and_nowhere_else():
    for name, losses in functions.functions(3).items():
        rng = np.random.default_rng(3)
        optimum = rng.uniform(-functions.WITHIN, functions.WITHIN, functions.SIZE)
        points = np.concatenate([optimum[None], optimum + rng.standard_normal((20, functions.SIZE))])
        found = losses(points)
        assert found.shape == (21,), name
        assert abs(found[0]) < 1e-9, name
        assert (found[1:] > 1e-3).all(), name


def test_follow__counts_points_and_only_gets_better():
    (task, *_) = function_tasks(0)
    run = follow(task, OURS["separable"], 0, 0.05)
    spent, points, scores = zip(*run["curve"], strict=True)
    assert list(spent) == sorted(spent)
    assert list(points) == sorted(points)
    assert list(scores) == sorted(scores, reverse=True)
    assert points[0] > 0


def test_follow__measures_a_policy_on_new_episodes():
    run = follow(snake_task(1.0), OURS["low-rank"], 0, 0.6)
    assert run["score"] <= 0
    assert run["task"] == "Snake 10 x 10"


def test_environments__those_that_are_missing_are_named(monkeypatch, capsys):
    def missing(name, target):
        raise ConfigError("Box2D is not installed")

    monkeypatch.setattr(tasks, "gym_task", missing)
    assert [task.name for task in tasks.environment_tasks()] == ["Snake 10 x 10"]
    assert "LunarLander-v3 is left out: Box2D is not installed\n" in capsys.readouterr().err


def test_reached__is_infinite_where_a_score_was_not_reached():
    curve = [(0.1, 10, 5.0), (0.2, 20, 1.0)]
    assert reached(curve, 1.0, 0) == 0.2
    assert reached(curve, 5.0, 1) == 10
    assert reached(curve, 0.5, 0) == np.inf


def test_summary__compares_at_the_best_peers_score():
    runs = [
        {"task": "t", "method": "low-rank", "target": 0, "score": 0.1, "curve": [(1.0, 100, 2.0), (2.0, 200, 0.1)]},
        {"task": "t", "method": "cmaes", "target": 0, "score": 1.0, "curve": [(3.0, 50, 1.0)]},
    ]
    ((task, score, ours, peer, sooner),) = summary(runs)
    assert (task, score, sooner) == ("t", "1", "ours")
    assert ours == "low-rank: 2 s, 200"
    assert peer == "cmaes: 3 s, 50"
    # Past the target nobody goes on, so that the peer's last score is luck.
    runs = [{**run, "target": 2.0} for run in runs]
    ((_, score, ours, *_),) = summary(runs)
    assert (score, ours) == ("2", "low-rank: 1 s, 100")


@pytest.mark.filterwarnings("ignore")
def test_command__writes_every_curve(tmp_path):
    out = tmp_path / "fitness.json"
    given = ["--json", out, "--no-environments", "--seeds", 1, "--seconds", 0.01, "--method", "separable"]
    given += ["--task", "Rosenbrock", "--task", "sphere"]
    told = CliRunner().invoke(main, [str(word) for word in given])
    assert told.exit_code == 0, told.output
    runs = json.loads(out.read_text())["runs"]
    assert [run["task"] for run in runs] == ["sphere", "Rosenbrock, separable", "Rosenbrock"]
    assert {run["method"] for run in runs} == {"separable"}
