"""The page of `--verify-report`: what was found first, the statistics that decided, and how to repeat it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

from lora_lint.finding import Finding, Verdict
from lora_lint.linting.outcome import Outcome
from lora_lint.report.evidence import evidence
from lora_lint.verify import page
from lora_lint.verify.experiment import Effort
from lora_lint.verify.measurement.statistics import deciding, deciding_difference, interval
from tests.support.runs import HERE

LOGS = [-2.7, -2.77, -2.8]
RATIO = deciding("first step", LOGS, interval(LOGS, 0.98), 0.6931, 0.0625)


def settled(*verdicts: tuple[str, str, str]) -> Outcome:
    """Findings by code, level and the status of their verdicts."""
    return Outcome(
        tuple(
            Finding(
                code, f"{code} is <wrong>", HERE, level=level, verdict=Verdict(status, "so", {"seeds": 3}, "cpu", 2.0)
            )  # type: ignore[arg-type]
            for code, level, status in verdicts
        )
    )


def test_the_summary_comes_first_and_what_weighs_most_first_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["lora-lint", "--verify", "a b.py"])
    found = settled(
        ("LL102", "advice", "confirmed"),
        ("LL101", "warning", "refuted"),
        ("LL401", "error", "confirmed"),
        ("LL301", "warning", "inconclusive"),
        ("LL504", "advice", "skipped"),
    )
    text = page.render(found, Effort("cpu", 120.0))
    summary, _, rest = text.partition("<section")
    assert re.findall(r"<strong[^>]*>(\d+)</strong> (\w+)", summary) == [
        ("2", "confirmed"),
        ("1", "refuted"),
        ("2", "open"),
    ]
    assert re.findall(r">(LL\d+)</a>", summary) == ["LL401", "LL102", "LL101", "LL301", "LL504"]
    assert "not measured: so" in summary
    assert "&lt;wrong&gt;" in text and "<wrong>" not in text
    for told in (
        f"torch {torch.__version__}",
        "lora-lint --verify &#39;a b.py&#39;",
        "10 s of a budget of 120 s",
        " UTC",
    ):
        assert told in rest
    assert "prefers-color-scheme:dark" in text and "@media print" in text
    assert not re.search(r"<(script|link|img|iframe)|src=|@import|url\(", text)


def test_the_deciding_statistic_is_drawn_on_an_honest_axis() -> None:
    """Every seed, the interval, the tolerance and the prediction lie inside the drawing, in their order."""
    text = evidence(Verdict("confirmed", "so", {"deciding": RATIO}, "cpu"))
    dots = [float(each) for each in re.findall(r'class="line0 dot" cx="([\d.]+)"', text)]
    assert len(dots) == 3 and dots == sorted(dots, reverse=True)
    [(start, width)] = re.findall(r'class="band" x="([\d.]+)" y="6" width="([\d.]+)"', text)
    [predicted] = map(float, re.findall(r'class="predicted" d="M([\d.]+)', text))
    assert min(dots) > 0 and max(dots) < float(start) < float(start) + float(width) < 560
    assert min(dots) <= predicted <= max(dots)
    ticks = [float(each) for each in re.findall(r'text-anchor="middle">([\d.e-]+)<', text)]
    assert ticks == sorted(ticks) and len(ticks) >= 3 and 1.0 in ticks
    assert "98% interval" in text and "no effect within a factor of 2" in text and "0.0625 predicted" in text


@pytest.mark.parametrize("spread", [0.0, 1e-4, 0.02, 30.0])
def test_differences_of_any_size_can_be_drawn(spread: float) -> None:
    values = [0.0, spread, -spread / 2]
    found: dict[str, Any] = deciding_difference("loss", values, interval(values, 0.97), 0.01)
    text = evidence(Verdict("refuted", "so", {"deciding": found}, "cpu"))
    assert "nan" not in text and "inf" not in text.replace("inference", "")
    assert len(re.findall(r'text-anchor="middle"', text)) >= 2
