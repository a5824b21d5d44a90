"""LL413, LL606, LL608: what adapters do to the model's answers before any training."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Verdict
from lora_lint.run.values import alternatives
from lora_lint.verify import weights
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement import bench
from lora_lint.verify.measurement.scaling import arm_of
from lora_lint.verify.structure.skeleton import refusals

if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.rules.scale import Arm
    from lora_lint.run.run import Run
    from lora_lint.verify.experiment import FindingCase
    from lora_lint.verify.measurement.bench import Bench
    from lora_lint.verify.measurement.probe import Batch

_ROUNDING = 1e-4
"""Relative changes of the logits below this are rounding."""
_TRAINED = 0.02
"""The standard deviation of a `lora_B` that stands for a trained one."""
_ON_WEIGHTS = ("pissa", "olora")


def identity_off(case: FindingCase) -> Verdict:
    """LL413: how far a new adapter moves the logits, initialised by PEFT as the run says."""
    from peft import get_peft_model

    def measure(at: Bench, batch: Batch, arm: Arm) -> Verdict:
        config = bench.lora_config(case.run.adapter, arm, at)
        config.init_lora_weights = not any(
            each.value is False for each in alternatives(case.run.adapter.init_lora_weights)
        )
        with weights.quiet(), refusals():
            model = get_peft_model(at.model, config).eval()
            try:
                moved = _moved(at, model, batch)
            finally:
                model.unload()
        reason = f"before the first step, the adapter changes the logits by {moved:.2g} of their size"
        return _verdict(at, moved > _ROUNDING, reason, moved)

    return _on_bench(case, measure)


def untrained(case: FindingCase) -> Verdict:
    """LL608: whether a new adapter changes the answers."""

    def measure(at: Bench, batch: Batch, arm: Arm) -> Verdict:
        with bench.wrapped(at, case.run.adapter, arm) as model:
            moved = _moved(at, model, batch)
        reason = f"with the new adapter the logits differ from the base model's by {moved:.2g} of their size"
        return _verdict(at, moved <= _ROUNDING, reason, moved)

    return _on_bench(case, measure)


def changed_base(case: FindingCase) -> Verdict:
    """LL606: how far an adapter that takes its start from the base weights moves the logits of another one. On a copy
    of a sized-down model, because the change of the base weights cannot be undone."""
    from peft import get_peft_model

    weights.device_of(case.options.device)
    kind, arm = _initialisation(case.run), arm_of(case.run)
    at = bench.stand_in_of(case, weights.name_of(case.run), "it changes the base weights")
    batch = bench.batch_of(case.run, at, bench.probe_tokens(case.run, at)[0], 0)
    config = bench.lora_config(case.run.adapter, arm, at)
    with weights.quiet(), refusals():
        model = get_peft_model(copy.deepcopy(at.model), config).eval()
        _train(model)
        before = bench.forward(at, model, batch)
        other = copy.deepcopy(config)
        other.init_lora_weights = kind
        model.add_adapter("other", other)
        model.set_adapter("default")
        moved = _relative(bench.forward(at, model, batch), before)
    reason = f"a second adapter with {kind} changes the logits of the first by {moved:.2g} of their size"
    return _verdict(at, moved > _ROUNDING, reason, moved)


def _initialisation(run: Run) -> str:
    """Raises Skip."""
    made = [getattr(event, "made", None) for event in run.events]
    given = [run.adapter.init_lora_weights, *(each.init for each in made if each is not None)]
    kinds = {str(each.value).lower() for value in given for each in alternatives(value)}
    found = next((kind for kind in _ON_WEIGHTS if any(each.startswith(kind) for each in kinds)), None)
    if found is None:
        raise Skip("the initialisation needs data, or is not known")
    return found


def _on_bench(case: FindingCase, measure: Callable[[Bench, Batch, Arm], Verdict]) -> Verdict:
    arm = arm_of(case.run)

    def experiment(at: Bench) -> Verdict:
        tokens, _ = bench.probe_tokens(case.run, at)
        return measure(at, bench.batch_of(case.run, at, tokens, 0), arm)

    return bench.on_bench(case, experiment, arm.rank)


def _train(model: Any) -> None:
    """Fills each lora_B, as if the adapter had been trained."""
    import torch

    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_B." in name:
                parameter.normal_(std=_TRAINED)


def _moved(at: Bench, model: Any, batch: Batch) -> float:
    """How far the adapter moves the logits, relative to their size."""
    adapted = bench.forward(at, model, batch)
    with model.disable_adapter():
        return _relative(adapted, bench.forward(at, model, batch))


def _relative(after: Any, before: Any) -> float:
    return float((after - before).double().norm() / before.double().norm())


def _verdict(at: Bench, confirmed: bool, reason: str, moved: float) -> Verdict:
    if at.proxy:
        reason = f"proxy: {reason} (a sized-down {at.name} with random weights, because {at.reason})"
    measured = {"moved": float(f"{moved:.4g}"), "model": at.described()}
    return Verdict("confirmed" if confirmed else "refuted", reason, measured, at.device, proxy=at.proxy)
