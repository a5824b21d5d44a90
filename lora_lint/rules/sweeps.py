"""LL101, LL103, LL104 and LL107 on sweeps and studies: the scale and the first step of their settings.

Two schools compare adapters of different ranks, and the literature is split between them: a constant ratio of alpha to
rank, and a first step that does not depend on the rank. A comment in the file states which one a sweep follows, and
each message shows how to write both.
"""

from __future__ import annotations

from itertools import pairwise, permutations
from math import isclose, sqrt

from lora_lint.finding import Finding, Fix, Related, Remark
from lora_lint.rules.changes import tied
from lora_lint.rules.scale import SLACK, Arm, arm_of, arms_of, law_of, spelling, stated
from lora_lint.rules.scaling import beyond_range
from lora_lint.rules.words import least, listed, number, place, resting, spread, subjects, surety
from lora_lint.run.run import SweepKind
from lora_lint.run.values import Choices, Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from lora_lint.finding import Confidence, Level
    from lora_lint.rules.scale import Law
    from lora_lint.run.run import Run, Sweep, SweepKeeps

_COMPARED = frozenset({SweepKind.LOOP, SweepKind.ARRAY, SweepKind.COMPREHENSION, SweepKind.CALLS})
"""Kinds of sweeps whose runs all take place, to be compared. The others are search spaces."""
_COMPUTED_ELSEWHERE = frozenset({SweepKind.CHOICES, SweepKind.WANDB, SweepKind.HYDRA})
"""Kinds of sweeps that cannot compute one setting from another: the program that they start does."""
_EVEN = 2.0
"""First steps that differ by no more than this count as equal, unless an option says otherwise."""
_AS_HERE = "as here,"
"""How a school would write the sweep, where that is how it is written."""
_GRAVE = 8.0
"""A larger difference between first steps is a warning."""


def remark(keeps: SweepKeeps) -> str:
    """The comment that states what a sweep over the rank keeps constant."""
    return f"# lora-lint: sweep-keeps={keeps}"


# --- LL101 ------------------------------------------------------------------------------------------------------------


def fixed_alpha_rank_sweep(sweep: Sweep, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL101"""
    for runs in _by_model(sweep):
        adapters = [run.adapter for run in runs]
        if any(known(adapter.use_rslora) is not False for adapter in adapters):
            continue
        if all(run.trained is False for run in runs):
            continue  # they are counted or rebuilt
        ranked = {rank: run for run in runs if (rank := known(run.adapter.rank)) is not None and rank > 0}
        alphas = {known(adapter.alpha) for adapter in adapters}
        alpha = alphas.pop()
        if len(ranked) > 1 and not alphas and alpha is not None and alpha > 0:
            arms = {rank: (Arm(rank, alpha), run) for rank, run in sorted(ranked.items())}
            if not _keeps_its_step([arm for arm, _ in arms.values()], runs[0]):
                yield _fixed_alpha(sweep, list(arms.values()))


def _keeps_its_step(arms: Sequence[Arm], run: Run) -> bool:
    """Whether the user states that the step is kept, and nothing contradicts it."""
    law = law_of(run)
    return run.sweep_keeps == "step" and (law is None or _apart(arms, law) <= _EVEN * SLACK)


def _fixed_alpha(sweep: Sweep, ranked: list[tuple[Arm, Run]]) -> Finding:
    (low, first), (high, last) = ranked[0], ranked[-1]
    adapter = first.adapter
    alpha_key, rank_key = adapter.key("alpha"), adapter.key("rank")
    arms = [arm for arm, _ in ranked]
    default = isinstance(adapter.alpha, Known) and adapter.alpha.origin == "framework-default"
    stays = f"is not set and stays at its default {number(low.alpha)}" if default else f"stays at {number(low.alpha)}"
    message = (
        f"`{alpha_key}` {stays} while `{rank_key}` takes {spread([arm.rank for arm in arms])} in this "
        f"{sweep.kind.phrase}: {alpha_key}/{rank_key} falls from {number(low.scale)} to {number(high.scale)}. "
        f"{_first_step(known(first.training.optimizer), low.rank, high.rank)}. {_schools(sweep, arms, first)}"
    )
    span = place(adapter.alpha, adapter.rank, otherwise=adapter.span)
    end = place(last.adapter.rank, otherwise=last.adapter.span)
    related = [Related(end, f"{alpha_key}/{rank_key} is {number(high.scale)} at {rank_key}={high.rank}")]
    if sweep.span not in (span, end):
        related.append(Related(sweep.span, f"the {sweep.kind.phrase} over the ranks"))
    confidence = surety(*(run.adapter.rank for _, run in ranked))
    if sweep.kind is SweepKind.CHOICES:
        # Each call of the program picks one rank; a launcher that can also pass alpha may tie it to the rank.
        confidence = least("likely", "likely" if surety(adapter.alpha) == "certain" else "possible")
    elif sweep.kind is SweepKind.CALLS and not any(run.trained for run in sweep.runs):
        # A helper called for adapters of several ranks that are not known to be trained is usually a test.
        confidence = "possible"
    factor = _usual_ratio(low)
    fix = None
    if first.sweep_keeps != "step":
        changes = tied([(arm.rank, run) for arm, run in ranked], float(factor))
        if changes and first.sweep_keeps is None:
            changes = (*changes, Remark(span, remark("ratio")))
        fix = Fix(
            "unsafe",
            f"Write {_times(factor, rank_key)} for {alpha_key}, and state that the ratio is kept",
            changes,
            follows=True,
        )
    about = subjects(adapter.alpha, adapter.rank, last.adapter.rank)
    return Finding("LL101", message, span, confidence, None, tuple(related), fix, subjects=about)


def _first_step(optimizer: str | None, low: int, high: int) -> str:
    """The effect of a fixed alpha on the first step (exponents of alpha/r at fixed alpha: Adam 0, SGD -1)."""
    name = (optimizer or "").lower().rpartition(".")[2]
    shrinks = f"shrinks as 1/r, {number(high / low)} times from r={low} to r={high}"
    if "adam" in name:
        return f"Under {optimizer} the first step then hardly depends on the rank"
    if name.startswith("sgd"):
        return f"Under {optimizer} the first step {shrinks}, so the comparison is equal in neither sense"
    return f"Under an Adam-type optimizer the first step then hardly depends on the rank; under SGD it {shrinks}"


# --- LL103 and LL104 of a sweep ---------------------------------------------------------------------------------------


def rslora_sweep_too_large(sweep: Sweep, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL103 of a sweep; of a run: scaling.rslora_scale_jump"""
    for runs in _by_model(sweep):
        ranked = _one_a_rank(runs)
        if not ranked or not ranked[0][0].rslora:
            continue
        (low, first), (high, last) = ranked[0], ranked[-1]
        adapter = first.adapter
        rank_key, alpha_key = adapter.key("rank"), adapter.key("alpha")
        outside = [each for each in ranked if each[0].scale > options["max-scale"] * SLACK]
        if _in_proportion([arm for arm, _ in ranked]):
            what = (
                f"`{alpha_key}` grows with `{rank_key}` in this {sweep.kind.phrase} although rsLoRA is on, so the "
                f"scale {alpha_key}/sqrt({rank_key}) rises from {number(low.scale)} at {rank_key}={low.rank} to "
                f"{number(high.scale)} at {rank_key}={high.rank}"
            )
        elif outside and _is_one_choice(sweep, ranked, outside):
            what = (
                f"`{alpha_key}` under rsLoRA scales the adapter by {_scales(outside, rank_key)} in this "
                f"{sweep.kind.phrase}, above {number(options['max-scale'])}"
            )
        else:
            continue
        message = f"{what}. {_schools(sweep, [arm for arm, _ in ranked], first)}"
        span = place(adapter.alpha, adapter.use_rslora, otherwise=adapter.span)
        end = place(last.adapter.rank, otherwise=last.adapter.span)
        related = (Related(end, f"the scale is {number(high.scale)} at {rank_key}={high.rank}"),) if end != span else ()
        yield resting(
            *("LL103", message, adapter.alpha),
            otherwise=adapter.span,
            span=span,
            also=(adapter.use_rslora, last.adapter.rank),
            doubt=_sureness(sweep, ranked),
            related=related,
        )


def sweep_out_of_range(sweep: Sweep, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL104 of a sweep over the rank; of a run: scaling.scale_out_of_range"""
    own = sweep.runs[0].framework.default_scale
    low, high = min(options["min-ratio"], own), max(options["max-ratio"], own)
    for runs in _by_model(sweep):
        ranked = _one_a_rank(runs)
        arms = [arm for arm, _ in ranked]
        outside = [each for each in ranked if beyond_range([each[0]], low, high) is not None]
        if not outside or not _is_one_choice(sweep, ranked, outside):
            continue
        if len(outside) < len(ranked) and _keeps_its_step(arms, runs[0]):
            continue  # which puts some of the ranks out of range
        arm, run = outside[0]
        bound, effect = beyond_range([arm], low, high) or ("", "")
        adapter = run.adapter
        message = (
            f"`{adapter.key('alpha')}` scales the adapter by {_scales(outside, adapter.key('rank'))} in this "
            f"{sweep.kind.phrase}, {bound}: {effect}. {_schools(sweep, arms, runs[0])}"
        )
        span = place(adapter.alpha, adapter.rank, otherwise=adapter.span)
        about = adapter.alpha, adapter.rank
        yield resting("LL104", message, *about, otherwise=adapter.span, span=span, doubt=_sureness(sweep, ranked))


def _is_one_choice(sweep: Sweep, ranked: Sequence[Any], outside: Sequence[Any]) -> bool:
    """Whether the arms that are out of range belong to the sweep, and are not separate settings that are each checked
    alone."""
    places = {run.adapter.span for _, run in ranked}
    return len(outside) == len(ranked) or len(places) == 1 or sweep.kind not in _COMPARED


def _scales(ranked: Sequence[tuple[Arm, Run]], rank_key: str) -> str:
    """2 at r=8 and 4 at r=16."""
    if len({number(arm.scale) for arm, _ in ranked}) == 1:
        return f"{number(ranked[0][0].scale)} at {rank_key}={spread([arm.rank for arm, _ in ranked])}"
    return listed(f"{number(arm.scale)} at {rank_key}={arm.rank}" for arm, _ in ranked)


# --- LL107 ------------------------------------------------------------------------------------------------------------


def sweep_step_varies(sweep: Sweep, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL107"""
    for runs in _by_model(sweep):
        law = _common_law(runs)
        if law is None:
            continue
        ranked = _one_a_rank(runs)
        alike = len({repr(_targets(run)) for run in runs}) == 1
        if ranked and alike:
            arms = [arm for arm, _ in ranked]
            apart = _apart(arms, law)
            if apart > options["max-ratio"] * SLACK and not _keeps_its_ratio(arms, runs[0]):
                yield _sweep_varies(sweep, ranked, law, apart)
        elif sweep.kind in _COMPARED:
            study = _study(runs)
            apart = _apart_in_study(study, law)
            if apart > options["max-ratio"] * SLACK and not _keeps_its_ratio([arm for arm, _ in study], runs[0]):
                yield _study_varies(sweep, study, law, apart)


def _keeps_its_ratio(arms: Sequence[Arm], run: Run) -> bool:
    """Whether the user states that the ratio is kept, and it is."""
    return run.sweep_keeps == "ratio" and _one_scale(arms)


def _common_law(runs: Sequence[Run]) -> Law | None:
    """The law of the one optimizer of all runs at their one learning rate; None if there are several of either."""
    laws = {law_of(run) for run in runs}
    rates = {
        repr(rate.value if isinstance(rate, Known) else rate) for run in runs if (rate := run.training.learning_rate)
    }
    if len(laws) > 1 or len(rates) > 1 or any(isinstance(run.training.learning_rate, Choices) for run in runs):
        return None
    return laws.pop()


def _sweep_varies(sweep: Sweep, ranked: list[tuple[Arm, Run]], law: Law, apart: float) -> Finding:
    (low, first), (high, last) = ranked[0], ranked[-1]
    adapter = first.adapter
    rank_key, alpha_key = adapter.key("rank"), adapter.key("alpha")
    arms = [arm for arm, _ in ranked]
    ratio = high.step(law) / low.step(law)
    way = f"{number(ratio)} times as large" if ratio >= 1 else f"{number(1 / ratio)} times as small"
    if max(ratio, 1 / ratio) * SLACK < apart:
        way = f"up to {number(apart)} times as large as at another"
    goes = {
        ("adam", False): alpha_key,
        ("adam", True): f"{alpha_key} * sqrt({rank_key})",
        ("sgd", False): f"{alpha_key}^2 / {rank_key}",
        ("sgd", True): f"{alpha_key}^2",
    }[law, low.rslora]
    message = (
        f"`{rank_key}` takes {spread([arm.rank for arm in arms])} in this {sweep.kind.phrase} at one learning rate, "
        f"and under {_optimizer(first)} the first step is proportional to {goes}: it is {way} at "
        f"{rank_key}={high.rank} as at {rank_key}={low.rank}. {_schools(sweep, arms, first)}, or a learning rate for "
        "each rank"
    )
    span = place(last.adapter.rank, otherwise=last.adapter.span)
    related = (Related(sweep.span, f"the {sweep.kind.phrase} over the ranks"),) if sweep.span != span else ()
    doubt = _sureness(sweep, ranked)
    if sweep.kind in (SweepKind.CHOICES, SweepKind.CALLS) and not any(run.trained for _, run in ranked):
        doubt = "possible"
    about = last.adapter.rank, last.adapter.alpha
    level = _gravity(apart)
    return resting("LL107", message, *about, otherwise=span, doubt=doubt, level=level, related=related)


def _study(runs: Sequence[Run]) -> list[tuple[Arm, Run]]:
    """The arms of a study, each once; none if one is unknown, or if alpha itself is tuned, because then its effect is
    the question."""
    found: dict[str, tuple[Arm, Run]] = {}
    for run in runs:
        arm = arm_of(run)
        if arm is None or run.adapter.init_lora_weights != runs[0].adapter.init_lora_weights:
            return []
        found.setdefault(repr((arm, _targets(run))), (arm, run))
    arms = {arm for arm, _ in found.values()}
    return [] if tunes_alpha(arms) else list(found.values())


def tunes_alpha(arms: Iterable[Arm]) -> bool:
    """Whether settings are a grid with alpha, or its ratio to the rank, as a separate axis."""
    every = set(arms)
    ranks, flags = {arm.rank for arm in every}, {arm.rslora for arm in every}
    for axis in ({arm.alpha for arm in every}, {arm.alpha / arm.rank for arm in every}):
        if len(axis) > 1 and len(every) == len(axis) * len(ranks) * len(flags):
            return True
    return False


def _apart_in_study(study: Sequence[tuple[Arm, Run]], law: Law) -> float:
    """The ratio of one arm's first step to that of another arm that adapts no more than it does: fewer targets with a
    larger step may be intended to balance, but more of both are not."""
    ratios = [
        large.step(law) / small.step(law)
        for (small, one), (large, other) in permutations(study, 2)
        if _includes(_targets(other), _targets(one))
    ]
    return max(ratios, default=1.0)


def _targets(run: Run) -> Any:
    """What is adapted, in a form that can be compared."""
    targets = run.adapter.target_modules
    if not isinstance(targets, Known):
        return repr(targets)
    return frozenset(targets.value) if isinstance(targets.value, tuple) else targets.value


def _includes(targets: Any, others: Any) -> bool:
    """Whether it includes everything that is adapted elsewhere."""
    if isinstance(targets, frozenset) and isinstance(others, frozenset):
        return targets >= others
    return bool(targets == others) or (targets == "all-linear" and isinstance(others, frozenset))


def _study_varies(sweep: Sweep, study: list[tuple[Arm, Run]], law: Law, apart: float) -> Finding:
    first = study[0][1]
    goes = "rank * scale" if law == "adam" else "rank * scale^2"
    differ = len({repr(_targets(run)) for _, run in study}) > 1
    arms = list(dict.fromkeys(arm for arm, _ in study))
    shown = [_described(arm, [run for other, run in study if other == arm], arms[0], law) for arm in arms]
    message = (
        f"The arms of this {sweep.kind.phrase} are compared at one learning rate, but under {_optimizer(first)} their "
        f"first steps are proportional to {goes} and differ by up to {number(apart)} "
        f"times{' at equal targets' if differ else ''}: {'; '.join(shown)}. {_schools_of_study(arms, first, law)}"
    )
    largest = max(study, key=lambda each: each[0].step(law))[1].adapter
    span = place(largest.rank, largest.alpha, otherwise=largest.span)
    related = (Related(sweep.span, f"the {sweep.kind.phrase} over the arms"),) if sweep.span != span else ()
    trained = any(run.trained for _, run in study)
    return resting(
        *("LL107", message, largest.rank, largest.alpha),
        otherwise=largest.span,
        span=span,
        doubt=_sureness(sweep, study) if trained else "possible",
        level=_gravity(apart),
        related=related,
    )


def _described(arm: Arm, runs: Sequence[Run], baseline: Arm, law: Law) -> str:
    """An arm of a study, on all targets it is tried on, with its scale and its step relative to the first arm's."""
    adapter = runs[0].adapter
    counts = [str(len(names)) for run in runs if isinstance(names := known(run.adapter.target_modules), tuple)]
    on = f" ({listed(dict.fromkeys(counts), 'or')} targets)" if len(counts) == len(runs) else ""
    return (
        f"{adapter.key('rank')}={arm.rank}, {adapter.key('alpha')}={number(arm.alpha)}"
        f"{' with rsLoRA' if arm.rslora else ''}{on}: scale {number(arm.scale)}, step "
        f"{number(arm.step(law) / baseline.step(law))}"
    )


def _schools_of_study(arms: Sequence[Arm], run: Run, law: Law) -> str:
    """How each school would write the arms of a study so that they have no finding."""
    steps = [stated(arm.alpha_for_step(arms[0].step(law), law), run.framework) for arm in arms]
    scales = [stated(arms[0].scale * arm.alpha / arm.scale, run.framework) for arm in arms]
    return (
        f"{_against(run.sweep_keeps)}Two schools: a rank-invariant step, `{run.adapter.key('alpha')}` = "
        f"{listed(map(spelling, steps))} with the comment `{remark('step')}`, or a constant ratio, "
        f"{listed(map(spelling, scales))} with `{remark('ratio')}`; or a learning rate for each arm"
    )


# --- what the rules share ---------------------------------------------------------------------------------------------


def _schools(sweep: Sweep, arms: Sequence[Arm], run: Run) -> str:
    """How each school would write a sweep over the rank so that it has no finding."""
    law = law_of(run) or "adam"
    there = " in the program" if sweep.kind in _COMPUTED_ELSEWHERE else ""
    usual = beyond_range(arms, 0.25, 4.0) is None and all(arm.scale <= 8 * SLACK for arm in arms if arm.rslora)
    ratio = _AS_HERE if usual and _one_scale(arms) else _constant_ratio(arms[0], run) + there
    step = _AS_HERE if usual and _apart(arms, law) <= _EVEN * SLACK else _equal_step(arms[0], run, law)
    return (
        f"{_against(run.sweep_keeps)}Two schools: a constant ratio, {ratio} with the comment `{remark('ratio')}`, or a "
        f"rank-invariant step, {step} with `{remark('step')}`"
    )


def _constant_ratio(low: Arm, run: Run) -> str:
    alpha_key, rank_key = run.adapter.key("alpha"), run.adapter.key("rank")
    return f"`{alpha_key} = {_times(_usual_ratio(low), rank_key)}`{' without rsLoRA' if low.rslora else ''}"


def _equal_step(low: Arm, run: Run, law: Law) -> str:
    """One alpha keeps the step: with alpha/r under Adam, with rsLoRA under SGD."""
    adapter, ratio = run.adapter, _usual_ratio(low)
    alpha_key, rank_key = adapter.key("alpha"), adapter.key("rank")
    if law == "adam":
        return f"`{alpha_key} = {ratio * low.rank}` at every rank{' without rsLoRA' if low.rslora else ''}"
    alpha = spelling(stated(ratio * sqrt(low.rank), run.framework))
    if run.framework.can("use_rslora"):
        return f"`{alpha_key} = {alpha}` at every rank with `{adapter.key('use_rslora')}`"
    return f"`{alpha_key} = {alpha} * sqrt({rank_key})`"


def _against(keeps: SweepKeeps | None) -> str:
    """A sentence that the file states something untrue."""
    return f"`sweep-keeps={keeps}` is stated but does not hold. " if keeps else ""


def _times(factor: int, rank_key: str) -> str:
    """As the fix writes it."""
    return rank_key if factor == 1 else f"{factor} * {rank_key}"


def _usual_ratio(lowest: Arm) -> int:
    """The ratio of alpha to rank to suggest for a sweep: 1 or 2, whichever is closer at its lowest rank."""
    return 2 if lowest.alpha / lowest.rank >= 1.5 else 1


def _optimizer(run: Run) -> str:
    return known(run.training.optimizer) or "an Adam-type optimizer"


def _gravity(apart: float) -> Level | None:
    return "warning" if apart > _GRAVE * SLACK else None


def _sureness(sweep: Sweep, ranked: Sequence[tuple[Arm, Run]]) -> Confidence:
    confidence = surety(*(value for _, run in ranked for value in (run.adapter.rank, run.adapter.alpha)))
    return least("likely", confidence) if sweep.kind is SweepKind.CHOICES else confidence


def _apart(arms: Sequence[Arm], law: Law) -> float:
    """The ratio of the largest to the smallest first step."""
    steps = [arm.step(law) for arm in arms]
    return max(steps) / min(steps)


def _one_scale(arms: Sequence[Arm]) -> bool:
    return all(isclose(arm.scale, arms[0].scale, rel_tol=0.01) for arm in arms)


def _one_a_rank(runs: Sequence[Run]) -> list[tuple[Arm, Run]]:
    """The arms of a sweep over the rank, in the order of their ranks; none if a setting is unknown, or if alpha or
    rsLoRA is varied independently."""
    by_rank: dict[int, tuple[Arm, Run]] = {}
    for run in runs:
        arm = arm_of(run)
        if arm is None or by_rank.setdefault(arm.rank, (arm, run))[0] != arm:
            return []
    ranked = [by_rank[rank] for rank in sorted(by_rank)]
    return ranked if len({arm.rslora for arm, _ in ranked}) == 1 and len(ranked) > 1 else []


def _by_model(sweep: Sweep) -> Iterable[list[Run]]:
    """The runs of a sweep, grouped by model: a second model in addition to the ranks is a different comparison."""
    groups: dict[str, list[Run]] = {}
    for run in sweep.runs:
        groups.setdefault(repr(known(run.model.name)), []).append(run)
    return groups.values()


def _in_proportion(arms: Sequence[Arm]) -> bool:
    """Whether alpha grows at least in proportion to the rank, from each rank to the next, apart from rounding."""
    return all(after.alpha / arm.alpha >= after.rank / arm.rank * 0.999 for arm, after in pairwise(arms))


def is_search(sweep: Sweep) -> bool:
    """Whether a sweep searches for the best of several scales, so that none of its trials is a choice by itself."""
    arms = [arm for run in sweep.runs for arm in arms_of(run)]
    by_rank = {arm.rank: arm for arm in arms}
    several = any(by_rank[arm.rank] != arm for arm in arms)
    return several and (sweep.kind not in _COMPARED or tunes_alpha(arms))


CHECKS: Mapping[str, Callable[[Sweep, Mapping[str, Any]], Iterable[Finding]]] = {
    "LL101": fixed_alpha_rank_sweep,
    "LL103": rslora_sweep_too_large,
    "LL104": sweep_out_of_range,
    "LL107": sweep_step_varies,
}
