"""The exchange of an island: it publishes its migrants, waits for its neighbours' in lockstep, and takes them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from olacore.blocks import Block
from olacore.errors import OlacoreError, OutputError, SearchError
from olacore.files import is_there
from olacore.jit.flags import ONE_AT_A_TIME
from olacore.search.islands.island import name_of
from olacore.search.islands.migrants import read_migrants, write_migrants
from olacore.search.islands.post import Post, look_again
from olacore.search.task import Progress, Task
from olacore.strategies import State
from olacore.strategies.group import ALONE, Group

LATEST = "latest"

logger = logging.getLogger(__name__)


class WaitingEnded(SearchError):
    """The wish to stop came while an island waited for the others, in the midst of a generation.

    It is done anew from the last checkpoint.
    """


class Exchange:
    """What an island does every so many generations, or in the midst of them where islands divide the work.

    Parameters
    ----------
    task : of the island
    should_stop : asked while others are waited for

    Attributes
    ----------
    task : whose strategy works with the other islands

    Raises
    ------
    ConfigError, OutputError, FileFormatError  as `Post`
    """

    def __init__(self, task: Task, should_stop: Callable[[], bool]) -> None:
        self.every, self.post, self.should_stop = task.exchange_every, Post(task), should_stop
        self.island = self.post.island
        group = Group(self.island.number, self.island.count, self.gather) if task.divided else ALONE
        self.task = replace(task, group=group)
        self.gathering, self.waiting = 0.0, 0.0
        self._seen: dict[int, int] = {}

    @classmethod
    def of(cls, task: Task, should_stop: Callable[[], bool]) -> Exchange | None:
        """Return the exchange of an island; None for a search that is none."""
        return None if task.config.island is None else cls(task, should_stop)

    def due(self, progress: Progress) -> bool:
        """Whether an exchange comes before the next generation."""
        return not self.task.divided and progress.generation // self.every > progress.epochs

    def gather(self, name: str, arrays: State) -> list[State]:
        """Hand out the arrays of this island under a name, and return those of all islands, in their order.

        Raises
        ------
        WaitingEnded  if it is to stop
        FileFormatError, OutputError  if a file cannot be written or read, or is not of this run
        """
        began, waiting = time.perf_counter(), self.waiting
        name, found = f"part-{name}", []
        self.post.publish(name, arrays, 0)
        for number in range(self.island.count):
            if number == self.island.number:
                found.append(arrays)
                continue
            since = time.perf_counter()
            there = self.post.wait_for(number, name, 0, self.should_stop)
            self.waiting += time.perf_counter() - since
            if not there:
                raise WaitingEnded("the search was stopped while it waited for other islands; go on with --resume.")
            found.append(self.post.read(number, name, 0, None))
        self.gathering += time.perf_counter() - began - (self.waiting - waiting)
        return found

    def count(self, progress: Progress) -> None:
        """Add the seconds of gathering to those of exchanges."""
        progress.exchanged += self.gathering
        progress.awaited += self.waiting
        self.gathering = self.waiting = 0.0

    def meet(self, progress: Progress, block: Block, idle: Callable[[], bool]) -> bool:
        """Publish, and take what the neighbours published.

        Parameters
        ----------
        block : samples of the next generation, on which migrants are scored
        idle : called while neighbours are waited for; true ends the waiting

        Returns
        -------
        whether it was not ended; if it was, nothing has changed

        Raises
        ------
        FileFormatError, OutputError  in lockstep, if a file cannot be written or read, or is not of this run
        """
        began, awaited = time.perf_counter(), progress.awaited
        epoch = progress.generation // self.every
        emigrants = progress.strategy.emigrants(progress.state)
        found: list[State] | None
        if self.island.lockstep:
            found = self._in_lockstep(progress, epoch, emigrants, idle)
            if found is None:
                return False
        else:
            found = self._freely(epoch, emigrants)
        if found:
            seed, generation = self.task.search_seed, progress.generation
            with ONE_AT_A_TIME:
                progress.migrated += progress.strategy.immigrate(
                    progress.state, found, block, seed, generation, self.task.objective
                )
        progress.epochs = epoch
        progress.exchanged += time.perf_counter() - began - (progress.awaited - awaited)
        return True

    def check(self, progress: Progress) -> None:
        """Raise `OutputError` if this island begins before what it has told the others that it has saved."""
        if self._in_steps and (saved := self.post.saved_by(self.island.number)) > progress.epochs:
            raise OutputError(
                f"{self.island.name} has saved exchange {saved}, and {self.task.folder.path} holds a search that has "
                f"come to exchange {progress.epochs}: what its neighbours published between is deleted; bring the run "
                "folder back, or start all islands anew with an empty exchange folder."
            )

    def saved(self, progress: Progress) -> None:
        """Say what is in the checkpoint that was just saved; what no island asks for any more is deleted."""
        if self._in_steps:
            self.post.say_saved(progress.epochs)

    def leave(self, progress: Progress) -> None:
        """Say that this island has ended, so that its neighbours go on without it from the next epoch on."""
        if self._in_steps:
            self.post.say_ended(progress.epochs)

    @property
    def _in_steps(self) -> bool:
        """Whether it waits for migrants: those of free islands, and parts of one search, are no epochs."""
        return self.island.lockstep and not self.task.divided

    def _in_lockstep(
        self, progress: Progress, epoch: int, emigrants: State, idle: Callable[[], bool]
    ) -> list[State] | None:
        """What neighbours published in this epoch, without those that ended before; None if the waiting was ended."""
        name, found = f"{epoch:06}", []
        self.post.publish(name, emigrants, epoch)
        for source in self.island.sources:
            since = time.perf_counter()
            there = self.post.wait_for(source, name, epoch, idle)
            progress.awaited += time.perf_counter() - since
            if there is None:
                return None
            if there:
                found.append(self.post.read(source, name, epoch, emigrants))
        return found

    def _freely(self, epoch: int, emigrants: State) -> list[State]:
        """What neighbours published last, where that is new; what cannot be written or read is told, and left out."""
        found, post, number = [], self.post, self.island.number
        try:
            write_migrants(post.path(number, LATEST), emigrants, post.stamp.content(number, epoch))
        except OutputError as error:
            logger.warning("%s goes on without publishing: %s", self.island.name, error)
        for source in self.island.sources:
            path = post.path(source, LATEST)
            look_again(path.parent)
            if not is_there(path):
                continue
            try:
                arrays, said = read_migrants(path, post.stamp, source, None, emigrants)
            except (OlacoreError, OSError) as error:
                logger.warning("%s goes on without migrants of %s: %s", self.island.name, name_of(source), error)
                continue
            if self._seen.get(source) != said:
                self._seen[source] = said
                found.append(arrays)
        return found
