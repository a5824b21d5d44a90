"""`--add-ignore`: comments that suppress the findings of a report, each with the reason that the user gives.

A comment goes on a separate line above the line of its finding, which all languages with comments allow; an existing
one gets the additional rules. The text with its comments is linted before it is written: the findings must be gone, and
nothing else may have changed.
"""

from __future__ import annotations

from lora_lint import discovery
from lora_lint.finding import Remark
from lora_lint.fixes.edits import Edit
from lora_lint.fixes.files import Unwritable, edited
from lora_lint.fixes.made import above
from lora_lint.fixes.session import Fixed
from lora_lint.linting.comments import comments_of
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from lora_lint.finding import Finding
    from lora_lint.linting.outcome import Outcome
    from lora_lint.linting.suppression import Ignore
    from lora_lint.settings import Settings
    from lora_lint.source import FileKind, SourceFile

LONGEST = 200
"""The most characters in a reason."""


def why_no_reason(text: str) -> str | None:
    """Why a text cannot be the reason in a comment, or None if it can."""
    if not text.strip():
        return "it is empty"
    if len(text) > LONGEST:
        return f"it has more than {LONGEST} characters"
    if not text.isprintable() or "#" in text:
        return "it must be one line without `#`"
    return None


def remarked(outcome: Outcome, reason: str, settings: Settings) -> list[Fixed]:
    """The files of a report with a comment for each of their findings, in memory. Each file is read again."""
    by_path: dict[str, list[Finding]] = {}
    for finding in _others(outcome.findings):
        by_path.setdefault(finding.span.path, []).append(finding)
    return [_file(path, findings, reason, settings) for path, findings in by_path.items()]


def _file(path: str, findings: list[Finding], reason: str, settings: Settings) -> Fixed:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        return Fixed(path, b"", b"", 0, error.strerror or str(error))
    return remarked_text(path, data, findings, reason, settings)


def remarked_text(
    path: str, data: bytes, findings: list[Finding], reason: str, settings: Settings, kind: FileKind | None = None
) -> Fixed:
    """One file's bytes with a comment for each of its findings; the suffix of the path says what it is, unless its kind
    is given."""
    from lora_lint.linting import engine
    from lora_lint.linting.outcome import readable

    kind = kind or discovery.kind_of(path) or "python"
    if kind == "json":
        return Fixed(path, data, data, 0, "JSON has no comments: use `per-file-ignores` or a baseline")
    source = readable(path, kind, data)
    edits = sorted(_edits(source, findings, reason), key=lambda edit: edit.span)
    try:
        after = edited(data, source, edits)
    except Unwritable as error:
        return Fixed(path, data, data, 0, str(error))
    codes = {finding.code for finding in findings}
    before, now = (engine.lint_text(each, path, settings, kind=kind).findings for each in (data, after))
    # Findings that other programs cause in this file do not appear when it is linted alone.
    places = {(finding.code, finding.span) for finding in findings}
    expected = sum((finding.code, finding.span) in places for finding in before)
    if "LL900" in {finding.code for finding in now} - codes or len(_others(before)) - len(_others(now)) != expected:
        return Fixed(path, data, data, 0, "a comment there would not suppress just this")
    return Fixed(path, data, after, len(findings))


def _others(findings: Iterable[Finding]) -> list[Finding]:
    """Findings except those about comments: fixing one of these may suppress what another file has here."""
    return [finding for finding in findings if finding.code != "LL910"]


def _edits(source: SourceFile, findings: list[Finding], reason: str) -> list[Edit]:
    """The comments of a file as edits: one per place."""
    comments = comments_of(source)
    ignores = comments.ignores if comments is not None else ()
    further: dict[Span, list[str]] = {}
    new: dict[Span, tuple[Span, list[str]]] = {}
    for finding in findings:
        line = source.position(finding.span.start)[0]
        there = _comment_on(line, ignores)
        if there is not None:
            further.setdefault(there.listed, [*there.words]).append(finding.code)
            continue
        start = source.line_starts[line - 1]
        text = source.utf8[start:].partition(b"\n")[0]
        first = start + len(text) - len(text.lstrip())
        code = Span(source.path, first, first)
        # The lines of one shell command have their comments above it.
        new.setdefault(above(source, Remark(code, "")).span, (code, []))[1].append(finding.code)
    edits = [Edit(listed, ", ".join(dict.fromkeys(words))) for listed, words in further.items()]
    for code, codes in new.values():
        remark = f"# lora-lint: ignore[{', '.join(sorted({*codes}))}] {reason.strip()}"
        edits.append(above(source, Remark(code, remark)))
    return edits


def _comment_on(line: int, ignores: tuple[Ignore, ...]) -> Ignore | None:
    """The comment that applies to a line alone and names rules."""
    return next((each for each in ignores if each.own and each.codes and each.lines == (line, line)), None)
