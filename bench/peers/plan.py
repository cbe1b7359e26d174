"""Which cells a comparison is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.peers.methods import ROWWISE, with_settings
from bench.peers.problems import PROBLEMS
from olacore.errors import ConfigError
from olacore.strategies import Rows

# The problems that peers run on, and that the measurements of losses and growth are made on.
CONTESTED = ("decoder-36-192", "encoder-768-4")
PEER_METHODS = (
    "pycma",
    "cmaes",
    "evosax-snes",
    "evosax-pgpe",
    "evosax-openes",
    "evosax-sepcma",
    "evosax-crfmnes",
    "ribs",
    "fcmaes",
    "nevergrad",
    "eggroll",
)
# The strongest, found by running all of them on each output row by itself.
STRONGEST = tuple(name + ROWWISE for name in ("fcmaes", "evosax-crfmnes", "evosax-pgpe", "ribs", "cmaes", "eggroll"))
ADAMS = ("adam-whitened", "adam-standardised")
ORIENTING = (*ADAMS, "least-squares", "mean")
LOSSES = ("mae", "huber")
PARTS = ("ours", "peers", "ablations", "growth", "losses")


@dataclass(frozen=True)
class Ablation:
    """A change of the default that shows what a part of it is for.

    Parameters
    ----------
    name : for tables
    settings : of the default strategy, as in a method's text
    slower : how many times the default's seconds it has to take at least, if that part is worth having
    """

    name: str
    settings: str
    slower: float


@dataclass(frozen=True)
class Request:
    """A cell that is wanted.

    Parameters
    ----------
    part : that it belongs to
    problem : with the sizes of its part, such as "encoder-768-4/rows:2"
    method, loss, seed : as in a cell
    against_ours : whether it is stopped at a multiple of our own time on the problem, instead of at our cap
    """

    part: str
    problem: str
    method: str
    loss: str
    seed: int
    against_ours: bool = False

    @property
    def base(self) -> str:
        """The problem that it is a part of."""
        return self.problem.partition("/")[0]


@dataclass(frozen=True)
class Plan:
    """What to run.

    Parameters
    ----------
    problems : that our own figures are measured on
    contested : those of them that peers run on
    peers : methods that run on the contested problems
    seeds : how many
    parts : of `PARTS`
    default : our method
    ablations : changes of it
    """

    problems: tuple[str, ...] = tuple(PROBLEMS)
    contested: tuple[str, ...] = CONTESTED
    peers: tuple[str, ...] = (*PEER_METHODS, *STRONGEST, "classic")
    seeds: int = 3
    parts: tuple[str, ...] = PARTS
    default: str = Rows.name
    ablations: tuple[Ablation, ...] = (
        Ablation("trust switched off", "temperature=1e9", 1.1),
        Ablation("a single genome", "population=1", 1.0),
    )

    def __post_init__(self) -> None:
        for part in self.parts:
            if part not in PARTS:
                raise ConfigError(f"there is no part {part!r}; there are {', '.join(PARTS)}.")
        for problem in (*self.problems, *self.contested):
            if problem not in PROBLEMS:
                raise ConfigError(f"there is no problem {problem!r}; there are {', '.join(PROBLEMS)}.")

    def requests(self, problem: str) -> Iterator[Request]:
        """Cells of a problem, our own first, then one seed of everything after the other."""
        for seed in range(self.seeds):
            yield Request("ours", problem, self.default, "mse", seed)
        for seed in range(self.seeds):
            if "ours" in self.parts:
                yield from (Request("ours", problem, method, "mse", seed) for method in ORIENTING)
            if "ablations" in self.parts:
                for ablation in self.ablations:
                    yield Request("ablations", problem, with_settings(self.default, ablation.settings), "mse", seed)
            if problem not in self.contested:
                continue
            if "growth" in self.parts:
                yield from (Request("growth", part, self.default, "mse", seed) for part in smaller(problem))
            if "losses" in self.parts:
                for loss in LOSSES:
                    for method in (self.default, ADAMS[0]):
                        yield Request("losses", problem, method, loss, seed)
            if "peers" in self.parts:
                for method in self.peers:
                    yield Request("peers", problem, method, "mse", seed, against_ours=True)


def smaller(problem: str) -> list[str]:
    """Parts of a problem whose inputs, outputs and training rows double one after the other, up to the whole."""
    outputs = int(problem.rsplit("-", 1)[1])
    return [
        f"{problem}/{side}:{share}"
        for side, shares in DOUBLINGS.items()
        for share in shares
        if side != "outputs" or outputs >= share
    ]


#: Shares of the whole, one in so many.
DOUBLINGS: dict[str, tuple[int, ...]] = {"inputs": (4, 2), "outputs": (4, 2), "rows": (8, 4, 2)}
