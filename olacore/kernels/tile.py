"""A tile of a product whose sums stay in vector registers, which neither NumPy nor Numba can ask for.

TILE rows of weights meet a panel of samples: LANES of them, or WIDE where registers hold 16 numbers and there are 32.
Each input of the panel is read once for all rows, and each sum is written once. On AVX2 that is 12 sums, 2 inputs and
1 weight in 16 registers. A sum adds its products in the order of the inputs, whatever the panel, so that its bits
depend on nothing but its own row and its own sample.
"""

from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from olacore.kernels.prefetch import fetch_line

TILE = 6
LANES = 16
# Samples of a panel with AVX-512: 24 of 32 registers are sums.
WIDE = 64
# Inputs that all panels of a chunk meet before the next ones, so that what is fetched ahead stays in the caches.
BLOCK = 32

I64, FLOAT = ir.IntType(64), ir.FloatType()
ADDRESS = FLOAT.as_pointer()
VECTOR = ir.VectorType(FLOAT, LANES)
NAME = "olacore_multiply_tile"


def splat(builder: Any, number: Any) -> Any:
    """A vector of one number."""
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), number, ir.IntType(32)(0))
    return builder.shuffle_vector(one, one, zeros)


def _place(builder: Any, address: Any, offset: Any) -> Any:
    """The address of a vector, `offset` numbers behind another."""
    return builder.bitcast(builder.gep(address, [offset]), VECTOR.as_pointer())


def _panel(builder: Any, lanes: int, tile: Any, starts: list[Any], x: Any) -> list[Any]:
    """Sums of one panel, from their starts on, row by row; asked to, it fetches what it will read of the next block."""
    rows, each, _, step, inputs, fetch = tile
    kind = ir.FunctionType(VECTOR, [VECTOR] * 3)
    multiply_add = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{LANES}f32")
    parts = [I64(part) for part in range(0, lanes, LANES)]
    ahead = builder.mul(step, I64(BLOCK))
    entry, loop, after = builder.block, builder.append_basic_block("add"), builder.append_basic_block("added")
    builder.branch(loop)
    builder.position_at_end(loop)
    index, column = builder.phi(I64), builder.phi(ADDRESS)
    index.add_incoming(I64(0), entry)
    column.add_incoming(x, entry)
    old = [builder.phi(VECTOR) for _ in starts]
    for part in parts if fetch else ():
        fetch_line(builder, builder.gep(column, [builder.add(ahead, part)]))
    values = [builder.load(_place(builder, column, part), align=4) for part in parts]
    new: list[Any] = []
    for row in rows:
        weight = splat(builder, builder.load(builder.gep(row, [builder.mul(index, I64(each))])))
        line = old[len(new) : len(new) + len(parts)]
        new += [builder.call(multiply_add, [weight, value, phi]) for value, phi in zip(values, line, strict=True)]
    for phi, start, value in zip(old, starts, new, strict=True):
        phi.add_incoming(start, entry)
        phi.add_incoming(value, loop)
    later = builder.add(index, I64(1))
    index.add_incoming(later, loop)
    column.add_incoming(builder.gep(column, [step]), loop)
    builder.cbranch(builder.icmp_signed("<", later, inputs), loop, after)
    builder.position_at_end(after)
    return new


def add_panels(builder: Any, lanes: int, start: Any, stop: Any, tile: Any, sums: Any) -> Any:
    """All panels of so many lanes from sample `start` on that end by `stop`; the sample behind them.

    tile : rows, how far weights of a row lie apart, x, step and inputs of a block, and whether to fetch the next one
    sums : whether this is the first block, the biases that sums start from then, and where the sums of each row lie
    """
    begins, biases, lines = sums
    entry, head, body, after = builder.block, *(builder.append_basic_block(name) for name in ("head", "panel", "past"))
    builder.branch(head)
    builder.position_at_end(head)
    sample = builder.phi(I64)
    sample.add_incoming(start, entry)
    end = builder.add(sample, I64(lanes))
    builder.cbranch(builder.icmp_signed("<=", end, stop), body, after)
    builder.position_at_end(body)
    parts = range(0, lanes, LANES)
    places = [_place(builder, line, builder.add(sample, I64(part))) for line in lines for part in parts]
    given = [bias for bias in biases for _ in parts]
    starts = [
        builder.select(begins, bias, builder.load(place, align=4)) for bias, place in zip(given, places, strict=True)
    ]
    found = _panel(builder, lanes, tile, starts, builder.gep(tile[2], [sample]))
    for value, place in zip(found, places, strict=True):
        builder.store(value, place, align=4)
    sample.add_incoming(end, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return sample


def _function(module: Any, wide: bool, fetch: bool) -> Any:
    """The function that multiplies a tile, made once in a module of LLVM."""
    name = f"{NAME}_fetching" if fetch else NAME
    if name in module.globals:
        return module.globals[name]
    # Weights, numbers of a row, last row, biases, first row; x, numbers of a row, inputs, samples; sums, of a row.
    kind = ir.FunctionType(ir.VoidType(), [ADDRESS, I64, I64, ADDRESS, I64, ADDRESS, I64, I64, I64, ADDRESS, I64])
    function = ir.Function(module, kind, name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    weights, length, last, biases, first, x, step, inputs, samples, out, apart = function.args
    for argument in (weights, biases, x, out):
        argument.add_attribute("noalias")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    rows, starts, lines = [], [], []
    for place in range(TILE):
        row = builder.add(first, I64(place))
        row = builder.select(builder.icmp_signed("<", row, last), row, last)
        rows.append(builder.gep(weights, [builder.mul(row, length)]))
        starts.append(splat(builder, builder.load(builder.gep(biases, [row]))))
        lines.append(builder.gep(out, [builder.mul(I64(place), apart)]))
    entry, block, after = builder.block, *(builder.append_basic_block(name) for name in ("block", "done"))
    builder.branch(block)
    builder.position_at_end(block)
    index = builder.phi(I64)
    index.add_incoming(I64(0), entry)
    rest = builder.sub(inputs, index)
    count = builder.select(builder.icmp_signed("<", rest, I64(BLOCK)), rest, I64(BLOCK))
    column = builder.gep(x, [builder.mul(index, step)])
    tile = [builder.gep(row, [index]) for row in rows], 1, column, step, count, fetch
    begins = builder.icmp_signed("==", index, I64(0))
    sample = I64(0)
    for lanes in (WIDE, LANES) if wide else (LANES,):
        sample = add_panels(builder, lanes, sample, samples, tile, (begins, starts, lines))
    later = builder.add(index, I64(BLOCK))
    index.add_incoming(later, builder.block)
    builder.cbranch(builder.icmp_signed("<", later, inputs), block, after)
    builder.position_at_end(after)
    builder.ret_void()
    return function


@intrinsic
def _multiply_tile(
    context: Any, weights: Any, biases: Any, first: Any, x: Any, samples: Any, fetch: Any, sums: Any
) -> Any:
    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def array(number: int) -> Any:
            return target.make_array(signature.args[number])(target, builder, arguments[number])

        def numbers_of_a_row(number: int) -> Any:
            return builder.sdiv(builder.extract_value(array(number).strides, 0), I64(4))

        def whole(number: int) -> Any:
            return target.cast(builder, arguments[number], signature.args[number], types.int64)

        wide = "+avx512f" in target.codegen().magic_tuple()[2]
        rows, inputs = (builder.extract_value(array(0).shape, axis) for axis in range(2))
        given = [array(0).data, numbers_of_a_row(0), builder.sub(rows, I64(1)), array(1).data, whole(2)]
        given += [array(3).data, numbers_of_a_row(3), inputs, whole(4), array(6).data, numbers_of_a_row(6)]
        asked = target.cast(builder, arguments[5], signature.args[5], types.boolean)
        with builder.if_else(builder.trunc(asked, ir.IntType(1))) as (then, otherwise):
            for branch, fetching in ((then, True), (otherwise, False)):
                with branch:
                    builder.call(_function(builder.module, wide, fetching), given)
        return target.get_dummy_value()

    return types.void(weights, biases, first, x, samples, fetch, sums), generate


def _multiply_tile_plainly(weights: Any, biases: Any, first: int, x: Any, samples: int, fetch: bool, sums: Any) -> None:
    """The same without the compiler."""
    for place in range(TILE):
        row = min(first + place, len(weights) - 1)
        sums[place, :samples] = biases[row] + weights[row] @ x[: weights.shape[1], :samples]


# Pre-activations of the rows from `first` on, those past the end repeat the last, for the first `samples` of a chunk,
# a multiple of LANES: weights (rows, in), biases (rows,), x (in, ...), sums (TILE, ...) written; rows contiguous.
# `fetch` is for the first tile that reads a chunk in memory: 768 inputs of 16,384 samples for 4 rows take 12 GFLOP/s
# without and 22 with it; what lies in the caches takes a quarter longer with it.
multiply_tile: Any = _multiply_tile_plainly if numba.config.DISABLE_JIT else _multiply_tile  # type: ignore[attr-defined]
