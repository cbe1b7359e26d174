"""Forms of data: those on disk as version 0.1 wrote them, and others that are added from outside."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from olacore.data import FORMS, BlockStream, FieldSpec, Form, Header, LatentWriter, open_dataset
from olacore.data.forms import LATENTS, form_for
from olacore.data.header import read_header
from olacore.data.records import ROW
from olacore.errors import ConfigError, DataError, DTypeError, FileFormatError, ShapeError
from olacore.reports.inspection import describe
from tests.support.killed import run_killed
from tests.support.places import SAMPLE
from tests.support.toy_forms import (
    COLOURS,
    FLOAT32,
    SOURCES,
    colours_of,
    letters,
    registered,
    toy_rows,
    toy_writer,
    write_toy,
)

SPEC = FieldSpec("x", (2,), FLOAT32)
SHARED = FieldSpec("y", (), FLOAT32, per="source")


@pytest.fixture
def colours() -> Iterator[None]:
    """The form of colours, known."""
    with registered(COLOURS):
        yield


def test_latents__rewritten_have_the_bytes_of_version_0_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("olacore.data.header.__version__", "0.1.0")
    with h5py.File(SAMPLE) as file, open_dataset(SAMPLE) as data:
        assert file.attrs["software"] == "olacore 0.1.0"
        header = read_header(file, SAMPLE)
        rows = data.read(("frames", "latents", "recon", "rows"), np.arange(data.count))
    entries = rows.pop("rows")[[*ROW.fields]].astype(ROW)
    again = tmp_path / "again.h5"
    with LatentWriter(
        again,
        space=header.space,
        size=(256, 256),
        capacity=header.capacity,
        sources=header.sources,
        recon=True,
        settings=header.settings,
    ) as writer:
        writer.append(**rows, rows=entries)
    assert again.read_bytes() == SAMPLE.read_bytes()


def test_toy__is_not_known_before_it_is_added(tmp_path: Path) -> None:
    with registered(COLOURS):
        path = write_toy(tmp_path / "toy.h5")
        assert FORMS.find("tests/colours/1") is COLOURS
    with pytest.raises(FileFormatError, match=r"schema 'tests/colours/1'; expected 'olacore/latents/1' or 'olacore/c"):
        open_dataset(path)


@pytest.mark.usefixtures("colours")
def test_toy__is_read_as_it_was_written(tmp_path: Path) -> None:
    one, two = write_toy(tmp_path / "one.h5"), write_toy(tmp_path / "two.h5", optional=("spread",))
    order = np.array([17, 3, 3, 9, 0])
    fields, _ = toy_rows(0, 9)
    with open_dataset([one, two]) as data:
        assert (data.kind, data.count, data.size, data.space, data.latent_shape) == ("colours", 18, (4, 4), None, None)
        assert [data.has(name) for name in ("frames", "spread", "letters", "rows", "latents")] == [True] * 4 + [False]
        assert data.layout_of("letters") == ((3,), np.dtype(np.float16))
        assert data.indices("validation").tolist() == [1, 4, 7, 10, 13, 16]
        assert data.verify() == []
        found = data.read(("letters", "colours", "spread", "rows"), order)
    assert [*found] == ["letters", "colours", "spread", "rows"]
    np.testing.assert_array_equal(found["colours"], fields["colours"][order % 9].astype(np.float32))
    np.testing.assert_array_equal(found["spread"], fields["spread"][order % 9].astype(np.float32))
    np.testing.assert_array_equal(found["letters"], letters([SOURCES[row % 3].caption for row in order]))
    assert found["rows"]["source"].tolist() == [3 + 2, 0, 0, 3, 0]


@pytest.mark.usefixtures("colours")
def test_toy__streams_in_blocks(tmp_path: Path) -> None:
    path, names, seen = write_toy(tmp_path / "toy.h5"), ("letters", "frames", "colours"), []
    with open_dataset(path) as data, BlockStream(data, np.arange(9), names, 1, 4, 0) as blocks:
        for block in (next(blocks) for _ in range(blocks.blocks_per_pass)):
            arrays = {name: array[block.item] for name, array in block.arrays.items()}
            np.testing.assert_array_equal(arrays["colours"], np.float32(colours_of(arrays["frames"])["colours"]))
            seen += block.indices[block.item].tolist()
    assert sorted(seen) == [*range(9)]


WRITER = """
from tests.support.toy_forms import *
with registered(COLOURS):
    write_toy(path, (3, 3, 3))
"""


@pytest.mark.usefixtures("colours")
@pytest.mark.parametrize(("sync", "rows"), [(1, 0), (3, 0), (4, 3), (6, 6)])
def test_toy__killed_and_resumed_has_the_same_bytes(tmp_path: Path, sync: int, rows: int) -> None:
    whole, path = write_toy(tmp_path / "whole.h5", (9,)), tmp_path / "toy.h5"
    run_killed(WRITER, path, sync)
    with toy_writer(path, resume=True) as writer:
        assert writer.rows_valid == rows
        writer.add(*toy_rows(rows, 9 - rows))
    assert path.read_bytes() == whole.read_bytes()


@pytest.mark.usefixtures("colours")
def test_toy__resume_refuses_other_settings(tmp_path: Path) -> None:
    path = write_toy(tmp_path / "toy.h5", (5,))
    for changes, message in (
        ({"settings": {"seed": 2}}, r"settings\[seed\] 1, now it is 2"),
        ({"optional": ()}, "spread True, now it is False"),
        ({"sources": SOURCES[::-1]}, "source 0 .*a.png.*, now it is .*c.png"),
    ):
        with pytest.raises(ConfigError, match=message):
            toy_writer(path, resume=True, **changes)


@pytest.mark.usefixtures("colours")
@pytest.mark.parametrize(("name", "damaged"), [("colours", [4]), ("letters", [1, 4, 7])])
def test_toy__verify_finds_damage(tmp_path: Path, name: str, damaged: list[int]) -> None:
    path = write_toy(tmp_path / "toy.h5")
    with open_dataset(path) as data:
        before = data.digest()
    with h5py.File(path, "r+") as file:
        file[name][4 if name == "colours" else 1] += 1
    with open_dataset(path) as data:
        assert data.verify() == damaged
        # The digest goes by the checksums, as that of latents does.
        assert data.digest() == before


@pytest.mark.usefixtures("colours")
def test_toy__inspect_tells_its_fields(tmp_path: Path) -> None:
    facts = describe(write_toy(tmp_path / "toy.h5"))
    assert facts["kind"] == "data set, colours"
    assert (facts["rows"], facts["captions"], facts["size"], facts["damaged rows"]) == (9, 2, [4, 4], [])
    assert facts["fields"] == {
        "frames": "uint8 (4, 4, 3)",
        "colours": "float32 (3,)",
        "spread": "float32",
        "letters": "float16 (3,)",
    }
    assert "space" not in facts


def put(name: str, values: np.ndarray) -> Any:
    def damage(file: h5py.File) -> None:
        del file[name]
        file[name] = values

    return damage


@pytest.mark.usefixtures("colours")
@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (put("colours", np.zeros((9, 2), np.float32)), ShapeError, r"/colours in .* float32 \(9, 3\); got .*\(9, 2\)"),
        (put("spread", np.zeros(9)), DTypeError, r"/spread in .* must be float16 or float32 \(9\); got float64"),
        (put("letters", np.zeros((9, 3), np.float16)), ShapeError, r"/letters in .* float16 \(3, L\); got .*\(9, 3\)"),
        (put("letters", np.zeros(3, np.float16)), ShapeError, r"/letters in .* float16 \(3, L\); got float16 \(3,\)"),
    ],
)
def test_toy__misfits_are_refused(tmp_path: Path, damage: Any, error: type[Exception], message: str) -> None:
    path = write_toy(tmp_path / "toy.h5")
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(error, match=message):
        open_dataset(path)


@pytest.mark.usefixtures("colours")
def test_toy__files_of_other_sizes_do_not_mix(tmp_path: Path) -> None:
    one, two = write_toy(tmp_path / "one.h5"), write_toy(tmp_path / "two.h5")
    with h5py.File(two, "r+") as file:
        put("letters", np.zeros((3, 5), np.float16))(file)
    with pytest.raises(ShapeError, match=r"/letters must be equally wide in all files; it is 3 wide in .* and 5 in"):
        open_dataset([one, two])


@pytest.mark.usefixtures("colours")
def test_writer__refuses_what_the_form_does_not_take(tmp_path: Path) -> None:
    fields, rows = toy_rows(0, 2)
    with toy_writer(tmp_path / "toy.h5") as writer:
        for changes, error, message in (
            ({"colours": fields["colours"] * np.nan}, DataError, r"colours must be finite as float32; 2 rows are not"),
            ({"frames": fields["frames"] / 255}, DTypeError, "frames must be uint8; got float64"),
            ({"spread": fields["colours"]}, ShapeError, r"spread must be \(2,\); got \(2, 3\)"),
            ({"letters": fields["colours"]}, ShapeError, r"stores \['frames', 'colours', 'spread'\]; got \['frames'"),
        ):
            with pytest.raises(error, match=message):
                writer.add({**fields, **changes}, rows)
        with pytest.raises(DTypeError, match="rows must be of type ROW, .*; got None"):
            writer.add(fields)
        assert writer.rows_valid == 0


def test_header__needs_sizes_space_and_sources() -> None:
    for settings, message in (
        ({"form": COLOURS, "sizes": {"H": 4, "W": 4}}, r"tests/colours/1 needs a size above 0 for L; got"),
        ({"form": LATENTS, "sizes": {"H": 8, "W": 8}}, "a data set with latents needs their latent space; got none"),
        ({"form": COLOURS, "sizes": {"H": 4, "W": 4, "L": 3}, "sources": ()}, "got 1 row from 0 sources"),
    ):
        with pytest.raises(ConfigError, match=message):
            Header(**({"capacity": 1, "sources": SOURCES} | settings))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FieldSpec("x", (), FLOAT32, per="pixel"), "per row, source or caption; /x was given per 'pixel'"),
        (lambda: FieldSpec("rows", (), FLOAT32), "a name of its own.*got 'rows'"),
        (lambda: Form("colours", (SPEC,)), "maker/kind/version, such as olacore/latents/1; got 'colours'"),
        (lambda: Form("a/b/1", (SPEC, SPEC)), r"fields of different names, .*got \['x', 'x'\]"),
        (lambda: Form("a/b/1", ()), r"one of them in every row; got \[\]"),
        (lambda: Form("a/b/1", (SPEC, SHARED), sourced=False), "rows name no source"),
        (lambda: FORMS.add(Form("olacore/latents/1", (SPEC,))), "there already is a form of data 'olacore/latents/1'"),
        (lambda: form_for(("smell",), ("frames",)), "no form of data holds smell beside frames; see olacore/l"),
    ],
)
def test_form__wrong_declarations(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


def test_form__is_found_by_its_fields() -> None:
    offered = ("frames", "captions")
    assert form_for(("latents",), offered) is LATENTS
    assert form_for(("latents", "recon"), offered) is LATENTS
    assert form_for(("targets", "inputs"), offered).kind == "pairs"
    twin = Form("tests/twin/1", (SPEC.__class__("frames", (3,), FLOAT32), SPEC.__class__("latents", (3,), FLOAT32)))
    with registered(twin), pytest.raises(ConfigError, match="2 forms of data hold latents .*; see .*tests/twin/1"):
        form_for(("latents",), offered)
