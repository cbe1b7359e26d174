"""How the states of a caption's tokens become one vector, as each family of text encoders does it."""

from __future__ import annotations

from typing import Any

import torch

from teachers.text.encoder import Pooling


def pooler(found: Any, mask: torch.Tensor) -> torch.Tensor:
    """What the network itself pools: CLIP's state at the end of the text."""
    return found.pooler_output


def projected(found: Any, mask: torch.Tensor) -> torch.Tensor:
    """CLIP's projection of that state into the space that it shares with pictures."""
    return found.text_embeds


def mean(found: Any, mask: torch.Tensor) -> torch.Tensor:
    """The mean over the tokens of the caption."""
    weights = mask[..., None].to(found.last_hidden_state.dtype)
    return (found.last_hidden_state * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


def mean_by_root(found: Any, mask: torch.Tensor) -> torch.Tensor:
    """The sum over the tokens, divided by the square root of their number."""
    return mean(found, mask) * mask.sum(1, keepdim=True).sqrt()


def largest(found: Any, mask: torch.Tensor) -> torch.Tensor:
    """The largest number over the tokens."""
    return found.last_hidden_state.masked_fill(mask[..., None] == 0, -torch.inf).max(1).values


def first(found: Any, mask: torch.Tensor) -> torch.Tensor:
    """The state of the first token."""
    return found.last_hidden_state[:, 0]


def last(found: Any, mask: torch.Tensor) -> torch.Tensor:
    """The state of the last token of the caption."""
    return found.last_hidden_state[torch.arange(len(mask)), mask.sum(1) - 1]


# The names that folders of sentence encoders use.
POOLINGS: dict[str, Pooling] = {
    "pooling_mode_cls_token": first,
    "pooling_mode_max_tokens": largest,
    "pooling_mode_mean_tokens": mean,
    "pooling_mode_mean_sqrt_len_tokens": mean_by_root,
    "pooling_mode_lasttoken": last,
}
