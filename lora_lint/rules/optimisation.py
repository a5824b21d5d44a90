"""LL5xx: learning rate, optimizer and the cost of a step."""

from __future__ import annotations

from math import ceil, inf, sqrt

from lora_lint.finding import Drop, Finding, Fix
from lora_lint.knowledge import versions
from lora_lint.rules.words import every_case, in_epochs, least, number, place, plural, resting, setting, surety
from lora_lint.run.events import LoadAdapter, PutOn, Unwrap
from lora_lint.run.values import Known, alternatives, always, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lora_lint.run.run import Run

_USUAL_PRODUCT = 2e-4 * 32
_LEFT_ALONE = frozenset({"DPOTrainer"})
"""TRL's trainers that find a reference themselves if a program gives none."""
_LORAPLUS = "loraplus_lr_ratio"
_UNUSUAL = 2e-5
"""Above it, an explicit rate may well be the best one of a sweep."""
_WITHOUT_WARMUP = frozenset({"constant", "reduce_lr_on_plateau", "greedy"})
"""Schedules of transformers that have no warmup (5.23.0, optimization.py, get_scheduler)."""
_LARGE_SCALE = 4
"""A scale that compensates for a low rate: under Adam the step is proportional to their product."""


def full_finetune_learning_rate(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL501"""
    training = run.training
    rates = alternatives(training.learning_rate)
    if run.trained is False or run.is_smoke_test() or not rates:
        return
    if training.method not in ("supervised", "classification") or run.compares_rates:
        return
    highest = max(rate.value for rate in rates)
    if not 0 < highest <= options["max-rate"] or _made_up_for(run):
        return
    rate = rates[0]
    given = f"The learning rate is {highest:g}"
    if rate.origin == "framework-default":
        given = f"No learning rate is set, so {training.trainer or 'the framework'} takes its default {highest:g}"
    message = (
        f"{given}, a rate for full fine-tuning. LoRA's best rate is about 10 times that of full fine-tuning (LoRA "
        f"Without Regret), and most public LoRA runs train at 1e-4 or 2e-4; at {highest:g} the adapter may hardly "
        "move. Try 1e-4 to 2e-4, unless a sweep over rates chose this one"
    )
    span = rate.span or training.span or run.span
    chosen = rate.origin != "framework-default" and highest > _UNUSUAL
    yield resting(
        *("LL501", message, training.learning_rate),
        otherwise=run.span,
        span=span,
        doubt="possible" if chosen else "likely",
    )


def _made_up_for(run: Run) -> bool:
    """Whether the rate may be low on purpose: because of a large scale, or because other modules that need a low rate
    train too."""
    adapter = run.adapter
    if run.training.setup.whole or any(saved.value for saved in alternatives(adapter.modules_to_save)):
        return True
    scales = [each.value for each in alternatives(adapter.scale)]
    for rank, alpha, rslora in every_case(adapter.rank, adapter.alpha, adapter.use_rslora):
        if rank > 0:
            scales.append(alpha / (sqrt(rank) if rslora else rank))
    return not scales or max(scales) >= _LARGE_SCALE


def learning_rate_too_high(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL502"""
    training, adapter = run.training, run.adapter
    optimizer = known(training.optimizer) or "adamw"
    if (
        run.trained is False
        or run.compares_rates
        or not _takes_rate_as_adam(optimizer)
        or training.method in ("preference", "rl")
    ):
        return
    cases = list(every_case(training.learning_rate, adapter.rank, adapter.alpha, adapter.use_rslora))
    products = [
        rate * alpha * (sqrt(rank) if rslora else 1) for rate, rank, alpha, rslora in cases if rank > 0 and alpha > 0
    ]
    if not products or len(products) < len(cases) or not options["max-product"] < min(products) < inf:
        return
    rate, rank, alpha, rslora = cases[products.index(min(products))]
    scale = alpha / (sqrt(rank) if rslora else rank)
    product = min(products)
    advised = rate * options["max-product"] / product / 4
    message = (
        f"The first step under {optimizer} is proportional to rate * scale * rank = {rate:g} * {number(scale)} * "
        f"{rank} = {product:.3g}, which is {number(round(product / _USUAL_PRODUCT))} times that of the usual 2e-4 at "
        f"alpha 32. Above {options['max-product']:g} training tends to diverge. Lower the rate to {advised:.1g}, or "
        "lower alpha"
    )
    doubt, figure = least("likely", surety(adapter.alpha)), float(f"{advised:.1g}")
    yield resting("LL502", message, training.learning_rate, otherwise=run.span, doubt=doubt, figure=figure)


def warmup_outlasts_run(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL506"""
    training = run.training
    warmup, steps = training.warmup, _most_steps(run)
    if run.trained is False or run.is_smoke_test() or not isinstance(warmup, Known) or steps is None:
        return
    if warmup.value < max(steps, 1) or known(training.schedule) in _WITHOUT_WARMUP:
        return
    of_data = not (known(training.max_steps) or 0) > 0
    rate = known(training.learning_rate)
    height, share = f"{rate:g}" if rate else "the rate that is set", steps / warmup.value
    reached = f"{height} only then" if share >= 1 else f"at most {share:.0%} of {height}"
    message = (
        f"The warmup of {number(warmup.value)} steps outlasts the run of {plural(steps, 'step')}: the learning rate "
        f"is still rising when the run ends, and reaches {reached}. "
        + (f"{_counted(run)}. " if of_data else "")
        + "Warm up for 3% to 10% of the steps"
    )
    doubt = least("likely", surety(run.dataset.size)) if of_data else "certain"
    span = place(warmup, otherwise=training.span or run.span)
    yield resting("LL506", message, warmup, otherwise=span, span=span, doubt=doubt)


def _most_steps(run: Run) -> int | None:
    """The steps of the optimizer, if all data goes through one process: several take fewer."""
    training = run.training
    steps, size, epochs = known(training.max_steps), known(run.dataset.size), known(training.epochs)
    if steps is not None and steps > 0:
        return steps
    batch, accumulation = known(training.batch_size), known(training.accumulation)
    if size is None or epochs is None or not batch or not accumulation or min(size, epochs, batch, accumulation) <= 0:
        return None
    return ceil(ceil(ceil(size / batch) / accumulation) * epochs)


def _counted(run: Run) -> str:
    """What the number of steps comes from."""
    training, size = run.training, known(run.dataset.size) or 0
    together = (known(training.batch_size) or 1) * (known(training.accumulation) or 1)
    passes = in_epochs(known(training.epochs) or 0)
    return f"{plural(size, 'example')} in batches of {together} make that many in {passes}"


def _takes_rate_as_adam(optimizer: str) -> bool:
    """Whether the learning rate is the size of Adam's step: D-Adaptation and Prodigy find that size themselves, and
    take a rate of 1."""
    name = optimizer.lower()
    return "adam" in name and "dadapt" not in name and "prodigy" not in name


def loraplus_not_supported(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL503"""
    for keyword in run.training.unknown_keywords:
        if keyword.key == _LORAPLUS:
            source = "PEFT's"
            if (pin := run.before("peft", versions.LORAPLUS)) is not None:
                source = f"PEFT's since {versions.named(versions.LORAPLUS)} ({pin})"
            message = (
                f"`{_LORAPLUS}` is not an argument of {keyword.owner}, which raises a TypeError: LoRA+ is an optimizer "
                f"of {source}. Create it with `peft.optimizers.create_loraplus_optimizer(model, optimizer_cls=…, lr=…, "
                "loraplus_lr_ratio=…)` and pass it to the trainer as `optimizers=(optimizer, None)`"
            )
            fix = Fix("unsafe", f"Remove {_LORAPLUS}", (Drop(keyword.span, _LORAPLUS),))
            yield Finding("LL503", message, keyword.span, fix=fix)


def dora_cost(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL504"""
    if run.trained is False or not always(run.adapter.use_dora, True):
        return
    flag = run.adapter.key("use_dora")
    message = (
        f"{setting(flag, True)} makes each step slower: DoRA computes the norm of each adapted weight, and users "
        "report 20% to 100% more time (measured: 25% on a CPU). Compare it with plain LoRA at the same wall-clock "
        "time, and merge it before serving"
    )
    yield resting("LL504", message, run.adapter.use_dora, otherwise=run.adapter.span)


def reference_is_base(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL505"""
    bare = run.training.bare_reference
    if not always(bare, True):
        return
    user = run.framework.title
    if run.training.trainer in _LEFT_ALONE:
        pin = run.before("trl", versions.REFERENCE_COPIED)
        start = next((event for event in reversed(run.events) if isinstance(event, PutOn | Unwrap)), None)
        if pin is None or not isinstance(start, LoadAdapter) or not always(start.trainable, True):
            return
        user = f"TRL before {versions.named(versions.REFERENCE_COPIED)} ({pin})"
    message = (
        f"The reference model lacks the adapter that training starts from: {user} uses the base model "
        "with its adapter switched off, so the policy starts far from its reference and is pulled back to the base. "
        "Give the reference the same adapter, or merge the adapter into the base model first"
    )
    yield resting("LL505", message, bare, otherwise=run.span)
