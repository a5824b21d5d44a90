"""Waiting for processes: for what they do, never for a time."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import IO

_installed = shutil.which("lora-lint", path=str(Path(sys.executable).parent))
COMMAND = (_installed,) if _installed is not None else (sys.executable, "-m", "lora_lint")
"""lora-lint as users start it: the command that is installed beside this Python, or else the package."""

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
