"""What a rule reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from lora_lint.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

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


Status = Literal["confirmed", "refuted", "inconclusive", "skipped"]


@dataclass(frozen=True)
class Verdict:
    """What `--verify` has to say about a finding.

    `reason` is one or two lines for people; for "skipped" it tells what was missing. `measurements` are plain numbers,
    texts, lists and mappings, as JSON has them. `device` is "meta", "cpu" or "cuda". `proxy`: measured on a sized-down
    model of the same family.
    """

    status: Status
    reason: str
    measurements: Mapping[str, Any] = field(default_factory=dict)
    device: str = "meta"
    seconds: float = 0.0
    proxy: bool = False


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
    verdict: Verdict | None = None
