"""HDF5 files from elsewhere: what lies in other files, what is of a wrong kind, and what claims more than it holds."""

import errno
import signal
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from olacore.data import open_dataset, storage, survival, write_pairs
from olacore.errors import DTypeError, FileFormatError, OlacoreError, ShapeError
from tests.support.data_samples import write_latents

INPUTS, TARGETS = np.arange(60, dtype=np.float32).reshape(20, 3), np.ones((20, 2), np.float32)
Change = Callable[[h5py.File], Any]


def pairs_file(path: Path, change: Change = lambda file: None) -> Path:
    """Pairs as another program may write them, `/inputs` added by `change`."""
    with h5py.File(path, "w") as file:
        file["targets"] = TARGETS
        change(file)
    return path


def attribute(name: str, value: Any) -> Change:
    def change(file: h5py.File) -> None:
        file["inputs"] = INPUTS
        file.attrs[name] = value

    return change


def external_link(file: h5py.File) -> None:
    file["inputs"] = h5py.ExternalLink("other.h5", "/inputs")


def link_by_way_of_a_group(file: h5py.File) -> None:
    file.create_group("deep")["away"] = h5py.ExternalLink("other.h5", "/")
    file["inputs"] = h5py.SoftLink("/deep/away/inputs")


def external_storage(file: h5py.File) -> None:
    file.create_dataset("inputs", INPUTS.shape, "f4", external=[("other.h5", 0, h5py.h5f.UNLIMITED)])


def virtual(file: h5py.File, source: str = "other.h5") -> None:
    layout = h5py.VirtualLayout(INPUTS.shape, "f4")
    layout[:] = h5py.VirtualSource(source, "inputs", INPUTS.shape)
    file.create_virtual_dataset("inputs", layout)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (external_link, "/inputs is a link into another file"),
        (link_by_way_of_a_group, "/deep/away is a link into another file"),
        (external_storage, "/inputs lies outside, in external storage"),
        (virtual, "/inputs is a virtual data set"),
        (lambda file: virtual(file, "missing.h5"), "/inputs is a virtual data set"),
        (lambda file: virtual(file, "."), "/inputs is a virtual data set"),
    ],
)
def test_open_dataset__refuses_what_lies_in_another_file(tmp_path: Path, change: Change, reason: str) -> None:
    pairs_file(tmp_path / "other.h5", lambda file: file.create_dataset("inputs", data=INPUTS))
    path = pairs_file(tmp_path / "a.h5", change)
    with pytest.raises(FileFormatError, match=rf"a\.h5 is not read, because {reason}"):
        open_dataset(path)


def test_open_dataset__follows_soft_links_within_the_file(tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        file["deep/numbers"] = INPUTS
        file["inputs"] = h5py.SoftLink("/deep/numbers")

    with open_dataset(pairs_file(tmp_path / "a.h5", change)) as dataset:
        np.testing.assert_array_equal(dataset.read(["inputs"], np.arange(20))["inputs"], INPUTS)


@pytest.mark.parametrize("target", ["/inputs", "/nowhere", "/targets/x"])
def test_open_dataset__soft_links_that_lead_nowhere(tmp_path: Path, target: str) -> None:
    path = pairs_file(tmp_path / "a.h5", lambda file: file.__setitem__("inputs", h5py.SoftLink(target)))
    with pytest.raises(FileFormatError, match=r"inputs.* float16 or float32 or float64 \(n, in\)"):
        open_dataset(path)


@pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8", "<f8"])
@pytest.mark.parametrize("how", [{}, {"chunks": (1, 3)}, {"chunks": (4, 3), "compression": "gzip", "shuffle": True}])
def test_open_dataset__any_order_of_bytes(tmp_path: Path, dtype: str, how: dict[str, Any]) -> None:
    path = pairs_file(tmp_path / "a.h5", lambda file: file.create_dataset("inputs", data=INPUTS.astype(dtype), **how))
    with open_dataset(path) as dataset:
        found = dataset.read(["inputs"], np.array([5, 0, 19]))["inputs"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, INPUTS[[5, 0, 19]])


@pytest.mark.parametrize(
    ("inputs", "error"),
    [
        (lambda file: file.create_group("inputs"), FileFormatError),
        (lambda file: file.create_dataset("inputs", data=h5py.Empty("f4")), ShapeError),
        (lambda file: file.create_dataset("inputs", data=np.float32(3)), ShapeError),
        (lambda file: file.create_dataset("inputs", (20, 3), h5py.ref_dtype), DTypeError),
        (lambda file: file.create_dataset("inputs", (20, 3), h5py.string_dtype()), DTypeError),
        (lambda file: file.create_dataset("inputs", (20, 3), "c8"), DTypeError),
        (lambda file: file.create_dataset("inputs", (20, 3), h5py.vlen_dtype("f4")), DTypeError),
        (lambda file: file.__setitem__("inputs", np.dtype("f4")), FileFormatError),
    ],
)
def test_open_dataset__other_objects(tmp_path: Path, inputs: Change, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"/inputs.* float16 or float32 or float64 \(n, in\)"):
        open_dataset(pairs_file(tmp_path / "a.h5", inputs))


NUMBERS = ["x", [1, 2], np.inf, np.nan, -1, 21, 2**40, 2**63, 3.0, h5py.Empty("i8"), b"\xff", "", np.zeros((0,), "i8")]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
@pytest.mark.parametrize("name", ["rows_valid", "complete"])
def test_open_dataset__odd_counters(tmp_path: Path, name: str, value: Any) -> None:
    path = pairs_file(tmp_path / "a.h5", attribute(name, value))
    with pytest.raises(FileFormatError, match=rf"a\.h5 has a damaged header: {name} must be a whole number"):
        open_dataset(path)


@pytest.mark.parametrize(
    "value",
    [
        "olacore/latents/" + "9" * 5000,
        "x" * 60_000,
        b"\xff\xfe",
        7,
        [1.5, 2],
        ["olacore/pairs/1", "b"],
        h5py.Empty("S1"),
        np.zeros(3, "V9"),
    ],
)
def test_open_dataset__odd_schemas(tmp_path: Path, value: Any) -> None:
    with pytest.raises(FileFormatError, match=r"a\.h5 has .*schema") as caught:
        open_dataset(pairs_file(tmp_path / "a.h5", attribute("schema", value)))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "value", ['{"a": NaN}', '{"a": 1e999}', "[" * 9000, "[1]", "{", '{"a": "\\ud800"}', b"\xff", 3, h5py.Empty("S1")]
)
def test_open_dataset__odd_settings(tmp_path: Path, value: Any) -> None:
    path = write_latents(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["settings"] = value
    with pytest.raises(FileFormatError, match="settings") as caught:
        open_dataset(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scaling", np.nan),
        ("scaling", [1.0, 2.0, 3.0]),
        ("scaling", "1"),
        ("channels", 2.5),
        ("channels", -2),
        ("factor", 0),
        ("size", [16]),
        ("size", [16, -24]),
        ("size", np.zeros((30, 30), int)),
        ("picture_range", [0.0]),
        ("picture_range", 1.0),
        ("maker", [1]),
        ("maker_sha256", h5py.Empty("S1")),
    ],
)
def test_open_dataset__odd_latent_spaces(tmp_path: Path, name: str, value: Any) -> None:
    path = write_latents(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file.attrs[name] = value
    with pytest.raises(FileFormatError, match=r"a\.h5 has a damaged header"):
        open_dataset(path)


@pytest.mark.parametrize("name", ["sources", "files"])
@pytest.mark.parametrize(
    "value",
    [
        np.zeros(3),
        np.zeros(3, [("name", "S3")]),
        np.zeros(3, [("name", "i4"), ("kind", "S10"), ("split", "u1"), ("licence", "S1"), ("author", "S1")]),
        np.array([(b"a", b"photograph", 9, b"", b"")] * 3, "S3,S10,u1,S1,S1").astype(
            [("name", "S3"), ("kind", "S10"), ("split", "u1"), ("licence", "S1"), ("author", "S1")]
        ),
        np.array([(b"a", b"\xff", -5)], [("name", "S3"), ("sha256", "S64"), ("rows", "i8")]),
    ],
)
def test_open_dataset__odd_records(tmp_path: Path, name: str, value: np.ndarray) -> None:
    path = write_latents(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        if name in file:
            del file[name]
        file[name] = value
    with pytest.raises(FileFormatError, match=r"a\.h5"):
        open_dataset(path)


def deflate_bomb(file: h5py.File) -> None:
    """A chunk of 1,200 bytes that unpacks to 16 MB."""
    array = file.create_dataset("inputs", (20, 15), "f4", chunks=(20, 15), compression="gzip")
    array.id.write_direct_chunk((0, 0), zlib.compress(bytes(1 << 24), 9))


def unknown_filter(file: h5py.File) -> None:
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((20, 3))
    properties.set_filter(32_099, h5py.h5z.FLAG_OPTIONAL, (1,))
    space = h5py.h5s.create_simple((20, 3))
    found = h5py.h5d.create(file.id, b"inputs", h5py.h5t.IEEE_F32LE, space, properties)
    found.write_direct_chunk((0, 0), bytes(240))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (lambda file: file.create_dataset("inputs", (10**9, 3), "f4"), "only 0 of 12,000,000,000 bytes of /inputs"),
        (lambda file: file.create_dataset("inputs", (20, 3), "f4", chunks=(4, 3)), "only 0 of 5 chunks of /inputs"),
        (
            lambda file: file.create_dataset("inputs", (2**40, 3), "f4", chunks=(2**20, 3), compression="gzip"),
            "only 0 of 1,048,576 chunks",
        ),
        (
            lambda file: file.create_dataset(
                "inputs", data=np.zeros((10**6, 2), "f2"), chunks=True, compression="gzip"
            ),
            "/inputs in .* claims 1,000,000 entries and 4,000,000 bytes in",
        ),
        (unknown_filter, "/inputs in .* needs the HDF5 filter 32099"),
    ],
)
def test_open_dataset__claims_more_than_it_holds(tmp_path: Path, inputs: Change, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        open_dataset(pairs_file(tmp_path / "a.h5", inputs))


def test_open_dataset__many_empty_records_of_files(tmp_path: Path) -> None:
    path = write_latents(tmp_path / "a.h5")
    kinds = [("name", "S1"), ("sha256", "S64"), ("rows", "i8"), ("frames", "i8"), ("damaged", "i8"), ("note", "S1")]
    with h5py.File(path, "r+") as file:
        file.create_dataset("files", data=np.zeros(200_000, kinds), chunks=True, compression="gzip")
    with pytest.raises(FileFormatError, match="/files in .* claims 200,000 entries"):
        open_dataset(path)


@pytest.mark.parametrize("large", [False, True])
def test_read__a_chunk_that_unpacks_to_far_more(tmp_path: Path, large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if large:
        # Lets the file's size of the chunk pass, so that it has to be looked into.
        monkeypatch.setattr("olacore.data.inflate.SPARE", 1 << 17)
        monkeypatch.setattr("olacore.data.inflate.HARMLESS_BYTES", 1 << 20)
    message = r"rows 3 to 5 of /inputs .* the chunk at \(0, 0\) unpacks to more"
    path = pairs_file(tmp_path / "a.h5", deflate_bomb)
    with open_dataset(path) as dataset, pytest.raises(FileFormatError, match=message):
        dataset.read(["inputs"], np.array([3, 4]))


def test_read__a_sound_chunk_is_looked_into_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("olacore.data.inflate.HARMLESS_BYTES", 0)
    change = lambda file: file.create_dataset("inputs", data=INPUTS, chunks=(8, 2), compression="gzip")  # noqa: E731
    with open_dataset(pairs_file(tmp_path / "a.h5", change)) as dataset:
        for rows in (np.arange(20), np.array([9, 3])):
            np.testing.assert_array_equal(dataset.read(["inputs"], rows)["inputs"], INPUTS[rows])


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_open_dataset__on_a_disk_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    class File(h5py.File):
        def __init__(self, path: Path, mode: str, *, locking: bool | None) -> None:
            if locking is None:
                raise OSError(number, "unable to lock file")
            super().__init__(path, mode, locking=locking)

    write_pairs(tmp_path / "a.h5", INPUTS, TARGETS)
    monkeypatch.setattr(storage.h5py, "File", File)
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert dataset.count == 20


@pytest.mark.parametrize(
    ("number", "how"), [("SIGSEGV", "it ends with SIGSEGV"), ("SIGXCPU", "it does not come to an end")]
)
def test_open_dataset__a_file_that_hdf5_does_not_survive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: str, how: str
) -> None:
    """The program that walks through the files dies of the second of them."""
    walk = tmp_path / "walk.py"
    walk.write_text(f"import os\nos.write(1, b'0\\n1\\n')\nos.kill(os.getpid(), {int(signal.Signals[number])})\n")
    for name in ("a.h5", "b.h5"):
        write_pairs(tmp_path / name, INPUTS, TARGETS)
    monkeypatch.setattr(survival, "WALK", walk)
    with pytest.raises(FileFormatError, match=rf"b\.h5 is damaged so that HDF5 cannot read it \({how}"):
        open_dataset([tmp_path / "a.h5", tmp_path / "b.h5"])


@pytest.mark.parametrize("where", ["an attribute", "a list"])
def test_open_dataset__text_that_claims_gigabytes(tmp_path: Path, where: str) -> None:
    """The length of a text stands where the text is named, and once more where it lies."""
    mark, path = "of seventeen bytes", tmp_path / "a.h5"
    with h5py.File(pairs_file(path, lambda file: file.create_dataset("inputs", data=INPUTS)), "r+") as file:
        if where == "an attribute":
            file.attrs["note"] = mark
        else:
            file.create_dataset("notes", data=[mark], dtype=h5py.string_dtype())
    content = path.read_bytes()
    heap = content.rindex(b"GCOL", 0, content.index(mark.encode()))
    named = len(mark).to_bytes(4, "little") + heap.to_bytes(8, "little")
    assert content.count(named) == 1
    path.write_bytes(content.replace(named, b"\xff" * 4 + named[4:]))
    with pytest.raises(FileFormatError, match="a.h5 is damaged so that HDF5 cannot read it .text in it claims more"):
        open_dataset(path)


def test_open_dataset__zeros_put_into_the_middle(tmp_path: Path) -> None:
    """With HDF5 2.0 the first place is one where it loops."""
    write_pairs(tmp_path / "whole.h5", np.ones((20, 3), "f4"), np.ones((20, 2), "f4"), np.zeros(20, "u1"))
    content = (tmp_path / "whole.h5").read_bytes()
    for place in (2074, 1100, 3000):
        (tmp_path / "a.h5").write_bytes(content[:place] + bytes(8) + content[place:])
        with pytest.raises(OlacoreError, match=r"a\.h5"):
            open_dataset(tmp_path / "a.h5")


def test_survival__is_asked_once_for_a_file_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.h5"
    write_pairs(path, INPUTS, TARGETS)
    asked = []
    run = survival.subprocess.run
    monkeypatch.setattr(survival.subprocess, "run", lambda command, **how: asked.append(command) or run(command, **how))
    open_dataset(path).close()
    open_dataset(path).close()
    assert len(asked) == 1
    with h5py.File(path, "r+") as file:
        file["more"] = 1.0
    open_dataset(path).close()
    assert len(asked) == 2
