"""Noise levels chosen so that each covers an equal share of the error that a teacher removes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from olacore.blocks import noise_of
from olacore.data import Dataset
from olacore.errors import ConfigError, DataError
from teachers.denoisers.schedule import equal_shares
from teachers.jobs.fill import Tick
from teachers.jobs.noise_rule import NoiseRule, drawn, rounded

if TYPE_CHECKING:
    from teachers.denoisers.denoiser import DenoiserTeacher

# Training rows and levels that a teacher is measured on, and rows whose spectrum stands for a teacher.
MEASURED_ROWS, MEASURED_LEVELS, SPECTRUM_ROWS = 8, 10, 512


def find_levels(
    data: Dataset, teacher: DenoiserTeacher | None, rule: NoiseRule, tick: Tick = lambda done, total: None
) -> tuple[float, ...]:
    """The levels that a rule names, falling; or as many as it asks for, chosen by the error that is left at each.

    Without a teacher the error is that of the best linear denoiser, which follows from the spectrum of the latents.

    Parameters
    ----------
    tick : called with the levels that a teacher was measured at and all such levels, before the first and after each

    Raises
    ------
    ConfigError  if the teacher does not know a level
    DataError  if levels cannot be chosen, since there are no training rows, or the error does not grow
    """
    if isinstance(rule.levels, tuple):
        if teacher:
            for level in rule.levels:
                teacher.schedule.check(level)
        return tuple(sorted(map(rounded, rule.levels), reverse=True))
    train = data.indices("train")
    if not len(train):
        raise DataError("noise levels are chosen by training rows, and there are none; give the levels.")
    most = MEASURED_ROWS if teacher else SPECTRUM_ROWS
    rows = train[spread(len(train), min(most, len(train)))]
    if teacher:
        sigmas, errors = teacher_errors(data, rows, teacher, rule.seed, tick)
    else:
        latents = data.read(["latents"], rows)["latents"].astype(np.float64)
        sigmas, errors = linear_errors(latents.reshape(len(rows), -1))
    chosen = tuple(rounded(level, 3) for level in equal_shares(sigmas, errors, rule.levels).tolist())
    if len(set(chosen)) < len(chosen):
        raise DataError(f"what is left of the noise does not grow with it, so {rule.levels} levels cannot be chosen.")
    return chosen


def spread(count: int, wanted: int) -> np.ndarray:
    """`wanted` of `count` places, evenly spread, rising; (wanted,) int64."""
    return ((np.arange(wanted) + 0.5) * count / wanted).astype(np.int64)


def teacher_errors(
    data: Dataset, rows: np.ndarray, teacher: DenoiserTeacher, seed: int, tick: Tick
) -> tuple[np.ndarray, np.ndarray]:
    """Levels that a teacher knows, rising, and the mean square of its error at each over that of the latents."""
    found = data.read(["latents", "captions"], rows)
    latents = found["latents"].astype(np.float32)
    captions = [text.decode() for text in found["captions"].tolist()]
    noise = noise_of(np.array([drawn(seed, "level", row)[0] for row in range(len(rows))], np.uint64), latents.shape[1:])
    size = float(np.mean(latents**2)) or 1.0
    sigmas = np.geomspace(teacher.schedule.lowest, teacher.schedule.highest, MEASURED_LEVELS)
    errors = []
    tick(0, len(sigmas))
    for sigma in sigmas.tolist():
        noisy = latents + np.float32(sigma) * noise
        clean = teacher.clean_each(noisy, np.full(len(rows), sigma), captions)
        errors.append(float(np.mean((clean - latents) ** 2)) / size)
        tick(len(errors), len(sigmas))
    return sigmas, np.array(errors)


def linear_errors(latents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Levels, rising, and the part of the variance that the best linear denoiser leaves at each.

    Parameters
    ----------
    latents : (n, numbers)

    Raises
    ------
    ConfigError  if the latents are all the same
    """
    centred = latents - latents.mean(0)
    # The eigenvalues of the covariance, by way of the smaller of the two products.
    product = centred @ centred.T if len(centred) < centred.shape[1] else centred.T @ centred
    variances = np.maximum(np.linalg.eigvalsh(product) / len(centred), 0)
    if not variances.sum() > 0:
        raise ConfigError("noise levels are chosen by how latents differ, and they are all the same; give the levels.")
    typical = np.sqrt(variances.sum() / centred.shape[1])
    sigmas = np.geomspace(0.01 * typical, 100 * typical, 200)
    left = [float(np.sum(variances * sigma**2 / (variances + sigma**2))) for sigma in sigmas]
    return sigmas, np.array(left) / variances.sum()
