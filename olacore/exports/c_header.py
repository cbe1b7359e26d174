"""Modules as one C header each: C99 and C++, no allocation, no library but the compiler's.

The C code itself is in the templates beside this file. Samples are computed a tile at a time. The numbers of a sample
lie in one line: its inputs, and behind them what each map answers, padded to whole panels; so every map reads all that
lies before its answers. Weights lie in the order in which they are read: panels of as many answers as are computed at
once, and in each the answers' weights of one input after the other.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, ClassVar

import numpy as np

from olacore.errors import ConfigError
from olacore.exports.base import EXPORTERS, Exporter, Part
from olacore.exports.convolution import CODEC, Convolutions
from olacore.files import replace_file
from olacore.modules.program import Program
from olacore.version import __version__

# Answers of a panel, and samples of a tile, which is whole groups of the rows of both variants; by measurement.
LANES, TILE = 16, 48
# What maps are compiled as: a suffix, a vector, and how many samples have their sums in registers.
VARIANTS = {"narrow": ("", "short", 2), "wide": ("_avx2", "long", 6)}
CACHE_LINE = 64
LARGEST = 65_536  # sites or pixels of a side
# The largest half is in [2^14, 2^15); its bits, where a float has them, are a number that is smaller by 2^112.
MOST_HALF, HALF_BIAS, MOST_FLOAT = 14, 112, 127
TEXT_WIDTH, A_LINE = 116, 8  # characters of a comment, and numbers of an array, in a line


@dataclass(frozen=True)
class CHeader(Exporter):
    """One header in the style of stb: declarations, and behind a macro the code and the numbers.

    Parameters
    ----------
    fp16 : weights of decoders as float16, half the text; pixels stay within one level. Encoders and plain modules have
        float32 in any case: latents would move by up to 3e-3
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
        kind, maps = part.program.gather["kind"], list(_maps(part.program))
        facts = _facts(part, maps) | {"prefix": prefix, "macro": prefix.upper()}
        panels, room = [one.panels for one in maps], TILE * facts["width"]
        gain, shift = _restoring(part.program)
        arrays = {"biases": [one.biases for one in maps], "gain": [gain], "shift": [shift]}
        if not all(np.isfinite(one).all() for one in (*panels, *arrays["biases"], gain, shift)):
            raise ConfigError(f"{part.name} has numbers that are too large for float32, with its scaling in them.")
        if self.fp16 and kind == "decoder":
            stored, room = "halves", room + facts["count"]
            arrays["halves"], facts["unit"] = _halves(panels)
        else:
            stored, arrays["weights"] = "floats", panels
        facts["scratch"] = CACHE_LINE + 4 * room
        for section in ("about", "sizes", "example", "declarations", "functions"):
            facts[section] = _section(kind, section, facts)
        facts["about"] = _filled(facts["about"].replace("\n", " "), " " * 3)
        facts["example"] = textwrap.indent(facts["example"], " " * 4)
        for variant, (suffix, vector, rows) in VARIANTS.items():
            own = {"suffix": suffix, "vector": f"{prefix}_{vector}", "rows": rows}
            facts[variant] = _section("map", "map", facts | own)
        facts |= {"unpack": _section("map", stored, facts), "calls": _calls(prefix, maps)}
        facts["arrays"] = "\n".join(_array(f"{prefix}_{name}", values) for name, values in arrays.items())
        return _section("header", "header", facts) + "\n"


EXPORTERS.add(CHeader())


@dataclass(frozen=True)
class _Map:
    """A map as it is stored.

    Parameters
    ----------
    panels : (answers / LANES, inputs, LANES) float32
    biases : (answers,) float32
    bends : whether there is a tanh
    """

    panels: np.ndarray
    biases: np.ndarray
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
    steps = [(step.weights, step.biases, True) for step in program.steps]
    if program.basis is not None:
        steps.append((program.basis.T * program.gain, program.shift, False))
    for weights, biases, bends in steps:
        read = np.concatenate(places if bends else places[-1:])
        count = len(biases)
        padded = -(-count // LANES) * LANES
        wide = np.zeros((padded, width), np.float32)
        wide[:count, read] = weights
        yield _Map(wide.reshape(-1, LANES, width).transpose(0, 2, 1), np.pad(biases, (0, padded - count)), bends)
        places.append(np.arange(width, width + count))
        width += padded


def _facts(part: Part, maps: Sequence[_Map]) -> dict[str, Any]:
    """What the templates name."""
    program, gather = part.program, part.program.gather
    width = program.inputs + sum(one.biases.size for one in maps)
    facts = {"lanes": LANES, "tile": TILE, "largest": LARGEST, "width": width, "version": __version__}
    facts |= {"answers": width - maps[-1].biases.size, "count": sum(one.panels.size for one in maps)}
    facts |= {"name": _said(part.name), "digest": part.digest, "title": f"{gather['name']} {gather['kind']}"}
    facts |= {"inputs": program.inputs, "outputs": program.outputs, **_origin(part)}
    if gather["kind"] != "plain":
        form = Convolutions.of(part, CODEC)
        side = form.factor + 2 * form.pad if form.kind == "encoder" else 1 + 2 * form.pad
        facts |= {"channels": form.channels, "factor": form.factor, "pad": form.pad, "side": side}
    return facts


def _restoring(program: Program) -> tuple[np.ndarray, np.ndarray]:
    """What last answers are multiplied by, and what is added; for pixels, so that they are cut off to a level."""
    if program.basis is not None:
        return np.ones(program.outputs, np.float32), np.zeros(program.outputs, np.float32)
    gain, shift = (np.broadcast_to(one, program.outputs).astype(np.float64) for one in (program.gain, program.shift))
    if program.gather["kind"] == "decoder":
        gain, shift = 127.5 * gain, 127.5 * shift + 128
    return gain.astype(np.float32), shift.astype(np.float32)


def _halves(panels: Sequence[np.ndarray]) -> tuple[list[np.ndarray], str]:
    """Weights as bits of float16, and the number by which these, where a float has them, become the weights."""
    largest = max(np.abs(one).max() for one in panels)
    exponent = int(np.frexp(largest)[1]) - 1 - MOST_HALF
    if exponent + HALF_BIAS > MOST_FLOAT:
        raise ConfigError(f"weights reach {largest:.3g}, too far for float16; give --option fp16=0.")
    halves = [np.ldexp(one.astype(np.float64), -exponent).astype(np.float16).view(np.uint16) for one in panels]
    return halves, _number(np.float32(2.0 ** (exponent + HALF_BIAS)))


def _calls(prefix: str, maps: Sequence[_Map]) -> str:
    lines, weights, biases = [], 0, 0
    for one in maps:
        _, inputs, _ = one.panels.shape
        sizes = f"{inputs}, {one.biases.size}, {int(one.bends)}"
        lines.append(f"    map(weights + {weights}, {prefix}_biases + {biases}, {sizes}, known, samples);")
        weights, biases = weights + one.panels.size, biases + one.biases.size
    return "\n".join(lines)


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
