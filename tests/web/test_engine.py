"""The thread that draws: who is drawn first, what is given up, and what a fault of one does to the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import olacore
from olacore.drawing.generator import Generator
from olacore.drawing.settings import Settings
from olacore.drawing.together import Wish, draw_together
from olacore.errors import ShapeError
from olacore.web import engine as rooms
from olacore.web.engine import TOGETHER, Engine, Full
from tests.support.set_samples import LEVELS, write_set

WISH = Wish("a fox", Settings())


@pytest.fixture(scope="module")
def generator(tmp_path_factory) -> Generator:
    return olacore.Generator(write_set(tmp_path_factory.mktemp("set")))


class Held:
    """An engine whose batches wait until they are let go, and which remembers them."""

    def __init__(self, generator: Generator, monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
        self.batches: list[list[Wish]] = []
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)
        monkeypatch.setattr(rooms, "draw_together", self._draw)
        self.engine = Engine(generator, **{"queue": 100, "tasks": 2, **limits})
        self.engine._thread.start()

    def _draw(self, generator: Generator, wishes: list[Wish]) -> list[Any]:
        self.batches.append(wishes)
        self.begun.release()
        self.go.acquire()
        return draw_together(generator, wishes)

    def let_all_go(self) -> None:
        for _ in range(100):
            self.go.release()


@pytest.fixture
def held(generator, monkeypatch) -> Iterator[Held]:
    found = Held(generator, monkeypatch)
    yield found
    found.let_all_go()
    found.engine.close()


def test_engine__draws_what_the_generator_draws(generator):
    engine = Engine(generator, 100, 1)
    engine.start()
    wishes = [Wish("a fox", Settings(variety=LEVELS[-1], seed=seed)) for seed in range(TOGETHER + 5)]
    drawn = engine.order(wishes).future.result()
    for wish, one in zip(wishes, drawn, strict=True):
        np.testing.assert_array_equal(one.picture, generator.draw(wish.prompt, wish.settings)[0].picture)
    assert engine.ask(lambda: 7).result() == 7
    with pytest.raises(ShapeError):
        engine.ask(lambda: generator.draw("a", init=np.zeros((1, 1, 3), np.uint8))).result()
    assert not engine.active
    engine.close()


def test_engine__takes_one_of_each_order_in_turn(held):
    many = held.engine.order([Wish("many", Settings(seed=number)) for number in range(2 * TOGETHER)])
    held.begun.acquire()  # the first batch is drawn, and has nothing but these
    few = [held.engine.order([Wish(f"few {number}", Settings())]) for number in range(3)]
    held.let_all_go()
    for order in (*few, many):
        order.future.result()
    assert [len(batch) for batch in held.batches] == [TOGETHER, TOGETHER, 3]
    assert [wish.prompt for wish in held.batches[1]].count("many") == TOGETHER - 3
    assert [one.settings.seed for one in many.future.result()] == list(range(2 * TOGETHER))


def test_engine__is_full_until_somebody_leaves(held):
    held.engine.order([WISH] * TOGETHER)
    held.begun.acquire()
    waiting = held.engine.order([WISH] * 99)
    with pytest.raises(Full):
        held.engine.order([WISH] * 2)
    last = held.engine.order([WISH])
    assert held.engine.waiting == 100
    assert waiting.future.cancel()
    held.engine.order([WISH] * 99)
    assert waiting not in held.engine.active
    for task in range(2):
        held.engine.ask(lambda task=task: task)
    with pytest.raises(Full):
        held.engine.ask(lambda: 3)
    held.let_all_go()
    assert len(last.future.result()) == 1
    assert sum(len(batch) for batch in held.batches) <= TOGETHER + 100


def test_engine__answers_with_what_is_done_when_interrupted(held):
    order = held.engine.order([WISH] * (TOGETHER + 5))
    held.begun.acquire()
    later = held.engine.order([WISH])
    held.engine.interrupt()
    assert later.future.result() == []
    held.let_all_go()
    assert len(order.future.result()) == TOGETHER
    assert len(held.batches) == 1


def test_engine__fails_the_one_that_cannot_be_drawn(held):
    held.let_all_go()
    bad = Wish("a fox", Settings(), np.zeros((3, 3, 3), np.uint8))
    held.engine.order([WISH]).future.result()
    good, wrong, other = (held.engine.order(wishes) for wishes in ([WISH] * 3, [WISH, bad, WISH], [WISH]))
    assert len(good.future.result()) == 3
    assert len(other.future.result()) == 1
    with pytest.raises(ShapeError, match="a picture to start from must be"):
        wrong.future.result()
    assert not held.engine.active


def test_engine__finishes_what_waits_before_it_closes(generator):
    engine = Engine(generator, 100, 1)
    engine.start()
    orders = [engine.order([WISH] * 20) for _ in range(3)]
    engine.close()
    assert all(len(order.future.result(timeout=0)) == 20 for order in orders)
