"""SARIF 2.1.0 (OASIS, 2020): for code scanning."""

from __future__ import annotations

from urllib.parse import quote

from lora_lint import __version__, catalogue
from lora_lint.fixes.made import edits_of
from lora_lint.report.wording import HOMEPAGE, level_of, refuted, url_of, with_verdict
from lora_lint.system.visible import json_text, octets, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.finding import Finding, Fix
    from lora_lint.linting.outcome import Outcome
    from lora_lint.source import Location, Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "advice": "note"}
_PRECISION = {"certain": "very-high", "likely": "high", "possible": "medium"}


def render(outcome: Outcome) -> str:
    """One run with the rules that found something, and one result per finding."""
    codes = sorted({finding.code for finding in outcome.findings})
    run = {
        "tool": {
            "driver": {
                "name": "lora-lint",
                "version": __version__,
                "semanticVersion": __version__,
                "informationUri": HOMEPAGE,
                "rules": [_rule(code) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(outcome, finding, codes.index(finding.code)) for finding in outcome.findings],
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str) -> dict[str, Any]:
    rule = catalogue.rules()[code]
    page = catalogue.page(code)
    return {
        "id": code,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": page, "markdown": page},
        "helpUri": url_of(code),
        "defaultConfiguration": {"level": _LEVELS[rule.level]},
        "properties": {"tags": ["lora", rule.name]},
    }


def _result(outcome: Outcome, finding: Finding, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _LEVELS[level_of(finding)],
        "message": {"text": with_verdict(finding)},
        "locations": [_location(outcome, finding.span)],
        "partialFingerprints": {"loraLint/v1": finding.fingerprint},
        "properties": {"confidence": finding.confidence, "precision": _PRECISION[finding.confidence]},
    }
    if finding.verdict is not None:
        result["properties"]["verdict"] = {
            "status": finding.verdict.status,
            "reason": visible(finding.verdict.reason),
            "measurements": dict(finding.verdict.measurements),
        }
        if refuted(finding):
            result |= {"kind": "pass", "level": "none"}
    if finding.related:
        result["relatedLocations"] = [
            {**_location(outcome, related.span), "id": number, "message": {"text": visible(related.message)}}
            for number, related in enumerate(finding.related, 1)
        ]
    if len(finding.related) > 1:
        steps = [(related.span, visible(related.message)) for related in finding.related]
        flow = [{"location": {**_location(outcome, s), "message": {"text": m}}} for s, m in steps]
        flow.append({"location": {**_location(outcome, finding.span), "message": {"text": visible(finding.message)}}})
        result["codeFlows"] = [{"threadFlows": [{"locations": flow}]}]
    fix = _fix(outcome, finding.fix) if finding.fix is not None else None
    if fix is not None:
        result["fixes"] = [fix]
    return result


def _fix(outcome: Outcome, fix: Fix) -> dict[str, Any] | None:
    """A fix that a viewer can apply: none in notebooks, where the edit would have to be JSON."""
    replacements: dict[str, list[Any]] = {}
    for edit in edits_of(fix, outcome.source):
        where = outcome.located(edit.span)
        if where.cell is not None:
            return None
        entry = {"deletedRegion": _region(where), "insertedContent": {"text": edit.text}}
        replacements.setdefault(where.path, []).append(entry)
    if not replacements:
        return None
    changes = [
        {"artifactLocation": {"uri": quote(octets(path))}, "replacements": entries}
        for path, entries in replacements.items()
    ]
    return {"description": {"text": visible(fix.message)}, "artifactChanges": changes}


def _location(outcome: Outcome, span: Span) -> dict[str, Any]:
    physical = {"artifactLocation": {"uri": quote(octets(span.path))}, "region": _region(outcome.in_file(span))}
    result: dict[str, Any] = {"physicalLocation": physical}
    cell = outcome.located(span).cell
    if cell is not None:
        result["logicalLocations"] = [{"name": f"cell {cell}", "kind": "module"}]
    return result


def _region(location: Location) -> dict[str, int]:
    return {
        "startLine": location.line,
        "startColumn": location.column,
        "endLine": location.end_line,
        "endColumn": location.end_column,
    }
