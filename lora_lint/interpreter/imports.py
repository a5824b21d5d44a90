"""Imports: of libraries by name, of the project's files by following them when one of their names is first used."""

from __future__ import annotations

from lora_lint.interpreter.definitions import Deferred, Namespace
from lora_lint.interpreter.values import Const, External, Val

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast

    from lora_lint.interpreter.definitions import Scope
    from lora_lint.interpreter.machine import Machine


_NUMBERS = (int, float)


def import_names(machine: Machine, node: ast.Import, scope: Scope) -> None:
    for alias in node.names:
        if alias.asname:
            machine.bind(scope, alias.asname, _module(machine, alias.name))
        else:
            top = alias.name.partition(".")[0]
            machine.bind(scope, top, _module(machine, top))


def import_members(machine: Machine, node: ast.ImportFrom, scope: Scope) -> None:
    name = node.module or ""
    if not node.level and machine.library.knows(name):
        for alias in node.names:
            if alias.name == "*":
                scope.module.star_imports.append(name)
            else:
                dotted = f"{name}.{alias.name}"
                value = machine.library.external(machine, dotted, machine.span(alias, scope)) or External(dotted)
                machine.bind(scope, alias.asname or alias.name, value)
        return
    for alias in node.names:
        if alias.name == "*":
            imported = Deferred(name, node.level, None)
            scope.module.star_modules.append(imported)
            _replace(machine, imported, scope)
        else:
            machine.bind(scope, alias.asname or alias.name, Deferred(name, node.level, alias.name))


def _replace(machine: Machine, imported: Deferred, scope: Scope) -> None:
    """`from local_settings import *` after settings: those that the file has replace them, and one that the project
    does not have, which each user writes, may replace all."""
    numbers = [name for name, value in scope.names.items() if type(value) is Const and type(value.value) in _NUMBERS]
    if not numbers:
        return
    module = imported.resolved(machine, scope)
    if not isinstance(module, Namespace):
        scope.unsettle(machine)
        return
    for name in numbers:
        if name in module.scope.names:
            machine.bind(scope, name, module.scope.names[name])


def _module(machine: Machine, name: str) -> Val:
    return External(name) if machine.library.knows(name) else Deferred(name, 0, None)
