"""The folder through which islands exchange: what run it is of, what each published, and waiting for it.

It has a folder for each island, with a file for each exchange, which is deleted when all islands that read it have
saved a later checkpoint: an island that dies and goes on from its checkpoint writes the same bytes again, and still
finds what its neighbours wrote. What decides the search is what files say, never when they came: clocks are for pauses
and messages alone.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from olacore.errors import ConfigError, FileFormatError, OutputError
from olacore.files import create_once, is_there
from olacore.foreign.json_text import read_json
from olacore.modules.tensor_file import digest_of, open_sealed
from olacore.search.islands.island import name_of
from olacore.search.islands.migrants import Stamp, check_content, read_migrants, write_migrants
from olacore.search.task import Task
from olacore.strategies import State
from olacore.version import versions

RUN, ENDED, SAVED = "run.json", "ended.safetensors", "saved.safetensors"
RUN_SCHEMA = "olacore/islands/1"
# Seconds between two looks at the folder: at first, and at most.
FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.25
# Seconds after which a message says who is waited for, and again after as many.
TOLD_AFTER = 60.0
# A file that cannot be read is looked at again so often, after pauses of so many seconds: on a network's disk it may
# be there before all of it can be seen.
TRIES, TRY_PAUSE = 5, 0.5

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Post:
    """An island's exchange folder, checked.

    Parameters
    ----------
    task : of the island

    Raises
    ------
    ConfigError, OutputError, FileFormatError  if the folder is missing, not writable or of another run
    """

    def __init__(self, task: Task) -> None:
        config = task.config
        assert config.island is not None
        self.island = config.island
        self.folder = self.island.exchange
        self.own = self.folder / self.island.name
        settings = {**task.settings(), "islands": self.island.count}
        self.common = {name: value for name, value in settings.items() if name != "island"}
        self.stamp = Stamp(digest_of({}, self.common), task.digest, versions()["olacore"])
        self.limits = {
            "generations": config.settled.generations,
            "passes": config.passes,
            "until_loss": config.until_loss,
            "patience": config.patience if config.freezes else 0,
        }
        if not self.folder.is_dir():
            what = "is no folder" if is_there(self.folder) else "is missing"
            raise OutputError(
                f"the exchange folder {self.folder} {what}; make it where all islands see it, and name it with "
                "--exchange."
            )
        self._check_run()
        try:
            self.own.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write into the exchange folder {self.folder}: {error.strerror}.") from error
        if not os.access(self.own, os.W_OK):
            raise OutputError(f"the exchange folder {self.own} is not writable.")
        for left in self.own.glob(".*.tmp"):  # by a kill in the midst of a write; nobody else writes here
            left.unlink(missing_ok=True)
        # It ended under other limits, and goes on now.
        if is_there(self.own / ENDED) and self.end_of(self.island.number) is None:
            (self.own / ENDED).unlink()

    def _check_run(self) -> None:
        """Write what run the folder is of, or compare."""
        path, ours = self.folder / RUN, {"versions": versions(), **self.common}
        if not is_there(path):  # of islands that begin together, one says what run it is
            create_once(path, (json.dumps({"schema": RUN_SCHEMA, **ours}, indent=2, sort_keys=True) + "\n").encode())
        theirs = again(lambda: read_json(path, "the run of an exchange folder,"))
        if not isinstance(theirs, dict) or theirs.pop("schema", None) != RUN_SCHEMA:
            raise FileFormatError(f"{path} is not what islands of this version write; name another with --exchange.")
        made = theirs.pop("versions", {})
        for name in {**self.common, **theirs}:
            if theirs.get(name) != self.common.get(name):
                raise ConfigError(
                    f"the exchange folder {self.folder} is of a run with {name} {theirs.get(name)!r}, and this island "
                    f"has {name} {self.common.get(name)!r}; go on with the settings of that run, or give another "
                    "--out and --exchange."
                )
        for name, version in versions().items():
            if (other := made.get(name) if isinstance(made, dict) else None) != version:
                if name == "olacore":
                    raise ConfigError(
                        f"the islands of {self.folder} run olacore {other}, this one {version}; run one version."
                    )
                if self.island.lockstep and name != "python":
                    logger.warning("other islands have %s %s, this one %s: bytes may differ", name, other, version)

    def path(self, number: int, name: str) -> Path:
        """Where an island publishes something."""
        return self.folder / name_of(number) / f"{name}.safetensors"

    def publish(self, name: str, arrays: State, epoch: int) -> None:
        """Publish what the others wait for.

        Raises
        ------
        OutputError  if it cannot be written
        """
        content = self.stamp.content(self.island.number, epoch)
        if write_migrants(self.path(self.island.number, name), arrays, content) is not None:
            logger.warning(
                "%s had published other numbers as %s: another processor or version may have made them, and equal "
                "bytes are not to be had",
                self.island.name,
                name,
            )

    def say_ended(self, epoch: int) -> None:
        """Tell the others that after this epoch no more comes."""
        write_migrants(self.own / ENDED, {}, self.stamp.content(self.island.number, epoch, ended=self.limits))

    def say_saved(self, epoch: int) -> None:
        """Tell the others that this island asks for nothing up to this epoch again, and delete what nobody asks for.

        Where the disk is full, nothing is said, and what is there stays longer.
        """
        with suppress(OutputError):
            write_migrants(self.own / SAVED, {}, self.stamp.content(self.island.number, epoch))
        readers = [one for one in range(self.island.count) if self.island.number in self.island.sources_of(one)]
        settled = min((self.saved_by(one) for one in readers), default=epoch)
        for path in self.own.glob("[0-9]*.safetensors"):
            if int(path.stem) <= settled:
                path.unlink(missing_ok=True)

    def saved_by(self, number: int) -> int:
        """The last epoch of which an island has said that it is in its checkpoint; 0 where it has said nothing."""
        path = self.folder / name_of(number) / SAVED
        return self._note(path, number)[1] if is_there(path) else 0

    def wait_for(self, source: int, name: str, epoch: int, idle: Callable[[], bool]) -> bool | None:
        """Wait until another island has published something of an epoch.

        Parameters
        ----------
        idle : called again and again; true ends the waiting

        Returns
        -------
        whether it has; false if it ended before that epoch, None if the waiting was ended
        """
        path, pause, since = self.path(source, name), FIRST_PAUSE, time.monotonic()
        while True:
            look_again(path.parent)
            ended = self.end_of(source)
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
                logger.warning("%s waits for %s%s to publish %s", self.island.name, name_of(source), over, name)

    def end_of(self, source: int) -> int | None:
        """The last epoch of an island that has ended under the limits that this one has; None while more may come."""
        path = self.folder / name_of(source) / ENDED
        if not is_there(path):
            return None
        content, epoch = self._note(path, source)
        return epoch if content.get("ended") == self.limits else None

    def _note(self, path: Path, number: int) -> tuple[dict[str, Any], int]:
        """What a note of an island says, and of which epoch."""

        def read() -> tuple[dict[str, Any], int]:
            with open_sealed(path) as file:
                return file.content, check_content(path, file.content, self.stamp, number, None)

        return again(read)

    def read(self, source: int, name: str, epoch: int, like: State | None) -> State:
        """Read what another island published.

        Raises
        ------
        FileFormatError  as `read_migrants`
        """
        return again(lambda: read_migrants(self.path(source, name), self.stamp, source, epoch, like))[0]


def again(read: Callable[[], T]) -> T:
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
