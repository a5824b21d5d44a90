"""argparse: the options of a program, and the namespace that parsing returns."""

from __future__ import annotations

from lora_lint.interpreter.definitions import Class, Instance
from lora_lint.interpreter.values import (
    Arguments,
    Const,
    Either,
    External,
    ListVal,
    Object,
    Opaque,
    PathVal,
    Space,
    Val,
    constant,
    either,
    option_of,
)
from lora_lint.libraries.convert import is_none, text_of
from lora_lint.run.run import SweepKind
from lora_lint.run.values import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


def argument_parser(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`argparse.ArgumentParser()`: an object that collects its options."""
    return Object("argparse.ArgumentParser", arguments, span)


def method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`add_argument`, groups, and the namespace that parsing returns."""
    if name in ("add_argument_group", "add_mutually_exclusive_group", "add_subparsers", "add_parser"):
        return owner  # the options of all commands end in one namespace
    if name in ("add_argument", "add"):  # configargparse has both
        _add_option(context, owner, arguments, span)
        return Const(None, span)
    if name == "add_arguments":  # simple-parsing's
        class_, dest = arguments.get("dataclass", 0), text_of(arguments.get("dest", 1))
        if isinstance(class_, Class) and dest is not None:
            context.machine.journal.set_item(
                owner.attributes, dest, with_options(class_.open_instance(context.machine))
            )
        return Const(None, span)
    if name == "set_defaults":
        for key, value in arguments.keywords.items():
            context.machine.journal.set_item(owner.attributes, key, _default(context, value))
        return Const(None, span)
    if name in ("parse_args", "parse_known_args", "parse_intermixed_args"):
        namespace = _namespace(owner.attributes)
        if name == "parse_known_args":
            return ListVal([namespace, Opaque("the rest of the command line", span)], span, "tuple")
        return namespace
    return None


def _namespace(options: dict[str, Val]) -> Instance:
    """The options as attributes; `--lora.rank` of jsonargparse is in a namespace `lora`."""
    inner: dict[str, dict[str, Val]] = {}
    for name, value in options.items():
        owner, dot, rest = name.partition(".")
        if dot:
            inner.setdefault(owner, {})[rest] = value
    return Instance(None, {**options, **{name: _namespace(held) for name, held in inner.items()}}, open_=True)


def _add_option(context: Context, parser: Object, arguments: Arguments, span: Span) -> None:
    flags = [text for value in arguments.positional if (text := text_of(value)) is not None]
    if not flags:
        return
    long = next((flag for flag in flags if flag.startswith("--")), flags[0])
    name = text_of(arguments.get("dest")) or long.lstrip("-").replace("-", "_")
    default = arguments.get("default")
    action = text_of(arguments.get("action"))
    value: Val
    if default is None or is_none(default):
        if action in ("store_true", "store_false") and default is None:
            value = _default(context, Const(action == "store_false", span))
        else:
            required = not long.startswith("-") or constant(arguments.get("required")) is True
            value = given_there(span) if required else _nothing(context, span)
    else:
        value = default if _is_fixed(action, default) else _default(context, _typed(default, arguments.get("type")))
    choices = arguments.get("choices")
    names = [name, *(flag.lstrip("-").replace("-", "_") for flag in flags)]
    called_with = from_caller(context, names)
    if called_with is not None and not context.records.takes(value):
        called_with = None
    if called_with is None:
        called_with = context.records.from_pages(names, value)
    if called_with is not None:
        several = text_of(arguments.get("nargs")) in ("+", "*")
        value = listed(called_with) if several else _converted(called_with, arguments.get("type"))
    elif isinstance(choices, ListVal) and not choices.open and len(choices.items) > 1:
        options = tuple(item for item in choices.items if isinstance(item, Const))
        if len(options) == len(choices.items) and all(_is_number(option) for option in options):
            chosen = value if isinstance(value, Const) else None
            value = Space(options, object(), SweepKind.CHOICES, choices.span, chosen)
    if not context.records.given_all and called_with is None and not _is_fixed(action, default):
        value = value if isinstance(value, Space) else option_of(value, long)
    before = parser.attributes.get(name)
    if before is not None and not isinstance(before, Space) and not isinstance(value, Space):
        value = either((before, value))  # an option of two commands
    context.machine.journal.set_item(parser.attributes, name, value)


def _is_fixed(action: str | None, default: Val | None) -> bool:
    """Whether a switch sets what is set already, so that the command line cannot change it."""
    return action in ("store_true", "store_false") and constant(default) is (action == "store_true")


def command_line(context: Context, span: Span) -> Val:
    """`sys.argv`, whose words may all be missing."""
    return Opaque("the command line may give it", span, Reason.OPTIONAL)


def with_options(settings: Instance) -> Instance:
    """An object whose attributes are options, named after them."""
    options = {name: option_of(value, f"--{name}") for name, value in settings.attributes.items()}
    return Instance(settings.class_, options, settings.open)


def given_there(span: Span) -> Opaque:
    """An argument that the command line always gives."""
    return Opaque("the command line gives it", span)


def _nothing(context: Context, span: Span) -> Val:
    """An option without a default: None, if no caller gives it."""
    if context.records.given_all:
        return Const(None, span)
    return Opaque("the command line may give it", span, Reason.OPTIONAL)


def _default(context: Context, value: Val) -> Val:
    """A default, as certain as it is that the caller does not give another value."""
    return value if context.records.given_all else value.overridable()


def from_caller(context: Context, names: list[str]) -> Val | None:
    """What the caller of the program gives for an option; None if it gives nothing, or that is not known."""
    given = context.records.given or {}
    return next((given[name] for name in names if name in given), None)


def listed(value: Val) -> Val:
    """The value of an option that takes several values, of which the caller gives one or more."""
    if isinstance(value, Either):
        return either(map(listed, value.options), value.cases)
    return ListVal([value], value.span) if isinstance(value, Const) else value


def _converted(value: Val, kind: Val | None) -> Val:
    """A given value in the type that the program asks for, if it is text."""
    if isinstance(value, Either):
        return either((_converted(option, kind) for option in value.options), value.cases)
    if isinstance(value, Const) and isinstance(kind, External):
        if kind.name == "builtins.str":
            return Const(str(value.value), value.span, value.origin)
        if kind.name == "pathlib.Path" and isinstance(value.value, str):
            return PathVal(value.value, value.span, value.origin)
    return value


def _typed(default: Val, kind: Val | None) -> Val:
    """argparse converts a default only if it is a string."""
    if isinstance(default, Const) and isinstance(default.value, str) and isinstance(kind, External):
        try:
            if kind.name == "pathlib.Path":
                return PathVal(default.value, default.span, default.origin)
            if kind.name == "builtins.int":
                return Const(int(default.value), default.span, default.origin)
            if kind.name == "builtins.float":
                return Const(float(default.value), default.span, default.origin)
        except ValueError:
            return default
    return default


def _is_number(value: Const) -> bool:
    return isinstance(value.value, int | float) and not isinstance(value.value, bool)


CALLS: dict[str, Handler] = dict.fromkeys(("ArgumentParser", "ArgParser"), argument_parser)
