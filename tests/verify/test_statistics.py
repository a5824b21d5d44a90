"""Intervals, exponents and verdicts of measurements."""

from __future__ import annotations

import math
import random

import pytest

from lora_lint.verify.measurement.statistics import TOLERANCE, Interval, exponent, interval, judge, quantile, slope


@pytest.mark.parametrize(
    ("freedom", "expected"),
    # Published tables of Student's t, two-sided 95%.
    [(1, 12.706), (2, 4.303), (5, 2.571), (10, 2.228), (11, 2.201), (15, 2.131), (30, 2.042), (120, 1.980)],
)
def test_quantile(freedom: int, expected: float) -> None:
    assert quantile(freedom) == pytest.approx(expected, abs=6e-4)


def test_interval_of_three() -> None:
    found = interval([1.0, 2.0, 3.0])
    assert found.mean == 2.0
    assert found.high - found.mean == pytest.approx(4.3027 / math.sqrt(3), rel=1e-4)
    assert found.low == pytest.approx(2 * found.mean - found.high)


def test_interval_holds_the_mean_95_times_in_100() -> None:
    chance = random.Random(0)
    held = 0
    for _ in range(2000):
        found = interval([chance.gauss(5.0, 2.0) for _ in range(4)])
        held += found.low <= 5.0 <= found.high
    assert 0.935 < held / 2000 < 0.965


def test_one_value_tells_nothing() -> None:
    found = interval([3.0])
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert judge(found) == "inconclusive"
    assert all(math.isfinite(each) for each in found.rounded())
    assert all(math.isfinite(each) for each in found.exp().rounded())


def test_slope_and_exponent() -> None:
    assert slope([0.0, 1.0, 3.0], [1.0, 3.0, 7.0]) == pytest.approx(2.0)
    ranks = [8, 16, 128]
    found = exponent(ranks, [[5 * r**-0.5 for r in ranks], [9 * r**-0.5 for r in ranks], [r**-0.5 for r in ranks]])
    assert found.mean == pytest.approx(-0.5)
    assert found.high - found.low < 1e-9


def test_judge() -> None:
    assert judge(Interval(1.0, 0.5, 1.5)) == "confirmed"
    assert judge(Interval(0.0, -0.2, 0.2)) == "refuted"
    assert judge(Interval(-1.0, -1.5, -0.5)) == "refuted"  # the other side
    assert judge(Interval(0.5, 0.3, 0.7)) == "inconclusive"
    assert judge(Interval(0.7, 0.6, 0.8), math.log(2)) == "inconclusive"
    assert math.exp(TOLERANCE) == pytest.approx(1.5)
    assert judge(Interval(math.nan, math.nan, math.nan)) == "inconclusive"


def test_factors() -> None:
    factor = Interval(0.0, -math.log(2), math.log(2)).exp()
    assert (factor.mean, factor.low, factor.high) == pytest.approx((1.0, 0.5, 2.0))
    assert Interval(1.0, 0.5, 2.0).negative() == Interval(-1.0, -2.0, -0.5)
