"""The weights of a model's file, read without running anything that is in it, and loaded strictly."""

import logging
import pickle
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from olacore.errors import FileFormatError
from teachers.autoencoders.legacy_names import is_matrix, to_new_names

# Where full checkpoints keep their autoencoder.
PREFIXES = ("first_stage_model.", "vae.")
# What training leaves in files of a lone autoencoder: parts of its loss, counters of its averaging.
LEFTOVERS = ("loss.", "model_ema.")
PICKLES = frozenset((".bin", ".ckpt", ".pt", ".pth"))

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
    names, get = _open_pickle(path) if path.suffix.lower() in PICKLES else _open_safetensors(path)
    chosen = autoencoder_names(names)
    try:
        weights = {short: get(name) for short, name in chosen.items()}
    except (SafetensorError, RuntimeError) as error:
        raise FileFormatError(f"{path} is damaged ({error}); copy it again.") from error
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
    names, get = _open_pickle(path) if path.suffix.lower() in PICKLES else _open_safetensors(path)
    return {name: get(name) for name in names}


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
    """Fill every weight of `model`, in float32, or say what does not fit.

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
    broken = sorted(name for name, weight in weights.items() if not weight.isfinite().all())
    if broken:
        raise FileFormatError(f"{path} has NaN or inf in {', '.join(broken[:3])}; copy it again.")
    kinds = {str(weight.dtype).removeprefix("torch.") for weight in weights.values()} - {"float32"}
    if kinds:
        logger.info("the weights in %s are %s; they are used as float32", path.name, " and ".join(sorted(kinds)))
    model.load_state_dict(weights)


def _open_safetensors(path: Path) -> tuple[list[str], Callable[[str], torch.Tensor]]:
    try:
        file = safe_open(path, framework="pt")
        return [*file.keys()], file.get_tensor
    except (SafetensorError, OSError) as error:
        raise FileFormatError(f"{path} is damaged or no safetensors file ({error}); copy it again.") from error


def _open_pickle(path: Path) -> tuple[list[str], Callable[[str], torch.Tensor]]:
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = "is damaged, or holds more than weights, which could run as a program"
        raise FileFormatError(f"{path} {reason}; use the model's safetensors file.") from error
    except Exception as error:  # damage comes as a dozen types
        raise FileFormatError(f"{path} is damaged or no file of weights ({error}); copy it again.") from error
    while isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise FileFormatError(f"{path} holds {type(content).__name__}; expected weights by name.")
    tensors = {name: value for name, value in content.items() if isinstance(value, torch.Tensor)}
    return [*tensors], tensors.__getitem__
