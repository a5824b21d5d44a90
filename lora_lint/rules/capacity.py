"""LL3xx: rank against data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.finding import Finding, Fix, Related
from lora_lint.knowledge.datasets import is_stand_in
from lora_lint.rules.changes import all_of, put, settled
from lora_lint.rules.words import every_case, least, number, place, plural, setting, surety
from lora_lint.run import Known, alternatives, known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lora_lint.finding import Change, Confidence, Level
    from lora_lint.run import Run


def bound_of(size: int, options: Mapping[str, Any]) -> tuple[int, str]:
    """The highest rank for a number of training examples, and that range in words."""
    for limit, rank in sorted(options["bounds"]):
        if size < limit:
            return int(rank), f"under {limit:,} examples"
    top = max((limit for limit, _ in options["bounds"]), default=0)
    return int(options["max-rank"]), f"for {top:,} examples and more" if top else "for any data set"


def rank_too_high_for_data(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL301"""
    training, adapter = run.training, run.adapter
    if run.trained is False or training.method in ("preference", "rl"):
        return
    cases = [case for case in every_case(adapter.rank, run.dataset.size) if case[1] > 0]
    if not cases or not all(rank > bound_of(size, options)[0] for rank, size in cases):
        return
    # The mildest case speaks for all.
    rank, size = min(cases, key=lambda case: (case[0] / bound_of(case[1], options)[0], case))
    bound, span_of_data = bound_of(size, options)
    epochs, steps = known(training.epochs), known(training.max_steps)
    turns = ""
    if steps is not None and steps > 0:
        turns = f" for {plural(steps, 'step')}"
    elif epochs is not None and epochs > 0:
        turns = f" for {number(epochs)} epoch{'' if epochs == 1 else 's'}"
    key = adapter.key("rank")
    how = f" ({run.dataset.how})" if run.dataset.how else ""
    message = (
        f"{setting(key, rank)} trains {_parameters(run)} on {plural(size, 'example')}{how}{turns}; the rule of thumb "
        f"is {key} <= {bound} {span_of_data}. It is a rule of thumb: over-training does the harm more than rank, so "
        f"watch the eval loss, train fewer epochs, or try {setting(key, bound)}"
    )
    span = place(adapter.rank, otherwise=adapter.span)
    data = place(run.dataset.size, run.dataset.name, otherwise=span)
    related = (Related(data, f"{plural(size, 'training example')}{how}"),) if data != span else ()
    confidence: Confidence = surety(adapter.rank, run.dataset.size, run.dataset.name)
    if training.method == "unknown":
        confidence = least(confidence, "likely")
    names = [str(name.value) for name in alternatives(run.dataset.name)]
    if names and all(map(is_stand_in, names)):
        confidence = "possible"
    level: Level | None = "advice" if _once(run, size) else None
    fix = Fix("unsafe", f"Set {key} to {bound}", _lower(run, rank, bound))
    yield Finding("LL301", message, span, confidence, level, related, fix)


def _lower(run: Run, rank: int, bound: int) -> tuple[Change, ...]:
    """Another rank at the same scale: an alpha that is given goes down with it (rsLoRA's stays)."""
    adapter = run.adapter
    changes = put(adapter, "rank", bound)
    alpha = adapter.alpha
    if not settled(run) or known(adapter.use_rslora) is None:
        return ()
    if isinstance(alpha, Known) and alpha.span is not None and not known(adapter.use_rslora):
        return all_of(changes, put(adapter, "alpha", alpha.value * bound / rank))
    return changes


def _once(run: Run, size: int) -> bool:
    """Whether each example is seen once at most, so that nothing can be learned by heart whatever the rank."""
    training = run.training
    epochs, steps = known(training.epochs), known(training.max_steps)
    batch, accumulation = known(training.batch_size), known(training.accumulation)
    if steps is not None and steps > 0:
        return batch is not None and accumulation is not None and steps * batch * accumulation <= size
    return epochs is not None and 0 < epochs <= 1


def _parameters(run: Run) -> str:
    """How many parameters are trained, as far as that is known."""
    if not any(each.value > 0 for each in alternatives(run.adapter.rank)):
        return "an adapter"
    from lora_lint.knowledge.resolve import resolve

    counts = {case.parameters for case in resolve(run).cases}
    count = counts.pop() if len(counts) == 1 else None
    return f"{count:,} parameters" if count else "an adapter of that rank"
