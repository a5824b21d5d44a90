"""transformers: loading models, and their methods; other libraries' models are treated the same."""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Const, Either, Object, Opaque, Val, either, of_each
from lora_lint.libraries import peft, tokens, torch
from lora_lint.libraries.context import Context, nothing, view_of
from lora_lint.libraries.convert import is_reentrant
from lora_lint.libraries.effects import ConfigRecord, Fact, Log, ModelRecord, ModelView, Part
from lora_lint.libraries.marks import is_library
from lora_lint.records import replace
from lora_lint.run.events import (
    INPUT_EMBEDDINGS,
    OUTPUT_EMBEDDINGS,
    Cast,
    EnableCheckpointing,
    EnableInputGrads,
    Halve,
    Save,
    SetWeights,
)
from lora_lint.run.problems import UnknownKey
from lora_lint.run.values import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lora_lint.libraries.context import Handler
    from lora_lint.run.choices import Case
    from lora_lint.run.versions import Version
    from lora_lint.source import Span

_NOT_MODELS = (
    "Tokenizer Processor FeatureExtractor Scheduler Pipeline Vocab GenerationConfig Arguments Dataset Template"
).split()
"""What the names of classes that load something else contain; those of configs end in "Config"."""
_NO_MODEL = (
    *(part.lower() for part in _NOT_MODELS),
    *"config vae unet adapter peft pipe encoder tower vision audio embed critic ref".split(),
)
"""The same for names of variables and classes that are not followed, with the parts of a model that accompany it."""
_SAME = frozenset(
    "to cuda cpu half float bfloat16 double type train eval compile share_memory xpu npu to_empty __enter__ "
    "for_training for_inference unwrap set_train_mode".split()
)


def quantization_of(arguments: Arguments, span: Span) -> Val | None:
    """The bits that a model is loaded with, from `load_in_*bit` or a quantisation config."""
    for bits in ("4bit", "8bit"):
        flag = arguments.get(f"load_in_{bits}")
        if isinstance(flag, Const) and flag.value is True:
            return Const(bits, span, flag.origin)
        if isinstance(flag, Opaque | Either):
            return Opaque("a flag decides", span)
    return _by_config(arguments.get("quantization_config"), span)


def _by_config(config: Val | None, span: Span) -> Val:
    if isinstance(config, Either):
        return either(_by_config(option, span) for option in config.options)
    if isinstance(config, Object):
        given = Arguments(config.arguments.positional, {**config.arguments.keywords, **config.attributes}, {})
        return quantization_of(given, span) or Opaque("another kind of quantisation", span)
    if isinstance(config, Opaque):
        return Opaque("the quantisation config is not known", span)
    return Const(None, span, "framework-default")


def from_pretrained(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`<Class>.from_pretrained(name)` of any library: a model, unless the class loads something else."""
    loader = name.split(".")[-2] if "." in name else name
    other = loader.endswith("Config") or any(part in loader for part in _NOT_MODELS)
    config = arguments.get("peft_config")
    if name.startswith("transformers.") and isinstance(config, Object) and isinstance(config.data, ConfigRecord):
        context.records.refuse(config.data, arguments.span("peft_config") or span)
    if loader.endswith(("Tokenizer", "TokenizerFast")):
        why = Opaque("the tokenizer's name is not given by that call", span)
        context.records.add_tokenizer(arguments.get("pretrained_model_name_or_path", 0) or why)
    if other:
        return None
    model = _loaded(context, name, loader, arguments, span)
    if name.count(".") > 1 and not loader.startswith("Auto") and not is_library(name):
        context.records.note(model.data.record, Fact.EDITED)  # a class of the same name in a file that is not here
    return model


def _loaded(context: Context, name: str, loader: str | None, arguments: Arguments, span: Span) -> Object:
    model = arguments.get("pretrained_model_name_or_path", 0)
    if model is None:
        model = next(
            (arguments.keywords[key] for key in ("model_name", "model_id", "model_path") if key in arguments.keywords),
            Opaque("the model's name is not given by that call", span),
        )
    dtype = arguments.get("dtype") or arguments.get("torch_dtype")
    record = ModelRecord(
        *(model, loader, quantization_of(arguments, span), dtype),
        by_type=name.startswith("transformers.") and "config" not in arguments.keywords and not arguments.open,
        gone=_gone(loader, arguments) if name.startswith("transformers.") and loader is not None else (),
    )
    return context.model(span, name, arguments, record)


_BY_CONFIG = "Pass `quantization_config=BitsAndBytesConfig({}=True)`"
_GONE: dict[str, tuple[Version, tuple[str, ...], str]] = {
    "load_in_4bit": ((5, 0, 0), (), _BY_CONFIG.format("load_in_4bit")),
    "load_in_8bit": ((5, 0, 0), (), _BY_CONFIG.format("load_in_8bit")),
    "use_auth_token": ((5, 0, 0), ("token",), "Pass `token`"),
    "use_flash_attention_2": ((4, 53, 3), (), 'Pass `attn_implementation="flash_attention_2"`'),
}
"""The arguments that `from_pretrained` of a model lacks since a release (transformers 4.52.4, 4.53.3,
4.57.6 and 5.0.0, modeling_utils.py): it hands them on to the model's class, which raises."""


def _gone(loader: str, arguments: Arguments) -> tuple[UnknownKey, ...]:
    """The arguments of a call that newer releases do not take."""
    found = []
    for name, (since, others, instead) in _GONE.items():
        span = arguments.span(name) if name in arguments.keywords else None
        if span is not None:
            owner = f"{loader}.from_pretrained"
            found.append(UnknownKey(name, span, owner, others, "raises a TypeError", instead, since, "transformers"))
    return tuple(found)


def from_unknown_class(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`<something>.from_pretrained(name)` of an unknown class: a model of that name, whose modules may have other
    names."""
    if not isinstance(arguments.get("pretrained_model_name_or_path", 0), Const):
        return None
    low = name.lower()
    if any(part in low for part in _NO_MODEL):
        return None
    model = _loaded(context, name, None, arguments, span)
    context.records.note(model.data.record, Fact.EDITED)
    return model


def from_config(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    loader = name.split(".")[-2] if "." in name else name
    config = arguments.get("config", 0)
    model: Val = Opaque("the model is built from a config", span)
    if isinstance(config, Object) and config.callee.endswith("Config.from_pretrained"):
        model = config.arguments.get("pretrained_model_name_or_path", 0) or model
    return context.model(span, name, arguments, ModelRecord(model, loader))


def attribute(context: Context, view: ModelView, owner: Object, name: str, span: Span) -> Val | None:
    """An attribute of a model that is the model itself, or its `config.model_type`."""
    if name in ("base_model", "module", "_orig_mod", "pretrained_model"):
        inner = replace(view, inside=view.inside or name == "base_model", compiled=None)
        return Object(owner.callee, owner.arguments, span, inner)
    if name == "config.model_type":
        return of_each(lambda model: _type_of(model, span), view.record.name)
    return None


def _type_of(name: Val, span: Span) -> Val:
    """The type of a published model, which its config states; unknown for others."""
    from lora_lint.knowledge.models import Clue, identify_id

    found = identify_id(name.value) if isinstance(name, Const) and isinstance(name.value, str) else None
    if found is None or found.how is not Clue.TABLE or not isinstance(name, Const):
        return Opaque("the type of the model is not known", span)
    return Const(found.model_type, span, name.origin)


def method(context: Context, owner: Object, path: tuple[str, ...], arguments: Arguments, span: Span) -> Val | None:
    """A method of a model, or of something inside it (`model.lm_head.requires_grad_(True)`)."""
    view: ModelView = owner.data
    name = path[-1]
    found = torch.method(context, owner, path, arguments, span)
    if found is not None:
        return found
    if name == "save_pretrained" and len(path) > 1 and path[-2] not in ("config", "generation_config"):
        context.happen(view.record, Save(span))  # a part of the model alone
    if len(path) > 1:
        return None
    if name in _SAME:
        if torch.halves(name, arguments):
            context.happen(view.record, Halve(span))
        elif torch.casts(name, arguments):
            context.happen(view.record, Cast(span))
        return owner
    own = _METHODS.get(name)
    return (
        own(context, owner, arguments, span) if own is not None else peft.method(context, view, name, arguments, span)
    )


def _copy(context: Context, owner: Object, arguments: Arguments, span: Span) -> Val | None:
    copied: ModelRecord = owner.data.record
    record = ModelRecord(copied.name, copied.loader, loader_adapts=copied.loader_adapts)
    return context.model(span, owner.callee, owner.arguments, record)


def _input_embeddings(context: Context, owner: Object, arguments: Arguments, span: Span) -> Val | None:
    return Object("get_input_embeddings", arguments, span, Part(owner.data.record, "modules", INPUT_EMBEDDINGS))


def _output_embeddings(context: Context, owner: Object, arguments: Arguments, span: Span) -> Val | None:
    return Object("get_output_embeddings", arguments, span, Part(owner.data.record, "modules", OUTPUT_EMBEDDINGS))


def _enable_input_grads(context: Context, owner: Object, arguments: Arguments, span: Span) -> Val | None:
    context.happen(owner.data.record, EnableInputGrads(span))
    return nothing(span)


def _enable_checkpointing(context: Context, owner: Object, arguments: Arguments, span: Span) -> Val | None:
    settings = arguments.get("gradient_checkpointing_kwargs", 0)
    context.happen(owner.data.record, EnableCheckpointing(span, reentrant=is_reentrant(settings)))
    return nothing(span)


def _set_weights(context: Context, owner: Object, arguments: Arguments, span: Span) -> Val | None:
    context.happen(owner.data.record, SetWeights(span))
    return nothing(span)


def _resize(context: Context, owner: Object, arguments: Arguments, span: Span) -> Val | None:
    context.happen(owner.data.record, tokens.growth(context, span))
    return None


_METHODS: dict[str, Callable[[Context, Object, Arguments, Span], Val | None]] = {
    "__deepcopy__": _copy,
    "get_input_embeddings": _input_embeddings,
    "get_output_embeddings": _output_embeddings,
    "enable_input_require_grads": _enable_input_grads,
    "gradient_checkpointing_enable": _enable_checkpointing,
    "print_trainable_parameters": lambda context, owner, arguments, span: nothing(span),
    "state_dict": lambda context, owner, arguments, span: Object("state_dict", arguments, span),
    "load_state_dict": _set_weights,
    "resize_token_embeddings": _resize,
}


def merge(values: list[Val], cases: Sequence[Case]) -> Val | None:
    """One model that was loaded or wrapped in different branches, with the choices that lead to each; None if these are
    not models."""
    views = [view_of(value) for value in values]
    known = [view for view in views if view is not None]
    if len(known) < len(views):
        # `model = None` before, or a branch that was not followed: the alternative that is a model counts.
        rest = [value for value, view in zip(values, views, strict=True) if view is None]
        if not known or not all(isinstance(value, Const) and value.value is None for value in rest):
            return None
        cases = [case for case, view in zip(cases, views, strict=False) if view is not None]
        values = [value for value, view in zip(values, views, strict=True) if view is not None]
    first = known[0]
    if all(view.record is first.record for view in known):
        return next((v for v, view in zip(values, known, strict=False) if view.wrapped), values[0])
    if any(view.wrapped for view in known):
        return either(values, cases)
    records = [view.record for view in known]
    merged = ModelRecord(
        _name(records, cases),
        first.record.loader if len({record.loader for record in records}) == 1 else None,
        either([r.quantization for r in records], cases) if all(r.quantization for r in records) else None,  # type: ignore[misc]
        trail=first.record.trail,
        # Models that were merged before share events: counted twice, they would double with every branch.
        events=Log({id(event): event for record in records for event in record.events}.values()),
        trainings=Log(dict.fromkeys(training for record in records for training in record.trainings)),
        facts={fact for record in records for fact in record.facts},
        remote_code=any(record.remote_code for record in records),
        loader_adapts=all(record.loader_adapts for record in records),
    )
    template = values[0]
    assert isinstance(template, Object)
    return Object(template.callee, template.arguments, template.span, ModelView(merged))


def _name(records: list[ModelRecord], cases: Sequence[Case]) -> Val:
    """The name of a model that was loaded in different branches. A branch that the default of an option does not lead
    to has no name of its own."""
    named = [number for number, record in enumerate(records) if not _is_ruled_out(record.name)]
    if not 0 < len(named) < len(records):
        return either([record.name for record in records], cases)
    left = [cases[number] for number in named] if cases else ()
    return either([records[number].name for number in named], left).overridable()


def _is_ruled_out(name: Val) -> bool:
    return isinstance(name, Opaque) and name.reason is Reason.RULED_OUT


def options_parser(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`HfArgumentParser((ModelArguments, TrainingArguments))` and TRL's `TrlParser`; see `dataclass_options`."""
    return Object("transformers.HfArgumentParser", arguments, span)


CALLS: dict[str, Handler] = {"HfArgumentParser": options_parser}
