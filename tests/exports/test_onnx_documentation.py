"""What `docs/plug-in.md` shows of ONNX Runtime runs as written, and draws what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import olacore
from tests.support.documents import blocks, run
from tests.support.makers import JIT, smooth_pictures
from tests.support.onnx_runs import levels_apart


@pytest.mark.skipif(not JIT, reason="pictures take minutes without the JIT")
def test_recipe__runs_as_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (photo,) = smooth_pictures(1, 70, 101)
    Image.fromarray(photo).save("photo.jpg")
    commands, script = blocks("docs/plug-in.md", "ONNX Runtime in Python")
    run(commands)
    run(script)
    assert len([line for line in script.text.splitlines() if line and not line.startswith(("import", "from"))]) <= 10
    latents = olacore.load("sd15-encoder").encode(Image.open("photo.jpg"))
    ours = olacore.load("sd15-decoder").decode(latents)
    assert levels_apart(ours, np.asarray(Image.open("back.png"))) <= 1
    heart = olacore.Generator("google64").draw("a red heart")[0].picture
    assert levels_apart(heart, np.asarray(Image.open("heart.png"))) <= 1
    assert {path.name for path in Path().glob("*.onnx")} == {"encoder.onnx", "decoder.onnx", "google64.onnx"}
