"""Ask the processor for memory that is needed soon; Numba has no such function, LLVM has.

The hardware follows rows of one kilobyte badly.
"""

from typing import Any

from llvmlite import ir

READ, KEEP_IN_EVERY_CACHE, DATA = 0, 3, 1


def fetch_line(builder: Any, address: Any) -> None:
    """Fetch the cache line of an address, in a function that `builder` writes; it may lie past the end."""
    byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
    function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
    flags = (ir.Constant(word, flag) for flag in (READ, KEEP_IN_EVERY_CACHE, DATA))
    builder.call(function, [builder.bitcast(address, byte), *flags])
