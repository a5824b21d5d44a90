"""Python text to its syntax tree."""

from __future__ import annotations

import ast
import re
import sys
import warnings

from lora_lint.readers.errors import Unreadable
from lora_lint.records import replace
from lora_lint.source import SourceFile, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_ahead: list[tuple[bytes, ast.Module]] = []
"""The text and the tree of `parse_ahead`."""
LARGEST = 1_000_000
"""The most bytes of a program that are parsed; a tree takes some 320 times the space of its text. The largest program
in 38 repositories that train LoRA has 400,000."""
_STATEMENT = rb"\n(?=[^\s#)\]}])"
"""The end of a line before one that can start a statement of the module."""
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def parse(source: SourceFile) -> ast.Module:
    """The syntax tree of a program, also of one that needs a newer Python than the running one. Raises Unreadable if no
    Python 3 can parse it."""
    if len(source.utf8) > LARGEST:
        raise Unreadable(f"This program has more than {LARGEST:,} bytes", limit="size")
    if _ahead:
        text, tree = _ahead.pop()
        if text is source.utf8:
            return tree
    try:
        return _parse(source.utf8)
    except SyntaxError as error:
        readable = _newer_syntax(source) or _exported(source)
        if readable is not None:
            return readable
        raise Unreadable(f"This is not valid Python {VERSION} ({_reason(error)})", _place(source, error)) from None
    except (RecursionError, MemoryError):
        raise Unreadable("This program is nested too deeply to be parsed", limit="depth") from None
    except ValueError as error:
        raise Unreadable(f"This is not valid Python ({error})") from None


def _exported(source: SourceFile) -> ast.Module | None:
    """The tree of a notebook that was saved as a program with its `!pip install` and `%env`; None if it is none."""
    if re.search(rb"(?m)^[ \t]*[!%]", source.utf8) is None:
        return None
    from lora_lint.readers.magics import python_of

    try:
        return _parse(python_of(source.text).encode())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """What is in a function, but not in those that it defines."""
    for node in ast.iter_child_nodes(function):
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield from own_nodes(node)


def without_not(test: ast.expr, holds: bool) -> tuple[ast.expr, bool]:
    """A condition without its `not`, and whether that holds where the condition holds (or does not)."""
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, holds = test.operand, not holds
    return test, holds


def beginning(source: SourceFile) -> SourceFile:
    """The statements at the start of a program, as many as can be parsed."""
    end = 0
    for statement in re.compile(_STATEMENT).finditer(source.utf8, 0, LARGEST):
        end = statement.end()
    return replace(source, utf8=source.utf8[:end])


def parse_ahead(text: bytes) -> ast.Module | None:
    """The syntax tree of a text, which the next call of `parse` returns if it is for exactly this text; None if it is
    not valid. So a notebook is parsed once, not twice."""
    _ahead.clear()
    if len(text) > LARGEST:
        return None
    try:
        tree = _parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    _ahead.append((text, tree))
    return tree


def _parse(text: bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes and the like are left to other linters
        # The declared encoding no longer holds for the UTF-8 form.
        return ast.parse(text.decode("utf-8"))


def _reason(error: SyntaxError) -> str:
    return error.msg or "it cannot be parsed"


def _place(source: SourceFile, error: SyntaxError) -> Span | None:
    if not error.lineno or error.lineno > len(source.line_starts):
        return None
    text = source.line_text(error.lineno)
    column = len(text[: max((error.offset or 1) - 1, 0)].encode())
    start = source.offset(error.lineno, column)
    return Span(source.path, start, min(start + 1, len(source.utf8)))


def _newer_syntax(source: SourceFile) -> ast.Module | None:
    """The tree of a program that only a newer Python can parse; None if it is invalid."""
    from lora_lint.readers.newer import rewritten

    text = rewritten(source.utf8)
    if text is None:
        return None
    try:
        return _parse(text)
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        return None
