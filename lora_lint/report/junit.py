"""JUnit XML: one test case per finding."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from lora_lint.report.wording import level_of, name_of, place, refuted, with_verdict
from lora_lint.system.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.finding import Finding
    from lora_lint.linting.outcome import Outcome


def render(outcome: Outcome) -> str:
    """One suite per file with findings; a lint without findings is one passing case, and so is a refuted finding."""
    by_path: dict[str, list[Finding]] = {}
    for finding in outcome.findings:
        by_path.setdefault(finding.span.path, []).append(finding)
    suites = [_suite(outcome, path, findings) for path, findings in by_path.items()]
    if not suites:
        suites = ['  <testsuite name="lora-lint" tests="1" failures="0"><testcase name="lora-lint"/></testsuite>']
    failures = sum(not refuted(finding) for finding in outcome.findings)
    head = f'<testsuites name="lora-lint" tests="{max(len(outcome.findings), 1)}" failures="{failures}">'
    return "\n".join(['<?xml version="1.0" encoding="utf-8"?>', head, *suites, "</testsuites>"]) + "\n"


def _suite(outcome: Outcome, path: str, findings: list[Finding]) -> str:
    cases = "\n".join(_case(outcome, finding) for finding in findings)
    count = f'tests="{len(findings)}" failures="{sum(not refuted(finding) for finding in findings)}"'
    return f"  <testsuite name={_attribute(path)} {count}>\n{cases}\n  </testsuite>"


def _case(outcome: Outcome, finding: Finding) -> str:
    location = outcome.located(finding.span)
    name = _attribute(f"{finding.code} {name_of(finding)} at {place(location)}")
    kind = _attribute(level_of(finding))
    text = with_verdict(finding)
    if refuted(finding):
        return (
            f"    <testcase name={name} classname={_attribute(location.path)}>\n"
            f"      <system-out>{escape(text)}</system-out>\n"
            f"    </testcase>"
        )
    message = _attribute(finding.message)
    return (
        f"    <testcase name={name} classname={_attribute(location.path)}>\n"
        f"      <failure type={kind} message={message}>{escape(text)}</failure>\n"
        f"    </testcase>"
    )


def _attribute(text: str) -> str:
    """A quoted attribute value. Visible text is always valid XML 1.0."""
    return quoteattr(visible(text))
