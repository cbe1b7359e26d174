"""The modules of a set, run by the compiled kernels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from olacore.modules.module import load
from olacore.views.word_table import TableOfWords


class KernelModule:
    """A module that answers as `PlainModule` does."""

    def __init__(self, path: Path) -> None:
        self._module = load(path)

    @property
    def table(self) -> Any:
        """Of words, where it has one."""
        view = self._module.view
        return view.table if isinstance(view, TableOfWords) else None

    def run(self, given: Any) -> np.ndarray:
        """Answer what the view reads."""
        if isinstance(given, dict):
            given = {name: given[name] for name in getattr(self._module.view, "given", given)}
        return self._module.run(given)
