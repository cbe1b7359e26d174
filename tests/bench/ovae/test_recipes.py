"""Recipes of the modules that come with the package, and their commands."""

import json
from pathlib import Path

import pytest

from bench.ovae.recipes import RECIPES, chosen
from olacore import pretrained
from olacore.errors import ConfigError
from olacore.search.config import TrainConfig
from tests.support.command import check_refusal


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_command__asks_for_the_settings_of_the_recipe(recipe, monkeypatch, tmp_path):
    asked = []

    def stop(config, *rest):
        asked.append(config)
        raise ConfigError("enough")

    monkeypatch.setattr("olacore.search.train.train", stop)
    words = recipe.command.split()
    assert words.pop(0) == "ola"
    check_refusal("enough", *words)
    expected = recipe.config(Path(recipe.source.data), Path(recipe.name))
    assert isinstance(expected, TrainConfig)
    assert asked[0].search_settings() == expected.search_settings()
    assert (asked[0].generations, asked[0].out) == (expected.generations, expected.out)


def test_command__stands_behind_the_small_decoder():
    (recipe,) = chosen(["sd15-refiner"])
    assert recipe.source.precompute == "ola precompute PHOTOS --teacher madebyollin/taesd --crops 2 --h5 taesd-2.h5"
    assert recipe.command.startswith("ola train --h5 taesd-2.h5 --pictures-from sd15-decoder-small --module refiner ")
    assert recipe.config(Path("d.h5"), Path("runs/r")).pictures_from == Path("runs/sd15-decoder-small")
    assert recipe.makes == {"sd15-decoder": "decoder.safetensors"}


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
