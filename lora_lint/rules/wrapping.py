"""LL405, LL409, LL411, LL412, LL413: how the adapter is added to the model."""

from __future__ import annotations

from lora_lint.finding import Finding, Fix, Move, Related, Through
from lora_lint.knowledge import versions
from lora_lint.rules.changes import put
from lora_lint.rules.coverage import tower_of
from lora_lint.rules.reached import cases_of, resolved_of, sureness
from lora_lint.rules.tokens import embeddings_may_train
from lora_lint.rules.words import happening, least, plural, resting
from lora_lint.run.events import (
    EnableCheckpointing,
    EnableInputGrads,
    Freeze,
    Load,
    LoadAdapter,
    PrepareKbit,
    PutOn,
    SetWeights,
    TakeOff,
    Wrap,
)
from lora_lint.run.values import Known, alternatives, always, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from lora_lint.finding import Level
    from lora_lint.run.run import Run
    from lora_lint.run.versions import Pin

_PLAIN = frozenset({"Trainer", "Seq2SeqTrainer"})
"""Trainers that do not prepare the model themselves."""
_WRAPS_ITSELF = "SFTTrainer"
"""TRL's trainer, which prepares a model only where it adds the adapter itself (TRL 0.9.6 to 1.16)."""
_PREPARED = (PrepareKbit, EnableInputGrads, EnableCheckpointing)
"""Calls that do k-bit preparation, entirely or in part."""
_PREPARE = "prepare_model_for_kbit_training"
_TRL = frozenset(
    {
        "SFTTrainer",
        "DPOTrainer",
        "KTOTrainer",
        "GRPOTrainer",
        "RLOOTrainer",
        "RewardTrainer",
        "ORPOTrainer",
        "CPOTrainer",
    }
)

_NEVER_CHECKPOINTED = frozenset({"gpt_bigcode"})
"""Models whose layers transformers 4.54 to 4.57 runs without checkpointing, whatever is set (their modeling files have
no GradientCheckpointingLayer)."""
_MERGING = frozenset({"DPOTrainer", "KTOTrainer", "ORPOTrainer", "CPOTrainer"})
"""Trainers that merged a model's adapter in all versions before they rejected it."""


def kbit_prepare_missing(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL405"""
    bits = known(run.model.quantization)
    if not run.framework.direct or bits not in ("4bit", "8bit"):
        return
    if run.trained is not True or any(isinstance(event, _PREPARED) for event in run.events):
        return
    wrap = next((event for event in run.events if isinstance(event, PutOn)), None)
    if not isinstance(wrap, Wrap) or run.model.edited or any(isinstance(event, Freeze) for event in run.events):
        return
    if run.changeable:
        return  # a function that is not followed may prepare it
    training = run.training
    wraps = any(isinstance(event, Wrap) and event.span == training.span for event in run.events)
    by_hand = training.trainer == _WRAPS_ITSELF and not wraps
    if not (training.by_hand or training.trainer in _PLAIN or by_hand):
        return
    off = " and gradient checkpointing is off, which costs stability and memory"
    if _checkpoints(run):
        off = ", which costs stability"
    message = (
        f"The model is loaded in {bits.removesuffix('bit')} bits and wrapped without "
        f"`prepare_model_for_kbit_training`: its norms and its output layer stay in half precision{off}. Call "
        "`model = prepare_model_for_kbit_training(model)` before `get_peft_model`"
    )
    related = tuple(
        Related(value.span, f"the model is loaded in {bits.removesuffix('bit')} bits")
        for value in alternatives(run.model.quantization)
        if value.span is not None and value.span != wrap.span
    )
    fix = Fix("unsafe", f"Call {_PREPARE} on the model", (Through(wrap.span, _PREPARE),))
    # A loader may use the quantization under a condition that is not followed.
    confidence = least("likely", happening(wrap, flagged="possible"))
    yield Finding("LL405", message, wrap.span, confidence, None, related, fix)


def wrap_then_load(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL409"""
    first: PutOn | None = None
    for event in run.events:
        if isinstance(event, TakeOff):
            first = None
        elif isinstance(event, PutOn):
            if first is not None and isinstance(event, LoadAdapter) and event.wrapped:
                pin = run.before("peft", versions.MISSING_KEYS_TOLD)
                told = "a warning names the missing keys"
                if pin is not None:
                    told = f"PEFT before {versions.named(versions.MISSING_KEYS_TOLD)} does not warn: {pin}"
                message = (
                    "The adapter is loaded onto a model that already has one: PEFT wraps the model again, the names in "
                    f"the checkpoint no longer match, and its weights are not loaded ({told}; the adapter starts from "
                    "scratch). Load it onto the base model, `merge_and_unload()` the first adapter before, or add a "
                    "second one with `model.load_adapter(…)`"
                )
                # Where only loading depends on a condition, it always meets the first adapter.
                confidence = happening(first, event, flagged="likely" if first.flag is None else "possible")
                related = (Related(first.span, "the first adapter is added here"),)
                yield Finding("LL409", message, event.span, confidence, None, related)
                return
            first = event


def input_grads_missing(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL411"""
    pin = run.before("transformers", versions.CHECKPOINTS_NOT_REENTRANT)
    if pin is None or run.trained is not True:
        return
    yield from _in_a_tower(run, pin)
    if any(isinstance(event, PrepareKbit | EnableInputGrads) for event in run.events) or embeddings_may_train(run):
        return
    if run.training.by_hand:
        yield from _enabled_after_the_wrap(run, pin)
    elif run.training.trainer in _PLAIN or _leaves_the_model(run):
        yield from _enabled_by_the_trainer(run, pin)


def _leaves_the_model(run: Run) -> bool:
    """Whether a trainer of an old TRL makes inputs require gradients nowhere, or only where it adds the adapter itself,
    which it does not here."""
    trainer = run.training.trainer or ""
    of_any, of_wrapped = (
        (since := found.get(trainer)) is not None and run.before("trl", since) is not None
        for found in (versions.MODELS_GET_INPUT_GRADIENTS, versions.WRAPPED_MODELS_GET_INPUT_GRADIENTS)
    )
    put_on = any(isinstance(event, PutOn) and event.span == run.training.span for event in run.events)
    return of_any or (of_wrapped and not put_on)


def _checkpoints(run: Run) -> bool:
    """Whether the trainer checkpoints activations: by its arguments, or by the default of the TRL that the project
    pins."""
    given = run.training.checkpointing
    by_default = isinstance(given, Known) and given.origin == "framework-default"
    return always(given, True) and not (by_default and run.before("trl", versions.CHECKPOINTED_BY_DEFAULT))


def _in_a_tower(run: Run, pin: Pin) -> Iterator[Finding]:
    """Adapted layers of a vision tower, whose input is an image: no call makes that require a gradient."""
    training, enabled = run.training, False
    for event in run.events:
        enabled = enabled or (isinstance(event, EnableCheckpointing) and event.reentrant)
        if isinstance(event, EnableInputGrads) and event.hooked:
            return  # perhaps on the patches
    by_trainer = training.reentrant and _checkpoints(run)
    if not run.framework.direct or not (enabled or by_trainer):
        return
    resolved, cases = cases_of(run)
    inside = [[record.path for record in case.match.modules if tower_of(record.path)] for case in cases]
    if not inside or not all(inside):
        return
    message = (
        f"{plural(len(inside[0]), 'adapted layer')} of the vision tower get no gradient: gradient checkpointing is "
        f"reentrant in transformers before 5 ({pin}), the pixels require none, and `enable_input_require_grads()` is "
        'for the text embeddings alone. Set `gradient_checkpointing_kwargs={"use_reentrant": False}`'
    )
    doubt = least("likely", sureness(run, resolved))
    yield resting("LL411", message, run.adapter.target_modules, otherwise=run.adapter.span, doubt=doubt)


def _enabled_by_the_trainer(run: Run, pin: Pin) -> Iterator[Finding]:
    """The trainer enables checkpointing when it starts, long after the wrap."""
    training = run.training
    put_on = next((event for event in run.events if isinstance(event, PutOn)), None)
    before = any(isinstance(event, EnableCheckpointing) for event in run.events)
    if put_on is None or before or not training.reentrant or not _checkpoints(run):
        return
    if isinstance(put_on, Wrap) and put_on.integrated:
        return  # transformers' own `add_adapter`, which makes the inputs require gradients
    models = {case.model.model_type for case in resolved_of(run).cases}
    if not models.isdisjoint(_NEVER_CHECKPOINTED):
        return
    message = (
        "The first `backward()` raises a RuntimeError (element 0 of tensors does not require grad): "
        f"{training.trainer} enables gradient checkpointing when it starts, which is reentrant in transformers before "
        f"5 ({pin}), and as the embeddings are frozen, no input of a layer requires a gradient. Call "
        "`model.enable_input_require_grads()` before the training, or set "
        '`gradient_checkpointing_kwargs={"use_reentrant": False}`'
    )
    related = (Related(put_on.span, "the adapter is added here"),)
    # A model that is not known may ignore the setting, as GPTBigCode does.
    doubt = least("certain" if models else "likely", happening(put_on, flagged="possible"))
    yield resting("LL411", message, training.checkpointing, otherwise=run.span, doubt=doubt, related=related)


def _enabled_after_the_wrap(run: Run, pin: Pin) -> Iterator[Finding]:
    """The program itself enables checkpointing on the wrapped model."""
    wrap: Wrap | None = None
    for event in run.events:
        if isinstance(event, Wrap | Load):
            wrap = event if isinstance(event, Wrap) else None
        elif isinstance(event, EnableCheckpointing) and event.reentrant and wrap is not None:
            message = (
                "The first `backward()` raises a RuntimeError (element 0 of tensors does not require grad): "
                "`gradient_checkpointing_enable` comes after the wrap, it is reentrant in transformers before 5 "
                f"({pin}), and as the embeddings are frozen, no input of a layer requires a gradient. Call it before "
                "the adapter is added, so that PEFT makes the inputs require gradients, or also call "
                "`model.enable_input_require_grads()`"
            )
            related = (Related(wrap.span, "the adapter is added here"),)
            fix = Fix("unsafe", "Enable checkpointing before the wrap", (Move(event.span, wrap.span),))
            confidence = least("likely", happening(event, wrap, flagged="possible"))
            yield Finding("LL411", message, event.span, confidence, None, related, fix)
            return


def adapter_config_twice(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL412"""
    training = run.training
    if training.trainer not in _TRL or training.span is None or not run.framework.direct:
        return
    if run.before("trl", versions.DPO_MERGES_ADAPTER) is not None:
        return  # DPOTrainer puts the new adapter on the PeftModel
    first: PutOn | None = None
    for event in run.events:
        if isinstance(event, TakeOff):
            first = None
        elif isinstance(event, PutOn):
            if first is not None and first.span == event.span:
                continue  # the other config that one call may get
            # TRL checks the object: a base model with an adapter inside is not a PeftModel, and is wrapped again.
            if first is not None and isinstance(event, Wrap) and event.wrapped and event.span == training.span:
                does, level = _of_two_adapters(run, fresh=isinstance(first, Wrap))
                message = (
                    f"`{training.trainer}` gets `peft_config` and a model that already has an adapter: {does}. Remove "
                    "`peft_config`, or pass the plain model with it"
                )
                confidence = least("likely", happening(first, event, flagged="possible"))
                related = (Related(first.span, "the adapter is added here"),)
                yield Finding("LL412", message, event.span, confidence, level, related)
                return
            first = event
    yield from _head_targeted(run)


def _of_two_adapters(run: Run, fresh: bool) -> tuple[str, Level | None]:
    """What TRL does with a PeftModel and `peft_config`, and the level of the finding; `fresh`: the model's adapter is
    new."""
    pin = run.before("trl", versions.TWO_ADAPTERS_REFUSED)
    if pin is None:
        return (
            "TRL raises a ValueError once everything is loaded (before 0.27 it ignored the config or merged the "
            "adapter)",
            None,
        )
    old, trainer = f"TRL before 0.27 ({pin})", run.training.trainer
    level: Level = "advice" if fresh else "warning"
    aside = versions.TWO_ADAPTERS_LEFT_ASIDE.get(trainer or "")
    if aside is not None and run.before("trl", aside) is not None:
        return f"{old} ignores the config and trains the model's own adapter; 0.27 raises a ValueError", "advice"
    if trainer in _MERGING or run.before("trl", versions.TWO_ADAPTERS_MERGED) is None:
        if fresh:
            return f"{old} merges the model's adapter, which has no effect yet, and trains a new one", level
        lost = "the first one is then part of the base model, which is not saved"
        return f"{old} merges the model's adapter and trains a new one: {lost}", level
    return f"{old} wraps the model again and starts with a new adapter", level


def _head_targeted(run: Run) -> Iterable[Finding]:
    """SFTTrainer multiplies by the head's weight itself, bypassing an adapter on it (TRL 1.16)."""
    if run.training.trainer != "SFTTrainer" or run.trained is not True:
        return
    if run.before("trl", versions.HEAD_ADAPTER_REFUSED) is not None:
        return
    for targets in alternatives(run.adapter.target_modules)[:1]:
        if isinstance(targets.value, tuple) and "lm_head" in targets.value:
            message = (
                f"`{run.adapter.key('target_modules')}` names `lm_head`: SFTTrainer (TRL 1.16) computes the loss from "
                "the head's weight itself, bypassing the adapter, and raises a ValueError once the model is loaded. "
                f"Remove it, or name it in `{run.adapter.key('modules_to_save')}`"
            )
            yield resting("LL412", message, targets, otherwise=run.adapter.span, doubt="likely")


def identity_init_off(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL413"""
    adapter = run.adapter
    if run.trained is not True or not always(adapter.init_lora_weights, False):
        return
    if any(isinstance(event, LoadAdapter | SetWeights) for event in run.events):
        return
    key = adapter.key("init_lora_weights")
    message = (
        f"`{key}=False` leaves lora_B random, so training starts from a damaged base model and first has to undo that. "
        f"PEFT has the switch for its own tests. Remove `{key}`"
    )
    fix = Fix("unsafe", f"Set {key} to True", put(adapter, "init_lora_weights", True))
    yield resting("LL413", message, adapter.init_lora_weights, otherwise=adapter.span, fix=fix)
