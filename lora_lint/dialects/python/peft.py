"""PEFT's own calls: configs, wrapping, loading, preparing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lora_lint.dialects.python.context import Context, config_of, nothing, view_of
from lora_lint.dialects.python.convert import text_of
from lora_lint.dialects.python.records import ConfigRecord, ModelView
from lora_lint.interpreter.values import Arguments, Const, Either, Object, Opaque, Val

if TYPE_CHECKING:
    from lora_lint.dialects.python.context import Handler
    from lora_lint.source import Span

CONFIGS = frozenset(
    {"LoraConfig", "AdaLoraConfig", "LoHaConfig", "LoKrConfig", "IA3Config", "VeraConfig", "LoraRuntimeConfig"}
)


def lora_config(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    return context.config(name.rpartition(".")[2], arguments, span)


def config_method(root: Object, record: ConfigRecord, name: str) -> Val | None:
    """A method of an adapter config."""
    if name == "__deepcopy__":
        return root
    if name in ("to_dict", "save_pretrained"):
        record.written = True
    return None


def get_peft_model(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    called = arguments.get("adapter_name", 2)
    return context.wrap(arguments.get("model", 0), arguments.get("peft_config", 1), span, name=called)


def prepare(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    model = arguments.get("model", 0)
    for option in model.options if isinstance(model, Either) else (model,):
        view = view_of(option)
        if view is not None:
            context.happen(view.record, "prepare-kbit", span)
    return model


def from_pretrained(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`PeftModel.from_pretrained(model, path)`: the adapter is frozen unless `is_trainable=True`."""
    model = arguments.get("model", 0)
    view = view_of(model) or context.unknown_model(model, span).data
    trainable = arguments.get("is_trainable", 3)
    if trainable is None:
        trainable = Opaque("`**` arguments may set it", span) if arguments.open else Const(False)
    names = ("from_pretrained",) if view.wrapped else None
    context.happen(view.record, "load-adapter", span, names, trainable, _folder(arguments))
    return Object("peft.PeftModel", arguments, span, ModelView(view.record, wrapped=True))


def _folder(arguments: Arguments) -> tuple[Val, ...]:
    """Where an adapter is loaded from: the folder, and the one below it that is named apart (PEFT 0.21.2)."""
    given = (arguments.get("model_id", 1), arguments.get("subfolder"))
    return tuple(value for value in given if value is not None)


def auto_from_pretrained(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`AutoPeftModelForCausalLM.from_pretrained(path)`: loads the base model and the adapter on it."""
    model = context.model(span, name, arguments, Opaque("the adapter's own config names it", span), name.split(".")[-2])
    view: ModelView = model.data
    trainable = arguments.get("is_trainable", 2) or (Opaque("`**` arguments", span) if arguments.open else Const(False))
    context.happen(view.record, "load-adapter", span, trainable=trainable)
    return Object("peft.PeftModel", arguments, span, ModelView(view.record, wrapped=True))


_OTHER_WAYS = (
    re.compile(rb"save(?:(?<=\wsave)|(?!_(?:pretrained|model|state|metrics|vocabulary|to_disk)\b))\w*\s*\("),
    re.compile(rb"_merged\s*\("),
    re.compile(rb"\.dump\(\s*model"),
    re.compile(rb"merge_and_unload"),
    re.compile(rb"state_dict"),
    re.compile(rb"non_lora"),
)
"""What else a program may save of a model. Each begins with its letters, for which Python's search is made: as one
pattern, they took a twentieth of the time of a lint."""
_ASIDE = frozenset({"save_directory", "safe_serialization", "push_to_hub", "max_shard_size", "tokenizer"})
"""Keyword arguments of save_pretrained that do not change what of a model is saved."""


def saved(context: Context, view: ModelView, arguments: Arguments, span: Span) -> None:
    """`save_pretrained` of a model: of a wrapped one PEFT writes the adapter's own parameters."""
    plain = not arguments.open and _ASIDE.issuperset(arguments.keywords)
    alone = view.wrapped and plain and not any(way.search(context.records.text) for way in _OTHER_WAYS)
    context.happen(view.record, "save", span, ("adapter",) if alone else None)


def method(context: Context, view: ModelView, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method of a model that concerns its adapters."""
    if name == "add_adapter":
        config = arguments.get("peft_config", 1) or arguments.get("adapter_config", 0)
        for candidate in (*arguments.positional, config):
            if config_of(candidate) is not None:
                config = candidate
        wrapped = Object("model", arguments, span, ModelView(view.record))
        if view.wrapped and config_of(config) is not None:
            if (second := config_of(config)) is not None:
                second.beside = True
            return nothing(span)  # a second, named adapter beside the first
        return context.wrap(wrapped, config, span) and nothing(span)
    if name == "load_adapter":
        trainable = arguments.get("is_trainable") or (
            Opaque("`**` arguments", span) if arguments.open else Const(False)
        )
        if not view.wrapped:
            trainable = Opaque("transformers' own integration decides", span)
        adapter = text_of(arguments.get("adapter_name", 1))
        if adapter is None or adapter == "default":
            context.happen(view.record, "load-adapter", span, trainable=trainable)
        return nothing(span)
    if name == "save_pretrained":
        saved(context, view, arguments, span)
        return nothing(span)
    if name in ("merge_and_unload", "unload"):
        context.happen(view.record, "unwrap", span, names=(name,))
        return Object("model", arguments, span, ModelView(view.record))
    if name in ("delete_adapter", "merge_adapter", "disable_adapter", "set_adapter", "enable_adapters"):
        if name == "delete_adapter":
            context.happen(view.record, "unwrap", span)
        return nothing(span)
    if name == "get_base_model":
        return Object("model", arguments, span, ModelView(view.record))
    return None


CALLS: dict[str, Handler] = {
    **dict.fromkeys(CONFIGS - {"LoraRuntimeConfig"}, lora_config),
    "get_peft_model": get_peft_model,
    "inject_adapter_in_model": lambda context, name, arguments, span: context.wrap(
        arguments.get("model", 1), arguments.get("peft_config", 0), span
    ),
    "prepare_model_for_kbit_training": prepare,
    "prepare_model_for_int8_training": prepare,
    "PeftModel.from_pretrained": from_pretrained,
    "PeftMixedModel.from_pretrained": from_pretrained,
    **{
        f"{head}.from_pretrained": from_pretrained
        for head in (
            "PeftModelForCausalLM",
            "PeftModelForSeq2SeqLM",
            "PeftModelForSequenceClassification",
            "PeftModelForTokenClassification",
            "PeftModelForQuestionAnswering",
            "PeftModelForFeatureExtraction",
        )
    },
    **{
        f"{auto}.from_pretrained": auto_from_pretrained
        for auto in (
            "AutoPeftModel",
            "AutoPeftModelForCausalLM",
            "AutoPeftModelForSeq2SeqLM",
            "AutoPeftModelForSequenceClassification",
            "AutoPeftModelForTokenClassification",
            "AutoPeftModelForQuestionAnswering",
            "AutoPeftModelForFeatureExtraction",
        )
    },
}
