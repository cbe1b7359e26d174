import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from olacore.errors import ConfigError, DataError, DTypeError, FileFormatError, ShapeError
from teachers import LoadOptions
from teachers import load_teacher as load_proved
from tests.support.teacher_samples import save_model

WEIGHTS = "diffusion_pytorch_model.safetensors"
FRAMES = np.random.default_rng(0).integers(0, 256, (3, 24, 32, 3), np.uint8)


def load_teacher(reference: str | Path) -> Any:
    """Random models fail the self-test, which has tests of its own."""
    return load_proved(reference, LoadOptions(self_test=False))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_model(tmp_path / "tiny")


def test_import__loads_no_torch() -> None:
    code = "import sys, teachers; print([m for m in ('torch', 'diffusers', 'huggingface_hub') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_space__named_without_a_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    space = load_teacher(".").space
    assert space.maker == "tiny"
    assert space.maker_sha256 == hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    assert (space.scaling, space.shift, space.channels, space.factor) == (1.0, 0.0, 4, 8)


def test_encode__is_the_models_own_output(folder: Path) -> None:
    from diffusers import AutoencoderTiny

    model = AutoencoderTiny.from_pretrained(folder, low_cpu_mem_usage=False)
    latents = load_teacher(folder).encode(FRAMES)
    with torch.no_grad():
        wanted = model.encode(torch.tensor(FRAMES / np.float32(127.5) - 1).permute(0, 3, 1, 2)).latents
    assert (latents.shape, latents.dtype) == ((3, 4, 3, 4), np.float32)
    # Another batch may be summed in another order.
    np.testing.assert_allclose(latents, wanted.numpy(), atol=1e-5)


def test_encode_decode__do_not_depend_on_the_batch(folder: Path) -> None:
    teacher = load_teacher(folder)
    latents = teacher.encode(FRAMES)
    np.testing.assert_array_equal(latents, np.concatenate([teacher.encode(f[None]) for f in FRAMES]))
    decoded = teacher.decode(latents)
    assert (decoded.shape, decoded.dtype) == (FRAMES.shape, np.uint8)
    np.testing.assert_array_equal(decoded, np.concatenate([teacher.decode(z[None]) for z in latents]))


def test_encode_decode__scaled_and_shifted_as_the_config_says(tmp_path: Path) -> None:
    plain = load_teacher(save_model(tmp_path / "plain"))
    scaled = load_teacher(save_model(tmp_path / "scaled", scaling_factor=0.5, shift_factor=2.0))
    latents = plain.encode(FRAMES)
    assert (scaled.space.scaling, scaled.space.shift) == (0.5, 2.0)
    assert scaled.space.fingerprint != plain.space.fingerprint
    np.testing.assert_allclose(scaled.encode(FRAMES), (latents - 2) * 0.5, atol=1e-6)
    raw = np.random.default_rng(0).integers(-3, 4, (2, 4, 3, 4)).astype(np.float32)  # exact as float16
    np.testing.assert_array_equal(scaled.decode((raw - 2) * 0.5), plain.decode(raw))
    assert np.any(scaled.decode(raw * 0.5) != plain.decode(raw))


def test_load__sixteen_bit_weights_are_used_as_float32(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    save_file({name: weight.bfloat16() for name, weight in weights.items()}, folder / WEIGHTS)
    assert load_teacher(folder).encode(FRAMES).dtype == np.float32


def test_encode_decode__wrong_arrays(folder: Path) -> None:
    teacher = load_teacher(folder)
    with pytest.raises(ShapeError, match="multiples of 8; got 24 x 30"):
        teacher.encode(FRAMES[:, :, :30])
    with pytest.raises(DTypeError, match="uint8; got float32"):
        teacher.encode(FRAMES.astype(np.float32))
    with pytest.raises(ShapeError, match="4 channels"):
        teacher.decode(np.zeros((1, 16, 3, 3), np.float16))
    with pytest.raises(DataError, match="must be finite"):
        teacher.decode(np.full((1, 4, 3, 3), np.nan, np.float16))


@pytest.mark.parametrize("name", ["config.json", WEIGHTS])
def test_load__missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(FileFormatError, match=f"{name} is missing"):
        load_teacher(folder)


def test_load__no_folder_and_no_hub_id(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no hub id"):
        load_teacher(tmp_path / "a" / "none")
    (tmp_path / "file").touch()
    with pytest.raises(FileFormatError, match="file is no file of weights: it is empty"):
        load_teacher(tmp_path / "file")


def test_load__torch_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "teachers.autoencoders.tiny", raising=False)
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ConfigError, match=r"needs the package diffusers.*olacore\[teachers\]"):
        load_teacher("some/model")


def test_load__missing_and_unexpected_weights(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    weights["foreign.weight"] = weights.pop("encoder.layers.0.bias")
    save_file(weights, folder / WEIGHTS)
    wanted = r"1 missing \(encoder\.layers\.0\.bias\), 1 unexpected \(foreign\.weight\)"
    with pytest.raises(FileFormatError, match=wanted):
        load_teacher(folder)


def test_load__weights_of_another_model(folder: Path, tmp_path: Path) -> None:
    other = save_model(tmp_path / "other", latent_channels=16)
    (folder / WEIGHTS).write_bytes((other / WEIGHTS).read_bytes())
    with pytest.raises(FileFormatError, match=r"3 misshapen \(decoder\.layers\.0\.weight"):
        load_teacher(folder)


def test_load__damaged_weights(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    for broken in (content[:-100], b"text", b""):
        (folder / WEIGHTS).write_bytes(broken)
        with pytest.raises(FileFormatError, match="damaged or no safetensors file|it is empty"):
            load_teacher(folder)


def test_load__weights_that_are_not_finite(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    weights["encoder.layers.0.bias"][0] = torch.nan
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(FileFormatError, match=r"NaN or inf in encoder\.layers\.0\.bias"):
        load_teacher(folder)


def test_load__configuration_of_another_class(folder: Path) -> None:
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"_class_name": "VQModel"}))
    with pytest.raises(FileFormatError, match="describes 'VQModel'"):
        load_teacher(folder)
    for text in ("{", "[]", '{"_class_name": "AutoencoderTiny", "num_encoder_blocks": 3}'):
        config.write_text(text)
        with pytest.raises(FileFormatError, match="the configuration .* (is no JSON|must be|is damaged)"):
            load_teacher(folder)


def test_load__latents_that_do_not_come_back_to_the_size(tmp_path: Path) -> None:
    three = {"encoder_block_out_channels": (4, 4, 4), "num_encoder_blocks": (1, 1, 1)}
    with pytest.raises(FileFormatError, match="1/4 size, back times 8"):
        load_teacher(save_model(tmp_path / "quarter", **three))


@pytest.mark.parametrize(("name", "channels"), [("taesd", 4), ("taesdxl", 4), ("taesd3", 16)])
def test_load__real_models(shared_data: Path, name: str, channels: int) -> None:
    from olacore.media.pictures import crop, read_picture

    teacher = load_proved(shared_data / "models" / name)
    assert (teacher.space.maker, teacher.space.channels) == (name, channels)
    frame = crop(read_picture(shared_data / "photos" / "skimage__sk__coffee.jpg"), 128)
    decoded = teacher.decode(teacher.encode(frame)).astype(float)
    assert 10 * np.log10(255**2 / np.mean((decoded - frame) ** 2)) > 20  # dB; the mean colour reaches 11
