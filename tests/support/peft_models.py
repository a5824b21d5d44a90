"""Small models of many architectures on the meta device, and their description in the linter's own records."""

from __future__ import annotations

import contextlib
import os
from typing import Any, NamedTuple

import torch
import transformers
from torch import nn
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.pytorch_utils import Conv1D

from lora_lint.knowledge.modules import Module, Parameter

KINDS: tuple[type[nn.Module], ...] = (
    nn.MultiheadAttention,
    nn.Embedding,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.Linear,
    Conv1D,
    nn.ModuleList,
    nn.ModuleDict,
    nn.ParameterList,
    nn.ParameterDict,
)

# model type, head. Everything else is the default configuration with two layers.
COMMON = (
    ("llama", "CausalLM"),
    ("qwen2", "CausalLM"),
    ("qwen3", "CausalLM"),
    ("gemma", "CausalLM"),
    ("gemma3_text", "CausalLM"),
    ("phi", "CausalLM"),
    ("phi3", "CausalLM"),
    ("glm4", "CausalLM"),
    ("deepseek_v3", "CausalLM"),
    ("gpt_oss", "CausalLM"),
    ("mixtral", "CausalLM"),
    ("qwen2_moe", "CausalLM"),
    ("qwen3_moe", "CausalLM"),
    ("glm4_moe", "CausalLM"),
    ("olmoe", "CausalLM"),
    ("granitemoe", "CausalLM"),
    ("phimoe", "CausalLM"),
    ("stablelm", "CausalLM"),
    ("gpt2", "CausalLM"),
    ("gpt2", "SequenceClassification"),
    ("gptj", "CausalLM"),
    ("gpt_neo", "CausalLM"),
    ("gpt_bigcode", "CausalLM"),
    ("falcon", "CausalLM"),
    ("bloom", "CausalLM"),
    ("opt", "CausalLM"),
    ("mpt", "CausalLM"),
    ("mamba", "CausalLM"),
    ("mamba2", "CausalLM"),
    ("falcon_h1", "CausalLM"),
    ("llama", "SequenceClassification"),
    ("t5", "Seq2SeqLM"),
    ("bart", "Seq2SeqLM"),
    ("bert", "MaskedLM"),
    ("bert", "SequenceClassification"),
    ("bert", "TokenClassification"),
    ("bert", "QuestionAnswering"),
    ("roberta", "SequenceClassification"),
    ("distilbert", "SequenceClassification"),
    ("deberta-v2", "SequenceClassification"),
    ("modernbert", "SequenceClassification"),
    ("vit", "ImageClassification"),
    ("dinov2", "ImageClassification"),
    ("clip", ""),
    ("whisper", "SpeechSeq2Seq"),
    ("wav2vec2", "CTC"),
    ("qwen2_vl", "ImageTextToText"),
    ("llava", "ImageTextToText"),
    ("gemma3", "ImageTextToText"),
    ("paligemma", "ImageTextToText"),
    ("mllama", "ImageTextToText"),
    ("blip-2", "ImageTextToText"),
    ("llama4", "ImageTextToText"),
)

MORE = (
    ("mistral", "CausalLM"),
    ("qwen2", "TokenClassification"),
    ("gemma2", "CausalLM"),
    ("olmo2", "CausalLM"),
    ("cohere", "CausalLM"),
    ("starcoder2", "CausalLM"),
    ("codegen", "CausalLM"),
    ("mt5", "Seq2SeqLM"),
    ("bart", "SequenceClassification"),
    ("xlm-roberta", "MaskedLM"),
    ("electra", "SequenceClassification"),
    ("deberta", "SequenceClassification"),
    ("swin", "ImageClassification"),
    ("resnet", "ImageClassification"),
    ("siglip", ""),
    ("hubert", "AudioClassification"),
    ("qwen2_5_vl", "ImageTextToText"),
    ("idefics3", "ImageTextToText"),
    ("gpt_neox", "CausalLM"),
)

# A full comparison takes three minutes of CPU; what MORE adds is close to what COMMON has.
ARCHITECTURES = COMMON + MORE if os.environ.get("LORA_LINT_ALL_ARCHITECTURES") else COMMON

_LAYERS = {
    "num_hidden_layers": 2,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "n_layer": 2,
    "n_layers": 2,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "depth": 2,
    "num_global_layers": 2,
    "attention_types": [[["global", "local"], 1]],
    "first_k_dense_replace": 1,
}


class Described(NamedTuple):
    """What `match` is told about a model."""

    model_type: str
    modules: tuple[Module, ...]
    parameters: tuple[Parameter, ...]
    output_embedding: str | None
    input_embedding: str | None
    tied: tuple[tuple[str, ...], ...]


def small_config(model_type: str) -> Any:
    """The default configuration of a model type with two layers in each of its parts."""
    config = CONFIG_MAPPING[model_type]()
    _shrink(config)
    return config


def _shrink(config: Any) -> None:
    had = dict(vars(config))
    for name, value in had.items():
        if isinstance(value, transformers.PretrainedConfig):
            _shrink(value)
        elif name in _LAYERS and type(value) is type(_LAYERS[name]):
            setattr(config, name, _LAYERS[name])
        elif name == "layer_types" and isinstance(value, list):
            config.layer_types = value[:2]
        elif name == "depths" and isinstance(value, list):
            config.depths = [1 for _ in value]
    # Special tokens of a default configuration may lie outside a vocabulary: irrelevant without a forward pass.


def build(model_type: str, head: str) -> nn.Module:
    """A model on the meta device, initialised as transformers does it, weights tied."""
    automatic = getattr(transformers, f"AutoModelFor{head}" if head else "AutoModel")
    with torch.device("meta"):
        model: nn.Module = automatic.from_config(small_config(model_type))
    return model


def kind_of(module: nn.Module) -> str:
    """The class name that PEFT decides by."""
    return next((kind.__name__ for kind in KINDS if isinstance(module, kind)), type(module).__name__)


def describe(model: Any) -> Described:
    """The records of a model, as the architecture data would give them."""
    modules, parameters = [], []
    for path, module in model.named_modules():
        kind = kind_of(module)
        own = {name: tensor for name, tensor in module._parameters.items() if tensor is not None}
        bias = own["bias"].numel() if "bias" in own else 0
        inputs, outputs = _sizes(module, kind)
        total = sum(tensor.numel() for tensor in own.values())
        modules.append(Module(path, kind, inputs, outputs, total, bias, getattr(module, "groups", 1)))
        if not isinstance(module, KINDS) and "Norm" not in kind:
            parameters += [Parameter(path, name, tuple(tensor.shape)) for name, tensor in own.items()]
    groups: dict[int, list[str]] = {}
    for name, tensor in model.named_parameters(remove_duplicate=False):
        groups.setdefault(id(tensor), []).append(name)
    output = input_embedding = None
    with contextlib.suppress(NotImplementedError):
        output = model.get_output_embeddings()
        input_embedding = model.get_input_embeddings()
    names = {id(module): path for path, module in model.named_modules()}
    return Described(
        model.config.model_type,
        tuple(modules),
        tuple(parameters),
        names[id(output)] if output is not None else None,
        names.get(id(input_embedding)),
        tuple(tuple(group) for group in groups.values() if len(group) > 1),
    )


def _sizes(module: Any, kind: str) -> tuple[int, int]:
    if kind == "MultiheadAttention":
        return module.embed_dim, module.embed_dim
    if kind == "Embedding":
        return module.num_embeddings, module.embedding_dim
    if kind == "Linear":
        return module.in_features, module.out_features
    if kind == "Conv1D":
        return tuple(module.weight.shape)  # type: ignore[return-value]
    if kind in ("Conv1d", "Conv2d", "Conv3d"):
        return module.in_channels, module.out_channels
    return 0, 0
