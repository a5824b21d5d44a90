"""Commands that end too early: the line above some options is not continued, and the shell takes them for commands. And
commands that were put on one line with their backslashes, each of which makes an argument of the blank behind it.

What was meant is read, the command with these options, so that the rules look at the settings that people believe in.
"""

from __future__ import annotations

import re

from lora_lint.programs.launchers import launched
from lora_lint.records import replace
from lora_lint.run.problems import EscapedBlank, LostLine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from lora_lint.readers.shell import Command

_OPTION = re.compile(r"--[A-Za-z][\w-]*")
_OVERRIDE = re.compile(r"\+{0,2}[A-Za-z]\w*(?:\.\w+)+(?==)")


def whole(commands: Iterable[Command]) -> list[tuple[Command, tuple[LostLine | EscapedBlank, ...]]]:
    """The commands, those that start a program with the lines of options that follow it, and what is cut off so or
    escaped."""
    found: list[tuple[Command, tuple[LostLine | EscapedBlank, ...]]] = []
    for command in commands:
        last, lost = found[-1] if found else (None, ())
        if last is not None and (options := _options(command, last)) and launched(last) is not None:
            cut = LostLine(options[0], command.words[0].span, len(options) - 1)
            found[-1] = (replace(last, words=(*last.words, *command.words)), (*lost, cut))
        else:
            found.append((command, () if command.escaped is None else (EscapedBlank(command.escaped),)))
    return found


def _options(command: Command, above: Command) -> list[str]:
    """The options in a line that begins with one, which is no command's name; overrides look like names, so that the
    command above has to have some."""
    if command.span.path != above.span.path or command.span.start < above.span.end or command.turns != above.turns:
        return []
    for kind in (_OPTION, _OVERRIDE):
        here = _matches(kind, command)
        if here and kind.match(command.words[0].text or command.words[0].head):
            return here if kind is _OPTION or _matches(kind, above) else []
    return []


def _matches(kind: re.Pattern[str], command: Command) -> list[str]:
    return [match[0] for word in command.words if (match := kind.match(word.text or word.head))]
