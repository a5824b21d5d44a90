"""What runs when a program is started, according to its text.

Most files that import one which creates adapters only define functions and classes, and nothing they execute reaches
what they import. This module sorts them out before anything is parsed. Bases of classes and defaults of functions count
if something uses the class or function. Where it is not certain what a text defines, all of it counts as executed.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import pairwise
from keyword import kwlist

from lora_lint.libraries.marks import is_library, makes_config, names_config, without_plain_text
from lora_lint.prefilter import words
from lora_lint.programs.pruning import around, definitions
from lora_lint.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, KeysView

_IMPORT = re.compile(
    rb"\n[ \t]*(?:from[ \t]+(\.*[ \t]*[\w.]*)[ \t]+import\b[ \t]*(\((?:[^)#]|#[^\n]*)*\)?|(?:[^\n;#\\]|\\\r?\n)*)"
    rb"|import[ \t]+((?:[^\n;#\\]|\\\r?\n)+))"
)
_COMMENT = re.compile(rb"#[^\n]*")
_IDLE = re.compile(rb"\b[\w.]+\(__name__\)|\n[ \t]*(?:el)?if(?:[ \t]|\(\)|[\w.])+:")
"""A call with nothing but the module's name, or a condition whose calls have no arguments: nothing written in the
program is passed on by these, unless they are the program's own."""
_STATEMENT = re.compile(rb"\n(?=[^\s#)\]}])")
_DEFINITION = re.compile(rb"\n(?:async[ \t]+)?(def|class)[ \t]+(\w+)")
_BOUND = re.compile(rb"\n[ \t]*(?:(?:async )?def |class )?(\w+)(?=[ \t]*(?:[=:\[(,.|+]))")
"""What may be bound or changed at the start of a line."""
_STARTING = re.compile(
    rb"\n@[\w.]*\b(?:command|callback|main|entrypoint|local_entrypoint|function|task|flow|step|remote)\b[^\n]*"
)
"""A decorator for what a command, a server or a scheduler starts: typer, click, Hydra, Modal, Ray, Prefect."""
_BY_NAME = (b"getattr", b"globals()", b"import_module", b"eval(", b"exec(")
"""Calls that look something up by a name in a string."""
_HEAD = re.compile(rb":[ \t\r]*(?:#[^\n]*)?\n")
_INDENTED = re.compile(rb"(?:\n[ \t\r]*(?:#[^\n]*)?(?=\n))*\n([ \t]+)[^\s#]")
_FILE = b'globals()["__file__"]'
_DEFINES = (b"def ", b"async ", b"class ", b"@")
_WITHIN = (b"", b" ", b"\t", b"\r", b"#", b")", b"]", b"}")
"""Beginnings of a line, after the indentation, that start no statement."""
_KEYWORDS = frozenset(word.encode() for word in kwlist)
_UNFOLLOWED = b"instantiate("
"""Hydra's call that creates what a config names."""


class Import(NamedTuple):
    """A name that an import binds: the module (without dots), the number of dots before it, the member that is imported
    (None for the module itself, `*` for all), and the name."""

    module: str
    level: int
    member: str | None
    name: bytes

    @property
    def of_library(self) -> bool:
        """Whether it is certainly not a file of the project."""
        return not self.level and is_library(self.module)


class _Piece:
    """The text of a definition or a statement."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    @cached_property
    def mentioned(self) -> set[bytes]:
        return words(self._text)

    @cached_property
    def makes_config(self) -> bool:
        return makes_config(self._text) or _UNFOLLOWED in self._text


class Outline:
    """The statements, definitions and imports in one text, and which of them mention which."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    @cached_property
    def imports(self) -> dict[bytes, list[Import]]:
        """What the imports of the program bind, including those in functions, by name; `*` for all names."""
        found: dict[bytes, list[Import]] = {}
        for each in _imports(self._text):
            found.setdefault(b"*" if each.member == "*" else each.name, []).append(each)
        return found

    @property
    def names(self) -> KeysView[bytes]:
        """The names that are defined, or bound by a statement."""
        return self._pieces.keys()

    def mentioned_by(self, name: bytes) -> set[bytes]:
        """The words in the definitions of a name, and in the statements that bind it."""
        return set().union(*(each.mentioned for each in self._pieces.get(name, ())))

    def makes_config(self, name: bytes) -> bool:
        """Whether the settings of an adapter are made in the definition of a name, or by what is imported as it."""
        return any(each.makes_config for each in self._pieces.get(name, ())) or any(
            names_config((each.member or "").encode()) for each in self.imports.get(name, ())
        )

    @cached_property
    def running(self) -> frozenset[bytes]:
        """The words that run when the program is started: in its statements, and in all that they mention."""
        found = words(self._statements)
        new = found & self.names
        while new:
            pieces = {id(each): each for name in new for each in self._pieces[name]}
            said = set().union(*(each.mentioned for each in pieces.values())) - found
            found |= said
            new = said & self.names
        return frozenset(found)

    @cached_property
    def _pieces(self) -> dict[bytes, list[_Piece]]:
        """What a name stands for: its definitions, and the statements that bind it."""
        return self._parts[0]

    @cached_property
    def _statements(self) -> bytes:
        """What runs when the module is imported: its statements and those in its classes, without calls and conditions
        that pass on nothing written here."""
        return self._parts[1]

    @cached_property
    def _parts(self) -> tuple[dict[bytes, list[_Piece]], bytes]:
        text = self._text.replace(_FILE, b"")
        found = definitions(text) if b"globals()" not in text else None
        outside = _IMPORT.sub(b"\n", b"\n".join((b"", *around(text, found or []))))
        plain = not any(call in outside for call in _BY_NAME)
        if plain:
            outside = without_plain_text(outside)
        pieces: dict[bytes, list[_Piece]] = {}
        running: list[bytes] = []

        def define(name: bytes, definition: bytes, is_class: bool) -> None:
            pieces.setdefault(name, []).append(_Piece(definition))
            if is_class:
                running.append(_class_statements(definition, plain))

        for each in found or ():
            define(each.name, each.text, each.is_class)
        starts = [0, len(outside)]
        if found is not None:
            starts[1:1] = (match.start() for match in _STATEMENT.finditer(outside))
        started = False
        for start, end in pairwise(starts):
            statement = outside[start:end]
            head = _DEFINITION.match(statement) if found is not None else None
            if head is not None:  # with a decorator, which is a statement of its own here
                define(head[2], statement, head[1] == b"class")
                if started:
                    running.append(b"\n" + head[2])
                started = False
                continue
            started = (started and statement.startswith(b"\n@")) or _STARTING.match(statement) is not None
            running.append(statement)
            piece = _Piece(statement)
            for name in set(_BOUND.findall(statement)) - _KEYWORDS:
                pieces.setdefault(name, []).append(piece)

        def without_idle(found: re.Match[bytes]) -> bytes:
            return found[0] if any(word in pieces for word in words(found[0])) else b"\n"

        return pieces, _IDLE.sub(without_idle, b"".join(running))


def _imports(text: bytes) -> Iterator[Import]:
    for match in _IMPORT.finditer(b"\n" + text):  # a pattern that begins with a letter is the fastest to search
        if match[3] is not None:
            for part in match[3].decode("utf-8", "replace").replace("\\", " ").split(","):
                module, _, alias = (piece.strip() for piece in part.partition(" as "))
                bound = alias or module.partition(".")[0]
                yield Import(module, 0, None, bound.encode())
            continue
        dotted = match[1].decode("utf-8", "replace").replace(" ", "").replace("\t", "")
        module = dotted.lstrip(".")
        level = len(dotted) - len(module)
        listed = _COMMENT.sub(b"", match[2]).decode("utf-8", "replace")
        for part in listed.strip("()\r\n\t ").replace("\\", " ").split(","):
            member, _, alias = (piece.strip() for piece in " ".join(part.split()).partition(" as "))
            if member:
                yield Import(module, level, member, (alias or member).encode())


def _class_statements(text: bytes, plain: bool) -> bytes:
    """The statements in a class that are not methods; without strings if `plain`."""
    head = _HEAD.search(text)
    first = _INDENTED.match(text, head.end() - 1) if head is not None else None
    if head is None or first is None:
        return b"\n" + text
    indent, kept, runs = first[1], [b""], False
    for line in text[head.end() :].split(b"\n"):
        if line.startswith(indent) and line[len(indent) : len(indent) + 1] not in _WITHIN:
            runs = not line.startswith(_DEFINES, len(indent))
        if runs:
            kept.append(line)
    body = b"\n".join(kept)
    return without_plain_text(body) if plain else body
