"""The contact sheet and the description of a data set."""

from pathlib import Path

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import DataError
from olacore.media.canvas import GAP, LINE, fit
from olacore.media.contact_sheet import ACROSS, CELL, MOST, draw_sheet, false_colours
from tests.support.makers import write_pictures, write_plain


@pytest.mark.parametrize(("recon", "columns"), [(False, 2), (True, 3)])
def test_sheet__shows_frames_decodings_and_latents(tmp_path: Path, recon: bool, columns: int) -> None:
    with open_dataset(write_pictures(tmp_path / "a.h5", size=(CELL, CELL), recon=recon)) as data:
        sheet = draw_sheet(data)
        rows = data.read(("frames", "latents", *(("recon",) if recon else ())), np.arange(data.count))
    assert sheet.shape == (LINE + 6 * (CELL + LINE + GAP) + GAP, ACROSS * (columns * (CELL + GAP) + GAP), 3)

    def cell(place: int, column: int) -> np.ndarray:
        top = GAP + 2 * LINE + place // ACROSS * (CELL + LINE + GAP)
        left = place % ACROSS * (columns * (CELL + GAP) + GAP) + GAP + column * (CELL + GAP)
        return sheet[top : top + CELL, left : left + CELL]

    np.testing.assert_array_equal(cell(5, 0), rows["frames"][5])
    if recon:
        np.testing.assert_array_equal(cell(5, 1), rows["recon"][5])
    colours = false_colours(rows["latents"])[5]
    np.testing.assert_array_equal(cell(5, columns - 1), colours.repeat(8, 0).repeat(8, 1))


def test_sheet__of_many_rows_spreads_over_them(tmp_path: Path) -> None:
    with open_dataset(write_pictures(tmp_path / "a.h5", splits=(60, 5, 5), size=(8, 8))) as data:
        sheet = draw_sheet(data)
    assert sheet.shape[0] == LINE + MOST // ACROSS * (CELL + LINE + GAP) + GAP


def test_sheet__keeps_the_shape_of_frames_and_is_narrow_for_one(tmp_path: Path) -> None:
    with open_dataset(write_pictures(tmp_path / "a.h5", splits=(1, 0, 0), size=(40, 80))) as data:
        sheet = draw_sheet(data)
        frame = data.read(("frames",), np.arange(1))["frames"][0]
    assert sheet.shape == (GAP + 2 * LINE + CELL // 2 + GAP, 2 * (CELL + GAP) + GAP, 3)
    shown = sheet[GAP + 2 * LINE : -GAP, GAP : GAP + CELL]
    np.testing.assert_array_equal(shown, fit(frame, CELL, CELL))


def test_sheet__of_plain_pairs(tmp_path: Path) -> None:
    with open_dataset(write_plain(tmp_path / "a.h5")) as data, pytest.raises(DataError, match="holds plain pairs"):
        draw_sheet(data)


def test_false_colours__main_component_is_red_and_does_not_depend_on_the_channels_order() -> None:
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(3, 5, 4, 6)) * np.array([1, 9, 2, 0.1, 4]).reshape(5, 1, 1)
    colours = false_colours(latents)
    assert (colours.shape, colours.dtype) == ((3, 4, 6, 3), np.uint8)
    assert abs(np.corrcoef(colours[..., 0].ravel(), latents[:, 1].ravel())[0, 1]) > 0.95
    np.testing.assert_array_equal(false_colours(latents[:, ::-1]), colours)


def test_false_colours__few_or_constant_channels() -> None:
    flat = false_colours(np.ones((1, 2, 3, 3)))
    assert (np.abs(flat.astype(int) - 127.5) < 1).all()
    assert (np.abs(false_colours(np.random.default_rng(0).normal(size=(1, 2, 3, 3)))[..., 2] - 127.5) < 1).all()


@pytest.mark.parametrize("broken", [0, slice(None)])
def test_false_colours__sites_that_are_not_finite_are_grey(broken: int | slice) -> None:
    latents = np.random.default_rng(0).normal(size=(2, 4, 3, 5))
    latents[broken, 1, 2, :] = np.nan
    latents[broken, :, 0, 0] = np.inf
    if broken != 0:
        latents[:] = np.nan
    colours = false_colours(latents)
    assert (np.abs(colours[0, 2].astype(int) - 127.5) < 1).all()
    assert (np.abs(colours[0, 0, 0].astype(int) - 127.5) < 1).all()
    assert (colours[1].std() > 10) == (broken == 0)
