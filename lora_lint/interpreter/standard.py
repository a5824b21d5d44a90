"""Builtins, functions of the standard library, and others that define classes of settings in the same way.

`call` is the entry: it knows a function by its qualified name. Each function in the tables returns None for "not with
these arguments".
"""

from __future__ import annotations

import itertools
from functools import partial as bound

from lora_lint.interpreter import paths
from lora_lint.interpreter.definitions import Class, Function, Instance
from lora_lint.interpreter.operations import bounded, compute, items_of, made_list, origin_of
from lora_lint.interpreter.values import (
    MAX_ITEMS,
    MAX_UNROLL,
    NO_ARGUMENTS,
    Arguments,
    AtMost,
    Const,
    Default,
    DictVal,
    Either,
    External,
    ListVal,
    Member,
    Native,
    Object,
    Opaque,
    Perhaps,
    Unparsed,
    Val,
    as_text,
    constant,
    either,
    is_key,
    left_open,
    lift,
    rows_list,
)
from lora_lint.run.values import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lora_lint.interpreter.machine import Machine
    from lora_lint.source import Span

_BUILTINS = "builtins."
_LONG_TEXT = 300
_OF_LIBRARIES = frozenset({"dict", "open"})
"""Builtins that a library may know more of."""
_OF_MODULES = frozenset({"isinstance", "str", "type"})
"""Builtins that tell something of a module of a model, or of the model as a whole."""
_COLLECTIONS = frozenset({"dict", "list", "set", "sorted", "tuple"})
"""What makes a collection of each alternative of a value."""


def call(machine: Machine, name: str, arguments: Arguments, span: Span) -> Val | None:
    """The result of a function by its qualified name; None if it is not one of these."""
    if name.startswith(_BUILTINS):
        return _builtin(machine, name[len(_BUILTINS) :], arguments, span)
    function = _FUNCTIONS.get(name)
    return function(machine, arguments, span) if function is not None else None


def _builtin(machine: Machine, name: str, arguments: Arguments, span: Span) -> Val:
    first = arguments.positional[0] if arguments.positional else None
    if isinstance(first, Either) and name in _COLLECTIONS and len(arguments.positional) == 1:
        given = (Arguments([option], arguments.keywords, arguments.spans) for option in first.options)
        return either([_builtin(machine, name, each, span) for each in given], first.cases)
    special = _WITH_MACHINE.get(name)
    found = special(machine, arguments, span) if special is not None else None
    if found is None and (name in _OF_LIBRARIES or (name in _OF_MODULES and isinstance(first, Object | Member))):
        found = machine.library.call(machine, f"{_BUILTINS}{name}", arguments, span)
    if found is not None:
        return found
    if arguments.open:
        return Opaque(f"`{name}` gets arguments that are not known", span)
    plain = _PLAIN.get(name)
    found = plain(_listed(machine, arguments, span), span) if plain is not None else None
    return found if found is not None else Opaque(f"`{name}(…)` is not followed", span)


def _listed(machine: Machine, arguments: Arguments, span: Span) -> Arguments:
    """Arguments with enum classes replaced by the list of their members, for builtins that iterate."""
    if not any(isinstance(value, Class) for value in arguments.positional):
        return arguments
    positional: list[Val] = []
    for value in arguments.positional:
        listed = value.iterate(machine, span) if isinstance(value, Class) else None
        positional.append(ListVal(listed[0], span) if listed else value)
    return Arguments(positional, arguments.keywords, arguments.spans, arguments.open)


# Builtins that need the machine: attributes by name, mapping of functions, iteration over a library's objects.


def _getattr(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    positional = arguments.positional
    if len(positional) < 2 or not isinstance(positional[1], Const):
        return None
    value = positional[0].attribute(machine, str(positional[1].value), span)
    if len(positional) == 3 and isinstance(value, Opaque | Member):
        return _default_of(positional[0], positional[2]) or Opaque("`getattr` has a default", span)
    return value


def _default_of(owner: Val, default: Val) -> Val | None:
    """What `getattr` gives for an attribute that nothing is known to set: the default, unless something that is not
    followed sets it; None where the owner is not settings."""
    if not isinstance(owner, Instance):
        return None
    if owner.class_ is not None and next(owner.class_.external_bases(), None) is not None:
        return None
    return default.overridable() if owner.open else default


def _hasattr(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """hasattr(settings, name), of an object of the program's own class."""
    positional = arguments.positional
    if len(positional) != 2 or not isinstance(positional[1], Const) or positional[1].origin == "cli-default":
        return None
    owner, name = positional[0], positional[1].value
    if not isinstance(owner, Instance) or owner.open or not isinstance(name, str):
        return None
    if owner.class_ is None:
        return Const(name in owner.attributes, span, "derived")
    if next(owner.class_.external_bases(), None) is not None:
        return None
    return Const(name in owner.attributes or owner.class_.lookup(name) is not None, span, "derived")


def _setattr(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    positional = arguments.positional
    if len(positional) != 3:
        return None
    if not isinstance(positional[1], Const | Either):
        positional[0].unsettle(machine)
        return Const(None, span)
    if not isinstance(positional[1], Const):
        return None
    positional[0].set_attribute(machine, str(positional[1].value), positional[2], span)
    return Const(None, span)


_TYPES: dict[str, type] = {f"{_BUILTINS}{kind.__name__}": kind for kind in (str, int, float, bool, list, dict, tuple)}


def _isinstance(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    positional = arguments.positional
    if len(positional) != 2 or not isinstance(positional[0], Const | ListVal | DictVal):
        return None
    subject = positional[0]
    kinds = positional[1].items if isinstance(positional[1], ListVal) else [positional[1]]
    types = tuple(_TYPES[kind.qualified_name] for kind in kinds if kind.qualified_name in _TYPES)
    if len(types) < len(kinds):
        return None
    if isinstance(subject, Const) and subject.origin == "cli-default":
        text = isinstance(subject, Default) and isinstance(subject.value, str) and types == (str,)
        return Const(True, span, "derived") if text else None  # what is given for an option of text is text as well
    sample: Any = subject.value if isinstance(subject, Const) else {} if isinstance(subject, DictVal) else []
    sample = str(sample) if isinstance(subject, Unparsed) else sample
    return Const(isinstance(sample, types), span, "derived")


class _Settings(DictVal):
    """`vars(config)` of a library's object: a change of the dict changes the object."""

    __slots__ = ("owner",)

    def __init__(self, owner: Object) -> None:
        super().__init__({**owner.arguments.keywords, **owner.attributes}, owner.span, open_=True)
        self.owner = owner

    def set_item(self, machine: Machine, key: Val, value: Val, span: Span) -> None:
        super().set_item(machine, key, value, span)
        if isinstance(key, Const) and isinstance(key.value, str):
            self.owner.set_attribute(machine, key.value, value, span)

    def unsettle(self, machine: Machine) -> None:
        super().unsettle(machine)
        self.owner.unsettle(machine)


def _vars(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """vars(settings): its attributes, which a change of the dict changes too."""
    if len(arguments.positional) != 1:
        return None
    owner = arguments.positional[0]
    if isinstance(owner, Object):
        return _Settings(owner)
    return owner.attribute(machine, "__dict__", span) if isinstance(owner, Instance) else owner.mapping()


def _input(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """input(): nothing, unless somebody types something."""
    return Opaque("somebody types it", span, Reason.OPTIONAL)


def _executed(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """exec(open("configurator.py").read()): it may set each of the program's own names again."""
    if len(arguments.positional) == 1:
        machine.leave_open()
    return Const(None, span)


def _map(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    if len(arguments.positional) != 2:
        return None
    function, iterated = arguments.positional
    listed = iterated.iterate(machine, span)
    if listed is None or not listed[1] or len(listed[0]) > MAX_UNROLL:
        return None
    return ListVal([machine.call(function, Arguments([item], {}, {}), span) for item in listed[0]], span, "list")


def _filter(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    positional = arguments.positional
    if len(positional) != 2:
        return None
    given = positional[1]
    of_library = isinstance(given, ListVal) and all(isinstance(each, Object) for each in given.items)
    return given if of_library or isinstance(given, Object | Member) else None  # some of a model's parameters


def _any_or_all(decide: Callable[[list[bool | None]], bool]) -> Callable[[Machine, Arguments, Span], Val | None]:
    def call(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
        positional = arguments.positional
        if len(positional) != 1 or not isinstance(positional[0], ListVal):
            return None
        known = [item.truth() for item in positional[0].items]
        return Const(decide(known), span, "derived") if not positional[0].open and None not in known else None

    return call


def _of_library(machine: Machine, arguments: Arguments, span: Span) -> ListVal | None:
    """The elements of an iteration over a library's object."""
    first = arguments.positional[0] if arguments.positional else None
    if (counted := _counted(machine, arguments, span)) is not None:
        return counted
    listed = first.iterate(machine, span) if isinstance(first, Object | Member) else None
    return ListVal(listed[0], span, "list", True) if listed is not None else None


def _counted(machine: Machine, arguments: Arguments, span: Span) -> ListVal | None:
    """A list of rows, or of those that a library's object has; each item stands for itself, or for a tuple with it."""
    first = arguments.positional[0] if arguments.positional else None
    if isinstance(first, ListVal):
        return first if first.of_rows() else None
    rows = machine.library.rows(machine, first, False, span) if isinstance(first, Object) else None
    return rows_list(rows, span) if rows is not None else None


def _distinct(machine: Machine, arguments: Arguments, span: Span) -> ListVal | None:
    """`set(rows)`: there may be fewer."""
    counted = _counted(machine, arguments, span)
    if counted is None:
        return _of_library(machine, arguments, span)
    rows = machine.library.rows(machine, counted, True, span)
    return rows_list(rows, span, "set", True) if rows is not None else None


def _next(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    found = _of_library(machine, arguments, span)
    return found.items[0] if found is not None and found.items else found


def _length(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """The number of rows of a library's object, or of a list of them."""
    first = arguments.positional[0] if len(arguments.positional) == 1 else None
    if isinstance(first, Instance) and isinstance(own := first.attribute(machine, "__len__", span), Function):
        return machine.call(own, NO_ARGUMENTS, span)
    if isinstance(first, Object) or (isinstance(first, ListVal) and first.of_rows()):
        return machine.library.length(first, span)
    return None


def _enumerate_library(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    if (counted := _counted(machine, arguments, span)) is not None:
        return counted
    found = _of_library(machine, arguments, span)
    if found is None:
        return None
    pairs: list[Val] = [ListVal([Opaque("it is a counter", span), item], span, "tuple") for item in found.items]
    return ListVal(pairs, span, "list", True)


_WITH_MACHINE: dict[str, Callable[[Machine, Arguments, Span], Val | None]] = {
    "getattr": _getattr,
    "hasattr": _hasattr,
    "setattr": _setattr,
    "isinstance": _isinstance,
    "vars": _vars,
    "input": _input,
    "exec": _executed,
    "map": _map,
    "filter": _filter,
    "any": _any_or_all(any),
    "all": _any_or_all(all),
    **dict.fromkeys(("list", "tuple", "iter", "reversed", "sorted"), _of_library),
    "set": _distinct,
    "zip": _counted,
    "len": _length,
    "next": _next,
    "enumerate": _enumerate_library,
}


# Builtins of values alone.


def _number(name: str, function: Callable[..., Any], arguments: Arguments, span: Span) -> Val | None:
    """A function of numbers and strings."""
    positional = arguments.positional
    if len(positional) == 1 and name in ("min", "max", "sum"):
        listed = positional[0].elements()
        if listed is None or not listed[1]:
            return Opaque(f"`{name}` gets values that are not known", span)
        positional = listed[0]
    if not positional:
        return Opaque(f"`{name}` of nothing", span)

    def apply(*values: Val) -> Val:
        if len(values) == 1 and isinstance(values[0], Opaque) and left_open(values[0]):
            return values[0]  # a number that the environment or the command line may give
        constants = tuple(text for value in values if isinstance(text := as_text(value), Const))
        if len(constants) != len(values) or any(isinstance(c.value, range) for c in constants):
            return Opaque(f"`{name}` gets values that are not known", span)
        if any(isinstance(c.value, str) and len(c.value) > _LONG_TEXT for c in constants):
            return Opaque("the text is too long", span)
        return compute(function, constants, span)

    if name == "int" and isinstance(positional[0], AtMost):
        return bounded(int, positional[0], None, span)
    return (_smallest(positional) if name == "min" else None) or lift(apply, *positional)


def _smallest(values: list[Val]) -> AtMost | None:
    """The smallest of some numbers, of which not all are known."""
    bounds = [value.bound if isinstance(value, AtMost) else value for value in values]
    known = [value for value in bounds if isinstance(value, Const) and type(value.value) is int]
    others = [value for value in values if isinstance(value, Opaque)]
    whole = all(isinstance(value, Const | Opaque) for value in values)
    if not known or not others or not whole or any(map(left_open, others)):
        return None
    return AtMost(others[0], min(known, key=lambda each: int(each.value)))


def _range(arguments: Arguments, span: Span) -> Val | None:
    """`range(…)`; of an end that is not known, how many numbers there are at most."""
    end = arguments.positional[-1] if arguments.positional else None
    if isinstance(end, AtMost) and all(constant(start) == 0 for start in arguments.positional[:-1]):
        return end

    def apply(*values: Val) -> Val:
        whole = tuple(value for value in values if isinstance(value, Const) and isinstance(value.value, int))
        return compute(range, whole, span) if len(whole) == len(values) else Opaque("the range is not known", span)

    return lift(apply, *arguments.positional)


def _len(arguments: Arguments, span: Span) -> Val | None:
    if len(arguments.positional) != 1:
        return None
    value = arguments.positional[0]
    if isinstance(value, Const) and isinstance(value.value, str | range):
        return Const(len(value.value), span, origin_of((value,)))
    listed = value.elements() if not isinstance(value, Const) else None
    if listed is None or not listed[1] or any(isinstance(item, Perhaps) for item in listed[0]):
        return Opaque("its length is not known", span)
    return Const(len(listed[0]), span, "derived")


def _list(name: str, kind: str, arguments: Arguments, span: Span) -> Val | None:
    """`list`, `tuple`, `reversed` and other functions that return the items of their argument."""
    if not arguments.positional:
        return ListVal([], span, "set" if name == "frozenset" else name)
    listed = arguments.positional[0].elements()
    if listed is None:
        return Opaque("its items are not known", span)
    items, complete = listed
    if kind == "set":
        items = _each_once(items)
    return ListVal(items[::-1] if name == "reversed" else items, span, kind, not complete)


def _each_once(items: list[Val]) -> list[Val]:
    """Items without equal constants."""
    seen: set[tuple[type, Any]] = set()
    kept = []
    for item in items:
        key = (type(item.value), item.value) if isinstance(item, Const) and is_key(item.value) else None
        if key is None or key not in seen:
            kept.append(item)
        if key is not None:
            seen.add(key)
    return kept


def _sorted(arguments: Arguments, span: Span) -> Val | None:
    made = _list("sorted", "list", arguments, span)
    if not isinstance(made, ListVal) or arguments.keywords or not arguments.positional:
        return made
    known = [item for item in made.items if isinstance(item, Const)]
    if len(known) < len(made.items):
        return made
    try:
        return ListVal([*sorted(known, key=lambda item: item.value)], span, "list", made.open)
    except TypeError:
        return Opaque("the expression fails", span)


def _dict(arguments: Arguments, span: Span) -> Val | None:
    result = DictVal({}, span)
    if arguments.positional:
        given = arguments.positional[0]
        if isinstance(given, DictVal):
            result = DictVal(dict(given.items), span, given.open)
        else:
            result = _dict_of_pairs(given, span)
    result.items.update(arguments.keywords)
    return result


def _dict_of_pairs(given: Val, span: Span) -> DictVal:
    listed = given.elements()
    result = DictVal({}, span, listed is None)
    for pair in listed[0] if listed is not None else ():
        if isinstance(pair, ListVal) and len(pair.items) == 2 and isinstance(pair.items[0], Const):
            result.items[pair.items[0].value] = pair.items[1]
        else:
            result.open = True
    return result


def _enumerate(arguments: Arguments, span: Span) -> Val | None:
    if not arguments.positional:
        return None
    listed = arguments.positional[0].elements()
    if listed is None:
        return Opaque("its items are not known", span)
    first = arguments.get("start", 1)
    start = first.value if isinstance(first, Const) and isinstance(first.value, int) else 0
    pairs: list[Val] = [
        ListVal([Const(number, span, "derived"), item], span, "tuple") for number, item in enumerate(listed[0], start)
    ]
    return ListVal(pairs, span, "list", not listed[1])


def _zip(arguments: Arguments, span: Span) -> Val | None:
    if not arguments.positional:
        return None
    columns = [value.elements() for value in arguments.positional]
    known = [column for column in columns if column is not None]
    if len(known) < len(columns):
        return Opaque("its items are not known", span)
    rows: list[Val] = [ListVal(list(row), span, "tuple") for row in zip(*(c[0] for c in known), strict=False)]
    return ListVal(rows, span, "list", not all(c[1] for c in known))


_NUMERIC: dict[str, Callable[..., Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "abs": abs,
    "round": round,
    "min": min,
    "max": max,
    "sum": lambda *numbers: sum(numbers),
}
_KINDS = {"list": "list", "tuple": "tuple", "set": "set", "frozenset": "set", "reversed": "list", "iter": "list"}
_PLAIN: dict[str, Callable[[Arguments, Span], Val | None]] = {
    **{name: bound(_number, name, function) for name, function in _NUMERIC.items()},
    **{name: bound(_list, name, kind) for name, kind in _KINDS.items()},
    "range": _range,
    "len": _len,
    "sorted": _sorted,
    "dict": _dict,
    "enumerate": _enumerate,
    "zip": _zip,
}


# The standard library.


def _product(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """itertools.product."""
    columns = [value.elements() for value in _listed(machine, arguments, span).positional]
    if arguments.open or any(column is None or not column[1] for column in columns) or arguments.keywords:
        return Opaque("its items are not known", span)
    rows = itertools.islice(itertools.product(*(column[0] for column in columns if column)), MAX_ITEMS + 1)
    return made_list([ListVal(list(row), span, "tuple") for row in rows], span, "list", False)


def _chain(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """itertools.chain: the items of one after another."""
    listed = [value.iterate(machine, span) for value in arguments.positional]
    known = [each for each in listed if each is not None]
    is_open = arguments.open or len(known) < len(listed) or not all(complete for _, complete in known)
    return made_list(items_of(listed), span, "list", is_open)


def _copied(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    return arguments.positional[0].copied(machine, arguments, span) if arguments.positional else None


def _as_dict(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """dataclasses.asdict."""
    if not arguments.positional:
        return None
    subject = arguments.positional[0]
    if not isinstance(subject, Instance):
        return Opaque("it is not a dataclass that is known", span)
    return DictVal(dict(subject.attributes), span, subject.open)


def _fields(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """dataclasses.fields: of a class, or of an object of it."""
    subject = arguments.positional[0] if arguments.positional else None
    class_ = subject.class_ if isinstance(subject, Instance) else subject
    if not isinstance(class_, Class) or not class_.fields or next(class_.external_bases(), None) is not None:
        return None
    return ListVal(list(class_.field_list(span)), span, "tuple")


def _replaced(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """dataclasses.replace."""
    if not arguments.positional:
        return None
    subject = arguments.positional[0]
    if isinstance(subject, Object):
        return _replaced_in(subject, arguments)
    if not isinstance(subject, Instance):
        return Opaque("it is not a dataclass that is known", span)
    kept = subject.attributes
    if arguments.open:
        kept = {name: value.overridable() for name, value in kept.items()}
    return Instance(subject.class_, {**kept, **arguments.keywords}, subject.open)


def _replaced_in(subject: Object, arguments: Arguments) -> Object:
    """dataclasses.replace of a library's object: `replace(config, lora_alpha=16)`."""
    kept = {**subject.arguments.keywords, **subject.attributes}
    if arguments.open:
        kept = {name: value.overridable() for name, value in kept.items()}
    attributes = {**kept, **arguments.keywords}
    return Object(subject.callee, subject.arguments, subject.span, subject.data, attributes)


def _chained(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """collections.ChainMap: of settings in several dicts the first one's hold."""
    spread = [value.mapping() for value in arguments.positional]
    known = [each for each in spread if each is not None]
    if len(known) < len(spread):
        return None
    items = {key: value for each in reversed(known) for key, value in each.items.items()}
    return DictVal(items, span, arguments.open or any(each.open for each in known))


def _imported(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """importlib.import_module("configs.base"): a module of the project."""
    name = arguments.get("name", 0)
    if not isinstance(name, Const) or not isinstance(name.value, str) or name.origin == "cli-default":
        return None
    return machine.imported(name.value) if not name.value.startswith(".") else None


def _field(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """dataclasses.field and its relatives: the default."""
    default = arguments.get("default", 0)
    if default is not None and not (isinstance(default, Const) and default.value is ...):
        return default
    factory = arguments.get("default_factory")
    if factory is None:
        return Opaque("the field has no default", span)
    if isinstance(factory, External) and factory.name in ("builtins.list", "builtins.dict"):
        return ListVal([], span) if factory.name.endswith("list") else DictVal({}, span)
    return machine.call(factory, NO_ARGUMENTS, span)


def _choice(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """simple_parsing.choice("small", "large", default="small"): the default."""
    return arguments.get("default") or Opaque("the field has no default", span)


def _list_field(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """simple_parsing.list_field("q_proj", "v_proj"): these items."""
    return ListVal(list(arguments.positional), span)


def _mutable_field(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """simple_parsing.mutable_field(list, ["q_proj"]): what the first argument makes of the others."""
    factory = arguments.get("fn", 0)
    rest = Arguments(arguments.positional[1:], {}, {})
    return None if factory is None else machine.call(factory, rest, span)


def _namespace(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    return Instance(None, dict(arguments.keywords), arguments.open)


def partial(machine: Machine, arguments: Arguments, span: Span) -> Val | None:
    """functools.partial: a callable with some arguments already given."""
    if not arguments.positional:
        return None
    function, *given_before = arguments.positional

    def call_with(given: Arguments, at: Span) -> Val:
        merged = Arguments(
            [*given_before, *given.positional],
            {**arguments.keywords, **given.keywords},
            {**arguments.spans, **given.spans},
            arguments.open or given.open,
        )
        return machine.call(function, merged, at)

    return Native("functools.partial", call_with)


_FUNCTIONS: dict[str, Callable[[Machine, Arguments, Span], Val | None]] = {
    "itertools.product": _product,
    "itertools.chain": _chain,
    **dict.fromkeys(("copy.copy", "copy.deepcopy"), _copied),
    "dataclasses.asdict": _as_dict,
    **dict.fromkeys(("dataclasses.fields", "attr.fields", "attrs.fields"), _fields),
    **dict.fromkeys(("dataclasses.replace", "attr.evolve", "attrs.evolve", "copy.replace"), _replaced),
    "collections.ChainMap": _chained,
    "importlib.import_module": _imported,
    **dict.fromkeys(("dataclasses.field", "pydantic.Field", "attr.ib", "attrs.field"), _field),
    **dict.fromkeys(("simple_parsing.field", "draccus.field", "pyrallis.field", "chz.field"), _field),
    "simple_parsing.choice": _choice,
    **dict.fromkeys(("simple_parsing.list_field", "simple_parsing.helpers.list_field"), _list_field),
    **dict.fromkeys(("simple_parsing.mutable_field", "simple_parsing.helpers.mutable_field"), _mutable_field),
    **dict.fromkeys(("types.SimpleNamespace", "argparse.Namespace"), _namespace),
    "functools.partial": partial,
    **paths.FUNCTIONS,
}
