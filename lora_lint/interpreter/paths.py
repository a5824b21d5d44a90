"""Paths of pathlib, and the functions of os.path that compose paths.

A path is followed as the text that leads to it. `__file__` is relative to the project's root here, and so is everything
that a program derives from it: the folders above the root are `..`, `../..` and so on.
"""

from __future__ import annotations

import posixpath

from lora_lint.interpreter.operations import joined, origin_of, path_of
from lora_lint.interpreter.path_texts import above
from lora_lint.interpreter.values import NO_ARGUMENTS, Arguments, Const, ListVal, Opaque, PathVal, Val, as_text, lift

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.interpreter.machine import Machine
    from lora_lint.source import Span

_SAME = frozenset({"resolve", "absolute", "expanduser"})
_READ = frozenset({"read_text", "read_bytes"})


def method_of(machine: Machine, owner: PathVal, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method of a path: one that opens the file, or returns another path or its text."""
    if name in _SAME:
        return owner
    if name == "open" or name in _READ:
        opened = machine.call_external("builtins.open", Arguments([as_text(owner)], {}, {}), span)
        return opened if name == "open" else machine.call(opened.attribute(machine, "read", span), NO_ARGUMENTS, span)
    if name in ("as_posix", "__str__", "__fspath__"):
        return as_text(owner)
    if name == "joinpath":
        return lift(lambda *parts: joined(parts, span), owner, *arguments.positional)
    if name == "glob" and len(arguments.positional) == 1:
        return _matching(machine, owner, arguments.positional[0], span)
    new = arguments.positional[0] if len(arguments.positional) == 1 else None
    if name in ("with_name", "with_suffix") and isinstance(new, Const) and isinstance(new.value, str):
        folder, base = posixpath.split(owner.text)
        base = new.value if name == "with_name" else posixpath.splitext(base)[0] + new.value
        return PathVal(posixpath.join(folder, base), span, owner.origin)
    return None


def _matching(machine: Machine, owner: PathVal, pattern: Val, span: Span) -> Val | None:
    """`Path("configs").glob("*.yaml")`, where it is known which files there are."""
    whole = lift(lambda *parts: joined(parts, span), owner, pattern)
    found = machine.call_external("glob.glob", Arguments([as_text(whole)], {}, {}), span)
    if not isinstance(found, ListVal):
        return None
    return ListVal([PathVal(each.value, span, "derived") for each in found.items if isinstance(each, Const)], span)


def path(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """pathlib.Path(…); None where a part of it is not known."""
    if arguments.open or any(isinstance(part, Opaque) for part in arguments.positional):
        return None
    made = lift(lambda *parts: joined(parts, span), *(arguments.positional or (Const(".", span),)))
    return None if isinstance(made, Opaque) else made


def _of_text(function: Callable[[str], str]) -> Callable[[Machine, Arguments, Span], Val | None]:
    """A function of os.path that takes one path."""

    def call(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
        given = as_text(arguments.positional[0]) if len(arguments.positional) == 1 else None
        if not isinstance(given, Const) or not isinstance(given.value, str):
            return None
        return Const(function(given.value), span, origin_of((given,)))

    return call


def _fixed(kind: type[PathVal | Const], text: str) -> Callable[[Machine, Arguments, Span], Val | None]:
    """A function that returns a folder whatever its arguments."""
    return lambda _machine, _arguments, span: kind(text, span, "derived")


def _join(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """os.path.join; None where a part is not known."""
    text = None if arguments.open else path_of(tuple(arguments.positional))
    return Const(text, span, origin_of(tuple(arguments.positional))) if text is not None else None


FUNCTIONS: dict[str, Callable[[Machine, Arguments, Span], Val | None]] = {
    **dict.fromkeys(("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath"), path),
    "pathlib.Path.cwd": _fixed(PathVal, "."),
    "pathlib.Path.home": _fixed(PathVal, "~"),
    "os.getcwd": _fixed(Const, "."),
    "os.path.join": _join,
    "os.path.dirname": _of_text(above),
    "os.path.basename": _of_text(posixpath.basename),
    **dict.fromkeys(
        ("os.path.abspath", "os.path.realpath", "os.path.expanduser", "os.path.normpath", "os.fspath"),
        _of_text(lambda text: text),
    ),
}
"""The results of the functions that create paths, by their qualified names."""
