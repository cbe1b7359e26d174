"""Training runs that are kept with their files."""

from dataclasses import replace

import pytest

from bench.common.cells import Cells
from bench.ovae.recipes import chosen
from bench.ovae.training import Stages, train_all
from olacore.modules.module import load
from olacore.search.observers import Compiled, Reported

pytestmark = pytest.mark.usefixtures("tiny")


def test_train_all__runs_again_where_a_file_was_replaced(done):
    workspace, *_ = done
    copy = replace(workspace, work=workspace.work / "other")
    (decoder,) = chosen(["sd15-decoder"])
    cells, said = Cells(copy.work / "cells"), []
    for _ in range(2):
        train_all((decoder,), copy, cells, said.append)
    assert len(said) == 2
    (copy.run(decoder) / "module.safetensors").write_bytes(b"")
    train_all((decoder,), copy, cells, said.append)
    assert len(said) == 4
    assert load(copy.run(decoder)).hidden


def test_stages__start_anew_where_generations_do():
    def never():
        raise AssertionError("a module was made")

    now = iter([10.0, 11.0, 20.0, 24.0])
    stages = Stages(lambda: next(now))
    for generation, seconds in ((1, 0.1), (10, 1.0), (1, 0.2), (8, 3.0)):
        stages(Compiled())
        stages(Reported({"generation": generation, "seconds": seconds}, never))
    assert stages.stages == [
        {"generations": 10, "seconds": 1.0, "cpu": 1.0},
        {"generations": 8, "seconds": 3.0, "cpu": 4.0},
    ]
