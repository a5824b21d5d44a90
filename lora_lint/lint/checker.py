"""One file to its findings, with a fence around it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from lora_lint import discovery
from lora_lint.finding import Finding, Related
from lora_lint.lint.outcome import FileResult, decode, distinct, shown
from lora_lint.records import replace
from lora_lint.source import SourceFile, Span
from lora_lint.system import deadline, disk
from lora_lint.unread import Unread, clause

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lora_lint.lint.cache import Cache
    from lora_lint.lint.suppression import Comments
    from lora_lint.project import Project
    from lora_lint.run.run import Reading, Run, Sweep
    from lora_lint.settings import Settings

PATIENCE = 8.0
"""CPU seconds for one file, after which the work on it is stopped; the command as a whole has ten for it. Of 7,400
files of 38 repositories 1% take more than 0.3, and the slowest 1.1."""
_SHORT = 60
"""Characters of a value that is named where it is written."""
_OWN_NOQA = rb"noqa(?:(?!\s*:)|\s*:[^\r\n]*\bll\d)"


class Checker:
    """Checks one file after the other under the same settings."""

    def __init__(self, settings: Settings, cache: Cache | None = None) -> None:
        from lora_lint import catalogue
        from lora_lint.project import Project
        from lora_lint.rules import RUN_CHECKS, SWEEP_CHECKS

        self.settings = settings
        self._cache = cache
        self.project = Project(settings.root)
        self.selected = settings.selected()
        self._rules = catalogue.rules()
        self._options = {
            code: {name: schema.get("default") for name, schema in rule.options.items()}
            | dict(settings.options.get(code, {}))
            for code, rule in self._rules.items()
            if code in self.selected
        }
        self._run_checks = {code: check for code, check in RUN_CHECKS.items() if code in self.selected}
        self._sweep_checks = {code: check for code, check in SWEEP_CHECKS.items() if code in self.selected}
        self._off = [
            (discovery.matcher(glob, settings.root), frozenset(codes)) for glob, codes in settings.per_file_ignores
        ]

    def check(self, found: discovery.Found) -> FileResult:
        """All that one file gives. Never raises, whatever the file holds; only an interrupt passes through."""
        if found.data is None:
            why = found.problem or "This file cannot be read"
            if found.limit is not None:
                return FileResult(found.path, unread=(Unread(found.path, found.limit, clause(why)),))
            return self._unreadable(found, why, Span(found.path, 0, 0))
        if self._cache is None:
            return self._fenced(found, found.data)
        with disk.Watch() as watch:
            result = self._fenced(found, found.data)
        self._cache.put(found, result, watch.noted)
        return result

    def _fenced(self, found: discovery.Found, data: bytes) -> FileResult:
        from lora_lint.project import Project
        from lora_lint.readers.errors import Unreadable

        start = Span(found.path, 0, 0)
        findings: list[Finding] = []
        limit = deadline.Limit(PATIENCE)
        try:
            with limit:
                return self._check(found, findings)
        except deadline.Exceeded as error:
            if error.limit is not limit:
                raise
            self.project = Project(self.settings.root)  # what it remembers may be half of it
            return self._stopped(found, findings)
        except Unreadable as error:
            if not found.explicit and not discovery.telling(data, found.kind):
                lost = Unread(found.path, error.limit, clause(error.message)) if error.limit is not None else None
                return FileResult(found.path, unread=(lost,) if lost is not None else ())
            return self._unreadable(found, error.message, error.span or start)
        except RecursionError:
            return self._unreadable(found, "This file is nested too deeply to be checked", start, findings)
        except MemoryError:
            return self._unreadable(found, "This file needs more memory than there is", start, findings)
        except Exception as error:
            return self._unreadable(found, own_fault(error), start, findings, crashed=True)

    def _check(self, found: discovery.Found, findings: list[Finding]) -> FileResult:
        """The findings of a readable file; `findings` is filled on the way, so that a failure keeps those before."""
        from lora_lint.rules.agreement import agreed

        notes: list[str] = []
        source, reading, said = reading_of(found, self.settings, self.project, notes)
        made: list[tuple[Finding, Run | Sweep]] = []
        for finding, origin in self.made_by(reading):
            findings.append(finding)  # one by one: those before a failure are kept
            made.append((self._leveled(finding), origin))
        off = self._ignored_in(found.path)
        speaking, withheld = agreed(made, reading, self._is_heard)
        kept, silenced, used = self._silence(distinct(speaking), source, said)
        _, _, more = self._silence(withheld, source, said)  # a comment that silences one of these is of use
        used += more
        if said is not None and "LL910" in self.selected and "LL910" not in off:
            from lora_lint.lint import suppression

            ran = (self._run_checks.keys() | self._sweep_checks.keys() | {"LL900"}) - off
            unused = suppression.unused(said, frozenset(ran), self.settings.everything and not off)
            kept += self._distinct(unused)
        return FileResult(
            found.path,
            tuple(kept),
            len(reading.runs),
            tuple((finding.code, finding.span) for finding in silenced if shown(finding, self.settings)),
            tuple(used),
            tuple(notes),
            unread=reading.unread,
        )

    def made_by(self, reading: Reading) -> Iterator[tuple[Finding, Run | Sweep]]:
        """What the rules find in a file, each with the run or the sweep that it was found in."""
        for run in reading.runs:
            seen = run.judged()
            for code, check in self._run_checks.items():
                deadline.look()
                for finding in check(seen, self._options[code]):
                    yield _with_origin(finding, run), seen
        for sweep in reading.sweeps:
            tried = replace(sweep, runs=tuple(run.judged() for run in sweep.runs))
            for code, sweep_check in self._sweep_checks.items():
                for finding in sweep_check(tried, self._options[code]):
                    yield _with_origin(finding, sweep.runs[0]), tried

    def _is_heard(self, finding: Finding) -> bool:
        """Whether a finding would be shown, comments aside."""
        return shown(finding, self.settings) and finding.code not in self._ignored_in(finding.span.path)

    def _silence(
        self, findings: list[Finding], source: SourceFile, said: Comments | None
    ) -> tuple[list[Finding], list[Finding], list[Span]]:
        """The findings that remain, those that are suppressed, and the comments of other files that did it.

        What a program takes from a module it imports is reported there, so the comments there count.
        """
        kept: list[Finding] = []
        silenced: list[Finding] = []
        used: list[Span] = []
        for path in dict.fromkeys(finding.span.path for finding in findings):
            off = self._ignored_in(path)
            here = [finding for finding in findings if finding.span.path == path]
            silenced += [finding for finding in here if finding.code in off]
            here = [finding for finding in here if finding.code not in off]
            text = source if path == source.path else self.project.load(path)
            spoken_there = said if path == source.path else spoken(text) if text is not None else None
            if text is not None and spoken_there is not None:
                from lora_lint.lint import suppression

                here, hushed = suppression.silence(here, spoken_there, text)
                silenced += hushed
                if path != source.path:
                    used += [ignore.span for ignore in spoken_there.ignores if ignore.used]
            kept += here
        return kept, silenced, used

    def _stopped(self, found: discovery.Found, before: Iterable[Finding]) -> FileResult:
        """The result of a file that takes too long, with the findings until then."""
        lost = f"checking it takes more than {PATIENCE:.0f} s of CPU time"
        why = f"Checking this file takes more than {PATIENCE:.0f} s of CPU time, so the rest of it was not checked"
        result = self._unreadable(found, why, Span(found.path, 0, 0), before)
        return replace(result, unread=(Unread(found.path, "time", lost),))

    def _unreadable(
        self,
        found: discovery.Found,
        why: str,
        span: Span,
        before: Iterable[Finding] = (),
        crashed: bool = False,
    ) -> FileResult:
        """The one LL900 finding of a file that could not be checked to its end, with the findings until then."""
        findings = [*before, Finding("LL900", why, span)]
        source = SourceFile(found.path, found.kind, b"")
        selected = (finding for finding in findings if finding.code in self.selected)
        kept, silenced, _ = self._silence(self._distinct(selected), source, None)
        suppressed = tuple((finding.code, finding.span) for finding in silenced if shown(finding, self.settings))
        told = any(finding.code == "LL900" for finding in kept)
        unread = () if told else (Unread(found.path, "finding", clause(why)),)
        return FileResult(found.path, tuple(kept), 0, suppressed, crashed=crashed, unread=unread)

    def _ignored_in(self, path: str) -> frozenset[str]:
        """The rules that are off in one file."""
        return frozenset().union(*(codes for matches, codes in self._off if matches(path)))

    def _distinct(self, findings: Iterable[Finding]) -> list[Finding]:
        """Levels filled in, one finding for each rule and place (the gravest, then surest, then first), in order."""
        return distinct(map(self._leveled, findings))

    def _leveled(self, finding: Finding) -> Finding:
        level = self.settings.levels.get(finding.code) or finding.level or self._rules[finding.code].level
        return finding if finding.level == level else replace(finding, level=level)


def _with_origin(finding: Finding, run: Run) -> Finding:
    """A finding that rests on values from another file (a module, a config that is loaded, a program that a command
    starts) names the places where they are written too; one about the adapter itself names where its config is made."""
    origins = {
        value.written: f"{_short(value.value)} is written here"
        for value in finding.subjects
        if value.written is not None
    }
    of_adapter = not finding.subjects and finding.span == run.adapter.span
    if of_adapter and run.config is not None and run.config.path != finding.span.path:
        origins[run.config] = "the adapter's config is made here"
    told = {finding.span, *(related.span for related in finding.related)}
    more = tuple(Related(span, message) for span, message in origins.items() if span not in told)
    return replace(finding, related=(*finding.related, *more)) if more else finding


def _short(value: Any) -> str:
    text = str(value)
    return f"`{text}`" if isinstance(value, str | int | float) and len(text) <= _SHORT else "the value"


def reading_of(
    found: discovery.Found, settings: Settings, project: Project, notes: list[str]
) -> tuple[SourceFile, Reading, Comments | None]:
    """The text and the runs of one file, with what the user says about them, and what its comments say.

    Adds to `notes` what the user should know. Raises readers.errors.Unreadable.
    """
    from lora_lint.lint import reading as dialects

    assert found.data is not None
    source = decode(found.path, found.kind, found.data)
    project.admit(found.path)
    reading = dialects.read(source, project, every_line=found.explicit)
    if source.kind in ("python", "notebook", "shell") and (reading.runs or reading.sweeps):
        from lora_lint.lint.pins import with_pins

        reading = with_pins(reading, source, project)
    said = spoken(source)
    hints = said.hints if said is not None else ()
    told_more = settings.task or settings.dataset_size is not None or settings.gpu_memory is not None
    if hints or told_more or settings.models or settings.transformers or settings.sweep_keeps:
        from lora_lint.lint.hints import told

        reading = told(reading, settings, hints, source, notes)
    return source, reading, said


def own_fault(error: Exception, where: str = "on this file") -> str:
    """What to tell of an exception that should not have been. With LORA_LINT_DEBUG set it passes through."""
    if os.environ.get("LORA_LINT_DEBUG"):
        raise error
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"lora-lint failed {where} ({what[:200]}), which is a bug in lora-lint: please report it"


def spoken(source: SourceFile) -> Comments | None:
    """What the comments of a file say to the linter; None for most files, at the price of two searches."""
    low = source.utf8.lower()
    if b"lora-lint" not in low and not _noqa(low):
        return None
    from lora_lint.lint import suppression

    said = suppression.comments(source)
    return None if said is suppression.NONE else said


def _noqa(low: bytes) -> bool:
    """Whether a `noqa` for all rules or for one of ours could be in a text in lower case."""
    at = low.find(b"noqa")
    end = comment = -1
    while at >= 0:
        if at > end:  # on another line
            end = low.find(b"\n", at)
            end = len(low) if end < 0 else end
            comment = low.find(b"#", low.rfind(b"\n", 0, at) + 1, end)
        if 0 <= comment < at and re.match(_OWN_NOQA, low[at : at + 500]):
            return True
        at = low.find(b"noqa", at + 4)
    return False
