"""Command lines: argparse, HfArgumentParser, fire, typer, click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.dialects.python import loaded
from lora_lint.dialects.python.convert import text_of
from lora_lint.interpreter import calls
from lora_lint.interpreter.values import (
    NO_ARGUMENTS,
    Arguments,
    Class,
    Const,
    DictVal,
    Either,
    External,
    Function,
    Instance,
    ListVal,
    Object,
    Opaque,
    Space,
    Val,
    as_cli_default,
)

if TYPE_CHECKING:
    from lora_lint.dialects.python.context import Context
    from lora_lint.source import Span

GIVEN = "the command line gives it"


def argument_parser(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`argparse.ArgumentParser()`: an object that collects its options."""
    return Object("argparse.ArgumentParser", arguments, span)


def parser_method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`add_argument`, groups, and the namespace that parsing gives."""
    if name in ("add_argument_group", "add_mutually_exclusive_group"):
        return owner
    if name == "add_argument":
        _add_option(context, owner, arguments, span)
        return Const(None, span)
    if name == "set_defaults":
        for key, value in arguments.keywords.items():
            context.machine.journal.set_item(owner.attributes, key, as_cli_default(value))
        return Const(None, span)
    if name in ("parse_args", "parse_known_args", "parse_intermixed_args"):
        namespace = Instance(None, dict(owner.attributes), open_=True)
        if name == "parse_known_args":
            return ListVal([namespace, Opaque("the rest of the command line", span)], span, "tuple")
        return namespace
    return None


def _add_option(context: Context, parser: Object, arguments: Arguments, span: Span) -> None:
    flags = [text for value in arguments.positional if (text := text_of(value)) is not None]
    if not flags:
        return
    long = next((flag for flag in flags if flag.startswith("--")), flags[0])
    name = text_of(arguments.get("dest")) or long.lstrip("-").replace("-", "_")
    default = arguments.get("default")
    action = text_of(arguments.get("action"))
    value: Val
    if default is None or (isinstance(default, Const) and default.value is None):
        if action in ("store_true", "store_false") and default is None:
            value = Const(action == "store_false", span, "cli-default")
        else:
            value = Opaque(GIVEN, span)
    else:
        value = as_cli_default(_typed(default, arguments.get("type")))
    choices = arguments.get("choices")
    if isinstance(choices, ListVal) and not choices.open and len(choices.items) > 1:
        options = tuple(item for item in choices.items if isinstance(item, Const))
        if len(options) == len(choices.items) and all(_is_number(option) for option in options):
            chosen = value if isinstance(value, Const) else None
            value = Space(options, object(), "argparse choices", choices.span, chosen)
    context.machine.journal.set_item(parser.attributes, name, value)


def _typed(default: Val, kind: Val | None) -> Val:
    """argparse converts a default only if it is a string."""
    if isinstance(default, Const) and isinstance(default.value, str) and isinstance(kind, External):
        try:
            if kind.name == "builtins.int":
                return Const(int(default.value), default.span, default.origin)
            if kind.name == "builtins.float":
                return Const(float(default.value), default.span, default.origin)
        except ValueError:
            return default
    return default


def _is_number(value: Const) -> bool:
    return isinstance(value.value, int | float) and not isinstance(value.value, bool)


def dataclass_parser(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`HfArgumentParser((ModelArguments, TrainingArguments))` and TRL's `TrlParser`."""
    return Object("transformers.HfArgumentParser", arguments, span)


def dataclass_parser_method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """One object for each dataclass, its fields at their defaults; the command line or a file may override them."""
    if not name.startswith("parse_"):
        return parser_method(context, owner, name, arguments, span)
    classes = owner.arguments.get("dataclass_types", 0)
    listed = classes.items if isinstance(classes, ListVal) else [classes] if classes is not None else []
    made: list[Val] = [_parsed(context, item, span) for item in listed]
    if name in ("parse_yaml_file", "parse_json_file"):
        _fill(made, loaded.content(context, arguments.get(f"{name[6:10]}_file", 0), span))
    if name == "parse_args_into_dataclasses" and arguments.get("return_remaining_strings") is not None:
        made.append(Opaque("the rest of the command line", span))
    if name == "parse_known_args":
        made.append(Opaque("the rest of the command line", span))
    return ListVal(made, span, "tuple")


def _fill(made: list[Val], given: Val | None) -> None:
    """Gives the fields of the program's own dataclasses the values of a file."""
    if not isinstance(given, DictVal):
        return
    for instance in made:
        if isinstance(instance, Instance) and instance.class_ is not None:
            fields = {key: value for key, value in given.items.items() if key in instance.class_.fields}
            instance.attributes.update(fields)


def _parsed(context: Context, class_: Val, span: Span) -> Val:
    machine = context.machine
    if isinstance(class_, Class):
        base = next(iter(class_.external_bases()), None)
        if base is not None and not base.name.startswith(("typing.", "builtins.")):
            fields = {name: as_cli_default(v) for name in class_.fields if (v := class_.lookup(name)) is not None}
            made = Object(base.name, Arguments([], {}, {}, open_=True), span)
            made.attributes.update(fields)
            return made
        return calls.instance(machine, class_, open_=True)
    if isinstance(class_, External):
        return Object(class_.name, Arguments([], {}, {}, open_=True), span)
    return Opaque(GIVEN, span)


def fire(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`fire.Fire(main)`, `typer.run(main)`: calls a function with what the command line gives."""
    target = arguments.get("component", 0)
    for function in target.options if isinstance(target, Either) else (target,):
        if isinstance(function, Function):
            calls.call_function(context.machine, function, NO_ARGUMENTS, span, entry=True)
    return Const(None, span)


def typer_option(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`typer.Option(8, help=…)` as a parameter's default."""
    default = arguments.get("default", 0)
    if default is None or (isinstance(default, Const) and default.value in (None, ...)):
        return Opaque(GIVEN, span)
    return as_cli_default(default)
