"""Command lines: argparse, HfArgumentParser, fire, typer, click."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from lora_lint.interpreter.definitions import Class, Function, Instance
from lora_lint.interpreter.values import (
    NO_ARGUMENTS,
    Arguments,
    Const,
    DictVal,
    Either,
    External,
    ListVal,
    Object,
    Opaque,
    Space,
    Val,
    constant,
    either,
)
from lora_lint.libraries import loaded
from lora_lint.libraries.convert import text_of
from lora_lint.run.run import SweepKind
from lora_lint.run.values import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lora_lint.libraries.context import Context
    from lora_lint.source import Span


def argument_parser(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`argparse.ArgumentParser()`: an object that collects its options."""
    return Object("argparse.ArgumentParser", arguments, span)


def parser_method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`add_argument`, groups, and the namespace that parsing gives."""
    if name in ("add_argument_group", "add_mutually_exclusive_group", "add_subparsers", "add_parser"):
        return owner  # the options of all commands end in one namespace
    if name == "add_argument":
        _add_option(context, owner, arguments, span)
        return Const(None, span)
    if name == "set_defaults":
        for key, value in arguments.keywords.items():
            context.machine.journal.set_item(owner.attributes, key, _default(context, value))
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
            value = _default(context, Const(action == "store_false", span))
        else:
            required = not long.startswith("-") or constant(arguments.get("required")) is True
            value = _given_there(span) if required else Opaque("the command line may give it", span, Reason.OPTIONAL)
    else:
        value = _default(context, _typed(default, arguments.get("type")))
    choices = arguments.get("choices")
    called_with = _given(context, [name, *(flag.lstrip("-").replace("-", "_") for flag in flags)])
    if called_with is not None:
        several = text_of(arguments.get("nargs")) in ("+", "*")
        value = _listed(called_with) if several else _converted(called_with, arguments.get("type"))
    elif isinstance(choices, ListVal) and not choices.open and len(choices.items) > 1:
        options = tuple(item for item in choices.items if isinstance(item, Const))
        if len(options) == len(choices.items) and all(_is_number(option) for option in options):
            chosen = value if isinstance(value, Const) else None
            value = Space(options, object(), SweepKind.CHOICES, choices.span, chosen)
    before = parser.attributes.get(name)
    if before is not None and not isinstance(before, Space) and not isinstance(value, Space):
        value = either((before, value))  # an option of two commands
    context.machine.journal.set_item(parser.attributes, name, value)


def _given_there(span: Span) -> Opaque:
    """An argument that the command line always gives."""
    return Opaque("the command line gives it", span)


def _default(context: Context, value: Val) -> Val:
    """A default as sure as it is that the caller does not give another value."""
    return value if context.records.given_all else value.overridable()


def _given(context: Context, names: list[str]) -> Val | None:
    """What the caller of the program gives for an option; None where it gives nothing, or is not known."""
    given = context.records.given or {}
    return next((given[name] for name in names if name in given), None)


def _listed(value: Val) -> Val:
    """The value of an option that takes several, of which the caller gives one or more."""
    if isinstance(value, Either):
        return either(map(_listed, value.options))
    return ListVal([value], value.span) if isinstance(value, Const) else value


def _converted(value: Val, kind: Val | None) -> Val:
    """A given value in the type that the program asks for, where that is text."""
    if isinstance(value, Either):
        return either(_converted(option, kind) for option in value.options)
    if isinstance(value, Const) and isinstance(kind, External) and kind.name == "builtins.str":
        return Const(str(value.value), value.span, value.origin)
    return value


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
    made = _given_fields(context, made, listed)
    if name in ("parse_yaml_file", "parse_json_file"):
        content = loaded.content(context, arguments.get(f"{name[6:10]}_file", 0), span)
        made = [_filled(value, content) for value in made]
    if name == "parse_args_into_dataclasses" and arguments.get("return_remaining_strings") is not None:
        made.append(Opaque("the rest of the command line", span))
    if name == "parse_known_args":
        made.append(Opaque("the rest of the command line", span))
    return ListVal(made, span, "tuple")


def _given_fields(context: Context, made: list[Val], classes: Sequence[Val]) -> list[Val]:
    """The objects with what the caller of the program gives: each with the fields of its class, and the arguments of a
    library's class with what no class of the program has."""
    left = dict(context.records.given or {})
    if context.records.given_all:
        made = [_with(value, {name: _certain(old) for name, old in _attributes(value).items()}) for value in made]
    for number, (value, class_) in enumerate(zip(made, classes, strict=True)):
        if isinstance(class_, Class):
            fields = {name: left.pop(name) for name in list(left) if name in class_.fields}
            made[number] = _with(value, {name: _of_field(class_, name, found) for name, found in fields.items()})
    return [_with(value, left) if isinstance(value, Object) else value for value in made]


def _of_field(class_: Class, name: str, given: Val) -> Val:
    """What is given for a field, which may be a list of such values."""
    several = re.search(r"\b(?:[Ll]ist|Sequence)\b", _annotation(class_, name)) is not None
    return _listed(given) if several else given


def _attributes(value: Val) -> dict[str, Val]:
    return value.attributes if isinstance(value, Instance | Object) else {}


def _with(value: Val, fields: dict[str, Val]) -> Val:
    """The object with other values for some of its attributes."""
    attributes = {**_attributes(value), **fields}
    if isinstance(value, Instance):
        return Instance(value.class_, attributes, value.open)
    if isinstance(value, Object):
        return Object(value.callee, value.arguments, value.span, value.data, attributes)
    return value


def _certain(default: Val) -> Val:
    """A default that nobody overrides."""
    if isinstance(default, Const) and default.origin == "cli-default":
        return Const(default.value, default.span)
    return default


def _annotation(class_: Class, field: str) -> str:
    """How a field of a class, or of one that it derives from, is annotated."""
    for statement in class_.node.body:
        if isinstance(statement, ast.AnnAssign) and getattr(statement.target, "id", None) == field:
            return ast.unparse(statement.annotation)
    bases = (base for base in class_.bases if isinstance(base, Class))
    return next((found for base in bases if (found := _annotation(base, field))), "")


def _filled(value: Val, given: Val | None) -> Val:
    """An object of a dataclass of the program with the values of a file for its fields."""
    if not isinstance(given, DictVal) or not isinstance(value, Instance) or value.class_ is None:
        return value
    return _with(value, {key: item for key, item in given.items.items() if key in value.class_.fields})


def _parsed(context: Context, class_: Val, span: Span) -> Val:
    machine = context.machine
    if isinstance(class_, Class):
        base = next(iter(class_.external_bases()), None)
        if base is not None and not base.name.startswith(("typing.", "builtins.")):
            fields = {name: v.overridable() for name in class_.fields if (v := class_.lookup(name)) is not None}
            return Object(base.name, Arguments([], {}, {}, open_=True), span, None, fields)
        return class_.open_instance(machine)
    if isinstance(class_, External):
        return Object(class_.name, Arguments([], {}, {}, open_=True), span)
    return _given_there(span)


def fire(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`fire.Fire(main)`, `typer.run(main)`: calls a function with what the command line gives."""
    target = arguments.get("component", 0)
    for function in target.options if isinstance(target, Either) else (target,):
        if isinstance(function, Function):
            given = _of_caller(context, function)
            if context.records.given_all:
                function.call(context.machine, given, span)
            else:
                function.enter(context.machine, span, given)
    return Const(None, span)


def _of_caller(context: Context, function: Function) -> Arguments:
    """The arguments that the caller of the program gives to its entry."""
    if not context.records.given:
        return NO_ARGUMENTS
    parameters = function.node.args
    names = {parameter.arg for parameter in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs)}
    return Arguments([], {name: value for name, value in context.records.given.items() if name in names}, {})


def typer_option(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`typer.Option(8, help=…)` as a parameter's default."""
    default = arguments.get("default", 0)
    if default is None or (isinstance(default, Const) and default.value in (None, ...)):
        return _given_there(span)
    return default.overridable()
