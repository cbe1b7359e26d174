import json
import os
import shutil
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import ConfigError, DataError, FileFormatError, OutputError, OutputExistsError
from olacore.media.find import find_inputs
from olacore.media.pictures import Square, crop, read_picture
from teachers import LoadOptions, PictureRule, VideoRule, load_teacher, precompute
from teachers.collect.plan import Plan, make_plan, wanted
from teachers.collect.survey_pool import survey_all
from tests.support.places import ROOT, SAMPLE
from tests.support.plain_samples import MeanTeacher, make, save_photographs
from tests.support.teacher_samples import save_model

SMALL = PictureRule(size=16)
TEACHER = MeanTeacher()


def plan_of(paths: list[Path], rule: PictureRule) -> Plan:
    inputs = wanted(find_inputs(paths)[0], rule)
    return make_plan(inputs, survey_all(inputs, VideoRule(), 0, lambda *counts: None), rule)


def splits_of(paths: list[Path], rule: PictureRule) -> dict[str, str]:
    return {source.name: source.split for source in plan_of(paths, rule).sources}


def squares_of(plan: Plan, source: int = 0) -> list[Square]:
    rows = plan.rows[plan.rows["source"] == source]
    return [Square(*row) for row in rows[["top", "left", "height"]].tolist()]


def test_precompute__rows_are_what_the_teacher_says(tmp_path: Path) -> None:
    photos = save_photographs(tmp_path / "photos", 4)
    h5 = tmp_path / "out.h5"
    summary = precompute([tmp_path / "photos"], h5, TEACHER, SMALL, recon=True)
    assert summary.rows == 4
    assert summary.sources == {"train": 2, "validation": 1, "held-out": 1}
    assert summary.skipped == ()
    with open_dataset([h5]) as data:
        assert data.space == TEACHER.space
        assert [source.name for source in data.sources] == [path.name for path in photos]
        rows = data.read(("frames", "latents", "recon", "rows"), np.arange(4))
    frames = np.stack([crop(read_picture(path), 16) for path in photos])
    np.testing.assert_array_equal(rows["frames"], frames)
    latents = TEACHER.encode(frames).astype(np.float16)
    np.testing.assert_array_equal(rows["latents"], latents)
    np.testing.assert_array_equal(rows["recon"], TEACHER.decode(latents))
    assert rows["rows"][["source", "pts", "top", "left", "height", "width"]].tolist() == [
        (number, -1, 0, 8, 40, 40) for number in range(4)
    ]
    assert str(tmp_path).encode() not in h5.read_bytes()


def test_precompute__with_a_real_network(tmp_path: Path) -> None:
    save_photographs(tmp_path / "photos", 3)
    teacher = load_teacher(save_model(tmp_path / "tiny"), LoadOptions(self_test=False))
    precompute([tmp_path / "photos"], tmp_path / "out.h5", teacher, SMALL)
    with open_dataset([tmp_path / "out.h5"]) as data:
        rows = data.read(("frames", "latents"), np.arange(3))
    np.testing.assert_array_equal(rows["latents"], teacher.encode(rows["frames"]).astype(np.float16))


@pytest.mark.parametrize("after", [0, 1, 4])
def test_precompute__resumed_file_has_the_same_bytes(tmp_path: Path, after: int) -> None:
    save_photographs(tmp_path / "photos", 3)
    whole, resumed = tmp_path / "whole.h5", tmp_path / "resumed.h5"
    rule = PictureRule(size=16, crops=2)
    precompute([tmp_path / "photos"], whole, TEACHER, rule, recon=True)

    def stop(what: str, done: int, total: int) -> None:
        if (what, done) == ("rows", after):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        precompute([tmp_path / "photos"], resumed, TEACHER, rule, recon=True, progress=stop)
    assert resumed.read_bytes() != whole.read_bytes()
    with h5py.File(resumed) as file:
        kept = file.attrs["rows_valid"]
    # The batch that the teacher had just answered is kept too.
    assert kept == (after + 1 if after else 0)
    seen = []
    for _ in range(2):
        precompute(
            [tmp_path / "photos"], resumed, TEACHER, rule, recon=True, resume=True, progress=lambda *n: seen.append(n)
        )
    assert [n for n in seen if n[0] == "rows"] == [*(("rows", done, 6) for done in range(kept, 7)), ("rows", 6, 6)]
    assert resumed.read_bytes() == whole.read_bytes()


def test_precompute__resume_refuses_other_settings_and_pictures(tmp_path: Path) -> None:
    paths = save_photographs(tmp_path / "photos", 3)
    h5 = tmp_path / "out.h5"
    precompute(paths, h5, TEACHER, SMALL)
    before = h5.read_bytes()
    with pytest.raises(ConfigError, match=r"was made with settings\[seed\] 0, now it is 1"):
        precompute(paths, h5, TEACHER, PictureRule(size=16, seed=1), resume=True)
    with pytest.raises(ConfigError, match="was made with"):
        precompute(paths[:2], h5, TEACHER, SMALL, resume=True)
    with pytest.raises(OutputExistsError, match="already there"):
        precompute(paths, h5, TEACHER, SMALL)
    assert h5.read_bytes() == before
    precompute(paths, h5, TEACHER, PictureRule(size=16, seed=1), force=True)
    assert h5.read_bytes() != before


def test_precompute__resume_refuses_a_picture_that_changed(tmp_path: Path) -> None:
    paths = save_photographs(tmp_path / "photos", 2)
    precompute(paths[:1], tmp_path / "out.h5", TEACHER, SMALL)
    paths[1].replace(paths[0])
    with pytest.raises(ConfigError, match="sources.*1 files, sha256 .*now it is .*1 files, sha256"):
        precompute(paths[:1], tmp_path / "out.h5", TEACHER, SMALL, resume=True)


def test_precompute__bad_pictures_are_reported_and_skipped(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    save_photographs(folder, 3)
    shutil.copy(folder / "photo0.png", folder / "z_copy.png")
    (folder / "a_text.png").write_text("no picture")
    (folder / "b_empty.png").touch()
    (folder / "c_cut.png").write_bytes((folder / "photo1.png").read_bytes()[:3000])
    shutil.copy(save_photographs(tmp_path / "tiny", 1, height=8, width=200)[0], folder / "d_small.png")
    again = shutil.copy(folder / "photo2.png", tmp_path / "again.png")
    summary = precompute([folder, Path(again), folder], tmp_path / "out.h5", TEACHER, SMALL)
    reasons = {file.name: file.note for file in summary.skipped[:-1]}
    twice = summary.skipped[-1]
    assert "known format" in reasons.pop("a_text.png")
    assert "empty" in reasons.pop("b_empty.png")
    assert "cannot be read" in reasons.pop("c_cut.png")
    assert "200 x 8, smaller than 16 x 16" in reasons.pop("d_small.png")
    assert "same file as" in reasons.pop("z_copy.png")
    assert "again.png is the same file as" in twice.note
    assert reasons == {}
    assert summary.rows == 3


def test_precompute__nothing_to_use(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match="none of 1 files gives a picture: .*known format"):
        precompute([tmp_path], tmp_path / "out.h5", TEACHER, SMALL)
    with pytest.raises(DataError, match="no source gives a picture: .*nothing is there"):
        precompute([tmp_path / "none"], tmp_path / "out.h5", TEACHER, SMALL)
    assert not (tmp_path / "out.h5").exists()


def test_precompute__a_missing_file_among_many_is_reported(tmp_path: Path) -> None:
    paths = save_photographs(tmp_path, 2)
    summary = precompute([paths[0], tmp_path / "none.mp4", paths[1]], tmp_path / "out.h5", TEACHER, SMALL)
    assert summary.rows == 2
    assert [(file.name, file.rows) for file in summary.skipped] == [("none.mp4", 0)]
    assert "nothing is there" in summary.skipped[0].note
    assert str(tmp_path).encode() not in (tmp_path / "out.h5").read_bytes()


def test_precompute__a_folder_loses_nothing_but_what_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "photos"
    photos = save_photographs(folder, 3)
    (folder / "backup.zip").write_bytes(b"PK\3\4 cut short")
    (folder / "notes.txt").touch()
    (folder / "gone.png").symlink_to("nowhere.png")
    # A name that is no UTF-8.
    photos[2].rename(folder / os.fsdecode(b"\xff.png"))
    (folder / "captions.tsv").write_text("photo0.png\tred\u2028and round\n", encoding="utf-8")
    (folder / os.fsdecode(b"\xfe.png")).write_bytes(b"no picture")
    monkeypatch.chdir(folder)
    summary = make([Path()], tmp_path / "out.h5")
    assert summary.rows == 3
    notes = {file.name: file.note for file in summary.skipped}
    assert notes["backup.zip"].startswith("backup.zip is no zip archive")
    assert notes["gone.png"] == "gone.png is a link to what is missing; it is left out."
    assert notes["?.png"] == "?.png is not a picture of a known format."
    assert notes["photos"] == "the folder . holds another file, left out: 1 .txt, such as notes.txt."
    with open_dataset([tmp_path / "out.h5"]) as data:
        assert [source.caption for source in data.sources] == ["red\u2028and round", "", ""]


def test_precompute__pictures_larger_than_allowed_are_named(tmp_path: Path) -> None:
    photos = [*save_photographs(tmp_path / "a", 2), *save_photographs(tmp_path / "b", 1, 50, 60)]
    summary = make(photos, tmp_path / "out.h5", max_pixels=2999)
    (skipped,) = summary.skipped
    assert (summary.rows, "--max-pixels 3000 allows it" in skipped.note) == (2, True)
    assert make(photos, tmp_path / "whole.h5", max_pixels=3000).rows == 3


def test_recipe__names_in_another_form_of_unicode(tmp_path: Path) -> None:
    (photo,) = save_photographs(tmp_path / "a", 1)
    photo = photo.rename(photo.with_name("bla\u030a.png"))
    (tmp_path / "r.json").write_text('{"pictures": [{"file": "bl\u00e5.png", "split": "held-out"}]}', encoding="utf-8")
    plan = plan_of([photo], PictureRule(size=16, recipe=tmp_path / "r.json"))
    assert [source.split for source in plan.sources] == ["held-out"]


def test_precompute__upscale_takes_small_pictures(tmp_path: Path) -> None:
    paths = save_photographs(tmp_path / "photos", 1, height=1, width=1)
    rule = PictureRule(size=16, upscale=True, crops=2)
    assert precompute(paths, tmp_path / "out.h5", TEACHER, rule).rows == 2


def test_precompute__latents_that_are_not_finite(tmp_path: Path) -> None:
    class Broken(MeanTeacher):
        def encode(self, frames: np.ndarray) -> np.ndarray:
            return super().encode(frames) + np.float32(1e6)

    paths = save_photographs(tmp_path / "photos", 1)
    with pytest.raises(DataError, match="finite as float16"):
        precompute(paths, tmp_path / "out.h5", Broken(), SMALL)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 11, 20])
def test_split__every_part_from_three_on(tmp_path: Path, count: int) -> None:
    splits = Counter(splits_of(save_photographs(tmp_path, count, 8, 8), PictureRule(size=8)).values())
    each = max(round(count / 10), 1) if count >= 3 else 0
    assert splits == {k: v for k, v in {"train": count - 2 * each, "validation": each, "held-out": each}.items() if v}


def test_split__seeded_and_free_of_names_and_order(tmp_path: Path) -> None:
    paths = save_photographs(tmp_path, 12, 8, 8)
    rule = PictureRule(size=8)
    first = splits_of(paths, rule)
    assert splits_of(paths[::-1], rule) == first
    assert splits_of(paths, PictureRule(size=8, seed=1)) != first
    (tmp_path / "renamed").mkdir()
    renamed = [Path(shutil.copy(path, tmp_path / "renamed" / f"x{path.name}")) for path in paths]
    assert splits_of(renamed, rule) == {f"x{name}": split for name, split in first.items()}


def test_crops__centre_first_then_random_squares(tmp_path: Path) -> None:
    paths = save_photographs(tmp_path, 2)
    plan = plan_of(paths, PictureRule(size=16, crops=30))
    one, two = squares_of(plan, 0), squares_of(plan, 1)
    assert one[0] == two[0] == (0, 8, 40)
    assert one[1:] != two[1:]
    assert all(20 <= s.side <= 40 and s.top + s.side <= 40 and s.left + s.side <= 56 for s in one)
    assert squares_of(plan_of(paths[1:], PictureRule(size=16, crops=3))) == two[:3]
    every = squares_of(plan_of(paths[1:], PictureRule(size=16, crops=3, crop="random")))
    assert every[1:] == two[1:3]
    assert every[0] != two[0]


def test_recipe__decides_pictures_splits_and_squares(tmp_path: Path) -> None:
    save_photographs(tmp_path / "photos", 3)
    recipe = tmp_path / "recipe.json"
    pictures = [
        {
            "file": "photo2.png",
            "split": "held-out",
            "author": "Zoë",
            "licence": "CC0",
            "crops": [[4, 5, 32], [0, 0, 40]],
        },
        {"file": "photo0.png", "split": "train"},
    ]
    recipe.write_text(json.dumps({"pictures": pictures}))
    h5 = tmp_path / "out.h5"
    rule = PictureRule(size=16, recipe=recipe)
    summary = precompute([tmp_path / "photos"], h5, TEACHER, rule)
    assert (summary.rows, summary.sources) == (3, {"train": 1, "held-out": 1})
    with open_dataset([h5]) as data:
        assert [(s.name, s.split, s.author, s.licence) for s in data.sources] == [
            ("photo0.png", "train", "", ""),
            ("photo2.png", "held-out", "Zoë", "CC0"),
        ]
        rows = data.read(("rows",), np.arange(3))["rows"]
    assert rows[["source", "top", "left", "height"]].tolist() == [(0, 0, 8, 40), (1, 4, 5, 32), (1, 0, 0, 40)]


def test_recipe__does_not_fit_the_pictures(tmp_path: Path) -> None:
    paths = save_photographs(tmp_path, 1)
    recipe = tmp_path / "recipe.json"
    rule = PictureRule(size=16, recipe=recipe)
    recipe.write_text('{"pictures": [{"file": "absent.png", "split": "train"}]}')
    with pytest.raises(ConfigError, match=r"names absent\.png"):
        plan_of(paths, rule)
    recipe.write_text('{"pictures": [{"file": "photo0.png", "split": "train", "crops": [[10, 0, 31]]}]}')
    with pytest.raises(ConfigError, match=r"\[10, 0, 31\] is not within photo0\.png, 56 x 40"):
        plan_of(paths, rule)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 0}, "the size must be 1 to 16384; got 0"),
        ({"size": 10**30}, "the size must be 1 to 16384; got 10{30}"),
        ({"crops": 10**12}, "the crops of a photograph must be 1 to 65536; got 10{12}"),
        ({"seed": 10**30}, "the seed must be -4611686018427387903 to 4611686018427387903; got 10{30}"),
        ({"crops": 0}, "must be 1 to 65536; got 0"),
        ({"crop": "left"}, "one of centre, random; got 'left'"),
        ({"validation": 0.6, "held_out": 0.4}, "got 0.6 and 0.4"),
        ({"held_out": -0.1}, "got 0.1 and -0.1"),
        ({"held_out": float("nan")}, "got 0.1 and nan"),
    ],
)
def test_rule__numbers_out_of_range(settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PictureRule(**settings)


def test_sample__is_whole_and_small() -> None:
    path = SAMPLE
    assert path.stat().st_size < 15_000_000
    with open_dataset([path]) as data:
        assert data.verify() == []
        assert data.count == 36
        assert (data.space.maker, data.size) == ("taesd", (256, 256))
        splits = Counter(source.split for source in data.sources)
        assert all(source.licence and source.author for source in data.sources)
    assert splits == {"train": 11, "validation": 3, "held-out": 3}


def test_sample__is_what_the_recipe_makes(shared_data: Path) -> None:
    folder = ROOT / "datasets"
    rule = PictureRule(recipe=folder / "sample.json")
    plan = plan_of([shared_data / "photos"], rule)
    assert [file.note for file in plan.files] == [""] * 17
    with h5py.File(folder / "sample.h5") as file:
        rows = file["rows"][:]
        first = file["frames"][0]
    assert rows[[*plan.rows.dtype.names]].tolist() == plan.rows.tolist()
    photo = shared_data / "photos" / plan.sources[0].name
    np.testing.assert_array_equal(first, crop(read_picture(photo), 256, squares_of(plan)[0]))


def stopped(tmp_path: Path) -> tuple[list[Path], Path]:
    """Three photographs, and a data set of them that was stopped before the first row."""

    def stop(what: str, done: int, total: int) -> None:
        if what == "rows":
            raise KeyboardInterrupt

    photos, h5 = save_photographs(tmp_path / "photos", 3), tmp_path / "out.h5"
    with pytest.raises(KeyboardInterrupt):
        precompute(photos, h5, TEACHER, SMALL, progress=stop)
    return photos, h5


def change_entry(h5: Path, name: str, part: str, value: object) -> None:
    with h5py.File(h5, "r+") as file:
        entries = file[name][:]
        entries[part][1] = value
        file[name][...] = entries


def test_precompute__resume_refuses_a_changed_digest(tmp_path: Path) -> None:
    photos, h5 = stopped(tmp_path)
    change_entry(h5, "files", "sha256", b"\x1b]0;x\x07")
    with pytest.raises(FileFormatError, match=r"'photo1\.png' .* SHA-256 .* is not among those given") as caught:
        precompute(photos, h5, TEACHER, SMALL, resume=True)
    assert "\x1b" not in str(caught.value)


def test_precompute__resume_refuses_a_square_outside_of_its_picture(tmp_path: Path) -> None:
    photos, h5 = stopped(tmp_path)
    change_entry(h5, "rows", "left", 17)
    with pytest.raises(FileFormatError, match=r"photo1\.png does not give a square of 40 pixels at \(0, 17\)"):
        precompute(photos, h5, TEACHER, SMALL, resume=True)


def test_precompute__shards_into_a_folder_that_takes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = save_photographs(tmp_path / "photos", 3)
    (tmp_path / "shards").mkdir()
    monkeypatch.setattr("olacore.files.os.access", lambda *given: False)
    for folder in (tmp_path / "shards", tmp_path / "new"):
        with pytest.raises(OutputError, match=r"the folder .* is not writable"):
            precompute(photos, folder, TEACHER, SMALL, shard_size=2)
    assert not (tmp_path / "new").exists()
