"""The weights of a model's file, read without running anything that is in it, and loaded strictly."""

import logging
import pickle
import warnings
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from olacore.errors import FileFormatError
from olacore.foreign.reading import POINTER, SAFETENSORS, START, describe_start, or_rather
from olacore.foreign.schema import shown
from teachers.autoencoders.legacy_names import is_matrix, to_new_names

# Where full checkpoints keep their autoencoder.
PREFIXES = ("first_stage_model.", "vae.")
# What training leaves in files of a lone autoencoder: parts of its loss, counters of its averaging.
LEFTOVERS = ("loss.", "model_ema.")
PICKLES = frozenset((".bin", ".ckpt", ".pt", ".pth"))
# Dictionaries of weights within dictionaries; torch packs nothing, and weights are hard to pack.
MOST_NESTED, MOST_PACKED = 8, 4

logger = logging.getLogger(__name__)

Weights = dict[str, torch.Tensor]


def read_weights(path: Path) -> tuple[Weights, list[str]]:
    """Read the autoencoder's weights of a file, under today's names.

    Parameters
    ----------
    path : safetensors, or a pickle that holds nothing but weights; of an autoencoder or of a full checkpoint

    Returns
    -------
    the weights, and the names of all that the file holds

    Raises
    ------
    FileFormatError  if it is damaged, or holds more than weights
    """
    names, get = _open(path)
    chosen = autoencoder_names(names)
    check_whole(path, chosen)
    weights = {short: get(name) for short, name in chosen.items()}
    renamed = to_new_names(weights)
    weights = {renamed[name]: weight for name, weight in weights.items()}
    flat = {name: w.flatten(1) for name, w in weights.items() if is_matrix(name) and w.shape[2:] == (1, 1)}
    return weights | flat, names


def read_tensors(path: Path) -> Weights:
    """Read all weights of a file of any network.

    Raises
    ------
    FileFormatError  if it is damaged, or holds more than weights
    """
    names, get = _open(path)
    return {name: get(name) for name in names}


def check_whole(path: Path, names: Iterable[str]) -> None:
    """Raise `FileFormatError` where the names are those of half an autoencoder."""
    parts = {name.partition(".")[0] for name in names}
    take = "take the model's folder, or the file of the whole model"
    if parts and all(part.isdecimal() for part in parts):
        # An encoder begins with a convolution; a decoder with what has no weights.
        half = "an encoder" if "0" in parts else "a decoder"
        raise FileFormatError(f"{path} holds {half} alone, in another layout; {take}.")
    for half, other in (("encoder", "decoder"), ("decoder", "encoder")):
        if half in parts and other not in parts:
            raise FileFormatError(f"{path} holds the {half} alone; {take}.")


def autoencoder_names(names: Iterable[str]) -> dict[str, str]:
    """The weights that belong to the autoencoder: without their prefix, and as the file calls them."""
    names = [*names]
    prefix = next((prefix for prefix in PREFIXES if any(name.startswith(prefix) for name in names)), "")
    own = {name.removeprefix(prefix): name for name in names if name.startswith(prefix)}
    left = [short for short in own if short.startswith(LEFTOVERS)]
    if left:
        logger.info("%d weights of the training are left out (%s)", len(left), left[0])
    return {short: name for short, name in own.items() if short not in left}


def load_strictly(model: torch.nn.Module, path: Path, weights: Weights) -> None:
    """Fill every weight of `model`, in float32, or say what does not fit; it may be without memory before.

    Raises
    ------
    FileFormatError  if a weight is missing, unexpected, misshapen, or has NaN or inf
    """
    wanted = model.state_dict()
    misfits = {
        "missing": sorted(wanted.keys() - weights.keys()),
        "unexpected": sorted(weights.keys() - wanted.keys()),
        "misshapen": sorted(n for n in wanted.keys() & weights if wanted[n].shape != weights[n].shape),
    }
    wrong = [f"{len(names)} {what} ({', '.join(names[:3])})" for what, names in misfits.items() if names]
    if wrong:
        raise FileFormatError(f"{path} has other weights than its configuration asks for: {', '.join(wrong)}.")
    try:
        full = {name: weight.to(torch.float32) for name, weight in weights.items()}
    except RuntimeError as error:
        raise FileFormatError(f"{path} has weights that torch cannot turn into float32 ({error}).") from error
    broken = sorted(name for name, weight in full.items() if not weight.isfinite().all())
    if broken:
        raise FileFormatError(f"{path} has NaN or inf in {', '.join(broken[:3])}; copy it again.")
    kinds = {str(weight.dtype).removeprefix("torch.") for weight in weights.values()} - {"float32"}
    if kinds:
        logger.info("the weights in %s are %s; they are used as float32", path.name, " and ".join(sorted(kinds)))
    model.to_empty(device="cpu")
    model.load_state_dict(full)


def _open(path: Path) -> tuple[list[str], Callable[[str], torch.Tensor]]:
    """The names of a file's weights, and what reads one of them."""
    try:
        with path.open("rb") as file:
            start = file.read(START)
    except OSError as error:
        raise FileFormatError(f"cannot read the weights {path}: {error.strerror}.") from error
    if start.startswith(POINTER) or not start:
        raise FileFormatError(f"{path} is no file of weights: {or_rather(start, '')}.")
    names, get = (_open_pickle if path.suffix.lower() in PICKLES else _open_safetensors)(path, start)

    def checked(name: str) -> torch.Tensor:
        try:
            tensor = get(name)
        except Exception as error:  # damage, and types that this torch does not know
            raise FileFormatError(f"{path} is damaged at {name} ({error}); copy it again.") from error
        if odd := _oddity(tensor):
            raise FileFormatError(f"{path} has {odd} at {name}; take the model's own file, with all of its numbers.")
        return tensor

    return names, checked


def _oddity(tensor: torch.Tensor) -> str:
    """What keeps a tensor from being the plain numbers of a weight; "" where nothing does."""
    if tensor.is_quantized:
        return "quantized weights"
    if tensor.is_meta:
        return "a weight without numbers"
    if tensor.layout is not torch.strided:
        return f"a weight of layout {tensor.layout}"
    if not tensor.is_floating_point() and tensor.dtype is not torch.int64:
        return f"a weight of {tensor.dtype}"
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        return "a weight that repeats its numbers"
    return ""


def _open_safetensors(path: Path, start: bytes) -> tuple[list[str], Callable[[str], torch.Tensor]]:
    try:
        file = safe_open(path, framework="pt")
        return [*file.keys()], file.get_tensor
    except (SafetensorError, OSError) as error:
        kind = describe_start(start)
        reason = f"it is {kind}" if kind and kind != SAFETENSORS else f"{error}; copy it again"
        raise FileFormatError(f"{path} is damaged or no safetensors file: {reason}.") from error


def _open_pickle(path: Path, start: bytes) -> tuple[list[str], Callable[[str], torch.Tensor]]:
    check_archive(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of kinds of weights that are refused below
            content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = "is damaged, or holds more than weights, which could run as a program"
        raise FileFormatError(f"{path} {reason}; use the model's safetensors file.") from error
    except Exception as error:  # damage comes as a dozen types
        raise FileFormatError(f"{path} is damaged or no file of weights ({error}); copy it again.") from error
    for _ in range(MOST_NESTED):
        if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
            content = content["state_dict"]
    if not isinstance(content, dict):
        raise FileFormatError(f"{path} holds {type(content).__name__}; expected weights by name.")
    tensors = {name: value for name, value in content.items() if isinstance(value, torch.Tensor)}
    if unnamed := [name for name in tensors if not isinstance(name, str)]:
        raise FileFormatError(f"{path} holds weights by {shown(unnamed[0])}; expected weights by name.")
    if not tensors:
        raise FileFormatError(f"{path} holds no weights by name.")
    return [*tensors], tensors.__getitem__


def check_archive(path: Path) -> None:
    """Raise `FileFormatError` where a zip archive of weights would take far more memory than its file."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except Exception:  # an old pickle, or damage, which loading names
        return
    if size > MOST_PACKED * path.stat().st_size:
        raise FileFormatError(f"{path} unpacks to {size} bytes, more than {MOST_PACKED} times its size.")
