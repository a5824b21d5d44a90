"""Parsers that derive the options of a program from a class: tap, simple-parsing, tyro, draccus, pyrallis,
OmegaConf."""

from __future__ import annotations

from lora_lint.interpreter.definitions import Class, Function, Instance
from lora_lint.interpreter.values import Arguments, Object, Opaque, Val
from lora_lint.libraries import argparse, fire
from lora_lint.libraries.convert import is_none

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

TAP = "tap.Tap"
_FIRST = ("config_class", "f", "obj", "cls")


def parsed(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`tyro.cli(Settings)`, `draccus.parse(Settings)`, `OmegaConf.structured(Settings)`: an object of the class, each
    field at a default that the command line may override. tyro calls functions too."""
    given = next((found for key in _FIRST if (found := arguments.get(key, 0)) is not None), None)
    default = arguments.keywords.get("default")
    if default is not None and not is_none(default):
        return argparse.with_options(default) if isinstance(default, Instance) else Opaque("it has a default", span)
    if isinstance(given, Class):
        return argparse.with_options(given.open_instance(context.machine))
    if isinstance(given, Function):
        return fire.fire(context, name, Arguments([given], {}, {}), span)
    return given if isinstance(given, Instance) else None


def tap(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """A class derived from `Tap`, whose fields are its arguments here (see Class.call)."""
    return Object(TAP, arguments, span)


def tap_method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`Settings().parse_args()`: the fields as options."""
    if name != "parse_args":
        return None
    return argparse.with_options(Instance(None, owner.attributes, open_=True))


def from_dict(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`dacite.from_dict(Settings, content)`."""
    class_, given = arguments.get("data_class", 0), arguments.get("data", 1)
    content = given.mapping() if given is not None else None
    return class_.made_of(context.machine, content, span) if isinstance(class_, Class) and content is not None else None


PARSE: dict[str, Handler] = {"parse": parsed, "cli": parsed}
SIMPLE_PARSING: dict[str, Handler] = {**PARSE, **argparse.CALLS}
TAPS: dict[str, Handler] = {"Tap": tap}
DACITE: dict[str, Handler] = {"from_dict": from_dict}
