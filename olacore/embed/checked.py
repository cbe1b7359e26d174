"""The checked public forms of the kernels: plain rows in, plain arrays out, one clear sentence for anything else."""

from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
from numba.extending import is_jitted

from olacore.errors import ConfigError, DTypeError, ShapeError
from olacore.jit.threads import threads
from olacore.kernels.forward import forward_population
from olacore.kernels.layers import append_layer
from olacore.kernels.layout import empty_packed, pack_rows, unpack_rows
from olacore.kernels.loss import LOSSES, make_score_population


def check_array(name: str, array: Any, axes: str, sizes: dict[str, int], output: bool = False) -> np.ndarray:
    """A C-contiguous writable float32 array, checked against the axes that are already known.

    Parameters
    ----------
    name : what the message calls the array
    array : whatever the caller gave; a read-only input is copied, anything else is used as it is
    axes : names of the axes, such as "pop, out, in"
    sizes : size of each axis seen so far; new ones are added
    output : whether the array is written

    Returns
    -------
    (pop, out, in) float32, or whatever axes were asked for

    Raises
    ------
    DTypeError  if it is no float32 array, not in C order, or a read-only output
    ShapeError  if its rank or an axis does not fit, or an axis is empty
    """
    wanted = f"{name} must be float32 ({axes})"
    if not isinstance(array, np.ndarray) or array.dtype != np.float32:
        came = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise DTypeError(f"{wanted}; got {came}. Use np.ascontiguousarray({name}, np.float32).")
    names = axes.split(", ")
    if array.ndim != len(names):
        raise ShapeError(f"{wanted}; got {array.ndim} axes, {array.shape}. Reshape it.")
    for axis, size in zip(names, array.shape, strict=True):
        if size == 0:
            raise ShapeError(f"{wanted} with at least one entry along each axis; got {array.shape}.")
        if sizes.setdefault(axis, size) != size:
            raise ShapeError(f"{wanted} with {axis} = {sizes[axis]} as in the arrays before it; got {array.shape}.")
    if not array.flags.c_contiguous:
        raise DTypeError(f"{wanted} in C order; got strides {array.strides}. Use np.ascontiguousarray({name}).")
    if not array.flags.writeable:
        if output:
            raise DTypeError(f"{wanted} and writable; got a read-only array. Give another one, or a copy.")
        return array.copy()
    return np.asarray(array)


def compiled_loss(loss: str | Callable[..., Any]) -> Callable[..., Any]:
    """The compiled loss of that name, or the user's own compiled function of (prediction, target).

    Parameters
    ----------
    loss : a name, or a function compiled with `numba.njit`

    Raises
    ------
    ConfigError  if the name is unknown or the function is not compiled
    """
    if isinstance(loss, str):
        if loss in LOSSES:
            return LOSSES[loss]
    elif is_jitted(loss) or numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return loss
    known = ", ".join(LOSSES)
    raise ConfigError(f"loss must be {known} or a function compiled with numba.njit; got {loss!r}.")


def forward(weights: np.ndarray, biases: np.ndarray, x: np.ndarray, n_threads: int | None = None) -> np.ndarray:
    """Predictions tanh(W x + b) of one module or of a population.

    Parameters
    ----------
    weights : (pop, out, in) or (out, in)
    biases : (pop, out) or (out,)
    x : (n, in)
    n_threads : threads of this call; None keeps the caller's number

    Returns
    -------
    (pop, n, out) or (n, out) float32

    Raises
    ------
    DTypeError, ShapeError  if an array is not C-contiguous float32, or the arrays do not fit each other
    ConfigError  if `n_threads` is out of range
    """
    sizes: dict[str, int] = {}
    population = "pop, " if np.ndim(weights) == 3 else ""
    weights = check_array("weights", weights, f"{population}out, in", sizes)
    biases = check_array("biases", biases, f"{population}out", sizes)
    x = check_array("x", x, "n, in", sizes)
    packed = empty_packed(*x.shape)
    out = np.empty((sizes.get("pop", 1), sizes["out"], sizes["n"]), np.float32)
    with threads(n_threads):
        pack_rows(x, packed)
        forward_population(weights.reshape(-1, *weights.shape[-2:]), biases.reshape(out.shape[:2]), packed, out)
    return np.ascontiguousarray((out if population else out[0]).swapaxes(-1, -2))


def forward_stack(
    layers: Sequence[tuple[np.ndarray, np.ndarray]], x: np.ndarray, n_threads: int | None = None
) -> np.ndarray:
    """Answers of the last of several maps, of which each reads the inputs and what all maps before it answered.

    Parameters
    ----------
    layers : weights (out, in) and biases (out,) of each map; the first reads x, and the `in` of every other is that of
        the map before it plus that map's `out`
    x : (n, in)
    n_threads : threads of this call; None keeps the caller's number

    Returns
    -------
    (n, out) float32 of the last map

    Raises
    ------
    DTypeError, ShapeError  if an array is not C-contiguous float32, or the arrays do not fit each other
    ConfigError  if there is no layer, or `n_threads` is out of range
    """
    if not len(layers):
        raise ConfigError("a stack needs at least one layer; got none.")
    x = check_array("x", x, "n, in", {})
    width, checked = x.shape[1], []
    for number, (weights, biases) in enumerate(layers):
        sizes = {"in": width}
        weights = check_array(f"weights of layer {number}", weights, "out, in", sizes)
        checked.append((weights, check_array(f"biases of layer {number}", biases, "out", sizes)))
        width += sizes["out"]
    packed = empty_packed(len(x), width)
    with threads(n_threads):
        pack_rows(x, packed)
        for weights, biases in checked:
            append_layer(weights, biases, len(x), packed)
        everything = np.empty((len(x), width), np.float32)
        unpack_rows(packed, everything)
    return np.ascontiguousarray(everything[:, width - len(checked[-1][1]) :])


def score(
    weights: np.ndarray,
    biases: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    loss: str | Callable[..., Any] = "mse",
    n_threads: int | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Mean loss of every genome and row on one block.

    Parameters
    ----------
    weights : (pop, out, in)
    biases : (pop, out)
    x : (n, in)  inputs
    y : (n, out)  targets, in (-1, 1) to be reachable
    loss : "mse", "mae", "huber", or an `njit` function of (prediction, target)
    n_threads : threads of this call; None keeps the caller's number
    out : (pop, out)  written if given

    Returns
    -------
    (pop, out) float32; a row with a non-finite pre-activation or loss is inf

    Raises
    ------
    DTypeError, ShapeError  if an array is not C-contiguous float32, or the arrays do not fit each other
    ConfigError  if `loss` or `n_threads` is unknown or out of range
    """
    sizes: dict[str, int] = {}
    weights = check_array("weights", weights, "pop, out, in", sizes)
    biases = check_array("biases", biases, "pop, out", sizes)
    x = check_array("x", x, "n, in", sizes)
    y = check_array("y", y, "n, out", sizes)
    out = np.empty_like(biases) if out is None else check_array("out", out, "pop, out", sizes, output=True)
    kernel = make_score_population(compiled_loss(loss))
    packed = empty_packed(*x.shape)
    with threads(n_threads):
        pack_rows(x, packed)
        kernel(weights, biases, packed, np.ascontiguousarray(y.T), out)
    return out
