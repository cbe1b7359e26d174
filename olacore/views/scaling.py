"""Inputs and targets brought to the range that a tanh-affine map works in, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from olacore.errors import DataError
from olacore.jit.threads import one_blas_thread

# Targets that the sample behind the statistics did not show may lie further out; this keeps them inside (-1, 1) too.
TARGET_MARGIN = np.float32(1.25)
TINY = np.float32(1e-6)
# The least mean that the spread of an input is compared with.
LEAST = 1e-30
# Statistics past it overflow in float32, or in what is computed from them.
LARGEST = 1e37


@dataclass(frozen=True)
class Scaling:
    """Standardisation that a module carries: `x = (input - input_mean) / input_scale`, `target = y * target_scale +
    target_mean`.

    With a basis, an answer is a number for each of its components: `target = (y * target_scale) basis + target_mean`.

    Parameters
    ----------
    input_mean, input_scale : (in,) float32
    target_mean : (targets,) float32
    target_scale : (out,) float32; there are as many answers as targets, or as components of the basis
    basis : (out, targets) float32, about orthonormal rows; None for answers that are targets
    """

    input_mean: np.ndarray
    input_scale: np.ndarray
    target_mean: np.ndarray
    target_scale: np.ndarray
    basis: np.ndarray | None = None

    @property
    def outputs(self) -> int:
        """Numbers that a module of this scaling answers, before they become targets."""
        return len(self.target_scale)

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """Its arrays by name, those that there are."""
        return {name: part for name, part in vars(self).items() if part is not None}

    @classmethod
    def identity(cls, inputs: int, outputs: int) -> Scaling:
        """Return the scaling that changes nothing."""
        zeros, ones = np.zeros, np.ones
        return cls(
            zeros(inputs, np.float32),
            ones(inputs, np.float32),
            zeros(outputs, np.float32),
            ones(outputs, np.float32),
        )

    @classmethod
    def fit(
        cls, inputs: np.ndarray, targets: np.ndarray, target_bound: float | None, *, alike: bool = False
    ) -> Scaling:
        """Measure the scaling on a sample of rows.

        Parameters
        ----------
        inputs : (n, in)
        targets : (n, out)
        target_bound : the largest absolute value that a target can take, for targets of a known range; None for others
        alike : divide all inputs by one number, the root mean square of their spreads

        Raises
        ------
        DataError  if numbers are too large to compute with
        """
        mean = inputs.mean(0, dtype=np.float64)
        spread = inputs.std(0, dtype=np.float64)
        if alike:
            spread = np.full_like(spread, np.sqrt(np.square(spread).mean()))
        # An input that never changes carries nothing: it stays at zero instead of being blown up.
        scale = np.where(spread > TINY * np.maximum(np.abs(mean), LEAST), spread, 1.0)
        if target_bound is not None:
            centre = np.zeros(targets.shape[1])
            reach = np.full(targets.shape[1], target_bound * 1.02)
        else:
            centre = targets.mean(0, dtype=np.float64)
            reach = np.abs(targets - centre).max(0) * TARGET_MARGIN
            reach[reach < TINY] = 1.0
        for what, values in (("inputs", (mean, scale)), ("targets", (centre, reach))):
            largest = max(float(np.abs(value).max()) for value in values)
            if not largest <= LARGEST:
                raise DataError(f"the {what} reach {largest:.3g}, too far to compute with in float32; scale them down.")
        f32 = np.float32
        return cls(mean.astype(f32), scale.astype(f32), centre.astype(f32), reach.astype(f32))

    def restore_targets(self, outputs: np.ndarray) -> np.ndarray:
        """Turn a module's outputs (out, n), changing them, into targets (targets, n) of the data's own scale."""
        outputs *= self.target_scale[:, None]
        if self.basis is not None:
            with one_blas_thread():
                outputs = self.basis.T @ outputs
        outputs += self.target_mean[:, None]
        return outputs

    def restore_each(self, outputs: np.ndarray) -> np.ndarray:
        """Turn outputs (out, n) into targets (targets, n), each sample alone: how many there are changes no bit of any.

        Otherwise as `restore_targets`. BLAS adds the parts of a product with one vector in another order than those of
        a product with several.
        """
        if self.basis is None:
            return self.restore_targets(outputs)
        outputs *= self.target_scale[:, None]
        with one_blas_thread():
            targets = np.stack([self.basis.T @ np.ascontiguousarray(sample) for sample in outputs.T], 1)
        targets += self.target_mean[:, None]
        return targets

    def standardise_targets(self, targets: np.ndarray) -> np.ndarray:
        """Turn targets (targets, n) of the data's own scale, changing them, into answers of a module, (out, n)."""
        targets -= self.target_mean[:, None]
        if self.basis is not None:
            with one_blas_thread():
                targets = self.basis @ targets
        targets /= self.target_scale[:, None]
        return targets
