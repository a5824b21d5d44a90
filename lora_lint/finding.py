"""What a rule reports."""

from __future__ import annotations

from lora_lint.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any, Literal, TypeAlias

    from lora_lint.run.run import Run, Sweep
    from lora_lint.run.values import Known
    from lora_lint.source import Span

    Level = Literal["error", "warning", "advice"]
    Confidence = Literal["certain", "likely", "possible"]
    Status = Literal["confirmed", "refuted", "inconclusive", "skipped"]


LEVELS: tuple[Level, ...] = ("error", "warning", "advice")
CONFIDENCES: tuple[Confidence, ...] = ("certain", "likely", "possible")


@dataclass(frozen=True)
class Related:
    """Another place that a finding refers to: the model's name, the other end of a sweep."""

    span: Span
    message: str


@dataclass(frozen=True)
class Write:
    """The literal at `span` becomes `value`. `of` is the call that uses it, if it is written elsewhere: it is changed
    only if nothing else uses it."""

    span: Span
    value: Any
    of: Span | None = None


@dataclass(frozen=True)
class Tie:
    """The literal at `span`, an argument of a call, becomes `factor` times the value of the argument `other`. With a
    `key`, `span` is the call, which gets that argument."""

    span: Span
    other: str
    factor: float
    key: str = ""


@dataclass(frozen=True)
class Add:
    """The call at `span` gets a keyword argument; in a config file, the mapping with the key or value at `span` gets a
    key. An argument or key that already has that name is overwritten."""

    span: Span
    key: str
    value: Any


@dataclass(frozen=True)
class Drop:
    """The call or mapping with the key or value at `span`, or at `span` itself, loses a key. `of` as in Write."""

    span: Span
    key: str
    of: Span | None = None


@dataclass(frozen=True)
class Rename:
    """The key at `span` is renamed."""

    span: Span
    name: str


@dataclass(frozen=True)
class Move:
    """The statement that holds `span` moves in front of the statement that holds `before`."""

    span: Span
    before: Span


@dataclass(frozen=True)
class Into:
    """The statement that holds `span` becomes the first in the body of the loop that starts where `loop` does, if it
    assigns to one name that is used in that body alone."""

    span: Span
    loop: Span


@dataclass(frozen=True)
class Through:
    """The first argument of the call at `span` is wrapped in a call of `function`, which is imported alongside the
    call's own function."""

    span: Span
    function: str


@dataclass(frozen=True)
class Follow:
    """The statement at `span`, a method call, is followed by a call of `method` on the same object."""

    span: Span
    method: str
    argument: str


@dataclass(frozen=True)
class Bind:
    """The statement at `span`, a method call, assigns its result to the name of that object."""

    span: Span


@dataclass(frozen=True)
class Unfold:
    """The call at `span`, which changes a list in place and returns None, becomes an expression for the
    resulting list."""

    span: Span


@dataclass(frozen=True)
class Replace:
    """The comment at `span` becomes `text`."""

    span: Span
    text: str


@dataclass(frozen=True)
class Remark:
    """A comment, `text`, is inserted on its own line above the line that `span` starts on."""

    span: Span
    text: str


Change: TypeAlias = (
    Write | Tie | Add | Drop | Rename | Move | Into | Through | Follow | Bind | Unfold | Replace | Remark
)


@dataclass(frozen=True)
class Fix:
    """How to fix a finding. Safe fixes keep the function that is trained, or turn a certain error into what was
    evidently meant; unsafe ones change what is trained.

    `changes` are applied all together or not at all; without any, the fix is left to the user. `announces` names the
    rules, by code or prefix, that may report once it is made, as its message says; a fix that causes any other finding
    is not made. `follows`: it is computed from values that fixes of other findings may change (a scale from the rank),
    and is made after them.
    """

    applicability: Literal["safe", "unsafe"]
    message: str
    changes: tuple[Change, ...] = ()
    announces: tuple[str, ...] = ()
    follows: bool = False


@dataclass(frozen=True)
class Verdict:
    """The result of `--verify` for a finding. `reason` is one or two lines for the user; for "skipped" it says what was
    missing.

    `measurements` are plain numbers, texts, lists and mappings, as in JSON. `device` is "meta", "cpu" or "cuda".
    `proxy`: measured on a sized-down model of the same family.
    """

    status: Status
    reason: str
    measurements: Mapping[str, Any] = field(default_factory=dict)
    device: str = "meta"
    seconds: float = 0.0
    proxy: bool = False


@dataclass(frozen=True)
class Basis:
    """Where a finding comes from: a run or, for rules on sweeps, the sweep and its first run; with all runs of that
    file."""

    run: Run
    sweep: Sweep | None
    siblings: tuple[Run, ...]


@dataclass(frozen=True)
class Finding:
    """One problem at one place. `level` is None where the catalogue's level applies; the engine fills it in, along with
    the fingerprint (which does not depend on line numbers, so that a baseline survives edits elsewhere in the file).

    `figure` is the number that `--verify` tests: the rank or learning rate that the finding suggests, or the GiB that
    it counts. `subjects` are the values that the finding rests on, if they are written somewhere. `basis` is present if
    `--verify` is to follow.
    """

    code: str
    message: str
    span: Span
    confidence: Confidence = "certain"
    level: Level | None = None
    related: tuple[Related, ...] = ()
    fix: Fix | None = None
    figure: float | None = None
    fingerprint: str = ""
    verdict: Verdict | None = None
    subjects: tuple[Known[Any], ...] = ()
    about: Span | None = None
    """The place where the adapter's config is built, for a finding about the adapter itself."""
    basis: Basis | None = field(default=None, compare=False, repr=False)


def automatic(finding: Finding) -> Fix | None:
    """A finding's fix, if it has changes and is not left to the user."""
    return finding.fix if finding.fix is not None and finding.fix.changes else None


def fixable(finding: Finding, unsafe: bool, named: Collection[str]) -> bool:
    """Whether a finding's fix may be applied: it has changes, it is safe or unsafe fixes are wanted too, and the
    finding is more than advice or its rule was selected by name (`named`)."""
    fix, refuted = automatic(finding), finding.verdict is not None and finding.verdict.status == "refuted"
    wanted = finding.level != "advice" or finding.code in named
    return fix is not None and not refuted and wanted and (unsafe or fix.applicability == "safe")
