"""Comments for the linter: `# lora-lint: ignore[LL102] reason`, `# noqa: LL102`, `# lora-lint: model=…`.

A comment at the end of a line applies to that line; on the first or last line of a statement to the whole statement; on
a line of its own to the statement or line below it.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from lora_lint.finding import Finding, Fix, Replace
from lora_lint.records import dataclass, field
from lora_lint.source import SCRIPTS, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lora_lint.source import SourceFile

# Whatever is neither a string, a comment, a bracket nor a newline does not matter here. Backslashes guard quotes in
# raw strings as well, so one expression serves for all prefixes.
_PYTHON = re.compile(
    rb'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""'
    rb"|'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''"
    rb'|"[^"\\\r\n]*(?:\\(?:\r\n|.)[^"\\\r\n]*)*"'
    rb"|'[^'\\\r\n]*(?:\\(?:\r\n|.)[^'\\\r\n]*)*'"
    rb"|(?P<comment>\#[^\r\n]*)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<joined>\\(?:\r\n|\r|\n))"
    rb"|(?P<newline>\r\n|\r|\n)",
    re.DOTALL,
)
# Quotes open a string only where a value can start; an apostrophe within a plain scalar does not.
_YAML = re.compile(
    rb"""(?<![^\s\[{,:])"(?:[^"\\]|\\.)*"|(?<![^\s\[{,:])'(?:[^']|'')*'|(?<!\S)(?P<comment>\#[^\r\n]*)""", re.DOTALL
)
_MARKER = re.compile(rb"(?i)\#[^\r\n]*(?:lora-lint\s*:|noqa)")
_OWN = re.compile(r"(?i)lora-lint\s*:\s*(?P<body>[^#]*)")
_IGNORE = re.compile(r"(?i)(?P<verb>ignore(?P<file>-file)?)\s*(?:\[(?P<codes>[^\]]*)\])?(?=\s|$|[:(,-])")
_MISTAKEN = re.compile(r"(?i)(?:disable|enable|ignor\w*|skip|suppress|off|noqa)\b|[\w-]+\s*=")
_HINT = re.compile(r"""(?P<key>[A-Za-z][\w-]*)\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^\s,;]+)""")
_NOQA = re.compile(r"(?i)#\s*(?P<text>noqa(?:\s*:\s*(?P<codes>[A-Z]+[0-9]+(?:[\s,]+[A-Z]+[0-9]+)*)|(?!\s*:)))")

HINTS = ("model", "dataset-size", "task", "gpu-memory", "sweep-keeps")


@dataclass
class Ignore:
    """An ignore comment. `codes` maps each entry to the rules it stands for (none for an unknown name); None for all.
    `lines` are the first and last line that it applies to; None for the whole file.

    `whole` is what is removed with the comment, `listed` the place of the entries, and `words` all of them as they are
    written.
    """

    span: Span
    text: str
    codes: dict[str, tuple[str, ...]] | None
    lines: tuple[int, int] | None
    whole: Span
    listed: Span
    words: tuple[str, ...]
    own: bool = True
    used: set[str] = field(default_factory=set)

    def covers(self, code: str) -> bool:
        return self.codes is None or any(code in meant for meant in self.codes.values())


@dataclass(frozen=True)
class Hint:
    """`key=value` in a `# lora-lint:` comment: what the linter cannot read from the code."""

    key: str
    value: str
    span: Span


@dataclass(frozen=True)
class Comments:
    """The comments of one file. `mistaken`: those that address the linter but make no sense."""

    ignores: tuple[Ignore, ...] = ()
    hints: tuple[Hint, ...] = ()
    mistaken: tuple[tuple[Span, str], ...] = ()


NONE = Comments()


def comments(source: SourceFile) -> Comments:
    """The comments of `source` that address the linter; JSON has none."""
    if source.kind == "json":
        return NONE
    ignores: list[Ignore] = []
    hints: list[Hint] = []
    mistaken: list[tuple[Span, str]] = []
    for start, end, lines in _LANGUAGES.get(source.kind, _python)(source):
        comment = _Comment(source, start, source.utf8[start:end].decode("utf-8"), lines)
        ignores += comment.noqas()
        own = _OWN.search(comment.text)
        if own is None:
            continue
        ignore = comment.ignore(own)
        if ignore is not None:
            ignores.append(ignore)
            continue
        body = own["body"].rstrip()
        span = comment.place(own.start(), own.start("body") + len(body))
        found = [hint for hint in _HINT.finditer(body) if hint["key"].lower() in HINTS]
        hints.extend(Hint(hint["key"].lower(), hint["value"].strip("\"'"), span) for hint in found)
        if not found and _MISTAKEN.match(body):
            mistaken.append((span, body))
    return Comments(tuple(ignores), tuple(hints), tuple(mistaken))


@dataclass(frozen=True)
class _Comment:
    """A comment that may address the linter: the place where it starts, and the lines that it applies to."""

    source: SourceFile
    start: int
    text: str
    lines: tuple[int, int]

    def place(self, first: int, last: int) -> Span:
        """The span of a part of the text."""
        before = self.start + len(self.text[:first].encode())
        return Span(self.source.path, before, before + len(self.text[first:last].encode()))

    def noqas(self) -> Iterator[Ignore]:
        """What `noqa` says about our rules."""
        for noqa in _NOQA.finditer(self.text):
            codes = _noqa_codes(noqa["codes"])
            if codes != {}:
                span, listed = self.place(*noqa.span("text")), self.place(*noqa.span("codes"))
                whole, words = self._whole(*noqa.span()), _words(noqa["codes"])
                yield Ignore(span, noqa["text"], codes, self.lines, whole, listed, words, own=False)

    def ignore(self, own: re.Match[str]) -> Ignore | None:
        """What follows `lora-lint:` in the text, if that is an `ignore`."""
        body, at = own["body"].rstrip(), own.start("body")
        match = _IGNORE.match(body)
        if match is None:
            return None
        span = self.place(own.start(), at + len(body))
        listed = self.place(at + match.start("codes"), at + match.end("codes"))
        whole = self._whole(self.text.rfind("#", 0, own.start()), at + len(body))
        lines = None if match["file"] else self.lines
        named, words = _named_codes(match["codes"]), _words(match["codes"])
        return Ignore(span, match[0].strip(), named, lines, whole, listed, words)

    def _whole(self, first: int, last: int) -> Span:
        """The span to remove with the part of the text that addresses the linter, which starts with a `#`: that part,
        the space in front of it, and the line if nothing else is on it."""
        source, following = self.source, self.text.find("#", last)
        begin, end = self.place(first, len(self.text) if following < 0 else following)[1:]
        if following >= 0:
            return Span(source.path, begin, end)
        row = source.position(begin)[0]
        line = source.line_starts[row - 1]
        head = source.utf8[line:begin]
        if head.strip() or source.kind == "notebook":
            return Span(source.path, line + len(head.rstrip()), end)
        after = source.line_starts[row] if row < len(source.line_starts) else len(source.utf8)
        return Span(source.path, line, after)


def _words(named: str | None) -> tuple[str, ...]:
    return tuple(word for word in re.split(r"[\s,]+", named or "") if word)


def _noqa_codes(named: str | None) -> dict[str, tuple[str, ...]] | None:
    """The rules that a `noqa` is about: our codes among those it names, or None for a bare one."""
    if named is None:
        return None
    return {code: (code,) for code in re.split(r"[\s,]+", named.upper()) if code.startswith("LL")}


def _named_codes(named: str | None) -> dict[str, tuple[str, ...]] | None:
    """The rules that an `ignore` is about: each word in its brackets with its codes; None without brackets."""
    if named is None:
        return None
    return {word: _codes_of(word) for word in _words(named)}


def _codes_of(word: str) -> tuple[str, ...]:
    """The codes that a word in an ignore comment stands for; none if it is unknown."""
    from lora_lint.settings import SettingsError, expand

    try:
        return expand([word], "")
    except SettingsError:
        return ()


def _python(source: SourceFile) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """The comments of Python code that may address the linter: start, end, and the lines that each applies to."""
    starts, depth = [0], 0
    places: list[tuple[int, int]] = []
    for match in _PYTHON.finditer(source.utf8):
        kind = match.lastgroup
        if kind == "newline":
            if depth <= 0:
                starts.append(match.end())
        elif kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(0, depth - 1)
        elif kind == "comment" and _MARKER.match(match[0]):
            places.append(match.span())

    def statement(line: int) -> tuple[int, int]:
        """The first and last line of the statement that a line belongs to."""
        index = bisect_right(starts, source.line_starts[line - 1])
        end = starts[index] - 1 if index < len(starts) else len(source.utf8)
        return source.position(starts[index - 1])[0], source.position(max(end, 0))[0]

    for start, end in places:
        line = source.position(start)[0]
        alone = not source.utf8[source.line_starts[line - 1] : start].strip()
        if alone:
            line = _below(source, line)
            first, last = statement(line)
            yield start, end, (first, last) if line == first else (line, line)
        else:
            first, last = statement(line)
            yield start, end, (first, last) if line in (first, last) else (line, line)


def _yaml(source: SourceFile) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """The same for YAML and TOML, where a line is a line."""
    for line, begin in enumerate(source.line_starts, start=1):
        text = source.line_text(line).encode()
        if b"#" not in text:
            continue
        for match in _YAML.finditer(text):
            if match.lastgroup == "comment" and _MARKER.match(match[0]):
                target = line if text[: match.start()].strip() else _below(source, line)
                yield begin + match.start(), begin + match.end(), (target, target)


def _shell(source: SourceFile) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """The same for shell scripts, where a command continues after a backslash and has no comment before its end."""
    for start, end, (line, _) in _yaml(source):
        yield start, end, source.joined_lines(line)


_LANGUAGES = {"yaml": _yaml, "toml": _yaml, "modelfile": _yaml} | dict.fromkeys(SCRIPTS, _shell)


def _below(source: SourceFile, line: int) -> int:
    """The line that a comment on a line of its own applies to: the next one that is not such a comment too."""
    last = len(source.line_starts)
    below = line + 1
    while below < last and source.line_text(below).lstrip().startswith("#"):
        below += 1
    return min(below, last)


def _without(ignore: Ignore, idle: list[str]) -> Fix:
    """Removes the comment, or the unneeded entries from its list."""
    useful = [word for word in ignore.words if word not in idle and word.upper() not in idle]
    if not useful:
        return Fix("safe", "Remove the comment", (Replace(ignore.whole, ""),))
    return Fix("safe", f"Remove {' and '.join(idle)}", (Replace(ignore.listed, ", ".join(useful)),))


def silence(findings: Iterable[Finding], comments: Comments, source: SourceFile) -> tuple[list[Finding], list[Finding]]:
    """The remaining findings, and those that a comment suppresses; marks the comments that suppressed any."""
    remaining: list[Finding] = []
    silenced: list[Finding] = []
    for finding in findings:
        quiet = False
        if comments.ignores:
            first = source.position(finding.span.start)[0]
            last = source.position(max(finding.span.start, finding.span.end - 1))[0]
            for ignore in comments.ignores:
                if ignore.covers(finding.code) and (
                    ignore.lines is None or any(ignore.lines[0] <= line <= ignore.lines[1] for line in (first, last))
                ):
                    ignore.used.add(finding.code)
                    quiet = True
        (silenced if quiet else remaining).append(finding)
    return remaining, silenced


def unused(comments: Comments, ran: frozenset[str], everything: bool) -> Iterator[Finding]:
    """LL910: comments that suppress nothing. `ran` are the rules that were checked in this file; a bare `ignore` is
    judged only if that is `everything`. Call it after `silence`."""
    for ignore in comments.ignores:
        if ignore.codes is None:
            if ignore.own and everything and not ignore.used:
                message = f"`{ignore.text}` suppresses nothing: there is no finding here"
                yield Finding("LL910", message, ignore.span, fix=_without(ignore, [*ignore.words]))
            continue
        idle = []
        for word, meant in ignore.codes.items():
            if not meant or (not ignore.own and _codes_of(word) == ()):
                from lora_lint.settings import did_you_mean, known_rules

                hint = did_you_mean(word, known_rules())
                message = f"`{ignore.text}` names {word!r}, which is not a rule{hint}"
                yield Finding("LL910", message, ignore.span)
            elif "LL910" not in meant and ran.issuperset(meant) and not ignore.used.intersection(meant):
                idle.append(word)
        if idle:
            where = "in this file" if ignore.lines is None else "here"
            message = f"`{ignore.text}` suppresses nothing: there is no {' or '.join(idle)} finding {where}"
            yield Finding("LL910", message, ignore.span, fix=_without(ignore, idle))
    for span, body in comments.mistaken:
        message = f"`lora-lint: {body}` is not understood: write `ignore[CODE]`, `ignore-file[CODE]` or `model=…`"
        yield Finding("LL910", message, span)
