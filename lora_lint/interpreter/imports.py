"""Imports: of libraries by name, of the project's files by following them when one of their names is first used."""

from __future__ import annotations

from lora_lint.interpreter.definitions import Deferred
from lora_lint.interpreter.values import External, Val

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast

    from lora_lint.interpreter.definitions import Scope
    from lora_lint.interpreter.machine import Machine


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
            scope.module.star_modules.append(Deferred(name, node.level, None))
        else:
            machine.bind(scope, alias.asname or alias.name, Deferred(name, node.level, alias.name))


def _module(machine: Machine, name: str) -> Val:
    return External(name) if machine.library.knows(name) else Deferred(name, 0, None)
