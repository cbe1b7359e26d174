"""All shares of a data set by one call, in this process, in others, and in those of Ray."""

import json

import pytest

from olacore.errors import ConfigError, OlacoreError
from teachers import LoadOptions, PictureRule, PrecomputeConfig, merge_shares, precompute_shares
from tests.support.command import ola
from tests.support.plain_samples import save_photographs

ONE = LoadOptions(batch=1)
RULE = PictureRule(size=16, crops=2)
PAIRS = "import numpy as np\ndef fn(f):\n    return f[:, :4, 0].reshape(-1, 3) / 9.0, f[:, 4:8, 0].reshape(-1, 3)\n"


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "pairs.py").write_text(PAIRS)
    folder = tmp_path / "photos"
    save_photographs(folder, 5)
    return folder


def asked(photos, name, **changes):
    """What is asked for, of a teacher whose batches are the least that may be cut."""
    teacher = f"{photos.parent / 'pairs.py'}:fn"
    return PrecomputeConfig([photos], photos.parent / name, teacher, loading=ONE, rule=RULE, **changes)


def joined(photos, name):
    merge_shares([photos.parent / name], made := photos.parent / f"{name}.h5")
    return made.read_bytes()


def test_shares__are_the_same_wherever_they_are_made(photos):
    one = precompute_shares(asked(photos, "one"), 1)
    three = precompute_shares(asked(photos, "three"), 3)
    there = precompute_shares(asked(photos, "there"), 3, workers=1)
    assert sum(each.rows for each in three) == sum(each.rows for each in there) == one[0].rows == 10
    assert joined(photos, "one") == joined(photos, "three") == joined(photos, "there")


def test_shares__a_fault_is_told_of_for_each(photos):
    (photos / "photo0.png").rename(photos / "other.png")
    found = precompute_shares(asked(photos, "set"), 11)
    assert all(isinstance(each, OlacoreError) for each in found)
    assert "may be at most" in str(found[0])
    with pytest.raises(ConfigError, match="there is 1 share or more; got 0"):
        precompute_shares(asked(photos, "none"), 0)


def test_shares__stop_where_asked_to_and_go_on(photos):
    over = []
    parts = precompute_shares(asked(photos, "set"), 3, told=lambda *each: over.append(each), should_stop=lambda: over)
    assert len(parts) == len(over) == 1
    assert len(precompute_shares(asked(photos, "set"), 3)) == 3
    precompute_shares(asked(photos, "whole"), 1)
    assert joined(photos, "set") == joined(photos, "whole")


def test_command__makes_all_shares(photos):
    given = ["precompute", photos, "--teacher", f"{photos.parent / 'pairs.py'}:fn", "--size", 16, "--batch", 1]
    made = ola(*given, "--h5", photos.parent / "set", "--shares", 2)
    assert "5 rows in 2 shares; `ola merge" in made.stdout.replace("\n", "")
    assert "share 2 of 2: " in made.stderr
    told = ola(*given, "--h5", photos.parent / "set", "--shares", 2, "--json")
    assert json.loads(told.stdout) == {"rows": 5, "shares": 2}
    failing = ola(*given, "--h5", photos.parent / "other", "--shares", 6, code=1)
    assert "error: 6 of 6 shares failed; the same command goes on with them" in failing.stderr
    for sentence, *more in (
        ("--shares does not go with --force", "--shares", 2, "--force"),
        ("--shares does not go with --share", "--shares", 2, "--share", "1/2"),
        ("--backend and --address say where shares are made; give --shares too", "--backend", "ray"),
    ):
        assert sentence in ola(*given, "--h5", photos.parent / "no", *more, code=2).output.replace("\n", " ")
