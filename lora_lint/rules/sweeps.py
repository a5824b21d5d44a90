"""LL101, LL103 and LL107 on sweeps: what alpha does while the rank is varied."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Finding, Fix, Related
from lora_lint.rules.changes import tied
from lora_lint.rules.words import least, number, place, setting, spread, subjects, surety
from lora_lint.run import Choices, Known, known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lora_lint.run import Run, Sweep

_CHOICES = "argparse choices"
_CALLS = "series of calls"


def fixed_alpha_rank_sweep(sweep: Sweep, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL101"""
    for runs in _by_model(sweep):
        adapters = [run.adapter for run in runs]
        if any(known(adapter.use_rslora) is not False for adapter in adapters):
            continue
        ranked = {rank: run for run in runs if (rank := known(run.adapter.rank)) is not None and rank > 0}
        alphas = {known(adapter.alpha) for adapter in adapters}
        alpha = alphas.pop()
        if len(ranked) > 1 and not alphas and alpha is not None and alpha > 0:
            yield _fixed_alpha(sweep, sorted(ranked.items()), alpha)


def _fixed_alpha(sweep: Sweep, ranked: list[tuple[int, Run]], alpha: float) -> Finding:
    (low, first), (high, last) = ranked[0], ranked[-1]
    adapter = first.adapter
    alpha_key, rank_key = adapter.key("alpha"), adapter.key("rank")
    default = isinstance(adapter.alpha, Known) and adapter.alpha.origin == "framework-default"
    stays = f"is not given and stays at its default {number(alpha)}" if default else f"stays at {number(alpha)}"
    message = (
        f"`{alpha_key}` {stays} while `{rank_key}` takes {spread([rank for rank, _ in ranked])} in this {sweep.kind}: "
        f"{alpha_key}/{rank_key} falls from {number(alpha / low)} to {number(alpha / high)}. "
        f"{_first_step(known(first.training.optimizer), low, high)} Keep the ratio with "
        f"`{alpha_key} = {number(alpha / low)} * {rank_key}`, or, if the fixed alpha is meant, say so in an ignore "
        "comment; --verify measures the step of each rank on your model"
    )
    span = place(adapter.alpha, adapter.rank, otherwise=adapter.span)
    end = place(last.adapter.rank, otherwise=last.adapter.span)
    related = [Related(end, f"{alpha_key}/{rank_key} is {number(alpha / high)} at {rank_key}={high}")]
    if sweep.span not in (span, end):
        related.append(Related(sweep.span, f"the {sweep.kind} over the ranks"))
    confidence = surety(*(run.adapter.rank for _, run in ranked))
    if sweep.kind == _CHOICES:
        # Each call of the program picks one rank; a launcher that can pass alpha too may well tie it to the rank.
        confidence = least("likely", "likely" if surety(adapter.alpha) == "certain" else "possible")
    elif sweep.kind == _CALLS and not any(run.trained for run in sweep.runs):
        # A helper that is called for adapters of several ranks, and nothing shows that they are trained: mostly a test.
        confidence = "possible"
    changes = tied(ranked, alpha / low)
    fix = Fix("unsafe", f"Write {number(alpha / low)} * {rank_key} for {alpha_key}", changes)
    about = subjects(adapter.alpha, adapter.rank, last.adapter.rank)
    return Finding("LL101", message, span, confidence, None, tuple(related), fix, subjects=about)


def _first_step(optimizer: str | None, low: int, high: int) -> str:
    """What a fixed alpha does to the first step (exponents of alpha/r at fixed alpha: Adam 0, SGD -1)."""
    name = (optimizer or "").lower().rpartition(".")[2]
    shrinks = f"shrinks as 1/r, {number(high / low)} times from r={low} to r={high}"
    schools = (
        "which one school wants (rank-invariant step: LoRA, LoRA Without Regret) and the other (constant ratio) rejects"
    )
    if "adam" in name:
        return f"Under {optimizer} the first step hardly depends on the rank then, {schools}."
    if name.startswith("sgd"):
        return (
            f"Under {optimizer} the first step {shrinks}: neither school (constant ratio; rank-invariant step) "
            "compares the ranks alike."
        )
    adam = f"Under an Adam-type optimizer the first step hardly depends on the rank then, {schools}"
    return f"{adam}; under SGD it {shrinks}."


def rslora_alpha_grows(sweep: Sweep, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL103 of a sweep; of a run: scaling.rslora_scale_jump"""
    by_rank: dict[int, tuple[float, Run]] = {}
    for run in sweep.runs:
        rank, alpha = known(run.adapter.rank), known(run.adapter.alpha)
        if known(run.adapter.use_rslora) is not True or rank is None or rank < 1 or alpha is None or alpha <= 0:
            return
        if by_rank.setdefault(rank, (alpha, run))[0] != alpha:
            return  # several alphas for one rank: alpha is swept for itself
    ranked = sorted(by_rank.items())
    if len(ranked) < 2 or not _in_proportion([(rank, alpha) for rank, (alpha, _) in ranked]):
        return
    (low, (small, first)), (high, (large, last)) = ranked[0], ranked[-1]
    adapter = first.adapter
    rank_key, alpha_key = adapter.key("rank"), adapter.key("alpha")
    message = (
        f"`{alpha_key}` grows with `{rank_key}` in this {sweep.kind} although rsLoRA is on: the scale "
        f"{alpha_key}/sqrt({rank_key}) rises from {number(small / sqrt(low))} at {rank_key}={low} to "
        f"{number(large / sqrt(high))} at {rank_key}={high}. rsLoRA is made for one alpha at all ranks: keep "
        f"{setting(alpha_key, small)}"
    )
    span = place(adapter.alpha, adapter.use_rslora, otherwise=adapter.span)
    end = place(last.adapter.rank, otherwise=last.adapter.span)
    related = (Related(end, f"the scale is {number(large / sqrt(high))} at {rank_key}={high}"),) if end != span else ()
    confidence = surety(*(value for _, (_, run) in ranked for value in (run.adapter.rank, run.adapter.alpha)))
    if sweep.kind == _CHOICES:
        confidence = least("likely", confidence)
    fix = Fix("unsafe", f"Keep {alpha_key} fixed")
    about = subjects(adapter.alpha, adapter.use_rslora, last.adapter.rank)
    yield Finding("LL103", message, span, confidence, None, related, fix, subjects=about)


def sweep_step_varies(sweep: Sweep, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL107: what a sweep does to the first step, where neither LL101 nor LL103 has told it."""
    for runs in _by_model(sweep):
        ranked = _one_a_rank(runs)
        if len(ranked) < 2 or _told_elsewhere(ranked):
            continue
        sgd = _family(ranked[0]) == "sgd"
        steps = [_step(run, sgd) for run in ranked]
        if max(steps) > options["max-ratio"] * min(steps):
            yield _varies(sweep, ranked, steps, sgd)


def _one_a_rank(runs: list[Run]) -> list[Run]:
    """The runs in the order of their ranks; none where a setting that decides the step is not known, or where alpha or
    the learning rate is swept for itself."""
    by_rank: dict[int, Run] = {}
    rates = {repr(run.training.learning_rate) for run in runs}
    if any(isinstance(run.training.learning_rate, Choices) for run in runs):
        return []
    families = {_family(run) for run in runs}
    for run in runs:
        rank, alpha, rslora = known(run.adapter.rank), known(run.adapter.alpha), known(run.adapter.use_rslora)
        if rank is None or rank < 1 or alpha is None or alpha <= 0 or rslora is None or None in families:
            return []
        if rank in by_rank and known(by_rank[rank].adapter.alpha) != alpha:
            return []
        by_rank.setdefault(rank, run)
    return [by_rank[rank] for rank in sorted(by_rank)] if len(rates) == len(families) == 1 else []


def _family(run: Run) -> str | None:
    """How the optimizer steps: "sgd", or "adam" for those that divide the size of the gradient out, which is what
    every framework takes if nothing is said; None for others."""
    name = (known(run.training.optimizer) or "adam").lower().rpartition(".")[2]
    return "sgd" if name.startswith("sgd") else "adam" if "adam" in name or "lion" in name else None


def _told_elsewhere(ranked: list[Run]) -> bool:
    """Whether LL101 (one alpha at every rank) or LL103 (alpha in proportion to the rank under rsLoRA) tells it."""
    flags = {known(run.adapter.use_rslora) for run in ranked}
    pairs = [(known(run.adapter.rank) or 1, known(run.adapter.alpha) or 0.0) for run in ranked]
    if flags == {False}:
        return len({alpha for _, alpha in pairs}) == 1
    return flags != {True} or _in_proportion(pairs)


def _step(run: Run, sgd: bool) -> float:
    """What the first step is in proportion to: scale * r under Adam, scale^2 * r under SGD (measured exponents in
    docs/verify.md)."""
    rank, alpha = known(run.adapter.rank) or 1, known(run.adapter.alpha) or 0.0
    scale = alpha / (sqrt(rank) if known(run.adapter.use_rslora) else rank)
    return scale**2 * rank if sgd else scale * rank


def _varies(sweep: Sweep, ranked: list[Run], steps: list[float], sgd: bool) -> Finding:
    first, last = ranked[0], ranked[-1]
    adapter = first.adapter
    rank_key, alpha_key = adapter.key("rank"), adapter.key("alpha")
    ranks = [known(run.adapter.rank) or 1 for run in ranked]
    optimizer = known(first.training.optimizer) or "an Adam-type optimizer"
    ratio = steps[-1] / steps[0]
    way = f"{number(ratio)} times as large" if ratio >= 1 else f"{number(1 / ratio)} times as small"
    low, high = min(steps), max(steps)
    if max(ratio, 1 / ratio) < high / low * 0.999:
        way = f"up to {number(high / low)} times as large as at another"
    rslora = known(adapter.use_rslora) is True
    law = {
        (False, False): f"{alpha_key}",
        (False, True): f"{alpha_key} * sqrt({rank_key})",
        (True, False): f"{alpha_key}^2 / {rank_key}",
        (True, True): f"{alpha_key}^2",
    }[sgd, rslora]
    even = f"the same `{alpha_key}` without rsLoRA" if not sgd else f"the same `{alpha_key}` with rsLoRA"
    message = (
        f"`{rank_key}` takes {spread(ranks)} in this {sweep.kind} at one learning rate, and under {optimizer} the "
        f"first step goes with {law}: it is {way} at {rank_key}={ranks[-1]} as at {rank_key}={ranks[0]}. One school "
        "wants that (a constant ratio of alpha to rank), the other compares ranks at an equal step: "
        f"{even} at every rank, or a learning rate for each. --verify measures it on your model"
    )
    span = place(last.adapter.rank, otherwise=last.adapter.span)
    related = (Related(sweep.span, f"the {sweep.kind} over the ranks"),) if sweep.span != span else ()
    confidence = surety(*(run.adapter.rank for run in ranked), *(run.adapter.alpha for run in ranked))
    if sweep.kind in (_CHOICES, _CALLS) and not any(run.trained for run in ranked):
        confidence = least("possible", confidence)
    about = subjects(last.adapter.rank, last.adapter.alpha)
    return Finding("LL107", message, span, confidence, None, related, subjects=about)


def _by_model(sweep: Sweep) -> Iterable[list[Run]]:
    """The runs of a sweep, those on each model together: a second model beside the ranks is another comparison."""
    groups: dict[str, list[Run]] = {}
    for run in sweep.runs:
        groups.setdefault(repr(known(run.model.name)), []).append(run)
    return groups.values()


def _in_proportion(ranked: Sequence[tuple[int, float]]) -> bool:
    """Whether alpha grows at least in proportion to the rank, from each rank to the next, rounding aside."""
    return all(b / a >= s / r * 0.999 for (r, a), (s, b) in pairwise(ranked))


def told_once(findings: Iterable[Finding]) -> list[Finding]:
    """The findings of a file without those that say of one rank of a sweep (LL104) what LL101 says there of all its
    ranks: that one alpha makes the scale of some of them too large or too small."""
    every = list(findings)
    swept = {finding.span for finding in every if finding.code == "LL101" and finding.confidence != "possible"}
    return [finding for finding in every if finding.code != "LL104" or finding.span not in swept]
