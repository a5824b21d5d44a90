"""absl: flags of a program, each defined by a call and read from one object.

Source: absl-py 2.1, absl/flags/_defines.py.
"""

from __future__ import annotations

from lora_lint.interpreter.definitions import Function, Instance
from lora_lint.interpreter.values import Arguments, Const, ListVal, Opaque, Val, option_of
from lora_lint.libraries import argparse
from lora_lint.libraries.convert import is_none, text_of
from lora_lint.run.values import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


def defined(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`flags.DEFINE_integer("rank", 8, "…")`: a flag of the program; the result holds it as `value`."""
    flag, default = text_of(arguments.get("name", 0)), arguments.get("default", 1)
    if flag is None:
        return Opaque("the name of the flag is not known", span)
    value: Val = Opaque("the command line may give it", span, Reason.OPTIONAL)
    if default is not None and not is_none(default):
        value = default
        if name.endswith("DEFINE_list") and isinstance(default, Const):  # which takes text too, with commas
            value = ListVal([Const(word.strip(), default.span) for word in str(default.value).split(",")], default.span)
    given = argparse.from_caller(context, [flag])
    if given is not None and context.records.takes(value):
        value = given
    elif not context.records.given_all:
        value = option_of(value, f"--{flag}")
    context.machine.journal.set_item(context.records.flags, flag, value)
    return Instance(None, {"value": value})


def flags(context: Context, span: Span) -> Val:
    """`flags.FLAGS`: the flags that the program has defined."""
    return Instance(None, context.records.flags, open_=True)


def run(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`app.run(main)`: calls the function with the rest of the command line."""
    main = arguments.get("main", 0)
    if isinstance(main, Function):
        rest = Opaque("the rest of the command line", span)
        main.call(context.machine, Arguments([rest], {}, {}), span)
    return Const(None, span)


_KINDS = ("string", "integer", "float", "bool", "boolean", "list", "enum", "spaceseplist", "multi_string")
CALLS: dict[str, Handler] = {"app.run": run, **dict.fromkeys((f"DEFINE_{kind}" for kind in _KINDS), defined)}
