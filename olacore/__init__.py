"""Gradient-free cloning of neural networks on a plain CPU.

`load` reads a module, also a pretrained one by its name, `train` evolves one from data, `evaluate` measures it,
`generate` draws a picture of a text, `evolve` searches for any fitness; names are looked up when they are first used,
so that importing the package compiles and loads next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from olacore.version import __version__

if TYPE_CHECKING:
    from olacore import pretrained
    from olacore.data import open_dataset
    from olacore.drawing.generator import Generator, generate
    from olacore.errors import OlacoreError
    from olacore.fitness.evolution import Evolution
    from olacore.fitness.evolve import evolve
    from olacore.modules.module import Module, load
    from olacore.quality.baselines import Baselines
    from olacore.quality.evaluation import evaluate
    from olacore.search.config import TrainConfig
    from olacore.search.seeds import train_seeds
    from olacore.search.train import train, train_each

_HOMES = {
    "Baselines": "olacore.quality.baselines",
    "TrainConfig": "olacore.search.config",
    "Generator": "olacore.drawing.generator",
    "generate": "olacore.drawing.generator",
    "open_dataset": "olacore.data",
    "OlacoreError": "olacore.errors",
    "Evolution": "olacore.fitness.evolution",
    "evolve": "olacore.fitness.evolve",
    "evaluate": "olacore.quality.evaluation",
    "Module": "olacore.modules.module",
    "load": "olacore.modules.module",
    "train": "olacore.search.train",
    "train_each": "olacore.search.train",
    "train_seeds": "olacore.search.seeds",
}

__all__ = [
    "Baselines",
    "Evolution",
    "Generator",
    "Module",
    "OlacoreError",
    "TrainConfig",
    "__version__",
    "evaluate",
    "evolve",
    "generate",
    "load",
    "open_dataset",
    "pretrained",
    "train",
    "train_each",
    "train_seeds",
]


def __getattr__(name: str) -> Any:
    if name == "pretrained":
        return import_module("olacore.pretrained")
    if name not in _HOMES:
        raise AttributeError(f"module 'olacore' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
