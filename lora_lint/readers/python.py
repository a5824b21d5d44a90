"""Python text to its syntax tree."""

from __future__ import annotations

import ast
import sys
import warnings

from lora_lint.readers.errors import Unreadable
from lora_lint.source import SourceFile, Span


def parse(source: SourceFile) -> ast.Module:
    """The syntax tree of a program.

    Syntax that is newer than the running Python is read as far as possible, and where it is not the program counts
    as empty. Raises Unreadable for what no Python 3 can parse.
    """
    try:
        return _parse(source.utf8)
    except SyntaxError as error:
        newer = _newer_syntax(source)
        if newer is not None:
            return newer
        raise Unreadable(f"this is not valid Python 3: {_reason(error)}", _place(source, error)) from None
    except (RecursionError, MemoryError):
        raise Unreadable("the code is nested too deeply to be parsed") from None
    except ValueError as error:
        raise Unreadable(f"this is not valid Python: {error}") from None


def _parse(text: bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes and the like are other linters' business
        # The declared encoding no longer holds for the UTF-8 form.
        return ast.parse(text.decode("utf-8"))


def _reason(error: SyntaxError) -> str:
    line = f"line {error.lineno}: " if error.lineno else ""
    return f"{line}{error.msg}"


def _place(source: SourceFile, error: SyntaxError) -> Span | None:
    if not error.lineno or error.lineno > len(source.line_starts):
        return None
    text = source.line_text(error.lineno)
    column = len(text[: max((error.offset or 1) - 1, 0)].encode())
    start = source.offset(error.lineno, column)
    return Span(source.path, start, min(start + 1, len(source.utf8)))


def _newer_syntax(source: SourceFile) -> ast.Module | None:
    """The tree of a program that only a newer Python can parse, with its f-strings blanked; None if it is invalid."""
    if sys.version_info >= (3, 14) or len(source.utf8) > 500_000:
        return None
    import libcst
    from libcst.metadata import MetadataWrapper, PositionProvider

    try:
        tree = MetadataWrapper(libcst.parse_module(source.text), unsafe_skip_copy=True)
        positions = tree.resolve(PositionProvider)
    except (libcst.ParserSyntaxError, RecursionError):
        return None
    lines = source.text.splitlines(keepends=True)
    for node, place in positions.items():
        if isinstance(node, libcst.FormattedString):
            _blank(lines, place.start.line, place.start.column, place.end.line, place.end.column)
    try:
        return _parse("".join(lines).encode())
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        return ast.Module(body=[], type_ignores=[])


def _blank(lines: list[str], first: int, column: int, last: int, end: int) -> None:
    """Replaces an f-string by a call without a known value that takes the same room."""
    if first != last:
        return  # a triple-quoted one: its quotes can be nested in every version
    line = lines[first - 1]
    width = end - column
    blank = "_" * width
    lines[first - 1] = line[:column] + blank + line[end:]
