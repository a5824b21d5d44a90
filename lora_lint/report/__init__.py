"""Findings to text, in the formats that people, editors and continuous integration read.

Each format is a module with `render(outcome, *, color) -> str`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_lint.lint.engine import Outcome

FORMATS = ("full", "concise", "json", "sarif", "github", "gitlab", "junit")


def render(output_format: str, outcome: Outcome, *, color: bool = False) -> str:
    """The report of a lint in one of `FORMATS`; `color` only matters to those for terminals."""
    report = import_module(f"lora_lint.report.{output_format}")
    text: str = report.render(outcome, color=color)
    return text
