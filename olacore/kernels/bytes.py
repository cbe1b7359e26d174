"""Transpose bytes: eight words of eight bytes become eight rows of eight numbers, in registers.

Numba's loops over a word's bytes move each byte on its own.
"""

from typing import Any

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from olacore.kernels.tile import I64

SIDE = 8
BYTE, WORD, FLOAT = ir.IntType(8), ir.IntType(32), ir.FloatType()


def _mask(places: Any) -> Any:
    places = list(places)
    return ir.Constant(ir.VectorType(WORD, len(places)), [WORD(place) for place in places])


def _interleave(builder: Any, one: Any, other: Any) -> tuple[Any, Any]:
    """Bytes of two vectors of 16 in turn: those of their first halves, and of their second."""
    whole = [half + place for place in range(16) for half in (0, 16)]
    first, second = (builder.shuffle_vector(one, other, _mask(whole[part : part + 16])) for part in (0, 16))
    return first, second


def transpose_bytes(builder: Any, words: list[Any]) -> list[Any]:
    """Of eight words <8 x i8>, the first bytes of all, the second bytes and so on."""
    wide = _mask([*range(SIDE), *[0] * SIDE])
    words = [builder.shuffle_vector(word, word, wide) for word in words]
    pairs = [_interleave(builder, words[place], words[place + 4])[0] for place in range(4)]
    evens, odds = _interleave(builder, pairs[0], pairs[2]), _interleave(builder, pairs[1], pairs[3])
    found = []
    for even, odd in zip(evens, odds, strict=True):
        for both in _interleave(builder, even, odd):
            found += [builder.shuffle_vector(both, both, _mask(range(start, start + SIDE))) for start in (0, SIDE)]
    return found


@intrinsic
def _spread_words(context: Any, words: Any, first: Any, step: Any, cells: Any, row: Any, column: Any) -> Any:
    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def whole(number: int) -> Any:
            return target.cast(builder, arguments[number], signature.args[number], types.int64)

        source, lines = (
            target.make_array(signature.args[number])(target, builder, arguments[number]) for number in (0, 3)
        )
        apart = builder.sdiv(builder.extract_value(lines.strides, 0), I64(4))
        start = builder.gep(lines.data, [builder.add(builder.mul(whole(4), apart), whole(5))])
        places = [builder.add(whole(1), builder.mul(I64(place), whole(2))) for place in range(SIDE)]
        eight = ir.VectorType(BYTE, SIDE).as_pointer()
        given = [builder.load(builder.bitcast(builder.gep(source.data, [place]), eight), align=8) for place in places]
        numbers = ir.VectorType(FLOAT, SIDE)
        for line, found in enumerate(transpose_bytes(builder, given)):
            place = builder.bitcast(builder.gep(start, [builder.mul(I64(line), apart)]), numbers.as_pointer())
            builder.store(builder.uitofp(builder.zext(found, ir.VectorType(WORD, SIDE)), numbers), place, align=4)
        return target.get_dummy_value()

    return types.void(words, first, step, cells, row, column), generate


def _spread_words_plainly(words: Any, first: int, step: int, cells: Any, row: int, column: int) -> None:
    """The same without the compiler."""
    found = words[first : first + step * SIDE : step].copy().view("u1").reshape(SIDE, SIDE)
    cells[row : row + SIDE, column : column + SIDE] = found.T


# The bytes of eight words, from `first` on and `step` apart, as numbers: byte k of word s becomes cells[row + k,
# column + s]; words (...,) contiguous, cells (..., ...) float32 with contiguous rows.
spread_words: Any = _spread_words_plainly if numba.config.DISABLE_JIT else _spread_words  # type: ignore[attr-defined]
