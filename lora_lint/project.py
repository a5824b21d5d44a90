"""The files around the linted one: imports, configs that refer to each other, local data."""

from __future__ import annotations

import itertools
import os
import posixpath
from functools import partial

from lora_lint import discovery
from lora_lint.system import bounds, disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lora_lint.source import FileKind, SourceFile

_KEPT = 256
"""The number of texts kept in memory."""
_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "README.md")
"""Files that mark the top of a project."""
MAX_PROGRAMS = 200
"""How many programs are searched for a word, and how many folders for programs."""
_NOT_OURS = frozenset({"node_modules", "site-packages", "venv", "env", "__pycache__"})


_SHORTEST = 4
"""Characters of a project's name by which a path may begin."""


def is_absolute(path: str) -> bool:
    """Whether a path begins at a root, on this system or with a drive of Windows: `C:/data/train.jsonl`."""
    return os.path.isabs(path) or path[1:3] in (":/", ":\\")


class Project:
    """Reads other files of a project, each once. `root` is the folder where searches stop ("": the current one).

    A file outside the project's tree (see `bounds`) counts as missing. Paths are as reports show them: relative to the
    current folder, or absolute, with `/`.
    """

    def __init__(self, root: str = "") -> None:
        self.root = root
        self._root = os.path.abspath(root or ".")
        self._trees = [bounds.tree(root)]
        given = os.path.realpath(root or os.curdir)
        if not bounds.holds(given, os.path.realpath(os.curdir)):  # the folder of a settings file given by name
            self._trees.append(given)
        self._texts: disk.Remembered[str, SourceFile | None] = disk.Remembered(_KEPT)
        self._exists: dict[str, bool] = {}
        self._real: disk.Remembered[str, str] = disk.Remembered()
        self._within: disk.Remembered[str, bool] = disk.Remembered()
        self._roots: disk.Remembered[str, bool] = disk.Remembered()

    def admit(self, path: str) -> None:
        """Allows reading what surrounds a linted file: outside the project's tree, the tree of the file's own
        project."""
        folder = self._real.get(os.path.dirname(path), disk.real)
        if not self._holds(folder):
            *_, top = self.upwards(folder.replace(os.sep, "/"), beyond=True)
            self._trees.append(os.path.normpath(top))
            self._texts, self._within = disk.Remembered(_KEPT), disk.Remembered()

    def is_root(self, folder: str) -> bool:
        """Whether nothing above `folder` belongs to the project: it is the root, the top of a repository or of
        the disk, or, outside these, no folder above it is a repository's or has one of the files that mark a
        project's top."""
        return self._roots.get(folder, self._is_top)

    def _is_top(self, folder: str) -> bool:
        here = os.path.abspath(folder or ".")
        if here == self._root or os.path.dirname(here) == here or disk.exists(os.path.join(here, ".git")):
            return True
        return not bounds.holds(self._root, here) and not any(map(_is_projects, bounds.above(here)))

    def upwards(self, folder: str, *, beyond: bool = False) -> Iterator[str]:
        """A folder and those above it that belong to the project, up to the current folder or, with `beyond`, up to the
        root."""
        while True:
            yield folder
            if (not folder and not beyond) or self.is_root(folder):
                return
            folder = posixpath.normpath(posixpath.join(folder, "..")) if beyond else os.path.dirname(folder)

    def nearest(self, near: str, *paths: str) -> str | None:
        """The file that the first of some relative paths leads to from the folder of the file `near`, otherwise from a
        folder above, as a program started there finds it; None if the project does not have it."""
        for folder in self.upwards(os.path.dirname(near)):
            for path in paths:
                place = os.path.normpath(os.path.join(folder, path)).replace(os.sep, "/")
                if self.exists(place):
                    return place
        return None

    def by_end(self, near: str, path: str, least: int = 1) -> str | None:
        """The file that a path leads to. Of an absolute one, on the author's machine, the project may have the end:
        `configs/sft.yaml` of `/home/me/project/configs/sft.yaml`, of `least` parts or more. The longest end counts; the
        root of the project has another name where it was cloned."""
        path = path.replace("\\", "/")  # as Windows writes it
        if not is_absolute(path):
            return self.nearest(near, path) or self._from_outside(near, path)
        parts = path.strip("/").split("/")
        ends = ("/".join(parts[start:]) for start in range(max(len(parts) - least, 0) + 1))
        return next((found for end in ends if (found := self.nearest(near, end)) is not None), None)

    def _from_outside(self, near: str, path: str) -> str | None:
        """The file that a path leads to from the folder that the project was cloned into, as notebooks do:
        `project/data/train.jsonl`. A copy that was downloaded may have a longer name: `project-main`."""
        first, _, rest = path.removeprefix("./").partition("/")
        if len(first) < _SHORTEST or not rest:
            return None
        for folder in self.upwards(os.path.dirname(near)):
            if first in os.path.basename(os.path.abspath(folder or ".")):
                place = os.path.normpath(os.path.join(folder, rest)).replace(os.sep, "/")
                if self.exists(place):
                    return place
        return None

    def exists(self, path: str) -> bool:
        """Whether `path` is a regular file of the project."""
        found = self._exists.get(path)
        if found is None:
            found = self._exists[path] = disk.is_file(path)
        else:
            disk.note("file", path, "1" if found else "")
        return found and self._within.get(path, self._is_within)

    def _is_within(self, path: str) -> bool:
        """Whether a file, once links are followed, is in the project's tree or in another linted one."""
        if os.path.islink(path):
            return self._holds(disk.real(path))
        folder, name = os.path.split(path)
        return self._holds(os.path.join(self._real.get(folder, disk.real), name))

    def _holds(self, real: str) -> bool:
        return any(bounds.holds(tree, real) for tree in self._trees)

    def size(self, path: str) -> int | None:
        """The bytes of a regular file of the project; None if there is none."""
        return disk.size(path) if self.exists(path) else None

    def load(self, path: str, otherwise: FileKind | None = None) -> SourceFile | None:
        """The text of another file; None if it is missing, of a kind that is not read, too large or not text.
        `otherwise` is the kind of a file whose name shows none."""
        return self._texts.get(path, partial(self._read, otherwise=otherwise))

    def load_cells(self, path: str) -> SourceFile | None:
        """A notebook as `load` gives it, but for cells that are not Python, which only parsing finds: for its
        commands."""
        from lora_lint.readers.notebook import read_cells

        return self._decoded(path, "notebook", lambda _, __, data: read_cells(path, data))

    def programs_name(self, word: str, near: str) -> bool:
        """Whether a Python program around the file `near` contains a word."""
        return any(True for _ in self.programs_naming(word, near))

    def programs_naming(self, word: str, near: str) -> Iterator[str]:
        """The Python programs around the file `near` that contain a word: in its folder, in those above it, and up to
        three folders below these. At most MAX_PROGRAMS are searched, the nearest first."""
        wanted = os.fsencode(word)
        for path in itertools.islice(self._programs(os.path.dirname(near)), MAX_PROGRAMS):
            source = self.load(path)
            if source is not None and wanted in source.utf8:
                yield path

    def _programs(self, folder: str) -> Iterator[str]:
        seen: set[str] = set()
        for top in self.upwards(folder):
            below = [(top, 0)]
            while below and len(seen) < MAX_PROGRAMS:
                here, depth = below.pop(0)
                if here in seen:
                    continue
                seen.add(here)
                for name in sorted(disk.names(here or ".") or ()):
                    path = posixpath.join(here, name)
                    if name.endswith(".py"):
                        yield path
                    elif "." not in name and depth < 3 and name not in _NOT_OURS:
                        below.append((path, depth + 1))

    def _read(self, path: str, otherwise: FileKind | None = None) -> SourceFile | None:
        from lora_lint.readers.files import decode

        kind = discovery.kind_of(path) or otherwise
        return None if kind is None else self._decoded(path, kind, decode)

    def _decoded(
        self, path: str, kind: FileKind, decode: Callable[[str, FileKind, bytes], SourceFile]
    ) -> SourceFile | None:
        from lora_lint.readers.errors import Unreadable

        if not self.exists(path):
            return None
        try:
            data = disk.read(path, discovery.limit_of(kind))
            if data is None:
                return None
            return decode(path, kind, data)
        except (OSError, ValueError, Unreadable, RecursionError, MemoryError):
            return None


def _is_projects(folder: str) -> bool:
    """Whether a folder is the top of a repository, or has a file that marks a project's top."""
    return disk.exists(os.path.join(folder, ".git")) or any(disk.is_file(os.path.join(folder, mark)) for mark in _MARKS)
