"""What the order of a program's calls comes to: which parameters are lost, held, active or saved in the end.

All of it follows from names and from which tensors are the same objects, so that no values are needed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Verdict
from lora_lint.rules.words import names, plural
from lora_lint.run import events
from lora_lint.run.values import known
from lora_lint.verify.experiment import Skip
from lora_lint.verify.structure.replay import replay
from lora_lint.verify.structure.skeleton import (
    PREFIX,
    owned,
    refusals,
    skeleton_of,
    skipping,
    trainable,
    wrapped,
)
from lora_lint.verify.weights import quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.run.events import Event
    from lora_lint.run.run import Run
    from lora_lint.verify.structure.skeleton import Skeleton

    Watch = Callable[[Any, Event], None]


def replayed(run: Run, skeleton: Skeleton, watch: Watch | None = None) -> Any:
    """The skeleton as it is when training starts; `watch` sees the model after each event. Raises Skip."""
    with skipping(), refusals():
        return replay(skeleton.model, run, watch)


def verdict(skeleton: Skeleton, confirmed: bool, reason: str, **measured: Any) -> Verdict:
    """A verdict of the structure tier."""
    status = "confirmed" if confirmed else "refuted"
    return Verdict(status, reason, {**measured, "model": skeleton.described()}, "meta")  # type: ignore[arg-type, unused-ignore]


def overwritten_adapter(run: Run, skeleton: Skeleton) -> Verdict:
    """LL414: whether the tensors of a loaded adapter are still in the model when training starts."""
    loaded: dict[str, Any] = {}

    def watch(model: Any, event: Event) -> None:
        if isinstance(event, events.LoadAdapter | events.LoadBeside):
            own = owned(model)
            loaded.update({name: each for name, each in model.named_parameters() if name in own})

    model = replayed(run, skeleton, watch)
    if not loaded:
        raise Skip("the file does not show how the adapter is loaded")
    there = {id(each) for each in model.parameters()}
    lost = [name for name, each in loaded.items() if id(each) not in there]
    reason = f"PEFT replaces {len(lost)} of the loaded adapter's {plural(len(loaded), 'tensor')} by new ones"
    return verdict(skeleton, bool(lost), reason, loaded=len(loaded), lost=len(lost))


def inactive_adapter(run: Run, skeleton: Skeleton) -> Verdict:
    """LL415: new adapters that are not active in the training, and frozen ones that train."""
    fresh: set[str] = set()
    frozen: set[str] = set()

    def watch(_: Any, event: Event) -> None:
        if isinstance(event, events.OfAdapters) and event.adapters is not None:
            if isinstance(event, events.AddBeside) or (
                isinstance(event, events.LoadBeside) and known(event.trainable) is True
            ):
                fresh.update(event.adapters)
            elif isinstance(event, events.LoadAdapter | events.LoadBeside) and known(event.trainable) is not True:
                frozen.update(event.adapters)

    model = replayed(run, skeleton, watch)
    active = model.active_adapters
    active = set(active() if callable(active) else active)
    trained = {name for name in fresh | frozen if any(f".{name}." in each for each in trainable(model))}
    idle, thawed = sorted(fresh - active), sorted(frozen & active & trained)
    reason = f"when training starts, {names(sorted(active))} {'is' if len(active) == 1 else 'are'} active"
    if idle:
        reason += f"; {names(idle)} is not, and is saved untrained"
    if thawed:
        reason += f"; {names(thawed)} was loaded frozen and trains"
    return verdict(skeleton, bool(idle or thawed), reason, active=sorted(active), idle=idle, thawed=thawed)


def optimizer_without_adapter(run: Run, skeleton: Skeleton) -> Verdict:
    """LL417: how many of the trainable parameters the optimizer holds."""
    held: dict[int, Any] = {}
    made = False

    def watch(model: Any, event: Event) -> None:
        nonlocal made
        if isinstance(event, events.MakeOptimizer):
            made = True
            held.update({id(each): each for each in model.parameters()})

    model = replayed(run, skeleton, watch)
    if not made:
        raise Skip("the file does not show which parameters the optimizer gets")
    trained = [each for each in model.parameters() if each.requires_grad]
    reached = sum(id(each) in held for each in trained)
    reason = f"the optimizer holds {reached} of the {plural(len(trained), 'tensor')} that are trainable in the end"
    return verdict(skeleton, reached == 0, reason, trainable=len(trained), held=reached)


def frozen_head(run: Run, skeleton: Skeleton) -> Verdict:
    """LL406: parameters of the head that are neither trained nor saved."""
    from peft import get_peft_model_state_dict

    prefix = getattr(skeleton.model, "base_model_prefix", "")
    heads = {name for name, _ in skeleton.model.named_children() if name != prefix}
    if not heads or not hasattr(skeleton.model, prefix):
        raise Skip("the model shows no head apart from its body")
    model = replayed(run, skeleton)
    with quiet():
        saved = {part for name in get_peft_model_state_dict(model) for part in name.removeprefix(PREFIX).split(".")[:1]}
    trained = {name.removeprefix(PREFIX).partition(".")[0] for name in trainable(model) if ".lora_" not in name}
    sized = {name: sum(each.numel() for each in getattr(skeleton.model, name).parameters()) for name in sorted(heads)}
    lost = [name for name, size in sized.items() if size and not (name in trained and name in saved)]
    kept = [name for name, size in sized.items() if size and name not in lost]
    if lost:
        reason = f"{names(lost)} ({sum(sized[name] for name in lost):,} parameters) is neither trained nor saved"
    else:
        reason = f"PEFT trains and saves {names(kept)}"
    return verdict(skeleton, bool(lost), reason, lost=lost, kept=kept)


def half_precision_copies(run: Run, skeleton: Skeleton) -> Verdict:
    """LL803: trainable parameters in float16 that are no LoRA weights."""
    import torch

    skeleton.model.to(torch.float16)
    model = replayed(run, skeleton)
    half = {
        name: each.numel()
        for name, each in model.named_parameters()
        if each.requires_grad and each.dtype == torch.float16
    }
    reason = f"{sum(half.values()):,} trainable parameters are in float16, in {plural(len(half), 'tensor')}"
    return verdict(skeleton, bool(half), reason, half=sum(half.values()), tensors=list(half)[:50])


def dropped_merge(run: Run, skeleton: Skeleton) -> Verdict:
    """LL604: what the PeftModel saves after its adapter was merged and unloaded, or where nothing merges it."""
    from peft import get_peft_model_state_dict

    with skipping():
        model = wrapped(run, skeleton)
    saves = get_peft_model_state_dict(model)
    own = len(saves)
    if any(isinstance(event, events.Save) and event.as_merged for event in run.events):
        of_base = [name for name in skeleton_of(run).model.state_dict() if name in saves]
        reason = f"the PeftModel saves {plural(own, 'tensor')} of the adapter and {len(of_base)} of the base model"
        return verdict(skeleton, not of_base, reason, saved=own, of_base=len(of_base))
    with refusals(), quiet():
        model.merge_and_unload()
        left = len(get_peft_model_state_dict(model))
    reason = f"after the merge the PeftModel saves {left} of the adapter's {plural(own, 'tensor')}"
    return verdict(skeleton, left == 0, reason, saved=left, adapter=own)


def compiled_names(run: Run, skeleton: Skeleton) -> Verdict:
    """LL605: the names under which the adapter of a compiled model is saved, against those of the plain model."""
    import torch
    from peft import get_peft_model_state_dict

    with skipping():
        plain = set(get_peft_model_state_dict(wrapped(run, skeleton)))
        compiled = replace(skeleton, model=torch.compile(skeleton_of(run).model))
        saved = set(get_peft_model_state_dict(wrapped(run, compiled)))
    fit = len(saved & plain)
    reason = (
        f"{fit} of the {plural(len(saved), 'tensor')} that are saved have names that fit a model that is not compiled"
    )
    if saved - plain:
        reason += f"; one is saved as `{min(saved - plain)}`"
    return verdict(skeleton, fit == 0, reason, saved=len(saved), fit=fit)
