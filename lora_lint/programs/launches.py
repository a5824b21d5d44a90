"""Programs that start other programs, for example in a loop over ranks: `subprocess.run(["python", "train.py", …])`."""

from __future__ import annotations

import re

from lora_lint.interpreter.values import Const, External, ListVal
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from lora_lint.interpreter.values import Val
    from lora_lint.libraries.effects import StartedProgram
    from lora_lint.readers.shell import Command, Word
    from lora_lint.source import SourceFile

_VALUE = re.compile(rb"[\s=]*([^\s\"']+)")
"""The text after an option in a program."""


def commands(launches: Iterable[StartedProgram], source: SourceFile) -> tuple[Command, ...]:
    """The commands that a program starts, in the form of a shell script's."""
    from lora_lint.readers.shell import Command, Turn

    found = []
    for launch in launches:
        words = _words(launch.command, launch.span, source)
        turns = tuple(Turn(step.span, step.turn) for step in launch.trail if step.kind in ("loop", "comprehension"))
        if words:
            found.append(Command(words, launch.span, turns))
    return tuple(found)


def _words(command: Val, span: Span, source: SourceFile) -> tuple[Word, ...]:
    if isinstance(command, Const) and isinstance(command.value, str):
        return _of_text(command, span, source)
    if not isinstance(command, ListVal):
        return ()
    from lora_lint.readers.shell import Word

    words = [_word(item, span) for item in command.items]
    if command.open:
        words.append(Word(None, span, many=True))
    return tuple(words)


def _word(item: Val, span: Span) -> Word:
    from lora_lint.readers.shell import Word

    if isinstance(item, External):  # sys.executable
        return Word("python" if item.name == "sys.executable" else None, span)
    place = getattr(item, "span", None) or span
    if isinstance(item, Const) and item.value is not None:
        return Word(str(item.value), place, default=item.origin == "cli-default")
    return Word(None, place)


def _of_text(command: Const, span: Span, source: SourceFile) -> tuple[Word, ...]:
    """The words of a command line. A value follows its option, and its place is where the text names it."""
    import shlex

    from lora_lint.readers.shell import Word

    place = command.span if command.span is not None and command.span.path == source.path else span
    text = source.utf8[place.start : place.end]
    try:
        parts = shlex.split(command.value)
    except ValueError:
        return ()
    words: list[Word] = []
    at, default = 0, command.origin == "cli-default"
    for part in parts:
        option = part.partition("=")[0]
        found = text.find(option.encode("utf-8", "replace"), at) if option.startswith("--") else -1
        if found >= 0:
            at = found + len(option.encode())
            here = Span(place.path, place.start + found, place.start + at)
            words.append(Word(part, here, default))
        elif at and (value := _VALUE.match(text, at)) is not None:  # of the option before
            words.append(
                Word(part, Span(place.path, place.start + value.start(1), place.start + value.end(1)), default)
            )
        else:
            words.append(Word(part, place, default))
    return tuple(words)
