import json
from pathlib import Path
from typing import Any

import pytest

from olacore.errors import ConfigError, FileFormatError
from olacore.media.pictures import Square
from teachers.collect.recipe import Entry, read_recipe


def saved(folder: Path, *pictures: Any) -> Path:
    path = folder / "recipe.json"
    path.write_text(json.dumps({"pictures": pictures}))
    return path


def test_read_recipe__entries_by_file_name(tmp_path: Path) -> None:
    cat = {"file": "cat.jpg", "split": "held-out", "author": "A", "licence": "CC0", "crops": [[1, 2, 30]]}
    recipe = read_recipe(saved(tmp_path, cat, {"file": "dog.jpg", "split": "train"}))
    assert recipe["cat.jpg"] == Entry("held-out", "A", "CC0", (Square(1, 2, 30),))
    assert recipe["dog.jpg"] == Entry("train")


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        ({"file": "a.jpg", "split": "test"}, "picture 0 .* one of train, validation, held-out; got 'test'"),
        ({"file": "a.jpg"}, "missing 1 required .*'split'"),
        ({"file": "a.jpg", "split": "train", "colour": 1}, "unexpected .*'colour'"),
        ({"file": 3, "split": "train"}, "must be text"),
        ({"file": "a.jpg", "split": "train", "crops": []}, "in whole pixels"),
        ({"file": "a.jpg", "split": "train", "crops": [[0, 0, 0]]}, "in whole pixels"),
        ({"file": "a.jpg", "split": "train", "crops": [[-1, 0, 8]]}, "in whole pixels"),
        ({"file": "a.jpg", "split": "train", "crops": [[0, 0, 8.5]]}, "in whole pixels"),
        ({"file": "a.jpg", "split": "train", "crops": [[0, 8]]}, "not enough values"),
        ("a.jpg", "is wrong"),
    ],
)
def test_read_recipe__wrong_entry(tmp_path: Path, picture: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_recipe(saved(tmp_path, picture))


def test_read_recipe__wrong_file(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    with pytest.raises(FileFormatError, match="expected a recipe at"):
        read_recipe(path)
    path.write_text("not json")
    with pytest.raises(FileFormatError, match="is no JSON"):
        read_recipe(path)
    for text in ("[]", "{}", '{"pictures": []}'):
        path.write_text(text)
        with pytest.raises(ConfigError, match="list of 'pictures'"):
            read_recipe(path)
    twice = {"file": "a.jpg", "split": "train"}
    with pytest.raises(ConfigError, match=r"names a\.jpg twice"):
        read_recipe(saved(tmp_path, twice, twice))
