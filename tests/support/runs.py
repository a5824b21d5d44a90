"""Runs made by hand, for tests of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint import catalogue
from lora_lint.frameworks import registry
from lora_lint.rules import RUN_CHECKS, SWEEP_CHECKS
from lora_lint.run.run import Adapter, Run, Sweep, SweepKind
from lora_lint.run.values import Choices, Known
from lora_lint.source import Span

if TYPE_CHECKING:
    from lora_lint.finding import Finding
    from lora_lint.run.events import Event
    from lora_lint.run.values import Origin

HERE = Span("train.py", 100, 200)


def at(start: int) -> Span:
    return Span("train.py", start, start + 5)


def lit(value: Any, start: int = 10) -> Known[Any]:
    """Written in the file."""
    return Known(value, at(start))


def cli(value: Any) -> Known[Any]:
    """The default of a command-line option."""
    return Known(value, at(20), "cli-default")


def default(value: Any) -> Known[Any]:
    """The framework's default."""
    return Known(value, None, "framework-default")


def either(*values: Any, origin: Origin = "literal") -> Choices[Any]:
    return Choices(tuple(Known(value, at(30 + 10 * number), origin) for number, value in enumerate(values)))


def adapter(rank: Any = 8, alpha: Any = 16, **fields: Any) -> Adapter:
    """PEFT's defaults with a rank and an alpha; plain values are literals."""
    known = {"rank": rank, "alpha": alpha, "dropout": 0.0, **fields}
    plain = (int, float, str, bool, tuple, dict, type(None))
    skip = ("keys", "target_spans")
    values = {
        name: lit(value, 10 * number) if isinstance(value, plain) and name not in skip else value
        for number, (name, value) in enumerate(known.items(), 1)
    }
    return Adapter(HERE, **values)


def run(rank: Any = 8, alpha: Any = 16, *, of: dict[str, Any] | None = None, **fields: Any) -> Run:
    """A run; `of` holds the fields of Run itself, the rest are the adapter's."""
    more = {"framework": registry.framework("peft"), "span": HERE, **(of or {})}
    return Run(adapter=adapter(rank, alpha, **fields), **more)


def sweep(*runs: Run, kind: SweepKind = SweepKind.LOOP) -> Sweep:
    return Sweep(kind, Span("train.py", 0, 300), runs)


def events(*given: type[Event] | Event) -> tuple[Event, ...]:
    """Events one after the other, some of them by their kind alone."""
    return tuple(each(at(1000 + 10 * number)) if isinstance(each, type) else each for number, each in enumerate(given))


def options(code: str, **given: Any) -> dict[str, Any]:
    schemas = catalogue.rules()[code].options
    return {name: schema["default"] for name, schema in schemas.items()} | given


def check(code: str, subject: Run | Sweep, **given: Any) -> list[Finding]:
    """What one rule finds."""
    if isinstance(subject, Sweep):
        found = list(SWEEP_CHECKS[code](subject, options(code, **given)))
    else:
        found = list(RUN_CHECKS[code](subject, options(code, **given)))
    assert all(finding.code == code for finding in found)
    assert all(finding.fix is None or finding.fix.applicability in ("safe", "unsafe") for finding in found), found
    assert all(finding.message[0] in '`"TEANIWP' and not finding.message.endswith(".") for finding in found), found
    return found


def one(code: str, subject: Run | Sweep, **given: Any) -> Finding:
    found = check(code, subject, **given)
    assert len(found) == 1, found
    return found[0]
