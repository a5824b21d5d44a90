"""LL205, LL210-LL212: settings that accompany the targets: defaults, layers, and modules that are saved in full."""

from __future__ import annotations

from lora_lint.finding import Finding, Fix
from lora_lint.knowledge import versions
from lora_lint.rules.changes import put
from lora_lint.rules.reached import (
    OUTSIDE,
    cases_of,
    leaves,
    linears,
    model_label,
    model_place,
    refused,
    shorthand_of,
    sureness,
)
from lora_lint.rules.words import least, names, resting, some_case
from lora_lint.run.values import Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from lora_lint.finding import Level
    from lora_lint.knowledge.resolve import Case
    from lora_lint.run.run import Adapter, Run

_INPUTS = ("embed_tokens", "wte", "word_embeddings", "embed_in", "shared", "embeddings", "tok_embeddings")
_OUTPUTS = ("lm_head", "embed_out", "output", "output_layer", "proj_out")
_CLASSIFIERS = ("score", "classifier", "classification_head", "qa_outputs", "pre_classifier", "head")
_ROLES = {name: alike for alike in (_INPUTS, _OUTPUTS, _CLASSIFIERS) for name in alike}
"""A module's name in one family -> the names of its equivalents in all families."""
_ADDED: dict[str | None, tuple[str, ...]] = {"SEQ_CLS": ("classifier", "score")}
"""What PEFT 0.21.2 adds to `modules_to_save` for a task before it matches (peft/peft_model.py)."""


def no_default_targets(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL205"""
    adapter = run.adapter
    if run.method != "LoraConfig" or not isinstance(adapter.target_modules, Known) or "peft" in run.newer:
        return
    if adapter.target_modules.value is not None or known(adapter.parts) is not None:
        return
    if not _without_parameters(adapter):
        return
    resolved, cases = cases_of(run)
    if not cases or not all(refused(case, "no-default-targets") for case in cases):
        return
    case = cases[0]
    key = adapter.key("target_modules")
    layers = linears(case)
    has = f". Its linear layers are {names(layers)}" if layers else ""
    short = shorthand_of(run)
    how = "Name the layers" if short is None else f'Name the layers, or set `{key}="{short}"`'
    since, old = versions.default_targets_since(case.model.model_type) if "peft" in run.pins else None, ""
    if since is not None and (pin := run.before("peft", since)) is not None:
        old = f" before {versions.named(since)} ({pin})"
    message = (
        f"`{key}` is not set, and PEFT{old} has no default for {case.model.model_type} ({case.name.value}): it raises "
        f"a ValueError once the model is loaded. {how}{has}"
    )
    fix = Fix("unsafe", "Adapt every linear layer", put(adapter, "target_modules", layers if short is None else short))
    yield resting(
        *("LL205", message, run.adapter.target_modules, run.model.name),
        otherwise=run.adapter.span,
        doubt=sureness(run, resolved),
        related=model_place(run, case.name, case.model),
        fix=fix,
    )


def layers_out_of_range(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL210"""
    adapter = run.adapter
    given = known(adapter.layers_to_transform)
    asked = (given,) if isinstance(given, int) else tuple(given or ())
    resolved, cases = cases_of(run)
    if not asked or not cases or not all(case.built.certain for case in cases):
        return
    layers = [_layers(case, adapter) for case in cases]
    if not all(layers) or any(case.partial for case in cases):
        return
    beyond = [[layer for layer in asked if layer not in range(max(there) + 1)] for there in layers]
    case, key = cases[0], adapter.key("layers_to_transform")
    about = adapter.layers_to_transform, run.model.name
    doubt, related = sureness(run, resolved), model_place(run, case.name, case.model)
    if all(len(out) < len(asked) and out for out in beyond):  # with no layer in range PEFT raises: LL201
        count, out = max(layers[0]) + 1, beyond[0]
        kept = [layer for layer in asked if layer not in out]
        message = (
            f"`{key}` names {_numbers(out)}, but the layers of {model_label(case.name, case.model)} are 0 to "
            f"{count - 1}: PEFT adapts {_numbers(kept)} and does not warn"
        )
        if min(out) < 0:
            message += "; a negative number does not count from the end"
        fix = Fix("safe", f"Keep only existing layers in {key}", put(adapter, "layers_to_transform", tuple(kept)))
        yield resting("LL210", message, *about, otherwise=adapter.span, doubt=doubt, related=related, fix=fix)
        return
    passing = [entry for entry in case.match.bypassing if _number_in(entry) not in asked]
    if run.before("peft", versions.LAYERS_BYPASSED) is not None:
        return  # the layers apply to whole paths too
    if passing and all(case.match.bypassing for case in cases):
        many = len(passing) > 1
        message = (
            f"{names(passing)} {'are whole paths' if many else 'is a whole path'}, for which PEFT ignores `{key}`: "
            f"{'they are' if many else 'it is'} adapted in addition to {_numbers(asked)}. Write the names without the "
            f"path, or remove `{key}`"
        )
        yield resting("LL210", message, *about, otherwise=adapter.span, doubt=doubt, related=related)


def _layers(case: Case, adapter: Adapter) -> set[int]:
    """The numbers of the layers that hold what the targets name, as PEFT reads them from the paths."""
    from lora_lint.knowledge.index import index_of
    from lora_lint.knowledge.patterns import layer_of

    given = known(adapter.layers_pattern) or ()
    patterns = (given,) if isinstance(given, str) else tuple(given)
    if any(error.kind == "invalid-regex" for error in case.match.errors):
        return set()
    index = index_of(case.built.modules, case.built.beside.parameters)
    paths = {case.modules[position].path for entry in case.match.entries for position in index.named(entry)}
    return {number for path in paths if (number := layer_of(path, patterns)) is not None}


def _number_in(path: str) -> int | None:
    return next((int(part) for part in path.split(".") if part.isdecimal()), None)


def _numbers(layers: Sequence[int]) -> str:
    """layer 3; layers 0, 2; layers 0 to 31."""
    ordered = sorted(set(layers))
    if len(ordered) == 1:
        return f"layer {ordered[0]}"
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"layers {ordered[0]} to {ordered[-1]}"
    shown = ", ".join(map(str, ordered[:8]))
    return f"layers {shown}{' …' if len(ordered) > 8 else ''}"


def modules_to_save_unmatched(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL211"""
    adapter = run.adapter
    saved = known(adapter.modules_to_save)
    if not saved:
        return
    resolved, cases = cases_of(run)
    if not cases:
        return
    absent = [
        name
        for name in dict.fromkeys(saved)
        if all(name in case.match.unsaved and _judged(name, case) for case in cases)
    ]
    if not absent:
        return
    case, key = cases[0], adapter.key("modules_to_save")
    label = model_label(case.name, case.model)
    instead = {name: _like(name, case) for name in absent}
    verb = "is not a module" if len(absent) == 1 else "are not modules"
    level: Level | None = None
    present = {path.rpartition(".")[2] for path in case.match.saved}
    if all(instead[name] in present for name in absent):
        level = "advice"
        kept = names(dict.fromkeys(own for own in instead.values() if own))
        message = f"{names(absent)} in `{key}` {verb} of {label}; {kept} {'is' if len(absent) == 1 else 'are'} saved"
        message += ", so nothing is lost: the list serves several model families"
    else:
        message = (
            f"{names(absent)} in `{key}` {verb} of {label}: PEFT does not warn, and trains and saves no such module "
            "with the adapter"
        )
        called = [own for own in instead.values() if own]
        if called:
            message += f". The model's own name is {names(dict.fromkeys(called))}"
    new = tuple(dict.fromkeys(instead.get(name, name) for name in saved))
    changes = put(adapter, "modules_to_save", tuple(each for each in new if each)) if level is None and all(new) else ()
    fix = Fix("unsafe", "Use the model's own name", changes) if changes else None
    yield resting(
        *("LL211", message, adapter.modules_to_save, run.model.name),
        otherwise=adapter.span,
        doubt=sureness(run, resolved),
        level=level,
        related=model_place(run, case.name, case.model),
        fix=fix,
    )


def _judged(name: str, case: Case) -> bool:
    """Whether a model is known to lack a module: for heads, only if the class that loads it is known."""
    return case.sure_head or (name not in OUTSIDE and name not in _ROLES)


def _like(name: str, case: Case) -> str | None:
    """The model's name for a module that has another name elsewhere."""
    role = _ROLES.get(name.rpartition(".")[2])
    if role is _INPUTS:
        path = case.built.beside.input_embedding
        return path.rpartition(".")[2] if path else None
    if role is _OUTPUTS:
        path = case.built.beside.output_embedding
        return path.rpartition(".")[2] if path else None
    return next((other for other in role or () if any(module.path == other for module in case.modules)), None)


def target_and_save_overlap(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL212"""
    adapter = run.adapter
    for targets, targets_confidence in some_case(adapter.target_modules):
        for saved, saved_confidence in some_case(adapter.modules_to_save):
            if not isinstance(targets.value, tuple):
                continue
            task = known(adapter.task_type)
            twice = _twice(targets.value, _saved_whole(saved.value, task))
            if not twice:
                continue
            nothing = set(twice) == set(targets.value) and _without_parameters(adapter)
            key, save = adapter.key("target_modules"), adapter.key("modules_to_save")
            many = len(twice) > 1
            by_task = not _twice(twice, saved.value or ())
            where = f"`{save}` too" + (f", by the task type {task}" if by_task else "")
            it = "them" if many else "it"
            old = _old_overlap(run, by_task, it)
            effect, raises = old or (
                f"PEFT leaves {it} out of LoRA and, with nothing else to adapt, raises a ValueError once the model is "
                "loaded"
                if nothing
                else f"PEFT trains a full copy of {it} and silently drops the LoRA",
                nothing,
            )
            message = (
                f"{names(twice)} in `{key}` {'are' if many else 'is'} in {where}: {effect}. Remove {it} from one of "
                "the two"
            )
            rest = tuple(entry for entry in targets.value if entry not in twice)
            changes = put(adapter, "target_modules", rest) if rest and isinstance(adapter.target_modules, Known) else ()
            fix = Fix("safe", f"Remove {names(twice)} from {key}, where it has no effect", changes)
            if old is not None:
                fix = Fix("unsafe", f"Remove {names(twice)} from {key}", changes)
            yield resting(
                *("LL212", message, targets, adapter.modules_to_save),
                otherwise=adapter.span,
                span=dict(adapter.target_spans).get(twice[0]) if len(twice) == 1 else None,
                doubt=least(targets_confidence, saved_confidence),
                level="error" if raises else None,
                fix=fix,
            )


def _old_overlap(run: Run, by_task: bool, it: str) -> tuple[str, bool] | None:
    """What an older PEFT does with a name that is both a target and saved in full, if the project pins one that
    differs; and whether it raises."""
    since = versions.HEAD_LEFT_OUT if by_task else versions.SAVED_ALONE
    pin = run.before("peft", since)
    if pin is None:
        return None
    if by_task and run.before("peft", versions.HEAD_REFUSED) is None:
        return f"PEFT before {versions.named(since)} ({pin}) raises a TypeError once the model is loaded", True
    return f"PEFT before {versions.named(since)} ({pin}) trains a full copy of {it} with the LoRA inside it", False


def _without_parameters(adapter: Adapter) -> bool:
    """Whether the adapter is certain to be on no parameters beside the modules."""
    given = adapter.target_parameters
    return isinstance(given, Known) and not given.value


def all_saved(run: Run) -> bool:
    """Whether every entry of the targets is saved in full, which LL212 reports."""
    adapter = run.adapter
    whole = _saved_whole(known(adapter.modules_to_save), known(adapter.task_type))
    targets = known(adapter.target_modules)
    return isinstance(targets, tuple) and bool(targets) and set(_twice(targets, whole)) == set(targets)


def _saved_whole(given: Iterable[str] | None, task: str | None) -> tuple[str, ...]:
    """What PEFT turns `modules_to_save` into before it looks for the targets."""
    return (*(given or ()), *_ADDED.get(task, ()))


def _twice(entries: Iterable[str], saved: Iterable[str]) -> list[str]:
    """The entries whose modules are all in `modules_to_save`, because it contains a part of their path."""
    whole = set(saved)
    return [entry for entry in dict.fromkeys(entries) if not whole.isdisjoint(entry.split("."))]


def pattern_matches_nothing(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL109"""
    adapter = run.adapter
    if run.method != "LoraConfig" or not (known(adapter.rank_pattern) or known(adapter.alpha_pattern)):
        return
    resolved, cases = cases_of(run)
    if not cases or any(case.partial or case.match.errors or not case.built.certain for case in cases):
        return
    if not _without_parameters(adapter):
        return  # the names of parameters may be meant
    for field, what in (("rank_pattern", "rank"), ("alpha_pattern", "alpha")):
        given = getattr(adapter, field)
        dead = [key for key in known(given) or {} if not any(_applies(key, case) for case in cases)]
        if not dead:
            continue
        many, key = len(dead) > 1, adapter.key(field)
        adapted = names(leaves(record.path for record in cases[0].match.modules))
        message = (
            f"{names(dead)} in `{key}` {'match' if many else 'matches'} no adapted module of "
            f"{model_label(cases[0].name, cases[0].model)}: PEFT does not warn, and every layer keeps the default "
            f"{what}. {'They have' if many else 'It has'} to match the end of a path, and {adapted} are adapted"
        )
        yield resting(
            *("LL109", message, given),
            otherwise=adapter.span,
            also=(run.model.name, adapter.target_modules),
            doubt=sureness(run, resolved),
            related=model_place(run, cases[0].name, cases[0].model),
        )


def _applies(key: str, case: Case) -> bool:
    """Whether a key of a pattern decides about an adapted module; also where it would take too long to say."""
    from lora_lint.knowledge.patterns import TooSlow, pattern_key

    try:
        return any(pattern_key((key,), record.path) is not None for record in case.match.modules)
    except TooSlow:
        return True
