"""Imports: of libraries by name, of the project's files by following them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.interpreter import statements
from lora_lint.interpreter.scope import Module, Scope
from lora_lint.interpreter.values import Const, Deferred, External, Namespace, Opaque, Val

if TYPE_CHECKING:
    import ast

    from lora_lint.interpreter.machine import Machine
    from lora_lint.interpreter.scope import Module, Scope


def import_names(machine: Machine, node: ast.Import, scope: Scope) -> None:
    for alias in node.names:
        if alias.asname:
            statements.bind(machine, scope, alias.asname, _module(machine, alias.name, 0))
        else:
            top = alias.name.partition(".")[0]
            statements.bind(machine, scope, top, _module(machine, top, 0))


def import_members(machine: Machine, node: ast.ImportFrom, scope: Scope) -> None:
    name = node.module or ""
    if not node.level and _is_library(machine, name):
        for alias in node.names:
            if alias.name == "*":
                scope.module.star_imports.append(name)
            else:
                dotted = f"{name}.{alias.name}"
                value = machine.library.external(machine, dotted, machine.span(alias, scope)) or External(dotted)
                statements.bind(machine, scope, alias.asname or alias.name, value)
        return
    for alias in node.names:
        statements.bind(machine, scope, alias.asname or alias.name, Deferred(name, node.level, alias.name))


def _module(machine: Machine, name: str, level: int) -> Val:
    if not level and _is_library(machine, name):
        return External(name)
    return Deferred(name, level, None)


def _is_library(machine: Machine, name: str) -> bool:
    top = name.partition(".")[0]
    return machine.library.knows(top)


_MAX_HOPS = 20
"""Files that hand a name on; more are taken for a circle of imports."""


def resolve(machine: Machine, deferred: Deferred, scope: Scope, hops: int = 0) -> Val:
    """What an import of a file of the project gives; a library's member if there is no such file."""
    if hops > _MAX_HOPS:
        return Opaque(f"`{deferred.name}` is imported in a circle")
    found = machine.loader.module(scope.module.source.path, deferred.module, deferred.level)
    dotted = deferred.module if deferred.name is None else f"{deferred.module}.{deferred.name}"
    if found is None:
        if deferred.name is not None:
            nested = machine.loader.module(scope.module.source.path, dotted, deferred.level)
            if nested is not None:
                return _loaded(machine, *nested)
        return External(f"?.{dotted}" if deferred.level else dotted)
    space = _loaded(machine, *found)
    if deferred.name is None:
        return space
    value = space.scope.names.get(deferred.name)
    if value is None:
        nested = machine.loader.module(scope.module.source.path, dotted, deferred.level)
        if nested is not None:
            return _loaded(machine, *nested)
        for package in space.scope.module.star_imports:
            return External(f"{package}.{deferred.name}")
        return Opaque(f"`{deferred.name}` is not defined in {found[0].source.path}")
    return resolve(machine, value, space.scope, hops + 1) if isinstance(value, Deferred) else value


def _loaded(machine: Machine, module: Module, tree: ast.Module) -> Namespace:
    if not module.scope.names:
        module.scope.names["__name__"] = Const(module.source.path)
        machine.load(module, tree)
    return Namespace(module.scope)
