"""What a rule reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lora_lint.records import dataclass

if TYPE_CHECKING:
    from lora_lint.source import Span

Level = Literal["error", "warning", "advice"]
Confidence = Literal["certain", "likely", "possible"]

LEVELS: tuple[Level, ...] = ("error", "warning", "advice")
CONFIDENCES: tuple[Confidence, ...] = ("certain", "likely", "possible")


@dataclass(frozen=True)
class Related:
    """Another place that a finding rests on: the model's name, the other end of a sweep."""

    span: Span
    message: str


@dataclass(frozen=True)
class Fix:
    """What would mend a finding. Safe fixes keep the function that is trained; unsafe ones change it."""

    applicability: Literal["safe", "unsafe"]
    message: str


@dataclass(frozen=True)
class Finding:
    """One thing wrong at one place.

    `level` is None where the catalogue's level holds; the engine fills it in, with the fingerprint (which does not
    depend on line numbers, so that a baseline survives edits elsewhere in the file).
    """

    code: str
    message: str
    span: Span
    confidence: Confidence = "certain"
    level: Level | None = None
    related: tuple[Related, ...] = ()
    fix: Fix | None = None
    fingerprint: str = ""
