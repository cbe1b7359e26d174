"""Stacks on plain pairs, with `--stack` and nothing else, beside scikit-learn's regressors.

python -m bench.studies.plain_pairs [--data NAME ...] [--units 256] [--seeds 3] [--generations N ...] (needs
scikit-learn). Every seed splits the data 80/10/10 anew, as `ola train` does it, for all models; R2 is that of the
held-out tenth, over all targets together, the mean of the seeds. Seconds are of the processor, on one thread, without
compilation. Searches of given generations are measured beside the default one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from olacore.data import open_dataset, write_pairs
from olacore.jit.threads import threads
from olacore.search.config import TrainConfig
from olacore.search.train import train

Pairs = tuple[np.ndarray, np.ndarray]
# What `seconds` leave out: a search that compiles.
FIRST: dict[str, Any] = {"stack": 32, "generations": 3}


def heavy_tails() -> Pairs:
    """20,000 x 8 to 1: inputs and noise of a t distribution with three degrees of freedom."""
    rng = np.random.default_rng(0)
    x = rng.standard_t(3, (20_000, 8))
    y = np.sin(x[:, 0]) * x[:, 1] + np.abs(x[:, 2]) + 2 * np.tanh(x[:, 3] + x[:, 4]) + 0.5 * x[:, 5]
    return x, (y + 0.2 * rng.standard_t(3, len(x)))[:, None]


def friedman() -> Pairs:
    """Friedman 1, 2,000 x 10 to 1, noise 1: 10 sin(pi a b) + 20 (c - 1/2)^2 + 10 d + 5 e."""
    rng = np.random.default_rng(0)
    x = rng.random((2000, 10))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return x, (y + rng.standard_normal(len(x)))[:, None]


def two_layers() -> Pairs:
    """30,000 x 32 to 5: a network of two hidden layers of 64 tanh units, with a little noise."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30_000, 32))
    first, second, last = (
        rng.standard_normal(shape) * gain / shape[0] ** 0.5
        for shape, gain in (((32, 64), 1.5), ((64, 64), 1.5), ((64, 5), 1.0))
    )
    y = np.tanh(np.tanh(x @ first) @ second) @ last
    return x, y + 0.05 * rng.standard_normal(y.shape)


def diabetes() -> Pairs:
    """scikit-learn's, 442 x 10 to 1."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    return x, y[:, None]


def digits() -> Pairs:
    """scikit-learn's, 1,797 x 64 to the ten digits, one-hot."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x, np.eye(10)[y]


DATA: dict[str, Callable[[], Pairs]] = {
    "heavy tails, 20,000 x 8": heavy_tails,
    "Friedman 1, 2,000 x 10": friedman,
    "two layers, 30,000 x 32 to 5": two_layers,
    "diabetes, 442 x 10": diabetes,
    "digits, 1,797 x 64 to 10": digits,
}


def regressors(units: int, rows: int) -> dict[str, Any]:
    """What is shown beside: standardised inputs, settings as they come but for the size and early stopping."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.linear_model import LinearRegression
    from sklearn.multioutput import MultiOutputRegressor
    from sklearn.neural_network import MLPRegressor

    found: dict[str, Any] = {
        "least squares": LinearRegression(),
        "MLPRegressor": MLPRegressor(hidden_layer_sizes=(units,), max_iter=500, early_stopping=True, random_state=0),
        "gradient boosting": MultiOutputRegressor(HistGradientBoostingRegressor(random_state=0)),
    }
    if rows <= 4000:  # its kernel of all samples is solved as a whole
        found["KernelRidge"] = KernelRidge(kernel="rbf", alpha=0.1)
    return found


def r2(truth: np.ndarray, found: np.ndarray, mean: np.ndarray) -> float:
    """Share of the variance about the training mean that is explained, over all targets together."""
    return float(1 - np.square(truth - found.reshape(truth.shape)).sum() / np.square(truth - mean).sum())


def measure(name: str, units: int, seeds: int, folder: Path, shorter: Sequence[int] = ()) -> dict[str, Any]:
    """Measure one data set, each seed with a split of its own."""
    x, y = (array.astype(np.float32) for array in DATA[name]())
    found: dict[str, list[float]] = defaultdict(list)
    seconds: dict[str, list[float]] = defaultdict(list)
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(x))
        strategy = measure_split(x[order], y[order], units, seed, folder, shorter, found, seconds)
    return {
        "data": name,
        "strategy": strategy,
        "r2": {model: round(statistics.mean(values), 4) for model, values in found.items()},
        "r2 by seed": {model: [round(value, 4) for value in values] for model, values in found.items()},
        "processor seconds": {model: round(statistics.mean(values), 1) for model, values in seconds.items()},
    }


def measure_split(
    x: np.ndarray,
    y: np.ndarray,
    units: int,
    seed: int,
    folder: Path,
    shorter: Sequence[int],
    found: dict[str, list[float]],
    seconds: dict[str, list[float]],
) -> str:
    """Add R2 and seconds of each model on one split, and of searches of so many generations; the strategy of ours is
    returned.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    path = folder / "data.h5"
    write_pairs(path, x, y, force=True)
    with open_dataset(path) as data:
        seen, unseen = data.indices("train"), data.indices("held-out")
    mean = y[seen].mean(0, dtype=np.float64)
    for other, model in regressors(units, len(seen)).items():
        began = time.process_time()
        model = make_pipeline(StandardScaler(), model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of rounds that ran out
            single = y.shape[1] == 1 and "boosting" not in other
            answers = model.fit(x[seen], y[seen, 0] if single else y[seen]).predict(x[unseen])
        seconds[other].append(time.process_time() - began)
        found[other].append(r2(y[unseen], answers, mean))
    train(TrainConfig(None, (path,), out=folder / "first", force=True, **FIRST))
    for generations in (None, *shorter):
        name = f"ola train, {generations} generations" if generations else "ola train"
        asked = TrainConfig(
            None, (path,), out=folder / "run", force=True, stack=units, seed=seed, generations=generations
        )
        began = time.process_time()
        module = train(asked).module
        seconds[name].append(time.process_time() - began)
        found[name].append(r2(y[unseen], module.predict(x[unseen]), mean))
    return str(module.training["strategy"])


def main() -> None:
    """Parse, measure, print a line of JSON for each data set."""
    parser = argparse.ArgumentParser(prog="python -m bench.studies.plain_pairs", description=__doc__)
    parser.add_argument("--data", nargs="*", choices=[*DATA], default=[*DATA], metavar="NAME")
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--generations", type=int, nargs="*", default=[])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, threads(1), threadpool_limits(1):
        for name in asked.data:
            sys.stdout.write(
                json.dumps(measure(name, asked.units, asked.seeds, Path(folder), asked.generations)) + "\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
