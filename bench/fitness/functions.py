"""Ten functions of the families of COCO, by formula, in 40 dimensions; all have their least value, 0, somewhere within.

Source: Hansen, Finck, Ros and Auger, "Real-parameter black-box optimization benchmarking 2009: noiseless functions
definitions", inria-00362633; without its oscillations and asymmetries.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SIZE = 40
# Within so much of zero lies the optimum, in each number.
WITHIN = 4.0

Losses = Callable[[np.ndarray], np.ndarray]


def functions(seed: int) -> dict[str, Losses]:
    """The functions by name, each of points (pop, 40) to (pop,), with an optimum and rotations of the seed."""
    rng = np.random.default_rng(seed)
    optimum = rng.uniform(-WITHIN, WITHIN, SIZE)
    turn, other = (np.linalg.qr(rng.standard_normal((SIZE, SIZE)))[0] for _ in range(2))
    place = np.arange(SIZE) / (SIZE - 1)
    million, ten = 10.0 ** (6 * place), 10.0 ** (0.5 * place)
    stretch = max(1.0, np.sqrt(SIZE) / 8)

    def apart(points: np.ndarray) -> np.ndarray:
        return points - optimum

    def turned(points: np.ndarray) -> np.ndarray:
        return apart(points) @ turn.T

    def rosenbrock(z: np.ndarray) -> np.ndarray:
        bent = stretch * z + 1
        return (100 * (bent[:, :-1] ** 2 - bent[:, 1:]) ** 2 + (bent[:, :-1] - 1) ** 2).sum(1)

    def schaffers(z: np.ndarray) -> np.ndarray:
        bent = (z * ten) @ other.T
        length = np.sqrt(bent[:, :-1] ** 2 + bent[:, 1:] ** 2)
        return np.mean(np.sqrt(length) * (1 + np.sin(50 * length**0.2) ** 2), 1) ** 2

    def rastrigin(z: np.ndarray) -> np.ndarray:
        return 10 * (SIZE - np.cos(2 * np.pi * z).sum(1)) + (z**2).sum(1)

    return {
        "sphere": lambda x: (apart(x) ** 2).sum(1),
        "ellipsoid, separable": lambda x: (million * apart(x) ** 2).sum(1),
        "ellipsoid": lambda x: (million * turned(x) ** 2).sum(1),
        "Rosenbrock, separable": lambda x: rosenbrock(apart(x)),
        "Rosenbrock": lambda x: rosenbrock(turned(x)),
        "discus": lambda x: (turned(x) ** 2) @ np.r_[1e6, np.ones(SIZE - 1)],
        "bent cigar": lambda x: (turned(x) ** 2) @ np.r_[1, np.full(SIZE - 1, 1e6)],
        "different powers": lambda x: np.sqrt((np.abs(turned(x)) ** (2 + 4 * place)).sum(1)),
        "Rastrigin, separable": lambda x: rastrigin(apart(x)),
        "Schaffers": lambda x: schaffers(turned(x)),
    }
