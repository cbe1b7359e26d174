"""Recipes: which tables they may have, and that those of the shipped sets are what made them."""

from pathlib import Path

import pytest

from olacore.drawing.module_set import open_set
from olacore.drawing.recipe import level_name, read_recipe
from olacore.errors import ConfigError
from olacore.pretrained import sets

DENOISERS = """
[mean]
folds = 4

[decoder]

[rows]
levels = [4, 0.5]

[denoiser]
stack = 64
weights = "int8"

[level-4]
wiener = 256

["level-0.5"]
stack = 32
"""


@pytest.fixture
def denoisers(tmp_path: Path) -> Path:
    """A recipe with tables of levels."""
    path = tmp_path / "denoisers.toml"
    path.write_text(DENOISERS)
    return path


def test_options__of_a_level_are_those_of_all_levels_and_its_own(denoisers):
    recipe = read_recipe(str(denoisers), ["level-0.5.window=3"])
    assert recipe.options("level-4") == {"stack": 64, "weights": "int8", "wiener": 256}
    assert recipe.options("level-0.5", seed=3) == {"stack": 32, "weights": "int8", "window": 3, "seed": 3}
    assert recipe.options("mean", seed=None) == {"folds": 4}


def test_read_recipe__a_level_with_a_dot_is_quoted(denoisers):
    denoisers.write_text(DENOISERS.replace('["level-0.5"]', "[level-0.5]"))
    with pytest.raises(ConfigError, match=r'has \[level-0.5\]; a level with a dot .* is written \["level-0.5"\]\.'):
        read_recipe(str(denoisers))


@pytest.mark.parametrize("name", sets())
def test_recipes__of_shipped_sets_are_what_their_modules_say(name):
    """As far as a module says how it was made."""
    from olacore.modules.module import load

    recipe, found = read_recipe(name), open_set(name)
    levels = {level_name(level): path for level, path in zip(recipe.levels, found.levels.values(), strict=True)}
    steps = {"text", *recipe.tables} - {"data", "words", "rows", "denoiser", *levels}
    assert {*found.files} - {"captions", "thumbnails"} == steps
    assert [*found.levels] == [float(level) for level in recipe.levels]
    assert found.size == recipe.tables["data"]["size"]
    files = {name: found.files[name] for name in ("decoder", "refiner", "encoder")}
    for step, path in (*files.items(), *levels.items()):
        module, asked = load(path), recipe.options(step)
        assert module.training["generations"] == asked.get("generations", 400)
        assert [f"{key}={value}" for key, value in module.training["options"].items()] == asked.get("option", [])
        assert module.about()["view"].get("window", 5) == asked.get("window", 5)
        assert module.about()["view"].get("border", 4) == asked.get("border", 4)
        assert module.about()["view"].get("wiener", 0) == asked.get("wiener", 0)
        units = sum(layer.units for layer in module.hidden)
        # The best denoiser of a high level is one from before the last units joined.
        assert asked["stack"] // (2 if step in levels else 1) <= units <= asked["stack"]
    for step in {"text", "mean"} & {*recipe.tables}:
        room = int(recipe.tables[step]["budget"].removesuffix("KB").replace("MB", "000")) * 1024
        assert 0.9 * room < found.files[step].stat().st_size < 1.05 * room
