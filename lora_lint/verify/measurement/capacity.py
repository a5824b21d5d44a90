"""LL213, LL301, LL303: what an adapter can hold, by held-out losses of trainings on the run's own examples at two
ranks, or on attention alone and on all linear layers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lora_lint.rules.scale import Arm
from lora_lint.run.values import Known
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement.bench import wrapped
from lora_lint.verify.measurement.optimizers import optimizer_of
from lora_lint.verify.measurement.scaling import arm_of
from lora_lint.verify.measurement.training import Treatment, losses_in_words, side_by_side, status_of, worse_at_the_end
from lora_lint.verify.structure.skeleton import trainable

if TYPE_CHECKING:
    from lora_lint.finding import Status, Verdict
    from lora_lint.rules.scale import Law
    from lora_lint.run.run import Adapter
    from lora_lint.verify.experiment import FindingCase
    from lora_lint.verify.measurement.bench import Bench
    from lora_lint.verify.measurement.optimizers import Optimizer
    from lora_lint.verify.measurement.statistics import Interval
    from lora_lint.verify.measurement.training import Pair, Trial

_AS_MANY = 1.25
"""The factor up to which two adapters count as the same size: a rank is a whole number."""


def rank_against_data(case: FindingCase) -> Verdict:
    """LL301: the run's rank against the bound."""
    high = arm_of(case.run)
    bound = _proposed(case)
    if bound >= high.rank:
        raise Skip(f"rank {high.rank} is not above the bound of {bound}")
    return _at_ranks(case, high, bound)


def rank_against_task(case: FindingCase) -> Verdict:
    """LL303: the run's rank against the lower end of the task's range."""
    low = arm_of(case.run)
    wanted = _proposed(case)
    if wanted <= low.rank:
        raise Skip(f"rank {low.rank} is not below the lower end of the range, {wanted}")
    return _at_ranks(case, low, wanted)


def _at_ranks(case: FindingCase, own: Arm, rank: int) -> Verdict:
    """The run's rank against another one, whose alpha makes the first step equal: otherwise the comparison would be
    between step sizes."""
    optimizer = optimizer_of(case.run)
    other = equal_step(own, rank, optimizer)
    pair = tuple(Treatment(f"r={arm.rank}", case.run.adapter, arm, optimizer.rate) for arm in (own, other))

    def judged(trial: Trial) -> tuple[Status, str]:
        judge = judged_as_too_high if own.rank > rank else judged_as_too_low
        return judge(trial.best, trial.final, own.rank, rank)

    return side_by_side(case, max(own.rank, rank), lambda _: (pair[0], pair[1]), judged)


def _proposed(case: FindingCase) -> int:
    """The rank that the finding suggests. Raises Skip."""
    if case.finding.figure is None:
        raise Skip("the finding suggests no other rank")
    return int(case.finding.figure)


def equal_step(arm: Arm, rank: int, optimizer: Optimizer) -> Arm:
    """The setting of another rank with an equal first step. The step is proportional to scale * r where the optimizer
    divides out the size of the gradient (the Adam family), and to scale^2 * r under SGD."""
    law: Law = "sgd" if optimizer.family == "sgd" else "adam"
    other = Arm(rank, arm.alpha, arm.rslora)
    return Arm(rank, other.alpha_for_step(arm.step(law), law), arm.rslora)


def judged_as_too_high(best: Interval, final: Interval, high: int, low: int) -> tuple[Status, str]:
    """The status and reason for LL301, from the higher rank's losses minus the lower's. Where only the final loss is
    worse, over-training is to blame, not the rank."""
    lowest, last = losses_in_words(best, final, f"at r={high}", f"r={low}")
    status = status_of(best)
    if status == "confirmed":
        return status, f"{lowest}, {last}: the lower rank does better"
    if status == "refuted":
        if worse_at_the_end(final):
            return status, f"over-training, not the rank: stop earlier; {last}, but {lowest}"
        return status, f"{lowest}, {last}: no harm from the rank measured"
    if worse_at_the_end(final):
        reason = f"over-training: stop earlier; {last}; whether the rank also does harm is undecided: {lowest}"
        return status, reason
    return status, f"{lowest}, {last}: the intervals are too wide to decide"


def judged_as_too_low(best: Interval, final: Interval, low: int, high: int) -> tuple[Status, str]:
    """The status and reason for LL303, from the lower rank's losses minus the higher's."""
    lowest, last = losses_in_words(best, final, f"at r={low}", f"r={high}")
    return _with_ending(status_of(best), f"{lowest}, {last}", "the higher rank does better", "the rank")


def attention_alone(case: FindingCase) -> Verdict:
    """LL213: the run's targets against all linear layers, at a rank that makes the adapter the same size. With the same
    rank it would be several times as large, and the comparison would be of size, not of place. The finding claims that
    attention alone is worse even at equal size."""
    own = arm_of(case.run)

    def judged(trial: Trial) -> tuple[Status, str]:
        sizes = [trial.parameters[each.name] for each in (trial.blamed, trial.proposed)]
        return judged_by_place(trial.best, trial.final, sizes[0], sizes[1], trial.proposed.arm.rank)

    return side_by_side(case, own.rank, lambda bench: _places(case, bench, own), judged)


def _places(case: FindingCase, bench: Bench, own: Arm) -> Pair:
    """Raises Skip where no adapter on all linear layers is about as small."""
    optimizer = optimizer_of(case.run)
    adapter = case.run.adapter
    everywhere = replace(adapter, target_modules=Known("all-linear", None))
    size, larger = _size(bench, adapter, own), _size(bench, everywhere, own)
    if larger <= size:
        raise Skip("the targets are all linear layers already")
    rank = max(round(own.rank * size / larger), 1)
    if rank * larger / own.rank > _AS_MANY * size:
        raise Skip(f"at r={own.rank} every adapter on all linear layers is larger than the run's")
    arm = equal_step(own, rank, optimizer)
    return (
        Treatment(f"attention alone, r={own.rank}", adapter, own, optimizer.rate),
        Treatment(f"all linear layers, r={rank}", everywhere, arm, optimizer.rate),
    )


def _size(bench: Bench, adapter: Adapter, arm: Arm) -> int:
    with wrapped(bench, adapter, arm) as model:
        return sum(trainable(model).values())


def judged_by_place(best: Interval, final: Interval, own: int, everywhere: int, rank: int) -> tuple[Status, str]:
    """The status and reason for LL213, from the losses of attention alone minus those of all linear layers, and the
    trainable parameters of both."""
    lowest, last = losses_in_words(
        best, final, f"with attention alone ({own:,} parameters)", f"all linear layers at r={rank} ({everywhere:,})"
    )
    return _with_ending(status_of(best), f"{lowest}, {last}", "all linear layers do better", "attention alone")


def _with_ending(status: Status, reason: str, better: str, blamed: str) -> tuple[Status, str]:
    endings = {"confirmed": better, "refuted": f"no harm from {blamed} measured"}
    return status, f"{reason}: {endings.get(status, 'the intervals are too wide to decide')}"
