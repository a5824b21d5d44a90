"""LL501, LL502: the run's learning rate against another, by held-out losses of trainings on the run's examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement.optimizers import USUAL_RATE, optimizer_of
from lora_lint.verify.measurement.scaling import arm_of
from lora_lint.verify.measurement.training import Treatment, losses_in_words, side_by_side, status_of, worse_at_the_end

if TYPE_CHECKING:
    from lora_lint.finding import Status, Verdict
    from lora_lint.verify.experiment import FindingCase
    from lora_lint.verify.measurement.statistics import Interval
    from lora_lint.verify.measurement.training import Judge, Trial

_FEW = 20
"""Enough steps to see a training diverge, but not to see that none will."""


def rate_too_low(case: FindingCase) -> Verdict:
    """LL501: the run's rate against the usual one for LoRA."""

    def judged(trial: Trial) -> tuple[Status, str]:
        plan = trial.plan
        return judged_as_too_low(
            trial.best, trial.final, trial.blamed.name, trial.proposed.name, plan.steps, plan.whole
        )

    own = optimizer_of(case.run).rate
    if own >= USUAL_RATE:
        raise Skip(f"a rate of {own:g} is not below the usual {USUAL_RATE:g}")
    return _against(case, USUAL_RATE, judged)


def rate_too_high(case: FindingCase) -> Verdict:
    """LL502: the run's rate against the one that the finding suggests."""

    def judged(trial: Trial) -> tuple[Status, str]:
        return judged_as_too_high(
            trial.best,
            trial.final,
            (trial.diverged(trial.blamed), trial.diverged(trial.proposed)),
            trial.seeds,
            (trial.blamed.name, trial.proposed.name),
            trial.plan.steps >= min(trial.plan.an_epoch, trial.plan.whole),
        )

    advised, own = case.finding.figure, optimizer_of(case.run).rate
    if advised is None:
        raise Skip("the finding suggests no other rate")
    if advised >= own:
        raise Skip(f"a rate of {own:g} is not above the suggested {advised:g}")
    return _against(case, advised, judged, _FEW)


def _against(case: FindingCase, rate: float, judged: Judge, few: int | None = None) -> Verdict:
    arm, own = arm_of(case.run), optimizer_of(case.run).rate
    blamed, proposed = (Treatment(f"at {each:g}", case.run.adapter, arm, each) for each in (own, rate))
    return side_by_side(case, arm.rank, lambda _: (blamed, proposed), judged, few)


def judged_as_too_low(
    best: Interval, final: Interval, own: str, usual: str, steps: int, whole: int
) -> tuple[Status, str]:
    """The status and reason for LL501, from the losses at the run's rate minus those at the usual one, after `steps` of
    the run's `whole`."""
    reason = f"after {steps:,} steps {', '.join(losses_in_words(best, final, own, usual.removeprefix('at ')))}"
    status = status_of(best)
    if status == "confirmed":
        later = "; the remaining steps may close the gap" if steps < whole else ""
        return status, f"{reason}: the usual rate does better{later}"
    ending = "no harm from the rate measured" if status == "refuted" else "the intervals are too wide to decide"
    return status, f"{reason}: {ending}"


def judged_as_too_high(
    best: Interval,
    final: Interval,
    diverged: tuple[int, int],
    seeds: int,
    rates: tuple[str, str],
    an_epoch: bool,
) -> tuple[Status, str]:
    """The status and reason for LL502, from the losses at the run's rate minus those at the suggested one, and the
    number of seeds in which each diverged. Less than an epoch refutes nothing."""
    reason = ", ".join(losses_in_words(best, final, rates[0], rates[1].removeprefix("at ")))
    ends = "the loss ends above where it began"
    if diverged[0] == seeds and diverged[1] == 0:
        return "confirmed", f"{rates[0]} {ends} in all {seeds} seeds, {rates[1]} in none; {reason}"
    status = status_of(best)
    if status == "confirmed":
        return status, f"{reason}: the suggested rate does better"
    if status == "refuted" and diverged[0] == 0:
        if not an_epoch:
            return "inconclusive", f"{reason}: no harm so far, in less than an epoch"
        if worse_at_the_end(final):
            return status, f"{reason}: over-training, not divergence: stop earlier"
        return status, f"{reason}: no harm from the rate measured"
    if diverged[0]:
        return (
            "inconclusive",
            f"{rates[0]} {ends} in {diverged[0]} of {seeds} seeds, {rates[1]} in {diverged[1]}; {reason}",
        )
    return status, f"{reason}: the intervals are too wide to decide"
