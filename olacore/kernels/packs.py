"""Products of a run of samples with weights that lie in the order in which they are read.

A block of inputs meets all rows before the next block does, so that it stays in the first-level cache meanwhile; the
weights pass once, one behind the other, which the hardware fetches ahead. Sums lie in memory between two blocks.

A pack has, block by block of the inputs, tiles of TILE rows and a last one of FEW or TILE; of each tile the rows'
weights for one input, then for the next. Rows past the last are zero.
"""

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from olacore.jit.flags import serial
from olacore.kernels.tile import ADDRESS, I64, LANES, TILE, WIDE, add_panels, splat

# Rows of a last tile that has no more: encoders answer four numbers.
FEW = 4
NAME = "olacore_multiply_pack"


@serial
def pack_size(rows, inputs):
    """Numbers of a pack."""
    return (rows // TILE * TILE + (0 if rows % TILE == 0 else FEW if rows % TILE <= FEW else TILE)) * inputs


@serial
def pack_weights(matrix, block, pack):
    """Write weights (rows, in) in blocks of so many inputs to a pack (pack_size,)."""
    rows, inputs = matrix.shape
    place = 0
    for start in range(0, inputs, block):
        count = min(block, inputs - start)
        for first in range(0, rows, TILE):
            height = TILE if rows - first > FEW else FEW
            for t in range(height):
                row = min(first + t, rows - 1)
                line, part = matrix[row, start : start + count], pack[place + t : place + height * count]
                keep = first + t < rows
                for k in range(count):
                    part[k * height] = line[k] if keep else np.float32(0)
            place += height * count


def _function(module: Any, height: int, wide: bool) -> Any:
    """The function that multiplies a tile of so many rows, made once in a module of LLVM."""
    name = f"{NAME}_{height}"
    if name in module.globals:
        return module.globals[name]
    # Weights; biases, last of them, whether sums start from them; x, numbers of a row, inputs, samples; sums, of a row.
    kind = ir.FunctionType(ir.VoidType(), [ADDRESS, ADDRESS, I64, ir.IntType(1), ADDRESS, I64, I64, I64, ADDRESS, I64])
    function = ir.Function(module, kind, name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    weights, biases, last, begins, x, step, inputs, samples, out, apart = function.args
    for argument in (weights, biases, x, out):
        argument.add_attribute("noalias")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    rows, starts, lines = [], [], []
    for place in range(height):
        row = builder.select(builder.icmp_signed("<", I64(place), last), I64(place), last)
        rows.append(builder.gep(weights, [I64(place)]))
        starts.append(splat(builder, builder.load(builder.gep(biases, [row]))))
        lines.append(builder.gep(out, [builder.mul(I64(place), apart)]))
    tile = rows, height, x, step, inputs, False
    sample = I64(0)
    for lanes in (WIDE, LANES) if wide else (LANES,):
        sample = add_panels(builder, lanes, sample, samples, tile, (begins, starts, lines))
    builder.ret_void()
    return function


@intrinsic
def _multiply_pack(
    context: Any, pack: Any, height: Any, biases: Any, begins: Any, x: Any, samples: Any, sums: Any
) -> Any:
    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def array(number: int) -> Any:
            return target.make_array(signature.args[number])(target, builder, arguments[number])

        def whole(number: int) -> Any:
            return target.cast(builder, arguments[number], signature.args[number], types.int64)

        def numbers_of_a_row(number: int) -> Any:
            return builder.sdiv(builder.extract_value(array(number).strides, 0), I64(4))

        wide = "+avx512f" in target.codegen().magic_tuple()[2]
        flag = target.cast(builder, arguments[3], signature.args[3], types.boolean)
        last = builder.sub(builder.extract_value(array(2).shape, 0), I64(1))
        given = [array(0).data, array(2).data, last, builder.trunc(flag, ir.IntType(1))]
        given += [array(4).data, numbers_of_a_row(4), builder.extract_value(array(4).shape, 0), whole(5)]
        given += [array(6).data, numbers_of_a_row(6)]
        with builder.if_else(builder.icmp_signed("==", whole(1), I64(TILE))) as (then, otherwise):
            for branch, rows in ((then, TILE), (otherwise, FEW)):
                with branch:
                    builder.call(_function(builder.module, rows, wide), given)
        return target.get_dummy_value()

    return types.void(pack, height, biases, begins, x, samples, sums), generate


def _multiply_pack_plainly(pack: Any, height: int, biases: Any, begins: bool, x: Any, samples: int, sums: Any) -> None:
    """The same without the compiler."""
    rows = min(height, len(biases))
    matrix = pack[: height * len(x)].reshape(len(x), height).T
    before = biases[:rows, None] if begins else sums[:rows, :samples]
    sums[:rows, :samples] = before + matrix[:rows] @ x[:, :samples]


# One tile of a pack, of `height` rows, TILE or FEW, with a block of inputs x (in, ...): sums (height, ...) of the first
# `samples`, a multiple of LANES, from their biases on where the tile `begins`; biases (rows from the tile's first on,).
multiply_pack: Any = _multiply_pack_plainly if numba.config.DISABLE_JIT else _multiply_pack  # type: ignore[attr-defined]
