"""Every depth and order of samples: the right pixels, or a refusal."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from olacore.errors import DTypeError, FileFormatError
from olacore.media.pictures import flattened, read_picture
from tests.support.picture_files import chunk, png, tiff

BASE = np.random.default_rng(0).integers(0, 256, (6, 11, 3))
GREY = BASE[..., 0]


def read(folder: Path, content: bytes, name: str = "picture.tif") -> np.ndarray:
    (folder / name).write_bytes(content)
    return read_picture(folder / name)


def near(got: np.ndarray, expected: np.ndarray, within: int = 1) -> None:
    expected = expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, -1)
    np.testing.assert_allclose(got.astype(int), expected, rtol=0, atol=within)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("depth", [8, 16])
def test_tiff__separate_planes(tmp_path: Path, depth: int, alpha: bool, order: str) -> None:
    planes = [*np.moveaxis(BASE, -1, 0), np.full(GREY.shape, 255)][: 4 if alpha else 3]
    deep = [(plane * 257 if depth == 16 else plane).astype(f"{order}u{depth // 8}").tobytes() for plane in planes]
    tags = {258: [depth] * len(planes), 262: [2], 277: [len(planes)], 284: [2]} | ({338: [2]} if alpha else {})
    content = tiff(deep, 6, 11, tags, order)
    near(read(tmp_path, content), BASE)
    near(flattened(Image.open(tmp_path / "picture.tif")), BASE)


def test_tiff__planes_that_pillow_has_loaded_are_refused(tmp_path: Path) -> None:
    deep = [(plane * 257).astype("<u2").tobytes() for plane in np.moveaxis(BASE, -1, 0)]
    (tmp_path / "a.tif").write_bytes(tiff(deep, 6, 11, {258: [16] * 3, 262: [2], 277: [3], 284: [2]}))
    image = Image.open(tmp_path / "a.tif")
    image.load()
    with pytest.raises(DTypeError, match="loaded its planes of 16 bits wrongly"):
        flattened(image)


@pytest.mark.parametrize("white", [0, 1])
@pytest.mark.parametrize("depth", [1, 2, 4, 8, 12, 16])
def test_tiff__greys_of_every_depth(tmp_path: Path, depth: int, white: int) -> None:
    most = (1 << depth) - 1
    levels = np.round(GREY / 255 * most).astype(int)
    stored = levels if white else most - levels
    if depth == 16:
        strip = stored.astype("<u2").tobytes()
    else:
        bits = stored[..., None] >> np.arange(depth - 1, -1, -1) & 1
        strip = np.packbits(bits.reshape(6, -1).astype(np.uint8), axis=1).tobytes()
    content = tiff([strip], 6, 11, {258: [depth], 262: [white], 277: [1]})
    if depth == 12 and not white:
        with pytest.raises(FileFormatError, match="samples of a kind that cannot be read"):
            read(tmp_path, content)
    else:
        near(read(tmp_path, content), np.round(levels * 255 / most))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("depth", "kind", "bands"),
    [(8, 2, 1), (16, 2, 1), (32, 1, 1), (32, 2, 1), (32, 3, 1), (32, 3, 3), (16, 3, 3), (16, 2, 3), (64, 3, 1)],
)
def test_tiff__samples_of_an_unknown_range_are_refused(
    tmp_path: Path, depth: int, kind: int, bands: int, order: str
) -> None:
    tags = {258: [depth] * bands, 262: [2 if bands == 3 else 1], 277: [bands], 339: [kind] * bands}
    with pytest.raises(FileFormatError, match="samples of a kind that cannot be read"):
        read(tmp_path, tiff([bytes(66 * bands * depth // 8)], 6, 11, tags, order))


@pytest.mark.parametrize(
    ("photometric", "bands", "tags"),
    [(8, 3, {284: [2]}), (6, 3, {284: [1], 530: [2, 2]}), (1, 2, {284: [2], 338: [2]})],
)
def test_tiff__layouts_that_pillow_mistakes_are_refused(
    tmp_path: Path, photometric: int, bands: int, tags: dict[int, list[int]]
) -> None:
    apart = tags[284] == [2]
    strips = [bytes(66)] * bands if apart else [bytes(66 * bands)]
    fields = {258: [8] * bands, 262: [photometric], 277: [bands], **tags}
    with pytest.raises(FileFormatError, match="samples of a kind that cannot be read"):
        read(tmp_path, tiff(strips, 6, 11, fields))


@pytest.mark.parametrize("apart", [False, True])
def test_tiff__parts_that_are_not_there_are_not_taken_for_black(tmp_path: Path, apart: bool) -> None:
    if apart:
        content = tiff([bytes(66)] * 2, 6, 11, {258: [8] * 3, 262: [2], 277: [3], 284: [2]})
    else:
        rows = struct.pack("<HHII", 257, 4, 1, 6), struct.pack("<HHII", 257, 4, 1, 6000)
        content = tiff([bytes(66)], 6, 11, {258: [8], 262: [1], 277: [1]}).replace(*rows)
    told = "11 x 6 pixels its parts cover 132 of 198" if apart else "11 x 6000 pixels its parts cover 66 of 66,000"
    with pytest.raises(FileFormatError, match=f"is damaged: of {told} values; copy it again"):
        read(tmp_path, content)


def test_tiff__a_preview_is_not_the_picture(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (4, 3), "red"), Image.fromarray(BASE.astype(np.uint8))]
    path = tmp_path / "picture.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:], tiffinfo={254: 1})
    with pytest.raises(FileFormatError, match="nothing but a preview"):
        read_picture(path)
    # The entry of the tag in the last page: of type 4, one value, which is 1; make it 0.
    entry = struct.pack("<HHII", 254, 4, 1, 1)
    content = path.read_bytes()
    at = content.rindex(entry) + 8
    near(read(tmp_path, content[:at] + bytes(4) + content[at + 4 :]), BASE, 0)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_png__the_transparent_grey_is_white(tmp_path: Path, depth: int) -> None:
    most = (1 << depth) - 1
    levels = np.round(GREY / 255 * most).astype(int)
    key = int(levels[2, 3])
    content = png(levels, depth, 0, [chunk(b"tRNS", key.to_bytes(2))])
    near(read(tmp_path, content, "a.png"), np.where(levels == key, 255, np.round(levels * 255 / most)))


@pytest.mark.parametrize("depth", [8, 16])
def test_png__the_transparent_colour_is_white(tmp_path: Path, depth: int) -> None:
    levels = BASE * 256 + 7 if depth == 16 else BASE.copy()
    # Its neighbour has the same higher bytes.
    levels[2, 4] = levels[2, 3] + (np.array([0, 0, 1]) if depth == 16 else 1)
    key = levels[2, 3].astype(">u2").tobytes()
    got = read(tmp_path, png(levels, depth, 2, [chunk(b"tRNS", key)]), "a.png")
    expected = levels >> 8 if depth == 16 else levels
    expected[2, 3] = 255
    near(got, expected)


@pytest.mark.parametrize(("colour", "bands"), [(2, 3), (4, 2), (6, 4)])
def test_png__sixteen_bits(tmp_path: Path, colour: int, bands: int) -> None:
    alpha = np.where(np.arange(11) < 5, 255, 0) * np.ones((6, 1), int)
    colours = BASE if bands > 2 else BASE[..., :1]
    levels = np.concatenate([colours, alpha[..., None]], -1)[..., :bands] if bands != 3 else colours
    expected = colours if bands == 3 else np.where(alpha[..., None] == 255, colours, 255)
    near(read(tmp_path, png(levels * 257, 16, colour), "a.png"), np.broadcast_to(expected, BASE.shape))


def test_png__a_palette_with_transparency(tmp_path: Path) -> None:
    palette = chunk(b"PLTE", bytes([10, 20, 30, 200, 100, 50, 0, 0, 0]))
    content = png(np.array([[0, 1, 2]]), 8, 3, [palette, chunk(b"tRNS", bytes([255, 128, 0]))])
    near(read(tmp_path, content, "a.png"), np.array([[[10, 20, 30], [227, 177, 152], [255] * 3]]), 1)


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L"])
def test_flattened__sixteen_bits_in_any_order(mode: str) -> None:
    image = Image.frombytes(mode, (2, 1), np.array([257 * 3, 257 * 200], ">u2" if mode == "I;16B" else "<u2").tobytes())
    near(flattened(image), np.array([[3, 200]]), 0)


@pytest.mark.parametrize("mode", ["RGBa", "La"])
def test_flattened__premultiplied(mode: str) -> None:
    image = Image.new(
        "RGBA" if mode == "RGBa" else "LA", (1, 1), (100, 100, 100, 128) if mode == "RGBa" else (100, 128)
    )
    near(flattened(image.convert(mode)), np.full((1, 1, 3), 177), 1)


@pytest.mark.parametrize("mode", ["HSV", "LAB", "YCbCr", "CMYK", "RGBX", "P", "PA"])
def test_flattened__other_colours(mode: str) -> None:
    start = Image.new("RGB", (2, 2), (204, 102, 51))
    if mode == "LAB":
        from PIL import ImageCms

        image = ImageCms.profileToProfile(
            start, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
    else:
        image = start.convert("P").convert("PA") if mode == "PA" else start.convert(mode)
    near(flattened(image), np.broadcast_to([204, 102, 51], (2, 2, 3)), 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["png", "jpg", "webp", "tif"])
def test_read_picture__every_orientation(tmp_path: Path, form: str, orientation: int) -> None:
    # Flat quarters come through JPEG.
    quarters = np.kron(np.array([[0, 80], [160, 240]]), np.ones((16, 24), int))
    stored = np.repeat(quarters[..., None], 3, -1).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{form}"
    Image.fromarray(stored).save(path, exif=exif, **({"lossless": True} if form == "webp" else {}))
    upright = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.swapaxes(0, 1),
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(stored),
    }[orientation]
    near(read_picture(path), upright, 3)


@pytest.mark.parametrize("form", ["gif", "png", "webp", "tif"])
def test_read_picture__the_first_frame(tmp_path: Path, form: str) -> None:
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "lime", "blue")]
    path = tmp_path / f"a.{form}"
    options = {"lossless": True} if form == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    assert (read_picture(path) == [255, 0, 0]).all()


def test_read_picture__strips_join_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (37, 20, 4), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.png", exif=exif)
    whole = read_picture(tmp_path / "a.png")
    monkeypatch.setattr("olacore.media.flatten.STRIP_PIXELS", 100)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), whole)
    white = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    np.testing.assert_array_equal(whole, np.rot90(np.asarray(white), -1))
