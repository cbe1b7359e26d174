"""What a backend is: a map of a job over payloads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from inspect import signature
from typing import Any, ClassVar, TypeVar

from olacore.errors import ConfigError, OlacoreError
from olacore.registry import Registry

Payload = TypeVar("Payload")
Answer = TypeVar("Answer")
ShouldStop = Callable[[], bool]


def never() -> bool:
    """Return false: nothing asks a job to stop."""
    return False


class Backend(ABC):
    """Runs jobs somewhere: in this process, in others, on other machines.

    Job, payloads and answers have to be picklable.
    """

    name: ClassVar[str]

    @abstractmethod
    def map(self, job: Callable[[Payload], Answer], payloads: Iterable[Payload]) -> list[Answer]:
        """Return what the job answers to each payload, in their order.

        Raises
        ------
        Exception  what a job raised, the first in the order of the payloads
        """

    def outcomes(
        self, job: Callable[[Payload, ShouldStop], Answer], payloads: Iterable[Payload], should_stop: ShouldStop = never
    ) -> Iterator[tuple[int, Answer | OlacoreError]]:
        """Yield the number of each payload with what the job answers to it, or its known error, as they come.

        Those of a backend that has `map` alone come together, at the end.

        Parameters
        ----------
        job : called with a payload, and with what it asks now and then whether it is to stop
        should_stop : asked now and then; once it is true, no further job starts, and there may be fewer outcomes
        """
        yield from enumerate(self.map(partial(attempt, job), payloads))


def attempt(
    job: Callable[[Payload, ShouldStop], Answer], payload: Payload, should_stop: ShouldStop = never
) -> Answer | OlacoreError:
    """Return what a job answers, or the known error that it raises."""
    try:
        return job(payload, should_stop)
    except OlacoreError as error:
        return error


# Backends by name.
BACKENDS: Registry[Any] = Registry("backend")


def make_backend(name: str, options: dict[str, Any]) -> Backend:
    """Make a backend.

    Raises
    ------
    ConfigError  if there is none of the name, or it has no such option
    """
    kind = BACKENDS.find(name)
    for option in options:
        if option not in (known := signature(kind).parameters):
            there_are = f"there are: {', '.join(known)}" if known else "it has none"
            raise ConfigError(f"the backend {name} has no option {option!r}; {there_are}.")
    made: Backend = kind(**options)
    return made
