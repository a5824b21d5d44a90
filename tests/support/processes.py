"""Waiting for processes: for what they do, never for a time."""

from __future__ import annotations

from typing import IO

PATIENCE = 900
"""Seconds after which a process is taken to hang: many times what any of them needs on a busy machine."""


def line_with(words: str, stream: IO[str]) -> str:
    """The next line of a process's output that holds `words`. Raises AssertionError if the output ends before."""
    before = ""
    for line in stream:
        if words in line:
            return line
        before += line
    raise AssertionError(f"no line with {words!r} in:\n{before}")
