"""Loading a text encoder by folder or hub id, whole and proved: CLIP's and T5's, and sentence encoders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from olacore.errors import ConfigError, FileFormatError
from olacore.foreign.json_text import read_json
from olacore.foreign.schema import listed, maybe, record, require, text
from teachers.hub_folder import folder_of
from teachers.options import LoadOptions

if TYPE_CHECKING:
    from teachers.text.encoder import TextPart, TextTeacher

CONFIG, MODULES = "config.json", "modules.json"
# Where pipelines keep their text encoders, each beside its tokenizer.
PIPELINE = tuple((f"text_encoder{end}", f"tokenizer{end}") for end in ("", "_2", "_3"))


def load_text_teacher(
    reference: str | Path, options: LoadOptions | None = None, *, tokens: bool = False
) -> TextTeacher:
    """Load a text encoder and prove that it is whole.

    Parameters
    ----------
    reference : a folder or hub id of a CLIP text encoder, a T5 encoder or a sentence encoder in their public layout; or
        of a diffusers pipeline, whose text encoders are all taken
    options : its configuration and size are those of pictures and do not count here
    tokens : write the embeddings of the tokens as well

    Raises
    ------
    ConfigError  if torch or transformers are not installed, or the device is not there
    FileFormatError  if there is no such model, it is of no known family, its files are damaged, weights are missing or
        too many, or it fails its self-test
    """
    try:
        return _load(str(reference), options or LoadOptions(), tokens)
    except ImportError as error:
        name = error.name or "transformers"
        raise ConfigError(f"a text teacher needs the package {name}; pip install 'olacore[teachers]'.") from error


def is_text_encoder(reference: str) -> bool:
    """Whether a reference is the folder of a lone text encoder; pipelines are taken for their autoencoder."""
    folder = Path(reference)
    if (folder / MODULES).is_file():
        return True
    try:
        return any(name in FAMILIES for name in _json(folder / CONFIG).get("architectures") or ())
    except FileFormatError:
        return False


def _load(reference: str, options: LoadOptions, tokens: bool) -> TextTeacher:
    from teachers.autoencoders.device import find_device
    from teachers.text.encoder import TextTeacher, fingerprint_of
    from teachers.text.self_test import prove

    device = find_device(options.device)
    root = _folder_of(reference, options.offline)
    parts: list[TextPart] = []
    words: list[str] = []
    for network, tokenizer in _pairs(root, reference):
        part, how = _part(network, tokenizer)
        part.network.eval().requires_grad_(False).to(device)
        parts.append(part)
        words.append(how)
    if tokens and (loose := [part for part in parts if not part.pads]):
        kinds = ", ".join(sorted({type(part.network).__name__ for part in loose}))
        raise ConfigError(
            f"{kinds} of {reference} has more tokens for longer captions; --tokens is for CLIP's, padded to one number."
        )
    if tokens and len({part.length for part in parts}) > 1:
        lengths = ", ".join(str(part.length) for part in parts)
        raise ConfigError(f"the text encoders of {reference} take {lengths} tokens; their tokens do not fit together.")
    if len(parts) > 1:
        # Pipelines with several take CLIP's states before the last layer, each part's of its own.
        parts = [replace(part, layer=-2) if part.pads else part for part in parts]
    name = root.resolve().name if Path(reference).expanduser().exists() else reference
    teacher = TextTeacher(name, parts, fingerprint_of(parts, words), tokens=tokens)
    if options.self_test:
        prove(teacher, reference, trained_for_likeness=(root / MODULES).is_file())
    return teacher


def _folder_of(reference: str, offline: bool) -> Path:
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.txt", "*.model", "*.safetensors", "text_encoder*/*", "tokenizer*/*"]
    return folder_of(reference, "a text teacher", offline, partial(snapshot_download, reference, allow_patterns=wanted))


def _pairs(root: Path, reference: str) -> Iterator[tuple[Path, Path]]:
    """The folders of each network and its tokenizer."""
    if (root / CONFIG).is_file():
        yield root, root
        return
    found = [(root / network, root / tokenizer) for network, tokenizer in PIPELINE if (root / network).is_dir()]
    if not found:
        raise FileFormatError(f"{reference} is no text encoder: it has neither {CONFIG} nor text_encoder/.")
    for network, tokenizer in found:
        if not tokenizer.is_dir():
            raise FileFormatError(f"{reference} is no whole pipeline: {tokenizer.name}/ is missing.")
        yield network, tokenizer


def _part(folder: Path, tokenizer: Path) -> tuple[TextPart, str]:
    """One network, and words that say how its embedding is pooled."""
    from transformers import AutoTokenizer

    from teachers.network import require_fitting, sound

    config = _json(folder / CONFIG)
    kind = str(next(iter(config.get("architectures") or ()), config.get("model_type")))
    if (folder / MODULES).is_file():
        build = _sentence
    elif kind in FAMILIES:
        build = FAMILIES[kind]
    else:
        known = ", ".join(FAMILIES)
        what = "says of no model what it is" if kind == "None" else f"holds {kind!r}"
        raise FileFormatError(f"{folder} {what}; a text encoder is one of {known}, or has {MODULES}.")
    with sound(f"{tokenizer} has no tokenizer that can be read"):
        words = AutoTokenizer.from_pretrained(tokenizer, local_files_only=True)
    part, how = build(folder, words, kind)
    require_fitting(words, part.network, tokenizer, pads=part.pads)
    return part, how


def _clip(folder: Path, tokenizer: Any, kind: str) -> tuple[TextPart, str]:
    import transformers

    from teachers.network import load_whole, most_tokens
    from teachers.text.encoder import TextPart
    from teachers.text.pooling import pooler, projected

    network = load_whole(getattr(transformers, kind), folder)
    pooling = projected if kind == "CLIPTextModelWithProjection" else pooler
    length = most_tokens(tokenizer, network, folder)
    return TextPart(network, tokenizer, pooling, length, pads=True), f"{kind} {pooling.__name__} {length}"


def _t5(folder: Path, tokenizer: Any, kind: str) -> tuple[TextPart, str]:
    from transformers import T5EncoderModel

    from teachers.network import load_whole, most_tokens
    from teachers.text.encoder import TextPart
    from teachers.text.pooling import mean

    network = load_whole(T5EncoderModel, folder)
    length = min(T5_TOKENS, most_tokens(tokenizer, network, folder))
    return TextPart(network, tokenizer, mean, length), f"{kind} mean {length}"


def _sentence(folder: Path, tokenizer: Any, kind: str) -> tuple[TextPart, str]:
    from transformers import AutoModel

    from teachers.network import load_whole, most_tokens
    from teachers.text.encoder import TextPart
    from teachers.text.sentence import read_steps

    pooling, how = read_steps(folder)
    network = load_whole(AutoModel, folder)
    told = _json(folder / "sentence_bert_config.json") if (folder / "sentence_bert_config.json").is_file() else {}
    most = most_tokens(tokenizer, network, folder)
    length = told.get("max_seq_length") or most
    if not isinstance(length, int) or not 1 < length <= most:
        raise FileFormatError(f"{folder} says that it takes {length!r} tokens; expected 2 to {most}.")
    return TextPart(network, tokenizer, pooling, length), f"{how} {length}"


# Of T5, which takes any number.
T5_TOKENS = 256
FAMILIES = {
    "CLIPTextModel": _clip,
    "CLIPTextModelWithProjection": _clip,
    "T5EncoderModel": _t5,
    "T5ForConditionalGeneration": _t5,
}


# What is read of a configuration here; the rest is for the network.
ABOUT = record({}, {"architectures": maybe(listed(text())), "model_type": maybe(text())})


def _json(path: Path) -> dict[str, Any]:
    return require(ABOUT, read_json(path, "the configuration"), str(path))
