"""The modules of a set, run by the compiled kernels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from olacore.modules.module import Module, load
from olacore.views.word_table import TableOfWords


@dataclass(frozen=True)
class KernelModule:
    """A module that answers as `PlainModule` does."""

    module: Module

    @classmethod
    def load(cls, path: Path) -> KernelModule:
        """Read it from its file."""
        return cls(load(path))

    def with_refiner(self, refiner: KernelModule) -> KernelModule:
        """As `Module.with_refiner`."""
        return KernelModule(self.module.with_refiner(refiner.module))

    @property
    def table(self) -> Any:
        """Of words, where it has one."""
        view = self.module.view
        return view.table if isinstance(view, TableOfWords) else None

    def run(self, given: Any) -> np.ndarray:
        """Answer what the view reads."""
        if isinstance(given, dict):
            given = {name: given[name] for name in getattr(self.module.view, "given", given)}
        return self.module.run(given)
