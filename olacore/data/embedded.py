"""Data whose embeddings a text module makes while they are read, in place of those in the file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from olacore.data.dataset import Dataset
from olacore.data.forms import FLOAT32
from olacore.errors import ConfigError


class Embeds(Protocol):
    """Turns texts into embeddings."""

    @property
    def view(self) -> Any:
        """How it reads them; `embedded` numbers are of what it answers, `tokens` how many embeddings a caption has."""

    @property
    def digest(self) -> str:
        """SHA-256 of whatever decides the embeddings."""

    def embed(self, texts: list[str], /) -> np.ndarray:
        """Embeddings (n, E) of texts."""


class EmbeddedDataset(Dataset):
    """A data set seen with the embeddings of a text module; everything else is that of the file.

    Parameters
    ----------
    dataset : captions, and whatever else; closing this closes it
    text : makes the embeddings

    Raises
    ------
    ConfigError  if the data hold no captions, or the module answers no single embedding a caption
    """

    def __init__(self, dataset: Dataset, text: Embeds) -> None:
        if not dataset.captions:
            raise ConfigError(
                f"embeddings come from a text module only where data hold captions; this is {dataset.kind}."
            )
        if text.view.tokens:
            raise ConfigError(
                f"embeddings come from a text module that answers one a caption; this one answers {text.view.tokens}."
            )
        layout = {**dataset.contents.layout, "embeddings": ((text.view.embedded,), FLOAT32)}
        sizes = {**dataset.contents.sizes, "E": text.view.embedded}
        maker = f"organic {dataset.settings.get('text_teacher', 'text')}"
        settings = {**dataset.settings, "text_teacher": maker, "text_sha256": text.digest}
        super().__init__(replace(dataset.contents, layout=layout, sizes=sizes, settings=settings))
        self._dataset, self._text = dataset, text
        self._known: dict[bytes, np.ndarray] = {}

    def read(
        self, fields: Sequence[str], indices: np.ndarray, *, checked: bool = True, choice: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Read rows as `Dataset.read`; embeddings are made from the captions, each once."""
        stored = [*dict.fromkeys("captions" if name == "embeddings" else name for name in fields)]
        found = self._dataset.read(stored, indices, checked=checked, choice=choice)
        if "embeddings" in fields:
            captions = found["captions"].tolist()
            if new := sorted({*captions} - self._known.keys()):
                made = self._text.embed([caption.decode() for caption in new]).astype(FLOAT32)
                self._known |= dict(zip(new, made, strict=True))
            found["embeddings"] = np.array([self._known[caption] for caption in captions], FLOAT32)
        return {name: found[name] for name in fields}

    def digest(self) -> str:
        """SHA-256 over the data and the text module."""
        return hashlib.sha256(f"{self._dataset.digest()} {self._text.digest}".encode()).hexdigest()

    def verify(self) -> list[int]:
        """The rows of the file that are damaged; the module's embeddings are not in it."""
        return self._dataset.verify()

    def close(self) -> None:
        """Close the data set."""
        self._dataset.close()
