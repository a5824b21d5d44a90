"""Imports between the files of one project."""

from __future__ import annotations

import posixpath
from functools import lru_cache
from itertools import chain

from lora_lint.interpreter.definitions import ProgramFile
from lora_lint.libraries.marks import names_adapter
from lora_lint.programs.shared import SharedModules
from lora_lint.readers.errors import Unreadable
from lora_lint.readers.python import LARGEST, parse
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator, Set
    from typing import TypeAlias

    from lora_lint.programs.outline import Import, Outline
    from lora_lint.project import Project
    from lora_lint.source import SourceFile

    _Parsed: TypeAlias = "tuple[tuple[SourceFile, ast.Module] | None, disk.Noted | None]"
    """The text and the tree of a file, and what reading it asked the disk."""

MAX_FILES = 100
"""The most files that one program takes names from; those that a shared module imports while it is followed do not
count. Of 3,480 programs in 38 repositories half import none from their project, 1% import more than 40, and one imports
79."""
_MOST_NAMES = 300
"""The most names in other files that are examined for one program before it counts as one that reaches an adapter."""
_MOST_IMPORTS = 10
"""The most names that a file, such as a trainer's, may import from its project for one of them to show that it leads to
an adapter. A file that imports more, as modules of frameworks do, reaches one whatever it is for: without this limit
ms-swift and LLaMA-Factory took 1.6 to 1.9 times as long, with the same findings."""
_KEPT_BYTES = 2_000_000
"""Bytes of imported text whose trees are kept; a tree takes some forty times the space of its text."""
_UNCERTAIN = (b"load_adapter(", b"instantiate(", b"utils.call(")
"""Calls that give a program a run of its own, whatever it takes from the files that it imports."""


def worth_following(source: SourceFile, loader: ProjectLoader) -> bool:
    """Whether a file can contain a run: it names an adapter call, or what it executes reaches one in a file that it
    imports."""
    text = source.utf8
    if names_adapter(text):
        return True
    from lora_lint.programs.outline import Outline

    outline = Outline(text)
    return loader.reaches_adapter(source.path, outline, whatever=any(call in text for call in _UNCERTAIN))


class ProjectLoader:
    """Finds the targets of `import` for one program: next to the importing file and in the folders above it, up to the
    project's root."""

    def __init__(self, project: Project) -> None:
        self._files = _files_of(project)
        self._loaded: dict[str, tuple[ProgramFile, ast.Module] | None] = {}
        self.left: list[str] = []
        """Files that are not followed because there are too many."""
        self.large: list[str] = []
        """Files that are not followed because they are too large."""
        self.copies = False
        """Whether the program uses a copy of a library."""

    def module(self, importer: str, name: str, level: int) -> tuple[ProgramFile, ast.Module] | None:
        """The module `name` as `importer` would import it, or None if it is not a file of the project."""
        path = self._files.path(posixpath.dirname(importer), name, level)
        if path is None or path == importer:
            return None
        if path not in self._loaded:
            self._loaded[path] = self._module(path)
        return self._loaded[path]

    def copy_of(self, path: str) -> str | None:
        """The library that the project has a copy of under another name, of which `path` is the package: its functions
        are the library's, whatever the copy adds to them."""
        if not self._files.is_copy(path):
            return None
        self.copies = True
        return "peft"

    def _module(self, path: str) -> tuple[ProgramFile, ast.Module] | None:
        if len(self._loaded) >= MAX_FILES:
            self.left.append(path)
            return None
        shared = self._files.shared.get(path)
        if shared is not None:
            return shared
        found = self._files.tree(path)
        if found is None:
            if self._files.is_large(path):
                self.large.append(path)
            return None
        return ProgramFile(found[0], is_main=False), found[1]

    def undo(self) -> None:
        """Undoes the program's changes to modules that other programs import too."""
        self._files.shared.undo()

    def reaches_adapter(self, path: str, outline: Outline, *, whatever: bool) -> bool:
        """Whether a program's executed code reaches a call in other files that creates an adapter; with `whatever` it
        is enough that one of them names it."""
        return self._files.reaches_adapter(path, outline, whatever)


class _Files:
    """Where the imports of a project lead. Programs of one project import the same files, so they all share it."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._paths: disk.Remembered[tuple[str, str, int], str | None] = disk.Remembered()
        self._bases: disk.Remembered[str, tuple[str, ...]] = disk.Remembered()
        self._tops: disk.Remembered[tuple[str, str], bool] = disk.Remembered()
        self._naming: disk.Remembered[str, bool] = disk.Remembered()
        self._coming: disk.Remembered[str, bool] = disk.Remembered()
        self._leading: disk.Remembered[tuple[str, bytes], bool] = disk.Remembered()
        self._outlines: disk.Remembered[str, Outline] = disk.Remembered()
        self._trees: dict[str, _Parsed] = {}
        self._kept = 0
        self.shared = SharedModules(project, self.tree, self._imported, self.is_copy)

    def _imported(self, importer: str, name: str, level: int) -> str | None:
        return self.path(posixpath.dirname(importer), name, level)

    def path(self, folder: str, name: str, level: int) -> str | None:
        """The file that a program in `folder` imports as `name`; None if it is not a file of the project."""
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
        """The folders that programs in a folder may import from."""
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

    def is_copy(self, path: str) -> bool:
        """Whether a file is the package of a copy of PEFT (0.1 to 0.21: `peft_model.py` and `tuners`)."""
        folder, name = posixpath.split(path)
        parts = ("peft_model.py", "tuners/__init__.py")
        return name == "__init__.py" and all(self._project.exists(f"{folder}/{part}") for part in parts)

    def names_adapter(self, path: str) -> bool:
        """Whether the text of a file names an adapter call."""
        return self._naming.get(path, self._reads_adapter)

    def _reads_adapter(self, path: str) -> bool:
        source = self._project.load(path)
        if source is None:
            return False
        return names_adapter(source.utf8) or (path.endswith("/__init__.py") and self._hands_on_adapter(source))

    def _hands_on_adapter(self, package: SourceFile) -> bool:
        """Whether a package takes names from one of its own files that names an adapter call."""
        folder = posixpath.dirname(package.path)
        for each in chain.from_iterable(self.outline(package.path).imports.values()):
            if each.level != 1 or not (each.module or each.member):
                continue
            path = self.path(folder, each.module or each.member or "", 1)
            if path is not None and not path.endswith("/__init__.py") and self.names_adapter(path):
                return True
        return False

    def outline(self, path: str) -> Outline:
        """What the text of a file reveals; nothing if it cannot be read."""
        return self._outlines.get(path, self._outlined)

    def _outlined(self, path: str) -> Outline:
        from lora_lint.programs.outline import Outline

        source = self._project.load(path)
        return Outline(source.utf8 if source is not None else b"")

    def reaches_adapter(self, program: str, outline: Outline, whatever: bool) -> bool:
        """See ProjectLoader.reaches_adapter."""
        coming = {name: self._coming_of(program, imports) for name, imports in outline.imports.items()}
        if whatever or not any(coming.values()):
            return any(coming.values())
        running = outline.running  # which costs more than all of the above
        asked = [name for name in coming if name in running or name == b"*"]
        taken = [pair for name in asked for pair in coming[name]]
        if taken and any(map(outline.makes_config, asked)):
            return True
        return any(
            self._leading.get(start, self._leads)
            for each, files in taken
            for start in self._names_for(files, each, running)
        )

    def _coming_of(self, program: str, imports: list[Import]) -> list[tuple[Import, list[str]]]:
        """Those of some imports that lead to an adapter call, and the files that each may refer to."""
        found = ((each, self._candidates(program, each)) for each in imports)
        return [(each, files) for each, files in found if any(map(self._comes_to_adapter, files))]

    def _comes_to_adapter(self, path: str) -> bool:
        """Whether a file, or one that is two imports away, names an adapter call."""
        return self._coming.get(path, self._imports_adapter)

    def _imports_adapter(self, path: str) -> bool:
        return self.names_adapter(path) or any(map(self._takes_adapter, self._sources(path)))

    def _takes_adapter(self, path: str) -> bool:
        """Whether a file, or one that it takes names from, names an adapter call."""
        return self.names_adapter(path) or any(map(self.names_adapter, self._sources(path)))

    def _sources(self, path: str) -> dict[str, None]:
        """The files that a file takes names from; none if it takes many."""
        taken = [each for each in chain.from_iterable(self.outline(path).imports.values()) if not each.of_library]
        if len(taken) > _MOST_IMPORTS:
            return {}
        return {file: None for each in taken for file in self._candidates(path, each)}

    def _candidates(self, importer: str, taken: Import) -> list[str]:
        """The files of the project that an import may refer to: the module, or one in a package."""
        if taken.of_library:
            return []
        folder = posixpath.dirname(importer)
        found = [self.path(folder, taken.module, taken.level)]
        if taken.member not in (None, "*") and (found[0] is None or found[0].endswith("/__init__.py")):
            found.append(self.path(folder, f"{taken.module}.{taken.member}".lstrip("."), taken.level))
        return [path for path in found if path is not None and path != importer]

    def _names_for(self, files: list[str], taken: Import, mentioned: Set[bytes]) -> Iterator[tuple[str, bytes]]:
        """The names in some files that an import asks for: its own or, for a whole module, those that are mentioned."""
        for number, path in enumerate(files):
            if taken.member in (None, "*") or number:
                outline = self.outline(path)
                yield from ((path, name) for name in mentioned if name in outline.names or name in outline.imports)
            else:
                yield path, taken.member.encode()

    def _leads(self, start: tuple[str, bytes]) -> bool:
        """Whether the definition of a name in a file leads to an adapter, there or in other files."""
        seen, waiting = {start}, [start]
        while waiting:
            path, name = waiting.pop()
            outline = self.outline(path)
            if outline.makes_config(name) or len(seen) > _MOST_NAMES:
                return True
            mentioned = outline.mentioned_by(name)
            new = {(path, each) for each in mentioned & (outline.names | outline.imports.keys())}
            for bound in {name, b"*", *mentioned} & outline.imports.keys():
                for each in outline.imports[bound]:
                    asked = {name} if bound == b"*" else mentioned
                    new.update(self._names_for(self._candidates(path, each), each, asked))
            waiting += new - seen
            seen |= new
        return False

    def is_large(self, path: str) -> bool:
        """Whether a file has more bytes than are parsed."""
        return (self._project.size(path) or 0) > LARGEST

    def tree(self, path: str) -> tuple[SourceFile, ast.Module] | None:
        """The text and the syntax tree of a file; None if it cannot be parsed. The most recent are kept."""
        entry = self._trees.pop(path, None)
        if entry is None or not disk.again(entry[1]):
            self._kept -= _bytes_of(entry)
            entry = disk.asking(lambda: self._parsed(path))
            self._kept += _bytes_of(entry)
        self._trees[path] = entry
        while self._kept > _KEPT_BYTES:
            self._kept -= _bytes_of(self._trees.pop(next(iter(self._trees))))
        return entry[0]

    def _parsed(self, path: str) -> tuple[SourceFile, ast.Module] | None:
        source = self._project.load(path)
        if source is None or source.kind != "python":
            return None
        try:
            return source, parse(source)
        except Unreadable:
            return None


def _bytes_of(entry: _Parsed | None) -> int:
    found = entry[0] if entry is not None else None
    return len(found[0].utf8) if found is not None else 0


@lru_cache(maxsize=1)
def _files_of(project: Project) -> _Files:
    return _Files(project)
