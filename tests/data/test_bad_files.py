"""Each file that cannot be used is refused in one sentence that says what is wrong with it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from olacore.data import ROW, open_dataset, write_pairs
from olacore.errors import DataError, DTypeError, FileFormatError, FingerprintError, ShapeError
from tests.support.data_samples import SPACE, open_writer, write_latents


def drop(name: str) -> Callable[[h5py.File], None]:
    def damage(file: h5py.File) -> None:
        del file[name]

    return damage


def put(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[h5py.File], None]:
    def damage(file: h5py.File) -> None:
        values = change(file[name][:])
        del file[name]
        file[name] = values

    return damage


def tell(name: str, value: object) -> Callable[[h5py.File], None]:
    def damage(file: h5py.File) -> None:
        file.attrs[name] = value

    return damage


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (drop("frames"), FileFormatError, "frames"),
        (drop("latents"), FileFormatError, r"no data set /latents; expected float16 \(12, 2, 2, 3\)"),
        (drop("rows"), FileFormatError, "no data set /rows"),
        (drop("sources"), FileFormatError, "sources"),
        (put("frames", lambda a: a[..., :2]), ShapeError, r"/frames .* must be uint8 \(n, 16, 24, 3\)"),
        (put("frames", lambda a: a.astype(np.uint16)), DTypeError, "/frames .* uint8 .*; got uint16"),
        (put("latents", lambda a: a[:, :1]), ShapeError, r"/latents .*; got float16 \(12, 1, 2, 3\)"),
        (put("latents", lambda a: a[:7]), ShapeError, r"/latents .*; got float16 \(7, 2, 2, 3\)"),
        (put("latents", lambda a: a[:, 0, 0, 0]), ShapeError, r"/latents .*; got float16 \(12,\)"),
        (put("latents", lambda a: a.astype(np.float32)), DTypeError, "/latents .*; got float32"),
        (put("recon", lambda a: a[:, :8]), ShapeError, "/recon .* must be"),
        (put("rows", lambda a: a["source"]), DTypeError, "/rows .* must be a record"),
        (put("rows", lambda a: a[:3]), ShapeError, "/rows .* must be a record"),
        (tell("schema", "olacore/latents/2"), FileFormatError, "'olacore/latents/2'.*upgrade olacore"),
        (tell("schema", "other/1"), FileFormatError, "schema 'other/1'; expected .*olacore/latents/1"),
        (lambda file: file.attrs.pop("rows_valid"), FileFormatError, "damaged header.*rows_valid"),
        (lambda file: file.attrs.pop("scaling"), FileFormatError, "damaged header.*scaling"),
        (tell("settings", "{"), FileFormatError, "attribute settings of .* is no JSON"),
        (tell("rows_valid", 13), FileFormatError, r"rows_valid must be a whole number in 0\.\.12; got 13"),
        (tell("rows_valid", 0), DataError, "no finished row"),
        (put("sources", lambda a: a[:2]), FileFormatError, "a source that /sources does not list"),
    ],
)
def test_open_dataset__damaged_latents(
    tmp_path: Path, damage: Callable[[h5py.File], None], error: type[Exception], message: str
) -> None:
    path = write_latents(tmp_path / "bad.h5")
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(error, match=message) as caught:
        open_dataset(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (drop("inputs"), FileFormatError, r"no data set /inputs; expected .*\(n, in\)"),
        (drop("targets"), FileFormatError, r"no data set /targets; expected .*\(20, out\)"),
        (put("inputs", lambda a: a[:, 0]), ShapeError, r"/inputs .*; got float64 \(20,\)"),
        (put("inputs", lambda a: a[:0]), ShapeError, r"/inputs .*; got float64 \(0, 3\)"),
        (put("targets", lambda a: a[:19]), ShapeError, r"/targets .*\(20, out\); got float64 \(19, 2\)"),
        (put("targets", lambda a: a.astype(int)), DTypeError, "/targets .* float32 .*; got int64"),
        (put("split", lambda a: a[:5]), ShapeError, r"/split .* must be uint8 \(20\)"),
        (put("split", lambda a: a.astype(int)), DTypeError, "/split .* must be uint8"),
        (put("split", lambda a: a + np.uint8(7)), DataError, "/split .* 0, 1 and 2 only; got 7"),
        (tell("schema", "olacore/pairs/9"), FileFormatError, "'olacore/pairs/9'.*upgrade olacore"),
    ],
)
def test_open_dataset__damaged_pairs(
    tmp_path: Path, damage: Callable[[h5py.File], None], error: type[Exception], message: str
) -> None:
    path = tmp_path / "bad.h5"
    write_pairs(path, np.ones((20, 3)), np.ones((20, 2)), np.zeros(20, np.uint8))
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(error, match=message) as caught:
        open_dataset(path)
    assert str(path) in str(caught.value)


def test_open_dataset__not_an_hdf5_file(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"expected an HDF5 file at .*none\.h5; it is missing"):
        open_dataset(tmp_path / "none.h5")
    with pytest.raises(FileFormatError, match=r"expected data files \*\.h5 in the folder .*there are none"):
        open_dataset(tmp_path)
    path = tmp_path / "a.h5"
    path.write_bytes(b"")
    with pytest.raises(FileFormatError, match=r"a\.h5 is empty"):
        open_dataset(path)
    path.write_text("these are my pictures\n")
    with pytest.raises(FileFormatError, match=r"a\.h5 is not an HDF5 file: it begins with b'these are"):
        open_dataset(path)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "TIFF", "WebP"])
def test_open_dataset__says_how_a_picture_becomes_data(tmp_path: Path, form: str) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.h5", form)
    sentence = f"a.h5 is not an HDF5 file: it is a {form} picture; `ola precompute` makes data of pictures"
    with pytest.raises(FileFormatError, match=sentence):
        open_dataset(tmp_path / "a.h5")


def test_open_dataset__names_other_files(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    np.savez(tmp_path / "a.npz", np.zeros(3))
    save_file({"a": np.zeros(3)}, tmp_path / "a.safetensors")
    for name, what in (("a.npy", "a .npy file"), ("a.npz", "a zip archive"), ("a.safetensors", "a safetensors file")):
        with pytest.raises(FileFormatError, match=f"{name} is not an HDF5 file: it is {what}"):
            open_dataset(tmp_path / name)


def test_open_dataset__hdf5_without_any_data(tmp_path: Path) -> None:
    h5py.File(tmp_path / "a.h5", "w").close()
    with pytest.raises(FileFormatError, match="no data set /inputs"):
        open_dataset(tmp_path / "a.h5")


def test_open_dataset__truncated_anywhere(tmp_path: Path) -> None:
    content = write_latents(tmp_path / "whole.h5").read_bytes()
    path = tmp_path / "cut.h5"
    for size in [*range(8, 4096, 131), *range(4096, len(content), 2111), len(content) - 1]:
        path.write_bytes(content[:size])
        with pytest.raises(FileFormatError, match=r"cut\.h5 (is truncated|cannot be opened|is damaged)"):
            open_dataset(path)


def test_open_dataset__new_file_without_rows(tmp_path: Path) -> None:
    open_writer(tmp_path / "a.h5").close()
    with pytest.raises(DataError, match=r"a\.h5 has no finished row"):
        open_dataset(tmp_path / "a.h5")


def test_open_dataset__fingerprints_disagree(tmp_path: Path) -> None:
    other = replace(SPACE, scaling=0.5)
    one = write_latents(tmp_path / "one.h5")
    two = write_latents(tmp_path / "two.h5", space=other)
    with pytest.raises(FingerprintError) as caught:
        open_dataset([one, two])
    for part in (str(one), str(two), SPACE.fingerprint, other.fingerprint):
        assert part in str(caught.value)


def test_open_dataset__equal_space_of_another_name(tmp_path: Path) -> None:
    one = write_latents(tmp_path / "one.h5")
    two = write_latents(tmp_path / "two.h5", space=replace(SPACE, maker="a copy"))
    with open_dataset([one, two]) as dataset:
        assert dataset.count == 18


def test_open_dataset__forms_disagree(tmp_path: Path) -> None:
    one = write_latents(tmp_path / "one.h5")
    write_pairs(tmp_path / "two.h5", np.ones((4, 2)), np.ones((4, 1)))
    with pytest.raises(FileFormatError, match=r"one\.h5 holds latents, .*two\.h5 pairs"):
        open_dataset([one, tmp_path / "two.h5"])


def test_open_dataset__widths_of_pairs_disagree(tmp_path: Path) -> None:
    write_pairs(tmp_path / "one.h5", np.ones((4, 2)), np.ones((4, 1)))
    write_pairs(tmp_path / "two.h5", np.ones((4, 2)), np.ones((4, 3)))
    with pytest.raises(ShapeError, match=r"/targets .*1 wide in .*one\.h5 and 3 in .*two\.h5"):
        open_dataset([tmp_path / "one.h5", tmp_path / "two.h5"])


def test_open_dataset__sizes_of_pictures_disagree(tmp_path: Path) -> None:
    one = write_latents(tmp_path / "one.h5")
    with open_writer(tmp_path / "two.h5", size=(16, 16), recon=False) as writer:
        given = {"frames": np.zeros((1, 16, 16, 3), np.uint8), "latents": np.zeros((1, 2, 2, 2), np.float16)}
        writer.append(**given, rows=np.zeros(1, ROW))
    with pytest.raises(ShapeError, match=r"one\.h5 has \(16, 24\), .*two\.h5 has \(16, 16\)"):
        open_dataset([one, tmp_path / "two.h5"])


def test_open_dataset__file_given_twice_or_never(tmp_path: Path) -> None:
    path = write_latents(tmp_path / "a.h5")
    with pytest.raises(DataError, match=r"a\.h5 is given twice"):
        open_dataset([path, tmp_path / "." / "a.h5"])
    with pytest.raises(DataError, match="at least one data file; got none"):
        open_dataset([])
