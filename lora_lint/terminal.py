"""The standard streams: writing to them, errors on them, and progress on a terminal."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from lora_lint.ablate.schedule import Work
    from lora_lint.verify.session import Progress


WIDTH = 100
"""Columns of a report that goes to no terminal."""
NARROWEST = 40
_LINKING_VARIABLES = ("WT_SESSION", "KONSOLE_VERSION", "KITTY_WINDOW_ID", "DOMTERM")
_LINKING_TERMINALS = frozenset(
    {"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "xterm-kitty", "alacritty", "foot"}
)


class OutputError(Exception):
    """Standard output cannot be written to. The message is for the user, and empty if the reader has closed the
    pipe."""


def complain(message: str) -> None:
    """Writes a message to stderr, if anything can be written there."""
    from lora_lint.system.visible import visible

    tell(f"lora-lint: {visible(message)}\n")


def tell(text: str) -> None:
    """Writes to stderr, which may be closed or full."""
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()


def write(text: str | bytes, machine: bool = False) -> None:
    """Writes to stdout: bytes unchanged, text as UTF-8 whatever the locale if a program is to read it. Raises
    OutputError."""
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    if machine and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        if isinstance(text, str):
            sys.stdout.write(text)
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(text)
    except OSError as error:
        raise _undelivered(error) from None


def flush() -> None:
    """Flushes stdout. Raises OutputError."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        raise _undelivered(error) from None


def _undelivered(error: OSError) -> OutputError:
    """The error to raise for a failed stdout, which is abandoned so that the interpreter does not fail on its last
    flush."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return OutputError()
    return OutputError(f"standard output cannot be written to ({error.strerror or error})")


def wants_color(color: str, output_file: str | None) -> bool:
    """Whether the report has colors: as the option says, otherwise as NO_COLOR and FORCE_COLOR do, otherwise on a
    terminal."""
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return output_file is None and is_terminal(sys.stdout)


def wants_links(output_file: str | None) -> bool:
    """Whether to turn codes into links to their pages: on a terminal known to understand OSC 8."""
    if output_file is not None or os.environ.get("NO_COLOR") or not is_terminal(sys.stdout):
        return False
    given = os.environ.get
    vte = given("VTE_VERSION", "")
    if vte.isascii() and vte.isdigit() and len(vte) < 9 and int(vte) >= 5000:  # 0.50: GNOME Terminal, Tilix
        return True
    terminal = (given("TERM_PROGRAM", ""), given("TERM", ""))
    return any(given(name) for name in _LINKING_VARIABLES) or not _LINKING_TERMINALS.isdisjoint(terminal)


def width(output_file: str | None = None) -> int:
    """The width of the report: $COLUMNS, otherwise the terminal's width, otherwise WIDTH."""
    return wrapping(output_file) or WIDTH


def wrapping(output_file: str | None = None) -> int | None:
    """$COLUMNS, otherwise the terminal's width; None if the output goes to no terminal."""
    stated = os.environ.get("COLUMNS", "")
    columns = int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 6 else 0
    if not columns and output_file is None and sys.stdout is not None and sys.stdout.isatty():
        with suppress(OSError, ValueError):
            columns = os.get_terminal_size(sys.stdout.fileno()).columns
    return max(columns, NARROWEST) if columns else None


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a standard stream is a terminal that understands escapes; None: it is closed."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def progress() -> Callable[[int, int], None] | None:
    """A progress bar on stderr if that is a terminal. It appears only when the work takes long; (0, 0) removes it."""
    if not is_terminal(sys.stderr):
        return None
    import time

    begun = time.monotonic()
    drawn = 0.0

    def draw(done: int, total: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if total == 0:
            if drawn:
                tell("\r\x1b[K")
        elif now - begun > 1 and now - drawn > 0.1:
            drawn = now
            filled = 30 * done // total
            tell(f"\r\x1b[K[{'#' * filled}{'.' * (30 - filled)}] {done}/{total} files")

    return draw


class ProgressLine:
    """The current experiment, on stderr: one line that is overwritten on a terminal, otherwise one line each."""

    def __init__(self) -> None:
        self._terminal = is_terminal(sys.stderr)
        self._shown = 0

    def show(self, step: Progress) -> None:
        from lora_lint.system.visible import visible

        minutes, seconds = divmod(max(int(step.left), 0), 60)
        head = visible(f"[{step.number}/{step.total}] {step.finding.code} {step.finding.span.path}: {step.doing}")
        if self._terminal:
            tell(f"\r\x1b[K{head} (about {minutes}:{seconds:02d} left)"[:200])
        elif step.number != self._shown:
            tell(f"{head} (about {minutes}:{seconds:02d} left)\n")
        self._shown = step.number

    def clear(self) -> None:
        if self._terminal and self._shown:
            tell("\r\x1b[K")


class StudyLine:
    """A bar on stderr with what a study is doing and the time left, on a terminal only."""

    def __init__(self) -> None:
        self._terminal = is_terminal(sys.stderr)
        self._begun: float | None = None

    def show(self, work: Work) -> None:
        if not self._terminal:
            return
        import time

        from lora_lint.system.visible import visible

        now, total = time.monotonic(), work.done + work.ahead
        if total and self._begun is None:
            self._begun = now
        bar, left = "", ""
        if total:
            filled = 24 * work.done // total
            bar = f"[{'#' * filled}{'.' * (24 - filled)}] {work.done / total:.0%} "
        if work.done and self._begun is not None:
            minutes, seconds = divmod(int((now - self._begun) / work.done * work.ahead), 60)
            left = f" ({minutes}:{seconds:02d} left)"
        tell(f"\r\x1b[K{bar}{visible(work.doing)}{left}"[:200])

    def clear(self) -> None:
        if self._terminal:
            tell("\r\x1b[K")
