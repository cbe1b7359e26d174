"""One thread that computes: it takes what waits, draws as many pictures at once as it may, and answers.

Numba's threads serve one Python thread at a time, so whatever runs kernels runs here.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from time import perf_counter
from typing import Any

from olacore.drawing.generator import Drawing, Generator
from olacore.drawing.settings import Settings
from olacore.drawing.together import Wish, draw_together

logger = logging.getLogger(__name__)

# Pictures that are drawn at once. From here on more of them make each but little quicker, and all wait for the last.
TOGETHER = 32
# Of the newest batch, in the mean of the seconds that a picture takes.
SHARE = 0.2


class Full(Exception):
    """Too many wait; `seconds` is about when there will be room."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Order:
    """Pictures that somebody waits for.

    Parameters
    ----------
    wishes : one for each picture

    Attributes
    ----------
    drawn : those that are done, in the order of the wishes
    taken : how many are done or being drawn
    future : gives `drawn` when all are done; cancelling it gives the place up
    """

    def __init__(self, wishes: Sequence[Wish]) -> None:
        self.wishes = list(wishes)
        self.drawn: list[Drawing] = []
        self.taken = 0
        self.future: Future[list[Drawing]] = Future()

    def end(self) -> None:
        """Answer with what is done."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(self.drawn)

    def fail(self, error: BaseException) -> None:
        """Answer with an error."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


class Engine:
    """Draws orders and does other work, in a thread of its own.

    Parameters
    ----------
    generator : that draws
    queue : pictures that may wait
    tasks : other work that may wait
    """

    def __init__(self, generator: Generator, queue: int, tasks: int) -> None:
        self.generator = generator
        self.done = 0
        self._queue, self._most_tasks = queue, tasks
        self._orders: deque[Order] = deque()  # those with pictures that nobody has taken yet
        self._active: list[Order] = []
        self._tasks: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._pace = 0.05
        self._thread = threading.Thread(target=self._work, name="ola-engine", daemon=True)

    def start(self) -> None:
        """Start the thread, and return when it has drawn a picture, alone and with others: kernels are compiled then.

        Raises
        ------
        OlacoreError  whatever drawing raises
        """
        self._thread.start()
        for count in (1, min(TOGETHER, self._queue)):
            self.order([Wish("a", Settings())] * count).future.result()

    def close(self) -> None:
        """Finish what waits, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def order(self, wishes: Sequence[Wish]) -> Order:
        """Queue pictures.

        Raises
        ------
        Full  if there is no room for them
        """
        order = Order(wishes)
        with self._changed:
            self._forget()
            if self.waiting + len(order.wishes) > self._queue:
                raise Full(self._pace * self.waiting)
            self._orders.append(order)
            self._active.append(order)
            self._changed.notify()
        return order

    def ask(self, task: Callable[[], Any]) -> Future[Any]:
        """Queue other work.

        Raises
        ------
        Full  if there is no room for it
        """
        future: Future[Any] = Future()
        with self._changed:
            if len(self._tasks) >= self._most_tasks:
                raise Full(1.0)
            self._tasks.append((task, future))
            self._changed.notify()
        return future

    @property
    def waiting(self) -> int:
        """Pictures that nobody has taken yet."""
        return sum(len(order.wishes) - order.taken for order in self._orders)

    @property
    def active(self) -> list[Order]:
        """Orders that are not answered yet, the oldest first."""
        with self._changed:
            self._forget()
            return list(self._active)

    def seconds_for(self, pictures: int) -> float:
        """About how long so many pictures take."""
        return self._pace * pictures

    def interrupt(self) -> None:
        """Answer all orders with what is done of them, or will be with the pictures that are being drawn."""
        with self._changed:
            for order in self._active:
                order.wishes = order.wishes[: order.taken]
                if order.taken == len(order.drawn):
                    order.end()
            self._orders.clear()
            self._forget()

    def _forget(self) -> None:
        """Drop orders that are answered or given up."""
        self._active = [order for order in self._active if not order.future.done()]
        if any(order.future.done() for order in self._orders):
            self._orders = deque(order for order in self._orders if not order.future.done())

    def _take(self) -> list[tuple[Order, Wish]]:
        """Pictures to draw at once, one of each order in turn."""
        batch: list[tuple[Order, Wish]] = []
        self._forget()
        while self._orders and len(batch) < TOGETHER:
            order = self._orders.popleft()
            batch.append((order, order.wishes[order.taken]))
            order.taken += 1
            if order.taken < len(order.wishes):
                self._orders.append(order)
        return batch

    def _work(self) -> None:
        while True:
            with self._changed:
                while not (self._orders or self._tasks or self._closed):
                    self._changed.wait()
                if not (self._orders or self._tasks):
                    return
                task = self._tasks.popleft() if self._tasks else None
                batch = self._take()
            if task is not None:
                run(*task)
            if batch:
                self._draw(batch)

    def _draw(self, batch: list[tuple[Order, Wish]]) -> None:
        before = perf_counter()
        try:
            found: list[Drawing | Exception] = [*draw_together(self.generator, [wish for _, wish in batch])]
        except Exception:  # of one of them; the others are to be drawn all the same
            found = [draw_alone(self.generator, wish) for _, wish in batch]
        self._pace += SHARE * ((perf_counter() - before) / len(batch) - self._pace)
        with self._changed:
            for (order, _), one in zip(batch, found, strict=True):
                if isinstance(one, Exception):
                    order.wishes = order.wishes[: order.taken]
                    order.fail(one) if not order.future.done() else None
                    continue
                order.drawn.append(one)
                self.done += 1
            for order in {id(order): order for order, _ in batch}.values():
                if len(order.drawn) == len(order.wishes) and not order.future.done():
                    order.end()
            self._forget()


def draw_alone(generator: Generator, wish: Wish) -> Drawing | Exception:
    """Draw one picture, or say what is wrong with it."""
    try:
        return draw_together(generator, [wish])[0]
    except Exception as error:
        return error


def run(task: Callable[[], Any], future: Future[Any]) -> None:
    """Do some work for whoever still waits for it."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(task())
    except Exception as error:
        future.set_exception(error)
