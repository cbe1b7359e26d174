"""Sets whose files are damaged or do not fit each other, and modules that make no set."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from safetensors.numpy import load_file

from olacore.drawing.bundle import make_set
from olacore.drawing.generator import Generator
from olacore.drawing.module_set import open_set
from olacore.errors import FileFormatError, FingerprintError, OutputExistsError
from olacore.modules.file import to_bytes
from olacore.views.patch import PatchDecoder
from olacore.views.word_table import TableOfWords
from tests.support.makers import OTHER_SPACE, make_module
from tests.support.set_samples import SIZE, filtered, modules, resealed, word_table, write_set


def test_set__files_are_checked(tmp_path):
    folder = write_set(tmp_path)
    with pytest.raises(FileFormatError, match="no folder and no set that is shipped; there are"):
        open_set("nothing")
    with pytest.raises(FileFormatError, match=r"is no set of modules: it has no set\.json"):
        open_set(tmp_path)
    with pytest.raises(OutputExistsError, match="already there"):
        write_set(tmp_path)
    about = json.loads((folder / "set.json").read_text())
    (folder / "set.json").write_text(json.dumps(about | {"schema": "olacore/set/9"}))
    with pytest.raises(FileFormatError, match="has the schema 'olacore/set/9'"):
        open_set(folder)
    for name in ("../data.h5", "a\0b", ""):
        (folder / "set.json").write_text(json.dumps(about | {"captions": {"file": name, "sha256": "0"}}))
        with pytest.raises(FileFormatError, match="which is not in the folder itself|a file of the set"):
            open_set(folder)
    (folder / "set.json").write_text(json.dumps(about))
    whole = (folder / "mean.safetensors").read_bytes()
    (folder / "mean.safetensors").write_bytes(whole[:-1])
    with pytest.raises(FileFormatError, match="is not the file that the set was made with"):
        open_set(folder)
    (folder / "mean.safetensors").unlink()
    with pytest.raises(FileFormatError, match="cannot read a file of the set set"):
        open_set(folder)


def test_make__refuses_modules_that_do_not_go_together(tmp_path):
    write_set(tmp_path)
    named = {name: tmp_path / f"{name}.safetensors" for name in ("text", "mean", "decoder")}
    make_module(modules()["decoder"].view, OTHER_SPACE).save(tmp_path / "stranger.safetensors")
    with pytest.raises(FingerprintError, match="are of different latent spaces"):
        make_set(tmp_path / "x", named | {"decoder": tmp_path / "stranger.safetensors"}, tmp_path / "data.h5")
    make_module(replace(modules()["text"].view, tokens=2, unit=False)).save(tmp_path / "tokens")
    with pytest.raises(FileFormatError, match="of one embedding a text; this one answers 2 tokens"):
        make_set(tmp_path / "x", named | {"text": tmp_path / "tokens"}, tmp_path / "data.h5")
    with pytest.raises(FileFormatError, match="needs a text denoiser as its mean module, and has a patch decoder"):
        make_set(tmp_path / "x", named | {"mean": named["decoder"]}, tmp_path / "data.h5")
    mean = modules()["mean"]
    mean.training.update(text_teacher="other", text_sha256="9" * 64)
    mean.save(tmp_path / "other.safetensors")
    with pytest.raises(FingerprintError, match=r"reads embeddings of other \(999999999999\).*--text-from"):
        make_set(tmp_path / "x", named | {"mean": tmp_path / "other.safetensors"}, tmp_path / "data.h5")
    assert not (tmp_path / "x").exists()


def save_sided(path: Path) -> None:
    """Save a denoiser without a filter whose file speaks of a height all the same."""
    module = modules()["level 0.5"]
    module.save(path)
    about = module.about()
    path.write_bytes(to_bytes(load_file(path), {**about, "view": {**about["view"], "height": 3}}))


def test_set__parts_that_do_not_fit_each_other_are_refused(tmp_path):
    folder, own = write_set(tmp_path), modules()
    text = make_module(TableOfWords(5, SIZE, table=word_table()))
    cases = [
        ("text.safetensors", {"module": text}, "makes embeddings of 5 numbers; the mean reads 6"),
        (
            "decoder.safetensors",
            {"module": make_module(PatchDecoder(4, 4, 3))},
            "differ in the latents' factor: .*decoder 4",
        ),
        ("level-2.safetensors", {"module": own["level 0.5"]}, "is a denoiser of level 0.5; .*says 2"),
        (
            "level-2.safetensors",
            {"module": make_module(filtered(4, 8, 2.0, (2, 4)))},
            "for latents of several sizes: mean 3 x 3, level 2 2 x 4 sites",
        ),
        (
            "level-2.safetensors",
            {"module": SimpleNamespace(save=save_sided)},
            "without a Wiener filter is for latents of any size, and has no height and no width; got 3 x 0",
        ),
        ("", {"size": 32}, "draws pictures of 24 x 24; its set.json says 32"),
        ("", {"energy": -1.0}, "energy must be a number of 0 or more"),
        (
            "",
            {"outline": {"components": 34, "energy": 1.0, "rest": 1.0}},
            "an outline of 34 principal components; its text mean has 34",
        ),
        (
            "",
            {"outline": {"components": 3, "energy": 1.0, "rest": 1.0, "gains": [0.5, 1.5]}},
            r"outline.gains\[1\] must be a number of 0 or more up to 1",
        ),
    ]
    for number, (name, changes, sentence) in enumerate(cases):
        copy = Path(shutil.copytree(folder, tmp_path / f"{number}"))
        with pytest.raises(FileFormatError, match=sentence):
            Generator(resealed(copy, name, **changes), kernels=False)
    levels = json.loads((folder / "set.json").read_text())["levels"]
    with pytest.raises(FileFormatError, match="names several denoisers of one level"):
        open_set(resealed(folder, "", levels=[levels[0], levels[0]]))
