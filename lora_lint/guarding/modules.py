"""The modules of a base model under its adapters, in the linter's records.

Source: PEFT 0.21.2, which wraps layers in place: `base_layer` in tuners, `original_module` in saved modules.
"""

from __future__ import annotations

import sys
from math import prod
from typing import TYPE_CHECKING, Any

from lora_lint.guarding.shards import size_of
from lora_lint.guarding.subject import bare
from lora_lint.knowledge import architectures
from lora_lint.knowledge.architectures import Ends
from lora_lint.knowledge.models import Clue, Model
from lora_lint.knowledge.modules import PEFT_KINDS, Beside, Module, Parameter
from lora_lint.knowledge.resolve import Built, Loaded

if TYPE_CHECKING:
    from collections.abc import Iterator

_LATEST = 5


def loaded_model(model: Any, name: str | None) -> Loaded:
    """The base model under the adapters of `model`, which the user calls `name`."""
    base = base_of(model)
    walked = tuple(_walk("", base, set()))
    config = _config_of(base)
    class_name = type(base).__name__
    known = architectures.class_of(class_name)
    model_type = config.get("model_type") or (known[0] if known else class_name)
    ends = Ends(
        getattr(base, "base_model_prefix", ""),
        _place(walked, base, "get_input_embeddings"),
        _place(walked, base, "get_output_embeddings"),
    )
    kind = architectures.of_object(model_type, known[1] if known else "base", class_name, _version(), ends)
    described = Model(name or model_type, model_type, config, True, Clue.OBJECT)
    names: dict[int, list[str]] = {}
    sizes: dict[int, int] = {}
    for path, module in walked:
        for own, parameter in module.named_parameters(recurse=False):
            names.setdefault(id(parameter), []).append(f"{path}.{own}".removeprefix("."))
            sizes[id(parameter)] = _size(module, own, parameter)
    tied = tuple(tuple(group) for group in names.values() if len(group) > 1)
    modules = tuple(_record(path, module) for path, module in walked)
    beside = Beside(tuple(_parameters(walked)), ends.outputs, ends.inputs, tied)
    return Loaded(described, Built.of_object(kind, config, modules, beside), sum(sizes.values()))


def base_of(model: Any) -> Any:
    """The base model itself: with PEFT's layers in it, without the PeftModel and the compiled module around it."""
    while hasattr(model, "get_base_model"):
        model = bare(model.get_base_model())
    return model


def is_nested(model: Any) -> bool:
    """Whether a PeftModel has another one in place of its base model."""
    return hasattr(model, "get_base_model") and hasattr(bare(model.get_base_model()), "get_base_model")


def is_checkpointing(base: Any) -> bool:
    """Whether gradient checkpointing is on in any layer."""
    return any(getattr(module, "gradient_checkpointing", False) is True for module in base.modules())


def unwrapped(module: Any) -> Any:
    """The layer of the base model that a layer of PEFT stands for."""
    while isinstance(getattr(module, "adapter_layer_names", None), tuple):
        inside = module.base_layer if hasattr(module, "base_layer") else module.original_module
        if inside is module or inside is None:
            break
        module = inside
    return module


def _walk(path: str, module: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Each module of the base model with its path, in the order of `named_modules`."""
    module = unwrapped(module)
    if id(module) in seen:
        return
    seen.add(id(module))
    yield path, module
    for name, child in module.named_children():
        yield from _walk(f"{path}.{name}" if path else name, child, seen)


def _record(path: str, module: Any) -> Module:
    kind = _kind(module)
    inputs, outputs, groups = _sizes(module, kind)
    bias: Any = getattr(module, "bias", None)
    own = sum(_size(module, name, each) for name, each in module.named_parameters(recurse=False))
    return Module(path, kind, inputs, outputs, own, bias.numel() if hasattr(bias, "numel") else 0, groups)


def _kind(module: Any) -> str:
    """The class that PEFT decides by: the nearest of those that it asks `isinstance` for, or the module's own."""
    return next((kind.__name__ for kind in type(module).__mro__ if kind.__name__ in PEFT_KINDS), type(module).__name__)


def _sizes(module: Any, kind: str) -> tuple[int, int, int]:
    """The input size, the output size and the groups of a module; 0 where it has no size."""
    if kind == "Linear":
        return module.in_features, module.out_features, 1
    if kind == "Conv1D":
        return (*module.weight.shape, 1)
    if kind == "Embedding":
        return module.num_embeddings, module.embedding_dim, 1
    if kind in ("Conv1d", "Conv2d", "Conv3d"):
        return module.in_channels, module.out_channels, module.groups
    if kind == "MultiheadAttention":
        return module.embed_dim, module.embed_dim, 1
    return 0, 0, 1


def _size(module: Any, name: str, parameter: Any) -> int:
    """The elements of a parameter: those of the layer where its weights are packed or in shards."""
    if name == "weight" and hasattr(module, "in_features") and hasattr(module, "out_features"):
        return int(module.in_features * module.out_features)
    return size_of(parameter)


def _parameters(walked: tuple[tuple[str, Any], ...]) -> Iterator[Parameter]:
    """The parameters that are no layer: fused experts, routers."""
    for path, module in walked:
        kind = _kind(module)
        if kind not in PEFT_KINDS and "Norm" not in kind:
            for name, each in module.named_parameters(recurse=False):
                yield Parameter(path, name, tuple(each.shape) if prod(each.shape) else (0,) * each.dim())


def _place(walked: tuple[tuple[str, Any], ...], base: Any, method: str) -> str | None:
    """The path of the embeddings that a method of transformers' models gives; None if the model has none."""
    try:
        found = unwrapped(getattr(base, method)())
    except (AttributeError, NotImplementedError, TypeError):
        return None
    return next((path for path, module in walked if module is found), None)


def _config_of(base: Any) -> dict[str, Any]:
    """The model's config as plain values."""
    config: Any = getattr(base, "config", None)
    if hasattr(config, "to_dict"):
        return dict(config.to_dict())
    return dict(config) if isinstance(config, dict) else {}


def _version() -> int:
    """The major version of transformers that is installed."""
    transformers = sys.modules.get("transformers")
    text = getattr(transformers, "__version__", "")
    major = text.partition(".")[0]
    return int(major) if major.isdecimal() else _LATEST
