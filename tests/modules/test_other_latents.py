"""Latents of other programs: what comes back, and one sentence for whatever is wrong with a file."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

from olacore.errors import FileFormatError
from olacore.foreign.torch_file import Named, Storage, Tensor, read_torch, run
from olacore.modules.latent_file import read_latent
from tests.support.torch_files import GLOBALS, tensor_program, write_torch

LATENTS = np.random.default_rng(0).normal(size=(1, 4, 3, 2)).astype(np.float32)
VERSION = {"latent_format_version_0": np.zeros(0, np.float32)}


def bfloat(array: np.ndarray) -> np.ndarray:
    """The upper halves of float32 numbers."""
    return (array.view(np.uint32) >> 16).astype(np.uint16)


def with_type(content: bytes, old: str, new: str) -> bytes:
    """A safetensors file whose header names another type."""
    size = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + size].replace(f'"{old}"'.encode(), f'"{new}"'.encode())
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_comfy__holds_raw_latents(kind, tmp_path):
    save_file({"latent_tensor": LATENTS.astype(kind), **VERSION}, tmp_path / "z.latent")
    found = read_latent(tmp_path / "z.latent")
    np.testing.assert_array_equal(found.latent, LATENTS[0].astype(kind).astype(np.float32), strict=True)
    assert (found.raw, found.spaces) == (True, (None, None))


def test_comfy__old_files_hold_scaled_ones_of_sd_1_5(tmp_path):
    save_file({"latent_tensor": LATENTS}, tmp_path / "z.latent")
    found = read_latent(tmp_path / "z.latent")
    np.testing.assert_array_equal(found.latent, LATENTS[0], strict=True)
    assert found.raw is False


def test_comfy__a_batch_stays_a_batch(tmp_path):
    save_file({"latent_tensor": np.concatenate([LATENTS, LATENTS]), **VERSION}, tmp_path / "z.latent")
    assert read_latent(tmp_path / "z.latent").latent.shape == (2, 4, 3, 2)


@pytest.mark.parametrize("name", ["z.latent", "z.safetensors"])
def test_safetensors__takes_bfloat16(name, tmp_path):
    halves = bfloat(LATENTS)
    content = save({"latent_tensor": halves, **{key: value.astype(np.uint16) for key, value in VERSION.items()}})
    (tmp_path / name).write_bytes(with_type(content, "U16", "BF16"))
    expected = (halves.astype(np.uint32) << 16).view(np.float32)[0]
    np.testing.assert_array_equal(read_latent(tmp_path / name).latent, expected, strict=True)


@pytest.mark.parametrize("names", [("x",), ("latents", "noise"), ("a", "samples")])
def test_safetensors__a_tensor_alone_or_by_name(names, tmp_path):
    save_file({name: LATENTS * (name in ("x", "latents", "samples")) for name in names}, tmp_path / "z.safetensors")
    found = read_latent(tmp_path / "z.safetensors")
    np.testing.assert_array_equal(found.latent, LATENTS[0], strict=True)
    assert found.raw is None


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "bf"])
@pytest.mark.parametrize("order", ["little", "big"])
def test_pt__gives_the_numbers(kind, order, tmp_path):
    stored = bfloat(LATENTS) if kind == "bf" else LATENTS.astype(kind)
    write_torch(tmp_path / "z.pt", stored, kind, order=order)
    expected = (stored.astype(np.uint32) << 16).view(np.float32) if kind == "bf" else stored
    np.testing.assert_array_equal(read_latent(tmp_path / "z.pt").latent, expected[0], strict=True)


def test_pt__gives_what_torch_gives(tmp_path):
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(LATENTS.copy())
    for number, saved in enumerate(
        [
            tensor,
            tensor.bfloat16(),
            tensor.half().transpose(2, 3),
            {"samples": tensor[:, :, 1:], "batch_index": [1, 2], "noise": tensor, "note": ("a", 1.5, None, True)},
            torch.nn.Parameter(tensor),
            [tensor.double()],
            tensor[:, :1].expand(1, 4, 3, 2),
        ]
    ):
        torch.save(saved, tmp_path / f"{number}.pt")
        held = saved["samples"] if isinstance(saved, dict) else saved[0][None] if isinstance(saved, list) else saved
        expected = held.detach().float().numpy().reshape(-1, *held.shape[-3:])
        np.testing.assert_array_equal(read_latent(tmp_path / f"{number}.pt").latent, expected[0])
    torch.save({"latents": torch.nn.Linear(2, 2).state_dict()}, tmp_path / "z.pt")
    with pytest.raises(FileFormatError, match=r"z.pt holds no tensor; a latent is one, alone or in a dictionary"):
        read_latent(tmp_path / "z.pt")
    for saved, sentence in (
        (tensor.to(torch.int32), "holds 'IntStorage'; expected float16, bfloat16, float32 or float64"),
        (tensor.to_sparse(), "more than tensors: it names 'torch.serialization _get_layout'"),
        (torch.zeros(1).expand(1, 4, 1 << 20, 1 << 20), r"is too large: a tensor of \(1, 4, 1048576, 1048576\)"),
        (torch.zeros(1, 16, 5, 2, 2), r"holds \(1, 16, 5, 2, 2\), latents of a video; give one frame"),
        (torch.zeros(4, 4), r"holds an array of shape \(4, 4\); a latent is \(C, h, w\)"),
        (torch.zeros(1, 4, 0, 2), r"holds no numbers: its shape is \(1, 4, 0, 2\)"),
        ({"a": tensor, "b": tensor}, r"holds 2 tensors \('a, b'\); name the latent 'latents'"),
        (torch.nn.Conv2d(1, 1, 1), "more than tensors: it "),
    ):
        torch.save(saved, tmp_path / "z.pt")
        with pytest.raises(FileFormatError, match=f"z.pt .*{sentence}"):
            read_latent(tmp_path / "z.pt")
    torch.save(tensor, tmp_path / "z.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(FileFormatError, match=r"z.pt is of torch's old form, before 1.6; load and save it once more"):
        read_latent(tmp_path / "z.pt")


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        (b"cos\nsystem\n(S'touch owned'\ntR.", "more than tensors: it holds the operation STRING of pickles"),
        (b"\x80\x02cos\nsystem\nX\x05\x00\x00\x00touch\x85R.", "more than tensors: it names 'os system'"),
        (b"\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R.", "more than tensors: it names 'builtins eval'"),
        (b"\x80\x02cposix\nsystem\n.", "holds no tensor"),
        (b"\x80\x02(X\x05\x00\x00\x00touchioos\nsystem\n.", "is no .pt file of a latent that can be read"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "it holds the operation STACK_GLOBAL of pickles"),
        (b"\x80\x02}" + b")" + b"\x85" * 100_000 + b"Ns.", "it holds a key that is neither text nor a number"),
        (b"\x80\x02K\x01", "its pickle has no end|pickle exhausted before seeing STOP"),
        (b"\x80\x02\x85.", "it takes what is not there"),
        (b"\x80\x02t.", "its pickle is damaged"),
        (b"\x80\x02h\x07.", "can be read: its pickle is damaged"),
        (b"\x80\x02" + b"N0" * 200_000 + b".", "data.pkl' has more than 262144 bytes"),
        (b"", "its pickle has no end|pickle exhausted"),
    ],
)
def test_pt__runs_nothing(program, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("z.pt", "w") as archive:
        archive.writestr("z/data.pkl", program)
    with pytest.raises(FileFormatError, match=f"z.pt .*({sentence})"):
        read_latent(tmp_path / "z.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["z.pt"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"shape": (1, 4, 3, 3)}, r"is cut short: a tensor of \(1, 4, 3, 3\) ends at number 35, and 24 are there"),
        ({"offset": 1}, "is cut short: a tensor of"),
        ({"strides": (24, 6, 2, 1 << 40)}, "is cut short"),
        ({"strides": (24, 6, 2)}, "has other axes than strides"),
        ({"shape": (1,) * 9, "strides": (0,) * 9}, "other axes than strides, or too many"),
        ({"shape": (1 << 40, 4, 3, 2), "strides": (0, 0, 0, 0)}, "is too large"),
        ({"storage": "torch ByteStorage"}, "holds 'ByteStorage'; expected float16"),
        ({"storage": "os system"}, "a storage of it is none"),
        ({"member": "../../x"}, "There is no item named 'z/data/../../x'"),
        ({"order": "pdp"}, "its order of bytes is b'pdp'"),
    ],
)
def test_pt__says_what_is_wrong_with_a_tensor(changes, sentence, tmp_path):
    write_torch(tmp_path / "z.pt", LATENTS, "f4", **changes)
    with pytest.raises(FileFormatError, match=f"z.pt .*{sentence}"):
        read_latent(tmp_path / "z.pt")


@pytest.mark.parametrize("suffix", ["pt", "pth", "latent", "safetensors"])
def test_files_that_are_cut_short_or_something_else(suffix, tmp_path):
    path = tmp_path / f"z.{suffix}"
    with pytest.raises(FileFormatError, match=f"cannot read the latent .*z.{suffix}: No such file"):
        read_latent(path)
    if suffix.startswith("pt"):
        write_torch(path, LATENTS, "f4")
    else:
        save_file({"latent_tensor": LATENTS, **VERSION}, path)
    whole = path.read_bytes()
    for content in [whole[:size] for size in range(0, len(whole), 29)] + [b"hello", b"PK\x03\x04hello"]:
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=f"z.{suffix} (is no |is damaged)"):
            read_latent(path)


def test_pt__a_damaged_storage_is_noticed(tmp_path):
    write_torch(tmp_path / "z.pt", LATENTS, "f4")
    content = (tmp_path / "z.pt").read_bytes()
    at = content.index(LATENTS.tobytes())
    (tmp_path / "z.pt").write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(FileFormatError, match="z.pt is no .pt file that can be read: Bad CRC-32"):
        read_latent(tmp_path / "z.pt")


def test_pt__a_bomb_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("z/data.pkl", tensor_program(LATENTS.shape))
        archive.writestr("z/data/0", bytes(1 << 22))
    found = read_torch(tmp_path / "z.pt", "latent", most=1 << 20)
    with pytest.raises(FileFormatError, match="its member 'z/data/0' has more than 1048576 bytes"):
        found.read(found.content)


def test_comfy__says_what_it_lacks(tmp_path):
    save_file({"other": LATENTS}, tmp_path / "z.latent")
    with pytest.raises(FileFormatError, match="it holds no tensor 'latent_tensor'"):
        read_latent(tmp_path / "z.latent")
    save_file({"latent_tensor": LATENTS[..., None], **VERSION}, tmp_path / "z.latent")
    with pytest.raises(FileFormatError, match=r"holds \(1, 4, 3, 2, 1\), latents of a video; give one frame"):
        read_latent(tmp_path / "z.latent")


def test_globals__are_those_of_torch():
    """The names that the reader compares with are those that torch writes."""
    torch = pytest.importorskip("torch")
    for name in GLOBALS:
        module, _, attribute = name.partition(" ")
        found = torch if module == "torch" else torch._utils
        assert callable(getattr(found, attribute)), name


@given(st.data())
@settings(deadline=None, derandomize=True, max_examples=200)
def test_pt__any_damage_to_the_program_is_one_sentence_or_a_tensor(data):
    program = bytearray(tensor_program((1, 4, 3, 2)))
    for _ in range(data.draw(st.integers(1, 4))):
        program[data.draw(st.integers(0, len(program) - 1))] = data.draw(st.integers(0, 255))
    try:
        made = run(bytes(program))
    # What `read_torch` turns into its sentence.
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, UnicodeError):
        return
    assert made is None or isinstance(made, Tensor | Named | Storage | dict | list | tuple | str | int | float)
