"""Wide stacks: thousands of units and hundreds of outputs, from few samples.

Units are born at samples of the inputs (`seeds`), some more than there will be, and those are selected that help most
with samples which they did not see (`selection`). Answers read the units, and the inputs themselves, through a read-out
that is evolved (`readout`). It moves in the metric of the units' overlap: along the axes of that metric a short step
changes the answers little wherever units nearly coincide, and squared steps are what shrinkage is measured in.

Where it is worth it, all units are born anew in the metric of the slopes of the answers (`metric`); `trials` choose.

Read-outs of several shrinkages are the population, and validation samples judge them. The least trusted makes room for
a copy of the most trusted: its shrinkage is where a parabola through the losses is lowest, or a mutation where that is
known already or lies beyond the shrinkages that there are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, ClassVar

import numpy as np

from olacore.blocks import Block, rows_of
from olacore.errors import ConfigError
from olacore.jit.threads import one_blas_thread
from olacore.kernels.forward import forward_population
from olacore.kernels.lattice import as_stored
from olacore.losses.objective import MSE, Objective
from olacore.strategies.base import STRATEGIES, Candidate, Hidden, Problem, Report, Sizes, State, Strategy, check_losses
from olacore.strategies.common.axes import random_numbers
from olacore.strategies.common.noise import MOST_NOISE, noisy
from olacore.strategies.common.readout import LINEAR
from olacore.strategies.common.telling import Tell, silent
from olacore.strategies.group import ALONE, Group
from olacore.strategies.stack.size import MOST_UNITS, units_within
from olacore.strategies.wide.mark import alike, mark_of
from olacore.strategies.wide.metric import root_of, slope_moments
from olacore.strategies.wide.readout import input_step, squared_error, sweep
from olacore.strategies.wide.rounding import round_together, rounding_factor
from olacore.strategies.wide.seeds import GAIN, find_centres, multiply_lower, overlap, units_at, whitening
from olacore.strategies.wide.selection import absence_costs
from olacore.strategies.wide.shrinkage import another
from olacore.strategies.wide.trials import choose

# Shrinkages at the start, and by what factor one mutates at most in the first generation; later ones, by less and less.
SHRINKAGES, MUTATION = (0.1, 1.0, 10.0), 10.0
# Times that all axes take their turn in a generation: one for so many groups of axes, within these bounds.
TURN_GROUPS, FEWEST_TURNS, MOST_TURNS = 3, 2, 4
# Validation losses within this share of the lowest one cannot be told apart; and what one that is not finite counts.
ALIKE, MOST_LOSS = 0.004, 1e100
# All training samples are in memory together, with what every unit answers.
MOST_ROWS = 16_384
# Share of the generations after which shrinkages mutate no more; generations where none were asked for.
SETTLED = 0.7
GENERATIONS = 6
# Axes that move together at least, and shrinkages at the start, in the metric of slopes: there the answers follow the
# samples closely, and what small shrinkage leaves to be found lies along many axes together.
SLOPED_AXES, SLOPED_SHRINKAGES = 1024, (0.01, 0.1, 1.0)
# Times that the metric may follow the slopes.
MOST_METRICS = 8
# Units at the start for one in the end.
SPARE = 2
# Units that kernels are compiled with.
WARM_UP_UNITS = 16
TINY = 1e-12


@STRATEGIES.add
@dataclass(frozen=True)
class Wide(Strategy):
    """Units that are born at samples, and a population of read-outs.

    Parameters
    ----------
    units : hidden units at most; there are no more than samples
    width : how fast a unit falls off around its centre; 0 to choose it on the validation samples
    metric : how often units are born anew, from the second generation on, in the metric of the answers' slopes; 0 for
        never, -1 to choose it where the width is chosen
    axes : of the read-out, that move together
    noise : spread of normal noise that is added to standardised inputs, other noise in each generation
    form : how weights are stored: "float32", "float16" or "int8"
    group : islands that divide trials of width, samples of the selection, outputs of the read-outs, and validation
    """

    name: ClassVar[str] = "wide"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "units": (1, MOST_UNITS),
        "width": (0, 1e6),
        "metric": (-1, MOST_METRICS),
        "axes": (2, inf),
        "noise": (0, MOST_NOISE),
    }
    headroom: ClassVar[float] = LINEAR
    schedule: ClassVar[int | None] = GENERATIONS
    populated: ClassVar[bool] = False
    grows: ClassVar[bool] = True
    divides: ClassVar[bool] = True
    sees_all: ClassVar[bool] = True
    rotates: ClassVar[bool] = True
    compares_shown: ClassVar[bool] = True
    alike: ClassVar[float] = ALIKE
    losses: ClassVar[tuple[str, ...] | None] = ("mse", "contrast")
    weighs_outputs: ClassVar[bool] = False
    stores: ClassVar[tuple[str, ...]] = ("int8", "float16", "float32")

    derived: ClassVar[tuple[str, ...]] = ("form", "group")

    units: int = 4096
    width: float = 0.0
    metric: int = -1
    axes: int = 256
    noise: float = 0.0
    form: str = "float32"
    group: Group = ALONE

    def within(self, group: Group) -> Wide:
        """Do a part of the work."""
        return replace(self, group=group)

    def stored(self, form: str) -> Wide:
        """Units are born, and read-outs answer, as they will be stored."""
        return replace(self, form=form)

    def fitted(self, sizes: Sizes, form: str, budget: int | None) -> Wide:
        """As many units as the budget has room for, at most those that were asked for."""
        if budget is None:
            return self
        return replace(self, units=min(units_within(budget, sizes.inputs, sizes.outputs, form), self.units))

    def tuned(
        self,
        problem: Problem,
        block: Block,
        objective: Objective,
        loss_of: Callable[[Candidate], float],
        asked: Collection[str],
        tell: Tell = silent,
    ) -> Wide:
        """Choose the width, and whether slopes decide the metric, by short searches; see `trials.choose`.

        Raises
        ------
        ConfigError  if there are too many samples
        """
        if problem.rows is not None and problem.rows > MOST_ROWS:
            raise ConfigError(
                f"the strategy {self.name} takes at most {MOST_ROWS} training samples, all at once; "
                f"the data hold {problem.rows}. The strategy stack takes any number."
            )
        if self.width:
            return self
        return choose(self, problem, block, objective, loss_of, tell)

    @property
    def chosen(self) -> dict[str, Any]:
        """The width, and whether slopes decide the metric."""
        return {"width": self.width, "metric": self.metric}

    def start(self, problem: Problem) -> State:
        """Units at samples, some more than there will be, and read-outs that are zero."""
        shrinkages = SLOPED_SHRINKAGES if self.metric > 0 else SHRINKAGES
        return self.first(problem, self.seeds(problem, self._units_at_first()), shrinkages)

    def _units_at_first(self) -> int:
        """Some to select from, which are no more than the samples; none more where all are born anew."""
        return self.units if self.metric > 0 else SPARE * self.units

    def seeds(self, problem: Problem, units: int) -> np.ndarray:
        """Centres (units, in) at the middles of groups of samples."""
        return find_centres(problem.sample, units, random_numbers(problem.seed, 0, 5), self.group)

    def first(self, problem: Problem, centres: np.ndarray, shrinkages: Sequence[float]) -> State:
        """A state of units at centres (units, in), with a read-out of each shrinkage."""
        size = max(float(np.square(problem.sample, dtype=np.float64).sum(1).mean()), TINY)
        population = len(shrinkages)
        state: State = {
            "trust": np.ones(population, np.float32),
            "shrinkage": np.array(shrinkages, np.float64),
            "schedule": np.array([problem.generations]),
            "size": np.array([size]),
            "readouts": np.zeros((population, problem.outputs, 0), np.float32),
        }
        self._bear(state, centres)
        return state

    def _bear(self, state: State, centres: np.ndarray, root: np.ndarray | None = None) -> None:
        """Make units at centres, which are in the coordinates that a root (in, in) turns inputs into."""
        width, size = self.width or 1.0, float(state["size"][0])
        weights, biases = units_at(centres, width, size)
        stored = as_stored(weights if root is None else weights @ root.T, self.form)
        state |= {
            "weights": stored[:, None],
            "biases": as_stored(biases, self.form)[:, None],
            # What the overlap of units is measured between.
            "centres": stored * np.float32(size / width) if root is None else centres,
        }
        self._settle(state)

    def _bear_anew(self, state: State, block: Block, draw: np.random.Generator) -> None:
        """Make all units anew, in the metric of the slopes of what the most trusted read-out answers."""
        readout, units = state["readouts"][state["trust"].argmax()], len(state["weights"])
        with one_blas_thread():
            of_units = readout[:, :units] @ state["white"]
            of_inputs = readout[:, units:-1] * input_step(state["size"][0])
            slopes = slope_moments(
                state["weights"][:, 0], self._active(state, block) / GAIN, of_units * GAIN, of_inputs
            )
            sample = rows_of(block)[0]
            root = root_of(slopes, sample, float(state["size"][0]))
            sample = sample @ root
        self._bear(state, find_centres(sample, units, draw), root)

    def _settle(self, state: State) -> None:
        """Make what belongs to the units that there are, with read-outs that are zero."""
        (units, _, inputs), (population, outputs, _) = state["weights"].shape, state["readouts"].shape
        read, to_select = units + inputs + 1, units > self.units
        state |= {
            # Of the axes of the units' overlap, of the inputs, and at last biases.
            "readouts": np.zeros((population, outputs, read), np.float32),
            "white": np.zeros((units, units), np.float32) if to_select else whitening(self._overlap(state)),
            # What the read-outs read, and what units answer, on average.
            "middle": np.zeros(units + inputs, np.float32),
            "active": np.zeros(units, np.float32),
            # Of what the read-outs read, and its inner products with the targets: all that losses follow from.
            "moments": np.zeros((read, read), np.float32),
            "pulls": np.zeros((outputs, read), np.float32),
            # Of the samples that these were taken on.
            "mark": np.zeros(1 + outputs),
            # What rounding is measured by, and the most trusted read-out as it was judged: weights, then biases.
            "factor": np.zeros((read - 1, read - 1) if self.form == "int8" and not to_select else 0, np.float32),
            "rounded": np.zeros((outputs, read) if self.form == "int8" else 0, np.float32),
        }

    def _overlap(self, state: State) -> np.ndarray:
        return overlap(state["centres"], self.width or 1.0, float(state["size"][0]))

    def grown(self, state: State, units: int) -> State:
        """Leave so many units."""
        if 0 < units < len(state["weights"]):
            self._keep(state, np.arange(units))
        return state

    def advance(self, state: State, block: Block, seed: int, generation: int, objective: Objective = MSE) -> Report:
        """Move all read-outs along all axes, group by group; before that, select among the units that are too many, or
        bear all anew in the metric of the slopes.
        """
        block = noisy(block, self.noise, seed, generation)
        roots = objective.roots(block.targets)
        check_losses(np.array([np.square(block.targets, dtype=np.float64).sum()]), generation)
        if 0 < generation <= self.metric:
            self._bear_anew(state, block, random_numbers(seed, generation, 8))
        if len(state["weights"]) > self.units:
            self._select(state, block, roots, generation)
        with one_blas_thread():
            if not alike(mark := mark_of(block), state["mark"]):
                self._measure(state, block, roots)
                state["mark"] = mark
            moments, pulls = state["moments"], state["pulls"]
            square = float(np.square(block.targets * roots, dtype=np.float64).sum())
            trusted = state["readouts"][state["trust"].argmax()]
            loss = squared_error(trusted, moments, pulls, square) / block.targets.size
            check_losses(np.array([loss]), generation)
            axes = max(self.axes, SLOPED_AXES) if self.metric > 0 else self.axes
            turns = min(max(len(moments) // axes // TURN_GROUPS, FEWEST_TURNS), MOST_TURNS)
            orders = [
                random_numbers(seed, generation * MOST_TURNS + turn, 6).permutation(len(moments) - 1)
                for turn in range(turns)
            ]
            parts = np.array_split(np.arange(len(pulls)), self.group.count)  # no output depends on another

            def swept(part: int) -> np.ndarray:
                readouts = np.ascontiguousarray(state["readouts"][:, parts[part]])
                for order in orders:
                    sweep(readouts, moments, pulls[parts[part]], state["shrinkage"], order, axes)
                return readouts

            state["rounded"][:] = 0  # of read-outs that were not moved yet
            found = self.group.each(f"readouts-{generation}", len(parts), swept)
            state["readouts"] = np.concatenate(found, axis=1)
        return Report(loss, 1.0, 0)

    def between(
        self,
        state: State,
        generation: int,
        seed: int,
        validate: Callable[[], float],
        loss_of: Callable[[Candidate], float],
    ) -> None:
        """Judge the read-outs, and let a copy of the best with another shrinkage take the place of the worst."""
        if self.form == "int8" and not state["factor"].any():
            steps = float(GAIN), float(input_step(state["size"][0]))
            state["factor"] = rounding_factor(state["moments"][:-1, :-1], state["white"], *steps)
        read: dict[int, Candidate] = {}

        def loss_at(genome: int) -> np.ndarray:
            read[genome] = self.read(state, genome)
            return np.array(loss_of(read[genome]))

        losses = np.array(self.group.each(f"losses-{generation}", len(state["readouts"]), loss_at))
        losses = np.nan_to_num(losses, nan=MOST_LOSS, posinf=MOST_LOSS)
        shrinkage, best = state["shrinkage"], int(losses.argmin())
        if self.form == "int8":
            # Where validation samples know no better, every weight stays at its nearest level.
            found, plain = read.get(best) or self.read(state, best), self.read(state, best, together=False)
            found = found if losses[best] < loss_of(plain) else plain
            state["rounded"] = np.hstack([found.weights, found.biases[:, None]])
        excess = np.maximum(losses / max(losses.min(), TINY) - 1, 0)
        state["trust"] = np.exp(-excess / ALIKE).astype(np.float32) * np.float32(0.5)
        state["trust"][best] = 1
        if generation < SETTLED * state["schedule"][0]:
            worst = int(np.where(np.arange(len(losses)) == best, -np.inf, losses).argmax())
            draw = random_numbers(seed, generation, 7)
            shrinkage[worst] = another(shrinkage, losses, worst, np.log(MUTATION) / generation, draw)
            state["readouts"][worst] = state["readouts"][best]

    def warm_up(self, state: State, block: Block, seed: int, generation: int, objective: Objective) -> None:
        """Run a generation of a few units."""
        self._keep(state, np.arange(min(len(state["weights"]), self.units, WARM_UP_UNITS)))
        self.within(ALONE).advance(state, block, seed, generation, objective)

    def candidate(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """The most trusted read-out, in terms of inputs and units, rounded as it was judged."""
        if self.form == "int8" and state["rounded"].any():
            return np.ascontiguousarray(state["rounded"][:, :-1]), state["rounded"][:, -1].copy()
        found = self.read(state, int(state["trust"].argmax()))
        return found.weights, found.biases

    def hidden(self, state: State) -> Hidden:
        """The units."""
        return ((state["weights"][:, 0], state["biases"][:, 0]),)

    def read(self, state: State, genome: int, together: bool = True) -> Candidate:
        """Return a genome's read-out in terms of inputs and units, rounded together once there is a factor for that."""
        units, readout, biases = len(state["weights"]), *np.split(state["readouts"][genome], [-1], axis=1)
        with one_blas_thread():
            of_units = (readout[:, :units] @ state["white"]) * np.float32(GAIN)  # of 1 + tanh
            shift = of_units.sum(1, dtype=np.float64) - readout.astype(np.float64) @ state["middle"]
        weights = np.hstack([readout[:, units:] * input_step(state["size"][0]), of_units])
        together = together and self.form == "int8" and bool(state["factor"].any())
        rounded = round_together(weights, state["factor"]) if together else as_stored(weights, self.form)
        # What rounding changes is made up for where units answer what they do on average: nearly -1, most of them.
        lost = (of_units - rounded[:, -units:]).astype(np.float64) @ state["active"]
        return Candidate(rounded, (biases[:, 0] + shift + lost).astype(np.float32), self.hidden(state))

    def gauges(self, state: State) -> dict[str, float]:
        """The units."""
        return {"units": len(state["weights"])}

    def working_bytes(self, inputs: int, outputs: int, rows: int) -> int:
        """Responses of units and inputs three times, targets twice, and moments and what factorises them."""
        units = min(self._units_at_first(), rows)
        squares = max(44 * units**2, 24 * (units + inputs) ** 2)
        return 4 * rows * (3 * (units + inputs) + 2 * outputs) + squares

    def _active(self, state: State, block: Block) -> np.ndarray:
        """What units answer, from 0 on and 1 at their centre, (units, n)."""
        active = np.empty((1, len(state["weights"]), block.rows), np.float32)
        forward_population(state["weights"].swapaxes(0, 1), state["biases"].T, block.inputs, active)
        if not state["active"].any():
            state["active"] = active[0].mean(1, dtype=np.float64).astype(np.float32)
        active += 1
        active *= np.float32(GAIN)
        return active[0]

    def _measure(self, state: State, block: Block, roots: np.ndarray) -> None:
        """Take the moments of what the read-outs read, (units + in, n) about its mean, and of a constant."""
        units, inputs = len(state["weights"]), block.inputs.shape[1]
        responses = np.empty((units + inputs + 1, block.rows), np.float32)
        responses[:units] = multiply_lower(state["white"], self._active(state, block))
        plain = block.inputs.swapaxes(0, 1).reshape(inputs, -1)[:, : block.rows]
        np.multiply(plain, input_step(state["size"][0]), out=responses[units:-1])
        if not state["middle"].any():
            state["middle"] = responses[:-1].mean(1, dtype=np.float64).astype(np.float32)
        responses[:-1] -= state["middle"][:, None]
        responses[-1] = 1
        responses *= roots
        state["factor"][:] = 0
        np.matmul(responses, responses.T, out=state["moments"])
        np.matmul(block.targets * roots, responses.T, out=state["pulls"])

    def _select(self, state: State, block: Block, roots: np.ndarray, generation: int) -> None:
        """Take out the units that are too many."""
        answers = self._active(state, block)
        answers -= answers.mean(1, keepdims=True, dtype=np.float64).astype(np.float32)
        targets = block.targets - block.targets.mean(1, keepdims=True, dtype=np.float64).astype(np.float32)
        answers, targets = answers * roots, targets * roots
        costs = absence_costs(answers, targets, self._overlap(state), self.group, f"selection-{generation}")
        self._keep(state, np.sort(np.argsort(costs, kind="stable")[-self.units :]))

    def _keep(self, state: State, units: np.ndarray) -> None:
        """Take out all other units."""
        for name in ("weights", "biases", "centres"):
            state[name] = np.ascontiguousarray(state[name][units])
        self._settle(state)
