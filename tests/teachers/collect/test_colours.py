"""HDR and wide colours come out as sRGB, plain ones as they are, transparent pixels white."""

from pathlib import Path

import numpy as np
import pytest

from olacore.errors import FileFormatError
from teachers.collect.colours import HLG, PQ, linear_table, srgb_table
from teachers.collect.video import Video
from tests.support.odd_videos import encode, tagged

LIGHTS = (0, 5, 50, 100, 203, 1000)
COLOURS = ((255, 255, 255), (0, 0, 0), (200, 40, 40), (40, 200, 40), (40, 40, 200), (230, 200, 30))


def stripes(colours: np.ndarray) -> np.ndarray:
    """(48, 16 n, channels): one stripe a colour."""
    return np.tile(np.repeat(np.array(colours, np.uint8), 16, 0), (48, 1, 1))


def middles(path: Path, count: int = 6) -> tuple[np.ndarray, tuple[str, ...]]:
    """The colours in the middle of the stripes of the first frame, and what is said of the video."""
    with Video(path) as video:
        picture = next(frame.picture() for frame in video)
        assert all(frame for frame in video)
        return picture[24, 8 : 16 * count : 16].astype(int), video.doubts


def coded(light: float, curve: int) -> int:
    """The 8-bit code of light in cd/m2, as HLG's display of 1000 cd/m2 shows it."""
    scale = 203 if curve == PQ else 1000
    scene = light / scale if curve == PQ else (light / scale) ** (1 / 1.2)
    return int(np.abs(linear_table(curve) - scene).argmin() / 257 + 0.5)


@pytest.mark.parametrize(("curve", "name"), [(PQ, "PQ"), (HLG, "HLG")])
def test_hdr__light_of_203_is_white_and_is_said(tmp_path: Path, curve: int, name: str) -> None:
    grey = stripes([[coded(light, curve)] * 3 for light in LIGHTS])
    setup = tagged(colorspace=9, color_primaries=9, color_trc=curve, color_range=1)
    path = encode(
        tmp_path / "a.mkv",
        [grey] * 3,
        "libx264",
        "yuv444p10le",
        setup=setup,
        options={"qp": "0"},
        dst_colorspace="BT2020",
    )
    found, doubts = middles(path)
    wanted = [srgb_table()[min(65535, round(light / 203 * 65535))] for light in LIGHTS]
    # Codes of 8 bits are as much as six levels apart at the bright end.
    np.testing.assert_allclose(found, np.repeat(wanted, 3).reshape(-1, 3), atol=7)
    assert any(f"HDR ({name})" in doubt for doubt in doubts)


def test_tables__known_values() -> None:
    np.testing.assert_allclose(linear_table(PQ)[round(0.5081 * 65535)] * 203, 100, rtol=0.01)  # ITU-R BT.2408
    np.testing.assert_allclose(linear_table(PQ)[-1] * 203, 10_000, rtol=1e-5)
    np.testing.assert_allclose(1000 * linear_table(HLG)[round(0.75 * 65535)] ** 1.2, 203, rtol=0.01)
    assert srgb_table()[[0, round(0.2140 * 65535), 65535]].tolist() == [0, 127, 255]
    np.testing.assert_array_equal(srgb_table()[np.rint(linear_table(0)[::257] * 65535).astype(int)], np.arange(256))


def test_wide_primaries__greys_stay_and_colours_move(tmp_path: Path) -> None:
    setup = tagged(colorspace=9, color_primaries=9, color_trc=14, color_range=1)
    wide = stripes([(255, 255, 255), (0, 0, 0), (128, 128, 128), (150, 120, 120), (200, 40, 40), (40, 200, 40)])
    path = encode(
        tmp_path / "a.mkv",
        [wide] * 3,
        "libx264",
        "yuv444p10le",
        setup=setup,
        options={"qp": "0"},
        dst_colorspace="BT2020",
    )
    found, doubts = middles(path)
    wanted = [[255] * 3, [0] * 3, [128] * 3, [166, 117, 119], [248, 0, 28], [0, 211, 0]]
    np.testing.assert_allclose(found, wanted, atol=4)
    assert doubts == ()


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("space", "name"), [(1, "ITU709"), (5, "ITU601"), (9, "BT2020")])
@pytest.mark.parametrize("pixels", ["yuv444p", "yuv420p", "yuv420p10le"])
def test_plain__matrix_range_and_depth(tmp_path: Path, full: bool, space: int, name: str, pixels: str) -> None:
    path = encode(
        tmp_path / "a.mkv",
        [stripes(COLOURS)] * 2,
        "libx264",
        pixels,
        options={"qp": "0"},
        setup=tagged(colorspace=space, color_range=1 + full),
        dst_colorspace=name,
        dst_color_range="JPEG" if full else "MPEG",
    )
    found, doubts = middles(path)
    np.testing.assert_allclose(found, COLOURS, atol=4)
    assert doubts == ()


def test_grey(tmp_path: Path) -> None:
    greys = [[level] * 3 for level in (0, 51, 102, 153, 204, 255)]
    found, _ = middles(encode(tmp_path / "a.mkv", [stripes(greys)] * 2, "ffv1", "gray"))
    np.testing.assert_allclose(found, greys, atol=1)


@pytest.mark.parametrize(("name", "codec", "pixels"), [("a.mkv", "ffv1", "bgra"), ("a.mov", "png", "rgba")])
def test_transparent_pixels__show_white(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    clear = [(200, 40, 40, 255), (200, 40, 40, 0), (0, 0, 0, 128), (0, 0, 0, 0), (255, 255, 255, 0), (10, 20, 30, 255)]
    found, _ = middles(encode(tmp_path / name, [stripes(clear)] * 2, codec, pixels))
    wanted = [[200, 40, 40], [255] * 3, [127] * 3, [255] * 3, [255] * 3, [10, 20, 30]]
    np.testing.assert_array_equal(found, wanted)


def test_matrix_that_cannot_be_converted(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", [stripes(COLOURS)] * 2, "libx264", "yuv444p", setup=tagged(colorspace=8))
    with pytest.raises(FileFormatError, match=r"a\.mkv has pixels of a kind that cannot be converted"):
        middles(path)
