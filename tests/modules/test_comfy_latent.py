"""Latents of ComfyUI: taken for SD 1.5's, which is said; anything else is refused."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save, save_file

from olacore.errors import FileFormatError
from olacore.modules.latent_file import read_latent
from olacore.modules.module import load

LATENTS = np.random.default_rng(0).normal(size=(1, 4, 3, 2)).astype(np.float32)
VERSION = {"latent_format_version_0": np.zeros(0, np.float32)}


def test_read_latent__scales_raw_latents_of_sd_1_5_and_says_so(tmp_path):
    path = tmp_path / "z.latent"
    for kind in (np.float32, np.float16):
        stored = LATENTS.astype(kind)
        save_file({"latent_tensor": stored, **VERSION}, path)
        found = read_latent(path)
        np.testing.assert_array_equal(found.latent, stored[0].astype(np.float32) * np.float32(0.18215), strict=True)
        assert found.note == "z.latent is taken for SD 1.5, raw: multiplied by 0.18215"
        assert found.spaces == (None, load("sd15-decoder").reads)


def test_read_latent__leaves_scaled_latents_of_the_old_format_as_they_are(tmp_path):
    save_file({"latent_tensor": LATENTS}, tmp_path / "z.latent")
    found = read_latent(tmp_path / "z.latent")
    np.testing.assert_array_equal(found.latent, LATENTS[0], strict=True)
    assert found.note == "z.latent is taken for SD 1.5, scaled: of ComfyUI's old format"


def test_read_latent__leaves_a_batch_of_comfyui_a_batch(tmp_path):
    save_file({"latent_tensor": np.concatenate([LATENTS, LATENTS]), **VERSION}, tmp_path / "z.latent")
    assert read_latent(tmp_path / "z.latent").latent.shape == (2, 4, 3, 2)


@pytest.mark.parametrize("shape", [(1, 16, 3, 2), (4, 3, 2), (1, 4, 5, 3, 2)])
def test_read_latent__refuses_latents_that_cannot_be_sd_1_5s(shape, tmp_path):
    save_file({"latent_tensor": np.zeros(shape, np.float32), **VERSION}, tmp_path / "z.latent")
    with pytest.raises(FileFormatError, match=r"SD 1.5, whose latents are \(n, 4, h, w\); .*z.latent holds \("):
        read_latent(tmp_path / "z.latent")


def test_read_latent__says_what_is_wrong_with_a_file_of_comfyui(tmp_path):
    path = tmp_path / "z.latent"
    with pytest.raises(FileFormatError, match="cannot read the latent .*z.latent: No such file"):
        read_latent(path)
    path.write_bytes(b"hello")
    with pytest.raises(FileFormatError, match="z.latent is no latent: expected a safetensors file written by ComfyUI"):
        read_latent(path)
    save_file({"other": LATENTS}, path)
    with pytest.raises(FileFormatError, match="it holds no tensor 'latent_tensor'"):
        read_latent(path)
    half = save({"latent_tensor": LATENTS.astype(np.float16)})
    header = half[8:].partition(b"}}")[0].replace(b'"F16"', b'"BF16"') + b"}}"
    path.write_bytes(len(header).to_bytes(8, "little") + header + half[-LATENTS.size * 2 :])
    with pytest.raises(
        FileFormatError, match="holds 'latent_tensor' as 'BF16'; expected F16 or F32 or F64; save it as float32"
    ):
        read_latent(path)
