"""PyTorch: modules and parameters of a model, what freezes them, and optimizers."""

from __future__ import annotations

import re
from functools import lru_cache

from lora_lint.interpreter.definitions import Function, Instance
from lora_lint.interpreter.values import (
    Arguments,
    Const,
    DictVal,
    Either,
    External,
    ListVal,
    Member,
    Object,
    Unparsed,
    Val,
    either,
)
from lora_lint.libraries.context import Context, record_of, view_of
from lora_lint.libraries.convert import text_of
from lora_lint.libraries.effects import Fact, ModelRecord, ModelView, Part, TrainingRecord
from lora_lint.libraries.parameters import only_trained, split_conditions
from lora_lint.libraries.parameters import selection as selection_of
from lora_lint.records import replace
from lora_lint.run.events import (
    Cast,
    EnableInputGrads,
    Fragments,
    Freeze,
    MakeOptimizer,
    MakeOtherOptimizer,
    Selected,
    SetWeights,
    Unfreeze,
)
from lora_lint.run.run import TrainerSetup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lora_lint.interpreter.definitions import Condition
    from lora_lint.interpreter.machine import Machine
    from lora_lint.libraries.effects import Role
    from lora_lint.run.flaws import Flaw
    from lora_lint.run.run import Method
    from lora_lint.source import Span


_NOT_INSIDE = frozenset("config generation_config peft_config hf_device_map tokenizer processor".split())
"""Attributes of a model that are not modules."""

_NOT_MODULES_OF = frozenset("data grad weight bias forward generate requires_grad dtype training state_dict".split())


def _inside(path: tuple[str, ...]) -> str | None:
    """A dotted path below a model, without attributes that only lead into it."""
    parts = [name for name in path if name not in ("model", "base_model", "module", "data", "weight")]
    return ".".join(parts) or None


_ITERATORS = frozenset({"parameters", "named_parameters", "modules", "named_modules"})
_HOOKS = frozenset({"register_forward_hook", "register_forward_pre_hook"})
_OF_MODELS = _ITERATORS | {"children", "named_children"}


def method(context: Context, owner: Object, path: tuple[str, ...], arguments: Arguments, span: Span) -> Val | None:
    """A method that a model has as a module, or one of a module inside it."""
    record: ModelRecord = owner.data.record
    name = path[-1]
    if name == "requires_grad_":
        _set_trainable(context, Part(record, "modules", _inside(path[:-1])), arguments.get("", 0), span)
        return owner
    if name in _OF_MODELS:
        role: Role = "parameters" if "parameters" in name else "modules"
        return Object(name, arguments, span, Part(record, role, _inside(path[:-1]), name.startswith("named")))
    if len(path) > 1 and casts(name, arguments):
        context.happen(record, Cast(span))
    if name in _GETTERS:
        return Object(name, arguments, span, _found_in(Part(record, "modules", _inside(path[:-1])), name, arguments))
    if name in _ADDING:
        context.records.note(record, Fact.EDITED)
    if name == _MARKING:
        context.happen(record, Freeze(span, selection=Selected.UNREADABLE))
    _hook(context, record, name, arguments, span)
    return None


_GETTERS: dict[str, Role] = {"get_submodule": "module", "get_parameter": "parameter"}
_ADDING = frozenset({"add_module", "register_module", "set_submodule"})
_MARKING = "_mark_only_adapters_as_trainable"
"""The method of PEFT's tuners that freezes all but the adapters (peft 0.21.2, tuners/tuners_utils.py)."""


def _found_in(part: Part, name: str, arguments: Arguments) -> Part:
    """What `module.get_submodule("encoder.layer")` and `get_parameter` find: one that is not known is some of all."""
    target = text_of(arguments.get("target", 0))
    if target:
        inner = ".".join(filter(None, (part.path, _inside(tuple(target.split("."))))))
        role: Role = "modules" if name == "get_submodule" else "parameters"
        return replace(part, role=role, path=inner or None)
    return replace(part, role=_GETTERS[name], path=None, selection=Selected.UNREADABLE)


def _hook(context: Context, record: ModelRecord, name: str, arguments: Arguments, span: Span) -> None:
    """`embeddings.register_forward_hook(make_inputs_require_grad)`, and any hook that is not followed."""
    hook = arguments.get("hook", 0)
    if name in _HOOKS and not (isinstance(hook, Function) and b"requires_grad" not in hook.text()):
        context.happen(record, EnableInputGrads(span, hooked=True))


def parameters_of(module: Object, span: Span) -> Object:
    """`parameters()` of a layer or of a container, with what the container holds."""
    return Object(f"{module.callee}().parameters", module.arguments, span)


def part_method(context: Context, owner: Object, path: tuple[str, ...], arguments: Arguments, span: Span) -> Val | None:
    """A method of parameters or modules of a model."""
    part: Part = owner.data
    name = path[-1]
    inner = ".".join(filter(None, (part.path, _inside(path[:-1])))) or None
    if name == "requires_grad_":
        _set_trainable(context, replace(part, path=inner), arguments.get("", 0), span)
        return owner
    if name in _GETTERS:
        return Object(name, arguments, span, _found_in(replace(part, path=inner), name, arguments))
    if name in _ADDING:
        context.records.note(part.record, Fact.EDITED)
    if name in _ITERATORS:
        role: Role = "parameters" if "parameters" in name else "modules"
        known = inner if part.role != "module" else None
        return Object(name, arguments, span, Part(part.record, role, known, name.startswith("named")))
    if name in ("to", "cuda", "float", "half", "bfloat16", "train", "eval"):
        if casts(name, arguments):
            context.happen(part.record, Cast(span))
        return owner
    _hook(context, part.record, name, arguments, span)
    return None


def casts(name: str, arguments: Arguments) -> bool:
    """Whether a call casts a module to a dtype other than float16."""
    given = [
        value.name for value in (*arguments.positional, *arguments.keywords.values()) if isinstance(value, External)
    ]
    wide = any(each.endswith(("float32", "bfloat16", "torch.float")) for each in given)
    return name in ("float", "double", "bfloat16") or (
        name in ("to", "type") and (wide or "dtype" in arguments.keywords)
    )


def halves(name: str, arguments: Arguments) -> bool:
    """Whether a call casts a module to float16."""
    given = (*arguments.positional, *arguments.keywords.values())
    half = any(isinstance(value, External) and value.name in ("torch.float16", "torch.half") for value in given)
    return name == "half" or (name in ("to", "type") and half)


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


def iterate(value: Object | Member, span: Span) -> list[Val] | None:
    """One element that stands for all parameters or modules of an iteration; None for anything else."""
    part = part_of(value)
    if part is None:
        return [value] if _is_parameters(value) else None
    element = Part(part.record, "parameter" if part.role == "parameters" else "module", part.path)
    item: Val = Object(element.role, Arguments([], {}, {}), span, element)
    if not part.named:
        return [item]
    name = Object("name", Arguments([], {}, {}), span, Part(part.record, "name", part.path))
    return [ListVal([name, item], span, "tuple")]


def _is_parameters(value: Val) -> bool:
    """Whether a value is the parameters of a module that is no model: of a layer, or of a class of the program."""
    return isinstance(value, Object) and value.callee.startswith("torch.nn.") and value.callee.endswith("().parameters")


def assign(context: Context, target: Object | Member, name: str, value: Val, span: Span) -> bool:
    """`parameter.requires_grad = …`, `model.lm_head = …` and other assignments on a model's parts."""
    root, path = (target, ()) if isinstance(target, Object) else target.path()
    data = root.data if isinstance(root, Object) else None
    if isinstance(data, ModelView):
        if name == "requires_grad":
            _set_trainable(context, Part(data.record, "modules", _inside(path)), value, span)
            return True
        if name == "data" and path:
            context.happen(data.record, SetWeights(span))
        if _replaces_module((*path, name), value, inside=bool(path)):
            context.records.note(data.record, Fact.EDITED)
        return bool(path)
    if isinstance(data, Part) and name == "requires_grad":
        inner = ".".join(filter(None, (data.path, _inside(path)))) or None
        _set_trainable(context, replace(data, path=inner), value, span)
        return True
    if isinstance(data, Part) and name == "data":
        context.happen(data.record, Cast(span))
        return True
    if isinstance(data, Part) and data.role in ("module", "modules"):
        if _replaces_module((*path, name), value, inside=True):
            context.records.note(data.record, Fact.EDITED)
        return True
    return isinstance(data, Part)


def _replaces_module(path: tuple[str, ...], value: Val, inside: bool) -> bool:
    """Whether an assignment puts another module into a model: anything but a plain value assigned where a
    module was."""
    if isinstance(value, Const) or not _NOT_INSIDE.isdisjoint(path) or path[-1] in _NOT_MODULES_OF:
        return False
    return inside or (isinstance(value, Object) and value.callee.startswith("torch.nn"))


def _set_trainable(context: Context, part: Part, value: Val | None, span: Span) -> None:
    """Records that parameters become trainable or frozen; unknown values change nothing."""
    machine = context.machine
    if isinstance(value, Either):
        return
    if value is None:
        value = Const(True)
    if not isinstance(value, Const) or not isinstance(value.value, bool):
        context.happen(part.record, Freeze(span, selection=Selected.UNREADABLE))  # all but those that it is true of
        return
    conditions = tuple(machine.conditions)
    if value.value and any(only_trained(each.test, each.taken, each.scope) for each in conditions):
        return
    selection, flags = split_conditions(machine, conditions, part.selection)
    spares: tuple[str, ...] = ()
    if selection is Selected.ALL and value.value is False and len(flags) < len(conditions):
        selection = Selected.UNREADABLE  # all but those that a condition excludes
        spares = _left_out(machine, conditions)
    if selection is Selected.ALL and part.path:
        selection = Fragments((part.path,))
    elif selection is Selected.ALL and part.role == "module":
        selection = Selected.UNREADABLE  # modules of some class: it is not known which
    if value.value:
        context.happen(part.record, Unfreeze(span, selection=selection))
    else:
        context.happen(part.record, Freeze(span, selection=selection, spares=() if part.path else spares))


def _left_out(machine: Machine, conditions: Sequence[Condition]) -> tuple[str, ...]:
    """The name fragments that a single condition around a freeze excludes; none if there are several conditions."""
    tests = [each for each in conditions if split_conditions(machine, (each,)) != (Selected.ALL, (each,))]
    if len(tests) != 1:
        return ()
    others = selection_of(machine, tests[0].test, not tests[0].taken, tests[0].scope)
    return others.names if isinstance(others, Fragments) else ()


def data_loader(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`DataLoader(data, shuffle=True)`: the data of a training loop, whose order changes with each epoch."""
    data, shuffle, sampler = arguments.get("dataset", 0), arguments.get("shuffle", 2), arguments.get("sampler", 3)
    at_random = isinstance(sampler, Object) and sampler.callee.endswith((".RandomSampler", ".DistributedSampler"))
    from lora_lint.libraries import rows

    if data is not None and (at_random or (isinstance(shuffle, Const) and shuffle.value is True)):
        context.records.add_batches(rows.of_any(context, data, span) or data)
    return Object(name, arguments, span)


OPTIMIZERS = frozenset(
    "Adam AdamW SGD Adamax Adagrad RMSprop NAdam RAdam Adafactor Lion PagedAdamW PagedAdamW8bit AdamW8bit "
    "Adam8bit DeepSpeedCPUAdam FusedAdam".split()
)


def _texts_for_numbers(context: Context, arguments: Arguments, span: Span) -> tuple[Flaw, ...]:
    if not any(isinstance(each, Unparsed) for each in arguments.keywords.values()):
        return ()
    from lora_lint.libraries.handed_over import texts_for_numbers

    return tuple(texts_for_numbers(context, arguments, ("lr", "weight_decay", "eps"), span))


def optimizer(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """An optimizer that the program creates on a model's parameters: the start of a training loop."""
    views = _models_behind(arguments.get("params", 0) or arguments.get("model", 0))
    values: dict[str, Val] = {"optimizer": Const(name.rpartition(".")[2].lower(), span)}
    rate = arguments.get("lr", 1)
    if rate is not None:
        values["learning_rate"] = rate
    conditions = tuple(context.machine.conditions)
    method: Method = "supervised" if _is_supervised(context.records.text) else "unknown"
    training = TrainingRecord(
        *("a training loop", method, span),
        values=values,
        conditions=conditions,
        by_hand=True,
        setup=TrainerSetup(whole=_in_full(views or ()), flaws=_texts_for_numbers(context, arguments, span)),
        batches=context.records.batches,
    )
    if views is None:  # it may be of any model
        for record in {id(each): each for each in context.records.all_models()}.values():
            context.happen(record, MakeOptimizer(span, sure=False))
        return Object(name, arguments, span, training)
    own = {id(view.record): view.record for view in views}
    sure, adapter_alone = not _refilled(context.records.text), _of_adapter(arguments.get("params", 0))
    for record in own.values():
        context.happen(record, MakeOptimizer(span, sure=sure, adapter_alone=adapter_alone))
        context.trains(record, training)
    for record in {id(each): each for each in context.records.all_models() if own and id(each) not in own}.values():
        context.happen(record, MakeOtherOptimizer(span))
    models = (Object("model", Arguments([], {}, {}), span, view) for view in views)
    return Object(name, arguments, span, training, {"model": either(models)} if views else {})


def _refilled(program: bytes) -> bool:
    """Whether a program changes what its optimizer holds: `optimizer.param_groups[0]["params"] = …`."""
    return b"param_groups" in program and re.search(rb"param_groups\b[^\n]*[\"']params[\"']\s*\]", program) is not None


def _of_adapter(value: Val | None) -> bool:
    """Whether parameters are chosen by name from the adapter's: `[p for n, p in … if "lora_" in n]`."""
    part = record_of(value, Part)
    if part is not None:
        chosen = part.selection
        return isinstance(chosen, Fragments) and not chosen.by_state and all("lora" in name for name in chosen.names)
    if isinstance(value, DictVal):
        return _of_adapter(value.items.get("params"))
    return isinstance(value, ListVal) and bool(value.items) and all(map(_of_adapter, value.items))


def _in_full(views: Sequence[ModelView]) -> tuple[str, ...]:
    """The models that an optimizer trains in full beside others that have an adapter."""
    adapted = {id(view.record) for view in views if view.wrapped}
    others = {id(view.record): view.record for view in views if id(view.record) not in adapted}
    frozen = {key for key, record in others.items() if any(isinstance(each.event, Freeze) for each in record.events)}
    names = (text_of(record.name) or "a model" for key, record in others.items() if key not in frozen)
    return tuple(names) if adapted else ()


_OWN_LOSS = rb"[\w)]\.loss\b"
_OTHER_AIMS = (
    rb"(?i)dpo|ppo\b|grpo|reward|policy|ref(?:erence)?_model|kl_div|teacher|distil|unlearn|diffus|adapter_fusion"
)


@lru_cache(maxsize=8)
def _is_supervised(program: bytes) -> bool:
    """Whether a program takes the loss that a model computes of its labels, and shows no sign of another aim."""
    return re.search(_OWN_LOSS, program) is not None and not has_other_aim(program)


def has_other_aim(program: bytes) -> bool:
    """Whether a program shows signs of preferences, rewards, a teacher …"""
    return re.search(_OTHER_AIMS, program) is not None


def _models_behind(value: Val | None) -> list[ModelView] | None:
    """The models whose parameters an optimizer gets: directly, filtered, chained, or in parameter groups. None if that
    is not known."""
    view, part, module = view_of(value), record_of(value, Part), record_of(value, Instance)
    if view is not None:
        return [view]
    if part is not None:
        return [ModelView(part.record, wrapped=True)]
    if module is not None:
        return [view for each in module.attributes.values() if (view := view_of(each)) is not None]
    if isinstance(value, Object) and value.callee.startswith("torch.nn."):
        return _models_within(value)
    parts = _parts(value)
    if parts is None:
        return None
    found = [_models_behind(each) for each in parts]
    if not any(found) and (None in found or not found):
        return None
    return [view for views in found for view in views or ()]


def _models_within(module: Object) -> list[ModelView]:
    """The models that `nn.Sequential(encoder, head)`, `nn.ModuleList([…])` and the like hold."""
    held: list[Val] = []
    for each in module.arguments.positional:
        held += each.items.values() if isinstance(each, DictVal) else [each]
    return [view for each in held for view in _models_behind(each) or ()]


def _parts(value: Val | None) -> Sequence[Val | None] | None:
    """The values to examine further for the models behind a value; None if there are none."""
    if isinstance(value, Member):
        return [value.path()[0]]
    if isinstance(value, DictVal):
        return [value.items.get("params")]
    if isinstance(value, ListVal):
        return [*value.items, None] if value.open else value.items
    if isinstance(value, Object):
        return value.arguments.positional
    return value.options if isinstance(value, Either) else None


_WRAPPERS = ("torch.nn.parallel", "torch.compile", "torch.nn.DataParallel")


def wrapped(name: str, arguments: Arguments, span: Span) -> Val | None:
    """The model that `torch.compile(model)` and `DistributedDataParallel(model)` return, wrapped."""
    if not name.startswith(_WRAPPERS) or not arguments.positional:
        return None
    model = arguments.positional[0]
    view = view_of(model)
    if name != "torch.compile" or view is None or not isinstance(model, Object):
        return model
    return Object(model.callee, model.arguments, model.span, replace(view, compiled=span))
