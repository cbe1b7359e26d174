"""The study of captioned data runs to its end."""

from argparse import Namespace

import numpy as np

from bench.studies.captioned import measure
from tests.support.letter_samples import LetterTeacher
from tests.support.plain_samples import MeanTeacher


def test_measure__counts_rows_and_times_both(tmp_path):
    np.savez(tmp_path / "p.npz", images=np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8))
    (tmp_path / "t.tsv").write_text("row\tcaption\n0\ta fox\n1\ta hen\n2\ta fox\n")
    asked = Namespace(pictures=tmp_path / "p.npz", captions=tmp_path / "t.tsv", set=None, size=16, workers=0, repeats=2)
    text = LetterTeacher()
    found = measure(asked, MeanTeacher(2), text, tmp_path)
    assert (found["rows"], len(found["bare over whole"])) == (3, 2)
    assert all(ratio >= 0 for ratio in found["bare over whole"])
    assert text.asked[-2:] == ["a fox", "a hen"]
