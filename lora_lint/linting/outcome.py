"""The outcome of a lint, assembled from the results of the files."""

from __future__ import annotations

import os
import re

from lora_lint import discovery
from lora_lint.finding import CONFIDENCES, LEVELS, Finding, Related, fixable
from lora_lint.records import dataclass, field, replace
from lora_lint.settings import settings_of
from lora_lint.source import Location, SourceFile, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from lora_lint.readers.cells import Cells
    from lora_lint.run.run import Reading
    from lora_lint.settings import Settings
    from lora_lint.source import FileKind
    from lora_lint.unread import Unread

_KEPT = 64
"""The number of texts that an outcome keeps for the report at a time."""
_KEPT_NOTEBOOKS = 4
"""The number of notebooks whose JSON it keeps: each may have megabytes of images."""

_CHECKPOINT = r"/checkpoint-\d+\Z"
"""The end of a folder that transformers' Trainer saves an adapter in while it trains."""
_MOST_PLACES = 8
"""The most other places of one cause that a finding names."""
_OF_VALUES = frozenset({"LL102", "LL103", "LL104"})
"""Rules that depend on the values alone, whatever settings a file uses them for."""


@dataclass(frozen=True)
class Summary:
    """The counts at the end of every report. `suppressed`: hidden by comments, per-file ignores and the baseline;
    `unread`: left unread because of a limit; `fixable`: what `--fix` fixes, and `fixable_unsafe` what `--unsafe-fixes`
    adds."""

    files: int = 0
    runs: int = 0
    errors: int = 0
    warnings: int = 0
    advice: int = 0
    suppressed: int = 0
    unread: int = 0
    fixable: int = 0
    fixable_unsafe: int = 0


@dataclass(frozen=True)
class Outcome:
    """The outcome of linting some files: all that a report needs. `findings` are those to show, sorted by path and
    position, with level and fingerprint filled in. `notes` are for stderr. `failed` means that something other than
    findings went wrong (a path that does not exist, an unexpected exception), which makes the exit status 2."""

    findings: tuple[Finding, ...] = ()
    summary: Summary = Summary()
    notes: tuple[str, ...] = ()
    failed: bool = False
    unread: tuple[Unread, ...] = ()
    texts: Mapping[str, SourceFile] = field(default_factory=dict)
    """Sources that cannot be read again from their path: standard input, texts given by a caller."""
    notebooks: Mapping[str, bytes] = field(default_factory=dict)
    """The bytes of the notebooks among `texts`."""
    programs: Mapping[str, SourceFile] = field(default_factory=dict, repr=False, compare=False)
    """The code of notebooks, which takes longer to read again than that of scripts."""
    readings: Mapping[str, Reading] = field(default_factory=dict, repr=False, compare=False)
    """What was read of the files, if the outcome has a basis."""
    _cache: dict[str, SourceFile] = field(default_factory=dict, repr=False, compare=False)
    _cells: dict[str, Cells] = field(default_factory=dict, repr=False, compare=False)

    def source(self, path: str) -> SourceFile:
        """The text that the spans of `path` refer to, read again when needed. Never raises: a file that has become
        unreadable gives an empty text."""
        source = self.texts.get(path) or self.programs.get(path) or self._cache.get(path)
        if source is None:
            if len(self._cache) >= _KEPT:
                del self._cache[next(iter(self._cache))]
            source = self._cache[path] = reread(path)
        return source

    def stored(self, path: str) -> bytes:
        """The bytes of the file at `path`, read again when needed; empty if it is gone or too large."""
        return self.notebooks.get(path) or _bytes(path)

    def located(self, span: Span) -> Location:
        """The place of a span for people: in a notebook a line of a cell."""
        return self.source(span.path).locate(span)

    def in_file(self, span: Span) -> Location:
        """The place of a span in the stored file, for hosts: in a notebook a line of its JSON."""
        location = self.located(span)
        if location.cell is None:
            return location
        from lora_lint.readers.cells import read_cell_places
        from lora_lint.readers.errors import Unreadable

        cells = self._cells.get(span.path)
        if cells is None:
            try:
                cells = read_cell_places(span.path, self.stored(span.path))
            except (Unreadable, RecursionError, MemoryError):
                return Location(location.path, 1, 1, 1, 1, None)
            if len(self._cells) >= _KEPT_NOTEBOOKS:
                del self._cells[next(iter(self._cells))]
            self._cells[span.path] = cells
        return cells.in_file(location)


@dataclass(frozen=True)
class FileResult:
    """The result of checking one file, before fingerprints: findings of every confidence, some perhaps in other
    files that it imports; the rule and place of suppressed ones that would have been shown; the place of each
    comment in another file that suppressed one; what was left unread because of a limit; the code of a notebook with
    findings; and what was read, if the findings have a basis."""

    path: str
    findings: tuple[Finding, ...] = ()
    runs: int = 0
    suppressed: tuple[tuple[str, Span], ...] = ()
    used: tuple[Span, ...] = ()
    notes: tuple[str, ...] = ()
    crashed: bool = False
    unread: tuple[Unread, ...] = ()
    program: SourceFile | None = field(default=None, repr=False, compare=False)
    reading: Reading | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Checked:
    """The results of checking the files of a lint. `files` counts all that were examined; `failed`: something named is
    missing; `texts` as in Outcome."""

    results: tuple[FileResult, ...]
    files: int
    notes: tuple[str, ...] = ()
    failed: bool = False
    texts: Mapping[str, SourceFile] = field(default_factory=dict)


@dataclass(frozen=True)
class Content:
    """What an outcome is to contain. Findings whose fingerprint is in `baseline` are suppressed; without a baseline,
    turning `fingerprints` off saves a look at each line with a finding; with `basis`, findings keep what they were
    found in, and the outcome what was read."""

    baseline: Mapping[str, Mapping[str, Any]] | None = None
    fingerprints: bool = True
    basis: bool = False


def reread(path: str) -> SourceFile:
    """The file at `path` for a report: decoded if possible, otherwise whatever bytes can be shown; empty if it
    is gone."""
    return readable(path, discovery.kind_of(path) or "python", _bytes(path), for_places=True)


def _bytes(path: str) -> bytes:
    """The content of a file; empty if it is gone or too large."""
    try:
        return discovery.read(path, discovery.limit_of(discovery.kind_of(path) or "python")) or b""
    except (OSError, ValueError):
        return b""


def readable(path: str, kind: FileKind, data: bytes, for_places: bool = False) -> SourceFile:
    """The text of some bytes for a report: decoded if possible, otherwise with unprintable bytes replaced.

    `for_places`: it will not be parsed, so that a notebook's broken cells may be in it.
    """
    from lora_lint.readers.errors import Unreadable
    from lora_lint.readers.files import decode

    try:
        if for_places and kind == "notebook":
            from lora_lint.readers.notebook import read_cells

            return read_cells(path, data)
        return decode(path, kind, data)
    except (Unreadable, RecursionError, MemoryError):
        return SourceFile(path, kind, data.decode("utf-8", "replace").encode())


def outcome_of(checked: Checked, settings: Settings, content: Content) -> Outcome:
    """The results of all files as one."""
    used = {span for result in checked.results for span in result.used}
    findings = distinct(
        finding
        for result in checked.results
        for finding in result.findings
        if finding.code != "LL910" or finding.span not in used
    )
    findings = by_cause(findings, settings)
    programs = {result.path: result.program for result in checked.results if result.program is not None}
    readings = {result.path: result.reading for result in checked.results if result.reading is not None}
    sources = Outcome(texts=checked.texts, programs=programs, readings=readings)
    if findings and (content.fingerprints or content.baseline is not None):
        findings = fingerprinted(findings, sources.source, settings.root)
    visible = [finding for finding in findings if is_shown(finding, settings)]
    suppressed = len({place for result in checked.results for place in result.suppressed})
    notes = checked.notes + tuple(note for result in checked.results for note in result.notes)
    if (baseline := content.baseline) is not None:
        from lora_lint.linting.baseline import stale

        new = [finding for finding in visible if finding.fingerprint not in baseline]
        suppressed += len(visible) - len(new)
        visible = new
        ran = {
            discovery.from_root(result.path, settings.root): settings_of(result.path, settings).selected()
            for result in checked.results
        }
        gone = stale(baseline, (finding.fingerprint for finding in findings), ran)
        if gone:
            match = "1 baseline entry no longer matches" if gone == 1 else f"{gone} baseline entries no longer match"
            notes += (f"{match} anything; refresh it with --write-baseline",)
    unread = tuple(dict.fromkeys(each for result in checked.results for each in result.unread))
    notes += tuple(each.line() for each in unread)
    levels = [finding.level for finding in visible]
    summary = Summary(
        checked.files,
        sum(result.runs for result in checked.results),
        levels.count("error"),
        levels.count("warning"),
        levels.count("advice"),
        suppressed,
        len(unread),
    )
    failed = checked.failed or any(result.crashed for result in checked.results)
    shown = replace(sources, findings=tuple(visible), summary=summary, notes=notes, failed=failed, unread=unread)
    return with_fixable(shown, settings)


def with_fixable(outcome: Outcome, settings: Settings) -> Outcome:
    """The outcome with its fixable findings counted, again after verdicts have refuted some."""
    named = [settings_of(finding.span.path, settings).named() for finding in outcome.findings]
    pairs = list(zip(outcome.findings, named, strict=True))
    safe, every = (sum(fixable(finding, unsafe, names) for finding, names in pairs) for unsafe in (False, True))
    return replace(outcome, summary=replace(outcome.summary, fixable=safe, fixable_unsafe=every - safe))


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for each rule and place (the gravest, then surest, then first), sorted by place."""
    best: dict[tuple[str, Span], Finding] = {}
    for finding in findings:
        key = (finding.code, finding.span)
        if key not in best or _weight(finding) < _weight(best[key]):
            best[key] = finding
    return sorted(best.values(), key=_place)


def by_cause(findings: Sequence[Finding], settings: Settings) -> list[Finding]:
    """The findings, sorted by place, with one per cause. If several files use the same values, the finding is reported
    where these are written, or otherwise in the first of the files, and the others become related places. The
    adapters that one training saved at several steps have one cause, too."""
    groups: dict[object, list[Finding]] = {}
    folders = [_saved_in(finding) for finding in findings]
    trainings = {os.path.dirname(each) for each in folders if each and re.search(_CHECKPOINT, each)}
    for number, (finding, saved) in enumerate(zip(findings, folders, strict=True)):
        training = next((each for each in (saved, os.path.dirname(saved)) if saved and each in trainings), None)
        causes = _causes(finding)
        said = "" if finding.code in _OF_VALUES else finding.message
        key: object = (finding.code, training or causes, said, is_shown(finding, settings))
        groups.setdefault(key if training or causes else number, []).append(finding)
    return sorted((_merged(group) for group in groups.values()), key=_place)


def _saved_in(finding: Finding) -> str:
    """The folder of the saved adapter that a finding is about; "" for other findings."""
    folder, name = os.path.split(finding.span.path)
    return folder if name == "adapter_config.json" else ""


def _causes(finding: Finding) -> frozenset[Span]:
    """The places that a finding comes from: those of the values that it rests on, or of the adapter's config."""
    written = {place for value in finding.subjects if (place := value.written or value.span) is not None}
    return frozenset(written or ({finding.about} if finding.about is not None else ()))


def _merged(group: Sequence[Finding]) -> Finding:
    """Merges the findings of one cause into one."""
    if len(group) == 1:
        return group[0]
    chosen = min(group, key=lambda each: (_weight(each), each.span not in _causes(each)))
    named = {chosen.span, *(related.span for related in chosen.related)}
    more = dict.fromkeys(each.span for each in group if each.span not in named)
    related = tuple(Related(span, "the same applies here") for span in more)
    return replace(chosen, related=(*chosen.related, *related[:_MOST_PLACES]))


def _weight(finding: Finding) -> tuple[int, int]:
    return LEVELS.index(finding.level or "advice"), CONFIDENCES.index(finding.confidence)


def _place(finding: Finding) -> tuple[str, int, int, str]:
    return finding.span.path, finding.span.start, finding.span.end, finding.code


def is_shown(finding: Finding, settings: Settings) -> bool:
    """Whether the finding is certain and severe enough to be shown."""
    settings = settings_of(finding.span.path, settings)
    sure = CONFIDENCES.index(finding.confidence) <= CONFIDENCES.index(settings.confidence)
    return sure and LEVELS.index(finding.level or "warning") <= LEVELS.index(settings.level)


def fingerprinted(findings: Iterable[Finding], source_of: Callable[[str], SourceFile], root: str = "") -> list[Finding]:
    """The findings, sorted by place, with their fingerprints: a hash of the rule, the path from `root`, the words of
    the line that the finding starts on, and a number where all of these are the same. It contains no line numbers, so
    it survives edits."""
    from hashlib import sha256

    from lora_lint.system.visible import octets

    counts: dict[tuple[str, str, str], int] = {}
    marked = []
    for finding in findings:
        source = source_of(finding.span.path)
        line = source.position(min(finding.span.start, len(source.utf8)))[0]
        same = (finding.code, discovery.from_root(finding.span.path, root), " ".join(source.line_text(line).split()))
        number = counts[same] = counts.get(same, -1) + 1
        digest = sha256(octets("\0".join((*same, str(number))))).hexdigest()
        marked.append(replace(finding, fingerprint=digest[:16]))
    return marked
