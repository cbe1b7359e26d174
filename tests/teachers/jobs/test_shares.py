"""Shares of data sets, each as if made on a machine of its own, and joined: the file that is made in one go."""

from __future__ import annotations

import pickle
import shutil
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import (
    ConfigError,
    DataError,
    FileFormatError,
    FingerprintError,
    OlacoreError,
    OutputError,
    OutputExistsError,
)
from olacore.spaces import LatentSpace
from teachers import (
    FunctionTeacher,
    PictureRule,
    PrecomputeConfig,
    Share,
    merge_shares,
    precompute,
    precompute_share,
    precompute_texts,
)
from teachers.jobs.plan_file import read_plan_file
from teachers.jobs.texts import collect_texts
from tests.support.killed import run_killed
from tests.support.letter_samples import LetterTeacher, make_captioned, write_captioned
from tests.support.plain_samples import EVERY, MeanTeacher, make, save_photographs
from tests.support.video_samples import scene, write_video

RULE = PictureRule(size=16, crops=2)
PAIRS = "import numpy as np\ndef fn(f):\n    return f[:, :4, 0].reshape(-1, 3) / 9.0, f[:, 4:8, 0].reshape(-1, 3)\n"


def shares_of(count: int, *, skip: int = 0) -> list[Share]:
    return [Share(number, count) for number in range(1, count + 1) if number != skip]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    save_photographs(folder, 5)
    (folder / "photo2b.png").write_text("no picture")
    return folder


def make_shares(photos: Path, folder: Path, count: int = 3, **options) -> Path:
    for share in shares_of(count, skip=options.pop("skip", 0)):
        make([photos], folder, rule=RULE, share=share, **options)
    return folder


def assert_equal(merged: Path, whole: Path) -> None:
    """Every field, row, source, caption and attribute, and then every byte."""
    with h5py.File(merged) as one, h5py.File(whole) as other:
        assert {*one} == {*other}
        for name in other:
            np.testing.assert_array_equal(one[name][:], other[name][:])
        assert {*one.attrs} == {*other.attrs}
        for name, value in other.attrs.items():
            np.testing.assert_array_equal(one.attrs[name], value)
    assert merged.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("count", [1, 3, 10])
def test_photographs__merged_are_the_undivided_file(tmp_path: Path, photos: Path, count: int) -> None:
    make([photos], tmp_path / "whole.h5", rule=RULE)
    folder = make_shares(photos, tmp_path / "set", count)
    made = merge_shares([folder], tmp_path / "merged.h5")
    assert (made.rows, made.shares) == (10, count)
    assert_equal(tmp_path / "merged.h5", tmp_path / "whole.h5")
    # Without the merge they are read as one data set too.
    with open_dataset([folder]) as parts, open_dataset([tmp_path / "whole.h5"]) as whole:
        for name in ("frames", "latents", "recon"):
            rows = np.arange(10)
            np.testing.assert_array_equal(parts.read([name], rows)[name], whole.read([name], rows)[name])
        np.testing.assert_array_equal(parts.split, whole.split)


def test_video__a_film_and_a_scene_are_divided(tmp_path: Path) -> None:
    films = [
        write_video(tmp_path / f"{name}.mkv", np.concatenate([scene(10, number + at) for number in range(3)]))
        for at, name in enumerate("ab")
    ]
    make(films, tmp_path / "whole.h5")
    for share in shares_of(4):
        make(films, tmp_path / "set", share=share)
    merge_shares([tmp_path / "set"], tmp_path / "merged.h5")
    assert_equal(tmp_path / "merged.h5", tmp_path / "whole.h5")
    with (
        h5py.File(tmp_path / "set" / "shard-0001-of-0004.h5") as one,
        h5py.File(tmp_path / "set" / "shard-0002-of-0004.h5") as two,
    ):
        assert {*one["sources"]["name"].tolist()} & {*two["sources"]["name"].tolist()}


def test_captions__several_of_a_picture_and_one_of_several_pictures(tmp_path: Path) -> None:
    paths, table = write_captioned(tmp_path)
    with table.open("a") as more:
        more.write("photo1.png\ta second fox\nphoto8.png\ta fox\n")
    make_captioned(paths, table, tmp_path / "whole.h5")
    for share in shares_of(3):
        make_captioned(paths, table, tmp_path / "set", share=share)
    merge_shares([tmp_path / "set"], tmp_path / "merged.h5")
    assert_equal(tmp_path / "merged.h5", tmp_path / "whole.h5")


def test_texts__captions_alone(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("".join(f"the {number}th fox\n" for number in range(11)))
    texts = collect_texts([tmp_path / "list.txt"])
    precompute_texts(texts, tmp_path / "whole.h5", LetterTeacher())
    made = [precompute_texts(texts, tmp_path / "set", LetterTeacher(), share=share) for share in shares_of(3)]
    assert made == [3, 4, 4]
    merge_shares([tmp_path / "set"], tmp_path / "merged.h5")
    assert_equal(tmp_path / "merged.h5", tmp_path / "whole.h5")
    (tmp_path / "set" / "shard-0002-of-0003.h5").unlink()
    with pytest.raises(ConfigError, match="number 1 is 'the 1th fox', now it is 'the 2th fox'"):
        precompute_texts([texts[0], *texts[2:]], tmp_path / "set", LetterTeacher(), share=Share(2, 3))


def test_pairs__rows_without_sources_and_batches_that_are_not_cut(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "pairs.py").write_text(PAIRS)
    teacher = FunctionTeacher(tmp_path / "pairs.py", "fn", batch=4)
    precompute([photos], tmp_path / "whole.h5", teacher, RULE)
    for share in shares_of(3):
        precompute([photos], tmp_path / "set", teacher, RULE, share=share)
    with h5py.File(tmp_path / "set" / "shard-0003-of-0003.h5") as last:
        assert len(last["inputs"]) == 2 * len(h5py.File(tmp_path / "whole.h5")["inputs"]) // 10
    merge_shares([tmp_path / "set"], tmp_path / "merged.h5")
    assert_equal(tmp_path / "merged.h5", tmp_path / "whole.h5")
    with pytest.raises(ConfigError, match="of 10 rows, 4 at once, there may be at most 3 shares; got 4"):
        precompute([photos], tmp_path / "four", teacher, RULE, share=Share(1, 4))


@pytest.mark.parametrize(("number", "count"), [(0, 3), (4, 3), (-1, 3), (1, 0)])
def test_share__index_out_of_range(number: int, count: int) -> None:
    with pytest.raises(ConfigError, match=f"numbered from 1 .*; got {number}/{count}"):
        Share(number, count)


def test_share__more_than_there_are_rows(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(ConfigError, match="of 10 rows there may be at most 10 shares; got 11"):
        make([photos], tmp_path / "set", rule=RULE, share=Share(1, 11))
    make([photos], tmp_path / "set", rule=RULE, share=Share(1, 10))


def test_plan__is_computed_once(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make([photos], tmp_path / "set", rule=RULE, share=Share(2, 3))
    before = (tmp_path / "set" / "plan.hdf5").read_bytes()
    monkeypatch.setattr("teachers.jobs.job.survey_all", None)
    make([photos], tmp_path / "set", rule=RULE, share=Share(1, 3))
    assert (tmp_path / "set" / "plan.hdf5").read_bytes() == before


def test_plan__two_machines_that_begin_at_once_agree(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from teachers.jobs import shares

    def late(job, *arguments):
        # Another share has left its plan while this one was looking at the files.
        found = job(*arguments)
        with monkeypatch.context() as once:
            once.setattr(shares, "plan_of", job)
            make([photos], tmp_path / "set", rule=RULE, share=Share(1, 3))
        return found

    monkeypatch.setattr(shares, "plan_of", partial(late, shares.plan_of))
    make([photos], tmp_path / "set", rule=RULE, share=Share(2, 3))
    monkeypatch.undo()
    make([photos], tmp_path / "set", rule=RULE, share=Share(3, 3))
    make([photos], tmp_path / "whole.h5", rule=RULE)
    merge_shares([tmp_path / "set"], tmp_path / "merged.h5")
    assert_equal(tmp_path / "merged.h5", tmp_path / "whole.h5")
    # Elsewhere, without seeing this folder, the same plan comes out.
    make([photos], tmp_path / "elsewhere", rule=RULE, share=Share(3, 3))
    assert read_plan_file(tmp_path / "elsewhere" / "plan.hdf5")[2] == read_plan_file(tmp_path / "set" / "plan.hdf5")[2]


def test_plan__of_other_settings_teachers_and_counts(tmp_path: Path, photos: Path) -> None:
    make([photos], tmp_path / "set", rule=RULE, share=Share(1, 3))
    with pytest.raises(ConfigError, match=r"plan\.hdf5 was made with seed 0, now it is 1"):
        make([photos], tmp_path / "set", rule=PictureRule(size=16, crops=2, seed=1), share=Share(2, 3))

    class Other(MeanTeacher):
        space = LatentSpace("tests/other", "cd" * 32, scaling=1.0, shift=0.0, channels=4)

    with pytest.raises(ConfigError, match="was made with maker 'tests/mean', now it is 'tests/other'"):
        precompute([photos], tmp_path / "set", Other(4), RULE, EVERY, recon=True, share=Share(2, 3))
    with pytest.raises(OutputExistsError, match=r"holds shard-0001-of-0003\.h5, which is none of 4 shares"):
        make([photos], tmp_path / "set", rule=RULE, share=Share(2, 4))
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["plan.hdf5", "shard-0001-of-0003.h5"]


def test_source__that_changed_between_shares_is_named_with_both_digests(tmp_path: Path, photos: Path) -> None:
    make([photos], tmp_path / "set", rule=RULE, share=Share(1, 3))
    kept = (photos / "photo3.png").read_bytes()
    shutil.copy(photos / "photo4.png", photos / "photo3.png")
    with pytest.raises(
        ConfigError,
        match=r"made of photo3\.png with SHA-256 [0-9a-f]{64}, now there is photo3\.png with SHA-256 [0-9a-f]",
    ):
        make([photos], tmp_path / "set", rule=RULE, share=Share(2, 3))
    (photos / "photo3.png").unlink()
    with pytest.raises(ConfigError, match=r"made of photo3\.png .*, now there is photo4\.png"):
        make([photos], tmp_path / "set", rule=RULE, share=Share(2, 3))
    (photos / "photo3.png").write_bytes(kept)
    save_photographs(tmp_path / "more", 1, 48, 48)[0].rename(photos / "z.png")
    with pytest.raises(ConfigError, match=r"made of no further source, now there is z\.png"):
        make([photos], tmp_path / "set", rule=RULE, share=Share(2, 3))


def test_plan__damaged(tmp_path: Path, photos: Path) -> None:
    make([photos], tmp_path / "set", rule=RULE, share=Share(1, 3))
    plan = tmp_path / "set" / "plan.hdf5"
    whole = plan.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"my holidays", (photos / "photo1.png").read_bytes()):
        plan.write_bytes(damaged)
        with pytest.raises(FileFormatError, match=r"plan\.hdf5"):
            make([photos], tmp_path / "set", rule=RULE, share=Share(2, 3))
    shutil.copy(tmp_path / "set" / "shard-0001-of-0003.h5", plan)
    with pytest.raises(FileFormatError, match=r"plan\.hdf5 is no plan of shares"):
        make([photos], tmp_path / "set", rule=RULE, share=Share(2, 3))
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(40):
        data = bytearray(whole)
        data[random.integers(len(data))] ^= 1 << int(random.integers(8))
        plan.write_bytes(data)
        try:
            found = read_plan_file(plan)
        except OlacoreError:
            refused += 1
        else:  # in what HDF5 leaves unused
            plan.write_bytes(whole)
            assert found[2] == read_plan_file(plan)[2]
    assert refused


def test_share__existing_file(tmp_path: Path, photos: Path) -> None:
    folder = make_shares(photos, tmp_path / "set", skip=3)
    own = folder / "shard-0002-of-0003.h5"
    before = own.read_bytes()
    with pytest.raises(OutputExistsError, match=r"shard-0002-of-0003\.h5 is already there; give --resume"):
        make([photos], folder, rule=RULE, share=Share(2, 3))
    make([photos], folder, rule=RULE, share=Share(2, 3), resume=True)
    make([photos], folder, rule=RULE, share=Share(2, 3), force=True)
    assert own.read_bytes() == before
    with pytest.raises(ConfigError, match="leave the shard size out"):
        make([photos], folder, rule=RULE, share=Share(2, 3), shard_size=2)
    with pytest.raises(OutputError, match="it is no folder"):
        make([photos], own, rule=RULE, share=Share(2, 3))


def test_folder__of_shards_in_one_go_replaces_shares_and_their_plan(tmp_path: Path, photos: Path) -> None:
    folder = make_shares(photos, tmp_path / "set")
    make([photos], folder, rule=RULE, shard_size=10, force=True)
    assert [path.name for path in folder.iterdir()] == ["shard-0001-of-0001.h5"]
    with pytest.raises(FileFormatError, match=r"shard-0001-of-0001\.h5 is no share"):
        merge_shares([folder], tmp_path / "merged.h5")


KILLED = """
from teachers import Share
from tests.support.plain_samples import make
from tests.teachers.jobs.test_shares import RULE
make([path.parent / "photos"], path, rule=RULE, share=Share(2, 3), resume=True, max_pixels=5000)
"""


def test_share__killed_is_started_again(tmp_path: Path, photos: Path) -> None:
    make_shares(photos, tmp_path / "set", skip=2)
    for sync in (1, 3, 6):
        run_killed(KILLED, tmp_path / "set", sync)
        with pytest.raises((DataError, OlacoreError), match=r"share 2 of 3 is missing|not complete|no finished row"):
            merge_shares([tmp_path / "set"], tmp_path / "merged.h5")
        assert not (tmp_path / "merged.h5").exists()
    make([photos], tmp_path / "set", rule=RULE, share=Share(2, 3), resume=True)
    merge_shares([tmp_path / "set"], tmp_path / "merged.h5")
    make([photos], tmp_path / "whole.h5", rule=RULE)
    assert_equal(tmp_path / "merged.h5", tmp_path / "whole.h5")


def test_job__can_be_pickled_and_starts_where_it_was_killed(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "pairs.py").write_text(PAIRS)
    config = PrecomputeConfig([photos], tmp_path / "set", f"{tmp_path / 'pairs.py'}:fn", rule=RULE)
    job = pickle.loads(pickle.dumps(partial(precompute_share, config)))
    with pytest.raises(ConfigError, match="got 3/2"):
        job(3, 2)
    config = pickle.loads(pickle.dumps(config))
    assert precompute_share(config, 1, 1).rows == 10
    before = (tmp_path / "set" / "shard-0001-of-0001.h5").read_bytes()
    assert job(1, 1).rows == 10
    assert (tmp_path / "set" / "shard-0001-of-0001.h5").read_bytes() == before
    with pytest.raises(ConfigError, match="either a teacher or an organic encoder"):
        PrecomputeConfig([photos], tmp_path / "set")


def test_shares__of_another_plan_or_teacher_are_not_joined(tmp_path: Path, photos: Path) -> None:
    folder = make_shares(photos, tmp_path / "set")
    other = tmp_path / "other"
    for share in shares_of(3):
        make([photos], other, rule=PictureRule(size=16, crops=2, seed=1), share=share)
    shutil.copy(other / "shard-0002-of-0003.h5", folder)
    with pytest.raises(ConfigError, match="is share 2 of 3 of the plan .*; give shares of one plan"):
        merge_shares([folder], tmp_path / "merged.h5")
    with (
        h5py.File(folder / "shard-0002-of-0003.h5", "r+") as file,
        h5py.File(folder / "shard-0001-of-0003.h5") as first,
    ):
        file.attrs["settings"] = first.attrs["settings"].replace('"share": 1', '"share": 2')
        file.attrs["maker_sha256"] = "cd" * 32
    with pytest.raises(FingerprintError):
        merge_shares([folder], tmp_path / "merged.h5")
    assert not (tmp_path / "merged.h5").exists()
