"""Modules as one C header each: C99 and C++, no allocation, no library but the compiler's.

The C code itself is in the templates beside this file. Samples are computed a tile at a time. The numbers of a sample
lie in one line: its inputs, and behind them what each map answers, padded to whole panels; so every map reads all that
lies before its answers. Weights lie in the order in which they are read: panels of as many answers as are computed at
once, and in each the answers' weights of one input after the other.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, ClassVar

import numpy as np

from olacore.errors import ConfigError
from olacore.exports.base import EXPORTERS, Exporter, Part
from olacore.exports.convolution import CODEC, Convolutions
from olacore.files import replace_file
from olacore.modules.program import Factors, Program
from olacore.version import __version__

# Answers of a panel, and samples of a tile, which is whole groups of the rows of both variants; by measurement.
LANES, TILE = 16, 48
# What maps are compiled as: a suffix, a vector, and how many samples have their sums in registers.
VARIANTS = {"narrow": ("", "short", 2), "wide": ("_avx2", "long", 6)}
CACHE_LINE = 64
# Pixels along a side of what is decoded and refined at once; by measurement.
SPAN = 128
LARGEST = 65_536  # sites or pixels of a side
# The largest half is in [2^14, 2^15); its bits, where a float has them, are a number that is smaller by 2^112.
MOST_HALF, HALF_BIAS = 14, 112
# What is added to levels so that they are cut off to the nearest: half a level, and the level of the number 0.
MIDDLES = {"decoder": 128, "refiner": 0.5}
TEXT_WIDTH, A_LINE = 116, 8  # characters of a comment, and numbers of an array, in a line


@dataclass(frozen=True)
class CHeader(Exporter):
    """One header in the style of stb: declarations, and behind a macro the code and the numbers.

    Parameters
    ----------
    fp16 : weights of decoders as float16, half the text. Those that are stored as float16 or int8 keep their values;
        with others pixels stay within one level. Encoders and plain modules have float32 in any case: latents would
        move by up to 3e-3
    symbol : what symbols are named after, `ola_<symbol>_decode`; empty for the name of the module
    """

    name: ClassVar[str] = "c"
    suffix: ClassVar[str] = ".h"

    fp16: bool = True
    symbol: str = ""

    def write(self, parts: Sequence[Part], path: Path) -> int:
        """Write the header of an encoder or a decoder of the view patch, or of a plain module."""
        return replace_file(path, self.text(parts[0]).encode("ascii"))

    def text(self, part: Part) -> str:
        """The header; the same for the same module and name.

        Raises
        ------
        ConfigError  if the view is another one, numbers do not fit their type, or the name has neither letter nor digit
        """
        prefix = f"ola_{identifier(self.symbol or part.name)}"
        kind, program = part.program.gather["kind"], part.program
        stages = {"maps": program} if program.refiner is None else {"maps": program, "refine": program.refiner}
        maps = {name: list(_maps(stage)) for name, stage in stages.items()}
        facts = _facts(part, maps) | {"prefix": prefix, "macro": prefix.upper()}
        every = [one for stage in maps.values() for one in stage]
        panels, room = [one.panels for one in every], TILE * facts["width"]
        gain, shift = _restoring(program)
        arrays = {"biases": [one.biases for one in every], "gain": [gain], "shift": [shift]}
        if program.refiner is not None:
            more = dict(zip(("refiner_gain", "refiner_shift"), _restoring(program.refiner), strict=True))
            arrays |= {name: [array] for name, array in more.items()}
        if not all(np.isfinite(one).all() for one in (*panels, *(one for each in arrays.values() for one in each))):
            raise ConfigError(f"{part.name} has numbers that are too large for float32, with its scaling in them.")
        if self.fp16 and kind == "decoder":
            stored, room = "halves", room + facts["count"]
            arrays |= {"halves": [one.halves for one in every]}
            arrays |= {name: [getattr(one, name) for one in every] for name in ("rows", "columns")}
            facts |= {"unit": _number(np.float32(2.0**HALF_BIAS)), "calls": _unpacking(every, prefix)}
            facts["unpacking"] = _section("map", "unpack", facts) + "\n\n"
        else:
            stored, arrays["weights"] = "floats", panels
        facts["drawn"] = room
        facts["scratch"] = CACHE_LINE + 4 * room + facts["buffer"]
        for section in ("about", "sizes", "example", "declarations"):
            facts[section] = _section(kind, section, facts)
        facts["functions"] = _functions(part, facts)
        facts["about"] = _filled(facts["about"].replace("\n", " "), " " * 3)
        facts["example"] = textwrap.indent(facts["example"], " " * 4)
        for variant, (suffix, vector, rows) in VARIANTS.items():
            own = {"suffix": suffix, "vector": f"{prefix}_{vector}", "rows": rows}
            facts[variant] = _section("map", "map", facts | own)
        facts |= {"unpack": _section("map", stored, facts), "stages": _stages(maps, facts)}
        facts["arrays"] = "\n".join(_array(f"{prefix}_{name}", values) for name, values in arrays.items())
        return _section("header", "header", facts) + "\n"


EXPORTERS.add(CHeader())


@dataclass(frozen=True)
class _Map:
    """A map as it is stored.

    Parameters
    ----------
    panels : (answers / LANES, inputs, LANES) float32, of the weights
    biases : (answers,) float32
    halves : panels as the bits of float16, (answers / LANES, inputs, LANES) uint16; the weights are these times rows
        and columns
    rows, columns : (answers,) and (inputs,) float32
    bends : whether there is a tanh
    """

    panels: np.ndarray
    biases: np.ndarray
    halves: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    bends: bool = True


def identifier(name: str) -> str:
    """What a C identifier can have of a name: letters and digits of ASCII, small, with an underscore for the rest.

    Raises
    ------
    ConfigError  if that is nothing
    """
    found = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
    if not found:
        raise ConfigError(f"the name {name!r} has nothing that fits a C identifier; give --option symbol=NAME.")
    return found


def _maps(program: Program) -> Iterator[_Map]:
    """Maps that read lines of padded answers; a basis is one more, without a tanh."""
    places = [np.arange(program.inputs)]  # of what a map reads, in a line
    width = program.inputs
    steps = [(step.weights, step.biases, step.factors, True) for step in program.steps]
    if program.basis is not None:
        weights = program.basis.T * program.gain
        steps.append((weights, program.shift, Factors.of(weights, "float32", False), False))
    for weights, biases, factors, bends in steps:
        read = np.concatenate(places if bends else places[-1:])
        count = len(biases)
        padded = -(-count // LANES) * LANES
        levels, exponent = _as_halves(factors.levels)
        columns = np.zeros(width, np.float32)
        columns[read] = factors.columns
        yield _Map(
            _panels(weights, padded, width, read),
            np.pad(biases, (0, padded - count)),
            _panels(levels, padded, width, read).view(np.uint16),
            np.pad(np.ldexp(factors.rows, exponent), (0, padded - count)),
            columns,
            bends,
        )
        places.append(np.arange(width, width + count))
        width += padded


def _panels(matrix: np.ndarray, outputs: int, inputs: int, read: np.ndarray) -> np.ndarray:
    """A matrix (out, in) in panels (outputs / LANES, inputs, LANES), its columns in their places, zeros elsewhere."""
    wide = np.zeros((outputs, inputs), matrix.dtype)
    wide[: len(matrix), read] = matrix
    return np.ascontiguousarray(wide.reshape(-1, LANES, inputs).transpose(0, 2, 1))


def _as_halves(levels: np.ndarray) -> tuple[np.ndarray, int]:
    """Levels as float16, and the power of two by which they became smaller: none, where float16 has them all."""
    if levels.dtype != np.float32 or not np.isfinite(levels).all():
        return levels.astype(np.float16), 0
    exponent = int(np.frexp(np.abs(levels).max())[1]) - 1 - MOST_HALF
    return np.ldexp(levels.astype(np.float64), -exponent).astype(np.float16), exponent


def _facts(part: Part, maps: Mapping[str, Sequence[_Map]]) -> dict[str, Any]:
    """What the templates name."""
    program, gather = part.program, part.program.gather
    ends = {"maps": program.inputs + sum(one.biases.size for one in maps["maps"])}
    facts: dict[str, Any] = {"lanes": LANES, "tile": TILE, "largest": LARGEST, "version": __version__}
    facts |= {"buffer": 0, "ranges": "", "unpacking": ""}  # where there is no refiner, or nothing to unpack
    facts |= {"answers": ends["maps"] - maps["maps"][-1].biases.size}
    facts |= {"name": _said(part.name), "digest": part.digest, "title": program.title}
    facts |= {"inputs": program.inputs, "outputs": program.outputs, **_origin(part)}
    if gather["kind"] != "plain":
        form = Convolutions.of(part, CODEC)
        side = form.factor + 2 * form.pad if form.kind == "encoder" else 1 + 2 * form.pad
        facts |= {"channels": form.channels, "factor": form.factor, "pad": form.pad, "side": side, "window": "gather"}
        if form.refiner is not None and program.refiner is not None:
            ends["refine"] = program.refiner.inputs + sum(one.biases.size for one in maps["refine"])
            facts["title"] += " with a refiner"
            facts["refined"] = ends["refine"] - maps["refine"][-1].biases.size
            facts |= _refining(form, form.refiner, program.refiner.inputs)
    facts |= {"width": max(ends.values()), "count": sum(one.panels.size for each in maps.values() for one in each)}
    return facts


def _refining(form: Convolutions, refiner: Convolutions, inputs: int) -> dict[str, Any]:
    """What the templates name of a refiner behind a decoder."""
    span, halo, seen = max(1, SPAN // form.factor), -(-refiner.pad // form.factor), refiner.factor + 2 * refiner.pad
    return {
        "span": span,
        "halo": halo,
        "buffer": 3 * ((span + 2 * halo) * form.factor) ** 2,
        "block": refiner.factor,
        "border": refiner.pad,
        "seen": seen,
        "pixels": 3 * seen**2,
        "looks": inputs,
        "context": refiner.context,
        "ranges": f" The refiner sees what is\n   around: up to {halo * form.factor} rows on either side are "
        "decoded for it, and not written.",
    }


def _functions(part: Part, facts: dict[str, Any]) -> str:
    """The C code of what is called."""
    kind = part.program.gather["kind"]
    if kind != "decoder":
        return _section(kind, "functions", facts)
    parts = [_section(kind, section, facts) for section in ("repeat", "window", "put")]
    if part.program.refiner is None:
        parts.append(_section(kind, "functions", facts))
    else:
        beside = ""
        if (context := facts["context"]) is not None:
            own = {"window": "beside", "pad": context, "side": 2 * context + 1}
            parts.insert(2, _section(kind, "window", facts | own))
            beside = "\n" + _section("refined", "beside", facts)
        parts += [_section("refined", section, facts | {"beside": beside}) for section in ("sizes", "functions")]
    return "\n\n".join([*parts, _section(kind, "whole", facts)])


def _restoring(program: Program) -> tuple[np.ndarray, np.ndarray]:
    """What last answers are multiplied by, and what is added; for pixels, so that they are cut off to a level, and for
    errors of pixels too, where the pixel's level is added.
    """
    if program.basis is not None:
        return np.ones(program.outputs, np.float32), np.zeros(program.outputs, np.float32)
    gain, shift = (np.broadcast_to(one, program.outputs).astype(np.float64) for one in (program.gain, program.shift))
    if program.gather["kind"] in MIDDLES:
        gain, shift = 127.5 * gain, 127.5 * shift + MIDDLES[program.gather["kind"]]
    return gain.astype(np.float32), shift.astype(np.float32)


def _unpacking(maps: Sequence[_Map], prefix: str) -> str:
    """The calls that make floats of the weights of all maps."""
    lines, at, row, column = [], 0, 0, 0
    for one in maps:
        _, inputs, _ = one.panels.shape
        outputs = one.biases.size
        places = f"{prefix}_halves + {at}, {prefix}_rows + {row}, {prefix}_columns + {column}"
        lines.append(f"    {prefix}_unpack({places}, {inputs}, {outputs}, floats + {at});")
        at, row, column = at + one.panels.size, row + outputs, column + inputs
    return "\n".join(lines)


def _stages(maps: Mapping[str, Sequence[_Map]], facts: dict[str, Any]) -> str:
    """The functions that compute the maps of the decoder, or of whatever it is, and those of its refiner."""
    found, weights, biases = [], 0, 0
    for run, stage in maps.items():
        lines = []
        for one in stage:
            _, inputs, _ = one.panels.shape
            sizes = f"{inputs}, {one.biases.size}, {int(one.bends)}"
            reads = f"weights + {weights}, {facts['prefix']}_biases + {biases}"
            lines.append(f"    map({reads}, {sizes}, known, samples);")
            weights, biases = weights + one.panels.size, biases + one.biases.size
        title = "refiner" if run == "refine" else "module"
        found.append(_section("map", "stage", facts | {"run": run, "stage": title, "calls": "\n".join(lines)}))
    return "\n\n".join(found)


def _array(name: str, values: Sequence[np.ndarray]) -> str:
    """A constant array, of bits or of floats."""
    flat = np.concatenate([value.ravel() for value in values])
    kind, write = ("uint16_t", str) if flat.dtype == np.uint16 else ("float", _number)
    words = [write(value) for value in flat]
    lines = ["    " + ", ".join(words[first : first + A_LINE]) for first in range(0, len(words), A_LINE)]
    return f"static const {kind} {name}[{flat.size}] = {{\n" + ",\n".join(lines) + "\n};\n"


def _filled(text: str, margin: str) -> str:
    """Text in lines."""
    return textwrap.fill(text, TEXT_WIDTH, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False)


def _number(value: np.float32) -> str:
    """The shortest digits that are this float; never those of a locale."""
    return f"{value!s}f"


def _said(text: str) -> str:
    """Text from elsewhere that may stand in a comment or a string."""
    return re.sub(r"[^\w .,;:()+@=-]", "?", text, flags=re.ASCII)


def _origin(part: Part) -> dict[str, str]:
    """Whose latents they are, and the licences of the data that it was trained with, where these are known."""
    spaces = (part.about.get(role) for role in ("reads", "imitates", "makes"))
    makers = [f" of {_said(str(space['maker']))}" for space in spaces if space]
    licences = ", ".join(map(str, part.about.get("training", {}).get("licences") or ()))
    trained = f", trained with data under:\n{_filled(_said(licences), ' ' * 3)}" if licences else ""
    return {"space": makers[0] if makers else "", "training": trained}


def _section(template: str, name: str, known: dict[str, Any]) -> str:
    """A part of a template, filled in."""
    text = Path(__file__).with_name(f"c_{template}.h.in").read_text("ascii")
    parts = re.split(r"^//@ (\w+)\n", text, flags=re.MULTILINE)
    return Template(parts[parts.index(name) + 1]).substitute(known).rstrip("\n")
