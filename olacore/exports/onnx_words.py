"""A table of words in a graph, so that it reads words by their lines and not features of texts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from olacore.errors import ConfigError
from olacore.exports.base import Part
from olacore.exports.onnx_graph import FLOAT, INT64, Form, Graph, Port
from olacore.text.table import ORDER, TINY, ZEROS, WordTable

WORDS = Port(
    "words",
    ("batch", "length"),
    "lines, from 0 on, of the words of texts among the words that the metadata list; -1 for none, to fill texts up; "
    "without what left_out of the metadata, a regular expression, finds in the words of a text, a space between them",
    INT64,
)


def table_of(part: Part) -> WordTable:
    """The table of a text module.

    Raises
    ------
    ConfigError  if it has none
    """
    if part.program.gather["name"] != "table":
        raise ConfigError(f"{part.name} has no table of words; leave the option words out.")
    return WordTable.of_view(part.program.gather, part.carried)


def by_words(form: Form, table: WordTable) -> Form:
    """A form whose first input is features, with words in their place."""

    def build(graph: Graph, words: str, *others: str) -> str:
        return form.build(graph, _features(graph, table, words), *others)

    return replace(form, inputs=(WORDS, *form.inputs[1:]), build=build)


def _features(graph: Graph, table: WordTable, words: str) -> str:
    """The features (batch, 2 d) of words (batch, length), as `WordTable.features` has them."""
    known = graph.op("Cast", graph.op("GreaterOrEqual", words, graph.constant(0, np.int64)), to=FLOAT)
    lines = graph.op("Max", words, graph.constant(0, np.int64))

    def looked_up(part: np.ndarray) -> str:
        return graph.op("Cast", graph.op("Gather", graph.constant(part, part.dtype), lines, axis=0), to=FLOAT)

    def total(of: str) -> str:
        return graph.op("ReduceSum", of, graph.whole(1), keepdims=1)

    weights = graph.op("Mul", looked_up(table.weights), known)
    weights = graph.op("Div", weights, graph.op("Max", total(weights), graph.constant(1)))
    # Where known words stand among each other, from -1 to 1; one alone stands in the middle.
    last = graph.op("Sub", total(known), graph.constant(1))
    number = graph.op("Sub", graph.op("CumSum", known, graph.constant(1, np.int64)), graph.constant(1))
    where = graph.op("Div", graph.op("Mul", number, graph.constant(2)), graph.op("Max", last, graph.constant(1)))
    where = graph.op("Sub", where, graph.op("Clip", last, graph.constant(0), graph.constant(1)))
    apart = graph.op("Sub", where, total(graph.op("Mul", weights, where)))
    by_place = graph.op("Mul", graph.op("Mul", weights, apart), graph.constant(ORDER))
    packed, scales = looked_up(table.vectors), graph.op("Unsqueeze", looked_up(table.scales), graph.whole(2))
    most, codes = 1 << table.bits, []
    for _ in range(8 // table.bits):
        high = graph.op("Floor", graph.op("Mul", packed, graph.constant(1 / most)))
        codes.append(graph.op("Sub", packed, graph.op("Mul", high, graph.constant(most))))
        packed = high
    together = graph.op("Concat", *(graph.op("Unsqueeze", code, graph.whole(3)) for code in codes), axis=3)
    levels = graph.op("Reshape", together, graph.whole(0, 0, table.size))
    levels = graph.op("Sub", levels, graph.constant(ZEROS[table.bits]))
    both = graph.op("Concat", *(graph.op("Unsqueeze", one, graph.whole(1)) for one in (weights, by_place)), axis=1)
    sums = graph.op("MatMul", both, graph.op("Mul", levels, scales))
    if table.even:
        lengths = graph.op("Gather", graph.op("ReduceL2", sums, axes=[2], keepdims=1), graph.whole(0), axis=1)
        sums = graph.op("Div", sums, graph.op("Max", lengths, graph.constant(TINY)))
    return graph.op("Reshape", sums, graph.whole(0, 2 * table.size))
