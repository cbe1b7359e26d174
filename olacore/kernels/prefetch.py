"""Ask the processor for memory that is needed soon; Numba has no such function, LLVM has.

The hardware follows rows of one kilobyte badly. Gain for 4 rows of 768 inputs on one thread: from 45 to 75 GFLOP/s
with 65,536 samples, where reading alone allows 88, and from 52 to 102 with 16,384.
"""

from typing import Any

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

READ, KEEP_IN_EVERY_CACHE, DATA = 0, 3, 1


@intrinsic
def _prefetch_line(context: Any, array: Any, index: Any) -> tuple[Any, Any]:
    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = target.make_array(array)(target, builder, arguments[0]).data
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        address = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        builder.call(function, [address, *(ir.Constant(word, flag) for flag in (READ, KEEP_IN_EVERY_CACHE, DATA))])
        return target.get_dummy_value()

    return types.void(array, index), generate


def _prefetch_nothing(array: Any, index: Any) -> None:
    """What plain Python does in place of a prefetch."""


# Fetch the cache line that holds the element `index` of an array's memory; past its end nothing happens.
prefetch_line: Any = _prefetch_nothing if numba.config.DISABLE_JIT else _prefetch_line  # type: ignore[attr-defined]
