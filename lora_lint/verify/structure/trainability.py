"""What is trainable when training starts, against what the adapter owns; and what one step then changes."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Verdict
from lora_lint.records import replace
from lora_lint.run.run import Dataset
from lora_lint.verify.experiment import OutOfTime, Skip
from lora_lint.verify.measurement import bench, proxy
from lora_lint.verify.measurement.bench import stand_in
from lora_lint.verify.measurement.optimizers import optimizer_of
from lora_lint.verify.structure.course import replayed
from lora_lint.verify.structure.replay import replay
from lora_lint.verify.structure.skeleton import PREFIX, owned, skipping, trainable
from lora_lint.verify.weights import (
    NoWeights,
    TooBig,
    device_of,
    free_memory,
    name_of,
    out_of_memory,
    quiet,
    stored,
)

if TYPE_CHECKING:
    from lora_lint.finding import Status
    from lora_lint.run.run import Run
    from lora_lint.verify.experiment import FindingCase
    from lora_lint.verify.measurement.bench import Bench
    from lora_lint.verify.structure.skeleton import Skeleton

_NAMED = 3  # parameters named as examples
_SEQUENCES = 2
_USUAL_RANK = 8
_BYTES_OF_A_TRAINED = 16  # a copy, the gradient and Adam's two moments, in float32
_A_SECOND = {"cpu": 5e7, "cuda": 5e8}
"""Parameters that are loaded and take a step in a second, roughly."""
_SHARE = 0.1
"""The share of the time left that a step on the weights may take: it only illustrates a verdict."""


def foreign_parameters(run: Run, skeleton: Skeleton) -> Verdict:
    """LL401: trainable parameters outside the adapter."""
    model = replayed(run, skeleton)
    sizes, own = trainable(model), owned(model)
    foreign = {name: size for name, size in sizes.items() if name not in own}
    ours = sum(size for name, size in sizes.items() if name in own)
    measured: dict[str, Any] = {
        "trainable": sum(sizes.values()),
        "adapter": ours,
        "foreign": sum(foreign.values()),
        "foreign_parameters": list(foreign)[:50],
    }
    status: Status = "confirmed"
    if foreign:
        reason = (
            f"{sum(foreign.values()):,} parameters outside the adapter are trainable, in {len(foreign):,} tensors, "
            f"besides the adapter's {ours:,}: {_examples(foreign)}"
        )
    elif not sizes:
        reason = "no parameter is trainable, not even the adapter's"
    else:
        status, reason = "refuted", f"all {ours:,} trainable parameters ({len(sizes):,} tensors) belong to the adapter"
    return Verdict(status, reason, measured, "meta")


def unsaved_parameters(run: Run, skeleton: Skeleton) -> Verdict:
    """LL410: the trainable parameters that PEFT does not save."""
    from peft import get_peft_model_state_dict

    model = replayed(run, skeleton)
    sizes, own = trainable(model), owned(model)
    with quiet():
        states = [
            get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
            for name in model.peft_config
        ]
    saved = sum(map(len, states))
    lost = {n: size for n, size in sizes.items() if n not in own and not any(n in state for state in states)}
    measured = {"saved": saved, "lost": sum(lost.values()), "lost_parameters": list(lost)[:50]}
    measured["model"] = skeleton.described()
    if not lost:
        return Verdict("refuted", f"PEFT saves every trainable parameter, in {saved:,} tensors", measured, "meta")
    reason = (
        f"{sum(lost.values()):,} parameters train but are not in the {saved:,} tensors that PEFT saves: "
        f"{_examples(lost)}"
    )
    return Verdict("confirmed", reason, measured, "meta")


def nothing_trains(run: Run, skeleton: Skeleton) -> Verdict:
    """LL402, LL403, LL404: whether the adapter is frozen when training starts."""
    model = replayed(run, skeleton)
    sizes, own = trainable(model), owned(model)
    ours = {name: size for name, size in sizes.items() if name in own}
    total = sum(each.numel() for name, each in model.named_parameters() if name in own)
    measured = {"trainable": sum(sizes.values()), "adapter": total, "adapter_trainable": sum(ours.values())}
    if not ours:
        rest = f"; {sum(sizes.values()):,} parameters of the base model are" if sizes else ""
        reason = f"0 of the adapter's {total:,} parameters are trainable when training starts{rest}"
        return Verdict("confirmed", reason, measured, "meta")
    reason = f"{sum(ours.values()):,} of the adapter's {total:,} parameters are trainable when training starts"
    return Verdict("refuted", reason, measured, "meta")


def embeddings_frozen(run: Run, skeleton: Skeleton) -> Verdict:
    """LL407: whether any of the input embeddings are trainable when training starts."""
    model = replayed(run, skeleton)
    try:
        layer = model.get_input_embeddings()
    except (NotImplementedError, AttributeError) as error:
        raise Skip("the model has no input embeddings") from error
    sizes = {name: each.numel() for name, each in layer.named_parameters() if each.requires_grad}
    measured = {"embeddings_trainable": sum(sizes.values()), "model": skeleton.described()}
    if sizes:
        reason = f"{sum(sizes.values()):,} parameters of the input embeddings are trainable"
        return Verdict("refuted", reason, measured, "meta")
    reason = "none of the input embeddings are trainable when training starts, not even the rows of the new tokens"
    return Verdict("confirmed", reason, measured, "meta")


def _examples(sizes: dict[str, int]) -> str:
    """Some names, with layer numbers replaced by a star: `layers.*.mlp.up_proj.weight` ×32."""
    counts: Counter[str] = Counter()
    for name in sizes:
        plain = name.removeprefix(PREFIX)
        counts[".".join("*" if part.isdigit() else part for part in plain.split("."))] += 1
    reason = [f"`{name}`" + (f" ×{count}" if count > 1 else "") for name, count in counts.most_common(_NAMED)]
    return ", ".join(reason) + (f" and {len(counts) - _NAMED} more names" if len(counts) > _NAMED else "")


# --- one step ---------------------------------------------------------------------------------------------------------


def with_a_step(case: FindingCase, run: Run, skeleton: Skeleton, verdict: Verdict) -> Verdict:
    """The verdict plus what one step changes: of the run's own weights where they are here, fit and are fast enough,
    otherwise of a sized-down model, whose names and trainability are those of the real one. Left out where neither can
    be built, or time runs out: the verdict stands without it."""
    base = {**verdict.measurements, "model": skeleton.described()}
    try:
        step = one_step(dataclasses.replace(case, run=run), skeleton)
    except (Skip, OutOfTime) as error:
        why = str(error) if isinstance(error, Skip) else "time ran out"
        return replace(verdict, measurements={**base, "one_step": f"skipped: {why}"})
    reason = (
        f"{verdict.reason}. One step of {step['model']} changes {step['foreign_changed']} tensors of the base model "
        f"and {step['adapter_changed']} of the adapter's {step['adapter']}"
    )
    return replace(verdict, reason=reason, measurements={**base, "one_step": step})


def one_step(case: FindingCase, skeleton: Skeleton) -> dict[str, Any]:
    """One forward, backward and optimizer step of the run's adapter: how many tensors get a gradient and how many
    change. lora_A's gradients are 0 in the first step, because lora_B is (on embeddings the other way round). Raises
    Skip."""
    device = device_of(case.options.device)
    on_weights = _on_weights(case)
    if not isinstance(on_weights, str):
        return on_weights
    case.say("one step on a sized-down model")
    made = stand_in(proxy.shrink(skeleton.model.config), case.run, device, _SEQUENCES, "the model reads no text")
    made.reason = on_weights
    return {**_stepped(case, made), "stand_in": on_weights}


def _on_weights(case: FindingCase) -> dict[str, Any] | str:
    """What a step changes in the run's own weights, or why it is not made there. The model is loaded for this alone and
    released, because the step changes it."""
    try:
        name = name_of(case.run)
        found = stored(case.run)
        takes = found.parameters / _A_SECOND[device_of(case.options.device)]
        if takes > _SHARE * (case.deadline - time.monotonic()):
            return f"a step of {name} takes about {takes:,.0f} s, longer than there is time for it"
        case.say(f"one step of {name}")
        return _stepped(case, bench.load_anew(case, _USUAL_RANK, exact=True))
    except NoWeights as error:
        return str(error)
    finally:
        bench.release()


def _stepped(case: FindingCase, at: Bench) -> dict[str, Any]:
    """Raises NoWeights where memory runs out, Skip."""
    # What a step changes does not depend on the text.
    tokens, _ = bench.probe_tokens(replace(case.run, dataset=Dataset()), at)
    with skipping(), quiet():
        model = replay(at.model, case.run)
    own = owned(model)
    trained = {name: each for name, each in model.named_parameters() if each.requires_grad}
    more = _BYTES_OF_A_TRAINED * sum(each.numel() for each in trained.values())
    if more > free_memory(at.device):
        raise TooBig(f"one step takes {more / 2**30:.1f} GiB beside the weights")
    try:
        before = {name: each.detach().clone() for name, each in trained.items()}
        if trained:
            bench.backward(at, model, bench.batch_of(case.run, at, tokens, 0))
            optimizer_of(case.run).make(trained.values()).step()
    except Exception as error:
        if out_of_memory(error):
            raise TooBig("memory ran out in the step") from error
        raise
    gradients = {name for name, each in trained.items() if each.grad is not None and bool((each.grad != 0).any())}
    changed = {name for name, each in trained.items() if not bool((each == before[name]).all())}
    zero_at_first = {name for name in own if "lora_B" in name or "lora_embedding_A" in name}
    kind = "sized down, random weights, " if at.proxy else ""
    return {
        "model": f"{at.name} ({kind}{at.parameters / 1e6:,.1f} M parameters)",
        "adapter": len(own),
        "adapter_gradients": len(gradients & own),
        "lora_B_without_gradient": len(zero_at_first - gradients),
        "foreign_gradients": len(gradients - own),
        "adapter_changed": len(changed & own),
        "foreign_changed": len(changed - own),
    }
