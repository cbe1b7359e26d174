"""What `ola compare` draws and writes."""

import json

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import OutputError
from olacore.media.canvas import GAP, LINE
from olacore.media.pictures import read_picture
from olacore.quality.compare.measure import compare_latents
from olacore.quality.compare.report import CELL, draw_worst, write_comparison
from olacore.spaces import LatentSpace
from olacore.views.patch import PatchEncoder
from tests.support.makers import SPACE, make_module, write_pictures


@pytest.fixture(params=[4, 16, 1])
def compared(request, tmp_path):
    """A comparison with its module and data, of as many channels."""
    space = LatentSpace(**{**SPACE.to_dict(), "channels": request.param, "picture_range": (-1.0, 1.0)})
    module = make_module(PatchEncoder(request.param, border=0), space)
    with open_dataset([write_pictures(tmp_path / "d.h5", (2, 2, 3), (24, 40), space)]) as dataset:
        yield compare_latents(module, dataset), module, dataset


def test_write__leaves_plots_and_figures(compared, tmp_path):
    made, module, dataset = compared
    out = tmp_path / "deep" / "out"
    write_comparison(made, module, dataset, out)
    assert json.loads((out / "compare.json").read_text())["frames"] == 3
    assert {path.name for path in out.iterdir()} == {"compare.json", "scatter.png", "worst.png"}
    for name in ("scatter", "worst"):
        assert np.ptp(read_picture(out / f"{name}.png")) > 200


def test_worst__has_a_line_a_frame(compared):
    made, module, dataset = compared
    sheet = draw_worst(made, module, dataset)
    # Frames of 24 x 40 pixels fill the width of their cells.
    assert sheet.shape == (LINE + 3 * (round(CELL * 0.6) + LINE + GAP) + GAP, 4 * (CELL + GAP) + GAP, 3)


def test_write__says_where_no_folder_can_be_made(compared, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="file: it is no folder"):
        write_comparison(*compared, tmp_path / "file")
