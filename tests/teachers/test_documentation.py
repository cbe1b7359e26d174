"""The teachers that `docs/data.md` shows, each run as it stands there."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np

from olacore.data import open_dataset
from teachers import PictureRule, load_any_teacher, precompute
from tests.support.documents import blocks
from tests.support.places import ROOT
from tests.support.plain_samples import save_photographs

FUNCTION, COLOURS = (block.text for block in blocks("docs/data.md", "Your own"))


def test_document__a_function(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FUNCTION)
    save_photographs(tmp_path / "photos", 4)
    teacher = load_any_teacher(f"{tmp_path / 'mine.py'}:fn")
    precompute([tmp_path / "photos"], tmp_path / "pairs.h5", teacher, PictureRule(size=40))
    with open_dataset(tmp_path / "pairs.h5") as data:
        assert (data.kind, data.count, data.inputs, data.outputs) == ("pairs", 4, 5, 5)


def test_document__a_teacher_of_named_fields(tmp_path: Path) -> None:
    save_photographs(tmp_path / "photos", 4, 256, 300)
    code = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{COLOURS}"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    with h5py.File(tmp_path / "colours.h5") as file:
        assert file.attrs["schema"] == "me/colours/1"
        np.testing.assert_allclose(file["colours"], file["frames"][:].mean((1, 2)), rtol=1e-6)
