"""Paths of pathlib, and the functions of os.path that put paths together.

A path is followed as the text that leads to it. `__file__` is relative to the project's root here, and so is what a
program builds from it: the folders above the root are `..`, `../..` and so on.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from lora_lint.interpreter.operations import MAX_TEXT, origin_of
from lora_lint.interpreter.values import NO_ARGUMENTS, Arguments, Const, ListVal, Opaque, PathVal, Val, as_text, lift

if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.interpreter.machine import Machine
    from lora_lint.run.values import Origin
    from lora_lint.source import Span

_MOST_PARENTS = 8
_SAME = frozenset({"resolve", "absolute", "expanduser"})
_READ = frozenset({"read_text", "read_bytes"})


def attribute_of(owner: PathVal, name: str, span: Span) -> Val | None:
    """An attribute of a path: `.parent`, `.stem`; None for others."""
    if name == "parent":
        return PathVal(_above(owner.text), span, owner.origin)
    if name == "parents":
        folders: list[Val] = []
        text = owner.text
        for _ in range(_MOST_PARENTS):
            text = _above(text)
            folders.append(PathVal(text, span, owner.origin))
        return ListVal(folders, span, "tuple", open_=True)
    part = _PARTS.get(name)
    return Const(part(owner.text), span, owner.origin) if part is not None else None


_PARTS: dict[str, Callable[[str], str]] = {
    "name": posixpath.basename,
    "stem": lambda text: posixpath.splitext(posixpath.basename(text))[0],
    "suffix": lambda text: posixpath.splitext(text)[1],
}


def method_of(machine: Machine, owner: PathVal, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method of a path: what opens the file, and what gives another path or its text."""
    if name in _SAME:
        return owner
    if name == "open" or name in _READ:
        opened = machine.call_external("builtins.open", Arguments([as_text(owner)], {}, {}), span)
        return opened if name == "open" else machine.call(opened.attribute(machine, "read", span), NO_ARGUMENTS, span)
    if name in ("as_posix", "__str__", "__fspath__"):
        return as_text(owner)
    if name == "joinpath":
        return lift(lambda *parts: _joined(parts, span), owner, *arguments.positional)
    new = arguments.positional[0] if len(arguments.positional) == 1 else None
    if name in ("with_name", "with_suffix") and isinstance(new, Const) and isinstance(new.value, str):
        folder, base = posixpath.split(owner.text)
        base = new.value if name == "with_name" else posixpath.splitext(base)[0] + new.value
        return PathVal(posixpath.join(folder, base), span, owner.origin)
    return None


def path(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """pathlib.Path(…); None where a part of it is not known."""
    if arguments.open or any(isinstance(part, Opaque) for part in arguments.positional):
        return None
    made = lift(lambda *parts: _joined(parts, span), *(arguments.positional or (Const(".", span),)))
    return None if isinstance(made, Opaque) else made


def joined(left: Val, right: Val, span: Span) -> Val:
    """left / right, one of which is a path."""
    return _joined((left, right), span)


def _joined(parts: tuple[Val, ...], span: Span) -> Val:
    text = _text_of(parts)
    if text is None:
        return Opaque("it is a path built at run time", span)
    return PathVal(text.removeprefix("./"), span, _origin(parts))


def _text_of(parts: tuple[Val, ...]) -> str | None:
    """The path that parts lead to; None where one of them is no text that is known."""
    texts = [part.value for each in parts if isinstance(part := as_text(each), Const) and isinstance(part.value, str)]
    if len(texts) < len(parts) or sum(map(len, texts)) > MAX_TEXT:
        return None
    return posixpath.join(*texts) if texts else ""


def _origin(parts: tuple[Val, ...]) -> Origin:
    origins = [part.origin for part in parts if isinstance(part, Const | PathVal)]
    return "cli-default" if "cli-default" in origins else "derived"


def _above(text: str) -> str:
    """The folder that a file or a folder is in."""
    text = posixpath.normpath(text)
    if text == ".":
        return ".."
    if posixpath.basename(text) == "..":
        return f"{text}/.."
    return posixpath.dirname(text) or "."


def _of_text(function: Callable[[str], str]) -> Callable[[Machine, Arguments, Span], Val | None]:
    """A function of os.path that takes one path."""

    def call(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
        given = as_text(arguments.positional[0]) if len(arguments.positional) == 1 else None
        if not isinstance(given, Const) or not isinstance(given.value, str):
            return None
        return Const(function(given.value), span, origin_of((given,)))

    return call


def _fixed(kind: type[PathVal | Const], text: str) -> Callable[[Machine, Arguments, Span], Val | None]:
    """A function that gives a folder whatever it is called with."""
    return lambda _machine, _arguments, span: kind(text, span, "derived")


def _join(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """os.path.join; None where a part is not known."""
    text = None if arguments.open else _text_of(tuple(arguments.positional))
    return Const(text, span, _origin(tuple(arguments.positional))) if text is not None else None


FUNCTIONS: dict[str, Callable[[Machine, Arguments, Span], Val | None]] = {
    **dict.fromkeys(("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath"), path),
    "pathlib.Path.cwd": _fixed(PathVal, "."),
    "pathlib.Path.home": _fixed(PathVal, "~"),
    "os.getcwd": _fixed(Const, "."),
    "os.path.join": _join,
    "os.path.dirname": _of_text(_above),
    "os.path.basename": _of_text(posixpath.basename),
    **dict.fromkeys(
        ("os.path.abspath", "os.path.realpath", "os.path.expanduser", "os.path.normpath", "os.fspath"),
        _of_text(lambda text: text),
    ),
}
"""What the functions that make paths give, by their qualified names."""
