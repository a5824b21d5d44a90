"""LL101, LL102, LL103, LL104, LL107: what rank, alpha and rsLoRA do to the first optimizer step on the user's model.

The experiments measure the relative change of the logits after one step with the run's optimizer and learning rate, on
the same batches for every setting, and the norm of the gradient of all lora_B before it. (The norm of s*B*A would
mislead: it makes rsLoRA look as if the step did not depend on the rank.)
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Verdict
from lora_lint.rules.scale import Arm, law_of
from lora_lint.rules.scale import arm_of as setting_of
from lora_lint.rules.words import number
from lora_lint.run.values import alternatives, known
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement.bench import Late, first_steps, on_bench
from lora_lint.verify.measurement.best_rates import with_best_rates
from lora_lint.verify.measurement.optimizers import optimizer_of
from lora_lint.verify.measurement.statistics import (
    FIRST_LOOK,
    SECOND_LOOK,
    TOLERANCE,
    deciding,
    exponent,
    interval,
    judge,
)
from lora_lint.verify.weights import TooBig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lora_lint.finding import Status
    from lora_lint.run.run import Run
    from lora_lint.verify.experiment import FindingCase
    from lora_lint.verify.measurement.bench import Bench, Sample, Steps
    from lora_lint.verify.measurement.optimizers import Optimizer
    from lora_lint.verify.measurement.probe import Source
    from lora_lint.verify.measurement.statistics import Interval

_MOST = 5  # measured ranks of a sweep: its ends, and some between
_LOW = 8  # the rank to compare a single run's with
_TWICE = math.log(2.0)
_HALF_COLLAPSE = 0.25  # half the exponent -0.5 that rsLoRA's theorem gives for the gradient of lora_B
_USUAL_ALPHA = 16.0


def sweep(case: FindingCase) -> Verdict:
    """LL101, LL107, and LL103 for a sweep: whether the step depends on the rank. LL101 claims that it shrinks with the
    rank, LL103 that it grows, LL107 that it varies in either direction, or between the arms of a study."""
    study = _study_arms(case)
    if study:
        return on_bench(
            case, lambda bench: _settled(case, bench, partial(_study, arms=study)), max(arm.rank for _, arm in study)
        )
    arms = [arm_of(run) for run in _by_rank(case)]

    def experiment(bench: Bench) -> Verdict:
        return with_best_rates(case, bench, arms, _settled(case, bench, partial(_sweep, arms=arms)))

    return on_bench(case, experiment, arms[-1].rank)


def _sweep(case: FindingCase, bench: Bench, arms: Sequence[Arm]) -> Verdict:
    optimizer = optimizer_of(case.run)
    steps, source = first_steps(case, bench, arms, optimizer)
    grows = _ratio(steps, arms[-1], arms[0])
    power = _exponent(steps, arms, "step")
    if case.finding.code == "LL107":
        effect = grows if grows.mean >= 0 else grows.negative()
    elif case.finding.code == "LL103":
        effect = grows
    else:
        effect = grows.negative()
    status = judge(effect)
    low, high = arms[0].rank, arms[-1].rank
    factor = (grows if grows.mean >= 0 else grows.negative()).exp()
    way = "grows" if grows.mean >= 0 else "shrinks"
    reason = (
        f"from r={low} to r={high} the first step {way} by a factor of {_factor(factor)} under {_with(optimizer)}, "
        f"as r^{power.mean:.2f}"
    )
    if status == "refuted" and abs(grows.mean) < TOLERANCE:
        reason = (
            f"the first step does not depend on the rank under {_with(optimizer)} (r^{power.mean:.2f}; r={low} to "
            f"r={high}: a factor of {_factor(factor)}): no harm measured"
        )
    elif status == "refuted":
        reason += ": the opposite of what the finding claims"
    elif status == "inconclusive":
        reason += f": the interval does not settle whether the factor is above {number(math.exp(TOLERANCE))}"
    measured = _measured(bench, steps, arms, optimizer, source)
    measured["deciding"] = _deciding(case, steps, arms[-1], arms[0])
    return _verdict(bench, status, reason, measured, optimizer, steps, source)


def _study(case: FindingCase, bench: Bench, arms: Sequence[tuple[float, Arm]]) -> Verdict:
    """The arm with the largest predicted step against that with the smallest, on the targets of the first."""
    optimizer = optimizer_of(case.run)
    order = [arm for _, arm in arms]
    steps, source = first_steps(case, bench, order, optimizer)
    grows = _ratio(steps, order[-1], order[0])
    status = judge(grows)
    factor = grows.exp()
    reason = (
        f"the first step of {_named(order[-1])} is {_as(factor)} that of {_named(order[0])} on the same targets under "
        f"{_with(optimizer)}; {number(arms[-1][0] / arms[0][0])} times was predicted"
    )
    measured = {
        "arms": [
            {
                "rank": arm.rank,
                "alpha": arm.alpha,
                "rslora": arm.rslora,
                "scale": arm.scale,
                "predicted": step / arms[0][0],
                "step": _by_arm(steps, [arm], "step")[str(arm.rank)],
            }
            for step, arm in arms
        ],
        "ratio": factor.rounded(),
        "deciding": _deciding(case, steps, order[-1], order[0]),
        **_circumstances(bench, steps, optimizer, source),
    }
    return _verdict(bench, status, reason, measured, optimizer, steps, source)


def _study_arms(case: FindingCase) -> list[tuple[float, Arm]]:
    """The arms of a study with their predicted steps, the smallest first; none for a sweep over the rank alone."""
    if case.finding.code != "LL107" or case.sweep is None:
        return []
    runs = [run for run in case.sweep.runs if repr(known(run.model.name)) == repr(known(case.run.model.name))]
    arms = {arm for run in runs if (arm := setting_of(run)) is not None}
    if len(arms) < 2 or (len({arm.rank for arm in arms}) == len(arms) and len({arm.rslora for arm in arms}) == 1):
        return []
    law = law_of(case.run) or "adam"
    found = sorted(((arm.step(law), arm) for arm in arms), key=lambda each: (each[0], each[1].rank))
    return found if len(found) <= _MOST else [found[place] for place in _spaced(len(found))]


def _named(arm: Arm) -> str:
    return f"r={arm.rank}, alpha={number(arm.alpha)}{' with rsLoRA' if arm.rslora else ''}"


def rslora_off(case: FindingCase) -> Verdict:
    """LL102: whether the gradient of lora_B falls with the rank, and the step with it."""
    plain = [arm_of(case.run, rank) for rank in _ladder(_rank(case.run))]
    stable = [Arm(arm.rank, arm.alpha, True) for arm in plain]

    measure = partial(_rslora_off, plain=plain, stable=stable)
    return on_bench(case, lambda bench: _settled(case, bench, measure), plain[-1].rank)


def _rslora_off(case: FindingCase, bench: Bench, plain: Sequence[Arm], stable: Sequence[Arm]) -> Verdict:
    optimizer = optimizer_of(case.run)
    steps, source = first_steps(case, bench, [*plain, *stable], optimizer)
    falls = _ratio(steps, plain[0], plain[-1])
    gradient, power = _exponent(steps, plain, "gradient"), _exponent(steps, plain, "step")
    collapse = judge(gradient.negative(), _HALF_COLLAPSE)
    harm = judge(falls)
    label = _with(optimizer)
    status: Status
    if collapse == "refuted":
        status, reason = "refuted", f"the gradient of lora_B does not fall with the rank here (r^{gradient.mean:.2f})"
    elif harm == "refuted":
        status = "refuted"
        way = "does not depend on the rank" if abs(falls.mean) < TOLERANCE else "grows with the rank"
        seen = (
            f"the gradient of lora_B {'falls' if collapse == 'confirmed' else 'probably falls'} with the rank "
            f"(r^{gradient.mean:.2f})"
        )
        reason = f"{seen}, but the step size {way} under {label} (r^{power.mean:.2f}): no harm measured"
    elif collapse == harm == "confirmed":
        status = "confirmed"
        reason = (
            f"the gradient of lora_B falls with the rank (r^{gradient.mean:.2f}), and so does the step under {label} "
            f"(r^{power.mean:.2f}), from r={plain[0].rank} to r={plain[-1].rank} by a factor of {_factor(falls.exp())}"
        )
    else:
        status = "inconclusive"
        reason = (
            f"the gradient of lora_B scales as r^{gradient.mean:.2f} and the step as r^{power.mean:.2f} under {label}, "
            "but the intervals are too wide to decide"
        )
    flag = _ratio(steps, stable[-1], plain[-1]).exp()
    reason += f". rsLoRA alone makes the step at r={plain[-1].rank} {flag.mean:.3g} times as large"
    measured = _measured(bench, steps, plain, optimizer, source)
    measured["rslora"] = {
        key: value
        for key, value in _measured(bench, steps, stable, optimizer, source).items()
        if key in ("step", "gradient", "exponents")
    }
    measured["flag"] = flag.rounded()
    measured["deciding"] = _deciding(case, steps, plain[-1], plain[0])
    return _verdict(bench, status, reason, measured, optimizer, steps, source)


def rslora_jump(case: FindingCase) -> Verdict:
    """LL103: in a sweep whose alpha grows, whether the step grows with the rank; otherwise, for the largest scale, the
    step at alpha/sqrt(r) against that at alpha/r."""
    if case.sweep is not None and len({known(run.adapter.alpha) for run in case.sweep.runs}) > 1:
        return sweep(case)
    arm = _farthest(case)
    return _against(case, arm, Arm(arm.rank, arm.alpha, False), "alpha/r")


def scale_range(case: FindingCase) -> Verdict:
    """LL104: the step at the run's scale (for a sweep, the one farthest from 1) against a scale of 1."""
    arm = _farthest(case)
    return _against(case, arm, Arm(arm.rank, float(arm.rank), False), "alpha = r")


def _farthest(case: FindingCase) -> Arm:
    """The setting of a run, or the one in a sweep whose scale is farthest from 1."""
    arms = [arm for run in case.sweep.runs if (arm := setting_of(run)) is not None] if case.sweep is not None else []
    return max(arms, key=lambda arm: abs(math.log(arm.scale)), default=None) or arm_of(case.run)


def _against(case: FindingCase, arm: Arm, usual: Arm, name: str) -> Verdict:
    """The step of one setting against another at the same rank; the claim is more than a factor of two in the direction
    of the scale."""

    def measure(case: FindingCase, bench: Bench) -> Verdict:
        optimizer = optimizer_of(case.run)
        steps, source = first_steps(case, bench, [arm, usual], optimizer)
        ratio = _ratio(steps, arm, usual)
        larger = arm.scale > usual.scale
        status = judge(ratio if larger else ratio.negative(), _TWICE)
        factor = ratio.exp()
        reason = (
            f"at a scale of {number(round(arm.scale, 4))} the first step is {_as(factor)} that at {name} "
            f"(scale {number(round(usual.scale, 4))}) under {_with(optimizer)}"
        )
        if status == "refuted":
            near = abs(ratio.mean) < _TWICE
            reason += ": within a factor of 2" if near else ": the opposite of what the finding claims"
        elif status == "inconclusive":
            reason += ": the interval does not settle whether the factor is above 2"
        measured = _measured(bench, steps, [arm], optimizer, source)
        measured |= {
            "ratio": factor.rounded(),
            "scales": {"run": arm.scale, name: usual.scale},
            "reference": _by_arm(steps, [usual], "step"),
            "deciding": _deciding(case, steps, arm, usual, _TWICE),
        }
        return _verdict(bench, status, reason, measured, optimizer, steps, source)

    return on_bench(case, lambda bench: _settled(case, bench, measure), arm.rank)


def _settled(case: FindingCase, bench: Bench, measure: Callable[[FindingCase, Bench], Verdict]) -> Verdict:
    """Measures; if that settles nothing, looks a second time with twice the seeds, unless the user set their number or
    time has run out. Measured seeds are kept, so that only the new ones are run."""
    once = case.options.seeds is not None
    try:
        verdict = measure(case if once else replace(case, level=FIRST_LOOK), bench)
    except Late:
        why = f"time ran out before {bench.seeds(case)} seeds were measured"
        return Verdict("inconclusive", why, {"model": bench.described()}, bench.device, proxy=bench.proxy)
    if verdict.status != "inconclusive" or once:
        return verdict
    more = replace(case, options=replace(case.options, seeds=2 * bench.seeds(case)), level=SECOND_LOOK)
    try:
        return measure(more, bench)
    except (Late, TooBig):
        return verdict


# --- arms -------------------------------------------------------------------------------------------------------------


def _by_rank(case: FindingCase) -> list[Run]:
    """The measured runs of a sweep, one per rank, in the order of the ranks. Raises Skip."""
    runs = case.sweep.runs if case.sweep is not None else ()
    groups: dict[str, dict[int, Run]] = {}
    for run in runs:
        rank = known(run.adapter.rank)
        if isinstance(rank, int) and rank > 0:
            groups.setdefault(repr(known(run.model.name)), {}).setdefault(rank, run)
    # A sweep over several models has one finding per model: take the model of the case's run, if it is known.
    chosen = groups.get(repr(known(case.run.model.name)), {})
    if len(chosen) < 2:
        chosen = max(groups.values(), key=len, default={})
    ranks = sorted(chosen)
    if len(ranks) < 2:
        raise Skip("the ranks of the sweep are not known")
    if len(ranks) > _MOST:
        ranks = [ranks[place] for place in _spaced(len(ranks))]
    return [chosen[rank] for rank in ranks]


def _spaced(count: int) -> list[int]:
    """The places in a list to measure: its ends, and some between."""
    return [round(place * (count - 1) / (_MOST - 1)) for place in range(_MOST)]


def _rank(run: Run) -> int:
    ranks = [each.value for each in alternatives(run.adapter.rank) if isinstance(each.value, int) and each.value > 0]
    if not ranks:
        raise Skip("the rank is not known")
    return min(ranks)


def arm_of(run: Run, rank: int | None = None) -> Arm:
    """A run's own setting, at its own rank or another. Where alpha may have several values the first stands for all;
    where it is not known, 16 does: exponents do not depend on it."""
    alphas = [float(each.value) for each in alternatives(run.adapter.alpha) if each.value]
    flags = [each.value for each in alternatives(run.adapter.use_rslora)]
    return Arm(rank or _rank(run), alphas[0] if alphas else _USUAL_ALPHA, flags[:1] == [True])


def _ladder(rank: int) -> list[int]:
    """Ranks to fit an exponent on: 8 (less where the rank is below four times that), one between, the rank itself."""
    low = max(min(_LOW, rank // 4), 1)
    middle = 2 ** round(math.log2(math.sqrt(low * rank)))
    return sorted({low, middle, rank})


# --- measurements -- ------------------------------------------------------------------------------------------------


def _ratio(steps: Steps, above: Arm, below: Arm) -> Interval:
    """The logarithm of the ratio of one arm's step to another's."""
    return interval(_by_seed(steps, above, below), steps.level)


def _by_seed(steps: Steps, above: Arm, below: Arm) -> list[float]:
    """The logarithm of the ratio of one arm's step to another's, for each seed."""
    pairs = zip(steps.samples[above], steps.samples[below], strict=True)
    return [math.log(one.step / other.step) for one, other in pairs]


def _deciding(case: FindingCase, steps: Steps, above: Arm, below: Arm, tolerance: float = TOLERANCE) -> dict[str, Any]:
    """The ratio of two arms' steps, with what their scales predict under the run's optimizer."""
    law = law_of(case.run)
    predicted = above.step(law) / below.step(law) if law is not None else None
    what = f"first step of {_named(above)}, in multiples of that of {_named(below)}"
    return deciding(what, _by_seed(steps, above, below), _ratio(steps, above, below), tolerance, predicted)


def _exponent(steps: Steps, arms: Sequence[Arm], what: str) -> Interval:
    by_seed = [[_of(steps.samples[arm][seed], what) for arm in arms] for seed in range(steps.seeds)]
    return exponent([arm.rank for arm in arms], by_seed, steps.level)


def _of(sample: Sample, what: str) -> float:
    return max(sample.step if what == "step" else sample.gradient, 1e-300)


def _by_arm(steps: Steps, arms: Sequence[Arm], what: str) -> dict[str, list[float]]:
    """Geometric mean and interval by rank."""
    return {
        str(arm.rank): interval([math.log(_of(each, what)) for each in steps.samples[arm]], steps.level).exp().rounded()
        for arm in arms
    }


def _measured(bench: Bench, steps: Steps, arms: Sequence[Arm], optimizer: Optimizer, source: Source) -> dict[str, Any]:
    """The measurements of a verdict: see docs/verify.md."""
    measured: dict[str, Any] = {
        "ranks": [arm.rank for arm in arms],
        "alphas": [arm.alpha for arm in arms],
        "step": _by_arm(steps, arms, "step"),
        "gradient": _by_arm(steps, arms, "gradient"),
        **_circumstances(bench, steps, optimizer, source),
    }
    if len(arms) > 1:
        powers = {what: _exponent(steps, arms, what).rounded() for what in ("step", "gradient")}
        measured["exponents"] = powers
    return measured


def _circumstances(bench: Bench, steps: Steps, optimizer: Optimizer, source: Source) -> dict[str, Any]:
    return {
        "optimizer": optimizer.label,
        "learning_rate": steps.rate,
        "seeds": steps.seeds,
        "level": steps.level,
        "model": bench.described(),
        "text": source.words,
    }


def _verdict(
    bench: Bench,
    status: Status,
    reason: str,
    measured: Mapping[str, Any],
    optimizer: Optimizer,
    steps: Steps,
    source: Source,
) -> Verdict:
    notes = list(optimizer.notes)
    if steps.rate > optimizer.rate:
        notes.append(
            f"the probe raises the learning rate from {optimizer.rate:g} to {steps.rate:.2g} so that rounding does not "
            "hide the step"
        )
    if source.own:
        notes.append(f"probed with {source.words}")
    if bench.proxy:
        reason = f"proxy: {reason}"
        notes.append(f"a sized-down {bench.name} with random weights, because {bench.reason}")
    if notes:
        reason += f" ({'; '.join(notes)})"
    return Verdict(status, reason, {**measured, "notes": notes}, bench.device, proxy=bench.proxy)


def _with(optimizer: Optimizer) -> str:
    return f"{optimizer.label} at {optimizer.rate:g}"


def _factor(factor: Interval) -> str:
    return f"{factor.mean:.3g} ({factor.limits('.2g')})"


def _as(factor: Interval) -> str:
    return f"{factor.mean:.3g} times ({factor.limits('.2g')})"
