"""Where a live finding points: the line of the user's program that adds the adapter, makes the optimizer or trains."""

from __future__ import annotations

import os
import sys
import sysconfig
from typing import TYPE_CHECKING

from lora_lint import discovery
from lora_lint.records import dataclass
from lora_lint.source import SourceFile, Span

if TYPE_CHECKING:
    from types import FrameType

_INSTALLED = tuple(
    os.path.normcase(os.path.realpath(sysconfig.get_path(name)))
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
_OURS = os.path.normcase(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


@dataclass(frozen=True)
class Places:
    """`train` is where the training is started or checked; the other two are the same where they were not seen."""

    train: Span
    wrap: Span
    optimizer: Span

    @classmethod
    def all_at(cls, span: Span) -> Places:
        """One place for all of it, where none was seen apart."""
        return cls(span, span, span)


@dataclass(frozen=True)
class Line:
    """A line of a program, 1-based; "" for a program that is in no file."""

    path: str = ""
    number: int = 1


def calling_line() -> Line:
    """The innermost line on the stack that belongs neither to an installed package nor to lora-lint."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if os.path.isfile(path) and not _is_installed(path):
            return Line(_as_reported(path), frame.f_lineno)
        frame = frame.f_back
    return Line()


def source_of(line: Line) -> SourceFile:
    """The text of a line's file; empty if it cannot be read."""
    from lora_lint.linting.outcome import reread

    return reread(line.path) if line.path else SourceFile("<program>", "python", b"")


def span_of(line: Line, source: SourceFile) -> Span:
    """The text of a line, without the spaces around it."""
    if line.number > len(source.line_starts):
        return Span(source.path, 0, 0)
    text = source.line_text(line.number).encode()
    start = source.line_starts[line.number - 1] + len(text) - len(text.lstrip())
    return Span(source.path, start, start + len(text.strip()))


def _is_installed(path: str) -> bool:
    real = os.path.normcase(os.path.realpath(path))
    return real.startswith((_OURS + os.sep, *(folder + os.sep for folder in _INSTALLED))) or "site-packages" in real


def _as_reported(path: str) -> str:
    """A path as reports show it: relative to the current folder where it is below it."""
    real, here = os.path.realpath(path), os.path.realpath(os.curdir)
    return discovery.from_root(real, here) if real.startswith(here + os.sep) else real.replace(os.sep, "/")
