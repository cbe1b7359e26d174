"""A text encoder as a teacher: it turns captions into embeddings, each caption alone."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from olacore.text.words import WORD
from teachers.network import digest_weights, sound

logger = logging.getLogger(__name__)

# What SentencePiece and GPT-2 put in front of a token that begins a word.
BEGINS = ("\u2581", "\u0120")
# Turns the last hidden states (1, T, E), the mask (1, T) and whatever else the network gave into one vector (1, E).
Pooling = Callable[[Any, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class TextPart:
    """One network with its tokenizer; a pipeline may have several.

    Parameters
    ----------
    network : gives hidden states for token ids and a mask
    tokenizer : of transformers
    pooling : see `Pooling`
    length : the most tokens that it takes
    pads : whether captions are padded to that length, as the pipelines of its family do
    layer : of the hidden states that token embeddings are taken from: -1 the last, -2 the one before
    """

    network: torch.nn.Module
    tokenizer: Any
    pooling: Pooling
    length: int
    pads: bool = False
    layer: int = -1

    def encode(self, caption: str) -> tuple[np.ndarray, np.ndarray, bool]:
        """The pooled embedding (E,), those of the tokens (T, F), both float32, and whether the caption was cut."""
        with torch.no_grad(), sound("the text encoder does not work"):
            padding = "max_length" if self.pads else False
            whole = self.tokenizer(caption, truncation=False, verbose=False)["input_ids"]
            tokens = self.tokenizer(
                caption, truncation=True, max_length=self.length, padding=padding, return_tensors="pt", verbose=False
            )
            device = next(self.network.parameters()).device
            ids, mask = tokens["input_ids"].to(device), tokens["attention_mask"].to(device)
            # Pipelines of CLIP hand over no mask: what stands behind the end of the text is seen by nothing before it.
            asked = {} if self.pads else {"attention_mask": mask}
            found = self.network(ids, output_hidden_states=True, **asked)
            pooled = self.pooling(found, mask)
            states = found.hidden_states[self.layer] if self.layer != -1 else found.last_hidden_state
        return _array(pooled[0]), _array(states[0]), len(whole) > self.length


class TextTeacher:
    """A text encoder, or the several of a pipeline, as a teacher of embeddings.

    Every caption is encoded alone, so that an embedding does not depend on the captions beside it.

    Parameters
    ----------
    name : of the model
    parts : its networks; pooled embeddings of several stand one behind the other
    tokens : whether the embeddings of the tokens are written as well, (T, F) each; those of several networks, which
        must have one length, stand side by side

    Attributes
    ----------
    fingerprint : SHA-256 over weights, tokenizers and pooling
    cut : captions so far that were longer than the network takes, and were cut
    """

    reads = ("captions",)
    space = None
    batch = 64

    def __init__(self, name: str, parts: Sequence[TextPart], fingerprint: str, *, tokens: bool = False) -> None:
        self.name, self.parts, self.fingerprint, self.tokens = name, tuple(parts), fingerprint, tokens
        self.writes = ("embeddings", "tokens") if tokens else ("embeddings",)
        self.cut = 0

    @property
    def settings(self) -> dict[str, Any]:
        """Names the teacher, so that embeddings of two are never mixed; those of tokens are by its tokenizer too."""
        told = {"text_teacher": self.name, "text_sha256": self.fingerprint}
        return told | ({"tokenizer_sha256": digest_of(self.parts[0].tokenizer)} if self.tokens else {})

    def vocabulary(self) -> list[str]:
        """The whole words that the tokenizers know as one token, in lower case; in the order of their numbers, which is
        that of how common they are where the tokenizer learnt it so. Single characters that are no ASCII are left out.
        """
        found: dict[str, None] = {}
        for part in self.parts:
            known = part.tokenizer.get_vocab()
            found |= dict.fromkeys(whole_words(sorted(known, key=known.__getitem__)))
        return [*found]

    def answer(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Encode captions (n,) text: `embeddings` (n, E) and, where asked for, `tokens` (n, T, F), float32."""
        found = [self._encode(str(caption)) for caption in arrays["captions"]]
        answered = {"embeddings": np.stack([pooled for pooled, _ in found])}
        if self.tokens:
            answered["tokens"] = np.stack([states for _, states in found])
        return answered

    def _encode(self, caption: str) -> tuple[np.ndarray, np.ndarray]:
        each = [part.encode(caption) for part in self.parts]
        self.cut += any(cut for _, _, cut in each)
        pooled = np.concatenate([pooled for pooled, _, _ in each])
        return pooled, np.concatenate([states for _, states, _ in each], axis=-1) if self.tokens else pooled


def whole_words(tokens: Sequence[str]) -> list[str]:
    """Those of a tokenizer's tokens that are words from beginning to end, in lower case.

    WordPiece marks what does not begin a word, CLIP what ends one, and SentencePiece and GPT-2 what begins one.
    """
    if any(token.endswith("</w>") for token in tokens):
        found = [token.removesuffix("</w>") for token in tokens if token.endswith("</w>")]
    elif any(token.startswith("##") for token in tokens):
        found = [token for token in tokens if not token.startswith("##")]
    else:
        found = [token[1:] for token in tokens if token[:1] in BEGINS]
    return [word.lower() for word in found if (len(word) > 1 or word.isascii()) and WORD.fullmatch(word)]


def fingerprint_of(parts: Sequence[TextPart], words: Sequence[str]) -> str:
    """SHA-256 over the tensors of all networks by name, type and shape, over their vocabularies, and over `words`."""
    digest = hashlib.sha256()
    for part in parts:
        digest_weights(part.network, digest)
        _add_vocabulary(part.tokenizer, digest)
    digest.update("\0".join(words).encode())
    return digest.hexdigest()


def digest_of(tokenizer: Any) -> str:
    """SHA-256 over a tokenizer's vocabulary and how many tokens it takes, which tell it from others."""
    digest = hashlib.sha256(f"{tokenizer.model_max_length}".encode())
    _add_vocabulary(tokenizer, digest)
    return digest.hexdigest()


def _add_vocabulary(tokenizer: Any, digest: Any) -> None:
    for token, number in sorted(tokenizer.get_vocab().items()):
        digest.update(f"\0{token}\0{number}".encode(errors="surrogatepass"))


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()
