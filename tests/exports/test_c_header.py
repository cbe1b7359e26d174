"""Modules as C headers: compiled with the warnings as errors, run, and compared with the modules themselves."""

from __future__ import annotations

import ctypes
import itertools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import olacore
from olacore.errors import ConfigError
from olacore.exports.base import Part, export
from olacore.exports.c_header import CHeader, identifier
from olacore.media.pictures import read_picture
from olacore.spaces import LatentSpace
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.plain import Plain
from olacore.views.refining import Refiner
from olacore.views.scaling import Scaling
from olacore.views.whole import WholeDecoder
from tests.support.makers import REFINERS, make_module, refined_by, smooth_pictures
from tests.support.places import ROOT

# A latent of one site looks odd to the check of its statistics.
pytestmark = [
    pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("g++")), reason="needs a C and a C++ compiler"),
    pytest.mark.filterwarnings("ignore:the latents lie oddly"),
]
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
SHIPPED = ("sd15-decoder", "codec16-decoder", "sd15-encoder")  # stacks and an affine one, of both sorts of latents
SIZES = [(1, 1), (3, 5), (7, 4)]
FLOATS, BYTES = (np.ctypeslib.ndpointer(kind, flags="C") for kind in (np.float32, np.uint8))
VARIANTS = {"any": (), "narrow": ("NO_AVX2",), "plain loops": ("NO_VECTORS", "NO_AVX2")}
ONE, NONE = np.ones((1, 1), np.float32), np.zeros(1, np.float32)
SMALL = {
    "affine decoder": make_module(PatchDecoder(4, 8, 3)),
    "stack decoder": make_module(PatchDecoder(3, 8, 1), hidden=(3, 20)),
    "large patches": make_module(PatchDecoder(5, 16, 7), LatentSpace("x", "ef" * 32, 1.0, 0.0, 5, 16)),
    "affine encoder": make_module(PatchEncoder(4, 8, 4)),
    "refined by pixels": refined_by(make_module(PatchDecoder(4, 8, 3)), REFINERS[0]),
    "refined far around": refined_by(make_module(PatchDecoder(4, 8, 3), stored="float16"), REFINERS[2], hidden=(20,)),
    "refined as shipped": refined_by(
        make_module(PatchDecoder(4, 8, 3), hidden=(6,), stored="float16"), REFINERS[3], hidden=(3, 20), stored="int8"
    ),
    "stack encoder": make_module(PatchEncoder(2, 8, 11), hidden=(6,)),
    "no border": make_module(PatchEncoder(4, 8, 0)),
    "affine pairs": make_module(Plain(5, 3), None),
    "stack of pairs": make_module(Plain(1, 18), None, hidden=(3, 5)),
    "tanh": olacore.Module(Plain(1, 1), None, ONE, NONE, Scaling.identity(1, 1)),
    "with a basis": make_module(Plain(6, 40), None, hidden=(4,), components=17),
}


def build(
    folder: Path, parts: list[Part], flags: tuple[str, ...] = (), macros: tuple[str, ...] = (), fp16: str = "1"
) -> ctypes.CDLL:
    """A library of headers that lie in one file of C."""
    lines = []
    for part in parts:
        symbol = identifier(part.name)
        export([part], "c", folder / f"{symbol}.h", options={"fp16": fp16})
        lines += [f"#define OLA_{symbol.upper()}_{macro}" for macro in (*macros, "IMPLEMENTATION")]
        lines.append(f'#include "{symbol}.h"')
    (folder / "all.c").write_text("\n".join(lines) + "\n")
    compile_strictly("-std=c99", "-shared", "-fPIC", *flags, folder / "all.c", "-o", folder / "all.so")
    return ctypes.CDLL(str(folder / "all.so"))


def compile_strictly(*arguments: object, compiler: str = "gcc") -> None:
    """Compile, and show what the compiler says."""
    done = subprocess.run([compiler, *STRICT, *map(str, arguments)], capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr


class Compiled:
    """A module of a library, in NumPy."""

    def __init__(self, library: ctypes.CDLL, name: str) -> None:
        self._library, self._prefix = library, f"ola_{identifier(name)}"
        scratch = self.function("scratch")
        scratch.restype = ctypes.c_size_t
        self.scratch = np.empty(scratch() + 1, np.uint8)[1:]  # of an odd address

    def function(self, name: str) -> ctypes._CFuncPtr:
        return getattr(self._library, f"{self._prefix}_{name}")

    def call(self, name: str, *given: object) -> int:
        """Call with arrays and numbers, of which those of NumPy are sizes."""
        made = [ctypes.c_size_t(int(one)) if isinstance(one, np.uint64) else one for one in given]
        made = [one.ctypes.data_as(ctypes.c_void_p) if isinstance(one, np.ndarray) else one for one in made]
        return self.function(name)(*made, self.scratch.ctypes.data_as(ctypes.c_void_p))

    def decode(self, latents: np.ndarray, factor: int = 8) -> np.ndarray:
        _, height, width = latents.shape
        picture = np.zeros((factor * height, factor * width, 3), np.uint8)
        assert self.call("decode", latents, height, width, picture, np.uint64(3 * factor * width)) == 0
        return picture

    def encode(self, picture: np.ndarray, channels: int) -> np.ndarray:
        height, width, _ = picture.shape
        latents = np.zeros((channels, -(-height // 8), -(-width // 8)), np.float32)
        assert self.call("encode", picture, height, width, np.uint64(3 * width), latents) == 0
        return latents

    def predict(self, inputs: np.ndarray, outputs: int) -> np.ndarray:
        answers = np.zeros((len(inputs), outputs), np.float32)
        assert self.call("predict", inputs, np.uint64(len(inputs)), answers) == 0
        return answers


def latents_of(channels: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(channels, height, width)).astype(np.float32)


def assert_alike(compiled: Compiled, module: olacore.Module, size: tuple[int, int]) -> None:
    """Compare what both answer: pixels within a level, latents within 1e-4."""
    view = module.view
    if module.kind == "decoder":
        latents = latents_of(view.channels, *size)
        apart = np.abs(compiled.decode(latents, view.factor).astype(int) - module.decode(latents))
        assert apart.max() <= 1
    elif module.kind == "encoder":
        for height, width in {(8 * size[0], 8 * size[1]), (8 * size[0] - 3, 8 * size[1] - 7)}:
            picture = smooth_pictures(1, height, width)[0]
            expected = module.encode(picture)
            np.testing.assert_allclose(compiled.encode(picture, view.channels), expected, rtol=0, atol=1e-4)
    else:
        x = np.random.default_rng(0).normal(size=(size[0] * size[1], view.inputs)).astype(np.float32)
        np.testing.assert_allclose(compiled.predict(x, view.outputs), module.predict(x), rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shipped")
    return build(folder, [Part.of(name, olacore.load(name)) for name in SHIPPED], ("-O1",))


@pytest.fixture(scope="module", params=VARIANTS)
def small(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("small")
    parts = [Part.of(name, module) for name, module in SMALL.items()]
    return build(folder, parts, ("-O1",), VARIANTS[request.param])


@pytest.mark.parametrize("size", [*SIZES, (64, 64), (16, 12)])
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_module__answers_as_it_does_here(shipped, name, size):
    assert_alike(Compiled(shipped, name), olacore.load(name), size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SMALL)
def test_small_module__answers_as_it_does_here(small, name, size):
    assert_alike(Compiled(small, name), SMALL[name], size)


@pytest.mark.parametrize("size", [(64, 64), (128, 96)])
def test_refined_decoder__answers_as_it_does_here_at_any_size(small, size):
    assert_alike(Compiled(small, "refined as shipped"), SMALL["refined as shipped"], size)


@pytest.mark.parametrize("name", ["stack decoder", *(name for name in SMALL if name.startswith("refined"))])
def test_rows__of_pixels_are_those_of_the_whole(small, name):
    compiled, latents = Compiled(small, name), latents_of(SMALL[name].view.channels, 19, 5)
    whole = compiled.decode(latents)
    parts = np.full((152, 150, 1), 7, np.uint8)
    cuts = [0, 3, 3, 8, 27, 133, 152]
    for y0, y1 in [*itertools.pairwise(cuts)][::-1]:
        before = parts.copy()
        assert compiled.call("decode_rows", latents, 19, 5, y0, y1, parts, np.uint64(150)) == 0
        before[y0:y1], after = 0, parts.copy()
        after[y0:y1] = 0
        np.testing.assert_array_equal(after, before)
    np.testing.assert_array_equal(parts[:, :120].reshape(152, 40, 3), whole)
    assert (parts[:, 120:] == 7).all()  # between rows of the picture


def test_rows__of_latents_are_those_of_the_whole(small):
    compiled = Compiled(small, "stack encoder")
    picture = smooth_pictures(1, 50, 21)[0]
    latents = np.zeros((2, 7, 3), np.float32)
    for y0, y1 in [(4, 7), (0, 4), (4, 4)]:
        assert compiled.call("encode_rows", picture, 50, 21, np.uint64(63), y0, y1, latents) == 0
    np.testing.assert_array_equal(latents, compiled.encode(picture, 2))


def test_bad_arguments__have_a_code_and_write_nothing(small):
    compiled, latents = Compiled(small, "affine decoder"), latents_of(4, 2, 3)
    picture, stride, null = np.full((16, 24, 3), 7, np.uint8), np.uint64(72), None
    for arguments, code in [
        ((null, 2, 3, picture, stride), 1),
        ((latents, 2, 3, null, stride), 1),
        ((latents, 0, 3, picture, stride), 2),
        ((latents, 2, -1, picture, stride), 2),
        ((latents, 2, 65537, picture, stride), 2),
        ((latents, 1 << 30, 3, picture, stride), 2),
        ((latents, 2, 3, picture, np.uint64(71)), 3),
    ]:
        assert compiled.call("decode", *arguments) == code
    for y0, y1 in [(-1, 4), (5, 4), (0, 17)]:
        assert compiled.call("decode_rows", latents, 2, 3, y0, y1, picture, stride) == 4
    assert (picture == 7).all()
    assert compiled.function("decode")(*[None] * 6) == 1
    compiled, latents = Compiled(small, "affine encoder"), np.full((4, 2, 3), 7, np.float32)
    for arguments, code in [
        ((null, 16, 24, stride, latents), 1),
        ((picture, 0, 24, stride, latents), 2),
        ((picture, 16, 65537, stride, latents), 2),
        ((picture, 16, 24, np.uint64(71), latents), 3),
    ]:
        assert compiled.call("encode", *arguments) == code
    for y0, y1 in [(-1, 1), (2, 1), (0, 3)]:
        assert compiled.call("encode_rows", picture, 16, 24, stride, y0, y1, latents) == 4
    compiled = Compiled(small, "affine pairs")
    assert compiled.call("predict", null, np.uint64(1), latents) == 1
    assert compiled.call("predict", latents, np.uint64(2**64 - 1), latents) == 2
    assert (latents == 7).all()
    assert compiled.call("predict", latents, np.uint64(0), latents) == 0


def test_tanh__is_that_of_numpy(small):
    x = np.concatenate([np.linspace(-12, 12, 400_001), np.geomspace(1e-38, 1e38, 1000), [np.inf, -np.inf, 0]])
    x = np.sort(x.astype(np.float32))
    found = Compiled(small, "tanh").predict(x[:, None], 1)[:, 0]
    np.testing.assert_allclose(found, np.tanh(x.astype(np.float64)), rtol=4e-7, atol=0)  # a few roundings
    np.testing.assert_array_equal(found, -Compiled(small, "tanh").predict(-x[:, None], 1)[:, 0])


def test_latents_that_are_not_finite__spoil_their_own_surroundings_alone(small):
    compiled, latents = Compiled(small, "affine decoder"), latents_of(4, 5, 6)
    sound = compiled.decode(latents)
    for bad in (np.nan, np.inf, -np.inf):
        latents[1, 0, 0] = bad
        np.testing.assert_array_equal(compiled.decode(latents)[:, 16:], sound[:, 16:])


SANITIZED = """
#define OLA_BOTH_WAYS_IMPLEMENTATION
#include "both_ways.h"
#include "both_ways.h"
#define OLA_AND_BACK_IMPLEMENTATION
#include "and_back.h"
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words)
{
    const int h = count == 3 ? atoi(words[1]) : 0, w = count == 3 ? atoi(words[2]) : 0;
    const size_t sites = (size_t)(h * w);
    /* Of their exact sizes, so that one byte too far is found. */
    float *latents = (float *)malloc(sizeof(float) * 4 * sites);
    unsigned char *rgb = (unsigned char *)malloc(192 * sites);
    void *there = malloc(OLA_BOTH_WAYS_SCRATCH), *back = malloc(ola_and_back_scratch());
    if (!latents || !rgb || !there || !back) return 1;
    if (fread(latents, sizeof(float) * 4 * sites, 1, stdin) != 1) return 2;
    if (ola_both_ways_decode(latents, h, w, rgb, 24 * (size_t)w, there) != OLA_BOTH_WAYS_OK) return 3;
    fwrite(rgb, 192 * sites, 1, stdout);
    if (ola_and_back_encode(rgb, h * 8 - 3, w * 8 - 5, 24 * (size_t)w, latents, back) != OLA_AND_BACK_OK) return 4;
    fwrite(latents, sizeof(float) * 4 * sites, 1, stdout);
    free(latents);
    free(rgb);
    free(there);
    free(back);
    return 0;
}
"""


@pytest.mark.parametrize(
    ("compiler", "standard", "macro", "name"),
    [
        ("gcc", "c99", "NOTHING", "affine decoder"),
        ("gcc", "c99", "NOTHING", "refined far around"),
        ("g++", "c++20", "BOTH_WAYS_NO_AVX2", "refined as shipped"),
    ],
)
def test_program_of_two_headers__runs_under_sanitizers(tmp_path, compiler, standard, macro, name):
    decoder, encoder = SMALL[name], make_module(PatchEncoder(4, 8, 11), hidden=(6,))
    fp16 = str(int(decoder.stored == "float16"))
    export([Part.of("both-ways", decoder)], "c", tmp_path / "both_ways.h", options={"fp16": fp16})
    export([Part.of("x", encoder)], "c", tmp_path / "and_back.h", options={"symbol": "and Back!"})
    source, program = tmp_path / ("main.c" if compiler == "gcc" else "main.cpp"), tmp_path / "main"
    source.write_text(SANITIZED)
    checks = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O1", f"-std={standard}")
    compile_strictly(*checks, f"-DOLA_{macro}", source, "-o", program, compiler=compiler)
    for height, width in (*SIZES, (18, 17)):
        latents = latents_of(4, height, width)
        run = subprocess.run(
            [program, str(height), str(width)], input=latents.tobytes(), capture_output=True, timeout=60
        )
        assert run.returncode == 0, run.stderr.decode()
        size = 192 * height * width
        picture = np.frombuffer(run.stdout[:size], np.uint8).reshape(8 * height, 8 * width, 3)
        assert np.abs(picture.astype(int) - decoder.decode(latents)).max() <= 1
        made = np.frombuffer(run.stdout[size:], np.float32).reshape(latents.shape)
        np.testing.assert_allclose(made, encoder.encode(picture[:-3, :-5]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["affine decoder", "refined by pixels", "stack encoder", "with a basis"])
def test_example_of_the_header__compiles(tmp_path, name):
    text = CHeader(symbol="x").text(Part.of(name, SMALL[name]))
    (tmp_path / "ola_x.h").write_text(text)
    example = text.partition("Example:\n\n")[2].partition("*/")[0]
    assert 10 <= len(example.strip().splitlines()) <= 12
    (tmp_path / "main.c").write_text(example)
    compile_strictly("-std=c99", tmp_path / "main.c", "-o", tmp_path / "main")
    assert subprocess.run([tmp_path / "main"], input=b"", timeout=60).returncode == 1  # no numbers came


def test_recipe_of_the_document__runs_as_written(tmp_path):
    document = (ROOT / "docs" / "plug-in.md").read_text(encoding="utf-8")
    section = document.partition("\n## A C program\n")[2].partition("\n## ")[0]
    (program, commands) = re.findall(r"```(?:c|sh)\n(.*?)```", section, re.S)
    assert len(program.splitlines()) == 10
    latents = latents_of(4, 64, 64)
    latents.tofile(tmp_path / "latents.f32")
    (tmp_path / "preview.c").write_text(program)
    (tmp_path / "ola").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT / "cli.py"}" "$@"\n')
    (tmp_path / "ola").chmod(0o755)
    found = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    subprocess.run(["sh", "-ec", commands], cwd=tmp_path, env={**os.environ, **found}, check=True, timeout=250)
    picture = read_picture(tmp_path / "picture.ppm")
    assert np.abs(picture.astype(int) - olacore.load("sd15-decoder").decode(latents)).max() <= 1


def test_text__is_the_same_for_the_same_module(tmp_path):
    part = Part.of("m", SMALL["stack decoder"])
    text = CHeader().text(part)
    assert text == CHeader().text(Part.of("m", make_module(PatchDecoder(3, 8, 1), hidden=(3, 20))))
    assert f'#define OLA_M_DIGEST "{part.digest}"' in text
    assert max(map(len, text.splitlines())) <= 4095  # what C99 asks of compilers
    assert text.endswith("#endif\n")
    export([part], "c", tmp_path / "m.h")
    assert (tmp_path / "m.h").read_bytes() == text.encode()


def test_text__keeps_what_others_wrote_inside_its_comment():
    part = Part.of('*/ int x; /* "\n#define \\', SMALL["affine decoder"])
    about = {"training": {"licences": ["CC0 */", "ö\x1b"]}, "reads": {"maker": "a*/b"}}
    text = CHeader().text(replace(part, about=about))
    comment = text[: text.index("#ifndef")]
    assert comment.count("*/") == 1
    assert "CC0 ??, ??" in comment
    assert "of a??b" in comment
    assert text.isascii()


def test_identifier__is_what_c_takes():
    assert identifier("SD 1.5-Decoder (new)") == "sd_1_5_decoder_new"
    for name in ("", "--", "解码"):
        with pytest.raises(ConfigError, match="nothing that fits a C identifier; give --option symbol=NAME"):
            identifier(name)


def test_other_modules__are_refused(tmp_path):
    whole = make_module(WholeDecoder(4), seed=1)
    for module, sentence in ((whole, "m is a global decoder"), (make_module(Refiner(), None), "m is a pixel refiner")):
        with pytest.raises(ConfigError, match=f"{sentence}; convolutions that this form takes: patch encoder, patch d"):
            export([Part.of("m", module)], "c", tmp_path / "m.h")
    with pytest.raises(ConfigError, match=r"writes \.h files; got 'm.c'"):
        export([Part.of("m", SMALL["affine pairs"])], "c", tmp_path / "m.c")
    assert not list(tmp_path.iterdir())


def test_weights_that_are_too_large__are_refused():
    part = Part.of("m", SMALL["affine decoder"])
    (step,) = part.program.steps

    def times(factor: float) -> Part:
        factors = replace(step.factors, rows=step.factors.rows * factor)
        made = replace(step, weights=step.weights * factor, factors=factors)
        return replace(part, program=replace(part.program, steps=(made,)))

    assert "e+10f" in CHeader(fp16=False).text(times(1e11))
    for fp16 in (False, True):
        with pytest.raises(ConfigError, match="m has numbers that are too large for float32, with its scaling in them"):
            CHeader(fp16=fp16).text(times(np.inf))


def test_halves__are_the_weights_as_they_are_stored(tmp_path):
    for stored in ("float16", "int8"):
        decoder = make_module(PatchDecoder(4, 8, 3), hidden=(6,), stored=stored)
        pictures = []
        for fp16 in ("0", "1"):
            (folder := tmp_path / f"{stored}{fp16}").mkdir()
            library = build(folder, [Part.of("m", decoder)], ("-O1",), fp16=fp16)
            pictures.append(Compiled(library, "m").decode(latents_of(4, 9, 11)))
        assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1
        assert (pictures[0] != pictures[1]).mean() < 1e-3
