"""Replays what a run does to its model on a skeleton or a small model: wrap, prepare, freeze, switch adapters.

The events are those that the linter has read; none of the user's code runs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lora_lint.knowledge import versions
from lora_lint.knowledge.patterns import TooSlow, compiled
from lora_lint.run import events
from lora_lint.run.values import ABSENT, alternatives, known
from lora_lint.verify.experiment import Skip
from lora_lint.verify.structure.skeleton import installed_peft, peft_config, wrap
from lora_lint.verify.weights import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lora_lint.run.events import Event, PutBeside, PutOn, Selection
    from lora_lint.run.run import Run


def replay(model: Any, run: Run, watch: Callable[[Any, Event], None] | None = None) -> Any:
    """The model as it is when training starts; `watch` sees it after each event. Raises what PEFT raises, and Skip for
    what cannot be replayed.

    Events under a flag happen. Every adapter is a fresh one with the run's settings, even one that is loaded from disk:
    what is trainable depends neither on its values nor on most settings.
    """
    adapted = False
    for event in _until_training(run):
        match event:
            case events.Wrap() | events.LoadAdapter() | events.AddBeside() | events.LoadBeside():
                model, adapted = _with_adapter(model, event, run), True
            case events.Unwrap():
                model, adapted = _peft_model(model).unload() if adapted else model, False
            case events.PrepareKbit():
                prepare(model)
            case events.Freeze() | events.Unfreeze():
                _set(model, event.selection, isinstance(event, events.Unfreeze))
            case events.SetAdapter():
                _activate(model, event)
            case events.SetRequiresGrad():
                _peft_model(model).set_requires_grad(list(_names(event)), _trainable(event))
            case events.DeleteAdapter():
                for name in _names(event):
                    model.delete_adapter(name)
            case events.EnableAdapters() | events.DisableAdapters():
                _able(model, isinstance(event, events.EnableAdapters))
            case (
                events.Load()
                | events.Resize()
                | events.EnableInputGrads()
                | events.EnableCheckpointing()
                | events.SetWeights()
                | events.Cast()
                | events.Halve()
                | events.MakeOptimizer()
                | events.MakeOtherOptimizer()
                | events.SaveMerged()
                | events.Train()
                | events.MaskLabels()
                | events.Answer()
                | events.Save()
            ):
                pass
            case _:
                events.assert_never(event)
        if watch is not None:
            watch(model, event)
    if not adapted:
        model = wrap(model, peft_config(run.adapter))
    for patterns in alternatives(run.unfrozen_patterns)[:1]:
        freeze_all_but(model, patterns.value)
    return model


def _until_training(run: Run) -> Iterable[Event]:
    """What happens between the last load of the model and the last training."""
    course = run.events
    trainings = [place for place, event in enumerate(course) if isinstance(event, events.Train)]
    if trainings:
        course = course[: trainings[-1]]
    loads = [place for place, event in enumerate(course) if isinstance(event, events.Load)]
    return course[loads[-1] :] if loads else course


def _with_adapter(model: Any, event: PutOn | PutBeside, run: Run) -> Any:
    """The model with one more adapter, added by the calls that PEFT 0.21.2 and transformers 5.23.0 make themselves."""
    [name] = _names(event)
    fresh = isinstance(event, events.Wrap | events.AddBeside)
    trainable = ABSENT if isinstance(event, events.AddBeside) else event.trainable
    # A load whose arguments are not known counts as trainable: no finding rests on it.
    frozen = known(trainable) is False
    config = peft_config(run.adapter, **({} if fresh and trainable is ABSENT else {"inference_mode": frozen}))
    if isinstance(event, events.AddBeside | events.LoadBeside):
        return _put_beside(_peft_model(model), name, config, trainable=not fresh and not frozen)
    if event.integrated:
        return _integrated(model, name, config, fresh)
    if not event.wrapped and _is_wrapped(model):
        model = model.get_base_model()
    return wrap(model, config, name)


def _put_beside(model: Any, name: str, config: Any, trainable: bool) -> Any:
    """`PeftModel.add_adapter`, and `load_adapter` without the values."""
    if name in model.peft_config:
        return model
    with quiet():
        model.add_adapter(name, config)
    if trainable and installed_peft() >= versions.ADDING_KEEPS_TRAINABILITY:
        model.set_requires_grad(name)
    return model


def _integrated(model: Any, name: str, config: Any, fresh: bool) -> Any:
    """`add_adapter` of transformers' own model class, and `load_adapter` without the values."""
    from peft import inject_adapter_in_model
    from peft.tuners.tuners_utils import BaseTunerLayer

    if _is_wrapped(model):
        model = model.get_base_model()
    with quiet():
        if fresh:
            model.add_adapter(config, adapter_name=name)
            return model
        inject_adapter_in_model(config, model, name)
    model._hf_peft_config_loaded = True
    if config.inference_mode:
        for module in model.modules():
            if isinstance(module, BaseTunerLayer):
                module.requires_grad_(False)
    return model


def _activate(model: Any, event: events.SetAdapter) -> None:
    """Makes adapters of a model the active ones."""
    frozen = {"inference_mode": True} if _trainable(event) is False else {}
    names = list(_names(event))
    if len(names) == 1:
        model.set_adapter(names[0], **frozen)
    else:
        (model.base_model if _is_wrapped(model) else model).set_adapter(names, **frozen)


def _able(model: Any, enabled: bool) -> None:
    """Switches the adapters of a model on or off."""
    if _is_wrapped(model):
        (model.base_model.enable_adapter_layers if enabled else model.base_model.disable_adapter_layers)()
    else:
        (model.enable_adapters if enabled else model.disable_adapters)()


def _names(event: events.OfAdapters) -> tuple[str, ...]:
    if event.adapters is None:
        raise Skip("the name of one of the adapters is not known")
    return event.adapters


def _trainable(event: events.SetAdapter | events.SetRequiresGrad) -> bool:
    trainable = known(event.trainable)
    if trainable is None:
        raise Skip("it is not known whether one of the adapters is made trainable")
    return trainable


def _is_wrapped(model: Any) -> bool:
    """Whether it is a PeftModel, as opposed to a transformers model with adapters in it."""
    return hasattr(model, "get_base_model")


def _peft_model(model: Any) -> Any:
    if not _is_wrapped(model):
        raise Skip("the file does not show how the model gets its first adapter")
    return model


def prepare(model: Any) -> None:
    """`prepare_model_for_kbit_training` (PEFT 0.21.2, peft/utils/other.py), without the casts, which need values."""
    from peft import prepare_model_for_kbit_training

    with quiet():
        try:
            prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
        except (NotImplementedError, RuntimeError):  # an operation that the meta device lacks
            for parameter in model.parameters():
                parameter.requires_grad = False


def _set(model: Any, selection: Selection, trainable: bool) -> None:
    """Sets `requires_grad` of the selected parameters; of none where the selection cannot be read."""
    fragments = selection.names if isinstance(selection, events.Fragments) else ()
    ways = (events.INPUT_EMBEDDINGS, events.OUTPUT_EMBEDDINGS)
    layers = (getattr(model, way.removesuffix("()"))() for way in ways if way in fragments)
    meant = {id(parameter) for layer in layers if layer is not None for parameter in layer.parameters()}
    for name, parameter in model.named_parameters():
        named = id(parameter) in meant or any(fragment in name for fragment in fragments)
        if named or selection is events.Selected.ALL:
            parameter.requires_grad = trainable


def freeze_all_but(model: Any, patterns: Iterable[str]) -> None:
    """What axolotl does with `unfrozen_parameters` (0.19.0, utils/freeze.py): dots stand for themselves unless a `+`
    follows, a range at the end selects rows, and a pattern matches from the start of a name. Raises Skip for a pattern
    that does not compile, or takes too long to match."""
    try:
        wanted = [
            compiled(re.sub(r"\.(?!\+)", r"\.", re.sub(r"\[\d*:\d*\]$", "", pattern)), pattern) for pattern in patterns
        ]
        for name, parameter in model.named_parameters():
            parameter.requires_grad = any(pattern.match(name) for pattern in wanted)
    except TooSlow as slow:
        raise Skip(str(slow)) from None
    except re.error as error:
        raise Skip(f"a pattern of `unfrozen_parameters` is not a regular expression: {error}") from None
