"""Findings to text, in the formats that people, editors and continuous integration read.

Each format is a module with `render(outcome, *, color) -> str`, and a line in FORMATS.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lora_lint.records import dataclass

if TYPE_CHECKING:
    from lora_lint.lint.outcome import Outcome


@dataclass(frozen=True)
class Format:
    """Who reads a format: people, or programs, for which it is UTF-8 whatever the locale; and whether it shows
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
}
"""By the name of their module here."""


def render(output_format: str, outcome: Outcome, *, color: bool = False) -> str:
    """The report of a lint in one of `FORMATS`; `color` only matters to those for terminals."""
    report = import_module(f"lora_lint.report.{output_format}")
    text: str = report.render(outcome, color=color)
    return text
