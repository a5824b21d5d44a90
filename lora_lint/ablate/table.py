"""The results of a study on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.ablate.comparison import TOLERANCE
from lora_lint.system.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lora_lint.ablate.comparison import Contrast
    from lora_lint.ablate.results import ArmResult, Results
    from lora_lint.ablate.study import Study

SAID = {"better": "better", "worse": "worse", "equal": "the same", "open": "undecided"}
"""What a judgement is called."""


def text_of(study: Study, results: Results) -> str:
    """The table, which differences are real, the Pareto front, and the answer."""
    lines = [_head(study), "", *_table(results), "", *findings(study, results)]
    return "".join(f"{visible(line)}\n" for line in lines)


def _head(study: Study) -> str:
    setup = study.setup
    seeds = {len(study.course.of(each)) for each in study.course.arms}
    count = f"{min(seeds)} to {max(seeds)}" if len(seeds) > 1 else f"{max(seeds)}"
    return (
        f"{setup.host.name} ({setup.host.parameters / 1e6:,.1f} M parameters, {setup.host.dtype}, "
        f"{setup.host.device}) on {study.data}: {setup.steps} steps of {setup.batch} examples, "
        f"{len(setup.examples) - setup.held} trained on, {setup.held} held out, {count} seeds, "
        f"{setup.optimizer.label}"
    )


def _table(results: Results) -> Iterator[str]:
    accuracy = any(each.accuracy is not None for each in results.finished)
    heads = ["arm", "alpha", "parameters", "held-out loss", "95%", "vs baseline", "95%", "", "memory", "seconds"]
    rows = [[*heads[:5], *(["answers"] if accuracy else []), *heads[5:]]]
    rows += [_row(each, accuracy) for each in results.finished]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(width) if place in (0, len(row) - 3) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
    for each in results.arms:
        if each.status != "finished":
            yield f"{each.recipe.name}: {ending(each)}"


def _row(each: ArmResult, accuracy: bool) -> list[str]:
    loss = each.eval_loss
    assert loss is not None
    mark = " *" if each.recommended else ""
    answers = [f"{each.accuracy:.0%}" if each.accuracy is not None else ""] if accuracy else []
    return [
        f"{each.recipe.name}{mark}",
        f"{each.recipe.alpha:g}",
        f"{each.trainable:,}",
        f"{loss.mean:.4f}",
        f"±{loss.high - loss.mean:.4f}",
        *answers,
        *_versus(each.versus_baseline, each.baseline),
        size(each.memory),
        f"{each.seconds:.1f}",
    ]


def _versus(contrast: Contrast | None, baseline: bool) -> list[str]:
    if contrast is None:
        return ["baseline" if baseline else "", "", ""]
    half = contrast.difference.high - contrast.difference.mean
    return [f"{contrast.difference.mean:+.4f}", f"±{half:.4f}", SAID[contrast.judged]]


def ending(each: ArmResult) -> str:
    """What became of an arm that did not finish."""
    if each.status == "failed":
        return f"failed, {each.reason}"
    if each.versus_baseline is None:
        return each.reason
    then = f"{each.versus_baseline.difference.mean:+.3f} against the baseline, {SAID[each.versus_baseline.judged]}"
    return f"{each.reason}; then {then}"


def size(count: int) -> str:
    """Bytes as people read them."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def findings(study: Study, results: Results) -> list[str]:
    """What follows, in sentences."""
    found = [*_fairness(study, results), *_real(results)]
    front = [each.recipe.name for each in sorted(results.finished, key=lambda each: each.trainable) if each.on_front]
    if front:
        found.append(f"Pareto front (parameters, held-out loss): {'; '.join(front)}")
    found += [
        f"{each.recipe.name} is the same training as {each.same_as}: with equal scales rsLoRA only writes alpha "
        "differently"
        for each in results.arms
        if each.same_as is not None
    ]
    found += study.notes
    if study.course.late:
        found.append("time ran out before all trainings were made: the same command goes on with them")
    return [*found, "", *answer(results)]


def _fairness(study: Study, results: Results) -> list[str]:
    rate = results.baseline.recipe.rate  # an arm with another rate is meant to take another step
    steps = [each for each in results.arms if each.first_step > 0 and each.recipe.rate == rate]
    written = [each.first_step_as_written for each in steps]
    fair = [each.first_step for each in steps]
    if len(steps) < 2:
        return []
    ratio = max(written) / min(written)
    if study.request.fair == "as-written":
        return [f"First steps as written: they differ {ratio:.1f}-fold between the arms"]
    now = max(fair) / min(fair)
    return [f"First steps: {ratio:.1f}-fold apart at the baseline's alpha, {now:.2f}-fold at the alphas of the study"]


def _real(results: Results) -> list[str]:
    by_judgement: dict[str, list[str]] = {}
    for each in results.finished:
        if each.versus_baseline is not None:
            by_judgement.setdefault(each.versus_baseline.judged, []).append(each.recipe.name)
    words = {
        "better": "Better than the baseline beyond noise",
        "worse": "Worse than the baseline beyond noise",
        "equal": f"The same as the baseline (within {TOLERANCE:g} nats)",
        "open": "Neither the same as the baseline nor different beyond noise",
    }
    return [f"{words[key]}: {'; '.join(by_judgement[key])}" for key in words if key in by_judgement]


def answer(results: Results) -> list[str]:
    """The answer to the study's question."""
    chosen, best = results.recommended, results.best
    if chosen is None or best is None:
        return ["No arm finished, so nothing can be recommended"]
    if chosen.baseline:
        return ["No arm is better than the baseline beyond noise: keep it", *_cheaper(results)]
    contrast = chosen.versus_baseline
    lines = [f"Take {chosen.recipe.name}"]
    if contrast is not None:
        lines[0] += (
            f": {-contrast.difference.mean:.3f} nats better than the baseline "
            f"({-contrast.difference.high:.3f} to {-contrast.difference.low:.3f}, {contrast.seeds} seeds)"
        )
    if chosen is not best:
        lines.append(
            f"{best.recipe.name} has the lowest loss, but not beyond noise, and "
            f"{best.trainable / chosen.trainable:.1f} times the parameters"
        )
    return lines


def _cheaper(results: Results) -> Sequence[str]:
    """The smallest arm that is as good as the baseline, if it is smaller."""
    base = results.baseline
    equal = [
        each
        for each in results.finished
        if each.versus_baseline is not None
        and each.versus_baseline.judged == "equal"
        and each.trainable < base.trainable
    ]
    if not equal:
        return []
    least = min(equal, key=lambda each: each.trainable)
    return [f"{least.recipe.name} is as good with {least.trainable / base.trainable:.0%} of the parameters"]
