"""Latency of modules, beside a teacher's at one size."""

import numpy as np

from bench.speed import inference
from bench.speed.inference import STACK, Shape, organic_action, random_input, random_module
from tests.support.bench_samples import ONCE, check_rows


def test_measure_inference__compares_with_the_teacher_at_one_size(monkeypatch):
    class Slow:
        encode = decode = staticmethod(lambda pictures: pictures)

    monkeypatch.setattr(inference, "TEACHER_SIDE", 16)
    rows = list(inference.measure_inference(ONCE, 1, (8, 16), Slow()))
    check_rows(rows)
    names = [(row.name, row.shape) for row in rows]
    assert names[:3] == [("encode", "8x8"), ("decode", "8x8"), ("encode", "16x16")]
    assert {("teacher decode", "16x16"), ("encode stack", "16x16"), ("decode 5x5", "16x16")} <= set(names)
    assert len(rows) == 2 + 7 + 2
    for row in rows:
        compared = row.shape == "16x16" and "teacher" not in row.name and "16-channel" not in row.name
        assert ("over teacher" in row.shares) == compared


def test_random_module__has_the_shape_that_is_asked_for():
    assert random_module("decoder", STACK).layers == (100, 256, 192)
    assert random_module("encoder", Shape("")).layers == (768, 4)


def test_organic_action__encodes_and_decodes_what_random_input_gives():
    latent = organic_action("encode", Shape(""), 16)()
    assert np.shape(latent) == (4, 2, 2) == random_input("decode", 4, 16).shape
    picture = organic_action("decode", Shape(""), 16)()
    assert np.shape(picture) == (16, 16, 3) == random_input("encode", 4, 16).shape
