"""GitHub Actions workflow commands: annotations on the lines of a pull request."""

from __future__ import annotations

from lora_lint.report.wording import cell_prefix, level_of, name_of, refuted, sentence, with_verdict
from lora_lint.system.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.linting.outcome import Outcome

_COMMANDS = {"error": "error", "warning": "warning", "advice": "notice"}


def render(outcome: Outcome) -> str:
    """One command per finding, and the summary as plain text."""
    lines = []
    for finding in outcome.findings:
        location = outcome.in_file(finding.span)
        title = f"{finding.code} {name_of(finding)}"
        fields = {"title": title, "file": visible(location.path)}
        fields |= {"line": str(location.line), "endLine": str(location.end_line)}
        if location.line == location.end_line:
            fields |= {"col": str(location.column), "endColumn": str(location.end_column)}
        properties = ",".join(f"{key}={_property(value)}" for key, value in fields.items())
        command = "notice" if refuted(finding) else _COMMANDS[level_of(finding)]
        message = cell_prefix(outcome.located(finding.span)) + with_verdict(finding)
        lines.append(f"::{command} {properties}::{_data(message)}")
    return "\n".join([*lines, sentence(outcome)]) + "\n"


def _data(text: str) -> str:
    """Visible text, which has no newlines that would need an escape."""
    return text.replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
