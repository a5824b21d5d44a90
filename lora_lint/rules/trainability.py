"""LL4xx: whether the intended parameters train, and only those."""

from __future__ import annotations

from lora_lint.finding import Add, Finding, Fix, Into, Move, Related
from lora_lint.knowledge import versions
from lora_lint.knowledge.adapter_states import UNNAMED, course, trains_nothing
from lora_lint.records import dataclass
from lora_lint.rules.changes import drop, giving_effect, put
from lora_lint.rules.words import happening, least, names, resting
from lora_lint.run.events import (
    INPUT_EMBEDDINGS,
    OUTPUT_EMBEDDINGS,
    AddBeside,
    DeleteAdapter,
    EnableAdapters,
    Fragments,
    Freeze,
    Load,
    LoadAdapter,
    LoadBeside,
    MakeOptimizer,
    MakeOtherOptimizer,
    PrepareKbit,
    Resize,
    Save,
    SaveMerged,
    Selected,
    SetAdapter,
    SetRequiresGrad,
    TakeOff,
    Train,
    Unfreeze,
    Unwrap,
    Wrap,
)
from lora_lint.run.values import Known, alternatives, always, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeAlias

    from lora_lint.finding import Confidence, Level
    from lora_lint.knowledge.adapter_states import AdapterStates
    from lora_lint.run.events import Event, Selection
    from lora_lint.run.run import LeftOut, Run
    from lora_lint.source import Span

_OWN = (
    "lora", "adapter", "modules_to_save", "magnitude_vector", "trainable_tokens", "token_adapter", "vera_", "hada_",
    "ia3", "lokr", "loha", "oft_", "boft", "vblora", "randlora", "prompt",
)  # fmt: skip
"""Fragments of the names of an adapter's own parameters."""
_INPUTS = frozenset({"embed_tokens", "wte", "embed_in", "word_embeddings", "shared", "tok_embeddings"})
_OUTPUTS = frozenset({"lm_head", "embed_out", "output", "proj_out", "output_layer"})
_EMBEDDINGS = frozenset(
    {INPUT_EMBEDDINGS, OUTPUT_EMBEDDINGS, "embed_tokens", "lm_head", "wte", "embed_in", "embed_out", "word_embeddings"}
)
_NAMES_OF: dict[str, frozenset[str]] = {INPUT_EMBEDDINGS: _INPUTS, OUTPUT_EMBEDDINGS: _OUTPUTS}
"""What models name the modules that these methods return."""
_SAVE_ADAPTERS = (
    None, "Trainer", "Seq2SeqTrainer", "SFTTrainer", "DPOTrainer", "KTOTrainer", "ORPOTrainer",
    "GRPOTrainer", "RewardTrainer",
)  # fmt: skip
"""Trainers that save only the adapter of a wrapped model; the program's own class may save more."""
_PUTS_ADAPTERS_ON = (
    "SFTTrainer", "DPOTrainer", "KTOTrainer", "ORPOTrainer", "GRPOTrainer", "RewardTrainer", "RLOOTrainer",
)  # fmt: skip
"""Trainers that take the config themselves."""
_GONE = (Unwrap, DeleteAdapter)
"""After these the model has no adapter."""


def base_params_trainable(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL401"""
    if run.left_out is not None:
        yield _without_adapter(run, run.left_out)
    if run.trained is False:
        return
    yield from _unfrozen_by_events(run)
    yield from _unfrozen_by_patterns(run)
    yield from _biases(run)


def _without_adapter(run: Run, left: LeftOut) -> Finding:
    """The config is made, and the trainer gets the bare model."""
    remedy = f"`peft_config` of {left.trainer}" if left.trainer in _PUTS_ADAPTERS_ON else "`get_peft_model`"
    message = (
        f"Nothing uses this config: {left.trainer} gets the model without an adapter, so every parameter of the model "
        f"trains, which needs the memory of full fine-tuning. Pass it to {remedy}"
    )
    related = (Related(left.span, "the model is trained here"),)
    return Finding("LL401", message, run.span, "likely", related=related)


def _unfrozen_by_events(run: Run) -> Iterator[Finding]:
    for part in unfrozen(run):
        event, foreign = part.event, part.names
        if part.save is not None or part.kept or (foreign is not None and run.saves_otherwise):
            continue  # LL410's, or the program keeps what these parts learn
        if foreign is not None and not _is_used(run):
            continue  # another model, of which this one is a part, may be trained and saved whole
        if foreign is None and event.asked:
            continue  # an option for full fine-tuning, which is off by default
        what = "all parameters" if foreign is None else _mention_of(foreign)
        if event.flag is not None:
            what = f"{what} (if `{event.flag}`)"
        harm = (
            "the whole model trains, which needs the memory of full fine-tuning,"
            if foreign is None
            else "these parts of the base model train with the adapter,"
        )
        message = (
            f"This makes {what} trainable after the adapter is added: {harm} and `save_pretrained` saves nothing "
            "outside the adapter. "
            + (
                "Remove it: PEFT has already made the adapter's own parameters trainable"
                if foreign is None
                else _by_name(run, "Name these modules in `{}` instead, or save them yourself", "Save them yourself")
            )
        )
        level: Level | None = "warning" if event.flag is not None and foreign is not None else None
        related = (Related(part.wrap.span, "the adapter is added here"),)
        yield Finding("LL401", message, event.span, happening(event), level, related)


def _is_used(run: Run) -> bool:
    """Whether the program is known to train this very model, or to save it."""
    return run.training.trainer is not None or any(isinstance(event, Train | Save) for event in run.events)


def unfrozen_not_saved(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL410"""
    yield from _left_by_merge(run)
    if run.trained is False:
        return
    for part in unfrozen(run):
        event = part.event
        if part.save is None:
            continue
        when = "" if event.flag is None else f" (if `{event.flag}`)"
        message = (
            f"This makes {_mention_of(part.names or ())} trainable by hand{when}, but only the adapter "
            "is saved: PEFT writes the adapter's own parameters, so what these parts learn is lost. "
            + _by_name(run, "Name the modules in `{}`, which trains and saves them", "Save them too")
        )
        related = (
            Related(part.save.span, "only the adapter is saved here"),
            Related(part.wrap.span, "the adapter is added here"),
        )
        yield Finding("LL410", message, event.span, happening(event, part.save), None, related)


def _left_by_merge(run: Run) -> Iterator[Finding]:
    """Modules that are trained whole, and rows of added tokens, where a loader's own merge writes LoRA's part alone."""
    merge = next((event for event in run.events if isinstance(event, SaveMerged)), None)
    since, until = versions.MERGES_LORA_ALONE
    pin = run.before(run.framework.name, until)
    if merge is None or pin is None or run.before(run.framework.name, since) is not None:
        return
    saved = known(run.adapter.modules_to_save) or ()
    targets = known(run.adapter.target_modules)
    whole = [name for name in (*saved, *(targets if isinstance(targets, tuple) else ())) if _is_end(name)]
    lost = [f"what {names(dict.fromkeys((*saved, *whole)))} learned"] if saved or whole else []
    lost += ["the rows of added tokens"] if any(isinstance(event, Resize) for event in run.events) else []
    if lost:
        message = (
            f"The merged model is written without {' and '.join(lost)}: {run.framework.title} before "
            f"{versions.named(until)} ({pin}) takes the files of the base model, and adds the products of LoRA alone. "
            "Require a newer release, or load the adapter with PEFT on the base model in 16 bits and use "
            "`merge_and_unload`"
        )
        yield Finding("LL410", message, merge.span, least("likely", happening(merge)), "error")


def _is_end(name: str) -> bool:
    """Whether a target is an embedding or a head, which the loader trains whole (knowledge.unsloth.redirected)."""
    return name.rpartition(".")[2] in ("embed_tokens", "lm_head")


def _mention_of(fragments: Iterable[str]) -> str:
    """Parameters of the base model, as messages call them."""
    whole = dict.fromkeys(fragments)
    of = "of" if any(each in _NAMES_OF for each in whole) else "named"
    return f"the parameters {of} {names(whole)}"


def _by_name(run: Run, advice: str, otherwise: str) -> str:
    """Advice with the key of the modules to save, if the framework has one."""
    key = run.framework.spelling("modules_to_save")
    return otherwise if key is None else advice.format(run.adapter.key("modules_to_save"))


@dataclass(frozen=True)
class Unfrozen:
    """Parameters of the base model that are made trainable after the wrap: fragments of their names, or None for all.
    `save` is where the adapter is saved after training, if named parts are trained and nothing else is saved; `kept`:
    named parts are trained, and the program saves more than the adapter."""

    event: Unfreeze
    names: tuple[str, ...] | None
    wrap: Event
    save: Save | None
    kept: bool


def unfrozen(run: Run) -> Iterator[Unfrozen]:
    """The parameters of the base model that are trainable after the wrap, in program order."""
    start = _last(run.events, Wrap, LoadAdapter)
    if start is None or _only_others_are_trained(run):
        return
    grown = [event for event in run.events[:start] if isinstance(event, Resize)]
    for number, event in enumerate(run.events[start + 1 :], start + 1):
        if isinstance(event, _GONE):
            return  # what is trained then is the base model, on purpose
        if not isinstance(event, Unfreeze) or event.selection is Selected.UNREADABLE:
            continue
        later = run.events[number + 1 :]
        foreign = _foreign(event.selection.names, run) if isinstance(event.selection, Fragments) else None
        if any(isinstance(each, MakeOptimizer) and each.adapter_alone for each in later):
            continue
        if foreign == () or _undone(event, later) or _comes_too_late(event, run.events[:number], later):
            continue
        kept = foreign is not None and grown and all(map(_is_embedding, foreign))
        if kept and any(event.flag is None for event in grown):
            continue
        save = None if foreign is None or kept else _saved_alone(run, later)
        more = any(isinstance(each, Save) and not each.adapter_alone for each in later)
        yield Unfrozen(event, foreign, run.events[start], save, foreign is not None and more)


def _only_others_are_trained(run: Run) -> bool:
    """Whether the model is not known to be trained in a program that trains others: for example, a text encoder next to
    the trained model, which is in the optimizer only with an option."""
    trains = any(isinstance(event, MakeOptimizer | Train) for event in run.events)
    others = any(isinstance(event, MakeOtherOptimizer) for event in run.events)
    return run.training.trainer is None and others and not trains


def _saved_alone(run: Run, later: Sequence[Event]) -> Save | None:
    """Where a run's adapter is saved after training, if nothing else of the model is saved."""
    training = run.training
    adapter_alone = training.by_hand or training.trainer in _SAVE_ADAPTERS
    if not isinstance(run.adapter.modules_to_save, Known) or not adapter_alone:
        return None
    trained = _last(later, Train)
    if trained is None or any(isinstance(event, Unwrap) for event in later):
        return None
    saves = [event for event in later if isinstance(event, Save)]
    after = (event for event in later[trained:] if isinstance(event, Save))
    return next(after, None) if all(save.adapter_alone for save in saves) else None


def _is_embedding(fragment: str) -> bool:
    """Whether PEFT saves these parts itself because the vocabulary has grown (`save_embedding_layers="auto"`)."""
    return not _EMBEDDINGS.isdisjoint(fragment.split("."))


def _last(events: Sequence[Event], *kinds: type[Event]) -> int | None:
    return next((number for number in reversed(range(len(events))) if isinstance(events[number], kinds)), None)


def _foreign(fragments: Iterable[str], run: Run) -> tuple[str, ...]:
    """The fragments that select parameters outside the adapter and `modules_to_save`."""
    saved = [name for each in alternatives(run.adapter.modules_to_save) for name in each.value or ()]
    return tuple(
        fragment
        for fragment in fragments
        if not any(own in fragment.lower() for own in _OWN)
        and not any(fragment == name or name in fragment.split(".") for name in saved)
        and _NAMES_OF.get(fragment, frozenset()).isdisjoint(name.rpartition(".")[2] for name in saved)
    )


def _undone(unfrozen: Unfreeze, later: Iterable[Event]) -> bool:
    """Whether the parameters are frozen again before they train, or may be, or the adapter is removed."""
    for event in later:
        if isinstance(event, (PrepareKbit, *_GONE)):
            return True
        if isinstance(event, Freeze) and _covers(event.selection, unfrozen.selection):
            return True
        if isinstance(event, SetRequiresGrad) and event.adapters is None:  # `freeze(model)`, which is not followed
            return True
        if isinstance(event, Train):
            return False
    return False


def _covers(frozen: Selection, unfrozen: Selection) -> bool:
    """Whether the frozen parameters include, or may include, all that were unfrozen."""
    if not isinstance(frozen, Fragments):
        return True
    return isinstance(unfrozen, Fragments) and set(unfrozen.names) <= set(frozen.names)


def _comes_too_late(unfrozen: Event, earlier: Iterable[Event], later: Iterable[Event]) -> bool:
    """Whether the optimizer was certainly created before: it does not hold parameters that were not trainable then.
    Optimizers under several conditions are taken for a choice between kinds, of which one is created."""
    before = (event for event in earlier if isinstance(event, MakeOptimizer))
    flags = {event.flag for event in before if event.loop is None or not _within(unfrozen, event)}
    made = not flags.isdisjoint((None, unfrozen.flag)) or len(flags) > 1
    return made and not any(isinstance(event, MakeOptimizer) for event in later)


def _unfrozen_by_patterns(run: Run) -> Iterator[Finding]:
    """axolotl freezes every parameter of the wrapped model except those that a pattern matches from the start."""
    key = run.adapter.key("unfrozen_parameters")
    instead = f"`{run.adapter.key('modules_to_save')}` trains whole modules with the adapter and saves them"
    for patterns in alternatives(run.unfrozen_patterns):
        reaching = [pattern for pattern in patterns.value if _reaches_a_wrapped_model(pattern)]
        foreign = _foreign(reaching, run)
        if patterns.value and not reaching:
            message = (
                f"`{key}` freezes every parameter that no pattern matches, including the adapter's, and "
                f"{names(patterns.value)} match{'es' if len(patterns.value) == 1 else ''} nothing: a wrapped model's "
                "parameters start with `base_model.model.`. Nothing is trained, and the run ends without an error. "
                f"Remove it, because the adapter already freezes the base model; {instead}"
            )
            yield Finding("LL401", message, patterns.span or run.span)
        elif foreign:
            message = (
                f"`{key}` makes {names(foreign)} of the base model trainable, which is not in the adapter's "
                f"checkpoint, and freezes every parameter that no pattern matches; {instead}"
            )
            yield Finding("LL401", message, patterns.span or run.span)


def _reaches_a_wrapped_model(pattern: str) -> bool:
    """Whether a pattern can match `base_model.model.…` from its start: dots stand for themselves, except in `.+`."""
    start = pattern.removeprefix("^")
    return start.startswith(("base_model", ".+")) or not start[:1].isalpha()


_AGAINST_THE_BASE = frozenset({"preference", "rl"})
"""The kinds of training that compare with the base model, which is the model with the adapter disabled."""


_CLASSIFIERS = ("SEQ_CLS", "TOKEN_CLS")
"""The tasks of models with a head of their own: no server takes their adapters, and none is disabled."""


def _biases(run: Run) -> Iterator[Finding]:
    adapter = run.adapter
    values = alternatives(adapter.bias)
    if not values or not all(value.value == "all" or str(value.value).endswith("_only") for value in values):
        return
    value = values[0]
    every = any(value.value == "all" for value in values)
    if not every and run.training.method not in _AGAINST_THE_BASE:
        return  # it is saved, loaded and merged with the adapter
    some = _has_biases(run, every)
    if some is False:
        return
    which = "every bias of the base model" if value.value == "all" else "the biases of the adapted layers"
    doubt: Confidence = "certain"
    if some is None:  # of most models that are trained today the layers have none
        which, doubt = f"{which}, if there are any,", "possible"
    message = (
        f'`{adapter.key("bias")}="{value.value}"` trains {which} with the adapter: with the adapter disabled, the '
        "model then differs from the base model, and servers reject or ignore an adapter's biases. "
        f'`{adapter.key("bias")}="none"` trains only the adapter'
    )
    fix = Fix("unsafe", f'Set {adapter.key("bias")} to "none"', put(adapter, "bias", "none"))
    level: Level = "advice" if known(adapter.task_type) in _CLASSIFIERS else "warning"
    yield resting("LL401", message, adapter.bias, otherwise=adapter.span, doubt=doubt, level=level, fix=fix)


def _has_biases(run: Run, every: bool) -> bool | None:
    """Whether the model, or without `every` its adapted part, has biases (Llama and its relatives have none, so the
    setting does nothing); None if that is unknown."""
    from lora_lint.knowledge.resolve import resolve

    cases = resolve(run).cases
    if not cases or not all(case.stock and (every or not case.partial) for case in cases):
        return None
    adapted = [{record.path for record in case.match.modules} for case in cases]
    return any(
        module.bias and (every or module.path in paths)
        for case, paths in zip(cases, adapted, strict=True)
        for module in case.modules
    )


_Loaded: TypeAlias = LoadAdapter | LoadBeside


def adapter_loaded_frozen(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL402"""
    if thaws_unseen(run) or run.before("peft", versions.IS_TRAINABLE) is not None:
        return
    trained: dict[Span, tuple[_Loaded, Train]] = {}
    loads: list[_Loaded] = []
    for event, states in course(run.events, run.below("peft")):
        if isinstance(event, LoadAdapter | LoadBeside) and always(event.trainable, False):
            loads.append(event)
        elif isinstance(event, Load | Unwrap | Wrap) or (isinstance(event, AddBeside) and event.blend is None):
            loads.clear()  # what is added to be trained waits to be activated, as LL415 says; for a wrap LL403 speaks
        elif isinstance(event, Train) and trains_nothing(states):
            load = _blamed(loads, states)
            if load is not None:
                trained.setdefault(load.span, (load, event))
    for load, train in trained.values():
        found = isinstance(load, LoadAdapter) and load.found
        what = "This folder holds an adapter, which" if found else "The adapter"
        why = "" if found else "without `is_trainable=True` "
        do = "Load the base model, and put the adapter on it with" if found else "Pass"
        message = (
            f"{what} is loaded for inference and then trained: {why}all its parameters are frozen, so nothing is "
            "learned (with gradient checkpointing the trainer runs to the end at grad_norm 0). "
            f"{do} `is_trainable=True`"
        )
        related = (Related(train.span, "it is trained here"),)
        fix = None if found else giving_effect("safe", "Add is_trainable=True", Add(load.span, "is_trainable", True))
        doubt = least("likely" if found else "certain", happening(load, train))
        yield Finding("LL402", message, load.span, doubt, None, related, fix)


def thaws_unseen(run: Run) -> bool:
    """Whether the program makes parameters trainable where nothing is followed, so that they may be the adapter's."""
    return run.thaws and not any(isinstance(event, Unfreeze | SetRequiresGrad) for event in run.events)


def _blamed(loads: Sequence[_Loaded], states: AdapterStates) -> _Loaded | None:
    """The load of an adapter that is still on the model; of several, the last one that is active."""
    present = [load for load in loads if any(name in states for name in load.adapters or (UNNAMED,))]
    active = [load for load in present if any(states[name].active for name in load.adapters or () if name in states)]
    return next(reversed(active or present), None)


def inference_mode_training(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL403"""
    adapter = run.adapter
    if run.trained is not True or not always(adapter.inference_mode, True):
        return
    start = _last(run.events, Wrap)
    later = run.events if start is None else run.events[start + 1 :]
    if start is not None and any(_may_thaw(event) for event in later):
        return
    train = next((event for event in later if isinstance(event, Train)), None)
    if adapter.of_saved and train is None:
        return
    key = adapter.key("inference_mode")
    message = (
        f"`{key}=True` freezes the adapter before it is trained: 0 parameters are trainable and nothing is learned. "
        f"Remove `{key}`; PEFT sets it when it saves"
    )
    if adapter.of_saved:
        message = (
            f"The config of a saved adapter has `{key}=True`: this adds a new adapter without the saved weights, and "
            "freezes it. Load the adapter with `PeftModel.from_pretrained(model, folder, is_trainable=True)`, or set "
            f"`config.{key} = False` for a new one"
        )
    related = (Related(train.span, "it is trained here"),) if train else ()
    fix = giving_effect("safe", f"Remove {key}", *drop(adapter, "inference_mode")) if not adapter.of_saved else None
    doubt: Confidence = "likely" if adapter.of_saved else "certain"
    yield resting(
        *("LL403", message, adapter.inference_mode), otherwise=adapter.span, doubt=doubt, related=related, fix=fix
    )


def _may_thaw(event: Event) -> bool:
    """Whether an event may make an adapter on the model trainable."""
    if isinstance(event, SetAdapter | SetRequiresGrad):
        return not always(event.trainable, False)
    return isinstance(event, Unfreeze | EnableAdapters)


def kbit_prepare_after_wrap(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL404"""
    if run.trained is False or thaws_unseen(run):
        return
    wrap: Event | None = None
    for number, event in enumerate(run.events):
        if isinstance(event, Wrap) or (isinstance(event, LoadAdapter) and known(event.trainable) is True):
            wrap = event
        elif isinstance(event, TakeOff):
            wrap = None
        elif isinstance(event, PrepareKbit) and wrap is not None and not _revived(run.events[number + 1 :]):
            message = (
                "`prepare_model_for_kbit_training` freezes every parameter of the model, and the adapter is already on "
                "it: 0 parameters stay trainable and nothing is learned. Prepare the base model first, then add the "
                "adapter"
            )
            related = (Related(wrap.span, "the adapter is added here"),)
            fix = Fix("unsafe", "Prepare the model before adding the adapter", (Move(event.span, wrap.span),))
            yield Finding("LL404", message, event.span, happening(event, wrap), None, related, fix)


def _revived(later: Iterable[Event]) -> bool:
    """Whether something makes parameters trainable again before training starts."""
    for event in later:
        if isinstance(event, Train):
            return False
        if _may_thaw(event) or isinstance(event, Wrap | Unwrap | LoadAdapter | LoadBeside):
            return True
    return False


def sweep_reuses_base_model(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL408"""
    told = set()
    for event in run.events:
        if not isinstance(event, Wrap) or event.loop is None or event.loop in told or _named_anew(event, run):
            continue
        cleaned = any(isinstance(other, TakeOff) and _within(other, event) for other in run.events)
        if cleaned:
            continue
        told.add(event.loop)
        level: Level | None = None
        if _is_stacked(event, run):
            kept = (
                "wraps the PeftModel again, so what is saved from the second iteration on does not load onto the base "
                "model"
            )
        elif _has_targets_of_its_own(run):
            level = "advice"
            kept = "replaces the adapter in its layers, so a variable that holds an earlier model holds the new adapter"
        else:
            kept = (
                "changes the model in place, so earlier adapters are overwritten in the layers that they share with a "
                "new one, and stay and train in all others"
            )
        message = (
            f"Every iteration of this loop adds an adapter to the same base model: PEFT {kept}. Load the base model "
            "inside the loop, or `unload()` the adapter at the end of each iteration"
        )
        related = (Related(event.loop, "this loop repeats it"),)
        loads = [other for other in run.events if isinstance(other, Load)]
        changes = (Into(loads[0].span, event.loop),) if len(loads) == 1 and loads[0].flag is None else ()
        fix = Fix("unsafe", "Load the base model in each iteration", changes)
        yield Finding("LL408", message, event.span, happening(event), level, related, fix)


def _is_stacked(wrap: Wrap, run: Run) -> bool:
    """Whether the model that a loop wraps is the PeftModel of an earlier turn."""
    return any(isinstance(event, Wrap) and event.span == wrap.span and event.wrapped for event in run.events)


def _has_targets_of_its_own(run: Run) -> bool:
    """Whether the targets are written where the config is built, so that each turn of a loop around it has the same."""
    written, config = run.adapter.target_modules, run.adapter.span
    places = [each.written or each.span for each in alternatives(written)]
    return bool(places) and all(place is not None and config.holds(place) for place in places)


def _named_anew(wrap: Wrap, run: Run) -> bool:
    """Whether the adapter may have a different name in each iteration of a loop."""
    turns = (event for event in run.events if isinstance(event, Wrap) and event.span == wrap.span)
    return wrap.adapters is None or any(event.adapters != wrap.adapters for event in turns)


def _within(other: Event, event: Event) -> bool:
    """Whether an event is written inside the loop that repeats `event`."""
    loop = event.loop
    if other.loop == loop:
        return True
    return loop is not None and loop.holds(other.span)
