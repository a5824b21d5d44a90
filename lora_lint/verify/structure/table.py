"""The structure tier: findings that names and shapes settle exactly, on the meta device."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Verdict
from lora_lint.records import replace
from lora_lint.rules.words import names
from lora_lint.run.events import Train, Wrap
from lora_lint.run.values import alternatives
from lora_lint.verify.experiment import Skip
from lora_lint.verify.structure import course, coverage, packed, reloaded, task_types, trainability, trainers
from lora_lint.verify.structure.skeleton import (
    PREFIX,
    Refused,
    adapted,
    by_leaf,
    peft_config,
    possible,
    rank_known,
    same_version,
    skeleton_of,
    skipping,
    trainable,
    wrap,
    wrapped,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lora_lint.finding import Status
    from lora_lint.run.run import Run
    from lora_lint.verify.experiment import Experiment, FindingCase
    from lora_lint.verify.structure.coverage import Claim
    from lora_lint.verify.structure.skeleton import Skeleton


def exact(experiment: Callable[[Run, Skeleton], Verdict], stepped: bool = False) -> Experiment:
    """An experiment on every single run that a run may stand for. The finding claims that it holds in all of them, so
    one in which it does not refutes it. `stepped` adds what one step of a sized-down model changes."""

    def settle(case: FindingCase) -> Verdict:
        start = time.monotonic()
        verdict: Verdict | None = None
        for run in possible(_as_claimed(case)):
            case.say("on the meta device")
            skeleton = skeleton_of(run)
            one = experiment(run, skeleton)
            if stepped:
                one = trainability.with_a_step(case, run, skeleton, one)
            if one.status == "refuted":
                same_version(run, "peft")
            if one.status != "confirmed":
                return replace(one, seconds=time.monotonic() - start)
            verdict = verdict or one
        assert verdict is not None
        return replace(verdict, seconds=time.monotonic() - start)

    return settle


def _as_claimed(case: FindingCase) -> Run:
    """The run up to the training that the finding is about, if it names one."""
    shown = {related.span for related in case.finding.related}
    events = case.run.events
    for place, event in enumerate(events):
        if isinstance(event, Train) and event.span in shown:
            return replace(case.run, events=events[: place + 1])
    return case.run


def refused_targets(run: Run, skeleton: Skeleton) -> Verdict:
    """LL201, LL205, LL207, LL216: PEFT refuses the targets."""
    try:
        model = wrapped(run, skeleton)
    except Refused as error:
        return _on_meta(skeleton, "confirmed", f"PEFT raises {error}")
    layers = adapted(model)
    return _on_meta(skeleton, "refuted", f"PEFT adapts {by_leaf(layers)}", _coverage(run, model))


def dead_entries(run: Run, skeleton: Skeleton) -> Verdict:
    """LL202, LL203, LL204: entries of the list that match nothing, found by leaving each out."""
    entries = alternatives(run.adapter.target_modules)[0].value
    if not isinstance(entries, tuple):
        raise Skip("the targets are not a list")
    try:
        model = wrapped(run, skeleton)
    except Refused as error:
        return _on_meta(skeleton, "confirmed", f"PEFT raises {error}")
    with_all = _lora_shapes(model)
    layers = adapted(model)
    measured = _coverage(run, model)
    suspicious = [entry for entry in entries if not any(path == entry or path.endswith(f".{entry}") for path in layers)]
    # PEFT translates the names of fused experts: only an entry that changes nothing when left out is dead.
    dead = [entry for entry in suspicious if with_all == _without(run, entries, entry)]
    if not dead:
        return _on_meta(skeleton, "refuted", f"every entry matches a module: PEFT adapts {by_leaf(layers)}", measured)
    count = measured["trainable"]
    reason = (
        f"{names(dead)} match{'es' if len(dead) == 1 else ''} no module, and PEFT does not warn: it adapts "
        f"{by_leaf(layers)}, {count:,} trainable parameters{'' if rank_known(run) else ' at r=8'}"
    )
    return _on_meta(skeleton, "confirmed", reason, {**measured, "unmatched": dead})


def _without(run: Run, entries: tuple[str, ...], entry: str) -> Any:
    rest = [each for each in entries if each != entry]
    try:
        return _lora_shapes(
            wrap(skeleton_of(run).model, peft_config(run.adapter, target_modules=rest, inference_mode=False))
        )
    except Refused:
        return None


def _lora_shapes(model: Any) -> dict[str, tuple[int, ...]]:
    return {name: tuple(each.shape) for name, each in model.named_parameters() if "lora_" in name}


def holds(claim: Claim) -> Callable[[Run, Skeleton], Verdict]:
    """An experiment that checks a finding's claim on the wrapped model."""

    def experiment(run: Run, skeleton: Skeleton) -> Verdict:
        with skipping():
            model = wrapped(run, skeleton)
        confirmed, reason, measured = claim(run, model)
        return _on_meta(skeleton, "confirmed" if confirmed else "refuted", reason, measured)

    return experiment


def zero_scale(run: Run, skeleton: Skeleton) -> Verdict:
    """LL105: the scale and the dropout that PEFT gives each layer."""
    try:
        model = wrapped(run, skeleton)
    except Refused as error:
        return _on_meta(skeleton, "confirmed", f"PEFT or torch raises {error}")
    layers = adapted(model).values()
    scales = sorted({float(layer.scaling["default"]) for layer in layers})
    dropouts = sorted({float(getattr(layer.lora_dropout["default"], "p", 0.0)) for layer in layers})
    measured = {"scales": scales, "dropouts": dropouts, "layers": len(layers)}
    if dropouts and dropouts[-1] >= 1:
        reason = f"all {len(layers)} adapted layers drop their input with probability {dropouts[-1]:g}"
        return _on_meta(skeleton, "confirmed", f"{reason}: lora_A and lora_B get gradients of 0", measured)
    if scales and scales[0] <= 0:
        reason = (
            f"{sum(layer.scaling['default'] <= 0 for layer in layers)} of {len(layers)} adapted layers have the scale"
        )
        zero = "their output and its gradients are 0" if scales[0] == 0 else "what they learn is subtracted"
        return _on_meta(skeleton, "confirmed", f"{reason} {scales[0]:g}: {zero}", measured)
    return _on_meta(skeleton, "refuted", f"the scales of the adapted layers are {names(map(str, scales))}", measured)


def reused_base(case: FindingCase) -> Verdict:
    """LL408: two iterations of the loop on one base model, and what is left of the first after the second."""
    start = time.monotonic()
    case.say("on the meta device")
    turns = [run for run in case.siblings if any(_wraps(run, case))] or [case.run]
    first = next(possible(turns[0]))
    last = next(possible(turns[-1]))
    skeleton = skeleton_of(first)
    stacked = any(event.wrapped for run in turns for event in _wraps(run, case))
    with skipping():
        inner = wrap(skeleton.model, peft_config(first.adapter))
        model = wrap(inner if stacked else skeleton.model, peft_config(last.adapter))
        alone = wrap(skeleton_of(last).model, peft_config(last.adapter))
    left = sorted(adapted(model).keys() - adapted(alone).keys())
    both, own = sum(trainable(model).values()), sum(trainable(alone).values())
    measured = {"left": len(left), "trainable": both, "trainable_alone": own}
    if stacked:
        reason = (
            f"PEFT wraps the PeftModel again: the second iteration saves its {len(adapted(model))} layers under names "
            f"that start with `{PREFIX * 2}`, which the base model does not have"
        )
        verdict = _on_meta(skeleton, "confirmed", reason, measured)
    elif left:
        reason = (
            f"after the second iteration {len(left)} layers of the first ({by_leaf(left)}) are still in the model and "
            f"train too: {both:,} trainable parameters instead of the second iteration's {own:,}"
        )
        verdict = _on_meta(skeleton, "confirmed", reason, measured)
    else:
        reason = (
            "every iteration adapts the same layers, and PEFT replaces the adapter: nothing of an earlier iteration is "
            "left"
        )
        verdict = _on_meta(skeleton, "refuted", reason, measured)
    return replace(verdict, seconds=time.monotonic() - start)


def _wraps(run: Run, case: FindingCase) -> Iterator[Wrap]:
    """The wraps that a finding is about."""
    return (event for event in run.events if isinstance(event, Wrap) and event.span == case.finding.span)


# --- wording ----------------------------------------------------------------------------------------------------------


def _on_meta(skeleton: Skeleton, status: Status, reason: str, measured: dict[str, Any] | None = None) -> Verdict:
    made = f" (config from {skeleton.config.source})" if skeleton.config.made else ""
    return Verdict(status, reason + made, {**(measured or {}), "model": skeleton.described()}, "meta")


def _coverage(run: Run, model: Any) -> dict[str, Any]:
    """How many modules each entry matches, in how many layers, and the number of trainable parameters."""
    layers = adapted(model)
    entries = alternatives(run.adapter.target_modules)[:1]
    by_entry: dict[str, dict[str, int]] = {}
    for entry in entries[0].value if entries and isinstance(entries[0].value, tuple) else ():
        hit = [path for path in layers if path == entry or path.endswith(f".{entry}")]
        numbers = {tuple(part for part in path.split(".") if part.isdigit())[:1] for path in hit}
        by_entry[entry] = {"modules": len(hit), "layers": len(numbers - {()})}
    return {
        "entries": by_entry,
        "modules": len(layers),
        "trainable": sum(trainable(model).values()),
        "total": sum(each.numel() for each in model.get_base_model().parameters()) - _added(model),
    }


def _added(model: Any) -> int:
    return sum(each.numel() for name, each in model.named_parameters() if "lora_" in name or "modules_to_save" in name)


_STEPPED = ("LL401", "LL402", "LL403", "LL404", "LL416")
_COSTS = {**dict.fromkeys(_STEPPED, 4.0), "LL412": 12.0, "LL419": 4.0, "LL805": 8.0}


def cost(code: str) -> float:
    """The usual seconds of an experiment, with the packages that it alone imports."""
    return _COSTS.get(code, 1.0)


EXPERIMENTS: dict[str, Experiment] = {
    "LL105": exact(zero_scale),
    "LL201": exact(refused_targets),
    "LL202": exact(dead_entries),
    "LL203": exact(dead_entries),
    "LL204": exact(dead_entries),
    "LL205": exact(refused_targets),
    "LL207": exact(refused_targets),
    "LL216": exact(refused_targets),
    **{code: exact(holds(claim)) for code, claim in coverage.CLAIMS.items()},
    **{code: exact(trainability.nothing_trains, stepped=True) for code in _STEPPED},
    "LL401": exact(trainability.foreign_parameters, stepped=True),
    "LL406": exact(course.frozen_head),
    "LL407": exact(trainability.embeddings_frozen),
    "LL408": reused_base,
    "LL409": exact(reloaded.wrap_then_load),
    "LL410": exact(trainability.unsaved_parameters),
    "LL412": trainers.adapter_config_twice,
    "LL414": exact(course.overwritten_adapter),
    "LL415": exact(course.inactive_adapter),
    "LL417": exact(course.optimizer_without_adapter),
    "LL418": exact(task_types.wrong_task_type),
    "LL419": trainers.resume_of_add_adapter,
    "LL604": exact(course.dropped_merge),
    "LL605": exact(course.compiled_names),
    "LL607": exact(reloaded.load_shape_mismatch),
    "LL704": exact(reloaded.adapter_base_mismatch),
    "LL803": exact(course.half_precision_copies),
    "LL805": packed.init_needs_full_weights,
}
