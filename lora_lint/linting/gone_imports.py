"""Imports of names that newer releases of transformers, TRL or PEFT no longer have."""

from __future__ import annotations

import ast
import re

from lora_lint.knowledge.gone_names import GONE
from lora_lint.readers.errors import Unreadable
from lora_lint.readers.python import parse
from lora_lint.run.problems import UnknownKey
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.source import SourceFile

_IMPORT = rb"\nfrom[ \t]+([\w.]+)[ \t]+import[ \t]*(\([^)]*\)|[^\n\\]*(?:\\\r?\n[^\n\\]*)*)"
"""A pattern that begins with letters takes a sixth of the time of one with `^`, and a thirtieth of what it takes to
look for each of the names."""


def gone_imports(source: SourceFile) -> list[UnknownKey]:
    """The imports that a program makes whatever happens, and that newer releases refuse with an ImportError."""
    if source.kind not in ("python", "notebook") or not _may_import(source.utf8):
        return []
    try:
        body = parse(source).body
    except Unreadable:
        return []
    return list(_in_statements(body, source))


def _may_import(text: bytes) -> bool:
    """Whether lines of a text look like such imports, some of which may be in a string."""
    return any(
        name.encode() in listed
        for module, listed in re.findall(_IMPORT, b"\n" + text)
        for name in GONE.get(module.decode("utf-8", "replace"), ())
    )


def _in_statements(body: list[ast.stmt], source: SourceFile) -> Iterator[UnknownKey]:
    for statement in body:
        if not isinstance(statement, ast.ImportFrom) or statement.level:
            continue
        module = statement.module or ""
        for alias in statement.names:
            found = GONE.get(module, {}).get(alias.name)
            if found is not None:
                start = source.offset(alias.lineno, alias.col_offset)
                yield UnknownKey(
                    *(alias.name, Span(source.path, start, start + len(alias.name)), module, ()),
                    consequence="cannot be imported",
                    instead=found.instead,
                    until=found.since,
                    package=module.partition(".")[0],
                )
