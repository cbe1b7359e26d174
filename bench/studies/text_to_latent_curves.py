"""What is left of the latents' variance over processor seconds, from a caption's embedding: searches beside peers.

python -m bench.studies.text_to_latent_curves DATA.h5 --out FILE [--units 1024] [--budget 3145728] [--seeds 3]
[--seconds 20] [--peers NAME ...] (needs torch, scikit-learn and matplotlib; evosax where it is there).

Writes FILE.json and FILE.png, a panel for each held-out part, and prints a line for each method. With --peers only
these are measured, and joined to what FILE.json has of others.

Backprop is one hidden layer of as many tanh units by AdamW, with normal noise of 0.05 on its inputs, in batches of 128;
MLPRegressor is scikit-learn's, as it comes; OpenAI-ES evolves the same network for the first components of the latents.
Closed forms are points. Seconds count reading and compiled code, not the compilation, nor what is measured in between.
All run on one thread.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bench.common.clock import Clock
from bench.common.plot import Curve, Panel, draw_panels
from bench.common.report import write_report
from bench.studies.text_means import KnownTexts
from bench.studies.text_to_latent import RIDGE, WIDTH, fit_and_ask, parts_of
from olacore.data import Dataset, open_dataset
from olacore.jit.threads import threads
from olacore.quality.evaluation import evaluate_parts
from olacore.search.config import TrainConfig
from olacore.search.observers import Event, Reported
from olacore.search.train import train

BATCH, NOISE, RATE, DECAY = 128, 0.05, 1e-3, 0.05
# Of OpenAI-ES: candidates, spread, rate (0.02 diverges), samples that a generation is scored on, components.
POPULATION, SPREAD, STEP, BLOCK, COMPONENTS = 64, 0.02, 0.001, 256, 64
# Inches of a panel.
SIZE = (7, 5)
# Of the shares that are drawn.
BOUNDS = (0.05, 2.0)
Left = dict[str, float]
Points = list[tuple[float, Left]]


@dataclass(frozen=True)
class Captioned:
    """Embeddings, standardised by the training rows, and latents of the training rows and of each held-out part."""

    x: np.ndarray
    z: np.ndarray
    held_out: dict[str, tuple[np.ndarray, np.ndarray]]
    mean: np.ndarray

    @classmethod
    def read(cls, data: Dataset, texts: KnownTexts) -> Captioned:
        """Read the first caption of every row."""

        def pairs(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            latents = data.read(["latents"], rows)["latents"].reshape(len(rows), -1)
            return texts.embeddings[texts.of_rows[rows]], latents.astype(np.float32)

        x, z = pairs(data.indices("train"))
        middle, spread = x.mean(0), x.std(0) + 1e-6
        held_out = {part: pairs(rows) for part, rows in parts_of(data).items()}
        held_out = {part: ((x - middle) / spread, z) for part, (x, z) in held_out.items()}
        return cls((x - middle) / spread, z, held_out, z.mean(0))

    def left(self, answer: Callable[[np.ndarray], np.ndarray]) -> Left:
        """Share of each part's variance about the training mean that is left."""
        return {
            part: float(np.square(answer(x) - z).sum() / np.square(z - self.mean).sum())
            for part, (x, z) in self.held_out.items()
        }


def searched(h5: Path, data: Dataset, seed: int, folder: Path, **size: Any) -> Points:
    """What `ola train --module denoiser --view text` has after each generation."""
    clock, points = Clock(), Points()

    def look(event: Event) -> None:
        if isinstance(event, Reported):
            with clock.stopped():
                figures = evaluate_parts(event.module(), data)
                points.append((clock.seconds, {part: found["module"]["l2"] for part, found in figures.items()}))

    config = TrainConfig("denoiser", (h5,), view="text", seed=seed, out=folder, force=True, report_every=1, **size)
    clock.start()
    train(config, (look,))
    return points


def backprop(captioned: Captioned, units: int, seed: int, seconds: float) -> Points:
    """One hidden layer by AdamW."""
    import torch

    torch.manual_seed(seed)
    scale = float(captioned.z.std())
    x, z = torch.from_numpy(captioned.x), torch.from_numpy((captioned.z - captioned.mean) / scale)
    parts = torch.nn.Linear(x.shape[1], units), torch.nn.Tanh(), torch.nn.Linear(units, z.shape[1])
    network = torch.nn.Sequential(*parts)
    adam = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)

    def passes() -> Iterator[Callable[[np.ndarray], np.ndarray]]:
        while True:
            for batch in torch.randperm(len(x)).split(BATCH):
                loss = ((network(x[batch] + NOISE * torch.randn(len(batch), x.shape[1])) - z[batch]) ** 2).mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
            yield lambda asked: network(torch.from_numpy(asked)).detach().numpy() * scale + captioned.mean

    return followed(captioned, passes(), seconds)


def regressor(captioned: Captioned, units: int, seed: int, seconds: float) -> Points:
    """scikit-learn's network of one hidden layer."""
    from sklearn.neural_network import MLPRegressor

    scale = float(captioned.z.std())
    network = MLPRegressor(hidden_layer_sizes=(units,), random_state=seed)

    def passes() -> Iterator[Callable[[np.ndarray], np.ndarray]]:
        while True:
            network.partial_fit(captioned.x, (captioned.z - captioned.mean) / scale)
            yield lambda asked: network.predict(asked) * scale + captioned.mean

    return followed(captioned, passes(), seconds)


def openai_es(captioned: Captioned, units: int, seed: int, seconds: float) -> Points:
    """The same network by OpenAI-ES, for the first components of the latents."""
    from bench.peers.by_evosax import Evosax

    z = captioned.z - captioned.mean
    basis = np.linalg.svd(z, full_matrices=False)[2][:COMPONENTS]
    scale = float((z @ basis.T).std())
    goals, inputs = (z @ basis.T / scale).astype(np.float32), captioned.x.shape[1]
    rng = np.random.default_rng(seed)
    first = rng.standard_normal((inputs, units)).astype(np.float32) / np.float32(inputs**0.5)
    search = Evosax(1, first.size + units * COMPONENTS, seed, "Open_ES", SPREAD, POPULATION, STEP)

    def answer(genome: np.ndarray, x: np.ndarray) -> np.ndarray:
        hidden = np.tanh(x @ (first + genome[: first.size].reshape(first.shape)))
        return np.asarray(hidden @ genome[first.size :].reshape(units, COMPONENTS))

    def generations() -> Iterator[Callable[[np.ndarray], np.ndarray]]:
        while True:
            rows = rng.choice(len(goals), BLOCK, False)
            genomes = search.ask()[0]
            losses = [np.square(answer(genome, captioned.x[rows]) - goals[rows]).mean() for genome in genomes]
            search.tell(np.array(losses)[None])
            yield lambda asked: answer(search.mean()[0], asked) @ basis * scale + captioned.mean

    search.tell(np.zeros((1, len(search.ask()[0]))))  # compiles, and changes nothing
    return followed(captioned, generations(), seconds)


PEERS = {
    "backprop, AdamW": backprop,
    "scikit-learn's MLPRegressor": regressor,
    "OpenAI-ES (evosax)": openai_es,
}


def followed(captioned: Captioned, rounds: Iterator[Callable[[np.ndarray], np.ndarray]], seconds: float) -> Points:
    """Measure after every round, until so many processor seconds are spent."""
    clock, points = Clock(), Points()
    clock.start()
    for answer in rounds:
        with clock.stopped():
            points.append((clock.seconds, captioned.left(answer)))
        if clock.seconds > seconds:
            break
    return points


def closed(captioned: Captioned, data: Dataset, texts: KnownTexts) -> dict[str, Points]:
    """Kernel ridge of all training captions, and of the embeddings themselves."""
    found: dict[str, Points] = {}
    clock = Clock()
    clock.start()
    known = np.flatnonzero(texts.counts)
    guesses = {
        part: fit_and_ask(texts, known, texts.of_rows[rows], WIDTH, RIDGE) for part, rows in parts_of(data).items()
    }
    seconds = clock.seconds / len(guesses)  # it was fitted for each part
    parts = iter(guesses.values())
    found["kernel ridge, all captions"] = [(seconds, captioned.left(lambda _: next(parts)))]
    clock.start()
    x = np.hstack([captioned.x, np.ones((len(captioned.x), 1), np.float32)]).astype(np.float64)
    weights = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ captioned.z)
    seconds = clock.seconds
    left = captioned.left(lambda asked: asked @ weights[:-1] + weights[-1])
    found["least squares"] = [(seconds, left)]
    return found


def measure(h5: Path, asked: argparse.Namespace, folder: Path) -> Iterator[tuple[str, list[Points]]]:
    """Give each method's name, and the points of each seed."""
    with open_dataset(h5) as data:
        texts = KnownTexts.read(data)
        captioned = Captioned.read(data, texts)
        if asked.peers is None:
            yield from own(h5, data, captioned, texts, asked, folder)
        for name in PEERS if asked.peers is None else asked.peers:
            try:
                yield name, [PEERS[name](captioned, asked.units, seed, asked.seconds) for seed in range(asked.seeds)]
            except ImportError as error:
                sys.stderr.write(f"{name} is left out: {error}\n")


def own(
    h5: Path, data: Dataset, captioned: Captioned, texts: KnownTexts, asked: argparse.Namespace, folder: Path
) -> Iterator[tuple[str, list[Points]]]:
    """Closed forms, and searches."""
    for name, points in closed(captioned, data, texts).items():
        yield name, [points]
    searched(h5, data, 0, folder, stack=300, generations=3, strategy="wide")  # compiles
    sizes: dict[str, dict[str, int]] = {f"wide, {asked.units} units": {"stack": asked.units}}
    if asked.budget:
        sizes[f"wide, {asked.budget / 2**20:.3g} MB"] = {"budget": asked.budget}
    for name, size in sizes.items():
        yield name, [searched(h5, data, seed, folder, strategy="wide", **size) for seed in range(asked.seeds)]


def summary(name: str, runs: list[Points]) -> dict[str, Any]:
    """The ends of all seeds, the medians first, and where each part was lowest."""
    parts = list(runs[0][-1][1])
    return {
        "name": name,
        "seconds": round(float(np.median([run[-1][0] for run in runs])), 1),
        "left at the end": {part: round(float(np.median([run[-1][1][part] for run in runs])), 4) for part in parts},
        "least left": {
            part: round(float(np.median([min(left[part] for _, left in run) for run in runs])), 4) for part in parts
        },
        "seeds": [{part: round(run[-1][1][part], 4) for part in parts} for run in runs],
    }


def draw(found: dict[str, list[Points]], path: Path) -> None:
    """Draw the seed whose end is in the middle, a panel for each part."""
    parts = list(next(iter(found.values()))[0][-1][1])
    panels = []
    for part in parts:
        curves = []
        for number, (name, runs) in enumerate(found.items()):
            ordered = sorted(runs, key=lambda run: run[-1][1][part])
            run = ordered[len(ordered) // 2]
            style: dict[str, Any] = {"color": f"C{number}", "linewidth": 2.5 if name.startswith("wide") else 1.2}
            curves.append(Curve(name, [(cpu, left[part]) for cpu, left in run], style | {"marker": "o", "ms": 3}))
        panels.append(Panel(part, "CPU-seconds", "share of the variance that is left", curves, log=True, bounds=BOUNDS))
    draw_panels(panels, path, len(panels), SIZE)


def main() -> None:
    """Parse, measure, write, print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.studies.text_to_latent_curves", description="Curves of text to latent over CPU-seconds."
    )
    parser.add_argument("data", type=Path, help="captioned latents, HDF5")
    parser.add_argument("--out", type=Path, required=True, help="without .json and .png")
    parser.add_argument("--units", type=int, default=1024)
    parser.add_argument("--budget", type=int, default=3 * 2**20, help="bytes; 0 for none")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20, help="of peers")
    parser.add_argument("--peers", nargs="*", choices=[*PEERS], help="measure only these")
    asked = parser.parse_args()
    report = asked.out.with_suffix(".json")
    found: dict[str, list[Points]] = {}
    if asked.peers is not None:
        known = json.loads(report.read_text(encoding="utf-8"))["methods"]
        found = {line["name"]: line["curves"] for line in known}
    with tempfile.TemporaryDirectory() as folder, threads(1), threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rounds that have not converged
        for name, runs in measure(asked.data, asked, Path(folder) / "run"):
            found[name] = runs
            sys.stdout.write(json.dumps(summary(name, runs)) + "\n")
            sys.stdout.flush()
    lines = [summary(name, runs) | {"curves": runs} for name, runs in found.items()]
    write_report({"schema": "text-to-latent-curves", "methods": lines}, report)
    draw(found, asked.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
