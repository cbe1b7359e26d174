"""The report: JSON, Markdown and curves."""

import json

from bench.ovae.report import make_report, write_all

CASE = {
    "case": "a",
    "seed": 0,
    "unit": "dB",
    "affine": 25.0,
    "evolved": [[1.0, 24.0], [2.0, 26.0]],
    "backprop": {"0.001": [[1.0, 25.2], [2.0, 25.4]]},
    "best_rate": "0.001",
    "ratio": 2.5,
}


def test_make_report__begins_with_the_machine_and_judges():
    report = make_report({}, [CASE], {}, {}, threads=2)
    assert list(report) == [
        "schema",
        "machine",
        "versions",
        "threads",
        "train",
        "backprop",
        "quality",
        "speed",
        "targets",
    ]
    assert report["threads"] == 2
    met = {target["figure"]: target["met"] for target in report["targets"]}
    assert met["a: gain over backprop's, same CPU-seconds"] is True
    assert met["SD 3 pair: PSNR over the teacher's"] is None


def test_write_all__draws_curves_only_where_there_are_some(tmp_path):
    report = make_report({}, [CASE], {}, {}, threads=2)
    paths = write_all(report, tmp_path / "r.json")
    assert [path.name for path in paths] == ["r.json", "r.md", "r-curves.png"]
    assert json.loads(paths[0].read_text()) == report
    assert "| a, dB | 2 | 25 | 26 | 25.4 | 0.001 | 2.5 |" in paths[1].read_text()
    assert write_all({**report, "backprop": []}, tmp_path / "s.json") == [tmp_path / "s.json", tmp_path / "s.md"]
