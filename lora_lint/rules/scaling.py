"""LL102 to LL106: the adapter's scale, from alpha, rank and rsLoRA."""

from __future__ import annotations

import re
from math import isclose, sqrt

from lora_lint.finding import Finding, Fix, Related
from lora_lint.knowledge.versions import without
from lora_lint.rules.changes import all_of, beside, put, settled, uniform
from lora_lint.rules.scale import SLACK, Arm, arms_of, divisor, law_of, spelling, stated
from lora_lint.rules.words import every_case, listed, number, place, resting, setting, some_case, subjects, surety
from lora_lint.run.values import alternatives, always, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from lora_lint.run.run import Run
    from lora_lint.run.values import Value

_LEAST = 0.25
"""The smallest scale that LL103 suggests: LL104 reports smaller ones."""
_OF_ALL_RANKS = 32
"""The alpha of LoRA Without Regret at every rank; TRL's guide trains r=1 by reinforcement with it."""
_PLAIN_NAME = r"\^?[\w.]+"
_QLORAS_RATE = 1e-4


def rslora_off_high_rank(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL102"""
    adapter = run.adapter
    ranks = _ranks(run)
    if not ranks or min(ranks) < options["min-rank"] or not always(adapter.use_rslora, False):
        return
    if not run.framework.can("use_rslora") or without(run, "use_rslora") is not None:
        return
    rank, rank_key, alpha_key = min(ranks), adapter.key("rank"), adapter.key("alpha")
    flag = adapter.key("use_rslora")
    cases = list(every_case(adapter.rank, adapter.alpha))
    # The program that reads a block of a project's own may turn on what the block leaves out.
    said = not run.framework.reader_unknown or any(each.span is not None for each in alternatives(adapter.use_rslora))
    high = said and bool(cases) and all(r >= 64 and alpha / r <= 0.5 for r, alpha in cases) and _is_slow(run)
    times = number(sqrt(rank))
    alpha = known(adapter.alpha)
    shrink = f"the gradients of lora_B shrink as 1/sqrt({rank_key})"
    if law_of(run) == "adam":
        shrink += ", which an Adam-type optimizer largely undoes"
    fix = Fix("unsafe", f"Set {flag}, and divide {alpha_key} by {times}")
    if alpha is not None and len(ranks) == 1:
        now, then = number(alpha / rank), number(alpha / sqrt(rank))
        same = stated(alpha / sqrt(rank), run.framework)
        exact = isclose(same, alpha / sqrt(rank), rel_tol=SLACK - 1)
        kept = "keeps the current function" if exact else f"is scaled by {number(same / sqrt(rank))}"
        message = (
            f"{setting(rank_key, rank)} without rsLoRA, whose use is contested: the adapter is scaled by "
            f"{alpha_key}/{rank_key} = {now}, and {shrink}. `{flag}` alone makes the scale {then} ({times} times as "
            f"much); with `{alpha_key}={spelling(same)}` it {kept} and stays stable when the rank grows"
        )
        if exact and settled(run) and uniform(adapter):
            changes = all_of(put(adapter, "use_rslora", True), put(adapter, "alpha", same))
            changes = beside(adapter, changes, "rank")
            fix = Fix("unsafe", f"Set {flag}, and {alpha_key} to {spelling(same)}", changes, follows=True)
    else:
        message = (
            f"{setting(rank_key, rank)} without rsLoRA, whose use is contested: {shrink}. `{flag}` alone multiplies "
            f"the scale by sqrt({rank_key}) = {times}; divide `{alpha_key}` by {times} to keep the current function"
        )
    if high:
        message += ". It is a warning because the rank is high and the ratio small"
    yield resting(
        *("LL102", message, adapter.rank),
        otherwise=adapter.span,
        also=(adapter.alpha,),
        doubt=surety(adapter.use_rslora),
        level="warning" if high else None,
        fix=fix,
    )


def _is_slow(run: Run) -> bool:
    """Whether it is known that Adam does not make up for small gradients with a learning rate like that of QLoRA's
    paper, which trains r=64 and alpha=16 at 2e-4, and its largest models at 1e-4."""
    rates = [rate.value for rate in alternatives(run.training.learning_rate)]
    return law_of(run) != "adam" or (bool(rates) and max(rates) < _QLORAS_RATE)


def rslora_scale_jump(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL103 of a run; of a sweep: sweeps.rslora_alpha_grows"""
    adapter, most = run.adapter, options["max-scale"]
    arms = arms_of(run)
    if not arms or not all(arm.rslora and arm.scale > most * SLACK for arm in arms):
        return
    arm = arms[0]
    rank_key, alpha_key = adapter.key("rank"), adapter.key("alpha")
    flag = next((each.span for each in alternatives(adapter.use_rslora) if each.span), None)
    ratio = arm.alpha / arm.rank
    wanted = ratio if _LEAST <= ratio <= most else min(2.0, most)
    alpha = stated(wanted * sqrt(arm.rank), run.framework)
    scale = Arm(arm.rank, alpha, True).scale
    kept = isclose(scale, ratio, rel_tol=SLACK - 1)
    then = f"keeps the scale of {alpha_key}/{rank_key}" if kept else f"makes the scale {number(scale)}"
    message = (
        f"With `{adapter.key('use_rslora')}` the adapter is scaled by {alpha_key}/sqrt({rank_key}) = "
        f"{number(arm.alpha)}/sqrt({arm.rank}) = {number(arm.scale)}, {number(sqrt(arm.rank))} times the "
        f"{number(ratio)} without rsLoRA: the first steps are that much larger at the same learning rate. "
        f"`{alpha_key}={spelling(alpha)}` {then}"
    )
    span = place(adapter.alpha, adapter.use_rslora, otherwise=adapter.span)
    related = (Related(flag, "rsLoRA is on here"),) if flag and flag != span else ()
    changes = beside(adapter, put(adapter, "alpha", alpha), "rank") if settled(run) else ()
    fix = Fix("unsafe", f"Set {alpha_key} to {spelling(alpha)}", changes, follows=True)
    about = adapter.alpha, adapter.rank, adapter.use_rslora
    yield resting("LL103", message, *about, otherwise=adapter.span, span=span, related=related, fix=fix)


def scale_out_of_range(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL104 of a run; of a sweep: sweeps.sweep_out_of_range. Above the range under rsLoRA it is LL103."""
    adapter = run.adapter
    if run.trained is False or known(adapter.init_lora_weights) == "eva":
        return  # EVA redistributes the ranks, and with them the scales; its authors train with an alpha of 1
    own = run.framework.default_scale
    low, high = min(options["min-ratio"], own), max(options["max-ratio"], own)
    if alternatives(adapter.scale):
        yield from _given_scale(run, low, high)
    arms = arms_of(run)
    beyond = beyond_range(arms, low, high)
    if beyond is None or (run.training.method == "rl" and all(arm.alpha == _OF_ALL_RANKS for arm in arms)):
        return
    bound, effect = beyond
    arm, rank_key, alpha_key = arms[0], adapter.key("rank"), adapter.key("alpha")
    default = next((each for each in alternatives(adapter.alpha) if each.origin == "framework-default"), None)
    given = setting(alpha_key, arm.alpha)
    if default:
        given = f"`{alpha_key}` is not set, so the default {number(arm.alpha)} applies and"
    usual = [stated(ratio * divisor(arm.rank, arm.rslora), run.framework) for ratio in (1, 2)]
    message = (
        f"{given} with {setting(rank_key, arm.rank)}{' and rsLoRA' if arm.rslora else ''} scales the adapter by "
        f"{number(arm.scale)}, {bound}: {effect}. Scales of 1 and 2 are usual: "
        f"{' or '.join(f'`{alpha_key}={spelling(alpha)}`' for alpha in usual)} here"
    )
    span = place(adapter.alpha, adapter.rank, otherwise=adapter.span)
    where = place(adapter.rank, otherwise=span)
    related = (Related(where, f"`{rank_key}` is set here"),) if where != span else ()
    changes = beside(adapter, put(adapter, "alpha", usual[0]), "rank") if settled(run) else ()
    then = "LL102 and LL501 may then apply"
    fix = Fix("unsafe", f"Set {alpha_key} to {spelling(usual[0])}; {then}", changes, ("LL102", "LL501"), True)
    yield resting(
        *("LL104", message, adapter.alpha, adapter.rank),
        otherwise=adapter.span,
        span=span,
        doubt=surety(adapter.use_rslora),
        related=related,
        fix=fix,
    )


def beyond_range(arms: Sequence[Arm], low: float, high: float) -> tuple[str, str] | None:
    """The bound that all settings exceed, and the effect; None if one of them is in range. rsLoRA has its own upper
    bound (LL103)."""
    if arms and all(arm.scale > high * SLACK and not arm.rslora for arm in arms):
        effect = "at the same learning rate, each step moves the model that many times as far as at a scale of 1"
        return f"above {number(high)}", effect
    if arms and all(arm.scale * SLACK < low for arm in arms):
        return f"below {number(low)}", "the adapter's output is damped to that fraction"
    return None


def _given_scale(run: Run, low: float, high: float) -> Iterator[Finding]:
    """Compares a scale that is set directly with the framework's default, which may be far above the usual alpha/r."""
    adapter, usual = run.adapter, run.framework.usual_scale
    for scale in alternatives(adapter.scale):
        if scale.origin != "literal" or scale.value <= 0 or low <= scale.value <= max(high, usual):
            continue
        key, rank = adapter.key("scale"), known(adapter.rank)
        meant = ""
        if rank and scale.value > max(high, usual):
            meant = f"; for an alpha of {number(scale.value)} at rank {rank} write {number(scale.value / rank)}"
        message = (
            f"{setting(key, scale.value)} multiplies the adapter's output: it is alpha/r, not alpha. The default is "
            f"{number(usual)}, so each step is {number(scale.value / usual)} times as large at the same learning "
            f"rate{meant}"
        )
        yield resting("LL104", message, scale, otherwise=adapter.span)


def zero_scale(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL105"""
    adapter = run.adapter
    alpha_key, dropout_key = adapter.key("alpha"), adapter.key("dropout")
    for alpha, confidence in some_case(adapter.alpha):
        if alpha.value <= 0:
            message = (
                f"{setting(alpha_key, alpha.value)}: {_of_no_use(alpha.value)}. Use a value above 0, such as the rank"
            )
            yield resting("LL105", message, alpha, otherwise=adapter.span, doubt=confidence)
    for scale, confidence in some_case(adapter.scale):
        if scale.value <= 0:
            message = f"{setting(adapter.key('scale'), scale.value)}: {_of_no_use(scale.value)}. Use a value above 0"
            yield resting("LL105", message, scale, otherwise=adapter.span, doubt=confidence)
    for dropout, confidence in some_case(adapter.dropout):
        if dropout.value >= 1:
            why = (
                "drops the adapter's whole input, so nothing is learned"
                if dropout.value == 1
                else "is not a probability, and torch rejects it once the model is loaded"
            )
            meant = f" ({number(dropout.value / 100)} may be meant)" if 1 < dropout.value <= 50 else ""
            message = f"{setting(dropout_key, dropout.value)} {why}. Use a fraction below 1{meant}, such as 0.05"
            yield resting("LL105", message, dropout, otherwise=adapter.span, doubt=confidence)


def _of_no_use(factor: float) -> str:
    """The effect of an alpha or a scale of 0 or less."""
    if factor == 0:
        return "the adapter's output is multiplied by 0 and its gradients are 0, so nothing is learned"
    return "the scale is negative, which PEFT accepts but no recipe uses: almost certainly a mistake"


def rank_pattern_without_alpha(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL106"""
    adapter = run.adapter
    rank, alpha = known(adapter.rank), known(adapter.alpha)
    ranks, alphas = known(adapter.rank_pattern), known(adapter.alpha_pattern)
    if (
        not ranks
        or alphas is None
        or known(adapter.use_rslora) is not False
        or known(adapter.init_lora_weights) == "eva"
    ):
        return
    if rank is None or alpha is None or rank < 1 or alphas.keys() - ranks.keys():
        return  # other alpha patterns may match the same layers
    reached, left = _reached(ranks, adapter.target_modules)
    own_ranks = {ranks[key] for key in reached} | ({rank} if left else set())
    differ = {key: own for key in reached if (own := ranks[key]) != rank and own > 0 and key not in alphas}
    if not differ or len(own_ranks) < 2:
        return
    ratio = alpha / rank
    key, own_key = adapter.key("alpha_pattern"), adapter.key("rank_pattern")
    shown = differ if left else {key: ranks[key] for key in reached if ranks[key] > 0}
    scales = listed(f"{number(alpha / own)} where it matches `{name}` (r={own})" for name, own in shown.items())
    if left:
        scales = f"{number(ratio)} at r={rank} but {scales}"
    wanted = {**alphas, **{name: _whole(float(f"{ratio * own:.4g}")) for name, own in differ.items()}}
    message = (
        f"`{own_key}` gives layers a different rank without `{key}`: alpha {number(alpha)} is divided by each layer's "
        f"own rank, so the scale is {scales}. One school wants that (fixed alpha); if every layer should have the same "
        f"scale, add `{key}={wanted}`, otherwise add an ignore comment"
    )
    fix = Fix(
        "unsafe",
        f"Give these layers the alpha for a scale of {number(ratio)}",
        beside(adapter, put(adapter, "alpha_pattern", wanted), "rank", "alpha", "rank_pattern"),
        follows=True,
    )
    yield Finding(
        "LL106",
        message,
        place(adapter.rank_pattern, otherwise=adapter.span),
        surety(adapter.rank, adapter.alpha),
        fix=fix,
        subjects=subjects(adapter.rank_pattern, adapter.rank, adapter.alpha),
    )


def _reached(patterns: Iterable[str], targets: Value[Any]) -> tuple[list[str], bool]:
    """The keys of a pattern that may match what is adapted, and whether they may leave some of it out: by the last
    parts of names, if both are plain names."""
    named = known(targets)
    if not isinstance(named, tuple):
        return list(patterns), True
    ends = {entry.rpartition(".")[2] for entry in named}
    plain = {key: key.lstrip("^").rpartition(".")[2] for key in patterns if re.fullmatch(_PLAIN_NAME, key)}
    reached = [key for key in patterns if key not in plain or plain[key] in ends]
    return reached, not ends <= {plain.get(key) for key in reached if key == plain.get(key)}


def _ranks(run: Run) -> list[int]:
    """Every rank the run may have; none if the rank cannot matter, or if one is out of range."""
    ranks = [each.value for each in alternatives(run.adapter.rank)]
    if run.trained is False or run.is_smoke_test() or any(rank < 1 for rank in ranks):
        return []
    return ranks


def _whole(value: float) -> float:
    return int(value) if value.is_integer() else value
