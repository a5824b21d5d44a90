"""Loading models (transformers, unsloth, diffusers …) and what is done with them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lora_lint.interpreter.values import Arguments, Const, DictVal, Either, ListVal, Member, Object, Opaque, Val, either
from lora_lint.libraries import peft, tokens
from lora_lint.libraries.context import Context, nothing, view_of
from lora_lint.libraries.effects import Fact, Log, ModelRecord, ModelView, Part, TrainingRecord
from lora_lint.libraries.parameters import selected, split_conditions
from lora_lint.run.events import EnableCheckpointing, EnableInputGrads, Freeze, Resize, Save, Unfreeze

if TYPE_CHECKING:
    from lora_lint.libraries.parameters import Names
    from lora_lint.source import Span

_NOT_MODELS = re.compile(
    r"Tokenizer|Processor|Config$|FeatureExtractor|Scheduler|Pipeline|Vocab|GenerationConfig|Arguments|Dataset|Template"
)
_NO_MODEL = re.compile(
    rf"(?i){_NOT_MODELS.pattern}|config|vae|unet|adapter|peft|pipe|encoder|tower|vision|audio|embed|critic|ref"
)
"""The same of names of variables and classes that are not followed, with the parts of a model beside it."""
_NOT_INSIDE = frozenset("config generation_config peft_config hf_device_map tokenizer processor".split())
"""Attributes of a model that are no modules."""
_NOT_MODULES_OF = frozenset("data grad weight bias forward generate requires_grad dtype training state_dict".split())
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
    config = arguments.get("quantization_config")
    if isinstance(config, Either):
        return Opaque("a branch decides", span)
    if isinstance(config, Object):
        return quantization_of(config.arguments, span) or Opaque("another kind of quantisation", span)
    if isinstance(config, Opaque):
        return Opaque("the quantisation config is not known", span)
    return Const(None, span, "framework-default")


def from_pretrained(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`<Class>.from_pretrained(name)` of any library: a model, unless the class loads something else."""
    loader = name.split(".")[-2] if "." in name else name
    return None if _NOT_MODELS.search(loader) else _loaded(context, name, loader, arguments, span)


def _loaded(context: Context, name: str, loader: str | None, arguments: Arguments, span: Span) -> Object:
    model = arguments.get("pretrained_model_name_or_path", 0)
    if model is None:
        model = next(
            (arguments.keywords[key] for key in ("model_name", "model_id", "model_path") if key in arguments.keywords),
            Opaque("the model's name is not given by that call", span),
        )
    dtype = arguments.get("dtype") or arguments.get("torch_dtype")
    return context.model(span, name, arguments, model, loader, quantization_of(arguments, span), dtype)


def from_unknown_class(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`<something>.from_pretrained(name)` where it is not known what class that is: a model of that name, in which
    modules may have other names."""
    if _NO_MODEL.search(name) or not isinstance(arguments.get("pretrained_model_name_or_path", 0), Const):
        return None
    model = _loaded(context, name, None, arguments, span)
    context.records.note(model.data.record, Fact.EDITED)
    return model


def from_config(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    loader = name.split(".")[-2] if "." in name else name
    config = arguments.get("config", 0)
    model: Val = Opaque("the model is made from a config", span)
    if isinstance(config, Object) and config.callee.endswith("Config.from_pretrained"):
        model = config.arguments.get("pretrained_model_name_or_path", 0) or model
    return context.model(span, name, arguments, model, loader)


def unsloth_load(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`FastLanguageModel.from_pretrained` gives the model and its tokenizer; 4-bit unless told otherwise."""
    loader = name.split(".")[-2]
    model = arguments.get("model_name", 0) or Opaque("the model's name is not given", span)
    quantization = quantization_of(arguments, span)
    usual = loader != "FastSentenceTransformer" and "load_in_4bit" not in arguments.keywords
    if isinstance(quantization, Const) and quantization.value is None and usual:
        quantization = Const("4bit", span, "framework-default")
    full = arguments.get("full_finetuning")
    loaded = context.model(
        *(span, name, arguments, model, loader, quantization, arguments.get("dtype")),
        whole=isinstance(full, Const) and full.value is True,
        loader_adapts=True,
    )
    if loader == "FastSentenceTransformer":
        return loaded
    tokenizer = Object("tokenizer", arguments, span)
    return ListVal([loaded, tokenizer], span, "tuple")


def unsloth_wrap(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`FastLanguageModel.get_peft_model(model, r=16, …)`: config and wrap in one call.

    A model loaded with `full_finetuning=True` is given back as it is (unsloth 2026.10.9).
    """
    model = arguments.get("model", 0)
    view = view_of(model)
    if model is not None and view is not None and view.record.whole:
        return model
    config = context.config("LoraConfig", arguments, span, "unsloth", made_by=name.split(".")[-2])
    return context.wrap(model, config, span, "unsloth")


def with_tokenizer(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`setup_chat_format(model, tokenizer)` gives both back (TRL, models/utils.py, until it was removed)."""
    model = arguments.get("model", 0) or Opaque("the model is not given", span)
    return ListVal([model, arguments.get("tokenizer", 1) or Object("tokenizer", arguments, span)], span, "tuple")


def attribute(context: Context, view: ModelView, owner: Object, name: str, span: Span) -> Val | None:
    """An attribute of a model that is the model itself."""
    if name in ("base_model", "module", "_orig_mod", "pretrained_model"):
        return Object(owner.callee, owner.arguments, span, view)
    return None


def method(context: Context, owner: Object, path: tuple[str, ...], arguments: Arguments, span: Span) -> Val | None:
    """A method of a model, or of something inside it (`model.lm_head.requires_grad_(True)`)."""
    view: ModelView = owner.data
    name = path[-1]
    if name == "requires_grad_":
        _set_trainable(context, Part(view.record, "modules", _inside(path[:-1])), arguments.get("", 0), span)
        return owner
    if name in ("parameters", "named_parameters", "modules", "named_modules", "children", "named_children"):
        role = "parameters" if "parameters" in name else "modules"
        return Object(name, arguments, span, Part(view.record, role, _inside(path[:-1]), name.startswith("named")))
    if name == "save_pretrained" and len(path) > 1 and path[-2] not in ("config", "generation_config"):
        context.happen(view.record, Save(span))  # a part of the model by itself
    if len(path) > 1:
        return None
    if name in _SAME:
        return owner
    if name == "__deepcopy__":
        copied = view.record
        return context.model(
            *(span, owner.callee, owner.arguments, copied.name, copied.loader), loader_adapts=copied.loader_adapts
        )
    if name in ("get_input_embeddings", "get_output_embeddings"):
        where = "embed_tokens" if "input" in name else "lm_head"
        return Object(name, arguments, span, Part(view.record, "modules", where))
    if name == "enable_input_require_grads":
        context.happen(view.record, EnableInputGrads(span))
        return nothing(span)
    if name == "gradient_checkpointing_enable":
        context.happen(view.record, EnableCheckpointing(span, reentrant=_reentrant(arguments)))
        return nothing(span)
    if name == "print_trainable_parameters":
        return nothing(span)
    if name == "state_dict":
        return Object(name, arguments, span)
    if name == "resize_token_embeddings":
        context.happen(view.record, Resize(span, tokens=tokens.new_here(context)))
        return None
    return peft.method(context, view, name, arguments, span)


def _reentrant(arguments: Arguments) -> bool:
    """Whether `gradient_checkpointing_enable` is not told to checkpoint in the other way."""
    told = arguments.get("gradient_checkpointing_kwargs", 0)
    flag = told.items.get("use_reentrant") if isinstance(told, DictVal) else None
    return told is None or (isinstance(flag, Const) and flag.value is True)


def part_method(context: Context, owner: Object, path: tuple[str, ...], arguments: Arguments, span: Span) -> Val | None:
    """A method of parameters or modules of a model."""
    part: Part = owner.data
    name = path[-1]
    inner = ".".join(filter(None, (part.path, _inside(path[:-1])))) or None
    if name == "requires_grad_":
        _set_trainable(context, Part(part.record, part.role, inner), arguments.get("", 0), span)
        return owner
    if name in ("parameters", "named_parameters", "modules", "named_modules"):
        role = "parameters" if "parameters" in name else "modules"
        known = inner if part.role != "module" else None
        return Object(name, arguments, span, Part(part.record, role, known, name.startswith("named")))
    if name in ("to", "cuda", "float", "half", "bfloat16", "train", "eval"):
        return owner
    return None


def _inside(path: tuple[str, ...]) -> str | None:
    """A dotted path below a model without the attributes that only lead into it."""
    parts = [name for name in path if name not in ("model", "base_model", "module", "data", "weight")]
    return ".".join(parts) or None


def part_of(value: Object | Member) -> Part | None:
    """The parameters or modules that an iteration goes over: `model.parameters()`, `model.model.layers`."""
    root, path = (value, ()) if isinstance(value, Object) else value.path()
    if not isinstance(root, Object) or not _NOT_INSIDE.isdisjoint(path):
        return None
    if isinstance(root.data, ModelView) and path:
        return Part(root.data.record, "modules", _inside(path))
    if isinstance(root.data, Part) and root.data.role != "name":
        inner = ".".join(filter(None, (root.data.path, _inside(path)))) or None
        return root.data if not path else Part(root.data.record, "modules", inner)
    return None


def iterate(part: Part, span: Span) -> list[Val] | None:
    """One element that stands for all parameters or modules of an iteration."""
    element = Part(part.record, "parameter" if part.role == "parameters" else "module", part.path)
    item: Val = Object(element.role, Arguments([], {}, {}), span, element)
    if not part.named:
        return [item]
    name = Object("name", Arguments([], {}, {}), span, Part(part.record, "name", part.path))
    return [ListVal([name, item], span, "tuple")]


def assign(context: Context, target: Object | Member, name: str, value: Val, span: Span) -> bool:
    """`parameter.requires_grad = …`, `model.lm_head = …` and other assignments on a model's parts."""
    root, path = (target, ()) if isinstance(target, Object) else target.path()
    data = root.data if isinstance(root, Object) else None
    if isinstance(data, ModelView):
        if name == "requires_grad":
            _set_trainable(context, Part(data.record, "modules", _inside(path)), value, span)
            return True
        if _replaces_module((*path, name), value, inside=bool(path)):
            context.records.note(data.record, Fact.EDITED)
        return bool(path)
    if isinstance(data, Part) and name == "requires_grad":
        inner = ".".join(filter(None, (data.path, _inside(path)))) or None
        _set_trainable(context, Part(data.record, data.role, inner), value, span)
        return True
    if isinstance(data, Part) and data.role in ("module", "modules"):
        if _replaces_module((*path, name), value, inside=True):
            context.records.note(data.record, Fact.EDITED)
        return True
    return isinstance(data, Part)


def _replaces_module(path: tuple[str, ...], value: Val, inside: bool) -> bool:
    """Whether an assignment puts another module into a model: anything but a plain value in a place for modules."""
    if isinstance(value, Const) or not _NOT_INSIDE.isdisjoint(path) or path[-1] in _NOT_MODULES_OF:
        return False
    return inside or (isinstance(value, Object) and value.callee.startswith("torch.nn"))


def _set_trainable(context: Context, part: Part, value: Val | None, span: Span) -> None:
    """Writes down that parameters become trainable or frozen; unknown values change nothing."""
    machine = context.machine
    if isinstance(value, Either):
        return
    if value is None:
        value = Const(True)
    if not isinstance(value, Const) or not isinstance(value.value, bool):
        return
    conditions = tuple(machine.conditions)
    names: Names
    names, flags = split_conditions(machine, conditions)
    if names is None and value.value is False and len(flags) < len(conditions):
        names = ()  # all but those that a test leaves out
    if part.path:
        names = (part.path,) if names is None else names
    elif part.role == "module" and names is None:
        names = ()  # modules of some class: which ones is not known
    made = Unfreeze if value.value else Freeze
    context.happen(part.record, made(span, selection=selected(names)))


def merge(values: list[Val]) -> Val | None:
    """One model that was loaded or wrapped in different branches; None if these are not models."""
    views = [view_of(value) for value in values]
    known = [view for view in views if view is not None]
    if len(known) < len(views):
        # `model = None` before, or a branch that was not followed: the one that is a model counts.
        rest = [value for value, view in zip(values, views, strict=True) if view is None]
        if not known or not all(isinstance(value, Const) and value.value is None for value in rest):
            return None
        values = [value for value, view in zip(values, views, strict=True) if view is not None]
    first = known[0]
    if all(view.record is first.record for view in known):
        return next((v for v, view in zip(values, known, strict=False) if view.wrapped), values[0])
    if any(view.wrapped for view in known):
        return either(values)
    records = [view.record for view in known]
    merged = ModelRecord(
        either(record.name for record in records),
        first.record.loader if len({record.loader for record in records}) == 1 else None,
        either(r.quantization for r in records) if all(r.quantization for r in records) else None,  # type: ignore[misc]
        trail=first.record.trail,
        # Models that were merged before share events: taken twice, they would double with every branch.
        events=Log({id(event): event for record in records for event in record.events}.values()),
        trainings=Log(dict.fromkeys(training for record in records for training in record.trainings)),
        facts={fact for record in records for fact in record.facts},
        remote_code=any(record.remote_code for record in records),
        loader_adapts=all(record.loader_adapts for record in records),
    )
    template = values[0]
    assert isinstance(template, Object)
    return Object(template.callee, template.arguments, template.span, ModelView(merged))


def trained_by(context: Context, model: Val | None, training: TrainingRecord) -> None:
    """Ties a trainer to the models it is given."""
    for option in model.options if isinstance(model, Either) else (model,):
        view = view_of(option)
        if view is not None:
            context.trains(view.record, training)
