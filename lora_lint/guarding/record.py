"""The run that the objects of a running program are: the same record that is read from a file.

What happened before is not recorded anywhere in the objects. The events are those that lead to their state: an adapter
that is frozen, and whose `lora_B` are not zero, was loaded for inference.

Source: PEFT 0.21.2 and transformers 5.23.0.
"""

from __future__ import annotations

import dataclasses
import sys
from enum import Enum
from typing import TYPE_CHECKING, Any

from lora_lint.frameworks.peft import FRAMEWORK
from lora_lint.guarding.modules import base_of, is_checkpointing, is_nested, loaded_model
from lora_lint.guarding.precision import dtype_events, dtype_name
from lora_lint.guarding.shards import sharding_of_model
from lora_lint.guarding.tokens import new_tokens
from lora_lint.libraries.trainers import method_of
from lora_lint.rules.heads import SAVED_BY_TASK
from lora_lint.run import events
from lora_lint.run.framework import TRAINER_KEYS
from lora_lint.run.launch import Launch, Placement, Quantizer
from lora_lint.run.run import Adapter, BaseModel, Dataset, Run, Training
from lora_lint.run.values import ABSENT, Known
from lora_lint.run.versions import PINNED, Pin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.guarding.adapters import LiveAdapter
    from lora_lint.guarding.places import Places
    from lora_lint.guarding.state import State
    from lora_lint.guarding.subject import Subject
    from lora_lint.knowledge.resolve import Loaded
    from lora_lint.run.events import Event
    from lora_lint.run.values import Value

_QUANTIZERS = {kind.name.lower(): kind for kind in Quantizer}
_ENVIRONMENT = "this environment"


def runs_of(subject: Subject, state: State, places: Places) -> tuple[Run, ...]:
    """One run for each adapter that trains or is meant to; none where the paths of modules are those of a PeftModel in
    a PeftModel, which the config's targets are not."""
    if is_nested(subject.model):
        return ()
    name = _name_of(subject.model)
    base = loaded_model(subject.model, name)
    happened = tuple(_events(subject, state, places))
    return tuple(_run(subject, state, places, adapter, name, base, happened) for adapter in state.trainees)


def _run(
    subject: Subject,
    state: State,
    places: Places,
    adapter: LiveAdapter,
    name: str | None,
    base: Loaded,
    happened: tuple[Event, ...],
) -> Run:
    quantization = _bits(base_of(subject.model))
    return Run(
        framework=FRAMEWORK,
        span=places.train,
        adapter=_adapter(adapter, places),
        model=BaseModel(
            name=Known(name) if name else ABSENT,
            loader=base.built.architecture.class_name,
            quantization=Known(quantization),
            dtype=Known(dtype_name(subject.model, state)),
            labels=_labels(base),
            transformers=str(base.built.architecture.version),
            loaded=base,
        ),
        dataset=_dataset(subject),
        training=_training(subject, state),
        events=happened,
        trained=True,
        method=type(adapter.config).__name__,
        launch=_launch(subject.model, quantization),
        pins={name: pin for name in PINNED if (pin := _installed(name)) is not None},
    )


def _adapter(adapter: LiveAdapter, places: Places) -> Adapter:
    values: dict[str, Any] = {field: _setting(adapter.config, name) for field, name in FRAMEWORK.keys.items()}
    values["modules_to_save"] = _saved_by_user(values["modules_to_save"], values["task_type"])
    return Adapter(places.wrap, **{field: value for field, value in values.items() if value is not ABSENT})


def _setting(config: Any, name: str) -> Value[Any]:
    """A setting of a config; one that has the class's default counts as left out."""
    if not hasattr(config, name):
        return ABSENT
    value = _plain(getattr(config, name))
    return Known(value, None, "framework-default" if value == _default(type(config), name) else "literal")


def _default(kind: type, name: str) -> Any:
    for each in dataclasses.fields(kind):
        if each.name == name:
            if each.default_factory is not dataclasses.MISSING:
                return _plain(each.default_factory())
            return _plain(each.default)
    return dataclasses.MISSING


def _plain(value: Any) -> Any:
    """A setting as the reader of a file gives it: PEFT turns a list into a set."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return tuple(sorted(value))
    return tuple(value) if isinstance(value, list) else value


def _saved_by_user(saved: Value[Any], task: Value[Any]) -> Value[Any]:
    """`modules_to_save` without what PEFT has added because of the task type."""
    if not isinstance(saved, Known) or not saved.value or not isinstance(task, Known):
        return saved
    added = SAVED_BY_TASK.get(task.value or "", ())
    rest = tuple(name for name in saved.value if name not in added)
    return Known(rest or None, None, saved.origin if rest else "framework-default")


def _events(subject: Subject, state: State, places: Places) -> Iterator[Event]:
    """What leads to the state of the model, in order."""
    wrap, base = places.wrap, base_of(subject.model)
    yield events.Load(wrap)
    tokens = new_tokens(base, subject.tokenizer)
    if tokens is not None:
        yield events.Resize(wrap, tokens=tokens, unread=True)
    frozen = not any(each.trains for each in state.adapters)
    if _bits(base) is not None and _is_prepared(base, state) and not frozen:
        yield events.PrepareKbit(wrap)
    if getattr(base, "_require_grads_hook", None) is not None:
        yield events.EnableInputGrads(wrap)
    if is_checkpointing(base):
        yield events.EnableCheckpointing(wrap)
    early = state.optimizer.before_the_wrap
    if early:
        yield events.MakeOptimizer(places.optimizer)
    for number, adapter in enumerate(state.adapters):
        if number and not adapter.active and adapter not in state.idle:
            continue  # a reference, or one that is only there to be used
        yield _put_on(adapter, number, state, places)
    yield from dtype_events(subject.model, state, places)
    if frozen and not any(each.config.inference_mode for each in state.adapters):
        yield events.PrepareKbit(wrap) if _bits(base) is not None else events.Freeze(wrap)
    if len(switched := _switched(state)) > 0:
        yield events.SetAdapter(wrap, adapters=switched, trainable=Known(not frozen))
    if state.unfrozen is not None:
        yield events.Unfreeze(wrap, selection=state.unfrozen)
    if not early and (subject.optimizers or subject.trainer is not None):
        yield events.MakeOptimizer(places.optimizer)
    yield events.Train(places.train)


def _put_on(adapter: LiveAdapter, number: int, state: State, places: Places) -> Event:
    config, names, span = adapter.config, (adapter.name,), places.wrap
    made = events.Making(
        *(_setting(config, name) for name in ("init_lora_weights", "use_rslora", "lora_bias", "r")),
    )
    is_loaded = adapter.fresh is False and config.inference_mode
    if number == 0:
        if is_loaded:
            return events.LoadAdapter(span, adapters=names, trainable=Known(adapter.trains), made=made)
        return events.Wrap(
            span,
            adapters=names,
            trainable=Known(False) if config.inference_mode else ABSENT,
            integrated=state.integrated,
            compiled=span if state.compiled else None,
            autocast=Known(False) if state.half and state.base_half else ABSENT,
            made=made,
        )
    if adapter.fresh is False:
        return events.LoadBeside(span, adapters=names, trainable=Known(not config.inference_mode), made=made)
    return events.AddBeside(span, adapters=names, made=made)


def _switched(state: State) -> tuple[str, ...]:
    """The active adapters, where the first is not the only one of them."""
    active = tuple(each.name for each in state.adapters if each.active)
    return active if active and active != (state.adapters[0].name,) else ()


def _is_prepared(base: Any, state: State) -> bool:
    """Whether a quantized model's other parameters are in float32, as k-bit preparation leaves them."""
    own = state.own_ids
    return any(
        str(each.dtype) == "torch.float32" and each.dim() == 1 for each in base.parameters() if id(each) not in own
    )


def _bits(base: Any) -> str | None:
    if getattr(base, "is_loaded_in_4bit", False):
        return "4bit"
    return "8bit" if getattr(base, "is_loaded_in_8bit", False) else None


def _labels(base: Loaded) -> Value[int | None]:
    labels = base.model.config.get("num_labels") or len(base.model.config.get("id2label") or ())
    return Known(labels) if labels else ABSENT


def _name_of(model: Any) -> str | None:
    """What the user calls the base model."""
    base = base_of(model)
    name = getattr(base, "name_or_path", "") or getattr(getattr(base, "config", None), "_name_or_path", "")
    return name or None


def _dataset(subject: Subject) -> Dataset:
    packed = getattr(subject.arguments, "packing", False)
    size = None if packed else _length(subject.dataset)
    return Dataset(size=Known(size) if size else ABSENT, how="the trainer's data set" if size else "")


def _length(dataset: Any) -> int | None:
    try:
        return len(dataset)
    except TypeError:  # None, or a stream
        return None


def _training(subject: Subject, state: State) -> Training:
    by_hand = subject.trainer is None or state.optimizer.before_the_wrap
    if subject.arguments is None:
        rates = sorted({rate for rate, _ in state.optimizer.groups if rate})
        rate: Value[float] = Known(rates[-1]) if rates else ABSENT
        kinds = {type(each).__name__.lower() for each in subject.optimizers}
        kind: Value[str] = Known(kinds.pop()) if len(kinds) == 1 else ABSENT
        return Training(subject.trainer or "a training loop", by_hand=by_hand, learning_rate=rate, optimizer=kind)
    given: dict[str, Any] = {field: _argument(subject.arguments, name) for field, name in TRAINER_KEYS.items()}
    return Training(
        subject.trainer,
        method_of(subject.trainer or ""),
        **given,
        checkpointing=_argument(subject.arguments, "gradient_checkpointing"),
        by_hand=by_hand,
    )


def _argument(arguments: Any, name: str) -> Value[Any]:
    value = _setting(arguments, name) if dataclasses.is_dataclass(arguments) else ABSENT
    if name == "max_steps" and isinstance(value, Known) and value.value <= 0:
        return ABSENT
    return value


def _launch(model: Any, bits: str | None) -> Launch:
    import torch

    world = torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1
    devices = set((getattr(base_of(model), "hf_device_map", None) or {}).values())
    method = _quantizer(base_of(model))
    sharding = sharding_of_model(model)
    return Launch(
        processes=Known(world) if world > 1 else ABSENT,
        sharding=Known(sharding) if sharding is not None else ABSENT,
        quantizer=Known(method) if method is not None else Known(Quantizer.BITSANDBYTES) if bits else ABSENT,
        placement=Known(Placement.SPREAD) if len(devices) > 1 else ABSENT,
    )


def _quantizer(base: Any) -> Quantizer | None:
    method = getattr(base, "quantization_method", None) or ""
    return _QUANTIZERS.get(str(getattr(method, "value", method)).lower())


def _installed(framework: str) -> Pin | None:
    """The version of a framework in this process, as the newest that the run may use."""
    module = sys.modules.get(framework)
    text = getattr(module, "__version__", None)
    numbers = [int(part) for part in (text or "").split(".")[:3] if part.isdecimal()]
    if not numbers:
        return None
    return Pin((*numbers[:-1], numbers[-1] + 1), f"{framework} {text}", _ENVIRONMENT)
