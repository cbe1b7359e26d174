"""One-thread forms of the kernels, to be called from compiled code of one's own.

Each has the name, the arguments and the body of the parallel kernel it is made from, and starts no threads, so that it
may also be called inside another function's `prange`. Nothing is checked: see `docs/embedding.md` for what each takes.
"""

from collections.abc import Callable
from typing import Any

from olacore.jit.flags import serial
from olacore.kernels import forward, incremental, layers, layout, mutate, random, tanh, trust
from olacore.kernels import loss as losses
from olacore.kernels.layout import CHUNK
from olacore.kernels.loss import mae, make_huber, mse
from olacore.kernels.tanh import tanh32

__all__ = [
    "CHUNK",
    "append_layer",
    "apply_tanh",
    "empty_packed",
    "fill_normal",
    "fill_uniform",
    "forward_population",
    "mae",
    "make_huber",
    "make_score_directions",
    "make_score_population",
    "mse",
    "multiply_packed",
    "mutate_population",
    "mutate_rank1",
    "mutate_sparse",
    "pack_rows",
    "recombine_rows",
    "score_directions",
    "score_population",
    "tanh32",
    "unpack_rows",
    "update_trust",
]

empty_packed = serial(layout.empty_packed)
pack_rows = serial(layout.pack_rows)
unpack_rows = serial(layout.unpack_rows)
apply_tanh = serial(tanh.apply_tanh)
multiply_packed = serial(forward.multiply_packed)
forward_population = serial(forward.forward_population)
append_layer = serial(layers.append_layer)
score_population = serial(losses.score_population)
score_directions = serial(incremental.score_directions)
mutate_population = serial(mutate.mutate_population)
mutate_sparse = serial(mutate.mutate_sparse)
mutate_rank1 = serial(mutate.mutate_rank1)
recombine_rows = serial(mutate.recombine_rows)
fill_normal = serial(random.fill_normal)
fill_uniform = serial(random.fill_uniform)
update_trust = serial(trust.update_trust)


def make_score_population(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The one-thread `score_population` of a compiled loss, a function of (prediction, target).

    Parameters
    ----------
    loss : two float32 to one, compiled with `numba.njit`
    """
    return serial(losses.make_score_population(loss))


def make_score_directions(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The one-thread `score_directions` of a compiled loss, a function of (prediction, target).

    Parameters
    ----------
    loss : two float32 to one, compiled with `numba.njit`
    """
    return serial(incremental.make_score_directions(loss))
