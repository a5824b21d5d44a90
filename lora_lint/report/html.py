"""One self-contained HTML page with the findings, their verdicts and the measurements."""

from __future__ import annotations

from html import escape
from pathlib import Path

from lora_lint import __version__
from lora_lint.report.evidence import evidence, prose
from lora_lint.report.wording import by_level, closing, headline, level_of, name_of, place, url_of
from lora_lint.system.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.finding import Finding
    from lora_lint.linting.outcome import Outcome


def render(outcome: Outcome) -> str:
    """The page as text: it loads nothing and runs nothing."""
    sections = "".join(section(outcome, finding) for finding in by_level(outcome.findings))
    settled = any(finding.verdict is not None for finding in outcome.findings)
    intervals = " Intervals are over seeds." if settled else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>lora-lint</title>'
        f"<style>{style()}</style></head><body>\n<h1>lora-lint</h1>\n"
        f"<p>{'<br>'.join(map(escape, closing(outcome)))}</p>\n{sections}"
        f"<p><small>lora-lint {escape(__version__)}.{intervals}</small></p>\n</body></html>\n"
    )


def style() -> str:
    """The style sheet of all pages."""
    return Path(__file__).with_suffix(".css").read_text(encoding="utf-8")


def section(outcome: Outcome, finding: Finding) -> str:
    """A finding with its verdict, as a part of a page."""
    source = outcome.source(finding.span.path)
    location = source.locate(finding.span)
    level, (clause, rest) = level_of(finding), headline(finding.message)
    excerpt = visible(source.line_text(source.absolute_line(location)).expandtabs(4)) if source.utf8 else ""
    notes = [
        f"<code>{escape(place(outcome.located(related.span)))}</code>: {prose(related.message)}"
        for related in finding.related
    ]
    if finding.fix is not None:
        kind = f"fix ({finding.fix.applicability})" if finding.fix.changes else "by hand"
        notes.append(f"{kind}: {prose(finding.fix.message)}")
    listed = f"<ul>{''.join(f'<li>{note}</li>' for note in notes)}</ul>\n" if notes else ""
    measured = evidence(finding.verdict) if finding.verdict is not None else ""
    return (
        f'<section id="{escape(finding.fingerprint or finding.code)}">\n'
        f'<h2><span class="{level}">{level}</span> <a href="{escape(url_of(finding.code))}">{finding.code}</a> '
        f"{escape(name_of(finding))}</h2>\n<p><code>{escape(place(location))}</code></p>\n"
        f"<p><strong>{prose(clause)}</strong></p>\n<pre>{escape(excerpt.strip())}</pre>\n<p>{prose(rest)}</p>\n{listed}"
        f"{measured}</section>\n"
    )
