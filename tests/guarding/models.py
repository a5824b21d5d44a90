"""Tiny models in folders, as a program loads them, and an adapter that was trained on one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    LlavaConfig,
    LlavaForConditionalGeneration,
    MixtralConfig,
    MixtralForCausalLM,
    PreTrainedTokenizerFast,
    WhisperConfig,
    WhisperForConditionalGeneration,
)

if TYPE_CHECKING:
    from pathlib import Path

SIZES: dict[str, Any] = {
    "vocab_size": 250,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
BASES = {
    "llama": ("AutoModelForCausalLM", lambda: LlamaForCausalLM(LlamaConfig(**SIZES))),
    "tied": ("AutoModelForCausalLM", lambda: LlamaForCausalLM(LlamaConfig(**SIZES, tie_word_embeddings=True))),
    "experts": (
        "AutoModelForCausalLM",
        lambda: MixtralForCausalLM(MixtralConfig(**SIZES, num_key_value_heads=4, num_local_experts=4)),
    ),
    "classifier": (
        "AutoModelForSequenceClassification",
        lambda: LlamaForSequenceClassification(LlamaConfig(**SIZES, num_labels=3, pad_token_id=0)),
    ),
    "whisper": ("AutoModelForSpeechSeq2Seq", lambda: WhisperForConditionalGeneration(_whisper())),
    "vision": ("AutoModelForImageTextToText", lambda: LlavaForConditionalGeneration(_llava())),
}
"""Models by name: the class that loads them, and how they are made."""


def _llava() -> LlavaConfig:
    tower = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=28, patch_size=14
    )
    return LlavaConfig(vision_config=tower, text_config=LlamaConfig(**SIZES), image_token_index=249)


def _whisper() -> WhisperConfig:
    layers = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    sizes = {"d_model": 32, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "vocab_size": 250, "num_mel_bins": 8}
    ends = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    return WhisperConfig(**layers, **sizes, **ends, suppress_tokens=None, begin_suppress_tokens=None)


def save_all(folder: Path) -> dict[str, Path]:
    """Saves every model, with a tokenizer of single letters, and an adapter of the first one; gives their folders."""
    torch.manual_seed(0)
    places = {}
    for name, (_, make) in BASES.items():
        places[name] = folder / name
        make().save_pretrained(places[name])
        tokenizer().save_pretrained(places[name])
    places["adapter"] = folder / "adapter"
    model = get_peft_model(BASES["llama"][1](), LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=0.02)
    model.save_pretrained(places["adapter"])
    return places


def tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of 250 words, w0 to w247, with <unk> and <pad>."""
    words = {"<unk>": 0, "<pad>": 1, **{f"w{number}": number + 2 for number in range(248)}}
    made = Tokenizer(WordLevel(words, unk_token="<unk>"))
    from tokenizers.pre_tokenizers import Whitespace

    made.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>", pad_token="<pad>", eos_token="<unk>")
