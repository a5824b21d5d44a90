"""`--fix` and `--diff`: what each file becomes, decided in memory before anything is written.

A fix is made only if it keeps its word. Its edits are made on a copy, which is linted again: the finding must be gone,
and no other may have come that the fix did not announce. All fixes of a file are tried at once, and fewer only where
that fails. What was fixed once is not fixed again, whatever later fixes make of its place. Once all files are fixed so,
those that are linted together with them are linted as though they were written: a file after whose fixes another one
that reads it has a new finding is left alone.
"""

from __future__ import annotations

import difflib
import os
from bisect import bisect_left, bisect_right
from contextlib import suppress
from errno import EACCES
from itertools import accumulate

from lora_lint.finding import LEVELS, fixable
from lora_lint.fixes.edits import applied, disjoint, inserted, stays
from lora_lint.fixes.made import places_of
from lora_lint.records import dataclass, replace
from lora_lint.settings import settings_of
from lora_lint.source import Span
from lora_lint.system import disk
from lora_lint.system.visible import octets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from lora_lint.finding import Finding
    from lora_lint.fixes.edits import Edit
    from lora_lint.linting.outcome import Outcome
    from lora_lint.settings import Settings
    from lora_lint.source import FileKind, SourceFile

Place = tuple[str, Span]
"""A rule's code, and where it found something."""

TRIALS = 100
"""The most lints of one file. Each fix that does not keep its promise takes a few, the others two together."""


@dataclass(frozen=True)
class Fixed:
    """A file before and after its fixes; `findings` is how many were fixed, `left` says why others were not, and
    `problem` why the file is left alone. `places` are those of the findings that remain, and `announced` the rules that
    the fixes said may report."""

    path: str
    before: bytes
    after: bytes
    findings: int = 0
    problem: str = ""
    left: tuple[str, ...] = ()
    places: frozenset[Place] = frozenset()
    announced: tuple[str, ...] = ()


def fixed(outcome: Outcome, settings: Settings, unsafe: bool, lint: Callable[[], Outcome] | None = None) -> list[Fixed]:
    """The files of an outcome with their findings fixed in memory. Each file is read again and linted in its current
    state.

    `lint` lints everything once more, with all rules: without it no other file depends on the fixed ones.
    """
    paths = dict.fromkeys(
        finding.span.path
        for finding in outcome.findings
        if fixable(finding, unsafe, settings_of(finding.span.path, settings).named())
    )
    shown = {(finding.code, finding.span) for finding in outcome.findings}
    files = [_file(path, settings_of(path, settings), unsafe, shown) for path in paths]
    return files if lint is None else _agreeing(files, settings, lint)


def _agreeing(files: list[Fixed], settings: Settings, lint: Callable[[], Outcome]) -> list[Fixed]:
    """Fixed files, without the fixes that would cause a new finding in a file that reads one of them."""
    if all(file.after == file.before for file in files):
        return files
    before = lint()
    known = {_place(finding) for finding in before.findings}
    said = {(finding.code, _line(before, finding)) for finding in before.findings}
    while changed := {file.path: file for file in files if file.after != file.before}:
        with disk.Instead({path: file.after for path, file in changed.items()}):
            after = lint()
            withheld: dict[str, str] = {}
            for finding in after.findings:
                path, place = finding.span.path, _place(finding)
                if path not in changed:
                    new, read = place not in known, set(changed)
                else:
                    new = place not in changed[path].places and (finding.code, _line(after, finding)) not in said
                    read = {path}
                if new:
                    row = after.source(path).position(finding.span.start)[0]
                    for each in read & _read_by(path, settings) or read:
                        if not finding.code.startswith(changed[each].announced):
                            withheld.setdefault(each, f"it would cause {finding.code} in {path}, line {row}")
        if not withheld:
            break
        files = [_withheld(file, withheld[file.path]) if file.path in withheld else file for file in files]
    return files


def _withheld(file: Fixed, why: str) -> Fixed:
    fixes = "1 finding is" if file.findings == 1 else f"{file.findings} findings are"
    return replace(file, after=file.before, findings=0, left=(*file.left, f"{fixes} not fixed: {why}"))


def _read_by(path: str, settings: Settings) -> set[str]:
    """The other files that are read when one is linted."""
    from lora_lint import discovery
    from lora_lint.linting import engine

    kind = discovery.kind_of(path) or "python"
    with disk.Watch() as watch, suppress(OSError):
        engine.lint_text(discovery.read(path, discovery.limit_of(kind)) or b"", path, settings, kind=kind)
    return {discovery.display(asked) for kind, asked in watch.noted if kind in ("content", "state")}


def _line(outcome: Outcome, finding: Finding) -> tuple[str, str]:
    """The file and the words of the line that a finding starts on."""
    return finding.span.path, _words(outcome.source(finding.span.path), finding.span)


def _file(path: str, settings: Settings, unsafe: bool, shown: Collection[Place]) -> Fixed:
    from lora_lint import discovery

    kind = discovery.kind_of(path)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        return Fixed(path, b"", b"", 0, error.strerror or str(error))
    if kind is None:
        return Fixed(path, data, data)
    return fixed_text(data, path, kind, settings, unsafe, shown)


def fixed_text(
    data: bytes, path: str, kind: FileKind, settings: Settings, unsafe: bool, shown: Collection[Place] | None = None
) -> Fixed:
    """One file's bytes with its findings fixed: of the initial ones only those in `shown` (None: all), and those that
    their fixes announced."""
    state = _linted(data, path, kind, settings)
    closed = [] if shown is None else [place for place in map(_place, state.findings) if place not in shown]
    refused: dict[Place, str] = {}
    count, trials, outdated = 0, 1, False
    announced: list[str] = []
    while trials < TRIALS:
        group = _candidates(state, settings, unsafe, [*closed, *refused])
        if not group and not outdated:
            break
        if not group:  # a fix that did not fit an older text may fit this one
            refused, outdated = {}, False
            continue
        tried = _fixed(state, group, settings, closed)
        trials += 1
        while isinstance(tried, str) and len(group) > 1 and trials < TRIALS:
            group = group[: len(group) // 2]
            tried = _fixed(state, group, settings, closed)
            trials += 1
        if isinstance(tried, str):
            refused[group[0].place] = tried
            continue
        edits = [edit for each in group for edit in each.edits]
        closed = _moved([*closed, *(each.place for each in group)], edits, state.source)
        refused = dict(zip(_moved(refused, edits, state.source), refused.values(), strict=True))
        announced += [code for each in group for code in each.announced]
        state, count, outdated = tried, count + len(group), bool(refused)
    for finding, made in _wanted_fixes(state, settings, unsafe, [*closed, *refused]):
        if not made:
            refused[_place(finding)] = "the change is not certain to be right here"
    left = tuple(
        f"{code} on line {state.source.position(span.start)[0]} is not fixed: {why}"
        for (code, span), why in sorted(refused.items(), key=lambda item: item[0][1])
    )
    places = frozenset(map(_place, state.findings))
    return Fixed(path, data, state.data, count, "", left, places, tuple(announced))


@dataclass(frozen=True)
class _State:
    """A text in progress, and the findings of all rules except those that the user ignores."""

    path: str
    kind: FileKind
    data: bytes
    source: SourceFile
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Candidate:
    """A finding that could be fixed, and how."""

    finding: Finding
    edits: tuple[Edit, ...]

    @property
    def place(self) -> Place:
        return _place(self.finding)

    @property
    def announced(self) -> tuple[str, ...]:
        return self.finding.fix.announces if self.finding.fix is not None else ()


def _place(finding: Finding) -> Place:
    return finding.code, finding.span


def _linted(data: bytes, path: str, kind: FileKind, settings: Settings) -> _State:
    from lora_lint.linting import engine
    from lora_lint.linting.outcome import readable

    every = replace(settings, select=None, level="advice", nested=False)
    findings = engine.lint_text(data, path, every, kind=kind).findings
    return _State(path, kind, data, readable(path, kind, data), findings)


def _candidates(state: _State, settings: Settings, unsafe: bool, but: Sequence[Place]) -> list[_Candidate]:
    """The findings that can be fixed together in the current text, except those at some places (`but`).

    The worst come first, and those that follow from other values after all of these. A fix that would change a place
    that another one needs has to wait.
    """
    source = state.source
    chosen: list[_Candidate] = []
    together: set[Edit] = set()
    for finding, edits in _wanted_fixes(state, settings, unsafe, but):
        if all(stays(edit, source) for edit in edits):
            continue
        union = sorted(together.union(edits), key=lambda edit: edit.span)
        if disjoint(union) and not _same_place(union):
            together.update(edits)
            chosen.append(_Candidate(finding, edits))
    return chosen


def _wanted_fixes(
    state: _State, settings: Settings, unsafe: bool, but: Sequence[Place]
) -> Iterator[tuple[Finding, tuple[Edit, ...]]]:
    """The findings to fix, except those at some places (`but`), with their edits: none if the fix cannot be made."""
    named, selected, source = settings.named(), settings.selected(), state.source

    def order(finding: Finding) -> tuple[bool, int]:
        follows = finding.fix is not None and finding.fix.follows
        return follows, LEVELS.index(finding.level) if finding.level else 0

    for finding in sorted(state.findings, key=order):
        wanted = finding.code in selected and fixable(finding, unsafe, named)
        if finding.fix is not None and wanted and not _overlaps(_place(finding), but):
            yield finding, places_of(finding.fix, lambda path: source if path == source.path else None)


def _fixed(state: _State, group: Sequence[_Candidate], settings: Settings, closed: Sequence[Place]) -> _State | str:
    """The text with some findings fixed, or why these fixes may not be made."""
    from lora_lint.fixes.files import Unwritable, edited

    edits = sorted({edit for each in group for edit in each.edits}, key=lambda edit: edit.span)
    try:
        data = edited(state.data, state.source, edits)
    except Unwritable as error:
        return str(error)
    if not _sound(state.path, state.kind, data, applied(state.source.utf8, edits)):
        return "the file could not be read afterwards"
    after = _linted(data, state.path, state.kind, settings)
    before = list(zip(state.findings, _moved(map(_place, state.findings), edits, state.source), strict=True))
    fixed = {each.place for each in group}
    gone = [place for finding, place in before if _place(finding) in fixed]
    stayed = [place for finding, place in before if _place(finding) not in fixed]
    lines = {(finding.code, _words(state.source, finding.span)) for finding, place in before if _cut(finding, edits)}
    announced = group[0].announced if len(group) == 1 else ()
    for finding in after.findings:
        place = _place(finding)
        known = _overlaps(place, stayed) or (finding.code, _words(after.source, finding.span)) in lines
        if _overlaps(place, gone) and not known:
            return "it would still be there"
        expected = finding.code.startswith(announced) and not _overlaps(place, _moved(closed, edits, state.source))
        if not known and not expected:
            return f"the fix would cause {finding.code} on line {after.source.position(finding.span.start)[0]}"
    return after


def _moved(places: Iterable[Place], edits: Iterable[Edit], source: SourceFile) -> list[Place]:
    """Where places of a text are after edits: including what was inserted at their ends, and what replaces a part of
    them."""
    own = sorted(edits, key=lambda edit: edit.span)
    starts, ends = [edit.span.start for edit in own], [edit.span.end for edit in own]
    grown = [len(inserted(source.utf8, edit)) - (edit.span.end - edit.span.start) for edit in own]
    total = list(accumulate(grown, initial=0))

    def start_of(offset: int) -> int:
        first = bisect_left(ends, offset)
        moved = offset + total[first]
        for start, end, more in zip(starts[first:], ends[first:], grown[first:], strict=True):
            if start >= offset:
                break
            moved += more if end == offset else start - offset
        return moved

    def end_of(offset: int) -> int:
        last = bisect_right(starts, offset)
        beyond = max(ends[last - 1] - offset, 0) if last else 0
        return offset + beyond + total[last]

    return [
        (code, Span(span.path, start_of(span.start), end_of(span.end)) if span.path == source.path else span)
        for code, span in places
    ]


def _overlaps(place: Place, others: Iterable[Place]) -> bool:
    """Whether a rule found something at one of some places, or at a part or around one of them."""
    code, span = place
    return any(
        code == other and span.path == there.path and span.start <= there.end and there.start <= span.end
        for other, there in others
    )


def _cut(finding: Finding, edits: Iterable[Edit]) -> bool:
    """Whether the lines of a finding are moved elsewhere."""
    return any(not edit.text and edit.span.start <= finding.span.start < edit.span.end for edit in edits)


def _words(source: SourceFile, span: Span) -> str:
    if span.path != source.path:
        return ""
    return " ".join(source.line_text(source.position(min(span.start, len(source.utf8)))[0]).split())


def _same_place(edits: Sequence[Edit]) -> bool:
    """Whether two different texts are inserted at one place, where their order would be arbitrary."""
    places = [edit.span for edit in edits]
    return len(set(places)) < len(places)


def _sound(path: str, kind: FileKind, data: bytes, utf8: bytes) -> bool:
    """Whether a fixed file reads back as the intended text."""
    from lora_lint.linting.outcome import readable
    from lora_lint.readers import configs
    from lora_lint.readers.errors import Unreadable
    from lora_lint.readers.python import parse

    source = readable(path, kind, data)
    try:
        if kind in ("python", "notebook"):
            parse(source)
        elif kind in configs.KINDS:
            configs.roots(source)
    except (Unreadable, SyntaxError):
        return False
    return source.utf8 == utf8


def write(file: Fixed) -> None:
    """Puts a fixed file in place of the old one, which must be as it was read. One that is fixed already, under the
    name of a link to it, stays. Raises OSError, also for a file that is write-protected, and Changed."""
    from lora_lint.system.writing import replace_file

    target = os.path.realpath(file.path)

    def content() -> bytes:
        with open(target, "rb") as stream:
            return stream.read()

    def unchanged() -> None:
        if content() != file.before:
            raise Changed("it has changed since it was read")

    if content() == file.after:
        return
    if not os.access(target, os.W_OK):  # moving another file there would not ask
        raise PermissionError(EACCES, os.strerror(EACCES), target)

    replace_file(target, file.after, unchanged)


class Changed(Exception):
    """A file that is no longer the one that was linted."""


def diff(file: Fixed) -> bytes:
    """A unified diff, for `git apply`, `patch` and people. Lines are the bytes between newlines, whatever they mean."""
    # Latin-1 stands for the bytes themselves.
    before, after = (data.decode("latin-1").split("\n") for data in (file.before, file.after))
    names = _name(f"a/{file.path}"), _name(f"b/{file.path}")
    lines = difflib.unified_diff(_lines(before), _lines(after), *names)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines).encode(
        "latin-1"
    )


def _name(path: str) -> str:
    """A path as the header of a diff shows it, bytes as Latin-1. As in git, an unprintable one is quoted with octal
    escapes, and one with spaces ends with a tab."""
    raw = octets(path)
    if path.isprintable():
        return raw.decode("latin-1") + "\t" * (" " in path)
    plain = (chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\' else f"\\{byte:03o}" for byte in raw)
    return f'"{"".join(plain)}"'


def _lines(split: list[str]) -> list[str]:
    """Lines with their newlines."""
    return [f"{line}\n" for line in split[:-1]] + [split[-1]] * bool(split[-1])
