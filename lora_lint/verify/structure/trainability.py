"""What is trainable when training starts, against what the adapter owns; and what one step then changes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Verdict
from lora_lint.records import replace
from lora_lint.run.run import Dataset
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement import proxy
from lora_lint.verify.measurement.bench import backward, batch_of, probe_tokens, stand_in
from lora_lint.verify.measurement.optimizers import optimizer_of
from lora_lint.verify.structure.replay import replay
from lora_lint.verify.structure.skeleton import PREFIX, REFUSALS, owned, trainable
from lora_lint.verify.weights import device_of, in_one_line, quiet

if TYPE_CHECKING:
    from lora_lint.finding import Status
    from lora_lint.run.run import Run
    from lora_lint.verify.experiment import FindingCase
    from lora_lint.verify.structure.skeleton import Skeleton

_NAMED = 3  # parameters named as examples
_SEQUENCES = 2


def foreign_parameters(run: Run, skeleton: Skeleton) -> Verdict:
    """LL401: trainable parameters outside the adapter."""
    model = _replayed(run, skeleton)
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

    model = _replayed(run, skeleton)
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
    model = _replayed(run, skeleton)
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
    model = _replayed(run, skeleton)
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


def _replayed(run: Run, skeleton: Skeleton) -> Any:
    try:
        return replay(skeleton.model, run)
    except REFUSALS as error:
        raise Skip(f"PEFT refuses the adapter: {type(error).__name__}: {in_one_line(error)}") from error


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
    """The verdict plus what one step changes on a sized-down model of the family: that takes only seconds, and names
    and trainability are those of the real one. Left out where such a model cannot be built."""
    base = {**verdict.measurements, "model": skeleton.described()}
    try:
        step = one_step(case, run, skeleton)
    except Skip as skip:
        return replace(verdict, measurements={**base, "one_step": f"skipped: {skip}"})
    reason = (
        f"{verdict.reason}. One step on a sized-down model changes {step['foreign_changed']} tensors of the base model "
        f"and {step['adapter_changed']} of the adapter's {step['adapter']}"
    )
    return replace(verdict, reason=reason, measurements={**base, "one_step": step})


def one_step(case: FindingCase, run: Run, skeleton: Skeleton) -> dict[str, Any]:
    """One forward, backward and optimizer step of the run's adapter on a sized-down model: how many tensors get a
    gradient and how many change. lora_A's gradients are 0 in the first step, because lora_B is. Raises Skip."""
    device = device_of(case.options.device)
    case.say("one step on a sized-down model")
    bench = stand_in(proxy.shrink(skeleton.model.config), run, device, _SEQUENCES, "the model reads no text")
    model = bench.model
    # What a step changes does not depend on the text.
    tokens, _ = probe_tokens(replace(run, dataset=Dataset()), bench)
    try:
        with quiet():
            model = replay(model, run)
    except REFUSALS as error:
        raise Skip(f"PEFT refuses the adapter on the sized-down model: {in_one_line(error)}") from error
    own = owned(model)
    before = {name: each.detach().clone() for name, each in model.named_parameters()}
    trained = [each for each in model.parameters() if each.requires_grad]
    if trained:
        backward(bench, model, batch_of(run, bench, tokens, 0))
        optimizer_of(run).make(trained).step()
    gradients = [
        name for name, each in model.named_parameters() if each.grad is not None and bool((each.grad != 0).any())
    ]
    changed = [name for name, each in model.named_parameters() if not bool((each == before[name]).all())]
    lora_b = [name for name in own if "lora_B" in name or "lora_embedding_B" in name]
    return {
        "model": f"{bench.name}, sized down, random weights, {bench.parameters / 1e6:.1f} M parameters",
        "adapter": len(own),
        "adapter_gradients": sum(name in own for name in gradients),
        "lora_B_without_gradient": sum(name not in gradients for name in lora_b),
        "foreign_gradients": sum(name not in own for name in gradients),
        "adapter_changed": sum(name in own for name in changed),
        "foreign_changed": sum(name not in own for name in changed),
    }
