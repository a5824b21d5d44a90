"""Entry points for a launcher or another file: the functions of a file that it does not call itself."""

from __future__ import annotations

import re
from functools import partial

from lora_lint.interpreter.definitions import Class, Function

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast

    from lora_lint.interpreter.definitions import ProgramFile
    from lora_lint.interpreter.machine import Machine
    from lora_lint.interpreter.values import Val

_BEFORE_TESTS = ("setUpClass", "setup_class", "setUp", "setup_method")
_OF_THE_CLASS = frozenset({"setUpClass", "setup_class"})
_MAX_CALLERS = 4
_COMMANDS = frozenset({"command", "callback", "local_entrypoint"})
"""Decorators of typer, click and Modal."""


def follow(machine: Machine, tree: ast.Module, module: ProgramFile) -> None:
    """Follows functions and methods that lead to an adapter and have not been called, with unknown arguments."""
    for function, owner in _leading(machine, tree, module):
        if id(function.node) in machine.called:
            continue
        changes = machine.journal.branch(partial(_enter, machine, function, owner))
        machine.journal.apply({where: each for where, each in changes.items() if machine.library.lasts(*each[:2])})


def _leading(machine: Machine, tree: ast.Module, module: ProgramFile) -> list[tuple[Function, Class | None]]:
    """Functions that lead to an adapter, by the names in their text; callers before what they call."""
    callees: list[tuple[Function, Class | None]] = []
    for node in tree.body:
        found = module.scope.names.get(getattr(node, "name", ""))
        if isinstance(found, Function):
            callees.append((found, None))
        elif isinstance(found, Class):
            callees += [(value, found) for value in found.attributes.values() if isinstance(value, Function)]
    callees = [callee for callee in callees if id(callee[0].node) not in machine.called]
    texts = {id(function): function.text() for function, _ in callees}
    leading = [callee for callee in callees if _is_command(callee[0]) or machine.library.concerns(texts[id(callee[0])])]
    others = [callee for callee in callees if callee not in leading] if leading else []
    words = {id(function): set(re.findall(rb"\w+", texts[id(function)])) for function, _ in others}
    for _ in range(_MAX_CALLERS):
        names = {function.name.encode() for function, _ in leading}
        more = [callee for callee in others if not names.isdisjoint(words[id(callee[0])])]
        if not more:
            break
        leading = more + leading
        others = [callee for callee in others if callee not in more]
    return leading


def _is_command(function: Function) -> bool:
    """Whether a command line starts a function: `@app.command()` of typer and click."""
    return any(name.rpartition(".")[2] in _COMMANDS for name in function.decorated_with())


def _enter(machine: Machine, function: Function, owner: Class | None) -> None:
    """Follows a function, or a method of a new object, whose caller is not known."""
    receiver = owner.open_instance(machine) if owner is not None else None
    if receiver is not None and owner is not None:
        for name in _BEFORE_TESTS:  # a test runner calls these before each test of a class
            found = owner.lookup(name)
            if isinstance(found, Function):
                _start(machine, found, owner if name in _OF_THE_CLASS else receiver)
    _start(machine, function, receiver, decorated=True)


def _start(machine: Machine, function: Function, receiver: Val | None, *, decorated: bool = False) -> None:
    decorators = function.decorators if decorated else ()
    method = Function(function.node, function.scope, function.defaults, decorators, receiver)
    method.enter(machine, machine.span(function.node, function.scope))
