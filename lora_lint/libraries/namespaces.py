"""Dicts whose keys are also attributes (easydict, addict, python-box, munch, dotmap, ml_collections), and named
tuples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.interpreter.definitions import Instance
from lora_lint.interpreter.values import Arguments, Const, DictVal, ListVal, Native, Val

if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


def namespace(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`EasyDict(settings)`, `Munch(rank=8)`: the settings, nested ones included; None if they are not known."""
    settings = next(iter(arguments.positional), None)
    given = settings.mapping() if settings is not None else DictVal({}, span)
    if given is None:
        return None
    return as_namespace(DictVal({**given.items, **arguments.keywords}, span, given.open or arguments.open))


def as_namespace(value: Val) -> Val:
    """A dict, and the dicts in it, as objects that are read through attributes and keys."""
    if isinstance(value, DictVal):
        return Instance(None, {str(key): as_namespace(item) for key, item in value.items.items()}, value.open)
    if isinstance(value, ListVal):
        return ListVal([as_namespace(item) for item in value.items], value.span, value.kind)
    return value


def named_tuple(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`namedtuple("Settings", "rank alpha")`: the class; None if its fields are not known."""
    given = arguments.get("field_names", 1)
    written = given.value if isinstance(given, Const) else None
    words = written.replace(",", " ").split() if isinstance(written, str) else None
    if words is None and isinstance(given, ListVal) and not given.open:
        words = [str(item.value) for item in given.items if isinstance(item, Const)]
    if words is None:
        return None
    fields = tuple(words)

    def make(values: Arguments, _span: Span) -> Val:
        return Instance(None, {**dict(zip(fields, values.positional, strict=False)), **values.keywords}, values.open)

    return Native(name, make)


CALLS: dict[str, Handler] = dict.fromkeys(
    ("EasyDict", "Dict", "Box", "Munch", "munchify", "DotMap", "ConfigDict"), namespace
)
