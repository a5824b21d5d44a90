"""Imports between the files of one project."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from lora_lint.interpreter.definitions import Module
from lora_lint.libraries.marks import is_library, names_adapter
from lora_lint.readers.errors import Unreadable
from lora_lint.readers.python import LARGEST, parse
from lora_lint.system import disk

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from lora_lint.project import Project
    from lora_lint.source import SourceFile

MAX_FILES = 100
"""Files that are followed for one program. Of 3,480 programs of 38 repositories half import none of their project, 1%
import more than 40, and the most are 79."""
_KEPT_BYTES = 2_000_000
"""Text of imported files whose trees are kept; a tree takes some forty times the room of its text."""

_IMPORT = re.compile(rb"\n[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import\b[ \t]*(\w*)|import[ \t]+([\w.]+))")


def worth_following(source: SourceFile, loader: ProjectLoader) -> bool:
    """Whether a file can hold a run: it names an adapter call, or imports a file of the project that does."""
    if names_adapter(source.utf8):
        return True
    for name, level, member in _imports(source.utf8):
        if not level and is_library(name):
            continue
        nested = f"{name}.{member}".strip(".") if member else name
        for candidate in dict.fromkeys((name, nested)):
            if loader.names_adapter(source.path, candidate, level):
                return True
    return False


def _imports(text: bytes) -> Iterator[tuple[str, int, str]]:
    """The module that each import names, how many dots stand before it, and the first member that is taken of it; both
    names may be empty."""
    for match in _IMPORT.finditer(b"\n" + text):  # a pattern that begins with a letter is found the fastest
        dotted = (match[1] or match[3]).decode()
        name = dotted.lstrip(".")
        yield name, len(dotted) - len(name), (match[2] or b"").decode()


class ProjectLoader:
    """Finds `import` targets for one program: beside the importing file and in the folders above it, up to the
    project's root."""

    def __init__(self, project: Project) -> None:
        self._files = _files_of(project)
        self._loaded: dict[str, tuple[Module, ast.Module] | None] = {}
        self.left: list[str] = []
        """The files that are not followed because there are too many."""
        self.large: list[str] = []
        """Those that are not followed because they are too large."""

    def module(self, importer: str, name: str, level: int) -> tuple[Module, ast.Module] | None:
        """The module `name` as `importer` would import it, or None if no file of the project is it."""
        path = self._files.path(posixpath.dirname(importer), name, level)
        if path is None or path == importer:
            return None
        if path not in self._loaded:
            found = self._files.tree(path) if len(self._loaded) < MAX_FILES else None
            if found is None and len(self._loaded) >= MAX_FILES:
                self.left.append(path)
            elif found is None and self._files.is_large(path):
                self.large.append(path)
            self._loaded[path] = (Module(found[0], is_main=False), found[1]) if found is not None else None
        return self._loaded[path]

    def names_adapter(self, importer: str, name: str, level: int) -> bool:
        """Whether the file that an import names belongs to the project and names an adapter call."""
        path = self._files.path(posixpath.dirname(importer), name, level)
        return path is not None and path != importer and self._files.names_adapter(path)


class _Files:
    """What the imports of a project lead to. Programs of one project import the same files, so all of them share it."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._paths: disk.Remembered[tuple[str, str, int], str | None] = disk.Remembered()
        self._bases: disk.Remembered[str, tuple[str, ...]] = disk.Remembered()
        self._tops: disk.Remembered[tuple[str, str], bool] = disk.Remembered()
        self._naming: disk.Remembered[str, bool] = disk.Remembered()
        self._trees: dict[str, tuple[tuple[SourceFile, ast.Module] | None, disk.Noted]] = {}
        self._kept = 0

    def path(self, folder: str, name: str, level: int) -> str | None:
        """The file that a program in `folder` imports as `name`; None if no file of the project is it."""
        return self._paths.get((folder, name, level), self._find)

    def _find(self, where: tuple[str, str, int]) -> str | None:
        folder, name, level = where
        relative = name.replace(".", "/")
        if level:
            for _ in range(level - 1):
                folder = posixpath.join(folder, "..")
            return self._file(posixpath.normpath(posixpath.join(folder, relative)))
        top = relative.partition("/")[0]
        for base in self._bases.get(folder, self._above):
            if self._tops.get((base, top), self._holds):
                found = self._file(posixpath.normpath(posixpath.join(base, relative)))
                if found is not None:
                    return found
        return None

    def _above(self, folder: str) -> tuple[str, ...]:
        """Where the programs in a folder may import from."""
        return tuple(
            base
            for above in self._project.upwards(folder, beyond=True)
            for base in (above, posixpath.join(above, "src"))
        )

    def _holds(self, where: tuple[str, str]) -> bool:
        """Whether a folder has a module or a package of a name. Most imports are of libraries, which no folder has."""
        stem = posixpath.normpath(posixpath.join(*where))
        return self._project.exists(f"{stem}.py") or disk.exists(stem)

    def _file(self, stem: str) -> str | None:
        for candidate in (f"{stem}.py", f"{stem}/__init__.py"):
            if self._project.exists(candidate):
                return candidate
        return None

    def names_adapter(self, path: str) -> bool:
        """Whether the text of a file names an adapter call."""
        return self._naming.get(path, self._reads_adapter)

    def _reads_adapter(self, path: str) -> bool:
        source = self._project.load(path)
        if source is None:
            return False
        return names_adapter(source.utf8) or (path.endswith("/__init__.py") and self._hands_on_adapter(source))

    def _hands_on_adapter(self, package: SourceFile) -> bool:
        """Whether a package takes names from a file of its own that names an adapter call."""
        folder = posixpath.dirname(package.path)
        for name, level, member in _imports(package.utf8):
            if level != 1 or not (name or member):
                continue
            path = self.path(folder, name or member, 1)
            if path is not None and not path.endswith("/__init__.py") and self.names_adapter(path):
                return True
        return False

    def is_large(self, path: str) -> bool:
        """Whether a file has more bytes than are parsed."""
        return (self._project.size(path) or 0) > LARGEST

    def tree(self, path: str) -> tuple[SourceFile, ast.Module] | None:
        """The text and the syntax tree of a file; None if it cannot be parsed. The latest are kept."""
        if path in self._trees:
            found, noted = self._trees.pop(path)
            disk.again(noted)
        else:
            with disk.Watch() as watch:
                found, noted = self._parsed(path), watch.noted
            self._kept += len(found[0].utf8) if found is not None else 0
        self._trees[path] = (found, noted)
        while self._kept > _KEPT_BYTES:
            oldest, _ = self._trees.pop(next(iter(self._trees)))
            self._kept -= len(oldest[0].utf8) if oldest is not None else 0
        return found

    def _parsed(self, path: str) -> tuple[SourceFile, ast.Module] | None:
        source = self._project.load(path)
        if source is None or source.kind != "python":
            return None
        try:
            return source, parse(source)
        except Unreadable:
            return None


@lru_cache(maxsize=1)
def _files_of(project: Project) -> _Files:
    return _Files(project)
