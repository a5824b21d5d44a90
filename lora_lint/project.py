"""The files around the one that is linted: imports, configs that refer to each other, local data."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING

from lora_lint import discovery, disk

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        self._texts: dict[str, tuple[SourceFile | None, disk.Noted]] = {}
        self._exists: dict[str, bool] = {}
        self._roots: dict[str, tuple[bool, disk.Noted]] = {}

    def is_root(self, folder: str) -> bool:
        """Whether nothing above `folder` belongs to the project: its root, the top of a repository or of the disk."""
        if folder not in self._roots:
            with disk.Watch() as watch:
                here = os.path.abspath(folder or ".")
                top = here == self._root or os.path.dirname(here) == here
                self._roots[folder] = (top or disk.exists(os.path.join(here, ".git")), watch.noted)
        top, noted = self._roots[folder]
        disk.again(noted)
        return top

    def upwards(self, folder: str, *, beyond: bool = False) -> Iterator[str]:
        """A folder and those above it that belong to the project, up to the current folder; or `beyond` that, to the
        root."""
        while True:
            yield folder
            if self.is_root(folder) or (not folder and not beyond):
                return
            folder = posixpath.normpath(posixpath.join(folder, "..")) if beyond else os.path.dirname(folder)

    def exists(self, path: str) -> bool:
        """Whether `path` is a regular file."""
        found = self._exists.get(path)
        if found is None:
            found = self._exists[path] = disk.is_file(path)
        else:
            disk.note("file", path, "1" if found else "")
        return found

    def size(self, path: str) -> int | None:
        """The bytes of a regular file; None if there is none."""
        return disk.size(path)

    def load(self, path: str) -> SourceFile | None:
        """The text of another file; None if there is none of a kind that is read, or it is too large or not text."""
        if path not in self._texts:
            if len(self._texts) >= _KEPT:
                del self._texts[next(iter(self._texts))]
            with disk.Watch() as watch:
                self._texts[path] = (self._read(path), watch.noted)
        source, noted = self._texts[path]
        disk.again(noted)
        return source

    def _read(self, path: str) -> SourceFile | None:
        from lora_lint.readers.errors import Unreadable

        kind = discovery.kind_of(path)
        if kind is None or not self.exists(path):
            return None
        try:
            data = disk.read(path, discovery.limit_of(kind))
            if data is None:
                return None
            if kind == "notebook":
                from lora_lint.readers.notebook import read_notebook

                return read_notebook(path, data)
            from lora_lint.readers.text import decode

            return decode(path, data, kind)
        except (OSError, ValueError, Unreadable, RecursionError, MemoryError):
            return None
