"""`ola demo`."""

import json
import logging

from tests.support.command import check_refusal, ola


def test_demo__writes_pictures_and_a_summary(tmp_path, caplog):
    out = tmp_path / "new" / "demo"
    with caplog.at_level(logging.INFO):
        printed = ola("demo", "--out", out, "--time", "0.2s").output
    assert "1 of 3: the sets that come with the package draw" in caplog.text
    assert "memory plan" not in caplog.text
    assert "a trial of" not in caplog.text
    assert logging.getLogger("olacore.search.loop").level == logging.NOTSET
    assert "block_mean: each block of pixels in its own mean colour" in printed
    assert "held-out pictures, encoded and decoded: teacher" in printed
    summary = json.loads((out / "summary.json").read_text())
    assert set(summary) == {"drawing", "encoder", "decoder", "stack", "codec"}
    assert summary["drawing"]["module"]["r2"] > summary["drawing"]["least_squares"]["r2"] > 0
    assert {path.name for path in out.iterdir()} >= {
        "prompts.png",
        "drawing.png",
        "drawing",
        "side_by_side.png",
        "curves.png",
        "encoder",
        "decoder",
        "stack",
    }
    check_refusal("already holds a demonstration", "demo", "--out", out, "--time", "0.2s")
