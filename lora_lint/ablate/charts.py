"""The plots of a study as SVG: differences with intervals, losses along the trainings, losses over parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from lora_lint.ablate.comparison import TOLERANCE
from lora_lint.report.axes import axis, round_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lora_lint.ablate.results import ArmResult, Results

_WIDTH, _LABELS, _ROW, _MARGIN = 720, 220, 26, 34
_HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 320, 64, 44, 12, 32
_COLORS = 8  # classes c0 to c7 in the style sheet


def forest(results: Results) -> Markup:
    """The difference of each arm from the baseline with its 95% interval, over the band within which it does not
    matter."""
    rows = [each for each in results.finished if each.versus_baseline is not None]
    if not rows:
        return Markup("")
    differences = [each.versus_baseline.difference for each in rows if each.versus_baseline is not None]
    low = min(-2 * TOLERANCE, *(each.low for each in differences))
    high = max(2 * TOLERANCE, *(each.high for each in differences))
    across = axis(low, high, _LABELS, _WIDTH - _RIGHT)
    height = _ROW * len(rows) + _MARGIN
    bottom = height - _MARGIN
    drawn = [
        _tag(
            "rect", x=across(-TOLERANCE), y=0, width=across(TOLERANCE) - across(-TOLERANCE), height=bottom, kind="band"
        ),
        _tag("path", d=f"M{across(0):.1f} 0V{bottom}", kind="axis"),
    ]
    for number, (each, difference) in enumerate(zip(rows, differences, strict=True)):
        y = _ROW * number + _ROW / 2
        judged = each.versus_baseline.judged if each.versus_baseline is not None else "open"
        drawn += [
            _text(_LABELS - 8, y + 4, each.recipe.name, "end"),
            _tag("path", d=f"M{across(difference.low):.1f} {y}H{across(difference.high):.1f}", kind=f"bar {judged}"),
            _tag("circle", cx=across(difference.mean), cy=y, r=4, kind=f"dot {judged}"),
        ]
    drawn += [
        _text(across(tick), bottom + 14, f"{tick:+g}" if tick else "0", "middle") for tick in round_numbers(low, high)
    ]
    drawn.append(_text((_LABELS + _WIDTH) / 2, height - 4, "held-out loss minus the baseline's, nats", "middle"))
    return _svg(drawn, height, "difference from the baseline by arm")


def lines(results: Results) -> Markup:
    """The mean held-out loss along the trainings."""
    drawn = [each for each in results.arms if each.curve and each.same_as is None]
    shown = drawn[:_COLORS]
    if not shown:
        return Markup("")
    points = [(step, found.mean) for each in shown for step, found in each.curve]
    low, high = min(y for _, y in points), max(y for _, y in points)
    return _plot(shown, max(step for step, _ in points), (low, high), len(drawn) - len(shown))


def _plot(shown: Sequence[ArmResult], steps: int, losses: tuple[float, float], left: int) -> Markup:
    across = axis(0, steps, _LEFT, _WIDTH - _LABELS)
    upward = axis(*losses, _HEIGHT - _BOTTOM, _TOP)
    drawn = _frame(across, upward, (0, steps), losses, "step", _WIDTH - _LABELS)
    for number, each in enumerate(shown):
        path = "L".join(f"{across(step):.1f} {upward(found.mean):.1f}" for step, found in each.curve)
        drawn.append(_tag("path", d=f"M{path}", kind=f"line c{number}"))
        y = _TOP + 10 + 18 * number
        drawn.append(_tag("path", d=f"M{_WIDTH - _LABELS + 14} {y - 4}h18", kind=f"line c{number}"))
        drawn.append(_text(_WIDTH - _LABELS + 38, y, each.recipe.name, "start"))
    if left:
        drawn.append(_text(_WIDTH - _LABELS + 38, _TOP + 10 + 18 * len(shown), f"and {left} more", "start"))
    return _svg(drawn, _HEIGHT, "held-out loss over the steps")


def front(results: Results) -> Markup:
    """The held-out loss over the number of trainable parameters; the Pareto front is filled."""
    shown = [(each, each.eval_loss) for each in results.finished if each.same_as is None]
    points = [(math.log10(max(each.trainable, 1)), loss.mean) for each, loss in shown if loss is not None]
    if len(points) < 2:
        return Markup("")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    pad = 0.06 * (max(xs) - min(xs) or 1.0)
    across = axis(min(xs) - pad, max(xs) + pad, _LEFT, _WIDTH - _RIGHT)
    upward = axis(min(ys), max(ys), _HEIGHT - _BOTTOM, _TOP + 16)
    drawn = _frame(across, upward, None, (min(ys), max(ys)), "trainable parameters", _WIDTH - _RIGHT)
    drawn += [
        _text(across(math.log10(count)), _HEIGHT - _BOTTOM + 16, f"{count:,}", "middle")
        for count in sorted({min(each.trainable for each, _ in shown), max(each.trainable for each, _ in shown)})
        if count > 0
    ]
    for (each, _), (x, y) in zip(shown, points, strict=True):
        drawn.append(_tag("circle", cx=across(x), cy=upward(y), r=5, kind="dot front" if each.on_front else "dot"))
        anchor = "end" if across(x) > _WIDTH / 2 else "start"
        offset = -9 if anchor == "end" else 9
        drawn.append(_text(across(x) + offset, upward(y) - 6, each.recipe.name, anchor))
    return _svg(drawn, _HEIGHT, "held-out loss over trainable parameters")


def _frame(
    across: Callable[[float], float],
    upward: Callable[[float], float],
    wide: tuple[int, int] | None,
    high: tuple[float, float],
    label: str,
    right: float,
) -> list[Markup]:
    """The axes with their numbers."""
    bottom = _HEIGHT - _BOTTOM
    drawn = [_tag("path", d=f"M{_LEFT} {_TOP}V{bottom}H{right}", kind="axis")]
    drawn += [_text(_LEFT - 8, upward(tick) + 4, f"{tick:g}", "end") for tick in round_numbers(*high)]
    if wide is not None:
        drawn += [_text(across(tick), bottom + 16, f"{tick:g}", "middle") for tick in round_numbers(*wide)]
    drawn.append(_text((_LEFT + right) / 2, _HEIGHT - 8, label, "middle"))
    return drawn


def _tag(name: str, kind: str, **attributes: object) -> Markup:
    inside = " ".join(f'{key}="{_number(value)}"' for key, value in attributes.items())
    return Markup(f'<{name} class="{kind}" {inside}/>')


def _text(x: float, y: float, words: str, anchor: str) -> Markup:
    return Markup(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>')


def _number(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _svg(drawn: Sequence[Markup], height: float, label: str) -> Markup:
    inside = "".join(drawn)
    return Markup(f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}">{inside}</svg>')
