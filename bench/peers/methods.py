"""Methods by name: `rows`, `rows:population=1,temperature=1e9`, `cmaes`, `cmaes/rowwise`, `least-squares`.

A name may be followed by `/rowwise` (a peer on every output row by itself) and by settings after a colon, which
override those of `bench.peers.settings`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from bench.common.sources import code_digest
from bench.peers.adam import Adam
from bench.peers.by_cmaes import Cmaes
from bench.peers.by_evosax import Evosax
from bench.peers.by_fcmaes import Fcmaes
from bench.peers.by_nevergrad import Nevergrad
from bench.peers.by_pycma import Pycma
from bench.peers.by_ribs import Ribs
from bench.peers.closed import LeastSquares, Mean
from bench.peers.eggroll import Eggroll
from bench.peers.evolution import Evolution, Optimizer
from bench.peers.method import Method
from bench.peers.ours import Ours
from bench.peers.problems import Problem
from bench.peers.settings import chosen
from olacore.errors import ConfigError
from olacore.strategies import STRATEGIES

ROWWISE = "/rowwise"


@dataclass(frozen=True)
class Peer:
    """Somebody else's evolution strategy.

    Parameters
    ----------
    package : that has to be installed
    title : for tables
    make : of its optimizer
    """

    package: str
    title: str
    make: Callable[..., Optimizer]


PEERS = {
    "pycma": Peer("cma", "pycma, diagonal CMA-ES", Pycma),
    "cmaes": Peer("cmaes", "cmaes, SepCMA", Cmaes),
    "evosax-snes": Peer("evosax", "evosax, SNES", partial(Evosax, algorithm="SNES")),
    "evosax-pgpe": Peer("evosax", "evosax, PGPE", partial(Evosax, algorithm="PGPE")),
    "evosax-openes": Peer("evosax", "evosax, OpenAI-ES", partial(Evosax, algorithm="Open_ES")),
    "evosax-sepcma": Peer("evosax", "evosax, Sep-CMA-ES", partial(Evosax, algorithm="Sep_CMA_ES")),
    "evosax-crfmnes": Peer("evosax", "evosax, CR-FM-NES", partial(Evosax, algorithm="CR_FM_NES")),
    "evosax-cma": Peer("evosax", "evosax, full CMA-ES", partial(Evosax, algorithm="CMA_ES")),
    "ribs": Peer("ribs", "pyribs, LM-MA-ES", Ribs),
    "fcmaes": Peer("fcmaes", "fcmaes, CR-FM-NES", Fcmaes),
    "nevergrad": Peer("nevergrad", "nevergrad, NGOpt", Nevergrad),
}
OWN: dict[str, Callable[..., Method]] = {
    "eggroll": Eggroll,
    "adam-whitened": Adam,
    "adam-standardised": Adam,
    "least-squares": LeastSquares,
    "mean": Mean,
}
TITLES = {
    "eggroll": "rank-1 antithetic ES (EGGROLL)",
    "adam-whitened": "Adam, backprop, whitened inputs",
    "adam-standardised": "Adam, backprop, standardised inputs",
    "least-squares": "least squares",
    "mean": "predict the mean",
}
# What is no evolution strategy, and so is left out where the best peer is asked for.
ORIENTATION = ("adam-whitened", "adam-standardised", "least-squares", "mean")


@dataclass(frozen=True)
class Spec:
    """A method as it was asked for.

    Parameters
    ----------
    text : all of it, the key of its cells
    name : without settings and `/rowwise`
    rowwise : whether every output row is searched by itself
    settings : what was asked for explicitly
    """

    text: str
    name: str
    rowwise: bool = False
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What tables call it."""
        base = PEERS[self.name].title if self.name in PEERS else TITLES.get(self.name, self.name)
        parts = ["row by row"] if self.rowwise else []
        parts += [f"{name} {value}" for name, value in self.settings.items()]
        return f"{base}, {', '.join(parts)}" if parts else base

    @property
    def is_peer(self) -> bool:
        """Whether it is an evolution strategy that is not olacore's."""
        return self.name in PEERS or self.name == "eggroll"

    def missing(self) -> str:
        """The package that would have to be installed; empty if none is missing."""
        peer = PEERS.get(self.name)
        return peer.package if peer and find_spec(peer.package) is None else ""


def version_of(spec: Spec) -> str:
    """What a method's cells are of: the version of its library, or a digest of our own strategies and kernels."""
    if spec.name in PEERS:
        package = PEERS[spec.name].package
        return f"{package} {version(package)}"
    return source_digest() if spec.name in STRATEGIES else ""


@functools.cache
def source_digest() -> str:
    """Eight digits that change with the sources of our strategies, losses and kernels."""
    return code_digest("olacore/strategies/**/*.py", "olacore/losses/**/*.py", "olacore/kernels/**/*.py")


def parse_method(text: str) -> Spec:
    """Read a method's name and settings.

    Raises
    ------
    ConfigError  if there is no such method or a setting has no value
    """
    name, _, tail = text.partition(":")
    rowwise = name.endswith(ROWWISE)
    name = name.removesuffix(ROWWISE)
    known = (*STRATEGIES, *PEERS, *OWN)
    if name not in known:
        raise ConfigError(f"there is no method {name!r}; there are {', '.join(known)}.")
    if rowwise and name not in (*PEERS, "eggroll"):
        raise ConfigError(f"only peers are run row by row; {name!r} is none.")
    settings: dict[str, Any] = {}
    for part in filter(None, tail.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise ConfigError(f"a setting is NAME=VALUE; got {part!r} in {text!r}.")
        settings[key.strip()] = number(value.strip())
    return Spec(text, name, rowwise, settings)


def with_settings(text: str, settings: str) -> str:
    """A method's text with settings behind those that it has."""
    return f"{text}{',' if ':' in text else ':'}{settings}"


def number(value: str) -> int | float | str:
    """A whole number, a number, or the text itself."""
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def settings_for(spec: Spec, problem: Problem) -> dict[str, Any]:
    """All settings of a method on a problem: the chosen ones, overridden by what was asked for."""
    base = problem.name.partition("/")[0]
    return {**chosen(spec.name + (ROWWISE if spec.rowwise else ""), base), **spec.settings}


def make_method(spec: Spec, problem: Problem, loss: str, seed: int) -> Method:
    """Make the method, ready to advance.

    Raises
    ------
    ImportError  if its library is missing
    ConfigError  if a setting does not fit
    """
    settings = settings_for(spec, problem)
    if settings.pop("inputs", "standardised") == "whitened":
        problem = problem.whitened()
    if spec.name in STRATEGIES:
        return Ours(problem, loss, seed, spec.name, **settings)
    if spec.rowwise:
        settings["rowwise"] = True
    if spec.name in PEERS:
        return Evolution(problem, loss, seed, PEERS[spec.name].make, **settings)
    return OWN[spec.name](problem, loss, seed, **settings)
