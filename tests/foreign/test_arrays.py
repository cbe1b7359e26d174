"""`.npy` and `.npz` of strangers: read within a bound, in whatever order and byte order, or refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from olacore.errors import FileFormatError
from olacore.foreign.arrays import check_numbers, read_arrays

NUMBERS = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)


def npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def with_header(text: str, body: bytes = b"") -> bytes:
    header = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + body


def read(path: Path, data: bytes, most: int = 1 << 20) -> dict[str, np.ndarray]:
    path.write_bytes(data)
    return read_arrays(path, "latent", "`ola encode`", ("latent",), most)


@pytest.mark.parametrize(
    "array", [NUMBERS, np.asfortranarray(NUMBERS), NUMBERS.astype(">f4"), NUMBERS.astype("<f8"), NUMBERS[..., ::-1]]
)
def test_read_arrays__gives_plain_arrays(array, tmp_path):
    for kind in (np.savez, np.savez_compressed):
        kind(tmp_path / "z.npz", latent=array, other=np.zeros(3))
        zipped = read_arrays(tmp_path / "z.npz", "latent", "`ola encode`", ("latent", "none"))
        assert zipped.keys() == {"latent"}
        for found in (zipped["latent"], read(tmp_path / "z.npy", npy(array))[""]):
            np.testing.assert_array_equal(found, array)
            assert found.flags.c_contiguous
            assert found.flags.writeable
            assert found.dtype.isnative


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "z is no .npy or .npz file of a latent: it is empty"),
        (b"text", "z is no .npy or .npz file of a latent: expected one of `ola encode`"),
        (npy(NUMBERS)[:-1], "z is cut short: 95 of 96 bytes are there"),
        (npy(NUMBERS)[:9], "z is no array of NumPy that can be read"),
        (npy(np.array([{}])), r"z must be a plain array of numbers; got '(object|\|O)"),
        (npy(np.zeros(3, "f4,i4")), "z must be a plain array of numbers; got"),
        (npy(np.zeros(3, "M8[s]")), "z must be a plain array of numbers; got 'datetime64"),
        (npy(np.zeros((1,) * 9)), "z must be a plain array of numbers; got 'float64' \\(1, 1"),
        (with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 100000, 100000)}"), "takes 160000000000"),
        (with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 10**30)}"), "no array of NumPy"),
        (with_header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': (0, {10**30})}}"), "z is too large"),
        (with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}"), "must be a plain array"),
        (with_header("{'descr': '<f4', 'fortran_order': False, 'shape': ((("), "no array of NumPy that can be read"),
        (with_header("(" * 100), "no array of NumPy that can be read"),
        (b"\x93NUMPY\x09\0" + npy(NUMBERS)[8:], "no array of NumPy that can be read"),
    ],
)
def test_read_arrays__says_what_is_wrong_with_an_array(data, sentence, tmp_path):
    with pytest.raises(FileFormatError, match=sentence):
        read(tmp_path / "z", data)


def zipped(data: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        archive.writestr("latent.npy", data)
    return content.getvalue()


def test_read_arrays__says_what_is_wrong_with_an_archive(tmp_path):
    whole = zipped(npy(NUMBERS))
    flipped = bytearray(whole)
    flipped[-200] ^= 1  # a number
    unknown = bytearray(whole)
    encrypted = bytearray(whole)
    for start, offset in ((whole.index(b"PK\x03\x04"), 0), (whole.index(b"PK\x01\x02"), 2)):
        unknown[start + 8 + offset] = 77
        encrypted[start + 6 + offset] |= 1
    packed = bytearray(zipped(npy(NUMBERS), zipfile.ZIP_DEFLATED))
    packed[60:70] = b"\xff" * 10
    for data in (whole[:-30], flipped, unknown, encrypted, packed):
        with pytest.raises(FileFormatError, match=r"z is no (\.npz file|array of NumPy) that can be read: "):
            read(tmp_path / "z", bytes(data))


def test_read_arrays__unpacks_no_bomb(tmp_path):
    bomb = zipped(npy(np.zeros(1 << 20)), zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1 << 15
    with pytest.raises(FileFormatError, match="'latent' in .*z is too large: its shape .* takes 8388608 bytes"):
        read(tmp_path / "z", bomb)
    with pytest.raises(FileFormatError, match="the latent .*z is too large"):
        read(tmp_path / "z", npy(NUMBERS) + bytes(1 << 17), 100)


def test_check_numbers__takes_floats_alone():
    assert check_numbers(NUMBERS, "z") is NUMBERS
    for kind in (np.complex64, np.int32, np.bool_, np.uint8, np.longdouble):
        with pytest.raises(FileFormatError, match="z holds .*; expected float16 or float32 or float64"):
            check_numbers(NUMBERS.astype(kind), "z")
    with pytest.raises(FileFormatError, match=r"z holds no numbers: its shape is \(4, 0, 2\)"):
        check_numbers(NUMBERS[:, :0], "z")
