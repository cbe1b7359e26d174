"""`ola compare`."""

import json
import re
from pathlib import Path

from tests.support.command import check_refusal, ola


def test_compare__prints_a_table_and_writes_plots(folder):
    out = ola("compare", "E", "--h5", "data.h5").stdout
    assert re.search(r"2 held-out frames: r2 .*, l2 .*, cosine .*, cosine_centered", out)
    assert "R2 while `ola train` runs is of validation samples" in out
    assert {path.name for path in Path("compare").iterdir()} == {"scatter.png", "worst.png", "compare.json"}
    result = ola("compare", "E", "--h5", "data.h5", "--split", "train", "--json", "--out", "c2")
    assert json.loads(result.stdout)["frames"] == 8


def test_errors__are_one_line_and_exit_code_1(folder):
    check_refusal("measure it with `ola eval`", "compare", "D", "--h5", "data.h5")
    check_refusal("already holds files", "compare", "E", "--h5", "data.h5", "--out", "photos")
