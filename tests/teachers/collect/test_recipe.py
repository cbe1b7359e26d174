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
        (
            {"file": "a.jpg", "split": "test"},
            r"pictures\[0\]\.split must be one of train, validation, held-out; got 'test'",
        ),
        ({"file": "a.jpg"}, r"pictures\[0\]\.split is missing"),
        ({"file": "a.jpg", "split": "train", "colour": 1}, "an unknown entry 'colour'; known are file, split, author"),
        ({"file": 3, "split": "train"}, r"pictures\[0\]\.file must be text .*; got 3"),
        ({"file": "a.jpg", "split": "train", "crops": []}, r"crops must be a list of 1 to"),
        ({"file": "a.jpg", "split": "train", "crops": [[0, 0, 0]]}, r"crops\[0\]\[2\] must be a whole number from 1"),
        ({"file": "a.jpg", "split": "train", "crops": [[-1, 0, 8]]}, r"crops\[0\]\[0\] must be a whole number from 0"),
        (
            {"file": "a.jpg", "split": "train", "crops": [[0, 0, 8.5]]},
            r"crops\[0\]\[2\] must be a whole number .*; got 8\.5",
        ),
        ({"file": "a.jpg", "split": "train", "crops": [[0, 8]]}, r"crops\[0\] must be a list of 3 entries"),
        ("a.jpg", r"pictures\[0\] must be an object; got 'a\.jpg'"),
    ],
)
def test_read_recipe__wrong_entry(tmp_path: Path, picture: Any, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        read_recipe(saved(tmp_path, picture))


def test_read_recipe__wrong_file(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    with pytest.raises(FileFormatError, match="cannot read the recipe .*: No such file"):
        read_recipe(path)
    path.write_text("not json")
    with pytest.raises(FileFormatError, match="is no JSON"):
        read_recipe(path)
    for text in ("[]", "{}", '{"pictures": []}'):
        path.write_text(text)
        with pytest.raises(FileFormatError, match="the recipe .* is damaged: .*(pictures|an object)"):
            read_recipe(path)
    twice = {"file": "a.jpg", "split": "train"}
    with pytest.raises(ConfigError, match=r"names a\.jpg twice"):
        read_recipe(saved(tmp_path, twice, twice))
