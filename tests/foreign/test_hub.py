"""References to the hub: what is taken from its cache, what is downloaded, and a sentence for all that fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import olacore
from olacore.errors import ConfigError, FileFormatError
from olacore.exports.base import Part, export
from olacore.foreign import hub
from olacore.modules.module import load
from olacore.views.patch import PatchDecoder, PatchEncoder
from tests.support.fake_hub import COMMIT, FakeHub, GatedRepoError, lay_out
from tests.support.makers import make_module
from tests.support.places import ROOT
from tests.support.set_samples import write_set

MODULES = {"decoder": make_module(PatchDecoder(4, 8, 3)), "encoder": make_module(PatchEncoder(4, 8, 0))}


def share(folder: Path, *names: str) -> Path:
    """A folder of such modules."""
    export([Part.of(name, MODULES[name]) for name in names], "hub", folder)
    return folder


@pytest.fixture
def there(tmp_path, monkeypatch) -> FakeHub:
    """A hub with one module, and with two."""
    repos = {"me/one": share(tmp_path / "one", "decoder"), "me/two": share(tmp_path / "two", "decoder", "encoder")}
    found = FakeHub(repos, tmp_path / "cache")
    monkeypatch.setitem(sys.modules, "huggingface_hub", found.module())
    return found


def test_load__downloads_once_and_what_is_listed_alone(there):
    (there.there["me/one"] / "other.safetensors").write_bytes(b"large")
    (there.there["me/one"] / "model.bin").write_bytes(b"a pickle")
    for reference in ("hf:me/one", Path("hf:me/one"), "hf:me/one@main", "hf:me/one/decoder", f"hf:me/one@{COMMIT}"):
        assert load(reference).digest == MODULES["decoder"].digest
    assert there.asked == ["config.json", "model.safetensors"]
    there.fails = ConnectionError("no network")
    assert olacore.load("hf:me/one").digest == MODULES["decoder"].digest


def test_load__takes_one_of_several_by_its_name(there):
    for name in ("decoder", "encoder"):
        assert load(f"hf:me/two/{name}").digest == MODULES[name].digest
        assert load(f"hf:me/two/{name}@main").digest == MODULES[name].digest
    for reference, example in (
        ("hf:me/two", "hf:me/two/decoder"),
        ("hf:me/two@main", "hf:me/two/decoder@main"),
        ("hf:me/two/other", "hf:me/two/decoder"),
        ("hf:me/two/other@main", "hf:me/two/decoder@main"),
    ):
        with pytest.raises(FileFormatError) as caught:
            load(reference)
        assert str(caught.value) == f"{reference} holds the modules decoder, encoder; name one, such as {example}."


def test_load__of_one_of_several_downloads_no_other(there):
    load("hf:me/two/encoder")
    assert there.asked == ["config.json", "encoder.safetensors"]
    with pytest.raises(FileFormatError, match="holds the modules decoder, encoder"):
        load("hf:me/two/other")
    assert there.asked == ["config.json", "encoder.safetensors"]
    load("hf:me/two/decoder")
    assert there.asked == ["config.json", "encoder.safetensors", "decoder.safetensors"]
    there.fails = ConnectionError("no network")
    assert hub.local("hf:me/two").is_dir()


def test_load__a_path_that_is_there_wins(there, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hf:me").mkdir()
    MODULES["encoder"].save(tmp_path / "hf:me" / "one")
    assert load("hf:me/one").digest == MODULES["encoder"].digest


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ConnectionError("x"), r"hub did not give it \(ConnectionError\); check the connection"),
        (type("OfflineModeIsEnabled", (ConnectionError,), {})(), "HF_HUB_OFFLINE forbids to ask the hub"),
        (GatedRepoError("x"), "its owner gives it to those who ask; .*`hf auth login`"),
        (RuntimeError("\x1b[2J"), r"\(RuntimeError\)"),
    ],
)
def test_load__says_why_the_hub_gives_nothing(there, error, sentence):
    there.fails = error
    with pytest.raises(FileFormatError, match=f"^cannot load hf:me/one: .*{sentence}"):
        load("hf:me/one")


def test_load__says_what_is_not_there(there):
    with pytest.raises(FileFormatError, match="cannot load hf:me/three: the hub has no such repository, or it is priv"):
        load("hf:me/three")
    with pytest.raises(FileFormatError, match="cannot load hf:me/one@old: the repository has no such revision"):
        load("hf:me/one@old")
    (there.there["me/one"] / "model.safetensors").unlink()
    with pytest.raises(FileFormatError, match="hf:me/one has no file model.safetensors; `ola export --to hub` makes"):
        load("hf:me/one")
    (there.there["me/two"] / "config.json").unlink()
    with pytest.raises(
        FileFormatError, match="hf:me/two/decoder has no file config.json; `ola export --to hub` makes a whole"
    ):
        load("hf:me/two/decoder")


@pytest.mark.parametrize(
    "reference", ["hf:", "hf:one", "hf:a/b/c/d", "hf:a/b@", "hf:a/../b c", "hf:a/b\n", "hf:a/\x1b"]
)
def test_load__says_what_a_reference_is(there, reference):
    with pytest.raises(
        ConfigError, match=r"a reference to the hub is hf:user/name, hf:user/name@revision or hf:user/n"
    ):
        load(reference)


def test_load__downloads_nothing_too_large(there):
    there.large = {"model.safetensors": 1 << 40}
    with pytest.raises(FileFormatError, match="hf:me/one is too large: model.safetensors has 1099511627776 bytes"):
        load("hf:me/one")
    assert there.asked == ["config.json"]
    there.large = {"config.json": 1 << 29}
    with pytest.raises(FileFormatError, match="hf:me/two is too large: config.json has 536870912 bytes"):
        load("hf:me/two")
    there.large = {"decoder.safetensors": None}
    with pytest.raises(FileFormatError, match="cannot load hf:me/two: the hub does not say how large decoder.safet"):
        load("hf:me/two")
    assert there.asked == ["config.json", "config.json"]


def test_load__downloads_no_more_than_so_much_in_all(there, tmp_path):
    names = [f"m{number}" for number in range(5)]
    there.there["me/five"] = tmp_path / "five"
    export([Part.of(name, MODULES["decoder"]) for name in names], "hub", tmp_path / "five")
    there.large = {f"{name}.safetensors": 1 << 28 for name in names}
    with pytest.raises(
        FileFormatError, match="me/five is too large: its files have 1342177280 bytes, and at most 1073"
    ):
        load("hf:me/five")
    assert there.asked == ["config.json"]
    assert load("hf:me/five/m3").digest == MODULES["decoder"].digest
    assert there.asked == ["config.json", "m3.safetensors"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"files": ["model.bin"]},
            r"names the file 'model.bin'; only .safetensors, .json, .webp are taken from the hub",
        ),
        ({"files": ["../x.safetensors"]}, "names the file '../x.safetensors', which is not in the folder itself"),
        ({"modules": {"m": {"file": "a/b.json"}}}, "names the file 'a/b.json', which is not in the folder itself"),
        ({"modules": {"m": {"file": "code.py"}}}, "names the file 'code.py'; only"),
        ({"modules": {}}, "is damaged: it names no module"),
        ({"modules": []}, "is damaged: modules must be an object"),
        ({"files": "x"}, "is damaged: files must be a list"),
        ({"schema": "olacore/hub/9"}, "is damaged: schema must be one of olacore/hub/1; got 'olacore/hub/9'"),
        ({"library_name": "transformers"}, "hf:me/one has a config.json of something else than olacore"),
    ],
)
def test_load__takes_nothing_else_from_the_hub(there, change, sentence):
    path = there.there["me/one"] / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    for name in ("model.bin", "code.py"):
        (there.there["me/one"] / name).write_text("raise SystemExit")
    with pytest.raises(FileFormatError, match=sentence):
        load("hf:me/one")
    assert there.asked == ["config.json"]


def test_load__says_that_the_package_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(
        ConfigError, match=r"hf:me/one is of the hub, which needs the package huggingface_hub; pip install 'olac"
    ):
        load("hf:me/one")


def test_generator__takes_a_set_of_the_hub_and_remembers_it(there, tmp_path):
    folder = write_set(tmp_path)
    there.there["me/set"] = tmp_path / "shared"
    from olacore.exports.given import load_parts

    export(load_parts([folder]), "hub", tmp_path / "shared")
    expected = olacore.Generator(folder, kernels=False).draw("a red circle", variety=2.0)[0]
    found = olacore.generate("a red circle", set="hf:me/set", variety=2.0)
    assert (found.picture == expected.picture).all()
    assert found.record["set"] == "hf:me/set"
    assert "thumbnails.webp" in there.asked
    with pytest.raises(FileFormatError, match="is a set that draws from text; give it to `ola generate --set`"):
        load("hf:me/set")
    parts = load_parts(["hf:me/set"])
    assert {part.about["set"]["name"] for part in parts} == {"set"}
    assert [part.name for part in load_parts(["hf:me/one", "hf:me/two/encoder@main"])] == ["one", "encoder"]


def test_names__of_references():
    assert [hub.name_of(one) for one in ("hf:me/one@v1", "hf:me/two/m", "a/b@c", Path("m.st"))] == [
        "one",
        "m",
        "a/b@c",
        "m.st",
    ]


def test_offline__takes_what_the_real_client_finds_in_its_cache(tmp_path):
    """In a process of its own: the client reads its environment when it is imported."""
    pytest.importorskip("huggingface_hub")
    lay_out(tmp_path / "hub", "me/one", share(tmp_path / "one", "decoder"))
    lay_out(tmp_path / "hub", "me/half", share(tmp_path / "half", "decoder"))
    (tmp_path / "hub/models--me--half/snapshots" / COMMIT / "model.safetensors").unlink()
    code = f"""
import olacore
from olacore.errors import OlacoreError
for name in ("hf:me/one", "hf:me/one@main", "hf:me/one@{COMMIT}", "hf:me/half", "hf:me/none", "hf:me/a--b"):
    try:
        print(olacore.load(name).digest)
    except OlacoreError as error:
        print(type(error).__name__, error)
"""
    told = {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "HF_HUB_CACHE": str(tmp_path / "hub"),
    }
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **told})
    lines = run.stdout.splitlines()
    assert lines[:3] == [MODULES["decoder"].digest] * 3, run.stderr
    for line, name in zip(lines[3:5], ("hf:me/half", "hf:me/none"), strict=True):
        assert line == (
            f"FileFormatError cannot load {name}: the hub's cache does not hold it, and HF_HUB_OFFLINE forbids to ask "
            "the hub."
        )
    assert lines[5].startswith("ConfigError hf:me/a--b is no name that the hub takes: ")
    assert len(lines) == 6
