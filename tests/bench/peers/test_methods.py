"""Methods by name, with settings."""

import pytest

from bench.peers import methods
from bench.peers.closed import Mean
from bench.peers.methods import Spec, make_method, parse_method, settings_for, source_digest, version_of, with_settings
from olacore.errors import ConfigError
from tests.support.peer_makers import make_problem

PROBLEM = make_problem()


def test_parse_method__reads_settings():
    spec = parse_method("rows:population=1,temperature=1e9")
    assert (spec.name, spec.settings) == ("rows", {"population": 1, "temperature": 1e9})
    spec = parse_method("ribs/rowwise:inputs=whitened")
    assert (spec.name, spec.rowwise, spec.settings) == ("ribs", True, {"inputs": "whitened"})
    assert spec.is_peer
    assert settings_for(spec, PROBLEM)["inputs"] == "whitened"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sgd", "there is no method 'sgd'; there are rows, stack, wide, pair, classic, "),
        ("rows/rowwise", "only peers are run row by row; 'rows' is none"),
        ("rows:population", "a setting is NAME=VALUE; got 'population'"),
    ],
)
def test_parse_method__refuses(text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        parse_method(text)


def test_missing__names_the_package(monkeypatch):
    monkeypatch.setattr("bench.peers.methods.find_spec", lambda name: None)
    assert parse_method("cmaes").missing() == "cmaes"
    assert Spec("rows", "rows").missing() == ""


def test_make_method__gives_the_settings_that_were_asked_for():
    assert isinstance(make_method(parse_method("mean"), PROBLEM, "mse", 0), Mean)
    adam = make_method(parse_method("adam-whitened:rate=0.5"), PROBLEM, "mse", 0)
    assert adam.rate == 0.5
    assert adam.problem.basis is not None


def test_version_of__ours_changes_with_our_sources(monkeypatch):
    assert version_of(parse_method("rows")) == version_of(parse_method("classic")) == source_digest()
    assert version_of(parse_method("mean")) == ""
    monkeypatch.setattr(methods, "version", lambda package: "9")
    assert version_of(parse_method("cmaes")) == "cmaes 9"


def test_with_settings__adds_to_those_that_are_there():
    assert with_settings("rows", "a=1") == "rows:a=1"
    assert with_settings("rows:a=1", "b=2") == "rows:a=1,b=2"


def test_title__says_how_it_runs():
    assert parse_method("cmaes/rowwise:sigma=0.1").title == "cmaes, SepCMA, row by row, sigma 0.1"
    assert parse_method("classic").title == "classic"
