"""Markdown: the commands that a page shows."""

from __future__ import annotations

import re

from lora_lint.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.source import SourceFile

_FENCE = re.compile(rb"[ \t>]*(```+|~~~+)[ \t]*\{?\.?([\w-]*)")
_LANGUAGES = frozenset({b"", b"bash", b"console", b"sh", b"shell", b"shell-session", b"text", b"zsh"})
_PROMPT = re.compile(rb"[ \t>]*[$%]([ \t])")
_STANDS_FOR = re.compile(rb"<([^<>\r\n]+)>")
"""`<your token>`, which a shell would take for redirections."""
_SEEN = re.compile(rb"[^\r\n]")


def shell_of(page: SourceFile) -> SourceFile:
    """A page as a script of the commands in its fenced blocks, each where it is written: anything else is blank."""
    lines = []
    fence, shown = b"", False
    for line in page.utf8.splitlines(keepends=True):
        found = _FENCE.match(line)
        if found is not None and not fence:
            fence, shown = found[1], found[2].lower() in _LANGUAGES
        elif found is not None and found[1].startswith(fence):
            fence = b""
        elif fence and shown:
            prompt = _PROMPT.match(line)
            command = line if prompt is None else b" " * prompt.end() + line[prompt.end() :]
            lines.append(_STANDS_FOR.sub(lambda found: b"$" + b"_" * (len(found[0]) - 1), command))
            continue
        lines.append(_SEEN.sub(b" ", line))
    return replace(page, kind="shell", utf8=b"".join(lines))
