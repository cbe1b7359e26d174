"""The hub's client, as far as it is used, on two folders: what is on the hub, and its cache."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def lay_out(cache: Path, repo: str, folder: Path, revision: str = "main", commit: str = COMMIT) -> Path:
    """Put a folder into the hub's cache as a download does: content apart, and links to it by name."""
    place = cache / f"models--{repo.replace('/', '--')}"
    snapshot = place / "snapshots" / commit
    for part in (place / "blobs", place / "refs", snapshot):
        part.mkdir(parents=True, exist_ok=True)
    (place / "refs" / revision).write_text(commit)
    for number, file in enumerate(sorted(folder.iterdir())):
        shutil.copy(file, place / "blobs" / f"{number:040x}")
        (snapshot / file.name).symlink_to(Path("../../blobs") / f"{number:040x}")
    return snapshot


class RepositoryNotFoundError(OSError):
    """As the hub's client has it."""


class GatedRepoError(RepositoryNotFoundError):
    """As the hub's client has it."""


class RevisionNotFoundError(OSError):
    """As the hub's client has it."""


class LocalEntryNotFoundError(FileNotFoundError):
    """As the hub's client has it."""


@dataclass
class FakeHub:
    """A hub.

    Parameters
    ----------
    there : folders by the names of their repositories
    cache : where downloads go
    fails : what asking the hub raises
    large : sizes of files that are claimed; None where the hub does not say it
    asked : every file that was downloaded
    known : branches whose commit the cache knows
    """

    there: dict[str, Path]
    cache: Path
    fails: Exception | None = None
    large: dict[str, int | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    known: set[tuple[str, str]] = field(default_factory=set)

    def module(self) -> ModuleType:
        """What `import huggingface_hub` gives."""
        made: Any = ModuleType("huggingface_hub")
        made.HfApi = lambda: SimpleNamespace(model_info=self.model_info)
        made.hf_hub_download = self.hf_hub_download
        return made

    def model_info(self, name: str, *, revision: str | None, timeout: float, files_metadata: bool) -> Any:
        """The files of a repository."""
        assert timeout <= 10
        assert files_metadata
        if self.fails is not None:
            raise self.fails
        if name not in self.there:
            raise RepositoryNotFoundError(name)
        if revision not in (None, "main", COMMIT):
            raise RevisionNotFoundError(revision)
        files = [path for path in self.there[name].iterdir() if path.is_file()]
        sizes = [(path.name, self.large.get(path.name, path.stat().st_size)) for path in files]
        return SimpleNamespace(
            sha=COMMIT, siblings=[SimpleNamespace(rfilename=file, size=size) for file, size in sizes]
        )

    def hf_hub_download(
        self, name: str, file: str, *, revision: str | None = None, local_files_only: bool = False
    ) -> str:
        """A file in the cache: what is not there yet is of the commit whose sizes were told, not of a branch."""
        place = self.cache / name.replace("/", "--") / COMMIT / file
        branch = (name, revision or "main")
        if local_files_only:
            if not place.exists() or not (revision == COMMIT or branch in self.known):
                raise LocalEntryNotFoundError(file)
            return str(place)
        if not place.exists():
            assert revision == COMMIT
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.there[name] / file, place)
            self.asked.append(file)
        self.known.add(branch)
        return str(place)
