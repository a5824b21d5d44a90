"""Makefiles: the lines of their recipes, with make's variables expanded, as the shell gets them.

Source: the manual of GNU make 4.4 (Recipe Execution, Using Variables). Each line is run by a shell of its own.
Variables are expanded when a recipe is run, so that the last assignment counts wherever it is written; what the
environment may set (`?=`) is a default of the shell text. Functions, patterns, and what a conditional assigns are not
known.
"""

from __future__ import annotations

import re

from lora_lint.readers.fragments import Writer
from lora_lint.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from lora_lint.readers.fragments import Fragment
    from lora_lint.source import SourceFile

_MAX_DEPTH = 20
_MAX_TEXT = 20_000
"""Bytes of an expanded line."""
_LINE = re.compile(rb"(?:[^\\\n]|\\.|\\\n)*(?:\n|$)", re.DOTALL)
_ASSIGNMENT = re.compile(
    rb"[ ]*(?:(?:export|override|private)[ \t]+)*(?P<name>[\w.-]+)[ \t]*(?P<how>\?=|:{0,3}=|\+=|!=)[ \t]*"
    rb"(?P<value>(?:\\[^\n]|\\\n|[^#\\\n])*)"
)
_RULE = re.compile(rb"(?P<targets>[^\s:=#][^:=#\n]*?)[ \t]*::?(?!=)[ \t]*(?P<rest>(?:[^#\n\\]|\\.|\\\n)*)", re.DOTALL)
_CONDITION = re.compile(rb"[ ]*(?:ifeq|ifneq|ifdef|ifndef)\b")
_REFERENCE = re.compile(rb"\$(?:\$|\((?P<round>[^()$]*)\)|\{(?P<curly>[^{}$]*)\}|(?P<short>[^\s({$]))")
_OPENING = re.compile(rb"\$[({]")
_PREFIX = re.compile(rb"[ \t]*[@+-]*[ \t]*")
_NAME = re.compile(rb"[\w.-]+")

_Place: TypeAlias = "tuple[int, int]"


class _Variable(NamedTuple):
    """Where the parts of a variable's value are written, None if it is not known; `default`: the environment or the
    caller may set it, and then that counts."""

    parts: tuple[_Place, ...] | None
    default: bool = False


_Variables: TypeAlias = "dict[bytes, _Variable]"


class _Recipe(NamedTuple):
    """The lines of one rule, and the variables that only they see."""

    lines: list[_Place]
    own: _Variables


def fragments(source: SourceFile) -> tuple[Fragment, ...]:
    """The recipe lines of a makefile."""
    variables, recipes = _read(source.utf8)
    found = []
    for recipe in recipes:
        expansion = _Expansion(source.utf8, variables | recipe.own)
        found += [expansion.line(*line) for line in recipe.lines]
    return tuple(found)


def _lines(utf8: bytes) -> Iterator[_Place]:
    """The lines of a file, each with those that backslashes join to it, without the newline."""
    at = 0
    while at < len(utf8):
        match = _LINE.match(utf8, at)
        end = match.end() if match is not None else len(utf8)
        end = end if end > at else len(utf8)
        yield at, end - 1 if utf8[end - 1 : end] == b"\n" else end
        at = end


def _read(utf8: bytes) -> tuple[_Variables, list[_Recipe]]:
    variables: _Variables = {}
    targeted: dict[bytes, _Variables] = {}
    recipes: list[_Recipe] = []
    conditions = 0
    defining = False
    for start, end in _lines(utf8):
        if defining:
            defining = not utf8.startswith(b"endef", start)
        elif utf8.startswith(b"\t", start) and recipes:
            recipes[-1].lines.append((start + 1, end))
        elif utf8.startswith(b"define ", start):
            defining = True
        elif _CONDITION.match(utf8, start, end):
            conditions += 1
        elif utf8[start:end].strip() == b"endif":
            conditions = max(0, conditions - 1)
        elif assignment := _ASSIGNMENT.match(utf8, start, end):
            _assign(variables, assignment, bool(conditions))
        elif rule := _RULE.match(utf8, start, end):
            names = rule["targets"].split()
            own = _ASSIGNMENT.match(utf8, rule.start("rest"), end)
            if own is not None:
                for name in names:
                    _assign(targeted.setdefault(name, {}), own, bool(conditions))
                continue
            recipes.append(_rule(utf8, rule, names, targeted))
    return variables, recipes


def _rule(utf8: bytes, rule: re.Match[bytes], names: list[bytes], targeted: dict[bytes, _Variables]) -> _Recipe:
    """A rule; targets that share it differ in its own variables, so only those of a single one are known."""
    own: _Variables = {}
    single = len(names) == 1 and b"%" not in names[0]
    if single:
        start = rule.start("targets")
        own = targeted.setdefault(names[0], {})
        own[b"@"] = _Variable(((start, start + len(names[0])),))
    else:
        own = {name: _Variable(None) for each in names for name in targeted.get(each, {})}
    needs, semicolon, _ = rule["rest"].partition(b";")
    first = _NAME.match(utf8, rule.start("rest"))
    if single and needs.strip() and first is not None:
        own[b"<"] = _Variable((first.span(),))
    lines = [(rule.start("rest") + len(needs) + 1, rule.end("rest"))] if semicolon else []
    return _Recipe(lines, own)


def _assign(variables: _Variables, assignment: re.Match[bytes], conditional: bool) -> None:
    name, how = assignment["name"], assignment["how"]
    value = assignment["value"].rstrip()
    place = (assignment.start("value"), assignment.start("value") + len(value))
    before = variables.get(name)
    if conditional or how == b"!=":
        variables[name] = _Variable(None)
    elif how == b"+=":
        parts = (*before.parts, place) if before is not None and before.parts is not None else None
        variables[name] = _Variable((place,)) if before is None else _Variable(parts, before.default)
    elif how != b"?=":
        variables[name] = _Variable((place,))
    elif before is None:
        variables[name] = _Variable((place,), default=True)


class _Expansion:
    """Expands lines with the variables of their rule."""

    def __init__(self, utf8: bytes, variables: _Variables) -> None:
        self._utf8 = utf8
        self._variables = variables
        self._writer = Writer(utf8)
        self._open: list[bytes] = []

    def line(self, start: int, end: int) -> Fragment:
        self._writer = Writer(self._utf8)
        prefix = _PREFIX.match(self._utf8, start, end)
        self._expand(prefix.end() if prefix is not None else start, end, None)
        return self._writer.fragment()

    def _expand(self, start: int, end: int, outer: _Place | None) -> None:
        at = start
        while at < end:
            dollar = self._utf8.find(b"$", at, end)
            stop = end if dollar < 0 else dollar
            self._writer.copy(at, stop, outer)
            if dollar < 0:
                return
            match = _REFERENCE.match(self._utf8, dollar, end)
            if match is None:  # a function of make, or a reference in a reference
                at = self._closing(dollar, end)
                self._unknown(dollar, at, outer)
            elif match[0] == b"$$":
                at = match.end()
                self._writer.write(b"$", dollar, at, outer)
            else:
                at = match.end()
                name = match["round"] if match["round"] is not None else match["curly"] or match["short"] or b""
                self._refer(name.strip(), (dollar, at), outer)

    def _refer(self, name: bytes, place: _Place, outer: _Place | None) -> None:
        variable = self._variables.get(name)
        parts = variable.parts if variable is not None else None
        deep = len(self._open) >= _MAX_DEPTH or self._writer.length > _MAX_TEXT
        if variable is None or parts is None or name in self._open or deep:
            self._unknown(*place, outer)
            return
        taken = outer or place
        self._open.append(name)
        if variable.default:
            self._writer.write(b"${_:-", *place, taken)
        for number, part in enumerate(parts):
            if number:
                self._writer.write(b" ", *place, taken)
            self._expand(*part, taken)
        if variable.default:
            self._writer.write(b"}", *place, taken)
        self._open.pop()

    def _unknown(self, start: int, end: int, outer: _Place | None) -> None:
        self._writer.write(b"${_}", start, end, outer or (start, end))

    def _closing(self, start: int, end: int) -> int:
        """The end of a reference with others inside it."""
        if not _OPENING.match(self._utf8, start):
            return start + 1
        depth = 0
        for at in range(start + 1, end):
            letter = self._utf8[at : at + 1]
            depth += (letter in b"({") - (letter in b")}")
            if depth == 0:
                return at + 1
        return end
