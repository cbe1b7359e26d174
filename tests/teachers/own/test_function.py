"""A function of one's own as a teacher: plain pairs from pictures and videos."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import ConfigError, DataError, DTypeError, FileFormatError, ShapeError
from teachers import Teacher, load_any_teacher, precompute
from tests.support.plain_samples import EVERY, RULE, save_photographs
from tests.support.video_samples import scene, write_video

CODE = """
import numpy as np
def colours(frames):
    small = frames.reshape(len(frames), 2, 8, 2, 8, 3).mean((2, 4)) / 255
    rows = small.reshape(-1, 3)
    return rows, rows.sum(1, keepdims=True)
"""


@pytest.fixture
def teacher(tmp_path: Path) -> Teacher:
    (tmp_path / "mine.py").write_text(CODE)
    found = load_any_teacher(f"{tmp_path / 'mine.py'}:colours")
    assert isinstance(found, Teacher)
    return found


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    film = write_video(tmp_path / "film.mkv", np.concatenate([scene(12, n) for n in range(4)]))
    return [film, *save_photographs(tmp_path, 1)]


def test_pairs__are_what_the_function_says(tmp_path: Path, teacher: Teacher, sources: list[Path]) -> None:
    summary = precompute(sources, tmp_path / "out.h5", teacher, RULE, EVERY)
    assert summary.rows == 25
    with open_dataset(tmp_path / "out.h5") as data:
        assert (data.kind, data.count, data.inputs, data.outputs, data.complete) == ("pairs", 100, 3, 1, True)
        pairs = data.read(("inputs", "targets"), np.arange(100))
        # Four rows a picture, which share its split; three splits by scene.
        assert (data.split.reshape(25, 4) == data.split[::4, None]).all()
        assert set(data.split.tolist()) == {0, 1, 2}
    np.testing.assert_allclose(pairs["inputs"].sum(1, keepdims=True), pairs["targets"], rtol=1e-6)


def test_pairs__resumed_with_the_same_bytes(tmp_path: Path, teacher: Teacher, sources: list[Path]) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if (what, done) == ("rows", 8):
            raise KeyboardInterrupt

    precompute(sources, tmp_path / "whole.h5", teacher, RULE, EVERY)
    with pytest.raises(KeyboardInterrupt):
        precompute(sources, tmp_path / "out.h5", teacher, RULE, EVERY, progress=stop)
    with open_dataset(tmp_path / "out.h5") as data:
        assert (data.count, data.complete) == (64, False)
    (tmp_path / "mine.py").write_text(CODE + "# another\n")
    changed = load_any_teacher(f"{tmp_path / 'mine.py'}:colours")
    with pytest.raises(ConfigError, match=r"was made with settings\[teacher_sha256\]"):
        precompute(sources, tmp_path / "out.h5", changed, RULE, EVERY, resume=True)
    precompute(sources, tmp_path / "out.h5", teacher, RULE, EVERY, resume=True)
    assert (tmp_path / "out.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_pairs__written_at_once_cannot_be_resumed(tmp_path: Path, teacher: Teacher, sources: list[Path]) -> None:
    with h5py.File(tmp_path / "out.h5", "w") as file:
        file["inputs"], file["targets"] = np.zeros((2, 3)), np.zeros((2, 1))
        file.attrs["schema"] = "olacore/pairs/1"
    with pytest.raises(FileFormatError, match="was not made row by row and cannot be resumed"):
        precompute(sources, tmp_path / "out.h5", teacher, RULE, EVERY, resume=True)


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("1 / 0", FileFormatError, r"the teacher .*mine\.py, line 1, raises ZeroDivisionError"),
        ("import sys\nsys.exit(3)", FileFormatError, r"mine\.py, line 2, exits \(3\); correct that file"),
        ("def fn(f):\n  return nowhere", FileFormatError, r"mine\.py, line 2, raises NameError: name 'nowhere'"),
        ("def fn(f): return {}['a']", FileFormatError, r"mine\.py, line 1, raises KeyError: 'a'"),
        ("import sys\nfn = lambda f: sys.exit()", FileFormatError, r"mine\.py, line 2, exits \(None\)"),
        ("def fn(f): return [[1], [1, 2]], [[1]]", FileFormatError, "raises ValueError: setting an array element"),
        ("def other(frames): pass", ConfigError, r"mine\.py has no function 'fn'; define fn\(frames\)"),
        ("fn = 3", ConfigError, "has no function 'fn'"),
        ("def fn(frames): return frames", ShapeError, r"mine\.py:fn must give inputs and targets; got ndarray"),
        ("def fn(f): return [[1.0]] * len(f), [['a']] * len(f)", DTypeError, "must give numbers; got <U1"),
        ("def fn(f): return [[1.0]] * 3, [[1.0]] * 3", ShapeError, r"got \(3, 1\) and \(3, 1\) for 2 pictures"),
        ("def fn(f): return [[1.0]] * 4, [[1.0]] * 2", ShapeError, r"got \(4, 1\) and \(2, 1\)"),
        ("def fn(f): return [[float('nan')]] * 2, [[1.0]] * 2", DataError, "finite numbers; got NaN or inf"),
    ],
)
def test_function__wrong_files_and_answers(tmp_path: Path, code: str, error: type[Exception], message: str) -> None:
    (tmp_path / "mine.py").write_text(code)
    with pytest.raises(error, match=message):
        load_any_teacher(f"{tmp_path / 'mine.py'}:fn").answer({"frames": np.zeros((2, 8, 8, 3), np.uint8)})


def test_function__missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"cannot read the teacher .*none\.py: No such file"):
        load_any_teacher(f"{tmp_path / 'none.py'}:fn")


def test_pairs__another_number_of_rows_than_before(tmp_path: Path, sources: list[Path]) -> None:
    code = "import numpy as np\ndef fn(f): n = len(f) * (1 + (f.max() > 0)); return np.ones((n, 1)), np.ones((n, 1))"
    (tmp_path / "mine.py").write_text(code)
    with pytest.raises(ShapeError, match="a picture gave 1 row before; now 8 of them: 16"):
        precompute(sources, tmp_path / "out.h5", load_any_teacher(f"{tmp_path / 'mine.py'}:fn"), RULE, EVERY)
