"""Times of modules beside a teacher's."""

import numpy as np
import pytest

from bench.common.cells import Cells
from bench.ovae.speed import TEACHER, round_trip, time_all, time_space
from tests.support.bench_samples import ONCE
from tests.support.vae_samples import PlainTeacher

pytestmark = pytest.mark.usefixtures("tiny")


def test_time_space__times_every_pair_and_the_teacher(done, monkeypatch):
    workspace, *_ = done
    monkeypatch.setattr("bench.ovae.speed.load_teacher", lambda *asked: (PlainTeacher(), 1000))
    found = time_space("sd15", workspace, ONCE, side=16)
    assert list(found["rows"]) == ["affine pair", "pair", "compatible", TEACHER]
    assert found["rows"][TEACHER]["over_teacher"] == 1
    assert found["rows"]["pair"]["repeats"] == 1
    monkeypatch.setattr("bench.ovae.speed.load_teacher", lambda *asked: (None, 0))
    assert time_space("sd15", workspace, ONCE, side=16)["rows"]["pair"]["over_teacher"] is None


def test_time_all__keeps_what_it_timed(done, tmp_path, monkeypatch):
    workspace, *_ = done
    said = []
    for _ in range(2):
        assert set(time_all(("sd15", "sd3"), workspace, Cells(tmp_path), said.append, ONCE, 16)) == {"sd15"}
    assert said.count("sd15: timing") == 1


def test_round_trip__encodes_and_decodes():
    teacher, picture = PlainTeacher(), np.full((1, 16, 16, 3), 200, np.uint8)
    assert round_trip(teacher, teacher, picture).shape == picture.shape
