"""Changes in shell scripts, as edits: the plain value behind a flag, the flag's own name, and a value that follows
the variable behind another flag.

A value that a variable, a loop or a quote with an expansion gives may be used elsewhere, and is left alone; so is what
needs a new flag, of which nobody knows that the script's program has it.
"""

from __future__ import annotations

import re

from lora_lint.finding import Rename, Tie, Write
from lora_lint.fixes.edits import Edit
from lora_lint.readers.commands import WINDOWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.finding import Change
    from lora_lint.source import SourceFile, Span

_PLAIN = re.compile(r"[\w.,/:+-]+")
_FLAG = re.compile(r"--?[A-Za-z][\w.-]*")
_BEHIND_FLAG = re.compile(r"(?:^|\s)--?[A-Za-z][\w.-]*(?:=|(?:[ \t]|\\\r?\n)+)(?P<quote>[\"']?)$")


def edits(source: SourceFile, change: Change) -> tuple[Edit, ...]:
    """The edits for a change; none if it cannot be made."""
    start, end = change.span.start, change.span.end
    old = source.utf8[start:end].decode()
    behind_flag = _BEHIND_FLAG.search(source.utf8[max(0, start - 200) : start].decode(errors="replace")) is not None
    if isinstance(change, Rename) and _FLAG.fullmatch(old):
        dashes = old[: len(old) - len(old.lstrip("-"))]
        spelt = change.name.replace("_", "-") if "-" in old.lstrip("-") and "_" not in old else change.name
        return (Edit(change.span, dashes + spelt),)
    if isinstance(change, Write) and not isinstance(change.value, (dict, list, tuple)):
        quote = old[:1] if old[:1] in ("'", '"') and old[:1] == old[-1:] and len(old) > 1 else ""
        new = str(change.value).lower() if isinstance(change.value, bool) else _number(change.value)
        if "." in new and "." not in old and isinstance(change.value, float):
            return ()  # an option for whole numbers may accept no other
        if behind_flag and _PLAIN.fullmatch(old.strip(quote)) and _PLAIN.fullmatch(new):
            return (Edit(change.span, quote + new + quote),)
    reckons = not source.path.lower().endswith(WINDOWS)  # whose shells do it in other ways
    ties = reckons and isinstance(change, Tie) and not change.key and float(change.factor).is_integer()
    if isinstance(change, Tie) and ties and behind_flag and _PLAIN.fullmatch(old):
        variable = _variable(source, change)
        if variable is not None:
            tied = variable["value"] if change.factor == 1 else f"$(({int(change.factor)} * {variable['name']}))"
            return (Edit(change.span, tied),)
    return ()


def _variable(source: SourceFile, change: Tie) -> re.Match[str] | None:
    """The variable that the command at a place gives to a flag, if it does so once."""
    flag = "[-_]".join(map(re.escape, re.split("[-_]", change.other)))
    value = r"(?P<value>\$(?P<brace>\{)?(?P<name>[A-Za-z_]\w*)(?(brace)\}))"
    found = list(re.finditer(rf"\s--?{flag}(?:=|\s+)[\"']?{value}(?=[\"'\s]|$)", _command(source, change.span)))
    return found[0] if len(found) == 1 else None


def _command(source: SourceFile, span: Span) -> str:
    """The line of a place, with those that are one with it by backslashes, as one line."""
    first, last = source.joined_lines(source.position(span.start)[0])
    return " ".join(source.line_text(line).removesuffix("\\") for line in range(first, last + 1))


def _number(value: object) -> str:
    """A value as a word of a command."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
