"""Findings to text, in the formats that people, editors and continuous integration read.

Each format is a module and a line in FORMATS: `render(outcome, view) -> str` for people, `render(outcome) -> str` for
programs.
"""

from __future__ import annotations

from importlib import import_module

from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.linting.outcome import Outcome


@dataclass(frozen=True)
class Format:
    """Who reads a format: people, or programs, which get UTF-8 whatever the locale; and whether it shows
    fingerprints."""

    for_people: bool = False
    fingerprints: bool = False


FORMATS: dict[str, Format] = {
    "full": Format(for_people=True),
    "concise": Format(for_people=True),
    "json": Format(fingerprints=True),
    "sarif": Format(fingerprints=True),
    "github": Format(),
    "gitlab": Format(fingerprints=True),
    "junit": Format(),
    "markdown": Format(),
    "html": Format(fingerprints=True),
}
"""Keyed by the name of the format's module here."""


@dataclass(frozen=True)
class View:
    """How people see a report: `width` in columns, with colors, with links on rule codes (OSC 8); `brief` gives a
    message that applies to several places once, advice one line per place, and only counts advice of the rules in
    `aside`. `named`: the rules selected by name, whose advice --fix fixes too."""

    width: int = 100
    color: bool = False
    links: bool = False
    brief: bool = False
    aside: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()


PLAIN = View()


def render(output_format: str, outcome: Outcome, view: View = PLAIN) -> str:
    """The report of a lint in one of `FORMATS`; only formats for people use the view."""
    report = import_module(f"lora_lint.report.{output_format}")
    text: str = report.render(outcome, view) if FORMATS[output_format].for_people else report.render(outcome)
    return text
