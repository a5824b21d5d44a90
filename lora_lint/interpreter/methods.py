"""Methods of strings, lists and dicts, with their effect on the followed state.

Each table leads from the name of a method to its effect; None for "not with these arguments".
"""

from __future__ import annotations

import re

from lora_lint.interpreter import paths
from lora_lint.interpreter.definitions import Instance
from lora_lint.interpreter.operations import compute, extend
from lora_lint.interpreter.values import (
    MAX_ITEMS,
    Arguments,
    Const,
    Default,
    DictVal,
    Effect,
    ListVal,
    ModuleName,
    Object,
    Opaque,
    PathVal,
    Perhaps,
    Space,
    Val,
    either,
    given_default,
    option_of,
)
from lora_lint.run.values import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lora_lint.interpreter.machine import Machine
    from lora_lint.source import Span

_TEXT_METHODS = frozenset(
    "capitalize casefold count endswith find format index isdigit isnumeric join lower lstrip partition "
    "removeprefix removesuffix replace rfind rpartition rsplit rstrip split splitlines startswith strip title "
    "upper".split()
)
SPELLINGS = frozenset({"lower", "upper", "casefold", "strip"})
"""Methods whose result is the same text in another spelling."""
_LONG = 1000
_WIDE = r"\{[^}]*([.\[]|:[^}]*\d{3,}|:[^}]*\{)"
"""Template syntax that pads or looks into objects: `{:>1000000}`, `{0.__class__}`."""


def of_text(machine: Machine, owner: Const, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method of a known string."""
    if not isinstance(owner.value, str) or name not in _TEXT_METHODS:
        return None
    plain: list[Const] = []
    for argument in arguments.positional:
        given = _text_argument(name, argument, span)
        if isinstance(given, Opaque):
            return given
        plain.append(given)
    keywords = {key: value.value for key, value in arguments.keywords.items() if isinstance(value, Const)}
    if len(keywords) < len(arguments.keywords):
        return Opaque("it is computed from values that are not known", span)
    if name == "format" and (len(owner.value) > _LONG or re.search(_WIDE, owner.value)):
        return Opaque("it is formatted text", span)
    if name == "replace" and len(owner.value) > _LONG:
        return Opaque("it is a long text", span)
    result = compute(lambda text, *rest: getattr(text, name)(*rest, **keywords), (owner, *plain), span)
    if isinstance(result, Const) and isinstance(result.value, list | tuple):
        return ListVal([Const(item, span, result.origin) for item in result.value[:MAX_ITEMS]], span)
    return option_of(result, owner.option) if isinstance(owner, Default) and name in SPELLINGS else result


def _text_argument(name: str, argument: Val, span: Span) -> Const | Opaque:
    """An argument of a string method, some of which take a list."""
    if isinstance(argument, Const):
        return argument
    if isinstance(argument, ListVal) and not argument.open and name in ("join", "startswith", "endswith"):
        known = [item.value for item in argument.items if isinstance(item, Const)]
        if name != "join":
            return Const(tuple(known), span)
        if len(known) < len(argument.items) or not all(isinstance(text, str) for text in known):
            return Opaque("it joins values that are not known", span)
        return Const(known, span)
    if isinstance(argument, Opaque) and argument.reason is Reason.RULED_OUT:
        return argument
    return Opaque("it is computed from values that are not known", span)


def of_list(machine: Machine, owner: ListVal, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method of a list, tuple or set. Additions by a loop with an unknown number of iterations leave the list
    open."""
    method = _LIST_METHODS.get(name)
    return method(machine, owner, name, arguments.positional, span) if method is not None else None


def _append(machine: Machine, owner: ListVal, name: str, given: list[Val], span: Span) -> Val | None:
    if len(given) != 1:
        return None
    items = machine.journal.change_list(owner.items)
    if name == "append" or not any(_equal(given[0], item) for item in items):
        items.append(given[0])
    owner.open = owner.open or bool(machine.vague_loops)
    return Effect(name, span)


def _equal(left: Val, right: Val) -> bool:
    """Whether two values are certainly equal; lists never are, because they are changed in place."""
    return left.same(right) if isinstance(left, Const) else left is right


def _extend(machine: Machine, owner: ListVal, name: str, given: list[Val], span: Span) -> Val | None:
    if len(given) != 1:
        return None
    extend(machine.journal, owner, given[0])
    owner.open = owner.open or bool(machine.vague_loops)
    return Effect(name, span)


def _insert(machine: Machine, owner: ListVal, name: str, given: list[Val], span: Span) -> Val | None:
    if len(given) != 2 or not isinstance(given[0], Const) or not isinstance(given[0].value, int):
        return None
    machine.journal.change_list(owner.items).insert(given[0].value, given[1])
    owner.open = owner.open or bool(machine.vague_loops)
    return Effect(name, span)


def _copy(machine: Machine, owner: ListVal, name: str, given: list[Val], span: Span) -> Val | None:
    return ListVal(list(owner.items), owner.span, owner.kind, owner.open)


def _remove(machine: Machine, owner: ListVal, name: str, given: list[Val], span: Span) -> Val | None:
    if len(given) != 1 or not isinstance(given[0], Const) or machine.vague_loops:
        return _pop(machine, owner, name, given, span)
    items = machine.journal.change_list(owner.items)
    for number, item in enumerate(items):
        if isinstance(item, Const) and item.value == given[0].value:
            del items[number]
            break
    return Effect(name, span)


def _pop(machine: Machine, owner: ListVal, name: str, given: list[Val], span: Span) -> Val | None:
    items = machine.journal.change_list(owner.items)
    if owner.holds_rows():
        items.append(Perhaps())
    owner.open = True
    return Opaque(f"`.{name}()` of a list is not followed", span)


def _clear(machine: Machine, owner: ListVal, name: str, given: list[Val], span: Span) -> Val | None:
    machine.journal.change_list(owner.items).clear()
    owner.open = bool(machine.vague_loops)
    return Opaque(f"`.{name}()` of a list is not followed", span)


def _union(machine: Machine, owner: ListVal, name: str, given: list[Val], span: Span) -> Val | None:
    if len(given) != 1:
        return None
    listed = given[0].elements()
    return ListVal([*owner.items, *(listed[0] if listed else [])], span, owner.kind, owner.open or listed is None)


def _reorder(machine: Machine, owner: ListVal, name: str, given: list[Val], span: Span) -> Val | None:
    return Effect(name, span)


def _count(machine: Machine, owner: ListVal, name: str, given: list[Val], span: Span) -> Val | None:
    return Opaque(f"`.{name}()` of a list is not followed", span)


_LIST_METHODS: dict[str, Callable[[Machine, ListVal, str, list[Val], Span], Val | None]] = {
    **dict.fromkeys(("append", "add"), _append),
    **dict.fromkeys(("extend", "update"), _extend),
    "insert": _insert,
    "copy": _copy,
    **dict.fromkeys(("remove", "discard"), _remove),
    "union": _union,
    **dict.fromkeys(("sort", "reverse"), _reorder),
    "pop": _pop,
    "clear": _clear,
    **dict.fromkeys(("index", "count"), _count),
}


def of_dict(machine: Machine, owner: DictVal, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method of a dict."""
    return _dict_method(machine, owner, name, arguments, span, bool(machine.vague_loops))


def of_namespace(machine: Machine, owner: Instance, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method of a dict that a namespace has too."""
    return _dict_method(machine, DictVal(owner.attributes, span, owner.open), name, arguments, span, True)


def _dict_method(
    machine: Machine, owner: DictVal, name: str, arguments: Arguments, span: Span, vague: bool
) -> Val | None:
    method = _DICT_METHODS.get(name)
    found = method(machine, owner, arguments, span, vague) if method is not None else None
    return found if found is not None else Opaque(f"`.{name}(…)` of a dict is not followed", span)


def _get(machine: Machine, owner: DictVal, arguments: Arguments, span: Span, vague: bool) -> Val | None:
    given = arguments.positional
    if given and (chosen := owner.by_option(given[0])) is not None:
        return chosen
    if not given or not isinstance(given[0], Const) or not isinstance(given[0].value, str | int | float | bool):
        return None
    key = given[0].value
    value = owner.items.get(key)
    if value is not None and not owner.open and machine.journal.perhaps(owner.items, key):
        otherwise = given[1] if len(given) > 1 else Const(None, span, "derived")
        return either([value, otherwise], machine.journal.cases(owner.items, key))
    if value is not None:
        return value
    if owner.open:
        unless_set = given_default(given[1] if len(given) > 1 else None)
        return unless_set or Opaque(f"the key {given[0].value!r} may be set elsewhere", span)
    return given[1] if len(given) > 1 else Const(None, span, "derived")


def _items(machine: Machine, owner: DictVal, arguments: Arguments, span: Span, vague: bool) -> Val | None:
    rows: list[Val] = [
        ListVal([Const(key, owner.span, "derived"), value], span, "tuple") for key, value in owner.items.items()
    ]
    return ListVal(rows, span, "list", owner.open)


def _keys(machine: Machine, owner: DictVal, arguments: Arguments, span: Span, vague: bool) -> Val | None:
    return ListVal([Const(key, owner.span, "derived") for key in owner.items], span, "list", owner.open)


def _values(machine: Machine, owner: DictVal, arguments: Arguments, span: Span, vague: bool) -> Val | None:
    return ListVal(list(owner.items.values()), span, "list", owner.open)


def _update(machine: Machine, owner: DictVal, arguments: Arguments, span: Span, vague: bool) -> Val | None:
    given = arguments.positional
    added: dict[Any, Val] = dict(arguments.keywords)
    spread = given[0].mapping() if given else None
    if spread is not None:
        if spread.open:
            owner.unsettle(machine)
        added = {**spread.items, **added}
    elif given:
        owner.unsettle(machine)
    for key, value in added.items():
        owner.set_item(machine, Const(key), value, span)
    owner.open = owner.open or vague or arguments.open
    return Effect("update", span)


def _setdefault(machine: Machine, owner: DictVal, arguments: Arguments, span: Span, vague: bool) -> Val | None:
    key = _key(arguments)
    if key is None:
        return owner.item(machine, arguments.positional[0], span) if arguments.positional else None
    value, given = owner.items.get(key), arguments.positional
    if value is None and len(given) > 1 and not owner.open:
        machine.journal.set_item(owner.items, key, given[1])
        return given[1]
    return value if value is not None else Opaque("the key may be set elsewhere", span)


def _pop_key(machine: Machine, owner: DictVal, arguments: Arguments, span: Span, vague: bool) -> Val | None:
    key = _key(arguments)
    if key is None:
        return None
    value, given = owner.items.get(key), arguments.positional
    if value is not None:
        machine.journal.remove_item(owner.items, key)
        return value
    return given[1] if len(given) > 1 and not owner.open else Opaque("the key may be set elsewhere", span)


def _key(arguments: Arguments) -> str | int | None:
    """The key in a method's first argument, if it is known."""
    first = arguments.positional[0] if arguments.positional else None
    return first.value if isinstance(first, Const) and isinstance(first.value, str | int) else None


def _copy_dict(machine: Machine, owner: DictVal, arguments: Arguments, span: Span, vague: bool) -> Val | None:
    return DictVal(dict(owner.items), owner.span, owner.open)


_DICT_METHODS: dict[str, Callable[[Machine, DictVal, Arguments, Span, bool], Val | None]] = {
    "get": _get,
    "items": _items,
    "keys": _keys,
    "values": _values,
    "update": _update,
    "setdefault": _setdefault,
    "pop": _pop_key,
    "copy": _copy_dict,
}


def of_searched(machine: Machine, owner: Space, name: str, arguments: Arguments, span: Span) -> Val | None:
    return Opaque("it is a method of a searched value", span)


def _updated(machine: Machine, owner: Object, arguments: Arguments, span: Span) -> Val:
    """vars(config).update(…)"""
    spread = arguments.positional[0].mapping() if arguments.positional else None
    if arguments.open or (arguments.positional and (spread is None or spread.open)):
        owner.unsettle(machine)
    for name, value in {**(spread.items if spread is not None else {}), **arguments.keywords}.items():
        owner.set_attribute(machine, str(name), value, span)
    return Effect("update", span)


def of_object(machine: Machine, root: Object, path: tuple[str, ...], arguments: Arguments, span: Span) -> Val:
    """A method of a library's object, or of something inside it."""
    if path == ("__dict__", "update"):
        return _updated(machine, root, arguments, span)
    found = machine.library.method(machine, root, path, arguments, span)
    if found is not None:
        return found
    machine.library.escape(machine, path[-1], arguments, span)
    return Object(f"{root.callee}().{'.'.join(path)}", arguments, span)


METHODS: dict[type[Val], Callable[[Machine, Any, str, Arguments, Span], Val | None]] = {
    Const: of_text,
    Default: of_text,
    ModuleName: of_text,
    ListVal: of_list,
    DictVal: of_dict,
    Instance: of_namespace,
    Space: of_searched,
    PathVal: paths.method_of,
}
"""A handler of the methods of a kind of value, given the machine, the value, the method's name and its arguments."""
