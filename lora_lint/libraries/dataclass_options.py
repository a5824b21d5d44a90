"""Options from dataclasses: `HfArgumentParser` of transformers and `TrlParser` of TRL."""

from __future__ import annotations

import ast
import re

from lora_lint.interpreter.definitions import Class, Instance
from lora_lint.interpreter.values import (
    Arguments,
    Const,
    DictVal,
    External,
    ListVal,
    Object,
    Opaque,
    Val,
    option_of,
)
from lora_lint.libraries import argparse, loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lora_lint.libraries.context import Context
    from lora_lint.source import Span


def method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """One object for each dataclass, its fields at their defaults; the command line or a file may override them."""
    if not name.startswith("parse_"):
        return argparse.method(context, owner, name, arguments, span)
    classes = owner.arguments.get("dataclass_types", 0)
    listed = classes.items if isinstance(classes, ListVal) else [classes] if classes is not None else []
    made: list[Val] = [_parsed(context, item, span) for item in listed]
    made = _given_fields(context, made, listed)
    if name in ("parse_yaml_file", "parse_json_file"):
        content = loaded.content(context, arguments.get(f"{name[6:10]}_file", 0), span)
        made = [_filled(value, content) for value in made]
    made = [value.completed(context.machine, span) if isinstance(value, Instance) else value for value in made]
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
            defaults = _attributes(value)
            fields = {name: found for name, found in fields.items() if context.records.takes(defaults.get(name))}
            shown = {name: context.records.from_pages((name,), defaults.get(name)) for name in class_.fields}
            fields = {**{name: found for name, found in shown.items() if found is not None}, **fields}
            made[number] = _with(value, {name: _of_field(class_, name, found) for name, found in fields.items()})
    whole = context.records.given_all and "config" not in left  # a file that TrlParser reads before the options
    return [_of_library(value, left, whole) if isinstance(value, Object) else value for value in made]


def _of_library(value: Object, given: dict[str, Val], whole: bool) -> Val:
    """The object of a library's class with what is given; what a `whole` command line leaves out is at its default."""
    arguments = Arguments([], {}, {}) if whole else value.arguments
    return Object(value.callee, arguments, value.span, value.data, {**_attributes(value), **given})


def _of_field(class_: Class, name: str, given: Val) -> Val:
    """The value given for a field, possibly a list of such values."""
    several = re.search(r"\b(?:[Ll]ist|Sequence)\b", _annotation(class_, name)) is not None
    return argparse.listed(given) if several else given


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
    """The annotation of a field in a class or in one of its bases."""
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
            fields = {
                name: option_of(v, f"--{name}") for name in class_.fields if (v := class_.lookup(name)) is not None
            }
            return Object(base.name, Arguments([], {}, {}, open_=True), span, None, fields)
        return argparse.with_options(class_.open_instance(machine))
    if isinstance(class_, External):
        return Object(class_.name, Arguments([], {}, {}, open_=True), span)
    return argparse.given_there(span)
