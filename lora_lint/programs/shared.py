"""Modules of a project that many of its programs import: each is followed once, and a program's changes to it are
undone.

A module is shared only if following it does nothing but define its names. One that creates an adapter, a model or an
option, that imports in a circle, or that contains something that cannot be restored is followed again for each program.
The content of a shared module does not depend on the program that asks for it first, so the order of files changes no
report.
"""

from __future__ import annotations

from lora_lint.interpreter.definitions import Class, Deferred, Function, Instance, Namespace, ProgramFile
from lora_lint.interpreter.machine import Exhausted, Machine
from lora_lint.interpreter.values import (
    Const,
    DictVal,
    Either,
    External,
    ListVal,
    Member,
    Object,
    Opaque,
    PathVal,
    Space,
)
from lora_lint.libraries.table import Knowledge
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Callable
    from typing import Any

    from lora_lint.interpreter.definitions import Scope
    from lora_lint.interpreter.journal import Journal
    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.effects import Records
    from lora_lint.project import Project
    from lora_lint.source import SourceFile, Span

_ASKS_FOR_OPTIONS = frozenset({"fire.Fire", "typer.run"})
_KEPT_BYTES = 2_000_000
"""Bytes of shared modules that are kept; all are dropped at once, so that no two of them hold different copies of a
third."""


class _NotShared(Exception):
    """A module cannot be shared between programs."""


class SharedModules:
    """The shared modules of one project. `tree` gives the text and the syntax tree of a file, `find` the file that an
    import refers to, and `is_copy` whether a file is the package of a library's copy."""

    def __init__(
        self,
        project: Project,
        tree: Callable[[str], tuple[SourceFile, ast.Module] | None],
        find: Callable[[str, str, int], str | None],
        is_copy: Callable[[str], bool],
    ) -> None:
        self._is_copy = is_copy
        self._project = project
        self._tree = tree
        self._find = find
        self._kept: dict[str, tuple[tuple[ProgramFile, ast.Module] | None, disk.Noted | None]] = {}
        self._contents: dict[str, _Contents] = {}
        self._needed: dict[str, set[str]] = {}
        """The modules that each one asks for while it is followed."""
        self._loading: list[str] = []
        self._used: set[str] = set()
        self._bytes = 0

    def get(self, path: str) -> tuple[ProgramFile, ast.Module] | None:
        """A module with its names defined, and its syntax tree; None if each program has to follow it itself."""
        if self._loading:
            self._needed[self._loading[-1]].add(path)
        else:
            self._used.add(path)
        entry = self._kept.get(path)
        if entry is None or not disk.again(entry[1]):
            entry = self._kept[path] = disk.asking(lambda: self._followed(path))
        return entry[0]

    def module(self, importer: str, name: str, level: int) -> tuple[ProgramFile, ast.Module] | None:
        """The answers to the interpreter while it follows a shared module. Raises _NotShared."""
        path = self._find(importer, name, level)
        if path is None or path == importer:
            return None
        if path in self._loading:
            raise _NotShared
        found = self.get(path)
        if found is None:
            raise _NotShared
        return found

    def copy_of(self, path: str) -> None:
        """A module that takes names from a copy of a library is followed for each program. Raises _NotShared."""
        if self._is_copy(path):
            raise _NotShared

    def undo(self) -> None:
        """Undoes a program's changes."""
        changed, waiting = set(self._used), list(self._used)
        while waiting:
            more = self._needed.get(waiting.pop(), set()) - changed
            changed |= more
            waiting += more
        for path in changed & self._contents.keys():
            self._contents[path].put_back()
        self._used.clear()
        if self._bytes > _KEPT_BYTES:
            self._kept.clear()
            self._contents.clear()
            self._needed.clear()
            self._bytes = 0

    def _followed(self, path: str) -> tuple[ProgramFile, ast.Module] | None:
        parsed = self._tree(path)
        if parsed is None:
            return None
        source, tree = parsed
        module, library = ProgramFile(source, is_main=False), _Defining(self._project)
        module.scope.names["__name__"] = Const(path)
        machine = Machine(library, self)
        self._loading.append(path)
        self._needed[path] = set()
        try:
            machine.load(module, tree)
            if library.asked or _has_effects(library.records):
                return None
            contents = _Contents(module, machine.journal)
        except (_NotShared, Exhausted, RecursionError):
            return None
        finally:
            self._loading.pop()
        self._contents[path] = contents
        self._bytes += len(source.utf8)
        return module, tree


class _Defining(Knowledge):
    """A stand-in for the libraries while a module is followed for its names; `asked`: it asks for the options of its
    program."""

    def __init__(self, project: Project) -> None:
        super().__init__(project)
        self.asked = False

    def call(
        self, machine: Machine, name: str, arguments: Arguments, span: Span, own: Class | None = None
    ) -> Val | None:
        self.asked = self.asked or name in _ASKS_FOR_OPTIONS
        return super().call(machine, name, arguments, span, own)

    def method(
        self, machine: Machine, root: Object, path: tuple[str, ...], arguments: Arguments, span: Span
    ) -> Val | None:
        self.asked = self.asked or path[-1].startswith("parse")
        return super().method(machine, root, path, arguments, span)


def _has_effects(records: Records) -> bool:
    """Whether following a module did more than define its names."""
    made = (records.configs, records.runs, records.models, records.launches, records.engines, records.served)
    noted = (records.wandb_space, records.loaded, records.new_tokens, records.unread)
    return any(map(bool, (*made, *noted))) or records.config_folder is not None


class _Contents:
    """The current state of everything in a module that can be changed. Raises _NotShared for what cannot be
    restored."""

    def __init__(self, module: ProgramFile, journal: Journal) -> None:
        self._journal = journal
        self._dicts: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self._lists: list[tuple[list[Any], list[Any]]] = []
        self._open: list[tuple[ListVal | DictVal | Instance, bool]] = []
        self._waiting: list[Val] = []
        self._seen: set[int] = set()
        self._module = module
        self._keep_scope(module.scope)
        while self._waiting:
            value = self._waiting.pop()
            if id(value) not in self._seen:
                self._seen.add(id(value))
                self._keep(value)

    def put_back(self) -> None:
        """Restores everything to its earlier state."""
        for names, before in self._dicts:
            if names != before or len(names) != len(before):
                names.clear()
                names.update(before)
        for items, content in self._lists:
            items[:] = content
        for value, was_open in self._open:
            value.open = was_open

    def _keep(self, value: Val) -> None:
        if isinstance(value, Const | Opaque | PathVal | External | Deferred | Namespace):
            return
        if isinstance(value, Either | Space):
            self._waiting += value.options
        elif isinstance(value, ListVal):
            self._lists.append((value.items, list(value.items)))
            self._open.append((value, value.open))
            self._waiting += value.items
        elif isinstance(value, DictVal):
            if any(self._journal.perhaps(value.items, key) for key in value.items):
                raise _NotShared
            self._open.append((value, value.open))
            self._keep_dict(value.items)
        elif isinstance(value, Instance):
            self._open.append((value, value.open))
            self._keep_dict(value.attributes)
            self._waiting += [value.class_] if value.class_ is not None else []
        elif isinstance(value, Class):
            self._keep_dict(value.attributes)
            self._waiting += value.bases
            self._keep_scope(value.scope)
        elif isinstance(value, Function):
            self._waiting += (*value.defaults.values(), *value.decorators)
            self._waiting += [value.owner] if value.owner is not None else []
            self._keep_scope(value.scope)
        elif isinstance(value, Member):
            self._waiting.append(value.owner)
        elif isinstance(value, Object) and value.data is None:
            self._keep_dict(value.attributes)
            self._waiting += (*value.arguments.positional, *value.arguments.keywords.values())
        else:
            raise _NotShared

    def _keep_scope(self, scope: Scope | None) -> None:
        while scope is not None and scope.module is self._module and id(scope) not in self._seen:
            self._seen.add(id(scope))
            self._keep_dict(scope.names)
            scope = scope.outer

    def _keep_dict(self, names: dict[Any, Val]) -> None:
        if id(names) not in self._seen:
            self._seen.add(id(names))
            self._dicts.append((names, dict(names)))
            self._waiting += names.values()
