"""Every method lowers the loss of a small problem, by itself and row by row."""

from importlib.util import find_spec

import numpy as np
import pytest

from bench.peers.adam import SLOPES, Adam
from bench.peers.closed import LeastSquares, Mean, least_squares
from bench.peers.eggroll import Eggroll
from bench.peers.evolution import Evolution
from bench.peers.method import mean_loss
from bench.peers.methods import PEERS, Spec, make_method, parse_method, settings_for
from olacore.blocks import Block
from olacore.errors import ConfigError
from olacore.kernels.layout import CHUNK
from tests.support.makers import JIT
from tests.support.peer_makers import make_problem

PROBLEM = make_problem()
SETTINGS = {"sigma": 0.1, "population": 16, "block": 512}
# pyribs takes no more candidates than there are numbers; NGOpt picks something else for so few numbers.
SPECIAL = {"ribs": {"population": 6}, "nevergrad": {"optimizer": "CMA"}}
RATES = {"evosax-pgpe": 0.05, "evosax-openes": 0.05}


def installed(name: str) -> None:
    package = PEERS[name].package
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")


def at_the_mean(loss: str = "mse") -> float:
    mean = Mean(PROBLEM, loss, 0)
    mean.advance()
    return mean.measure(PROBLEM.held_out)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("rowwise", [False, True], ids=["whole", "rowwise"])
@pytest.mark.parametrize("name", PEERS)
def test_peer__gets_below_the_mean(name, rowwise):
    installed(name)
    settings = {**SETTINGS, **({"rate": RATES[name]} if name in RATES else {})}
    settings |= SPECIAL.get(name, {})
    search = Evolution(PROBLEM.whitened(), "mse", 0, PEERS[name].make, rowwise=rowwise, **settings)
    for _ in range(80 if JIT else 3):
        search.advance()
    weights, biases = search.weights()
    assert (weights.shape, biases.shape) == ((3, 5), (3,))
    if JIT:
        assert search.measure(PROBLEM.held_out) < 0.8 * at_the_mean()
    assert isinstance(search.describe(), dict)


@pytest.mark.parametrize("rowwise", [False, True])
def test_eggroll__gets_below_the_mean(rowwise):
    search = Eggroll(PROBLEM, "mse", 0, population=32, rate=0.05, rowwise=rowwise)
    for _ in range(200 if JIT else 3):
        search.advance()
    if JIT:
        assert search.measure(PROBLEM.held_out) < 0.5 * at_the_mean()


class Recorder:
    """An optimizer that offers numbered candidates and keeps what it is told."""

    def __init__(self, groups: int, dim: int, seed: int) -> None:
        self.points = np.random.default_rng(seed).normal(0, 0.3, (groups, 4, dim))
        self.told = np.empty(0)

    def ask(self):
        return self.points

    def tell(self, losses):
        self.told = losses

    def mean(self):
        return self.points.mean(1)

    def describe(self):
        return {}


def test_evolution__tells_a_genome_the_mean_of_its_rows():
    whole = Evolution(PROBLEM, "mse", 0, Recorder, block=1 << 20)
    whole.advance()
    genomes = whole.genomes(whole.optimizer.ask())
    split = PROBLEM.train.block(0, len(PROBLEM.train.inputs) - 1)
    assert whole.optimizer.told.shape == (1, 4)
    expected = [mean_loss((g[:, :-1], g[:, -1]), PROBLEM.train) for g in genomes]
    np.testing.assert_allclose(whole.optimizer.told[0], expected, rtol=1e-5)
    assert split.rows < PROBLEM.train.rows


def test_evolution__tells_each_row_its_own_loss():
    rows = Evolution(PROBLEM, "mse", 0, Recorder, block=1 << 20, rowwise=True)
    rows.advance()
    told = rows.optimizer.told
    assert told.shape == (3, 4)
    before = told.copy()
    rows.optimizer.points[1] += 1.0  # another row's candidates change nothing
    rows.advance()
    np.testing.assert_array_equal(rows.optimizer.told[[0, 2]], before[[0, 2]])
    assert (rows.optimizer.told[1] != before[1]).any()


@pytest.mark.parametrize("loss", SLOPES)
def test_adam__follows_the_slope_of_its_loss(loss):
    search = Adam(PROBLEM, loss, 0)
    search.genome[:] = np.random.default_rng(0).normal(0, 0.3, search.genome.shape)
    block = PROBLEM.train.block(0, len(PROBLEM.train.inputs))
    slope = search.gradient(block)
    step = 1e-2
    for place in ((0, 0), (2, 3), (1, 5)):
        losses = []
        for sign in (1, -1):
            genome = search.genome.astype(np.float64)
            genome[place] += sign * step
            losses.append(twin_loss(genome, block, loss)[place[0]])
        assert slope[place] == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=2e-2, abs=1e-4)


def twin_loss(genome: np.ndarray, block: Block, loss: str) -> np.ndarray:
    x = block.inputs.swapaxes(1, 2).reshape(-1, block.inputs.shape[1])[: block.rows].astype(np.float64)
    error = np.abs(np.tanh(x @ genome[:, :-1].T + genome[:, -1]).T - block.targets)
    values = {"mse": error**2, "mae": error, "huber": np.where(error <= 1, error**2 / 2, error - 0.5)}
    return values[loss].mean(1)


@pytest.mark.parametrize("whitened", [False, True])
def test_adam__reaches_least_squares_and_ends(whitened):
    problem = PROBLEM.whitened() if whitened else PROBLEM
    search = Adam(problem, "mse", 0, rate=0.05, batch=CHUNK, passes=300)
    while not search.finished:
        search.advance()
    assert search.rule.step == 300 * search.steps_per_pass
    assert search.measure(PROBLEM.held_out) < 1.02 * least_squares(PROBLEM).measure(PROBLEM.held_out)


def test_adam__shrinkage_costs_the_same_on_whitened_inputs():
    plain, whitened = Adam(PROBLEM, "mse", 0), Adam(PROBLEM.whitened(), "mse", 0)
    weights = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    squares = (PROBLEM.whitened().standardised(weights) ** 2).sum()
    assert (plain.cost * weights**2).sum() == pytest.approx((weights**2).sum())
    assert (whitened.cost * weights**2).sum() == pytest.approx(squares, rel=1e-4)


def test_adam__refuses_an_unknown_loss():
    with pytest.raises(ConfigError, match="Adam knows the losses mse, mae, huber; got 'cosine'"):
        Adam(PROBLEM, "cosine", 0)


def test_least_squares__is_measured_through_its_own_link():
    fit = LeastSquares(PROBLEM, "mse", 0)
    fit.advance()
    block = PROBLEM.held_out.block(0, len(PROBLEM.held_out.inputs))
    expected = ((fit.baselines.predict(block) - block.targets) ** 2).mean()
    assert fit.measure(PROBLEM.held_out) == pytest.approx(expected, rel=1e-5)
    assert fit.measure(PROBLEM.held_out) < 0.2 * at_the_mean()
    assert fit.describe()["link"] in ("clip", "tanh")


def test_parse_method__reads_settings():
    spec = parse_method("rows:population=1,temperature=1e9")
    assert (spec.name, spec.settings) == ("rows", {"population": 1, "temperature": 1e9})
    spec = parse_method("ribs/rowwise:inputs=whitened")
    assert (spec.name, spec.rowwise, spec.settings) == ("ribs", True, {"inputs": "whitened"})
    assert spec.is_peer
    assert settings_for(spec, PROBLEM)["inputs"] == "whitened"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sgd", "there is no method 'sgd'; there are rows, stack, pair, classic, "),
        ("rows/rowwise", "only peers are run row by row; 'rows' is none"),
        ("rows:population", "a setting is NAME=VALUE; got 'population'"),
    ],
)
def test_parse_method__refuses(text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        parse_method(text)


@pytest.mark.skipif(not JIT, reason="training takes minutes without the JIT")
@pytest.mark.parametrize("text", ["rows:population=4", "classic", "rows:temperature=1e9"])
def test_ours__advances_and_says_its_options(text):
    method = make_method(parse_method(text), PROBLEM, "mse", 0)
    for _ in range(3):
        method.advance()
    assert np.isfinite(method.measure(PROBLEM.held_out))
    assert "strategy" in method.describe()


@pytest.mark.skipif(not JIT, reason="training takes minutes without the JIT")
def test_ours__chooses_shrinkage_where_rows_are_few():
    problem = make_problem(inputs=40, rows=256)
    method = make_method(parse_method("rows:population=2"), problem, "mse", 0)
    assert method.describe()["strategy"]["shrinkage"] > 0


def test_missing__names_the_package(monkeypatch):
    monkeypatch.setattr("bench.peers.methods.find_spec", lambda name: None)
    assert parse_method("cmaes").missing() == "cmaes"
    assert Spec("rows", "rows").missing() == ""
