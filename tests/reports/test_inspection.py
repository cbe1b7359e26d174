"""What `describe` says of each kind of file, beside what was put into it."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from olacore.data import InputFile, Source, open_dataset, shard_paths
from olacore.errors import FileFormatError
from olacore.modules.latent_file import StoredLatent, write_latent
from olacore.quality.baselines import Baselines
from olacore.reports.inspection import SHOWN, describe, latent_spread, planned_rows
from olacore.search.checkpoint import save_checkpoint
from tests.support.data_samples import SIZE, SOURCES, SPACE, write_latents
from tests.support.makers import write_plain
from tests.support.vae_samples import encoder


def test_describe__a_data_set_of_pictures(tmp_path):
    path = write_latents(
        tmp_path / "a.h5", (5, 4), sources=[*SOURCES, Source("d.mp4", "scene", "train", caption="sea")]
    )
    facts = describe(path)
    expected = {
        "file": "a.h5",
        "bytes": path.stat().st_size,
        "kind": "data set, frames and latents",
        "rows": 9,
        "rows by split": {"train": 3, "validation": 3, "held-out": 3},
        "complete": True,
        "damaged rows": [],
        "size": list(SIZE),
        "latent shape": [2, 2, 3],
        "decodings": True,
        "sources": 4,
        "sources by kind": {"photograph": 2, "scene": 2},
        "sources by split": {"train": 2, "validation": 1, "held-out": 1},
        "captions": 1,
        "licences": ["CC-BY-4.0", "CC0"],
        "files": {},
        "settings": {"seed": 1, "resize": "area"},
        "teacher": SPACE.maker,
        "fingerprint": SPACE.fingerprint,
    }
    assert {name: facts[name] for name in expected} == expected
    json.dumps(facts, allow_nan=False)


def test_describe__finds_rows_that_were_damaged_after_they_were_written(tmp_path):
    path = write_latents(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["latents"][3, 0, 0, 0] += 1
        file["frames"][7, 0, 0, 0] ^= 1
    assert describe(path)["damaged rows"] == [3, 7]


def test_describe__plain_pairs(tmp_path):
    facts = describe(write_plain(tmp_path / "a.h5", rows=50))
    assert (facts["kind"], facts["rows"], facts["inputs"], facts["outputs"]) == ("data set, pairs", 50, 5, 3)
    assert sum(facts["rows by split"].values()) == 50
    assert "space" not in facts


def test_describe__a_folder_of_shards_is_one_data_set(tmp_path):
    for number, path in enumerate(shard_paths(tmp_path, 3)):
        write_latents(path, (12,) if number < 2 else (), first=12 * number, settings={"shards": 3})
    facts = describe(tmp_path)
    assert (facts["file"], facts["shards"], facts["rows"]) == (tmp_path.name, 3, 24)
    assert facts["bytes"] == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert facts["complete"] is False  # the third shard has no row yet
    shard_paths(tmp_path, 3)[2].unlink()
    write_latents(shard_paths(tmp_path, 3)[2], (12,), first=24, settings={"shards": 3})
    assert describe(tmp_path)["complete"] is True


def test_describe__what_a_data_set_was_made_of(tmp_path):
    files = [
        InputFile("a.png", "aa", 1),
        InputFile("long.mp4", "bb", 8, frames=80, damaged=2),
        InputFile("broken.png", "", 0, note="it is empty"),
    ]
    path = write_latents(tmp_path / "a.h5", files=files)
    told = describe(path)["files"]
    assert told == {
        "given": 3,
        "planned rows": 9,
        "rows": {"long.mp4": 8, "a.png": 1, "broken.png": 0},
        "damaged packets": {"long.mp4": 2},
        "gave nothing": {"broken.png": "it is empty"},
    }
    assert next(iter(told["rows"])) == "long.mp4"  # most rows first
    with open_dataset([path]) as data:
        assert planned_rows(data) == 9


def test_describe__lists_only_so_many_files(tmp_path):
    files = [InputFile(f"{number}.png", "aa", number) for number in range(SHOWN + 5)]
    told = describe(write_latents(tmp_path / "a.h5", files=files))["files"]
    assert told["given"] == SHOWN + 5
    assert [*told["rows"]] == [f"{number}.png" for number in range(SHOWN + 4, 4, -1)]


def test_latent_spread__is_the_mean_and_spread_of_each_channel(tmp_path):
    with open_dataset([write_latents(tmp_path / "a.h5")]) as data:
        latents = data.read(("latents",), np.arange(9))["latents"].astype(np.float64)
        found = latent_spread(data)
    np.testing.assert_allclose(found["mean"], latents.mean((0, 2, 3)), atol=1e-4)
    np.testing.assert_allclose(found["std"], latents.std((0, 2, 3)), atol=1e-4)


def test_describe__a_module(tmp_path):
    module = encoder().module
    path = tmp_path / "E"
    module.save(path)
    facts = describe(path)
    assert (facts["file"], facts["bytes"], facts["kind"]) == ("E", path.stat().st_size, "module, encoder")
    assert (facts["inputs"], facts["outputs"], facts["hidden"]) == (192, 4, [])
    assert (facts["stored"], facts["parameters"]) == ("float32", module.parameters)
    assert facts["training"] == {"seed": 0}
    assert facts["imitates"] == {**module.imitates.to_dict(), "fingerprint": module.imitates.fingerprint}
    assert facts["makes"]["fingerprint"] == module.makes.fingerprint != module.imitates.fingerprint
    assert facts["reads"] is None
    json.dumps(facts, allow_nan=False)


def test_describe__a_checkpoint(tmp_path):
    save_checkpoint(tmp_path / "c.safetensors", {"weights": np.zeros((2, 3), np.float32)}, {"generation": 7})
    facts = describe(tmp_path / "c.safetensors")
    assert (facts["kind"], facts["generation"], facts["arrays"]) == ("checkpoint", 7, {"weights": "float32 (2, 3)"})


def test_describe__baselines_by_their_name(tmp_path):
    zeros = np.zeros((2, 5), np.float32)
    Baselines(zeros, zeros[:, 0], zeros[:, 0], "tanh", 0.1, 99, 0.5).save(tmp_path / "baselines.safetensors")
    facts = describe(tmp_path / "baselines.safetensors")
    assert facts == {
        "file": "baselines.safetensors",
        "kind": "baselines",
        "shape": [2, 5],
        "link": "tanh",
        "ridge": 0.1,
        "rows": 99,
    }


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_describe__a_latent_with_what_its_file_says(suffix, tmp_path):
    path = tmp_path / f"z{suffix}"
    write_latent(path, StoredLatent(np.zeros((SPACE.channels, 2, 3), np.float32), imitates=SPACE, size=(16, 20)))
    facts = describe(path)
    assert (facts["kind"], facts["shape"], facts["type"]) == ("latent", [SPACE.channels, 2, 3], "float32")
    known = suffix == ".npz"
    assert facts["picture"] == ([16, 20] if known else None)
    assert facts["imitates"] == ({**SPACE.to_dict(), "fingerprint": SPACE.fingerprint} if known else None)
    assert facts["makes"] is None


def test_describe__a_run_folder_by_what_is_in_it(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert describe(tmp_path) == {"file": tmp_path.name, "kind": "run"}
    encoder().module.save(tmp_path / "module.safetensors")
    save_checkpoint(tmp_path / "checkpoint.safetensors", {}, {"generation": 7})
    facts = describe(tmp_path)
    assert facts["module"] == describe(tmp_path / "module.safetensors")
    assert facts["checkpoint"]["generation"] == 7


def test_describe__says_what_it_cannot_tell(tmp_path):
    with pytest.raises(FileFormatError, match="cannot read .*missing.h5: No such file"):
        describe(tmp_path / "missing.h5")
    with pytest.raises(FileFormatError, match="holds no run and no data files"):
        describe(tmp_path)
    (tmp_path / "a.h5").write_text("no HDF5")
    with pytest.raises(FileFormatError, match="a.h5"):
        describe(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.attrs["schema"] = "olacore/checkpoint/99"
    with pytest.raises(FileFormatError, match="has schema 'olacore/checkpoint/99'"):
        describe(tmp_path / "b.h5")


def test_describe__does_not_trust_a_suffix(tmp_path):
    path = write_latents(tmp_path / "a.h5").rename(tmp_path / "z.npy")
    assert describe(path)["kind"] == "data set, frames and latents"
