"""GitLab code quality reports."""

from __future__ import annotations

from lora_lint.report.wording import cell_prefix, level_of, name_of, refuted, with_verdict
from lora_lint.system.visible import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.finding import Finding
    from lora_lint.linting.outcome import Outcome

_SEVERITIES = {"error": "major", "warning": "minor", "advice": "info"}


def render(outcome: Outcome) -> str:
    """A list with one entry per finding."""
    return json_text([_entry(outcome, finding) for finding in outcome.findings])


def _entry(outcome: Outcome, finding: Finding) -> dict[str, Any]:
    location = outcome.in_file(finding.span)
    return {
        "check_name": f"{finding.code} {name_of(finding)}",
        "description": cell_prefix(outcome.located(finding.span)) + with_verdict(finding),
        "fingerprint": finding.fingerprint,
        "severity": "info" if refuted(finding) else _SEVERITIES[level_of(finding)],
        "location": {"path": location.path, "lines": {"begin": location.line, "end": location.end_line}},
    }
