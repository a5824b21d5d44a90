"""The package as source: its modules, what they import and define, for tests of how it is built."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
NAME = "lora_lint"


@cache
def sources() -> dict[str, str]:
    """The text of each module, by its name below the package ("linting.pool")."""
    texts = {}
    for path in sorted((ROOT / NAME).rglob("*.py")):
        parts = path.relative_to(ROOT / NAME).with_suffix("").parts
        texts[".".join(part for part in parts if part != "__init__")] = path.read_text(encoding="utf-8")
    return texts


@dataclass(frozen=True)
class Package:
    """Some modules by name. Imports are those that happen when the program runs, wherever they are written, and where
    `typing` is on also those for type checkers alone."""

    modules: Mapping[str, ast.Module]

    def imports(self, *, typing: bool = False) -> dict[str, set[str]]:
        """The modules of the package that each module imports."""
        return {
            name: {target for target, _ in self._imported(tree, typing)} - {name} for name, tree in self.modules.items()
        }

    def private_imports(self) -> list[str]:
        """What modules import from others though its name starts with an underscore: "linting.pool takes rules._x"."""
        return [
            f"{name} takes {target}.{member}"
            for name, tree in self.modules.items()
            for target, member in (*self._imported(tree), *self._attributes(tree))
            if target != name and member.startswith("_") and not member.startswith("__")
        ]

    def _attributes(self, tree: ast.Module) -> Iterator[tuple[str, str]]:
        """The attributes that are read of each imported module: `github._data`."""
        modules = {target.rpartition(".")[2]: target for target, member in self._imported(tree) if not member}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                yield modules[node.value.id], node.attr

    def _imported(self, tree: ast.Module, typing: bool = False) -> Iterator[tuple[str, str]]:
        """The module and the member of each import; a module alone has no member."""
        for node in _import_statements(tree.body, typing):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    below = _below(alias.name)
                    if below in self.modules:
                        yield below, ""
            elif node.module is not None and (source := _below(node.module)) is not None:
                for alias in node.names:
                    member = f"{source}.{alias.name}".lstrip(".")
                    if member in self.modules:
                        yield member, ""
                    elif source in self.modules:
                        yield source, alias.name


def package(added: Mapping[str, str] | None = None) -> Package:
    """The package as it is, with some text added at the end of some modules, or as new ones."""
    texts = dict(sources())
    for name, text in (added or {}).items():
        texts[name] = texts.get(name, "") + text
    return Package({name: _parsed(text) for name, text in texts.items()})


def circles(imports: Mapping[str, set[str]]) -> list[frozenset[str]]:
    """The groups of modules that import each other, directly or through others of the group."""
    reached = {name: _reached(name, imports) for name in imports}
    groups = {frozenset(other for other in reached[name] if name in reached[other]) for name in imports}
    return sorted((group for group in groups if len(group) > 1), key=sorted)


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def _below(name: str) -> str | None:
    """The name of a module below the package; None for a module of another one."""
    first, _, rest = name.partition(".")
    return rest if first == NAME else None


def _import_statements(body: list[ast.stmt], typing: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports among statements, and within them; those under `if TYPE_CHECKING` with `typing`."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from _import_statements([*(node.body if typing else []), *node.orelse], typing)
        else:
            for field in ("body", "orelse", "finalbody"):
                yield from _import_statements(getattr(node, field, []), typing)
            for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                yield from _import_statements(part.body, typing)


def _reached(start: str, imports: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for target in imports[waiting.pop()] - seen:
            seen.add(target)
            waiting.append(target)
    return seen
