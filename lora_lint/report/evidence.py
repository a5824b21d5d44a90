"""The measurements behind a finding, as part of an HTML page: tables, and plots with intervals."""

from __future__ import annotations

import math
from html import escape

from lora_lint.report.axes import axis, round_numbers
from lora_lint.system.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from lora_lint.finding import Verdict

_SERIES = 5
"""Colors of lines, in html.css."""
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 440, 260, 76, 40, 14, 90


def evidence(verdict: Verdict) -> str:
    """A verdict with its reason and its measurements."""
    badge = f'<span class="badge {verdict.status}">{verdict.status}</span>'
    where = f"<small>{escape(verdict.device)}, {verdict.seconds:.1f} s</small>" if verdict.status != "skipped" else ""
    plots = _deciding(verdict.measurements.get("deciding")) + "".join(_plots(verdict.measurements))
    sentence = f"<p>{badge}{prose(verdict.reason)} {where}</p>"
    return f'<div class="evidence">{sentence}\n{plots}{_table(verdict.measurements)}</div>\n'


def _table(measurements: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><th>{_escaped(str(key).replace('_', ' '))}</th><td>{_value(value)}</td></tr>\n"
        for key, value in measurements.items()
        if value not in ([], {}, None) and key != "curves"
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
    x_of = axis(min(xs), max(xs), _LEFT, _WIDTH - _RIGHT)
    y_of = axis(min(ys), max(ys), _HEIGHT - _BOTTOM, _TOP)
    drawn = [
        f'<path class="axis" d="M{_LEFT} {_TOP}V{_HEIGHT - _BOTTOM}H{_WIDTH - _RIGHT}"/>',
        *(
            f'<text x="{x_of(scale(x)):.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{x:g}</text>'
            for x in _few(sorted({x for x, *_ in points}))
        ),
        *(
            f'<text x="{_LEFT - 6}" y="{y_of(y) + 4:.1f}" text-anchor="end">{_short(value)}</text>'
            for y in (min(ys), (min(ys) + max(ys)) / 2, max(ys))
            for value in [10**y if logarithmic else y]
        ),
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(across)}</text>',
    ]
    for number, (name, line) in enumerate(series.items()):
        color = f"line{number % _SERIES}"
        at = [(x_of(scale(x)), y_of(scale(mean))) for x, mean, _, _ in line]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
        drawn.append(f'<path class="{color}" d="M{path}" stroke-width="2"/>')
        for (x, y), (_, mean, low, high) in zip(at, line, strict=True):
            low = low if not logarithmic or low > 0 else mean
            bottom, top = y_of(scale(low)), y_of(scale(high))
            drawn.append(f'<path class="{color}" d="M{x:.1f} {bottom:.1f}V{top:.1f}"/>')
            drawn.append(f'<circle class="{color} dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
        drawn.append(
            f'<text class="{color} name" x="{_WIDTH - _RIGHT + 8}" y="{_TOP + 8 + 14 * number}">{escape(name)}</text>'
        )
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" '
        f'aria-label="{escape(upward)} over {escape(across)}">{"".join(drawn)}</svg>'
        f"<figcaption>{escape(upward)}</figcaption></figure>\n"
    )


def _short(value: float) -> str:
    """A number that fits beside an axis on a phone, where text is larger: 0.36, 4.2e-4."""
    if not 0 < abs(value) < 0.01:
        return f"{value:.3g}"
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits}e{int(power)}"


_WIDE, _ROW, _MARGIN = 560, 16, 24
_TOLERABLE = {"factor": "no effect within a factor of {:g}", "difference": "no effect within {:g} nats"}


def _deciding(found: Any) -> str:
    """The statistic that decided: a dot for each seed, their mean with its interval, the band within which the effect
    does not matter, and what was predicted."""
    if not isinstance(found, dict):
        return ""
    factor = found["scale"] == "factor"
    scale: Callable[[float], float] = (lambda value: math.log10(max(value, 1e-12))) if factor else float
    mean, low, high = found["interval"]
    band, predicted = found["tolerance"], found["predicted"]
    shown = [*found["values"], mean, *band, *([predicted] if predicted else [])]
    near, far = min(map(scale, shown)), max(map(scale, shown))
    pad = (far - near) * 0.08 or 0.1
    left, right = near - pad, far + pad
    at = axis(left, right, _MARGIN, _WIDE - _MARGIN)

    def x(value: float) -> float:
        return at(min(max(scale(value), left), right))

    bottom = _ROW * 3 + 10
    parts = [
        f'<rect class="band" x="{x(band[0]):.1f}" y="6" width="{x(band[1]) - x(band[0]):.1f}" height="{bottom - 6}"/>',
        f'<path class="axis" d="M{_MARGIN} {bottom}H{_WIDE - _MARGIN}"/>',
        *(
            f'<path class="axis" d="M{x(tick):.1f} {bottom}v4"/>'
            f'<text x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>'
            for tick in _ticks(left, right, factor)
        ),
        *(f'<circle class="line0 dot" cx="{x(each):.1f}" cy="{_ROW + 4}" r="3.5"/>' for each in found["values"]),
        f'<path class="line1" stroke-width="2.5" d="M{x(low):.1f} {2 * _ROW + 8}H{x(high):.1f}"/>',
        f'<circle class="line1 dot" cx="{x(mean):.1f}" cy="{2 * _ROW + 8}" r="4.5"/>',
    ]
    words = [f"dots: seeds; bar: mean with its {found['level']:.0%} interval"]
    words.append(f"band: {_TOLERABLE[found['scale']].format(band[1])}")
    if predicted:
        parts.append(f'<path class="predicted" d="M{x(predicted):.1f} 6V{bottom}"/>')
        words.append(f"dashed: {predicted:.3g} predicted")
    return (
        f'<figure class="deciding"><svg viewBox="0 0 {_WIDE} {bottom + 24}" width="{_WIDE}" role="img" '
        f'aria-label="{_escaped(found["what"])}: {mean:.3g}, {low:.3g} to {high:.3g}">{"".join(parts)}</svg>'
        f"<figcaption><strong>{_escaped(found['what'])}</strong> ({'; '.join(words)})</figcaption></figure>\n"
    )


def _ticks(left: float, right: float, factor: bool) -> list[float]:
    """Round numbers between the ends of an axis (logarithms of them for factors), at most about eight."""
    if factor:
        steps = (1, 2, 5) if right - left < 2.5 else (1,)
        decades = range(math.floor(left), math.ceil(right) + 1)
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        inside = [tick for tick in ticks if left <= math.log10(tick) <= right]
        if len(inside) < 3:  # less than a factor of about four
            tenths = [place / 10 for place in range(1, 100)]
            inside = list(_few([tick for tick in tenths if left <= math.log10(tick) <= right]))
        return inside
    return round_numbers(left, right)


def _few(values: Sequence[float]) -> Sequence[float]:
    every = max(-(-len(values) // 6), 1)
    return values[::every]


def prose(text: str) -> str:
    """Text whose backticked parts become code."""
    parts = escape(visible(text)).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))
