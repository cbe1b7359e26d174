"""Networks of diffusers and transformers, loaded from their folders whole, in float32, and named by their weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from olacore.errors import FileFormatError, OlacoreError
from olacore.foreign.json_text import read_json

CONFIG = "config.json"
# Layers of a kind that a network may have.
MOST_LAYERS = 1024
# Tokens of a text encoder that does not say how many it takes.
UNTOLD = 512
# Weights that no answer needs: buffers of older versions, heads of the training, the half of CLIP that sees pictures.
NEEDLESS = ("position_ids", "pooler.", "cls.", "lm_head.", "logit_scale", "vision_model.", "visual_projection.")


@contextmanager
def sound(what: str) -> Iterator[None]:
    """Raise whatever a strange network, tokenizer or scheduler raises as one sentence: damage comes as many types.

    Parameters
    ----------
    what : begins the sentence, such as "the network in a/b cannot be loaded"

    Raises
    ------
    FileFormatError  for all but our own errors and missing packages
    """
    try:
        yield
    except (ImportError, OlacoreError):
        raise
    except BaseException as error:
        # A panic in the tokenizers' compiled code is no `Exception`; an interruption is none of these.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FileFormatError(f"{what}: {first}") from error


def load_whole(kind: Any, folder: Path, **more: Any) -> Any:
    """Load a network with exactly the weights that its configuration asks for.

    Parameters
    ----------
    kind : its class, of diffusers or transformers
    more : arguments of its `from_pretrained`

    Raises
    ------
    FileFormatError  if it cannot be loaded, weights are missing, too many or misshapen, or not finite
    """
    require_countable(folder)
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    with sound(f"the network in {folder} cannot be loaded"):
        network, told = kind.from_pretrained(folder, local_files_only=True, output_loading_info=True, **more)
    misfits = {
        "missing": sorted(name for name in told["missing_keys"] if not _needless(name)),
        "unexpected": sorted(name for name in told["unexpected_keys"] if not _needless(name)),
        "misshapen": sorted(str(name) for name in told["mismatched_keys"]),
    }
    wrong = [f"{len(names)} {what} ({', '.join(names[:3])})" for what, names in misfits.items() if names]
    if wrong:
        raise FileFormatError(f"{folder} has other weights than its configuration asks for: {', '.join(wrong)}.")
    broken = [name for name, weight in network.state_dict().items() if not weight.isfinite().all()]
    if broken:
        raise FileFormatError(f"{folder} has NaN or inf in {', '.join(broken[:3])}; copy it again.")
    return network.float().eval().requires_grad_(False)


def require_countable(folder: Path) -> None:
    """Raise unless a network's configuration asks for as many layers as there may be: they are built one by one.

    Raises
    ------
    FileFormatError  otherwise
    """
    path = folder / CONFIG
    if not path.is_file():
        return  # whoever loads it says so

    def check(key: str, value: Any) -> None:
        if isinstance(value, dict):
            for inner, more in value.items():
                check(f"{key} {inner}" if "layers" in key else inner, more)
        elif isinstance(value, list):
            for more in value:
                check(key, more)
        elif "layers" in key and isinstance(value, int | float) and not value <= MOST_LAYERS:
            raise FileFormatError(f"{path} asks for {value:g} {key}; a network has {MOST_LAYERS} layers at most.")

    check("", read_json(path, "the configuration of a network"))


def require_fitting(tokenizer: Any, network: Any, folder: Path, *, pads: bool) -> None:
    """Raise unless a tokenizer works, and a text encoder knows every token that it may give.

    Parameters
    ----------
    pads : whether texts are padded

    Raises
    ------
    FileFormatError  otherwise
    """
    with sound(f"the tokenizer in {folder} does not work"):
        tokenizer("a word", truncation=True, max_length=8, padding="max_length" if pads else False)
        last, known = max(tokenizer.get_vocab().values(), default=0), network.get_input_embeddings().num_embeddings
    if last >= known:
        what = f"gives tokens up to number {last}, and the network knows {known}"
        raise FileFormatError(f"the tokenizer in {folder} {what}; they do not belong together, copy both again.")


def most_tokens(tokenizer: Any, network: Any, folder: Path) -> int:
    """The most tokens that a tokenizer gives and a network has positions for; a tokenizer without a limit says a huge
    number.

    Raises
    ------
    FileFormatError  if one of them says what is no number of 2 or more
    """
    places = getattr(network.config, "max_position_embeddings", UNTOLD)
    told = {"tokenizer": tokenizer.model_max_length, "network": places}
    for part, most in told.items():
        if isinstance(most, bool) or not isinstance(most, int | float) or not most >= 2:
            raise FileFormatError(f"the {part} of {folder} says that it takes {most!r} tokens; expected 2 or more.")
    return int(min(told.values()))


def digest_weights(network: torch.nn.Module, digest: Any = None) -> Any:
    """Add the tensors of a network, by name, type and shape, to a SHA-256, a new one if none is given; return it."""
    digest = digest or hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"\0{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest


def _needless(name: str) -> bool:
    return any(part in name for part in NEEDLESS)
