"""The exchange of an island: it publishes its migrants, waits for its neighbours' in lockstep, and takes them.

The folder has a folder for each island, with a file for each epoch, all of them kept: an island that dies and goes on
from an older checkpoint writes the same bytes again, and still finds what its neighbours wrote. What decides the search
is what files say, never when they came: clocks are for pauses and messages alone.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from olacore.blocks import Block
from olacore.errors import ConfigError, FileFormatError, OlacoreError, OutputError
from olacore.files import is_there, replace_file
from olacore.foreign.json_text import read_json
from olacore.jit.flags import ONE_AT_A_TIME
from olacore.modules.tensor_file import digest_of, open_sealed
from olacore.search.islands.island import Island, name_of
from olacore.search.islands.migrants import Stamp, check_content, read_migrants, write_migrants
from olacore.search.task import Progress, Task
from olacore.strategies import State
from olacore.version import versions

RUN, ENDED, LATEST = "run.json", "ended.safetensors", "latest.safetensors"
RUN_SCHEMA = "olacore/islands/1"
# Seconds between two looks at the folder: at first, and at most.
FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.25
# Seconds after which a message says who is waited for, and again after as many.
TOLD_AFTER = 60.0
# A file that cannot be read is looked at again so often, after pauses of so many seconds: on a network's disk it may
# be there before all of it can be seen.
TRIES, TRY_PAUSE = 5, 0.5

logger = logging.getLogger(__name__)


@dataclass
class Exchange:
    """What an island does every so many generations.

    Parameters
    ----------
    task : of the island

    Raises
    ------
    ConfigError, OutputError, FileFormatError  if the folder is missing, not writable or of another run
    """

    task: Task
    island: Island
    every: int

    @classmethod
    def of(cls, task: Task) -> Exchange | None:
        """Return the exchange of an island, checked; None for a search that is none."""
        island = task.config.island
        if island is None:
            return None
        exchange = cls(task, island, task.exchange_every)
        exchange._open()
        return exchange

    def __post_init__(self) -> None:
        self.folder = self.island.exchange
        self.own = self.folder / self.island.name
        self.common = {name: value for name, value in self.task.settings().items() if name != "island"}
        self.stamp = Stamp(digest_of({}, self.common), self.task.digest, versions()["olacore"])
        config = self.task.config
        self.limits = {
            "generations": config.settled.generations,
            "passes": config.passes,
            "until_loss": config.until_loss,
            "patience": config.patience if config.freezes else 0,
        }
        self._seen: dict[int, int] = {}

    # ------------------------------------------------------------ the loop calls these

    def due(self, progress: Progress) -> bool:
        """Whether an exchange comes before the next generation."""
        return progress.generation // self.every > progress.epochs

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
        OlacoreError  in lockstep, if a file cannot be written or read, or is not of this run
        """
        began, awaited = time.perf_counter(), progress.awaited
        epoch = progress.generation // self.every
        emigrants = progress.strategy.emigrants(progress.state)
        if self.island.lockstep:
            self._publish(epoch, emigrants)
            found = []
            for source in self.island.sources:
                since = time.perf_counter()
                there = self._awaited(source, epoch, idle)
                progress.awaited += time.perf_counter() - since
                if there is None:
                    return False
                if there:
                    found.append(self._read(self._path(source, epoch), source, epoch, emigrants)[0])
        else:
            found = self._exchange_freely(epoch, emigrants)
        if found:
            seed = self.task.search_seed
            with ONE_AT_A_TIME:
                progress.migrated += progress.strategy.immigrate(
                    progress.state, found, block, seed, progress.generation, self.task.objective
                )
        progress.epochs = epoch
        progress.exchanged += time.perf_counter() - began - (progress.awaited - awaited)
        return True

    def leave(self, progress: Progress) -> None:
        """Say that this island has ended, so that its neighbours go on without it from the next epoch on."""
        if self.island.lockstep:
            content = self.stamp.content(self.island.number, progress.epochs, ended=self.limits)
            write_migrants(self.own / ENDED, {}, content)

    # ------------------------------------------------------------ parts

    def _open(self) -> None:
        if not self.folder.is_dir():
            raise OutputError(
                f"the exchange folder {self.folder} is missing; make it where all islands see it, and name it with "
                "--exchange."
            )
        self._check_run()
        try:
            self.own.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write into the exchange folder {self.folder}: {error.strerror}.") from error
        if not os.access(self.own, os.W_OK):
            raise OutputError(f"the exchange folder {self.own} is not writable.")
        # It ended under other limits, and goes on now.
        if is_there(self.own / ENDED) and self._end_of(self.island.number) is None:
            (self.own / ENDED).unlink()

    def _check_run(self) -> None:
        """Write what run the folder is of, or compare."""
        path, ours = self.folder / RUN, {"versions": versions(), **self.common}
        if not is_there(path):
            replace_file(path, (json.dumps({"schema": RUN_SCHEMA, **ours}, indent=2, sort_keys=True) + "\n").encode())
        theirs = read_json(path, "the run of an exchange folder,")
        if not isinstance(theirs, dict) or theirs.pop("schema", None) != RUN_SCHEMA:
            raise FileFormatError(f"{path} is not what islands of this version write; name another with --exchange.")
        made = theirs.pop("versions", {})
        for name in {**self.common, **theirs}:
            if theirs.get(name) != self.common.get(name):
                raise ConfigError(
                    f"the exchange folder {self.folder} is of another run: it has {name} {theirs.get(name)!r}, this "
                    f"island {self.common.get(name)!r}; name another with --exchange."
                )
        for name, version in versions().items():
            if (other := made.get(name) if isinstance(made, dict) else None) != version:
                if name == "olacore":
                    raise ConfigError(
                        f"the islands of {self.folder} run olacore {other}, this one {version}; run one version."
                    )
                if self.island.lockstep and name != "python":
                    logger.warning("other islands have %s %s, this one %s: bytes may differ", name, other, version)

    def _publish(self, epoch: int, emigrants: State) -> None:
        content = self.stamp.content(self.island.number, epoch)
        if write_migrants(self._path(self.island.number, epoch), emigrants, content) is not None:
            logger.warning(
                "%s had published other numbers for epoch %d: another processor or version may have made them, and "
                "equal bytes are not to be had",
                self.island.name,
                epoch,
            )

    def _awaited(self, source: int, epoch: int, idle: Callable[[], bool]) -> bool | None:
        """Wait until a neighbour has published an epoch, and return whether it has; false if it ended before, None if
        the waiting was ended.
        """
        path, pause, since = self._path(source, epoch), FIRST_PAUSE, time.monotonic()
        while True:
            look_again(path.parent)
            ended = self._end_of(source)
            if ended is not None and ended < epoch:
                return False
            if is_there(path):
                return True
            if idle():
                return None
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            if time.monotonic() - since > TOLD_AFTER:
                since = time.monotonic()
                over = ", which ended under other limits" if is_there(path.parent / ENDED) else ""
                logger.warning(
                    "%s waits for %s%s to come to exchange %d", self.island.name, name_of(source), over, epoch
                )

    def _end_of(self, source: int) -> int | None:
        """The last epoch of an island that has ended under the limits that this one has; None while there may come
        more.
        """
        path = self.folder / name_of(source) / ENDED
        if not is_there(path):
            return None

        def read() -> tuple[dict[str, Any], int]:
            with open_sealed(path) as file:
                return file.content, check_content(path, file.content, self.stamp, source, None)

        content, epoch = again(read)
        return epoch if content.get("ended") == self.limits else None

    def _read(self, path: Path, source: int, epoch: int | None, like: State) -> tuple[State, int]:
        return again(lambda: read_migrants(path, self.stamp, source, epoch, like))

    def _exchange_freely(self, epoch: int, emigrants: State) -> list[State]:
        """What neighbours published last, where that is new; what cannot be written or read is told, and left out."""
        found = []
        try:
            write_migrants(self.own / LATEST, emigrants, self.stamp.content(self.island.number, epoch))
        except OutputError as error:
            logger.warning("%s goes on without publishing: %s", self.island.name, error)
        for source in self.island.sources:
            path = self.folder / name_of(source) / LATEST
            look_again(path.parent)
            if not is_there(path):
                continue
            try:
                arrays, said = read_migrants(path, self.stamp, source, None, emigrants)
            except (OlacoreError, OSError) as error:
                logger.warning("%s goes on without migrants of %s: %s", self.island.name, name_of(source), error)
                continue
            if self._seen.get(source) != said:
                self._seen[source] = said
                found.append(arrays)
        return found

    def _path(self, number: int, epoch: int) -> Path:
        return self.folder / name_of(number) / f"{epoch:06}.safetensors"


def again(read: Callable[[], Any]) -> Any:
    """Read a file that is there, and once more where it is not whole.

    Raises
    ------
    FileFormatError  what it raised the last time
    """
    for _ in range(TRIES - 1):
        with suppress(OSError):  # FileFormatError is one
            return read()
        time.sleep(TRY_PAUSE)
    return read()


def look_again(folder: Path) -> None:
    """Open a folder: what a network's disk remembers of names that were not there is asked for anew."""
    with suppress(OSError):
        os.close(os.open(folder, os.O_RDONLY))
