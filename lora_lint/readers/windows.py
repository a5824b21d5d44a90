"""Scripts of Windows: the commands of `.bat` and `.cmd` files and of PowerShell's `.ps1`, as another shell gets them.

Source: learn.microsoft.com (cmd: set, for; about_Parsing, about_Arrays). Only what users of trainers write is read:
variables, lists of arguments, loops over written values, and commands with options. What a condition decides is not
known; all other statements are passed over.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from lora_lint.readers.fragments import Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.readers.fragments import Fragment
    from lora_lint.source import SourceFile

_OPTION = re.compile(rb"(?:^|[\s\"'])--?[A-Za-z]")
_IN_QUOTES = {b"$": rb"\$", b'"': rb"\"", b"`": rb"\`", b"\\": b"/"}
_UNKNOWN = b"$UNKNOWN_VALUE"
"""A variable that no script sets: a value that is not known."""


def fragments(source: SourceFile) -> tuple[Fragment, ...]:
    """The commands of a script."""
    if source.path.lower().endswith(".ps1"):
        return (_PowerShell(source.utf8).fragment(),)
    return (_Batch(source.utf8).fragment(),)


def _statements(utf8: bytes, continued: bytes) -> Iterator[tuple[int, int]]:
    """The places of the statements: lines, joined where the last character continues them."""
    start = at = 0
    while at < len(utf8):
        newline = utf8.find(b"\n", at)
        end = len(utf8) if newline < 0 else newline
        at = end + 1
        if not utf8[start:end].rstrip(b"\r \t").endswith(continued):
            yield start, end
            start = at
    if start < len(utf8):
        yield start, len(utf8)


_SET = re.compile(rb"(?i)\s*@?set\s+(?:\"(\w+)=([^\"\r\n]*)\"|(\w+)=([^\r\n]*?))\s*$")
_FOR = re.compile(rb"(?i)\s*@?for\s+%%(\w)\s+in\s*\(([^()]*)\)\s*do\s*(\()?")
_IDLE = re.compile(rb"(?i)\s*(?:@?echo\b|@?rem\b|::|@?title\b|@?pause\b|@?if\b|@?goto\b|:)")
_OF_BATCH = re.compile(rb"(?i:\.exe)(?=[\s\"])|\^[ \t]*\r?\n|\^(.)|%%(\w)|%(\w+)%|[\\$`']|[\r]")


class _Batch:
    """The commands of a batch file."""

    def __init__(self, utf8: bytes) -> None:
        self._utf8 = utf8
        self._out = Writer(utf8)
        self._blocks: list[bool] = []
        """The open blocks, and whether each is that of a loop."""

    def fragment(self) -> Fragment:
        for start, end in _statements(self._utf8, b"^"):
            self._statement(start, end)
        for loop in reversed(self._blocks):
            self._end(loop, len(self._utf8))
        return self._out.fragment()

    def _statement(self, start: int, end: int) -> None:
        utf8, out = self._utf8, self._out
        text = utf8[start:end]
        given, loop = _SET.match(text), _FOR.match(text)
        if given is not None:
            name, value = (1, 2) if given[1] is not None else (3, 4)
            out.write(given[name].upper() + b'="', start, start)
            self._copy(start + given.start(value), start + given.end(value))
            out.write(b'"\n', end, end)
        elif loop is not None:
            out.write(b"for " + _letter(loop[1]) + b" in ", start, start)
            self._copy(start + loop.start(2), start + loop.end(2))
            out.write(b"; do\n", end, end)
            if loop[3] is None:
                self._command(start + loop.end(), end)
                self._end(True, end)
            else:
                self._blocks.append(True)
        elif text.strip().startswith(b")"):
            self._end(self._blocks.pop() if self._blocks else False, start)
            if text.rstrip().endswith(b"("):
                self._blocks.append(False)
        elif _IDLE.match(text):
            if text.rstrip().endswith(b"("):
                self._blocks.append(False)
        else:
            self._command(start, end)

    def _command(self, start: int, end: int) -> None:
        if _OPTION.search(self._utf8, start, end) is not None:
            called = re.compile(rb"(?i)[\s@]*(?:call\s+)?").match(self._utf8, start, end)
            self._copy(start if called is None else called.end(), end)
            self._out.write(b"\n", end, end)

    def _end(self, loop: bool, at: int) -> None:
        if loop:
            self._out.write(b"done\n", at, at)

    def _copy(self, start: int, end: int) -> None:
        """Adds words with cmd's characters written as another shell has them."""
        out, at = self._out, start
        for match in _OF_BATCH.finditer(self._utf8, start, end):
            out.copy(at, match.start())
            at = match.end()
            found = match[0]
            if found.startswith(b"^") and match[1] is None:
                out.write(b"\\\n", match.start(), at)
            elif match[1] is not None:
                out.write(b"\\" + match[1], match.start(), at)
            elif match[2] is not None or match[3] is not None:
                name = _letter(match[2]) if match[2] is not None else match[3].upper()
                out.write(b"${" + name + b"}", match.start(), at)
            elif self._utf8[at - 2 : at + 1] in (b" \\ ", b"\t\\ "):
                out.write(found, match.start(), at)  # as bash's users continue a line: it is an argument
            elif found != b"\r" and found.lower() != b".exe":
                out.write(_IN_QUOTES.get(found, b"\\" + found), match.start(), at)
        out.copy(at, end)


def _letter(name: bytes) -> bytes:
    """The variable of a loop, whose case counts."""
    return b"LOOP_" + name


_ASSIGNED = re.compile(
    rb"(?i)\s*(?:\[[\w.\[\]]+\]\s*)?\$(?:env:|script:|global:)?(\w+)\s*(\+?=)\s*(.*?)[ \t;]*(?:#.*)?\r?$"
)
_ADDED = re.compile(rb"(?i)\s*(?:\[void\]\s*)?\$(\w+)\.Add\(\s*(.*?)\s*\)[ \t;]*\r?$")
_EACH = re.compile(rb"(?i)\s*foreach\s*\(\s*\$(\w+)\s+in\s+(?:@\()?([^(){}]*?)\)?\s*\)\s*\{")
_IF = re.compile(
    rb"(?i)\s*\}?\s*(?P<word>if|elseif|else)\s*(?:\(\s*\$(?P<name>\w+)\s*(?:(?P<operator>-[ci]?(?:eq|ne))\s+"
    rb"(?P<value>\"[^\"$]*\"|'[^']*'|[\w.]+|\$(?:true|false|null))\s*)?\)|\(.*\)|)\s*\{\s*$"
)
_FALSE = (b"", b"0", b"$false", b"$null")
_CONSTANT = re.compile(rb"(?i)\$(?:true|false|null)")
_LITERAL = re.compile(rb"\"(?:[^\"`]|`.)*\"|'[^']*'|-?[\w.]+")
_ITEM = re.compile(rb"(?P<text>\"[^\"]*)\"\s*\+\s*\$(?P<name>\w+)|" + _LITERAL.pattern)
_NAMED = re.compile(rb"[\"'](--[\w-]+)")
_VARIABLE = re.compile(rb"(?i)\$(?:\{|env:|script:|global:)?(\w+)\}?")
_OF_POWERSHELL = re.compile(
    rb"(?i:\.exe)(?=[\s\"'])|`[ \t]*\r?\n|`(.)|'[^'\n]*'|(?<=[\s])(\$\w+)(?=[\s])"
    rb"|(?i:\$(?:env:|script:|global:)?(\w+))|[\\\r]"
)


class _Block(Enum):
    """What an open brace belongs to."""

    LOOP = auto()
    HOLDS = auto()
    """A condition that holds."""
    FAILS = auto()
    UNKNOWN = auto()


class _PowerShell:
    """The commands of a PowerShell script."""

    def __init__(self, utf8: bytes) -> None:
        self._utf8 = re.sub(rb"(?s)<#.*?#>", lambda match: re.sub(rb"[^\n]", b" ", match[0]), utf8)
        self._out = Writer(self._utf8)
        self._blocks: list[_Block] = []
        self._last = _Block.UNKNOWN
        """The condition whose block was closed last, which decides an `else`."""
        self._lists: set[bytes] = set()
        self._known: dict[bytes, bytes] = {}
        """The variables whose value is written, without quotes."""

    def fragment(self) -> Fragment:
        for start, end in _statements(self._utf8, b"`"):
            self._statement(start, end)
        while self._blocks:
            self._close(len(self._utf8))
        return self._out.fragment()

    def _statement(self, start: int, end: int) -> None:
        utf8, out = self._utf8, self._out
        text = utf8[start:end]
        code = text.strip()
        if code.startswith(b"#"):
            return
        each, asked = _EACH.match(text), _IF.match(text)
        idle = _Block.FAILS in self._blocks
        if each is not None and not idle:
            out.write(b"for " + each[1].lower() + b" in ", start, start)
            for item in _LITERAL.finditer(each[2]):
                out.copy(start + each.start(2) + item.start(), start + each.start(2) + item.end())
                out.write(b" ", end, end)
            out.write(b"; do\n", end, end)
            self._blocks.append(_Block.LOOP)
        elif asked is not None:
            if code.startswith(b"}"):
                self._close(start)
            self._blocks.append(self._outcome(asked))
        elif code.startswith((b"}", b"{")) or code.endswith(b"{"):
            for brace in re.findall(rb"[{}]", code):
                if brace == b"{":
                    self._blocks.append(_Block.UNKNOWN)
                else:
                    self._close(start)
        elif not idle:
            self._plain(text, start, end)

    def _plain(self, text: bytes, start: int, end: int) -> None:
        """A statement that opens and closes nothing."""
        given, added = _ASSIGNED.match(text), _ADDED.match(text)
        if added is not None:
            self._add(added[1].lower(), start + added.start(2), start + added.end(2))
        elif given is not None:
            self._assign(given, start)
        elif _OPTION.search(text) is not None and _Block.UNKNOWN not in self._blocks:
            self._copy(start, end)
            self._out.write(b"\n", end, end)

    def _close(self, at: int) -> None:
        self._last = self._blocks.pop() if self._blocks else _Block.UNKNOWN
        if self._last is _Block.LOOP:
            self._out.write(b"done\n", at, at)

    def _outcome(self, asked: re.Match[bytes]) -> _Block:
        """What is known of `if ($x -eq "y")`, `if ($x)` or `else`."""
        if asked["word"].lower() != b"if" and self._last is not _Block.FAILS:
            return _Block.FAILS if self._last is _Block.HOLDS else _Block.UNKNOWN
        if asked["name"] is None:
            return _Block.HOLDS if asked["word"].lower() == b"else" else _Block.UNKNOWN
        value = self._known.get(asked["name"].lower())
        if value is None:
            return _Block.UNKNOWN
        if asked["operator"] is None:
            holds = value not in _FALSE
        else:
            holds = (value.lower() == asked["value"].strip(b"\"'").lower()) is asked["operator"].lower().endswith(b"eq")
        return _Block.HOLDS if holds else _Block.FAILS

    def _assign(self, given: re.Match[bytes], offset: int) -> None:
        """`$rank = 16`, `$arguments = @("--a", "--b")`, `$arguments += "--c"`."""
        out, name, value = self._out, given[1].lower(), given[3]
        start, end = offset + given.start(3), offset + given.end(3)
        if value.startswith(b"@(") or b"ArrayList" in given[0] or given[2] == b"+=" or name in self._lists:
            if given[2] == b"=":
                self._lists.add(name)
                out.write(name + b"=()\n", start, start)
            if given[2] != b"=" or value.startswith(b"@("):
                self._add(name, start, end)
            return
        literal = _LITERAL.fullmatch(value) or _CONSTANT.fullmatch(value)
        self._known.pop(name, None)
        out.write(name + b"=", start, start)
        if _Block.UNKNOWN in self._blocks or (literal is None and _VARIABLE.fullmatch(value) is None):
            out.write(_UNKNOWN, start, end)
        elif literal is not None and b"$" not in value.lstrip(b"$"):
            self._known[name] = value.strip(b"\"'").lower()
            self._copy(start, end)
        else:
            self._copy(start, end)
        out.write(b"\n", end, end)

    def _add(self, name: bytes, start: int, end: int) -> None:
        """Adds items to a list of arguments; of an option under a condition the value is not known."""
        out = self._out
        for item in _ITEM.finditer(self._utf8, start, end):
            option = _NAMED.match(item[0])
            out.write(name + b"+=(", start, start)
            if _Block.UNKNOWN in self._blocks:
                out.write(b"" if option is None else option[1] + b"=" + _UNKNOWN, *item.span())
            elif item["name"] is not None:
                self._copy(item.start(), item.end("text"))
                out.write(b"${" + item["name"].lower() + b'}"', *item.span("name"))
            else:
                self._copy(*item.span())
            out.write(b")\n", end, end)

    def _copy(self, start: int, end: int) -> None:
        """Adds words with PowerShell's characters written as another shell has them."""
        out, at = self._out, start
        for match in _OF_POWERSHELL.finditer(self._utf8, start, end):
            out.copy(at, match.start())
            at = match.end()
            found = match[0]
            if found.startswith(b"`") and match[1] is None:
                out.write(b"\\\n", match.start(), at)
            elif match[1] is not None:
                out.write(b"\\" + match[1], match.start(), at)
            elif match[2] is not None or match[3] is not None:
                name = (match[2][1:] if match[2] is not None else match[3]).lower()
                whole = name in self._lists
                out.write(b'"${' + name + b'[@]}"' if whole else b"${" + name + b"}", match.start(), at)
            elif found.startswith(b"'"):
                out.copy(match.start(), at)
            elif found == b"\\":
                out.write(b"/", match.start(), at)
        out.copy(at, end)
