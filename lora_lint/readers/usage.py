"""What the head of a program says of its use: the commands in its docstring, or in the comments above its code."""

from __future__ import annotations

import re

from lora_lint.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.source import SourceFile

_COMMENTS = re.compile(rb"(?:[ \t]*(?:#[^\n]*)?\r?\n)*")
_DOCSTRING = re.compile(rb"[rRuU]?(?:\"\"\".*?\"\"\"|'''.*?''')", re.DOTALL)
_COMMAND = re.compile(rb"([ \t#$>]*)(?:[A-Z_]\w*=\S+[ \t]+)*(?:uv run|python|torchrun|accelerate|deepspeed|srun)\b")
_LEAD = re.compile(rb"[ \t#$>]*")
_GOES_ON = re.compile(rb"(\\+)[ \t]*\r?\n\Z")
_STANDS_FOR = re.compile(rb"<([^<>\r\n]+)>")
"""`<your token>`, which a shell would take for redirections."""
_SEEN = re.compile(rb"[^\r\n]")


def usage_of(program: SourceFile) -> SourceFile:
    """A program as a script of the commands in its head, each where it is written: anything else is blank."""
    end = _COMMENTS.match(program.utf8).end()  # type: ignore[union-attr]  # it matches nothing, too
    docstring = _DOCSTRING.match(program.utf8, end)
    head = program.utf8[: docstring.end() if docstring is not None else end]
    lines, inside = [], False
    for line in head.splitlines(keepends=True):
        lead = _LEAD if inside else _COMMAND
        found = lead.match(line)
        if found is None:
            lines.append(_SEEN.sub(b" ", line))
            continue
        begun = found.end() if inside else len(found[1])
        goes_on = _GOES_ON.search(line)
        if goes_on is not None:  # a docstring may write each backslash twice
            line = line[: goes_on.start()] + b" " * (len(goes_on[1]) - 1) + line[goes_on.end(1) - 1 :]
        command = b" " * begun + line[begun:]
        lines.append(_STANDS_FOR.sub(lambda each: b"$" + b"_" * (len(each[0]) - 1), command))
        inside = goes_on is not None
    return replace(program, kind="shell", utf8=b"".join(lines))
