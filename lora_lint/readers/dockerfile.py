"""Dockerfiles: what RUN, CMD and ENTRYPOINT start, with the variables of ENV and ARG, as a shell gets it.

Source: docs.docker.com/reference/dockerfile. An instruction in exec form (a JSON array) is a command with these words.
CMD gives the arguments of an ENTRYPOINT in exec form. ARG has defaults, which a build may override.
"""

from __future__ import annotations

import re

from lora_lint.readers.fragments import Writer
from lora_lint.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.readers.fragments import Fragment
    from lora_lint.source import SourceFile

_INSTRUCTION = re.compile(
    rb"[ \t]*(?P<name>[A-Za-z]+)[ \t]+(?P<flags>(?:--[\w-]+=\S+[ \t]+)*)(?P<body>(?:[^\\\n]|\\[^\n]|\\[ \t]*\r?\n"
    rb"(?:[ \t]*#[^\n]*\n)*)*)"
)
_COMMENT_INSIDE = re.compile(rb"(?m)^[ \t]*#[^\n]*\n")
_HERE = re.compile(rb"<<-?[\"']?(\w+)[\"']?[ \t]*\r?$")
_EXEC = re.compile(rb"\[\s*(?:\"(?:[^\"\\]|\\.)*\"\s*(?:,\s*|(?=\])))*\]\s*$")
_STRING = re.compile(rb"\"((?:[^\"\\]|\\.)*)\"")
_OLD_ENV = re.compile(rb"(\w+)[ \t]+(?!=)(\S.*?)[ \t]*\r?$", re.DOTALL)
_ARG = re.compile(rb"(\w+)=(\"[^\"\n]*\"|'[^'\n]*'|\S+)")


class _Instruction(NamedTuple):
    name: bytes
    start: int
    end: int
    """Of what follows its name."""


def fragments(source: SourceFile) -> tuple[Fragment, ...]:
    """The commands of a Dockerfile, in order."""
    found: list[Fragment] = []
    variables: list[tuple[bytes, int, int]] = []
    entry: _Instruction | None = None
    command: _Instruction | None = None
    utf8 = source.utf8
    for each in _instructions(utf8):
        if each.name in (b"ENV", b"ARG"):
            variables += _assignments(utf8, each)
        elif each.name == b"RUN":
            found.append(_fragment(utf8, variables, each))
        elif each.name == b"ENTRYPOINT":
            entry, command = each, None
        elif each.name == b"CMD":
            command = each
        elif each.name == b"FROM":
            entry = command = None  # of a stage that no image is made from
    last = [each for each in (entry, command) if each is not None]
    if entry is not None and not _EXEC.match(utf8[entry.start : entry.end]):
        last = [entry]  # in shell form it takes no arguments
    if last:
        found.append(_fragment(utf8, variables, *last))
    return tuple(found)


def _instructions(utf8: bytes) -> Iterator[_Instruction]:
    at = 0
    while at < len(utf8):
        match = _INSTRUCTION.match(utf8, at)
        end = match.end() if match is not None else at
        newline = utf8.find(b"\n", end)
        at = len(utf8) if newline < 0 else newline + 1
        if match is None:
            continue
        start = match.start("body")
        here = _HERE.search(match["body"])
        if here is not None:
            close = re.compile(rb"(?m)^[ \t]*%s[ \t]*\r?$" % here[1]).search(utf8, at)
            start, end = at, close.start() if close is not None else len(utf8)
            at = close.end() if close is not None else len(utf8)
        yield _Instruction(match["name"].upper(), start, end)


def _assignments(utf8: bytes, instruction: _Instruction) -> Iterator[tuple[bytes, int, int]]:
    """The variables of an ENV or an ARG: for each the text before its value, and where that is."""
    body = utf8[instruction.start : instruction.end]
    old = _OLD_ENV.match(body) if instruction.name == b"ENV" else None
    for match in [old] if old is not None and b"=" not in old[1] else _ARG.finditer(body):
        before = b"%s=${%s:-" % (match[1], match[1]) if instruction.name == b"ARG" else match[1] + b"="
        yield before, instruction.start + match.start(2), instruction.start + match.end(2)


def _fragment(utf8: bytes, variables: list[tuple[bytes, int, int]], *instructions: _Instruction) -> Fragment:
    writer = Writer(utf8)
    for before, start, end in variables:
        quoted = utf8[start : start + 1] in (b'"', b"'") or b"${" in before
        writer.write(before if quoted else before + b'"', start, start)
        writer.copy(start, end)
        writer.write((b"}" if b"${" in before else b"" if quoted else b'"') + b"\n", end, end)
    for instruction in instructions:
        start, end = instruction.start, instruction.end
        if _EXEC.match(utf8[start:end]):
            _words(writer, utf8, start, end)
        else:
            _shell(writer, utf8, start, end)
    return writer.fragment()


def _words(writer: Writer, utf8: bytes, start: int, end: int) -> None:
    """The words of an exec form, in single quotes as far as that is possible."""
    for match in _STRING.finditer(utf8, start, end):
        if b"'" in match[1] or b"\\" in match[1]:
            writer.write(b"$_ ", *match.span())
        else:
            writer.write(b"'%s'" % match[1], *match.span())
            writer.write(b" ", match.end(), match.end())


def _shell(writer: Writer, utf8: bytes, start: int, end: int) -> None:
    at = start
    for comment in _COMMENT_INSIDE.finditer(utf8, start, end):
        writer.copy(at, comment.start())
        at = comment.end()
    writer.copy(at, end)
