"""Hand jobs out to threads as they come free; Numba cuts a range in equal parts beforehand.

Where other programs want the cores too, a thread that has lost its core would keep its part waiting.
"""

from typing import Any

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic


@intrinsic
def _take_job(context: Any, counter: Any) -> Any:
    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = target.make_array(counter)(target, builder, arguments[0]).data
        return builder.atomic_rmw("add", data, ir.IntType(64)(1), "monotonic")

    return types.int64(counter), generate


def _take_job_plainly(counter: Any) -> int:
    """The same without the compiler, and without threads."""
    counter[0] += 1
    return int(counter[0]) - 1


# The number of the next job, from a counter (1,) int64 that all threads share and that starts at 0.
take_job: Any = _take_job_plainly if numba.config.DISABLE_JIT else _take_job  # type: ignore[attr-defined]
