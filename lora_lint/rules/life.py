"""LL414 to LL417, LL419, LL604, LL605, LL608: an adapter between the wrap and the file that it is saved in."""

from __future__ import annotations

from lora_lint.finding import Add, Bind, Finding, Fix, Follow, Move, Related
from lora_lint.knowledge import versions
from lora_lint.knowledge.adapter_states import course, trains_nothing
from lora_lint.rules.trainability import thaws_unseen
from lora_lint.rules.words import happening, least, names, place, surety
from lora_lint.run.events import (
    AddBeside,
    Answer,
    Cast,
    EnableCheckpointing,
    EnableInputGrads,
    Freeze,
    Halve,
    Load,
    LoadAdapter,
    LoadBeside,
    MakeOptimizer,
    PrepareKbit,
    PutOn,
    Save,
    Selected,
    SetAdapter,
    SetWeights,
    TakeOff,
    Train,
    Unfreeze,
    Unwrap,
    Wrap,
)
from lora_lint.run.values import ABSENT, alternatives, always, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from lora_lint.finding import Confidence
    from lora_lint.knowledge.adapter_states import AdapterStates
    from lora_lint.run.events import Event
    from lora_lint.run.run import Run

NESTED = (
    "A PeftModel is wrapped in another one: a second adapter of the same name replaces the first, and all names are "
    "saved with `base_model.model` twice, so that nothing fits when the adapter is loaded. Call `get_peft_model` once, "
    "on the base model; to train a saved adapter further, load it with `is_trainable=True`"
)
"""What LL414 says of a model that is wrapped twice."""
RESET = (
    "The model already has this adapter, which is trained by now: `get_peft_model` initialises its weights again, and "
    "what is saved or asked next is untrained. Remove this call; the trainer's model has the adapter"
)
"""What LL414 says of a trained adapter that is added once more."""
_HERE = "the adapter is added here"
_TRAINED = "it is trained here"


def wrap_over_adapter(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL414"""
    if run.trained is False or run.method != "LoraConfig":
        return
    loaded: dict[str, LoadAdapter | LoadBeside] = {}
    put_on: Wrap | None = None
    trained: Train | None = None
    for number, (event, states) in enumerate(course(run.events, run.below("peft"))):
        loaded = {name: load for name, load in loaded.items() if name in states}
        if isinstance(event, LoadAdapter | LoadBeside):
            loaded |= dict.fromkeys(event.adapters or (), event)
        elif isinstance(event, Load | TakeOff):  # also where a flag decides, which is most often that of the load
            loaded, put_on, trained = {}, None, None
        elif isinstance(event, Train):
            trained = event if put_on is not None else None
        elif isinstance(event, Wrap) and not _harms_no_other(event, run):
            lost, later = [name for name in event.adapters or () if name in loaded], run.events[number + 1 :]
            if trained is not None and put_on is not None and _is_reset(put_on, event, later):
                related = (Related(trained.span, _TRAINED),)
                yield Finding("LL414", RESET, event.span, happening(event, trained), None, related)
                return
            if not loaded and put_on is not None and _is_nested(event, run, later):
                yield Finding("LL414", NESTED, event.span, "certain", None, (Related(put_on.span, _HERE),))
                return
            put_on = event if event.flag is None else None
            if not lost or any(isinstance(each, SetWeights) for each in later):
                continue
            load = loaded[lost[0]]
            if run.framework.refuses_second_adapter:
                does = (
                    f"{run.framework.title} raises a TypeError, or returns the model unchanged if all settings are "
                    "those of the adapter"
                )
                remedy = "Remove `get_peft_model` to continue training the loaded adapter"
            else:
                does = (
                    f"both are called `{lost[0]}`, and PEFT initialises its weights again in each layer that both "
                    "adapt, with a warning at most, so the loaded weights are lost"
                )
                remedy = (
                    "To continue with the loaded adapter, remove this and load it with `is_trainable=True`; for "
                    "another one, `merge_and_unload()` the first before, or name the new one with `model.add_adapter`"
                )
            message = f"The adapter is added to a model that already has a loaded one: {does}. {remedy}"
            related = (Related(load.span, "the first adapter is loaded here"),)
            yield Finding("LL414", message, event.span, _sure(event, load), None, related)
            return


def _is_reset(put_on: Wrap, wrap: Wrap, later: Sequence[Event]) -> bool:
    """Whether a trained adapter is added to the same base model once more, and then saved or asked untrained."""
    same = bool(set(put_on.adapters or ()) & set(wrap.adapters or ()))
    alone = wrap.flag is None and wrap.loop is None and not wrap.wrapped
    used = next((each for each in later if isinstance(each, Train | SetWeights | Load | TakeOff | Save | Answer)), None)
    return same and alone and isinstance(used, Save | Answer)


def _is_nested(wrap: Wrap, run: Run, later: Sequence[Event]) -> bool:
    """Whether a PeftModel is wrapped in another one, and its adapter is saved. LL408 reports the loops that do so."""
    saved = any(isinstance(event, Save) for event in later) or (run.trained is True and not run.training.by_hand)
    return (
        wrap.wrapped and wrap.flag is None and wrap.loop is None and saved and not run.framework.refuses_second_adapter
    )


def _harms_no_other(wrap: Wrap, run: Run) -> bool:
    """Whether an adapter is put on in a way that leaves a loaded one as it is."""
    return wrap.integrated or wrap.guarded or wrap.prompts or _of_the_trainer(wrap, run)


def _of_the_trainer(wrap: Wrap, run: Run) -> bool:
    """Whether a trainer gets a model with an adapter and a `peft_config`, which LL412 reports."""
    return wrap.wrapped and wrap.span == run.training.span


def _sure(event: Event, earlier: Event) -> Confidence:
    """The confidence that one thing happens after another; the first may be optional."""
    if event.flag is not None and event.flag != earlier.flag:
        return "possible"
    return "certain" if earlier.flag is None else "likely"


def adapter_not_active(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL415"""
    if run.trained is True:
        yield from _left_inactive(run)
        yield from _thawed_along(run)


def _left_inactive(run: Run) -> Iterator[Finding]:
    """Adapters that are added next to others for training, and are not active in any training that follows."""
    beside: dict[str, AddBeside | LoadBeside] = {}
    idle: dict[str, tuple[Train, AdapterStates]] = {}
    for event, states in course(run.events, run.below("peft")):
        for name in [name for name in beside if name not in states or states[name].active is not False]:
            del beside[name]
            idle.pop(name, None)
        if isinstance(event, Train):
            idle = {**dict.fromkeys(beside, (event, states)), **idle}
        elif isinstance(event, AddBeside | LoadBeside) and _meant_to_train(event, run):
            # An existing name is rejected, or gets other weights.
            beside |= {name: event for name in event.adapters or () if name not in states}
    for name, (train, states) in idle.items():
        put = beside[name]
        active = [other for other, state in states.items() if state.active and other]
        what = f"{names(active)} is trained" if active else "other adapters are trained"
        if trains_nothing(states):
            what = f"{names(active)} is frozen" if active else "other adapters are frozen"
        call = "add_adapter" if isinstance(put, AddBeside) else "load_adapter"
        became = "untrained" if isinstance(put, AddBeside) else "unchanged"
        message = (
            f"`{call}` adds `{name}` next to the active adapter, which stays active: {what}, and `{name}` is saved "
            f'{became}. Call `model.set_adapter("{name}")` before training'
        )
        fix = Fix("unsafe", f"Activate {name}", (Follow(put.span, "set_adapter", name),))
        confidence: Confidence = "certain" if put.flag is None and train.flag is None else "likely"
        yield Finding("LL415", message, put.span, confidence, None, (Related(train.span, _TRAINED),), fix)


def _meant_to_train(put: AddBeside | LoadBeside, run: Run) -> bool:
    """Whether an adapter is added next to others for training, and no code that is not followed may activate it."""
    if put.may_switch and not any(isinstance(event, SetAdapter) for event in run.events):
        return False
    return put.blend is None if isinstance(put, AddBeside) else always(put.trainable, True)


def _thawed_along(run: Run) -> Iterator[Finding]:
    """Adapters that were loaded frozen and that `set_adapter` makes trainable together with another one."""
    loaded: dict[str, Event] = {}
    thawed: dict[str, SetAdapter] = {}
    told: set[SetAdapter] = set()
    for event, states in course(run.events, run.below("peft")):
        if isinstance(event, LoadAdapter | LoadBeside) and always(event.trainable, False):
            loaded |= dict.fromkeys(event.adapters or (), event)
        elif isinstance(event, SetAdapter):
            thawed = {}
            if event.adapters and len(event.adapters) > 1 and event.flag is None and known(event.trainable):
                frozen = [name for name in event.adapters if name in loaded and _is_frozen(name, states)]
                if len(frozen) < len(event.adapters):
                    thawed = dict.fromkeys(frozen, event)
        elif isinstance(event, Train):
            for name, switch in thawed.items():
                if name not in states or not states[name].trainable or switch in told:
                    continue
                told.add(switch)
                message = (
                    f"`set_adapter` makes every adapter that it activates trainable, and `{name}` was loaded frozen: "
                    f'it now trains too. To keep it frozen but active, call `model.set_requires_grad("{name}", False)` '
                    "afterwards"
                )
                related = (Related(loaded[name].span, "it is loaded frozen here"), Related(event.span, _TRAINED))
                yield Finding("LL415", message, switch.span, "likely", None, related)


def _is_frozen(name: str, states: AdapterStates) -> bool:
    return name in states and states[name].trainable is False


def adapter_frozen_after_wrap(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL416"""
    if not run.framework.direct:
        yield from _frozen_by_framework(run)
    if run.trained is not True or thaws_unseen(run):
        return
    yield from _frozen_by_trainer(run)
    put_on: PutOn | None = None
    cause: Freeze | None = None
    for event, states in course(run.events, run.below("peft")):
        if not trains_nothing(states):
            cause = None
        if isinstance(event, PutOn):
            put_on = event
        elif isinstance(event, Freeze) and event.selection is Selected.ALL and states and not trains_nothing(states):
            cause = event
        elif isinstance(event, Train) and cause is not None and put_on is not None and trains_nothing(states):
            message = (
                "This freezes every parameter of the model, including the adapter's: nothing is trainable and nothing "
                "is learned. Remove it, because PEFT freezes the base model itself"
            )
            related = (Related(put_on.span, _HERE), Related(event.span, _TRAINED))
            confidence: Confidence = "certain" if put_on.flag is None and event.flag is None else "likely"
            yield Finding("LL416", message, cause.span, confidence, None, related)
            return


def _frozen_by_framework(run: Run) -> Iterator[Finding]:
    """A framework that freezes the part of a model that it has put an adapter on, the adapter included."""
    wrap = next((event for event in run.events if isinstance(event, Wrap)), None)
    freeze = next((event for event in run.events if isinstance(event, Freeze)), None)
    key = run.framework.other_keys.get("trainable")
    if wrap is None or freeze is None or key is None:
        return
    message = (
        f"{run.framework.title} freezes this encoder together with its adapter, unless `{key}: true` is set: nothing "
        f"of it is learned. Set `{key}: true`, which leaves the base model itself frozen"
    )
    fix = Fix("unsafe", f"Set {key}", (Add(freeze.span, key, True),))
    related = (Related(wrap.span, _HERE),)
    yield Finding("LL416", message, freeze.span, "likely", None, related, fix)


def _frozen_by_trainer(run: Run) -> Iterator[Finding]:
    """A quantized model with an adapter, which a trainer of an old TRL prepares once more."""
    trainer, pin = run.training.trainer or "", run.pins.get("trl")
    since, bits = versions.QUANTIZED_ADAPTERS_FROZEN.get(trainer), known(run.model.quantization)
    if pin is None or since is None or pin.lacks(since) or not pin.lacks(versions.QUANTIZED_ADAPTERS_KEPT):
        return
    if not run.framework.direct or bits not in ("4bit", "8bit") or run.launch.sharding is not ABSENT:
        return
    put_on: PutOn | None = None
    for event in run.events:
        if isinstance(event, Load | TakeOff):
            put_on = None
        elif isinstance(event, PutOn):
            put_on = None if event.span == run.training.span else event
        elif isinstance(event, Train) and put_on is not None:
            kept = versions.named(versions.QUANTIZED_ADAPTERS_KEPT)
            message = (
                f"{trainer} of TRL before {kept} ({pin}) prepares a quantized model that already has an adapter once "
                "more, which freezes the adapter: nothing is trainable and nothing is learned. Pass the plain model "
                f"with `peft_config`, or allow TRL {kept}"
            )
            related = (Related(put_on.span, _HERE),)
            yield Finding("LL416", message, event.span, least("likely", _sure(put_on, event)), None, related)
            return


def optimizer_before_wrap(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL417"""
    if run.trained is not True or not run.training.by_hand:
        return
    made: MakeOptimizer | None = None
    for number, event in enumerate(run.events):
        if isinstance(event, Load):
            made = None
        elif isinstance(event, MakeOptimizer):
            made = event if event.sure else None
        elif isinstance(event, PutOn) and made is not None and _only_it_trains(event, run.events[:number]):
            later = run.events[number + 1 :]
            if any(isinstance(other, MakeOptimizer | Unfreeze | TakeOff) for other in later):
                return
            train = next((other for other in later if isinstance(other, Train)), None)
            if train is None:
                return
            message = (
                "The optimizer is created before the adapter is added: it holds the parameters of the base model, "
                "which the wrap freezes, and none of the adapter's, so no step changes anything. Create it from the "
                "wrapped model's parameters"
            )
            related = (Related(event.span, _HERE), Related(train.span, _TRAINED))
            fix = Fix("unsafe", "Add the adapter first", (Move(event.span, made.span),))
            confidence = _sure(made, event) if made.flag is not None else _sure(event, made)
            if event.flag is not None and made.flag is None:
                confidence = "likely"
            yield Finding("LL417", message, made.span, confidence, None, related, fix)
            return


def _only_it_trains(put_on: PutOn, earlier: Sequence[Event]) -> bool:
    """Whether an adapter is added for training, and the base model was not trained before."""
    trains = isinstance(put_on, Wrap) or always(put_on.trainable, True)
    return trains and not any(isinstance(event, Train) for event in earlier)


def resume_of_add_adapter(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL419"""
    put_on: PutOn | None = None
    for event in run.events:
        if isinstance(event, PutOn):
            put_on = event
        elif isinstance(event, TakeOff):
            put_on = None
        elif isinstance(event, Train) and put_on is not None and put_on.integrated:
            found = _cannot_go_on(run, event, put_on)
            if found is not None:
                yield found
                return


_OF_TRANSFORMERS = ("Trainer", "Seq2SeqTrainer")
"""Trainers that look for the best checkpoint as transformers does; that of sentence-transformers logs an error."""


def _cannot_go_on(run: Run, train: Train, put_on: PutOn) -> Finding | None:
    """Why Trainer does not find the weights in its own checkpoints, if it needs them: to resume, or for the best."""
    related = (Related(put_on.span, _HERE),)
    doubt: Confidence = "certain" if put_on.flag is None and train.flag is None else "likely"
    cause = "transformers' own method has added the adapter, so that a checkpoint holds the adapter alone"
    if any(resumes.value for resumes in alternatives(train.resumes)):
        doubt = doubt if always(train.resumes, True) else "likely"
        message = (
            "Trainer cannot resume an adapter that transformers' own method has added: it saves the adapter alone, "
            "and looks for the weights of the whole model (ValueError: Can't find a checkpoint index). Add the "
            "adapter with PEFT's `get_peft_model`"
        )
        return Finding("LL419", message, train.span, least(doubt, surety(train.resumes)), None, related)
    best = run.training.loads_best
    if always(best, True) and run.training.trainer in _OF_TRANSFORMERS and run.launch.sharding is ABSENT:
        message = (
            "`load_best_model_at_end` raises a FileNotFoundError when the training ends (no pytorch_model.bin in the "
            f"best checkpoint): {cause}, and Trainer looks for the weights of the whole model. Add the adapter with "
            "PEFT's `get_peft_model`, or load the best checkpoint yourself"
        )
        at = place(best, otherwise=train.span)
        return Finding("LL419", message, at, least("likely", doubt, surety(best)), None, related)
    return None


def merge_result_dropped(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL604"""
    merge: Unwrap | None = None
    for event in run.events:
        if isinstance(event, Save) and event.as_merged:
            message = (
                "Nothing merges the adapter that is saved as merged: `save_pretrained` of a PeftModel writes the "
                "adapter alone, without any weights of the base model. Save what `merge_and_unload()` returns"
            )
            yield Finding("LL604", message, event.span, "likely")
            return
        if isinstance(event, PutOn | Load):
            merge = None
        elif isinstance(event, Unwrap):
            merge = event if event.merges and event.flag is None else None
        elif isinstance(event, Save) and event.wrapped and merge is not None:
            message = (
                "`merge_and_unload` returns the merged model and leaves the PeftModel without its adapter, but the "
                "PeftModel is saved: PEFT writes a file of 40 bytes without a tensor. Bind the result and save that"
            )
            related = (Related(event.span, "the PeftModel is saved here"),)
            fix = Fix("safe", "Bind the merged model", (Bind(merge.span),))
            yield Finding(
                "LL604", message, merge.span, "certain" if event.flag is None else "likely", None, related, fix
            )
            return


def compiled_before_wrap(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL605"""
    renamed = any(isinstance(each, Save) and each.gathered and not each.by_trainer for each in run.events)
    if run.trained is not True or renamed:
        return  # the names of what is saved are the program's own
    for event in run.events:
        if isinstance(event, PutOn) and event.compiled is not None:
            message = (
                "The adapter is added to the result of `torch.compile`: all its parameters are then called "
                "`_orig_mod.…`, so no name fits when the saved adapter is loaded onto the model itself, and nothing is "
                "loaded, with a warning at most. Compile the model after adding the adapter"
            )
            related = (Related(event.compiled, "the model is compiled here"),)
            fix = Fix("unsafe", "Add the adapter before compiling the model", (Move(event.span, event.compiled),))
            yield Finding(
                "LL605", message, event.span, "certain" if event.flag is None else "likely", None, related, fix
            )
            return


def untrained_adapter_evaluated(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL608"""
    if run.trained is not None or run.method != "LoraConfig":
        return
    fresh: Wrap | None = None
    for event in run.events:
        if isinstance(event, Load | Unwrap):
            fresh = None
        elif isinstance(event, Wrap) and fresh is None:
            start = known(event.made.init)
            starts_as_base = start is not None and start is not False
            fresh = event if starts_as_base and not (event.flag or event.guarded or event.prompts) else None
            if fresh is None:
                return
        elif isinstance(event, Answer) and fresh is not None and event.only:
            message = (
                "The answers are the base model's: the adapter is new, its `lora_B` is zero, and nothing in this "
                "program trains it or loads weights into it. Load the trained adapter with "
                "`PeftModel.from_pretrained(model, folder)`"
            )
            related = (Related(fresh.span, "the new adapter is added here"),)
            yield Finding("LL608", message, event.span, "likely", None, related)
            return
        elif not isinstance(event, Save | Answer | PrepareKbit | EnableCheckpointing | EnableInputGrads | Cast | Halve):
            return
