"""Waiting for processes: for what they do, never for a time."""

from __future__ import annotations

from typing import IO

PATIENCE = 300
"""Seconds after which a process hangs: many times what any takes beside others."""


def line_with(words: str, stream: IO[str]) -> str:
    """The next line of a process's output that holds `words`. Raises AssertionError if the output ends before."""
    before = ""
    for line in stream:
        if words in line:
            return line
        before += line
    raise AssertionError(f"no line with {words!r} in:\n{before}")
