"""Means with intervals, exponents and verdicts: the statistics behind measured verdicts.

Every seed sees all arms on the same batches, so effects are taken seed by seed, and the interval comes from their
spread over the seeds (Student's t).

An experiment that settles nothing may look a second time, with twice the seeds. Two looks at 95% would err more often
than one, so both are taken at wider intervals, 98% and 97%, whose errors add up to 5% (Bonferroni).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLERANCE = math.log(1.5)
"""Effects below a factor of 1.5 do not matter: less than a third of a step in the usual learning-rate grids."""

USUAL = 0.95
FIRST_LOOK, SECOND_LOOK = 0.98, 0.97
_HALVINGS = 60  # of an angle: exact to rounding

Judgement = Literal["confirmed", "refuted", "inconclusive"]


@dataclass(frozen=True)
class Interval:
    """A mean with its interval, which holds the true mean with the probability `level`."""

    mean: float
    low: float
    high: float
    level: float = USUAL

    def exp(self) -> Interval:
        """For logarithms: the geometric mean, a factor."""
        return Interval(_exp(self.mean), _exp(self.low), _exp(self.high), self.level)

    def negative(self) -> Interval:
        return Interval(-self.mean, -self.high, -self.low, self.level)

    def limits(self, form: str) -> str:
        """The interval in words, its ends in a format: "95% -0.3 to +0.1"."""
        return f"{self.level:.0%} {self.low:{form}} to {self.high:{form}}"

    def rounded(self) -> list[float]:
        """Rounded for the measurements: four significant digits, no infinities (JSON has none)."""
        return [float(f"{min(max(each, -1e300), 1e300):.4g}") for each in (self.mean, self.low, self.high)]


def quantile(freedom: int, level: float = USUAL) -> float:
    """The two-sided quantile of Student's t, by halving the angle atan(t / sqrt(freedom))."""
    if freedom < 1:
        return math.inf
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < level else (low, middle)
    return math.sqrt(freedom) * math.tan(low)


def two_sided(t: float, freedom: int) -> float:
    """The probability that Student's t is farther from 0 than `t`."""
    return min(max(1.0 - _within(math.atan(abs(t) / math.sqrt(freedom)), freedom), 0.0), 1.0)


def _within(angle: float, freedom: int) -> float:
    """P(|T| < t) for t = sqrt(freedom) * tan(angle) (Abramowitz & Stegun 26.7.3 and 26.7.4)."""
    square = math.cos(angle) ** 2
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for each in range(3 if odd else 2, freedom - 1, 2):
        term *= square * (each - 1) / each
        total += term
    return 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total


def interval(values: Sequence[float], level: float = USUAL) -> Interval:
    """The mean of some values, one per seed, with its interval; infinitely wide for a single value."""
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Interval(mean, -math.inf, math.inf, level)
    variance = math.fsum((each - mean) ** 2 for each in values) / (len(values) - 1)
    half = quantile(len(values) - 1, level) * math.sqrt(variance / len(values))
    return Interval(mean, mean - half, mean + half, level)


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The least-squares slope of ys over xs; for logarithms it is an exponent. Needs two different xs."""
    middle = math.fsum(xs) / len(xs)
    centre = math.fsum(ys) / len(ys)
    across = math.fsum((x - middle) * (y - centre) for x, y in zip(xs, ys, strict=True))
    return across / math.fsum((x - middle) ** 2 for x in xs)


def exponent(ranks: Sequence[int], by_seed: Sequence[Sequence[float]], level: float = USUAL) -> Interval:
    """p in "proportional to r^p": `by_seed` holds, for each seed, the (positive) value at each rank."""
    xs = [math.log(rank) for rank in ranks]
    return interval([slope(xs, [math.log(value) for value in values]) for values in by_seed], level)


def judge(effect: Interval, tolerance: float = TOLERANCE) -> Judgement:
    """Whether an effect supports the claim that it is above `tolerance`: confirmed if the whole interval lies above,
    refuted if all of it lies below (within the tolerance, or on the other side), inconclusive if it straddles it."""
    if effect.low > tolerance:
        return "confirmed"
    return "refuted" if effect.high < tolerance else "inconclusive"


def deciding(
    what: str, values: Sequence[float], effect: Interval, tolerance: float, predicted: float | None = None
) -> dict[str, Any]:
    """The statistic that decides a verdict, for its measurements: the logarithm of a factor for each seed, with the
    interval of their mean, as factors; within `tolerance` (of the logarithm) the effect does not matter."""
    return {
        "what": what,
        "scale": "factor",
        "values": [float(f"{_exp(each):.4g}") for each in values],
        "interval": effect.exp().rounded(),
        "level": effect.level,
        "tolerance": [float(f"{math.exp(each):.4g}") for each in (-tolerance, tolerance)],
        "predicted": None if predicted is None else float(f"{predicted:.4g}"),
    }


def deciding_difference(what: str, values: Sequence[float], effect: Interval, tolerance: float) -> dict[str, Any]:
    """As `deciding`, for a difference."""
    return {
        "what": what,
        "scale": "difference",
        "values": [float(f"{each:.4g}") for each in values],
        "interval": effect.rounded(),
        "level": effect.level,
        "tolerance": [-tolerance, tolerance],
        "predicted": None,
    }


def _exp(value: float) -> float:
    return math.exp(min(value, 690.0)) if value > -math.inf else 0.0
