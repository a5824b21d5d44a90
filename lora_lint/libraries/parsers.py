"""Parsers that derive the options of a program from a class: tap, simple-parsing, tyro, draccus, pyrallis, chz,
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
BLUEPRINT = "chz.Blueprint"
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


def entry(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`chz.nested_entrypoint(main)`, `chz.entrypoint(Settings)`: a call with the options, or an object of the class."""
    target = arguments.get("target", 0) or arguments.get("main", 0)
    return None if target is None else parsed(context, name, Arguments([target], {}, {}), span)


def blueprint(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`chz.Blueprint(Settings)`: what makes an object of the class, with the fields that `apply` gives."""
    del context, name
    return Object(BLUEPRINT, arguments, span)


def blueprint_method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`blueprint.apply({"lora_rank": 32}).make_from_argv(sys.argv[1:])`"""
    made = owner.arguments
    if name == "apply":
        given = arguments.get("values", 0)
        fields = given.mapping() if given is not None else None
        is_open = made.open or fields is None or fields.open
        keywords = {**made.keywords, **(fields.items if fields is not None else {})}
        return Object(BLUEPRINT, Arguments(made.positional, keywords, made.spans, is_open), span)
    target = made.get("target", 0)
    if name not in ("make", "make_from_argv") or target is None:
        return None
    keywords = {key: value for key, value in made.keywords.items() if key != "target"}
    if name == "make_from_argv":
        keywords = {key: value.overridable() for key, value in keywords.items()}
    return context.machine.call(target, Arguments([], keywords, {}, made.open), span)


PARSE: dict[str, Handler] = {"parse": parsed, "cli": parsed}
SIMPLE_PARSING: dict[str, Handler] = {**PARSE, **argparse.CALLS}
CHZ: dict[str, Handler] = {"Blueprint": blueprint, **dict.fromkeys(("entrypoint", "nested_entrypoint"), entry)}
TAPS: dict[str, Handler] = {"Tap": tap}
DACITE: dict[str, Handler] = {"from_dict": from_dict}
