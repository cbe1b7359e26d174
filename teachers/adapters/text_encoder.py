"""An organic text module as `pipe.text_encoder` of a diffusers pipeline of Stable Diffusion 1 and 2.

Such a pipeline hands over the numbers of tokens. They are turned back into text by the pipeline's own tokenizer, and
the module answers the embeddings of all tokens of that text at once, by NumPy and Numba on the CPU.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

from olacore.errors import ConfigError, DataError, FingerprintError, ShapeError
from olacore.modules.module import Module, load
from teachers.network import sound
from teachers.text.encoder import digest_of

MODULE, CONFIG = "organic.safetensors", "config.json"
# What tokenizers set apart from the word that it belongs to.
ENDINGS = re.compile(r" (?=['\u2019](?:s|t|re|ve|m|ll|d)\b)")
MOST_CHARACTERS = 10_000
HOW = "train one with `ola train --module text --target tokens`"


class OrganicTextConfig(PretrainedConfig):
    """What pipelines read of a text encoder.

    Parameters
    ----------
    hidden_size : numbers of a token's embedding
    max_position_embeddings : tokens of a text
    more : what else a configuration of transformers has
    """

    model_type = "olacore_text"

    def __init__(self, hidden_size: int = 1, max_position_embeddings: int = 2, **more: Any) -> None:
        super().__init__(**more)
        self.hidden_size, self.max_position_embeddings = hidden_size, max_position_embeddings
        self.projection_dim = hidden_size


class OrganicTextEncoder(PreTrainedModel):
    """A text module that answers the embeddings of tokens, called as CLIP's text encoder is.

    It has no weights under torch; `.to` says where its answers go, and in what type.

    Parameters
    ----------
    module : from texts to embeddings (T, E), or its file, run folder or name
    tokenizer : of the pipeline; turns numbers of tokens back into text

    Raises
    ------
    ShapeError  if the module is no such one, or the tokenizer takes another number of tokens
    FingerprintError  if the module was evolved behind another tokenizer
    """

    config_class = OrganicTextConfig
    main_input_name = "input_ids"

    def __init__(self, module: Module | Path | str, tokenizer: Any) -> None:
        organic = load(module) if isinstance(module, str | Path) else module
        tokens, width = require_tokens(organic)
        if tokenizer.model_max_length != tokens:
            raise ShapeError(
                f"the module answers {tokens} tokens, and the tokenizer takes {tokenizer.model_max_length}."
            )
        ours, theirs = organic.training.get("tokenizer_sha256"), digest_of(tokenizer)
        if ours not in (None, theirs):
            raise FingerprintError(
                f"the module was evolved behind the tokenizer {ours[:12]}, and this one is {theirs[:12]}; "
                "take the tokenizer of its own teacher."
            )
        super().__init__(OrganicTextConfig(width, tokens))
        self.organic, self.tokenizer = organic, tokenizer
        self.place = torch.nn.Parameter(torch.zeros(1), requires_grad=False)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        **more: Any,
    ) -> Any:
        """Answer texts.

        Parameters
        ----------
        input_ids : (n, T) numbers of tokens, padded
        attention_mask : not looked at, as in pipelines of CLIP

        Returns
        -------
        an object with `last_hidden_state` (n, T, E), which is also its `[0]`; a tuple where `return_dict` is False

        Raises
        ------
        ShapeError  if the tokens are of another shape
        DataError  if a number is none of the tokenizer's
        ConfigError  if hidden states of layers are asked for, as `clip_skip` does
        """
        if output_hidden_states:
            raise ConfigError("an organic text encoder has no layers to skip; leave clip_skip out.")
        tokens = self.config.max_position_embeddings
        if input_ids.ndim != 2 or input_ids.shape[1] != tokens:
            raise ShapeError(f"expected tokens (n, {tokens}), padded and cut; got {tuple(input_ids.shape)}.")
        states = self._embed(self.texts_of(input_ids))
        return BaseModelOutputWithPooling(last_hidden_state=states) if return_dict is not False else (states,)

    def texts_of(self, input_ids: torch.Tensor) -> list[str]:
        """Numbers of tokens (n, T) as texts.

        Raises
        ------
        DataError  if a number is none of the tokenizer's
        """
        low, high = int(input_ids.min()), int(input_ids.max())
        if low < 0 or high >= len(self.tokenizer):
            raise DataError(
                f"expected numbers of tokens from 0 to {len(self.tokenizer) - 1}; got {low if low < 0 else high}: "
                "of another tokenizer."
            )
        with sound("the tokenizer cannot turn tokens back into text"):
            found = self.tokenizer.batch_decode(input_ids.cpu(), skip_special_tokens=True)
        return [ENDINGS.sub("", text) for text in found]

    def _embed(self, texts: Sequence[str]) -> torch.Tensor:
        return organic_prompt_embeds(self.organic, texts, device=self.device, dtype=self.dtype)

    def save_pretrained(self, save_directory: Path | str, *given: Any, **more: Any) -> None:
        """Write the module, what pipelines read of it, and the tokenizer, so that `from_pretrained` needs no more."""
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        self.organic.save(folder / MODULE)
        self.tokenizer.save_pretrained(folder)
        self.config.architectures = [type(self).__name__]
        (folder / CONFIG).write_text(self.config.to_json_string())

    @classmethod
    def from_pretrained(cls, folder: Path | str, *given: Any, **more: Any) -> OrganicTextEncoder:
        """Read what `save_pretrained` wrote.

        Parameters
        ----------
        more : `torch_dtype` or `dtype` of its answers; all else is not looked at

        Raises
        ------
        FileFormatError  if a file is missing or damaged
        """
        path = Path(folder)
        with sound(f"{path} has no tokenizer that can be read"):
            tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        made = cls(path / MODULE, tokenizer)
        dtype = more.get("dtype") or more.get("torch_dtype")
        return made.to(dtype) if isinstance(dtype, torch.dtype) else made


def use_organic_text(pipe: Any, module: Module | Path | str) -> OrganicTextEncoder:
    """Put a text module in the place of a pipeline's text encoder, where that one was.

    Parameters
    ----------
    pipe : of Stable Diffusion 1 or 2, or of a latent consistency model: text to picture, picture to picture, inpainting
    module : evolved with `--target tokens` on embeddings of the pipeline's own encoder

    Returns
    -------
    what is `pipe.text_encoder` now

    Raises
    ------
    ConfigError  if the pipeline is of another family
    ShapeError, FingerprintError  if the module does not fit it
    """
    parts = getattr(pipe, "components", {})
    several = [name for name in parts if name.startswith("text_encoder")]
    width = getattr(getattr(parts.get("unet"), "config", None), "cross_attention_dim", None)
    if several != ["text_encoder"] or not isinstance(width, int) or parts.get("tokenizer") is None:
        raise ConfigError(
            f"an organic text encoder stands in for the only one of a pipeline of SD 1 or 2; {type(pipe).__name__} is "
            "of another family: give it prompt_embeds, see organic_prompt_embeds."
        )
    made = OrganicTextEncoder(module, pipe.tokenizer)
    if made.config.hidden_size != width:
        raise ShapeError(f"the module answers {made.config.hidden_size} numbers a token, and the unet reads {width}.")
    pipe.text_encoder = made.to(pipe.unet.device, pipe.unet.dtype)
    return made


def organic_prompt_embeds(
    module: Module,
    prompts: str | Sequence[str],
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """What a pipeline takes as `prompt_embeds`, or as `pooled_prompt_embeds` from a module of pooled embeddings.

    Parameters
    ----------
    module : a text module
    prompts : one text, or n of them
    device, dtype : of the answer

    Returns
    -------
    (n, T, E), or (n, E) from a module of pooled embeddings

    Raises
    ------
    ShapeError  if it is no text module, or there is no prompt
    DataError  if a prompt has more than 10,000 characters
    """
    texts = [prompts] if isinstance(prompts, str) else [*prompts]
    if long := [text for text in texts if isinstance(text, str) and len(text) > MOST_CHARACTERS]:
        raise DataError(f"a prompt has up to {MOST_CHARACTERS:,} characters; got {len(long[0]):,}.")
    return torch.from_numpy(module.embed(texts)).to(device, dtype)


def require_tokens(module: Module) -> tuple[int, int]:
    """How many tokens a text module answers, and numbers of each.

    Parameters
    ----------
    module : a text module

    Raises
    ------
    ShapeError  if it is none that does
    """
    tokens = getattr(module.view, "tokens", 0)
    if module.kind != "text" or not tokens:
        what = "one embedding a text" if module.kind == "text" else f"what a {module.view.title} does"
        raise ShapeError(f"a pipeline needs the embeddings of tokens; this module answers {what}: {HOW}.")
    return tokens, module.view.outputs // tokens
