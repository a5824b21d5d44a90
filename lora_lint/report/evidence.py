"""The measurements behind a finding, as part of an HTML page: tables, and plots with intervals."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

from lora_lint.system.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lora_lint.finding import Verdict

_COLORS = ("#0b6bcb", "#b42318", "#1a7f37", "#9a6700", "#8250df")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 440, 260, 62, 40, 14, 90


def evidence(verdict: Verdict) -> str:
    """A verdict with its reason and its measurements."""
    badge = f'<span class="badge {verdict.status}">{verdict.status}</span>'
    where = f"<small>{escape(verdict.device)}, {verdict.seconds:.1f} s</small>" if verdict.status != "skipped" else ""
    plots = "".join(_plots(verdict.measurements))
    sentence = f"<p>{badge}{prose(verdict.reason)} {where}</p>"
    return f'<div class="evidence">{sentence}\n{plots}{_table(verdict.measurements)}</div>\n'


def _table(measurements: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><th>{_escaped(str(key).replace('_', ' '))}</th><td>{_value(value)}</td></tr>\n"
        for key, value in measurements.items()
        if value not in ([], {}, None)
    )
    return f"<details><summary>measurements</summary><table>\n{rows}</table></details>\n" if rows else ""


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inner = "".join(f"<tr><th>{_escaped(key)}</th><td>{_value(item)}</td></tr>" for key, item in value.items())
        return f"<table>{inner}</table>"
    if isinstance(value, list):
        if value and all(isinstance(each, list) for each in value):
            return "<br>".join(_value(each) for each in value)
        return ", ".join(_value(each) for each in value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return _escaped(f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value)


def _escaped(value: Any) -> str:
    return escape(visible(str(value)))


# --- plots ------------------------------------------------------------------------------------------------------------


def _plots(measurements: Mapping[str, Any]) -> list[str]:
    plots = []
    step = measurements.get("step")
    if isinstance(step, dict) and len(step) > 1 and all(isinstance(each, list) for each in step.values()):
        series = {"run": _by_rank(step)}
        stable = measurements.get("rslora")
        if isinstance(stable, dict) and isinstance(stable.get("step"), dict):
            series = {"alpha/r": series["run"], "rsLoRA": _by_rank(stable["step"])}
        plots.append(_plot(series, "rank", "relative change of the logits in one step", True))
        gradient = measurements.get("gradient")
        if isinstance(gradient, dict):
            plots.append(_plot({"lora_B": _by_rank(gradient)}, "rank", "gradient norm of all lora_B", True))
    curves = measurements.get("curves")
    if isinstance(curves, dict):
        lines = {str(name): [tuple(point) for point in points] for name, points in curves.items()}
        plots.append(_plot(lines, "step", "held-out loss, nats per token", False))
    return plots


def _by_rank(values: Mapping[str, Sequence[float]]) -> list[tuple[float, ...]]:
    return sorted((float(rank), *interval) for rank, interval in values.items())


def _plot(series: Mapping[str, Sequence[Sequence[float]]], across: str, upward: str, logarithmic: bool) -> str:
    """Lines with bars for their intervals, as SVG; each point is (x, mean, low, high)."""
    points = [point for line in series.values() for point in line]
    scale = math.log10 if logarithmic else float
    lows = [low if not logarithmic or low > 0 else mean for _, mean, low, _ in points]
    xs, ys = [scale(x) for x, *_ in points], [scale(each) for each in lows] + [scale(high) for *_, high in points]
    x_of = _axis(min(xs), max(xs), _LEFT, _WIDTH - _RIGHT)
    y_of = _axis(min(ys), max(ys), _HEIGHT - _BOTTOM, _TOP)
    drawn = [
        f'<path d="M{_LEFT} {_TOP}V{_HEIGHT - _BOTTOM}H{_WIDTH - _RIGHT}" fill="none" stroke="#57606a"/>',
        *(
            f'<text x="{x_of(scale(x)):.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{x:g}</text>'
            for x in _few(sorted({x for x, *_ in points}))
        ),
        *(
            f'<text x="{_LEFT - 6}" y="{y_of(y) + 4:.1f}" text-anchor="end">{10**y if logarithmic else y:.3g}</text>'
            for y in (min(ys), (min(ys) + max(ys)) / 2, max(ys))
        ),
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(across)}</text>',
    ]
    for number, (name, line) in enumerate(series.items()):
        color = _COLORS[number % len(_COLORS)]
        at = [(x_of(scale(x)), y_of(scale(mean))) for x, mean, _, _ in line]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
        drawn.append(f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        for (x, y), (_, mean, low, high) in zip(at, line, strict=True):
            low = low if not logarithmic or low > 0 else mean
            bottom, top = y_of(scale(low)), y_of(scale(high))
            drawn.append(f'<path d="M{x:.1f} {bottom:.1f}V{top:.1f}" stroke="{color}"/>')
            drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>')
        drawn.append(
            f'<text x="{at[-1][0] + 8:.1f}" y="{at[-1][1] + 4 + 2 * number:.1f}" fill="{color}">{escape(name)}</text>'
        )
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" font-size="11" role="img" '
        f'aria-label="{escape(upward)} over {escape(across)}">{"".join(drawn)}</svg>'
        f"<figcaption>{escape(upward)}</figcaption></figure>\n"
    )


def _axis(low: float, high: float, start: float, end: float) -> Any:
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def _few(values: Sequence[float]) -> Sequence[float]:
    every = max(-(-len(values) // 6), 1)
    return values[::every]


def prose(text: str) -> str:
    """Text whose backticked parts become code."""
    parts = escape(visible(text)).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))
