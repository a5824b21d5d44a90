"""`--fix` and `--diff`: one file after the other, until nothing is left that can be fixed."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

from lora_lint.finding import LEVELS
from lora_lint.fixes import applied, disjoint, places_of, stays
from lora_lint.records import dataclass
from lora_lint.report.visible import octets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lora_lint.finding import Finding
    from lora_lint.fixes import Edit
    from lora_lint.outcome import Outcome
    from lora_lint.settings import Settings
    from lora_lint.source import FileKind, SourceFile

ROUNDS = 10
"""Fixing one thing can lay another bare; more often than this it goes in circles."""


@dataclass(frozen=True)
class Fixed:
    """A file before and after its fixes; `findings` are how many were fixed, `problem` why the file is left alone."""

    path: str
    before: bytes
    after: bytes
    findings: int = 0
    problem: str = ""


def fixable(finding: Finding, unsafe: bool) -> bool:
    """Whether a finding's fix may be made: one that has changes, and is safe unless unsafe ones are wanted too."""
    refuted = finding.verdict is not None and finding.verdict.status == "refuted"
    fix = finding.fix
    return fix is not None and bool(fix.changes) and not refuted and (unsafe or fix.applicability == "safe")


def fixed(outcome: Outcome, settings: Settings, unsafe: bool) -> list[Fixed]:
    """The files of an outcome with their findings fixed in memory. Each file is read again and linted as it is now."""
    paths = dict.fromkeys(finding.span.path for finding in outcome.findings if fixable(finding, unsafe))
    return [_file(path, settings, unsafe) for path in paths]


def _file(path: str, settings: Settings, unsafe: bool) -> Fixed:
    from lora_lint import discovery

    kind = discovery.kind_of(path)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        return Fixed(path, b"", b"", 0, error.strerror or str(error))
    if kind is None:
        return Fixed(path, data, data)
    return fixed_text(data, path, kind, settings, unsafe)


def fixed_text(data: bytes, path: str, kind: FileKind, settings: Settings, unsafe: bool) -> Fixed:
    """One file's bytes with their findings fixed, again and again until there is nothing left to do."""
    from lora_lint import engine
    from lora_lint.fixes.files import Unwritable, edited
    from lora_lint.outcome import readable

    now, count, seen, problem = data, 0, {data}, ""
    for _ in range(ROUNDS):
        source = readable(path, kind, now)
        outcome = engine.lint_text(now, path, settings, kind=kind)
        chosen: list[Edit] = []
        number, problem = 0, ""
        after = now
        for edits in _edits(outcome.findings, source, unsafe):
            together = sorted({*chosen, *edits}, key=lambda edit: edit.span)
            if not disjoint(together) or _same_place(together):
                continue
            try:
                after = edited(now, source, together)
            except Unwritable as error:
                problem = str(error)
                continue
            chosen, number = together, number + 1
        if after in seen or not _sound(path, kind, after, applied(source.utf8, chosen)):
            break
        seen.add(after)
        now, count = after, count + number
    return Fixed(path, data, now, count, problem)


def _edits(findings: Iterable[Finding], source: SourceFile, unsafe: bool) -> Iterator[tuple[Edit, ...]]:
    """What each finding's fix is made of, of those that can be made in this file. The worst findings come first, and
    the scale after all others: it goes with the rank."""

    def order(finding: Finding) -> tuple[bool, int]:
        return finding.code.startswith("LL1"), LEVELS.index(finding.level) if finding.level else 0

    for finding in sorted(findings, key=order):
        if finding.fix is not None and fixable(finding, unsafe):
            edits = places_of(finding.fix, lambda path: source if path == source.path else None)
            if not all(stays(edit, source) for edit in edits):
                yield edits


def _same_place(edits: list[Edit]) -> bool:
    """Whether two different texts go to one place: which comes first would be anybody's guess."""
    places = [edit.span for edit in edits]
    return len(set(places)) < len(places)


def _sound(path: str, kind: FileKind, data: bytes, utf8: bytes) -> bool:
    """Whether a fixed file reads as the text that was meant."""
    from lora_lint.outcome import readable
    from lora_lint.readers.errors import Unreadable
    from lora_lint.readers.json import read_json
    from lora_lint.readers.python import parse
    from lora_lint.readers.yaml import read_yaml

    source = readable(path, kind, data)
    try:
        if kind in ("python", "notebook"):
            parse(source)
        elif kind == "json":
            read_json(source)
        elif kind == "yaml":
            read_yaml(source)
    except (Unreadable, SyntaxError):
        return False
    return source.utf8 == utf8


def write(file: Fixed) -> None:
    """Puts a fixed file in the place of the old one, which must be as it was read. Raises OSError, Changed."""
    from lora_lint.writing import replace_file

    target = os.path.realpath(file.path)

    def unchanged() -> None:
        with open(target, "rb") as stream:
            if stream.read() != file.before:
                raise Changed("it has changed meanwhile")

    replace_file(target, file.after, unchanged)


class Changed(Exception):
    """A file that is no longer what was linted."""


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
    """A path as the header of a diff has it, bytes as Latin-1. Like git: one that cannot be shown stands in quotes with
    octal escapes, one with spaces ends with a tab."""
    raw = octets(path)
    if path.isprintable():
        return raw.decode("latin-1") + "\t" * (" " in path)
    plain = (chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\' else f"\\{byte:03o}" for byte in raw)
    return f'"{"".join(plain)}"'


def _lines(split: list[str]) -> list[str]:
    """Lines with their newlines."""
    return [f"{line}\n" for line in split[:-1]] + [split[-1]] * bool(split[-1])
