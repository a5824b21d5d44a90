"""Findings as JSON, version 1: for programs."""

from __future__ import annotations

from lora_lint import __version__
from lora_lint.report.wording import level_of, name_of, url_of
from lora_lint.system.visible import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.finding import Finding, Verdict
    from lora_lint.linting.outcome import Outcome

VERSION = 1


def render(outcome: Outcome) -> str:
    """One object: the tool, the summary and the findings in the order of their places."""
    summary = outcome.summary
    document = {
        "version": VERSION,
        "tool": {"name": "lora-lint", "version": __version__},
        "summary": {
            "files": summary.files,
            "runs": summary.runs,
            "errors": summary.errors,
            "warnings": summary.warnings,
            "advice": summary.advice,
            "suppressed": summary.suppressed,
            "fixable": summary.fixable,
            "fixable_unsafe": summary.fixable_unsafe,
            "unread": summary.unread,
        },
        "unread": [each.as_json() for each in outcome.unread],
        "findings": [_finding(outcome, finding) for finding in outcome.findings],
    }
    return json_text(document)


def _finding(outcome: Outcome, finding: Finding) -> dict[str, Any]:
    location, fix = outcome.located(finding.span), finding.fix
    related = []
    for other in finding.related:
        where = outcome.located(other.span)
        entry = {"path": where.path, "line": where.line, "column": where.column, "message": other.message}
        related.append(entry if where.cell is None else {**entry, "cell": where.cell})
    return {
        "code": finding.code,
        "name": name_of(finding),
        "level": level_of(finding),
        "confidence": finding.confidence,
        "message": finding.message,
        "path": location.path,
        "line": location.line,
        "column": location.column,
        "end_line": location.end_line,
        "end_column": location.end_column,
        "cell": location.cell,
        "related": related,
        "fix": {"applicability": fix.applicability, "message": fix.message} if fix else None,
        "fingerprint": finding.fingerprint,
        "url": url_of(finding.code),
        "verdict": _verdict(finding.verdict) if finding.verdict else None,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "status": verdict.status,
        "reason": verdict.reason,
        "measurements": dict(verdict.measurements),
        "device": verdict.device,
        "seconds": verdict.seconds,
        "proxy": verdict.proxy,
    }
