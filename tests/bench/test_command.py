"""`ola bench`; the measuring itself is replaced."""

import json

from bench.speed.report import load
from tests.support.bench_samples import small_report
from tests.support.command import check_refusal, ola


def test_bench__prints_tables_and_writes_the_report(tmp_path, monkeypatch):
    asked = []

    def run(quick, progress, teacher):
        asked.append((quick, teacher))
        progress("kernels", 1, 2)
        return small_report()

    monkeypatch.setattr("bench.speed.suite.run", run)
    old = tmp_path / "old.json"
    small_report(2.0).save(old)
    printed = ola("bench", "--quick", "--teacher", "T", "--json", tmp_path / "new.json", "--against", old).output
    assert asked == [(True, "T")]
    assert "score_population" in printed
    assert "2.00x" in printed
    assert load(tmp_path / "new.json") == small_report()
    assert json.loads((tmp_path / "new.json").read_text())["quick"] is False
    check_refusal("is no JSON", "bench", "--against", __file__)


def test_bench__replaces_what_is_there_only_if_told_to(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.speed.suite.run", lambda quick, progress, teacher: small_report())
    for option, name in (("--report", "page.html"), ("--json", "new.json")):
        (tmp_path / name).write_text("mine")
        check_refusal(f"{name} is already there; give --force", "bench", option, tmp_path / name)
        assert (tmp_path / name).read_text() == "mine"
        ola("bench", option, tmp_path / name, "--force")
        assert "score_population" in (tmp_path / name).read_text()
