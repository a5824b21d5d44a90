"""The page of `--verify-report`: what was confirmed, refuted and left open, with the statistics that decided."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

from lora_lint import __version__
from lora_lint.records import dataclass
from lora_lint.report.evidence import prose
from lora_lint.report.html import section, style
from lora_lint.report.template import command, filled, now
from lora_lint.report.wording import by_level, closing, headline, level_of, place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from markupsafe import Markup

    from lora_lint.finding import Finding
    from lora_lint.linting.outcome import Outcome
    from lora_lint.verify.experiment import Effort

_PACKAGES = ("torch", "transformers", "peft")


@dataclass(frozen=True)
class _Entry:
    """A finding on the page. `skipped` is why it was not measured."""

    code: str
    level: str
    anchor: str
    headline: Markup
    place: str
    skipped: Markup | None
    section: Markup


def render(outcome: Outcome, effort: Effort) -> str:
    """The page as text: it loads nothing and runs nothing."""
    from markupsafe import Markup

    def entries(*statuses: str) -> list[_Entry]:
        chosen = [each for each in outcome.findings if each.verdict is not None and each.verdict.status in statuses]
        return [_entry(outcome, each) for each in by_level(chosen)]

    confirmed, refuted, unsettled = entries("confirmed"), entries("refuted"), entries("inconclusive", "skipped")
    return filled(
        "lora_lint.verify",
        confirmed=confirmed,
        refuted=refuted,
        open=unsettled,
        groups=(("Confirmed", confirmed), ("Refuted: no harm for this model", refuted), ("Open", unsettled)),
        closing=closing(outcome),
        circumstances=circumstances(outcome.findings, effort),
        style=Markup(style()),
    )


def _entry(outcome: Outcome, finding: Finding) -> _Entry:
    from markupsafe import Markup

    verdict = finding.verdict
    skipped = verdict.reason if verdict is not None and verdict.status == "skipped" else None
    return _Entry(
        code=finding.code,
        level=level_of(finding),
        anchor=finding.fingerprint or finding.code,
        headline=Markup(prose(headline(finding.message)[0])),
        place=place(outcome.located(finding.span)),
        skipped=None if skipped is None else Markup(prose(skipped)),
        section=Markup(section(outcome, finding)),
    )


def circumstances(findings: Iterable[Finding], effort: Effort) -> dict[str, str]:
    """How the verdicts were reached, by name: enough to repeat them."""
    verdicts = [each.verdict for each in findings if each.verdict is not None]
    seeds = sorted({each.measurements["seeds"] for each in verdicts if isinstance(each.measurements.get("seeds"), int)})
    devices = sorted({each.device for each in verdicts if each.status != "skipped"})
    return {
        "command": command(),
        "date": now(),
        "versions": ", ".join([f"lora-lint {__version__}", *(f"{name} {version(name)}" for name in _PACKAGES)]),
        "machine": f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores{_gpus()}",
        "devices": ", ".join(devices) or "none",
        "seeds": ", ".join(map(str, seeds)) or "none",
        "time": f"{sum(each.seconds for each in verdicts):.0f} s of a budget of {effort.time_budget:.0f} s",
        "stand-ins": "accepted" if effort.accept_proxy else "they may confirm a finding, but refute none",
    }


def _gpus() -> str:
    import torch

    names = [torch.cuda.get_device_name(place) for place in range(torch.cuda.device_count())]
    return f", {', '.join(names)}" if names else ""
