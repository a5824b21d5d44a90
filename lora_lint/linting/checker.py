"""One file to its findings: decoded and read, judged by the rules, silenced where comments say so."""

from __future__ import annotations

from lora_lint import prefilter
from lora_lint.finding import Finding
from lora_lint.linting.fence import Failure, attempt
from lora_lint.linting.judging import Judge, across_cells
from lora_lint.linting.outcome import FileResult, distinct, is_shown
from lora_lint.linting.reading import read_file
from lora_lint.linting.silencing import Silencer
from lora_lint.project import Project
from lora_lint.records import replace
from lora_lint.rules.agreement import Judged, agreed
from lora_lint.settings import settings_of
from lora_lint.source import SourceFile, Span
from lora_lint.system import disk
from lora_lint.unread import Unread, clause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lora_lint.discovery import Found
    from lora_lint.linting.cache import Cache
    from lora_lint.linting.reading import FileReading
    from lora_lint.linting.silencing import Silence
    from lora_lint.settings import Settings


_MOST_KEPT = 200_000
"""The most bytes of a notebook's code that are kept with its findings. Of 837 public ones one has more."""


class Checker:
    """Checks one file after another, each under the settings that rule it. With `basis`, findings keep what they were
    found in, and results what was read."""

    def __init__(self, settings: Settings, cache: Cache | None = None, basis: bool = False) -> None:
        self._settings = settings
        self._cache = cache
        self._basis = basis
        self._ruled: dict[int, _Ruled] = {}

    def check(self, found: Found) -> FileResult:
        """Everything that one file gives. Never raises for what the file contains. Raises SettingsError for a settings
        file below the current folder."""
        if self._cache is None or found.data is None:
            return self._under(found.path).check(found)
        with disk.Watch() as watch:
            result = self._under(found.path).check(found)
        self._cache.put(found, replace(result, program=None), watch.noted)
        return result

    def _under(self, path: str) -> _Ruled:
        settings = settings_of(path, self._settings)
        ruled = self._ruled.get(id(settings))
        if ruled is None:
            ruled = self._ruled[id(settings)] = _Ruled(settings, self._settings.root, self._basis)
        return ruled


class _Ruled:
    """Checks files under the same settings, in the project whose root is given."""

    def __init__(self, settings: Settings, root: str, basis: bool) -> None:
        self._settings = settings
        self._root = root
        self._project = Project(root)
        self._basis = basis
        self._judge = Judge(settings, basis)
        self._silencer = Silencer(settings)

    def check(self, found: Found) -> FileResult:
        """Everything that one file gives. Never raises, whatever the file contains; only an interrupt passes
        through."""
        if found.data is None:
            why = found.problem or "This file cannot be read"
            if found.limit is not None:
                return FileResult(found.path, unread=(Unread(found.path, found.limit, clause(why)),))
            return self._failed(found, Failure("syntax", why), ())
        return self._checked(found, found.data)

    def _checked(self, found: Found, data: bytes) -> FileResult:
        """The result of a file, even if it fails. Findings made before a failure are kept."""
        findings: list[Finding] = []
        result = attempt(lambda: self._result(found, findings))
        if not isinstance(result, Failure):
            return result
        if result.cause == "time":
            self._project = Project(self._root)  # it may have been left half updated
            late = Failure("time", f"Checking this file {result.message}, so the rest of it was not checked")
            late_part = Unread(found.path, "time", f"checking it {result.message}")
            return replace(self._failed(found, late, findings), unread=(late_part,))
        if result.cause == "syntax":
            if found.explicit or prefilter.telling(data, found.kind):
                return self._failed(found, result, ())
            if result.limit is None:
                return FileResult(found.path)
            return FileResult(found.path, unread=(Unread(found.path, result.limit, clause(result.message)),))
        return self._failed(found, result, findings)

    def _result(self, found: Found, findings: list[Finding]) -> FileResult:
        """The result of a readable file; `findings` is filled along the way, so that a failure keeps those found so
        far."""
        file = read_file(found, self._settings, self._project)
        judged: list[Judged] = []
        for finding, subject in self._judge.findings(file.reading):
            findings.append(finding)  # one by one: those before a failure are kept
            leveled = self._judge.with_level(across_cells(finding, file.source))
            judged.append(Judged(leveled, subject, self._is_heard(leveled)))
        speaking, withheld = agreed(judged, file.reading)
        silence = self._silence(speaking, file)
        of_withheld = self._silence(withheld, file)  # a comment that silences one of these is needed
        unused = distinct([self._judge.with_level(finding) for finding in self._unused(file)])
        shown = (*silence.remaining, *unused)
        return FileResult(
            found.path,
            shown,
            len(file.reading.runs),
            self._places(silence),
            silence.used + of_withheld.used,
            file.notes,
            unread=file.reading.unread,
            program=_to_show(file.source) if shown else None,
            reading=file.reading if self._basis else None,
        )

    def _failed(self, found: Found, failure: Failure, before: Sequence[Finding]) -> FileResult:
        """The result of a file that was not checked completely: one LL900 finding, in addition to those before it."""
        ours = Finding("LL900", failure.message, failure.span or Span(found.path, 0, 0))
        selected = [finding for finding in (*before, ours) if finding.code in self._judge.selected]
        source = SourceFile(found.path, found.kind, b"")
        silence = self._silencer.silence(distinct(map(self._judge.with_level, selected)), source, None, self._project)
        reported = any(finding.code == "LL900" for finding in silence.remaining)
        unread = () if reported else (Unread(found.path, "finding", clause(failure.message)),)
        crashed = failure.cause == "bug"
        return FileResult(found.path, silence.remaining, 0, self._places(silence), crashed=crashed, unread=unread)

    def _silence(self, findings: list[Finding], file: FileReading) -> Silence:
        return self._silencer.silence(distinct(findings), file.source, file.comments, self._project)

    def _unused(self, file: FileReading) -> Iterator[Finding]:
        """LL910: the comments of a file that suppress nothing, once all of its findings are silenced."""
        off = self._silencer.ignored_in(file.source.path)
        if file.comments is not None and "LL910" in self._judge.selected - off:
            from lora_lint.linting import suppression

            checked = (self._judge.checked | {"LL900"}) - off
            yield from suppression.unused(file.comments, checked, self._settings.everything and not off)

    def _is_heard(self, finding: Finding) -> bool:
        """Whether a finding would be shown, apart from comments."""
        return is_shown(finding, self._settings) and finding.code not in self._silencer.ignored_in(finding.span.path)

    def _places(self, silence: Silence) -> tuple[tuple[str, Span], ...]:
        """The rule and place of the suppressed findings that would be shown."""
        return tuple(
            (finding.code, finding.span) for finding in silence.suppressed if is_shown(finding, self._settings)
        )


def _to_show(source: SourceFile) -> SourceFile | None:
    """The code of a notebook for the report, without anything derived from it; None if reading it again costs less than
    keeping it."""
    if source.kind != "notebook" or len(source.utf8) > _MOST_KEPT:
        return None
    return SourceFile(source.path, source.kind, source.utf8, source.cells)
