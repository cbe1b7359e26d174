"""Where a data set is written: one file, or a folder of shards."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from olacore.data import locked_folder, shard_paths
from olacore.errors import ConfigError, OutputExistsError
from olacore.files import check_folder, check_output, make_folder

# In a folder of shares: what all of them go by.
PLAN = "plan.hdf5"


@dataclass(frozen=True)
class Share:
    """One of several shares of a data set, each of which may be made on a machine of its own.

    Parameters
    ----------
    number : counted from 1
    count : how many shares there are

    Raises
    ------
    ConfigError  if there is no such share
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            told = f"{self.number}/{self.count}"
            raise ConfigError(f"shares are numbered from 1 to how many there are, such as 1/3; got {told}.")

    def __str__(self) -> str:
        return f"share {self.number} of {self.count}"


def check_target(
    h5: Path, shard_size: int | None = None, resume: bool = False, force: bool = False, share: Share | None = None
) -> None:
    """Raise what `precompute` would raise about its output, before anything slow is done.

    Parameters
    ----------
    h5 : file or folder to be written
    shard_size : pictures of each shard; None for a single file
    resume, force, share : as of `precompute`
    """
    Target(h5, shard_size, resume, force, share)


@dataclass(frozen=True)
class Target:
    """The file or folder to write.

    Parameters
    ----------
    h5 : the file; with `shard_size` or `share` a folder, made if it is missing
    shard_size : pictures in a shard
    resume : go on with what is there
    force : replace what is there
    share : write this share alone

    Raises
    ------
    ConfigError  if the settings exclude each other
    OutputExistsError  if something is there and neither `resume` nor `force` is given
    OutputError  if nothing can be written there
    """

    h5: Path
    shard_size: int | None = None
    resume: bool = False
    force: bool = False
    share: Share | None = None

    def __post_init__(self) -> None:
        if self.force and self.resume:
            raise ConfigError("a data set is either resumed or forced to start anew; got both.")
        if self.share:
            self._check_share(self.share)
            return
        if self.shard_size is None:
            if self.h5.is_dir():
                raise ConfigError(f"{self.h5} is a folder; name a file, or give --shard-size to fill it with shards.")
            check_output(self.h5, force=self.force or self.resume)
            return
        if self.shard_size < 1:
            raise ConfigError(f"a shard holds 1 picture or more; got {self.shard_size}.")
        if self._shards() and not (self.force or self.resume):
            raise OutputExistsError(f"the folder {self.h5} holds shards already; give --force to replace them.")
        check_folder(self.h5, force=True)

    def _check_share(self, share: Share) -> None:
        if self.shard_size is not None:
            raise ConfigError("a share is one file of its own; leave the shard size out.")
        if odd := [path for path in self._shards() if path not in shard_paths(self.h5, share.count)]:
            what = f"holds {odd[0].name}, which is none of {share.count} shares"
            raise OutputExistsError(f"the folder {self.h5} {what}; choose another folder.")
        [own] = self.paths(1)
        if own.exists() and not (self.force or self.resume):
            raise OutputExistsError(f"{own} is already there; give --resume to go on with it, --force to replace it.")
        check_folder(self.h5, force=True)

    @property
    def plan(self) -> Path:
        """Where the plan of all shares lies."""
        return self.h5 / PLAN

    def paths(self, count: int) -> list[Path]:
        """The files of a data set in `count` parts; of a share its own alone."""
        if self.share:
            return [shard_paths(self.h5, self.share.count)[self.share.number - 1]]
        return [self.h5] if self.shard_size is None else shard_paths(self.h5, count)

    def settings(self, settings: dict[str, Any], count: int) -> list[dict[str, Any]]:
        """The settings of each of `count` files; a shard says which one it is."""
        if self.share:
            return [{**settings, "share": self.share.number, "shares": self.share.count}]
        if self.shard_size is None:
            return [dict(settings)]
        told = {"shard_size": self.shard_size, "shards": count}
        return [{**settings, **told, "shard": number} for number in range(1, count + 1)]

    def existing(self) -> list[Path]:
        """The files of an earlier run, if all of them are there."""
        found = [self.h5] if self.shard_size is None else self._shards()
        return found if found == self.paths(len(found)) and all(path.exists() for path in found) else []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out of a folder of shards, and clear it if it is to be replaced.

        A file has its own lock, and so has each share.

        Raises
        ------
        OutputError  if another writer is in the folder, or it cannot be made
        """
        if self.shard_size is None and self.share is None:
            yield
            return
        make_folder(self.h5)
        if self.share:
            yield
            return
        with locked_folder(self.h5):
            if self.force:
                for path in [*self._shards(), self.plan]:
                    path.unlink(missing_ok=True)
            yield

    def _shards(self) -> list[Path]:
        return sorted(self.h5.glob("shard-*-of-*.h5"))
