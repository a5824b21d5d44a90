"""Imports between the files of one project."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from lora_lint.dialects.python.library import ADAPTER_WORDS, is_library
from lora_lint.interpreter.scope import Module
from lora_lint.readers.errors import Unreadable
from lora_lint.readers.python import parse

if TYPE_CHECKING:
    import ast

    from lora_lint.project import Project
    from lora_lint.source import SourceFile

MAX_FILES = 24

_IMPORT = re.compile(rb"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import\b[ \t]*(\w*)|import[ \t]+([\w.]+))", re.MULTILINE)


def worth_following(source: SourceFile, loader: ProjectLoader) -> bool:
    """Whether a file can hold a run: it names an adapter call, or imports a file of the project that does."""
    if ADAPTER_WORDS.search(source.utf8):
        return True
    for match in _IMPORT.finditer(source.utf8):
        dotted = (match[1] or match[3]).decode()
        name = dotted.lstrip(".")
        level = len(dotted) - len(name)
        if not level and is_library(name):
            continue
        nested = f"{name}.{match[2].decode()}".strip(".") if match[2] else name
        for candidate in dict.fromkeys((name, nested)):
            if loader.mentions(source.path, candidate, level, ADAPTER_WORDS):
                return True
    return False


class ProjectLoader:
    """Finds `import` targets beside the importing file and in the folders above it, up to the project's root."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._loaded: dict[str, tuple[Module, ast.Module] | None] = {}
        self._found: dict[tuple[str, str, int], str | None] = {}

    def module(self, importer: str, name: str, level: int) -> tuple[Module, ast.Module] | None:
        """The module `name` as `importer` would import it, or None if no file of the project is it."""
        path = self._path(importer, name, level)
        if path is None or path == importer:
            return None
        if path not in self._loaded:
            self._loaded[path] = self._load(path)
        return self._loaded[path]

    def mentions(self, importer: str, name: str, level: int, words: re.Pattern[bytes]) -> bool:
        """Whether the file that an import names belongs to the project and mentions one of some words."""
        path = self._path(importer, name, level)
        source = self._project.load(path) if path is not None and path != importer else None
        return source is not None and words.search(source.utf8) is not None

    def _path(self, importer: str, name: str, level: int) -> str | None:
        where = (posixpath.dirname(importer), name, level)
        if where not in self._found:
            self._found[where] = self._find(*where)
        return self._found[where]

    def _find(self, folder: str, name: str, level: int) -> str | None:
        relative = name.replace(".", "/")
        if level:
            for _ in range(level - 1):
                folder = posixpath.join(folder, "..")
            return self._file(posixpath.normpath(posixpath.join(folder, relative)))
        while True:
            for base in (folder, posixpath.join(folder, "src")):
                found = self._file(posixpath.normpath(posixpath.join(base, relative)))
                if found is not None:
                    return found
            if self._project.is_root(folder):
                return None
            folder = posixpath.normpath(posixpath.join(folder, ".."))

    def _file(self, stem: str) -> str | None:
        for candidate in (f"{stem}.py", f"{stem}/__init__.py"):
            if self._project.exists(candidate):
                return candidate
        return None

    def _load(self, path: str) -> tuple[Module, ast.Module] | None:
        if len(self._loaded) >= MAX_FILES:
            return None
        source = self._project.load(path)
        if source is None or source.kind != "python":
            return None
        try:
            return Module(source, is_main=False), parse(source)
        except Unreadable:
            return None
