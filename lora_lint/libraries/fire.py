"""Fire, and `run` of typer: the parameters of a function as options."""

from __future__ import annotations

from lora_lint.interpreter.definitions import Function
from lora_lint.interpreter.values import NO_ARGUMENTS, Arguments, Const, Val

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


def fire(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`fire.Fire(main)`, `typer.run(main)`: calls a function with the command line's arguments."""
    target = arguments.get("component", 0)
    for function in target.alternatives() if target is not None else ():
        if isinstance(function, Function):
            given = _of_caller(context, function)
            if context.records.given_all:
                function.call(context.machine, given, span)
            else:
                function.enter(context.machine, span, given, dashes="--")
    return Const(None, span)


def _of_caller(context: Context, function: Function) -> Arguments:
    """The arguments that the caller of the program gives to its entry."""
    if not context.records.given:
        return NO_ARGUMENTS
    parameters = function.node.args
    names = {parameter.arg for parameter in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs)}
    given = {name: value for name, value in context.records.given.items() if name in names}
    takes, defaults = context.records.takes, function.defaults
    return Arguments([], {name: value for name, value in given.items() if takes(defaults.get(name))}, {})


CALLS: dict[str, Handler] = {"Fire": fire}
