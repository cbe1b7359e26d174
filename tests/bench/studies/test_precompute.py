"""Parts of the study of `ola precompute` that need no video."""

import json

import numpy as np

from bench.studies import precompute
from bench.studies.precompute import (
    cheap_teacher,
    loop_videos,
    main,
    measure_bytes,
    measure_reading,
    read_plain,
    rows_in,
    timed,
)


def test_cheap_teacher__decodes_the_mean_colours_of_patches():
    teacher, frames = cheap_teacher(), np.full((2, 16, 24, 3), (10, 100, 250), np.uint8)
    latents = teacher.encode(frames)
    assert latents.shape == (2, 4, 2, 3)
    assert np.abs(teacher.decode(latents).astype(int) - frames).max() <= 1


def test_loop_videos__are_copies_with_other_bytes(tmp_path):
    (tmp_path / "vtest.avi").write_bytes(b"video")
    paths = loop_videos(tmp_path, tmp_path / "loop", 200)
    assert len(paths) == 2
    contents = {path.read_bytes() for path in paths}
    assert len(contents) == 2
    assert all(content.startswith(b"video") for content in contents)


def test_measure_bytes__is_about_a_quarter_of_float32(tmp_path):
    found = measure_bytes(tmp_path, rows=64)
    assert found["part"] == "bytes"
    assert 0.2 < found["share"] < 0.3
    assert rows_in(tmp_path / "bytes.h5") == 64


def test_measure_reading__compares_blocks_with_the_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr(precompute, "BLOCK_ROWS", 32)
    found = measure_reading(tmp_path, 64, 2)
    assert len(found["each"]) == 2
    assert found["blocks over sequential, median"] > 0


def test_timed__is_bytes_a_second(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1000)
    assert read_plain(path) == 1000
    assert timed(path, lambda: read_plain(path)) > 0


def test_rows_in__is_0_where_there_is_no_file(tmp_path):
    assert rows_in(tmp_path / "none.h5") == 0


def test_main__prints_one_json_line_a_part(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(precompute, "measure_bytes", lambda folder: {"part": "bytes", "there": folder.is_dir()})
    monkeypatch.setattr("sys.argv", ["precompute", str(tmp_path), "--part", "bytes", "--folder", str(tmp_path)])
    main()
    assert json.loads(capsys.readouterr().out) == {"part": "bytes", "there": True}
