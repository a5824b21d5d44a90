"""The files around the one that is linted: imports, configs that refer to each other, local data."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from lora_lint import discovery

if TYPE_CHECKING:
    from lora_lint.source import SourceFile

_KEPT = 256
"""Texts kept at a time."""


class Project:
    """Reads other files of a project, each once. `root` is the folder that searches stop at ("": the current one).

    Paths are as reports show them: relative to the current folder, or absolute, with `/`.
    """

    def __init__(self, root: str = "") -> None:
        self.root = root
        self._root = os.path.abspath(root or ".")
        self._texts: dict[str, SourceFile | None] = {}
        self._exists: dict[str, bool] = {}
        self._roots: dict[str, bool] = {}

    def is_root(self, folder: str) -> bool:
        """Whether nothing above `folder` belongs to the project: its root, the top of a repository or of the disk."""
        if folder not in self._roots:
            here = os.path.abspath(folder or ".")
            top = here == self._root or os.path.dirname(here) == here
            self._roots[folder] = top or os.path.exists(os.path.join(here, ".git"))
        return self._roots[folder]

    def exists(self, path: str) -> bool:
        """Whether `path` is a regular file."""
        if path not in self._exists:
            self._exists[path] = self.size(path) is not None
        return self._exists[path]

    def size(self, path: str) -> int | None:
        """The bytes of a regular file; None if there is none."""
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def load(self, path: str) -> SourceFile | None:
        """The text of another file; None if there is none of a kind that is read, or it is too large or not text."""
        if path not in self._texts:
            if len(self._texts) >= _KEPT:
                del self._texts[next(iter(self._texts))]
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> SourceFile | None:
        from lora_lint.readers.errors import Unreadable

        kind = discovery.kind_of(path)
        if kind is None or not self.exists(path):
            return None
        try:
            data = discovery.read(path, discovery.limit_of(kind))
            if data is None:
                return None
            if kind == "notebook":
                from lora_lint.readers.notebook import read_notebook

                return read_notebook(path, data)
            from lora_lint.readers.text import decode

            return decode(path, data, kind)
        except (OSError, ValueError, Unreadable, RecursionError, MemoryError):
            return None
