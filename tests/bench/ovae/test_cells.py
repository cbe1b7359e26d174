"""Cells, the clock, recipes and their commands."""

import json

import pytest

from bench.ovae.cells import Cells, code_digest, file_digest
from bench.ovae.clock import Clock
from bench.ovae.recipes import RECIPES, chosen
from olacore import pretrained
from olacore.errors import ConfigError
from olacore.search.config import TrainConfig
from tests.support.command import check_refusal


def test_get__measures_once_and_again_when_the_key_is_another(tmp_path):
    cells, made = Cells(tmp_path / "cells"), []

    def make():
        made.append(1)
        return {"count": len(made), "pairs": [(1, 2.5)]}

    assert Cells(tmp_path / "cells", frozen=True).get("a", {"x": (1,)}, make) is None
    first = cells.get("a", {"x": (1,)}, make)
    assert first == cells.get("a", {"x": (1,)}, make) == {"count": 1, "pairs": [[1, 2.5]]}
    assert Cells(tmp_path / "cells", frozen=True).get("a", {"x": [1]}, make) == first
    assert cells.get("a", {"x": (2,)}, make)["count"] == 2
    (tmp_path / "cells" / "a.json").write_text("{")
    assert cells.get("a", {"x": (2,)}, make)["count"] == 3


def test_digests__change_with_files(tmp_path):
    assert code_digest("olacore/kernels/*.py") != code_digest("olacore/strategies/*.py")
    assert file_digest(tmp_path / "none") == ""


def test_clock__stands_still_while_it_is_stopped():
    now = [5.0]
    clock = Clock(lambda: now[0])
    with clock.stopped():
        now[0] += 1
    assert clock.seconds == 0
    clock.start()
    now[0] += 2
    with clock.stopped():
        now[0] += 10
        assert clock.seconds == 2
    now[0] += 3
    assert clock.seconds == 5


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_command__asks_for_the_settings_of_the_recipe(recipe, monkeypatch, tmp_path):
    asked = []

    def stop(config, *rest):
        asked.append(config)
        raise ConfigError("enough")

    monkeypatch.setattr("olacore.search.train.train", stop)
    words = recipe.command("d.h5").split()
    assert words.pop(0) == "ola"
    check_refusal("enough", *words)
    expected = recipe.config("d.h5", recipe.name)
    assert isinstance(expected, TrainConfig)
    assert asked[0].search_settings() == expected.search_settings()
    assert (asked[0].generations, asked[0].out) == (expected.generations, expected.out)


def test_chosen__by_name_and_space_and_refuses_others():
    assert [recipe.name for recipe in chosen(["codec16-pair"])] == ["codec16-pair"]
    assert {recipe.space for recipe in chosen(spaces=["sdxl"])} == {"sdxl"}
    assert chosen(["codec16-pair"], generations=7)[0].settings["generations"] == 7
    with pytest.raises(ConfigError, match=r"there is no 'sd2' among the recipes; there are sd15, sdxl, sd3\."):
        chosen(spaces=["sd2"])


def test_makes__are_the_names_that_the_package_knows():
    names = [name for recipe in RECIPES for name in recipe.makes]
    assert sorted(names) == pretrained.names()
    assert json.dumps([recipe.settings for recipe in RECIPES])
