"""Text means of a file beside the rows of a denoiser, and what is wrong with such files."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import DataError, FileFormatError, OlacoreError
from teachers.jobs.denoise import denoise
from teachers.jobs.noise_rule import NoiseRule
from tests.support.captioned_samples import make

CAPTIONS = ["a fox", "a red heart", "an orange fox", "animal", "not there"]
MEANS = np.random.default_rng(0).standard_normal((5, 2, 2, 2)).astype(np.float32)
SURE = np.random.default_rng(1).random((5, 2)).astype(np.float32)


def save(path: Path, captions: Any = CAPTIONS, **arrays: Any) -> Path:
    held = {"captions": np.array(captions), "text_means": MEANS, "certainty": SURE} | arrays
    held = {name: array for name, array in held.items() if array is not None}
    if path.suffix == ".npz":
        np.savez(path, **held)
    else:
        with h5py.File(path, "w") as file:
            for name, array in held.items():
                file[name] = np.array([text.encode() for text in array]) if name == "captions" else array
    return path


def run(folder: Path, means: Path) -> Path:
    data, rows = folder / "a.h5", folder / "rows.h5"
    denoise([data if data.exists() else make(data)], rows, None, NoiseRule((1.0,)), text_means=means, force=True)
    return rows


@pytest.mark.parametrize("name", ["means.npz", "means.h5"])
def test_rows__have_the_text_means_of_their_captions(tmp_path: Path, name: str) -> None:
    rows = run(tmp_path, save(tmp_path / name))
    with open_dataset(rows) as data:
        found = data.read(["captions", "text_means", "certainty"], np.arange(data.count))
        assert data.settings["text_means"].startswith("sha256 ")
    places = [CAPTIONS.index(text.decode()) for text in found["captions"]]
    np.testing.assert_array_equal(found["text_means"], MEANS[places].astype(np.float16))
    np.testing.assert_array_equal(found["certainty"], SURE[places])


def test_rows__certainty_may_be_absent(tmp_path: Path) -> None:
    with open_dataset(run(tmp_path, save(tmp_path / "means.npz", certainty=None))) as data:
        assert data.has("text_means")
        assert not data.has("certainty")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"captions": ["a fox", "b", "c", "d", "e"]}, "lacks [1-3] of [2-4] captions, 'a red heart' is one"),
        ({"captions": ["a fox", "a fox", "c", "d", "e"]}, "a caption twice"),
        ({"text_means": np.where(MEANS > -9, np.nan, MEANS)}, "text_means .* must be finite as float16; those of"),
        ({"text_means": MEANS * 1e6}, "must be finite as float16"),
        ({"certainty": SURE * np.inf}, "certainty .* must be finite as float32"),
        ({"text_means": MEANS[:, :1]}, r"text_means .* must be \(5, 2, 2, 2\); got \(5, 1, 2, 2\)"),
        ({"certainty": SURE[:, :1]}, "certainty"),
        ({"text_means": None}, "lacks text_means; make it with"),
    ],
)
@pytest.mark.parametrize("name", ["means.npz", "means.h5"])
def test_file__says_what_does_not_fit(tmp_path: Path, name: str, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OlacoreError, match=sentence):
        run(tmp_path, save(tmp_path / name, **changes))
    assert not (tmp_path / "rows.h5").exists()


def test_file__of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(FileFormatError, match=r"is no .npy or .npz file of a file of text means"):
        run(tmp_path, tmp_path / "a.txt")
    with pytest.raises(FileFormatError, match=r"captions .* must be a list of text; got float64"):
        run(tmp_path, save(tmp_path / "numbers.npz", [1.0] * 5))
    with pytest.raises(FileFormatError, match="No such file"):
        run(tmp_path, tmp_path / "b.npz")


def test_resume__refuses_another_file(tmp_path: Path) -> None:
    rows = run(tmp_path, save(tmp_path / "means.npz"))
    other = save(tmp_path / "other.npz", certainty=SURE * 0.5)
    with pytest.raises(OlacoreError, match=r"settings\[text_means\]"):
        denoise([tmp_path / "a.h5"], rows, None, NoiseRule((1.0,)), text_means=other, resume=True)
    with pytest.raises(DataError, match="lacks"):
        denoise(
            [tmp_path / "a.h5"], rows, None, text_means=save(tmp_path / "n.npz", ["1", "2", "3", "4", "5"]), force=True
        )
    assert rows.exists()
