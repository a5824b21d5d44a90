"""LL101, LL107 beyond the first step: the best of a few learning rates at the lowest and the highest rank.

A sweep at one rate is fair if the best rate does not depend on the rank. The first step predicts that; this shows it,
on the run's own examples, where there is time for it.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lora_lint.records import replace as changed
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement.bench import Late, wrapped
from lora_lint.verify.measurement.data import NoTexts, texts_of
from lora_lint.verify.measurement.training import Treatment, prepared, rehearsal, train

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lora_lint.finding import Verdict
    from lora_lint.rules.scale import Arm
    from lora_lint.verify.experiment import FindingCase
    from lora_lint.verify.measurement.bench import Bench

FACTORS = (0.25, 1.0, 4.0)
"""The rates that are tried, in multiples of the run's own: the usual grid."""
STEPS = 50
SEEDS = 3
_EVALUATIONS = 11  # per training; one takes about as long as a step


def with_best_rates(case: FindingCase, bench: Bench, arms: Sequence[Arm], verdict: Verdict) -> Verdict:
    """The verdict plus the best rate at the first and at the last of some arms; unchanged where the run's own data is
    not here, or there is not enough time."""
    try:
        best = _best_rates(case, bench, arms[0], arms[-1])
    except (NoTexts, Skip, Late) as error:
        why = str(error) or "time ran out"
        return changed(verdict, measurements={**verdict.measurements, "best_rates": f"not measured: {why}"})
    low, high = (best[str(arm.rank)]["rate"] for arm in (arms[0], arms[-1]))
    same = (
        f"is {low:g} at both ranks"
        if low == high
        else f"is {low:g} at r={arms[0].rank} and {high:g} at r={arms[-1].rank}"
    )
    reason = f"{verdict.reason}. After {STEPS} steps the best of {len(FACTORS)} rates {same}"
    return changed(verdict, reason=reason, measurements={**verdict.measurements, "best_rates": best})


def _best_rates(case: FindingCase, bench: Bench, low: Arm, high: Arm) -> dict[str, Any]:
    """For each rank the rate with the lowest held-out loss (the mean over the seeds), with the losses of all rates.
    Raises NoTexts, Skip, Late."""
    if bench.proxy:
        raise Skip("losses are not measured on a stand-in")
    plan = prepared(case.run, bench, texts_of(case.run).texts)
    plan = replace(plan, steps=STEPS, whole=STEPS)
    rates = [plan.optimizer.rate * factor for factor in FACTORS]
    begun = time.monotonic()
    rehearsal(case, bench, Treatment("", case.run.adapter, high, rates[0]), plan)
    step = (time.monotonic() - begun) / 4  # two steps and two evaluations
    takes = 2 * len(rates) * SEEDS * (STEPS + _EVALUATIONS) * step
    if takes > case.deadline - time.monotonic():
        raise Skip(f"it takes about {takes:,.0f} s, longer than the time left")
    found: dict[str, Any] = {}
    for arm in (low, high):
        losses = {}
        for rate in rates:
            treatment = Treatment(f"r={arm.rank} at {rate:g}", case.run.adapter, arm, rate)
            case.say(f"training {treatment.name}")
            with wrapped(bench, treatment.adapter, arm) as model:
                curves = [train(case, bench, model, treatment, plan, seed) for seed in range(SEEDS)]
            losses[rate] = sum(curve.best for curve in curves) / SEEDS
        best = min(losses, key=lambda rate: losses[rate])
        found[str(arm.rank)] = {"rate": best, "losses": {f"{rate:g}": round(loss, 4) for rate, loss in losses.items()}}
    return found
