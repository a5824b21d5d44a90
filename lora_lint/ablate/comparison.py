"""What is real and what is noise.

Arms are compared seed by seed: with one seed all arms have the same examples in the same order and the same examples
held out, so what differs is the arm. Because one of many differences looks large by chance, the p-values of one set of
comparisons are adjusted together (Holm).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lora_lint.verify.measurement.statistics import Interval, interval, two_sided

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEVEL = 0.05
"""The share of studies without any difference that may claim one."""
TOLERANCE = 0.01
"""Nats: a difference in held-out loss below it does not matter."""

Judged = Literal["better", "worse", "equal", "open"]
"""better, worse: beyond noise. equal: the interval lies within the tolerance. open: neither can be shown."""


@dataclass(frozen=True)
class Contrast:
    """The held-out loss of an arm minus that of another, over the seeds that both have; `p` is adjusted."""

    difference: Interval
    p: float
    seeds: int
    judged: Judged


def contrasts(losses: Mapping[str, Mapping[int, float]], reference: str, level: float = LEVEL) -> dict[str, Contrast]:
    """Each arm against a reference: `losses` are by arm and seed. Arms that share fewer than two seeds with it are
    left out."""
    base = losses[reference]
    pairs = {
        name: [one[seed] - base[seed] for seed in sorted(one.keys() & base.keys())]
        for name, one in losses.items()
        if name != reference
    }
    pairs = {name: values for name, values in pairs.items() if len(values) > 1}
    adjusted = holm([p_value(values) for values in pairs.values()])
    found = {}
    for (name, values), p in zip(pairs.items(), adjusted, strict=True):
        difference = interval(values)
        found[name] = Contrast(difference, p, len(values), _judged(difference, p, level))
    return found


def _judged(difference: Interval, p: float, level: float) -> Judged:
    if difference.low >= -TOLERANCE and difference.high <= TOLERANCE:
        return "equal"
    if p < level:
        return "better" if difference.mean < 0 else "worse"
    return "open"


def p_value(values: Sequence[float]) -> float:
    """Two-sided, of the hypothesis that the mean is 0: Student's t."""
    count = len(values)
    mean = math.fsum(values) / count
    variance = math.fsum((each - mean) ** 2 for each in values) / (count - 1)
    if variance == 0.0:
        return 1.0 if mean == 0.0 else 0.0
    return two_sided(mean / math.sqrt(variance / count), count - 1)


def holm(values: Sequence[float]) -> list[float]:
    """The p-values of several hypotheses, adjusted so that all claims together are wrong in at most `level`."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    adjusted = [0.0] * len(values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min((len(values) - rank) * values[place], 1.0))
        adjusted[place] = largest
    return adjusted


def pareto(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """The names whose (size, loss) no other improves in one without being worse in the other, smallest first."""
    front = []
    lowest = math.inf
    for name, (_, loss) in sorted(points.items(), key=lambda item: item[1]):
        if loss < lowest:
            front.append(name)
            lowest = loss
    return front
