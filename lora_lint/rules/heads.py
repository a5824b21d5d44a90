"""LL406, LL418, LL803: heads and other copies that train badly or not at all, and task types that do not fit."""

from __future__ import annotations

import re

from lora_lint.finding import Finding, Fix, Related, Write
from lora_lint.knowledge import versions
from lora_lint.rules.changes import drop, put
from lora_lint.rules.reached import cases_of, model_place, sureness
from lora_lint.rules.trainability import thaws_unseen, unfrozen
from lora_lint.rules.words import least, names, resting
from lora_lint.run.events import (
    Cast,
    Freeze,
    LoadAdapter,
    PrepareKbit,
    PutOn,
    SetRequiresGrad,
    SetWeights,
    Train,
    Unfreeze,
    Wrap,
)
from lora_lint.run.values import ABSENT, Known, alternatives, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from lora_lint.finding import Confidence
    from lora_lint.knowledge.resolve import Case
    from lora_lint.run.run import Run

_TASKS = {"seq-cls": "SEQ_CLS", "token-cls": "TOKEN_CLS"}
_BY_HAND = frozenset({"image-cls", "audio-cls", "video-cls"})
"""Heads of classifiers for which PEFT has no task type."""
SAVED_BY_TASK = {
    "SEQ_CLS": ("classifier", "score"),
    "TOKEN_CLS": ("classifier", "score"),
    "QUESTION_ANS": ("qa_outputs",),
}
"""The modules that a task type trains in full and saves (PEFT 0.21.2, peft_model.py), by the ends of their paths."""
_OF_NO_HEAD = (None, "FEATURE_EXTRACTION")
_GENERATE = frozenset({"CAUSAL_LM", "SEQ_2_SEQ_LM"})
_SILENT = {"base": "Model", "qa": "ForQuestionAnswering", "masked-lm": "ForMaskedLM"}
"""Heads of other models that do not generate, and how the names of their classes end: `AutoModel` of Llama 4 does."""
_HEADS = frozenset({"score", "classifier", "classification_head", "cls"})
_OF_TIMM = ("head", "heads", "fc", "classifier", "head.fc", "head_dist")
FINE_TUNED = (
    r"(?i)mnli|nli\b|sst|squad|conll|emotion|sentiment|toxic|reward|\brm\b|fine-?tuned|zero-?shot|cross-encoder"
    r"|rerank|classif"
)
"""In the names of checkpoints that have a trained head."""
_BASES = (
    r"(?:(?:google|google-bert|FacebookAI|facebook|microsoft|distilbert|albert|openai-community|meta-llama|mistralai|"
    r"Qwen|EleutherAI|answerdotai|xlnet|allenai|bigscience|tiiuae|almanach)/)?[\w.-]+"
)
"""Names of models on the hub that their makers publish: without an owner, or those of makers of base models."""
_HALF = frozenset({"float16", "half"})
_NO_INPUT_IDS = frozenset({"whisper", "speech_to_text"})
"""Models whose `forward` takes no `input_ids` (transformers 5.23.0)."""


def classifier_head_frozen(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL406"""
    from lora_lint.knowledge.architectures import head_for

    adapter = run.adapter
    if run.trained is not True or not run.framework.direct or run.model.edited:
        return
    if not isinstance(adapter.task_type, Known) or not isinstance(adapter.modules_to_save, Known):
        return
    if any(isinstance(event, Unfreeze) for event in run.events) or thaws_unseen(run) or _may_be_trained_before(run):
        return
    saved = adapter.modules_to_save.value or ()
    head = head_for(run.model.loader)
    if run.model.loader == "timm.create_model":
        yield from _of_timm(run, saved)
    elif head in _TASKS and _put_on_by_model(run):
        yield from _of_a_class(run, saved)
    elif head in _BY_HAND:
        if not (isinstance(run.model.labels, Known) and run.model.labels.value is None):  # the checkpoint's own head
            yield from _of_a_class(run, saved)
    elif head in _TASKS and adapter.task_type.value in _OF_NO_HEAD:
        yield from _untold(run, saved, _TASKS[head])
    elif head in _TASKS and adapter.task_type.value in SAVED_BY_TASK:
        yield from _frozen_again(run)
        yield from _of_a_class(run, saved)


def _may_be_trained_before(run: Run) -> bool:
    """Whether the head may have been trained, or its weights loaded, before the adapter was put on."""
    wrap = next((number for number, event in enumerate(run.events) if isinstance(event, PutOn)), 0)
    return any(isinstance(event, Train | SetWeights) for event in run.events[:wrap]) or any(
        isinstance(event, SetRequiresGrad) and event.adapters is None for event in run.events[wrap:]
    )


def _put_on_by_model(run: Run) -> bool:
    """Whether transformers' own `add_adapter` puts the adapter on, which does not look at the task type."""
    return any(isinstance(event, Wrap) and event.integrated for event in run.events)


def _untold(run: Run, saved: tuple[str, ...], task: str) -> Iterator[Finding]:
    """A head that neither a task type nor a name makes PEFT train."""
    adapter = run.adapter
    patterns = [each.value for each in alternatives(adapter.target_modules) if isinstance(each.value, str)]
    if any(part in name for name in (*saved, *patterns) for part in _HEADS):
        return
    if any(_has_a_head(str(name.value)) for name in alternatives(run.model.name)):
        return  # which may be meant to stay
    key = adapter.key("task_type")
    targets = [name for each in alternatives(adapter.target_modules) for name in each.value or ()]
    aimed = [name for name in dict.fromkeys(targets) if any(part in name for part in _HEADS)]
    if aimed:
        has = (
            f"The model has a classification head, and the adapter adapts {names(aimed)} without a `{key}` that saves "
            "it: the head itself is not saved, and reloading puts the adapter on a newly initialised one"
        )
    else:
        told = "has no `{}`" if known(adapter.task_type) is None else "has the `{}` FEATURE_EXTRACTION"
        lost = "" if run.saves_otherwise else " and does not save it"
        has = (
            f"The model has a classification head, and the adapter {told.format(key)}: PEFT freezes the head with the "
            f"base model{lost}. A new head stays random"
        )
    message = f'{has}. `{key}="{task}"` trains and saves it (or name it in `{adapter.key("modules_to_save")}`)'
    fix = Fix("unsafe", f'Add {key}="{task}"', put(adapter, "task_type", task))
    # The checkpoint's own head may be intended to stay unchanged.
    sure: Confidence = "certain" if not aimed and _lacks_a_head(run) else "likely"
    yield Finding("LL406", message, adapter.span, sure, None, (), fix)


def _has_a_head(name: str) -> bool:
    """Whether a model of the hub has a trained head by its name; a folder may be called anything."""
    return re.fullmatch(r"[\w-][\w.-]*(?:/[\w.-]+)?", name) is not None and re.search(FINE_TUNED, name) is not None


def _lacks_a_head(run: Run) -> bool:
    """Whether the checkpoint is a published base model, which has no head for classes of its own."""
    called = [str(name.value) for name in alternatives(run.model.name)]
    return bool(called) and all(re.fullmatch(_BASES, name) and not re.search(FINE_TUNED, name) for name in called)


def _of_a_class(run: Run, saved: tuple[str, ...]) -> Iterator[Finding]:
    """Parts of a known model's head that are neither trained nor saved."""
    adapter = run.adapter
    if any(re.search(FINE_TUNED, str(name.value)) for name in alternatives(run.model.name)):
        return
    resolved, cases = cases_of(run)
    if not cases or not all(case.sure_head for case in cases):
        return
    task = adapter.task_type.value if isinstance(adapter.task_type, Known) else None
    by_task = () if _put_on_by_model(run) else SAVED_BY_TASK.get(task or "", ())
    kept = (*saved, *by_task)
    left = [_left_frozen(case, kept) for case in cases]
    if not all(left):
        return
    case, parts = cases[0], left[0]
    key, many = adapter.key("modules_to_save"), len(parts) > 1
    by = f" in addition to what `{task}` saves" if by_task else ""
    if task in SAVED_BY_TASK and not by_task:
        by = f", and `add_adapter` ignores `{task}`"
    is_part, it = ("are parts", "them") if many else ("is a part", "it")
    lost = f" and does not save {it}, so a reloaded model gives different answers"
    message = (
        f"{names(parts)} of {case.built.architecture.class_name} {is_part} of the head that this checkpoint does not "
        f"have{by}: PEFT freezes {it} at random values{'' if run.saves_otherwise else lost}. Name {it} in `{key}`"
    )
    fix = Fix("unsafe", f"Name {names(parts)} in {key}", put(adapter, "modules_to_save", (*saved, *parts)))
    yield resting(
        *("LL406", message, adapter.modules_to_save),
        otherwise=adapter.span,
        doubt=least("likely", sureness(run, resolved)),
        related=model_place(run, case.name, case.model),
        fix=fix,
    )


def _left_frozen(case: Case, saved: tuple[str, ...]) -> list[str]:
    """The modules outside the backbone that hold weights and are not in a saved module."""
    prefix = case.built.architecture.prefix
    left: dict[str, None] = {}
    for module in case.modules if prefix else ():
        path = module.path
        if not path or module.own == 0 or path == prefix or path.startswith(f"{prefix}."):
            continue
        parts = path.split(".")
        above = [".".join(parts[: number + 1]) for number in range(len(parts))]
        if not any(each.endswith(saved) for each in above):
            left[parts[0]] = None
    return list(left)


def _frozen_again(run: Run) -> Iterator[Finding]:
    """A loop after the wrap that freezes everything except LoRA, including the copy of the head."""
    wrap: PutOn | None = None
    frozen: Freeze | None = None
    for event in run.events:
        if isinstance(event, PutOn):
            wrap, frozen = event, None
        elif isinstance(event, Freeze) and isinstance(wrap, Wrap) and event.flag is None:
            if event.spares and all("lora" in name.lower() for name in event.spares):
                frozen = event
        elif isinstance(event, Train) and frozen is not None and wrap is not None:
            message = (
                f"This freezes every parameter whose name does not contain {names(frozen.spares)}, including the copy "
                f"of the classification head that PEFT trains because of `{run.adapter.key('task_type')}`: a new head "
                "stays random. Remove it, because PEFT freezes the base model itself"
            )
            related = (Related(wrap.span, "the adapter is added here"),)
            yield Finding("LL406", message, frozen.span, "certain", None, related)
            return


def _of_timm(run: Run, saved: tuple[str, ...]) -> Iterator[Finding]:
    """The new head that timm gives a model for a number of classes."""
    classes = known(run.model.labels)
    if not classes or known(run.adapter.task_type) not in _OF_NO_HEAD:
        return
    if any(name.split(".")[-1] in _OF_TIMM or name in _OF_TIMM for name in saved):
        return
    key = run.adapter.key("modules_to_save")
    message = (
        f"timm gives this model a new head for {classes:,} classes, and `{key}` does not name it: PEFT freezes it at "
        f"random values and does not save it. Add it there (`head`, `fc` or `classifier`, as the model calls it)"
    )
    yield resting("LL406", message, run.adapter.modules_to_save, otherwise=run.adapter.span, doubt="likely")


def wrong_task_type(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL418"""
    from lora_lint.knowledge.architectures import class_of, head_for

    adapter, task = run.adapter, known(run.adapter.task_type)
    if run.trained is False or task is None or not run.framework.direct or _put_on_by_model(run):
        return
    loader = run.model.loader or ""
    head, key = head_for(loader), adapter.key("task_type")
    if task in _GENERATE and (head in _TASKS or head in _BY_HAND) and not run.model.remote_code:
        yield _on_a_classifier(run, loader, task)
        return
    if task in _GENERATE and head in _SILENT and not run.model.remote_code:
        yield from _without_a_language_head(run, loader, task)
        return
    known_class = class_of(loader.rpartition(".")[2]) if head == "speech-seq2seq" else None
    named = [str(each.value).lower() for each in alternatives(run.model.name)]
    whisper = loader == "AutoModelForSpeechSeq2Seq" and bool(named) and all("whisper" in name for name in named)
    heard = known_class is not None and known_class[0] in _NO_INPUT_IDS
    if task in (*_GENERATE, *SAVED_BY_TASK) and (heard or whisper):
        message = (
            f"`{key}={task}` makes PEFT pass `input_ids` to the model, but {loader} takes `input_features`: the first "
            f"step raises a TypeError. Leave `{key}` out"
        )
        fix = Fix("unsafe", f"Leave {key} out", drop(adapter, "task_type"))
        yield resting("LL418", message, adapter.task_type, otherwise=adapter.span, fix=fix)


def _on_a_classifier(run: Run, loader: str, task: str) -> Finding:
    """A task type for models that generate on a classifier."""
    from lora_lint.knowledge.architectures import head_for

    adapter, key = run.adapter, run.adapter.key("task_type")
    meant = _TASKS.get(head_for(loader) or "")
    pin = run.kept_before("transformers", versions.CLASSIFIERS_DO_NOT_GENERATE)
    does = "get_peft_model raises an AttributeError, since a classifier has no `prepare_inputs_for_generation`"
    if pin is not None:
        old = versions.named(versions.CLASSIFIERS_DO_NOT_GENERATE)
        does = f"with transformers before {old} ({pin}) PEFT leaves the head frozen and does not save it"
    remedy = f'`{key}="{meant}"` trains and saves the head'
    if meant is None:
        remedy = f"Leave `{key}` out and name the head in `{adapter.key('modules_to_save')}`"
    message = f"`{key}={task}` is for models that generate, and {loader} loads a classifier: {does}. {remedy}"
    changes = put(adapter, "task_type", meant) if meant else ()
    fix = Fix("unsafe", f'Set {key} to "{meant}"', changes) if changes else None
    asked = run.before("transformers", versions.CLASSIFIERS_DO_NOT_GENERATE)
    doubt: Confidence = "certain" if asked is not None else "likely"  # an older release says nothing
    return resting("LL418", message, adapter.task_type, otherwise=adapter.span, doubt=doubt, fix=fix)


def _without_a_language_head(run: Run, loader: str, task: str) -> Iterator[Finding]:
    """A task type for models that generate on one that only encodes, fills in masks or marks answers."""
    from lora_lint.knowledge.architectures import head_for

    adapter, key, head = run.adapter, run.adapter.key("task_type"), head_for(loader) or ""
    resolved, cases = cases_of(run)
    if resolved.remote or not all(case.built.architecture.class_name.endswith(_SILENT[head]) for case in cases):
        return
    pin = run.kept_before("transformers", versions.CLASSIFIERS_DO_NOT_GENERATE)
    does = "get_peft_model raises an AttributeError, since that has no `prepare_inputs_for_generation`"
    if pin is not None:
        if head == "masked-lm":
            return
        does = f"the first step raises a TypeError, since PEFT passes `labels` to it, which it does not take ({pin})"
    message = (
        f"`{key}={task}` is for models that generate, and {loader} loads one without a language head: {does}. Leave "
        f"`{key}` out, or load the model with the head"
    )
    fix = Fix("unsafe", f"Leave {key} out", drop(adapter, "task_type"))
    doubt: Confidence = "certain" if cases and pin is not None else "likely"
    yield resting("LL418", message, adapter.task_type, otherwise=adapter.span, doubt=doubt, fix=fix)


def fp16_copies_trained(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL803"""
    from lora_lint.knowledge.architectures import head_for

    adapter, model = run.adapter, run.model
    types = [str(each.value).rpartition(".")[2] for each in alternatives(model.dtype)]
    whole = isinstance(model.quantization, Known) and model.quantization.value is None
    if run.trained is not True or not run.framework.direct or not types or not whole or run.model.edited:
        return
    if not all(each in _HALF for each in types) or run.launch.sharding is not ABSENT:
        return
    if any(isinstance(event, Cast | PrepareKbit | LoadAdapter) for event in run.events):
        return
    saved = [*dict.fromkeys(name for each in alternatives(adapter.modules_to_save) for name in each.value or ())]
    task = adapter.task_type.value if isinstance(adapter.task_type, Known) else None
    by_task = task in SAVED_BY_TASK and head_for(model.loader) in _TASKS
    thawed = next((part for part in unfrozen(run) if part.event.flag is None), None)
    if saved:
        what = f"the copies of {names(saved)} are"
    elif by_task:
        what = f"the copy of the head that `{task}` trains is"
    elif thawed is not None:
        what = "all parameters are" if thawed.names is None else f"the parameters named {names(thawed.names)} are"
    else:
        return
    message = (
        f"The base model is loaded in float16, and {what} trained in it too, while PEFT "
        "keeps the LoRA weights in float32: with `fp16=True` the GradScaler raises a ValueError in the first step "
        "(Attempting to unscale FP16 gradients), and without it the weights are ruined within a step or two, since "
        "Adam's second moments vanish in float16. Load the model in bfloat16 or float32"
    )
    changes = tuple(Write(each.span, "bfloat16") for each in alternatives(model.dtype) if each.span is not None)
    fix = Fix("unsafe", "Load the model in bfloat16", changes)
    related: tuple[Related, ...] = (Related(adapter.span, "these copies have the base model's dtype"),)
    if thawed is not None and not (saved or by_task):
        related = (Related(thawed.event.span, "they are made trainable here"),)
    yield resting("LL803", message, model.dtype, otherwise=run.span, doubt="likely", related=related, fix=fix)
