"""Small random text encoders of each family, as the folders that the hub has."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
)

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SPECIAL = ("<pad>", "<unk>", "<start>", "<end>")
VOCABULARY = len(SPECIAL) + len(LETTERS)


def save_tokenizer(folder: Path, length: int, known: Sequence[str] = ()) -> Path:
    """A tokenizer that spells, or knows some words, with a start and an end, which takes so many tokens."""
    words = {token: number for number, token in enumerate((*SPECIAL, *(known or LETTERS)))}
    speller = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    speller.normalizer = normalizers.Lowercase()
    speller.pre_tokenizer = pre_tokenizers.Whitespace() if known else pre_tokenizers.Split("", "isolated")
    ends = [(token, words[token]) for token in ("<start>", "<end>")]
    speller.post_processor = processors.TemplateProcessing(single="<start> $A <end>", special_tokens=ends)
    PreTrainedTokenizerFast(
        tokenizer_object=speller,
        model_max_length=length,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<start>",
        eos_token="<end>",
    ).save_pretrained(folder)
    return folder


def save_clip(folder: Path, seed: int = 0, width: int = 16, projection: int | None = None) -> Path:
    """A CLIP text encoder, with its projection where a size of it is given; its tokenizer beside it."""
    torch.manual_seed(seed)
    config = CLIPTextConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=20,
        projection_dim=projection or width,
        bos_token_id=2,
        eos_token_id=3,
        pad_token_id=0,
    )
    model = CLIPTextModelWithProjection(config) if projection else CLIPTextModel(config)
    model.save_pretrained(folder)
    return folder


def save_t5(folder: Path, seed: int = 0) -> Path:
    """A T5 encoder."""
    torch.manual_seed(seed)
    config = T5Config(vocab_size=VOCABULARY, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, pad_token_id=0)
    T5EncoderModel(config).save_pretrained(folder)
    return folder


def save_sentence(folder: Path, seed: int = 0, pooling: str = "pooling_mode_mean_tokens", **told: Any) -> Path:
    """A sentence encoder: a small BERT, pooled as asked, then of unit length."""
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)
    save_tokenizer(folder, 32)
    kinds = {"0": ("", "Transformer"), "1": ("1_Pooling", "Pooling"), "2": ("2_Normalize", "Normalize")}
    steps = [
        {"idx": int(k), "name": k, "path": path, "type": f"sentence_transformers.models.{kind}"}
        for k, (path, kind) in kinds.items()
    ]
    (folder / "modules.json").write_text(json.dumps(steps))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(json.dumps({"word_embedding_dimension": 16, pooling: True}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 24} | told))
    return folder


def save_text_pipeline(folder: Path) -> Path:
    """What a pipeline of two CLIP encoders keeps of text: SDXL's layout."""
    save_clip(folder / "text_encoder")
    save_tokenizer(folder / "tokenizer", 20)
    save_clip(folder / "text_encoder_2", seed=1, width=32, projection=24)
    save_tokenizer(folder / "tokenizer_2", 20)
    return folder
