"""`ola precompute --share` and `ola merge` as a user meets them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cli
from olacore.data import open_dataset
from tests.support.command import check_refusal, ola
from tests.support.plain_samples import save_photographs

ONES = "import numpy as np\ndef fn(f): return np.ones((len(f), 1)), f[:, :1, 0, 0] / 255.0\n"


@pytest.fixture
def asked(tmp_path: Path) -> list[object]:
    save_photographs(tmp_path / "photos", 6)
    (tmp_path / "ones.py").write_text(ONES)
    given = [tmp_path / "photos", "--teacher", f"{tmp_path / 'ones.py'}:fn", "--size", "16"]
    return ["precompute", *given, "--workers", "0", "--batch", "1"]


def test_shares__merged_are_the_undivided_file(tmp_path: Path, asked: list[object]) -> None:
    ola(*asked, "--h5", tmp_path / "whole.h5")
    for number in (2, 1, 3):
        told = ola(*asked, "--h5", tmp_path / "set", "--share", f"{number}/3").stdout
        assert f"set, share {number} of 3: 2 rows from 2 photographs" in told
    merged = tmp_path / "merged.h5"
    assert "merged.h5: 6 rows from 3 shares" in ola("merge", tmp_path / "set", "-o", merged).stdout
    assert merged.read_bytes() == (tmp_path / "whole.h5").read_bytes()
    check_refusal("already there; give --force", "merge", tmp_path / "set", "-o", merged)
    shards = sorted((tmp_path / "set").glob("*.h5"))
    told = ola("merge", *shards, "-o", merged, "--force", "--json").output
    assert json.loads(told) == {"rows": 6, "shares": 3}
    check_refusal("share 2 of 3 is missing; make it with --share 2/3", "merge", shards[0], shards[2], "-o", "x.h5")
    check_refusal("form of data|schema", "inspect", tmp_path / "set" / "plan.hdf5")


@pytest.mark.parametrize("share", ["0/3", "4/3", "1/0"])
def test_share__out_of_range(tmp_path: Path, asked: list[object], share: str) -> None:
    check_refusal(f"numbered from 1 .*; got {share}", *asked, "--h5", tmp_path / "set", "--share", share)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("share", ["2", "2/", "a/b", "-1/3", "1/2/3", "1.5/3"])
def test_share__that_is_none(tmp_path: Path, asked: list[object], share: str) -> None:
    assert "is no share; write 2/8" in ola(*asked, "--h5", tmp_path / "set", "--share", share, code=2).stderr


def test_share__where_nothing_is_divided(tmp_path: Path) -> None:
    words = ["precompute", "--words", "--text-teacher", "x", "--h5", tmp_path / "w.h5", "--share", "1/2"]
    assert "has no shares; leave --share out" in ola(*words, code=2).stderr
    noise = ["precompute", tmp_path / "a.h5", "--denoiser", "none", "--h5", tmp_path / "w.h5", "--share", "1/2"]
    assert "--share does not go with --denoiser" in ola(*noise, code=2).stderr


def test_signal__keeps_what_is_done_of_a_share(tmp_path: Path, asked: list[object]) -> None:
    save_photographs(tmp_path / "photos", 300, 17, 17)
    share = [*asked, "--h5", tmp_path / "set", "--share", "1/1"]
    file = tmp_path / "set" / "shard-0001-of-0001.h5"
    process = subprocess.Popen(
        [sys.executable, cli.__file__, *map(str, share)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    while process.poll() is None and not file.exists():
        pass
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate()
    assert process.returncode == 143
    assert f"terminated: {tmp_path / 'set'} keeps what is done; go on with the same command and --resume\n" in stderr
    assert "share 1 of 1: 300 rows" in ola(*share, "--resume").stdout
    with open_dataset(file) as data:
        assert (data.count, data.complete) == (300, True)
