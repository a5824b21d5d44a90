"""typer: the parameters of a function as options, with defaults that are written as calls."""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Const, Val
from lora_lint.libraries.argparse import given_there
from lora_lint.libraries.fire import fire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


def typer_option(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`typer.Option(8, help=…)` as a parameter's default."""
    default = arguments.get("default", 0)
    if default is None or (isinstance(default, Const) and default.value in (None, ...)):
        return given_there(span)
    return default.overridable()


CALLS: dict[str, Handler] = {"run": fire, "Option": typer_option, "Argument": typer_option}
