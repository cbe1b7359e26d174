"""The folder that `ola vae-test` leaves, also after an interruption or trouble."""

import json
from pathlib import Path

import numpy as np
import pytest

from olacore.errors import DataError, OutputError
from olacore.media.pictures import read_picture
from olacore.quality.vae_test.codecs import line_up
from olacore.quality.vae_test.report import folder_names, run_vae_test
from olacore.quality.vae_test.request import Entrants
from tests.support.vae_samples import (
    PlainPicture,
    PlainPreview,
    PlainTeacher,
    decoder,
    encoder,
    paired_decoder,
    picture,
)

BROKEN = PlainPicture("broken.png", None)


@pytest.fixture
def lineup():
    ours = encoder()
    return line_up(Entrants(ours, paired_decoder(ours), None, decoder(), PlainTeacher(), 10, PlainPreview()))


def run(lineup, pictures, out: Path, **changes):
    return run_vae_test(lineup, pictures, out, repeats=1, **changes)


def test_run__writes_a_folder_a_picture_and_the_figures(lineup, tmp_path):
    out = tmp_path / "deep" / "out"
    report = run(lineup, [picture(), picture(17, 9, "b.jpg"), BROKEN], out)
    assert json.loads((out / "metrics.json").read_text()) == json.loads(json.dumps(report))
    assert set(report["pictures"]) == {"a", "b"}
    assert report["skipped"] == {str(BROKEN): "broken.png cannot be read as a picture: broken."}
    for name, size in (("a", (24, 32, 3)), ("b", (17, 9, 3))):
        files = {path.name for path in (out / name).iterdir()}
        assert files == {"orig.png", "sd_recon.png", "o_recon.png", "side_by_side.png"}
        assert all(read_picture(out / name / f"{part}.png").shape == size for part in ("orig", "sd_recon", "o_recon"))
    assert report["pictures"]["b"] | {"height": 17, "width": 9, "file": "b.jpg"} == report["pictures"]["b"]
    psnr = [one["rows"]["organic, paired"]["psnr"] for one in report["pictures"].values()]
    assert report["mean"]["rows"]["organic, paired"]["psnr"] == pytest.approx(np.mean(psnr))
    assert set(report["rows"]) == set(report["mean"]["rows"])


def test_run__cuts_squares_where_a_size_is_asked_for(lineup, tmp_path):
    report = run(lineup, [picture(40, 64)], tmp_path, size=16)
    assert (report["pictures"]["a"]["height"], report["pictures"]["a"]["width"], report["size"]) == (16, 16, 16)


def test_run__without_teacher_shows_ours_alone(tmp_path):
    run(line_up(Entrants(encoder(), decoder())), [picture()], tmp_path)
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"orig.png", "o_recon.png", "side_by_side.png"}


def test_run__stops_between_pictures_and_keeps_what_is_done(lineup, tmp_path):
    seen: list[str] = []
    report = run(
        lineup,
        [picture(), picture(name="b.png"), picture(name="c.png")],
        tmp_path,
        progress=lambda done, total, what: seen.append(f"{done}/{total} {what}"),
        should_stop=lambda: len(seen) == 2,
    )
    assert seen == ["0/3 a.png", "1/3 b.png"]
    assert set(report["pictures"]) == {"a", "b"}
    assert set(json.loads((tmp_path / "metrics.json").read_text())["pictures"]) == {"a", "b"}
    assert not (tmp_path / "c").exists()


def test_run__refuses_when_nothing_can_be_read(lineup, tmp_path):
    with pytest.raises(DataError, match="none of 1 pictures could be read: broken.png cannot be read"):
        run(lineup, [BROKEN], tmp_path)
    with pytest.raises(DataError, match="there are no pictures to test"):
        run(lineup, [], tmp_path)


def test_run__says_when_the_disk_is_full(lineup, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("olacore.files.os.fsync", full)
    with pytest.raises(OutputError, match=r"cannot write .*orig\.png: No space left on device"):
        run(lineup, [picture()], tmp_path)


def test_run__says_where_no_folder_can_be_made(lineup, tmp_path):
    (tmp_path / "a").write_text("a file")
    with pytest.raises(OutputError, match=r"cannot write into .*a: it is no folder"):
        run(lineup, [picture()], tmp_path)


def test_folder_names__lie_in_the_folder_whatever_files_are_called():
    files = ["...png", "..", "a/../..", "x\\y\0.png", "con.png", "\udcff.png", "é.png", "e\u0301.png", "y" * 300]
    names = folder_names(files)
    assert len({name.casefold() for name in names}) == len(files)
    for name in names:
        assert Path("out", name).name == name
        assert name not in {"..", "con"}
        name.encode()
    assert names[7] == "e\u0301-2"


def test_folder_names__of_equal_stems_are_numbered():
    names = folder_names(["a.png", "a.jpg", "A.webp", "a-2.png", "metrics.json.png", "b.tar.png"])
    assert names == ["a", "a-2", "A-3", "a-2-2", "metrics.json-2", "b.tar"]
