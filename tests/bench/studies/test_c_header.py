"""The study of C headers: what it compares decodes alike."""

from __future__ import annotations

import shutil

import pytest

from bench.common.timing import Stopwatch
from bench.studies import c_header
from olacore.views.patch import PatchDecoder
from tests.support.makers import make_module

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="needs a C compiler")


def test_sides__decode_alike(tmp_path):
    module = make_module(PatchDecoder(4, 8, 3), hidden=(5,))
    found = c_header.measure(module, tmp_path, Stopwatch(repeats=2, shortest=0), sites=7)
    assert len(found["levels apart"]) == 6
    assert max(found["levels apart"].values()) <= 1
    assert [len(seconds) for seconds in found["seconds"].values()] == [2] * 6
    assert len(found["own seconds"]) == 4  # of one thread
    rows = {row[0]: row for row in c_header.table(found).rows}
    assert rows[c_header.HEADER][5] == "1"
    assert rows["C header, 2 threads"][3:6] == ["-"] * 3


def test_library__whose_code_is_wrong_is_refused(tmp_path):
    with pytest.raises(c_header.subprocess.CalledProcessError):
        c_header.compile_library(tmp_path, "bad", "int f(void) { return x; }")
