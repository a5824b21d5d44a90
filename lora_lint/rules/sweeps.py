"""LL107: what a sweep over the rank does to the first step, where no other rule on sweeps has told it."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Finding, Related
from lora_lint.rules.words import least, number, place, spread, surety
from lora_lint.run import Choices, known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lora_lint.run import Run, Sweep


def sweep_step_varies(sweep: Sweep, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL107"""
    by_model: dict[str, list[Run]] = {}
    for run in sweep.runs:
        by_model.setdefault(repr(known(run.model.name)), []).append(run)
    for runs in by_model.values():
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
    alphas = [known(run.adapter.alpha) or 0.0 for run in ranked]
    ranks = [known(run.adapter.rank) or 1 for run in ranked]
    if flags == {False}:
        return len(set(alphas)) == 1
    grows = all(b / a >= s / r * 0.999 for a, b, r, s in zip(alphas, alphas[1:], ranks, ranks[1:], strict=False))
    return flags != {True} or grows


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
    if sweep.kind in ("argparse choices", "series of calls") and not any(run.trained for run in ranked):
        confidence = least("possible", confidence)
    return Finding("LL107", message, span, confidence, None, related)
