"""Methods of lists and dicts, with their effect on the followed state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.interpreter.operations import extend, items_of
from lora_lint.interpreter.values import Arguments, Const, DictVal, Effect, ListVal, Opaque, Val

if TYPE_CHECKING:
    from lora_lint.interpreter.journal import Journal
    from lora_lint.source import Span


def list_method(journal: Journal, owner: ListVal, name: str, arguments: Arguments, span: Span, *, vague: bool) -> Val:
    """A method of a list, tuple or set. What a loop with an unknown number of turns adds leaves the list open."""
    given = arguments.positional
    if name in ("append", "add") and len(given) == 1:
        items = journal.change_list(owner.items)
        if name == "append" or not any(_same(given[0], item) for item in items):
            items.append(given[0])
        owner.open = owner.open or vague
        return Effect(name, span)
    if name in ("extend", "update") and len(given) == 1:
        extend(journal, owner, given[0])
        owner.open = owner.open or vague
        return Effect(name, span)
    if name == "insert" and len(given) == 2 and isinstance(given[0], Const) and isinstance(given[0].value, int):
        journal.change_list(owner.items).insert(given[0].value, given[1])
        owner.open = owner.open or vague
        return Effect(name, span)
    if name == "copy":
        return ListVal(list(owner.items), owner.span, owner.kind, owner.open)
    if name in ("remove", "discard") and len(given) == 1 and isinstance(given[0], Const) and not vague:
        items = journal.change_list(owner.items)
        for number, item in enumerate(items):
            if isinstance(item, Const) and item.value == given[0].value:
                del items[number]
                break
        return Effect(name, span)
    if name in ("union", "intersection", "difference") and name == "union" and len(given) == 1:
        listed = items_of(given[0])
        return ListVal([*owner.items, *(listed[0] if listed else [])], span, owner.kind, owner.open or listed is None)
    if name in ("sort", "reverse"):
        return Effect(name, span)
    if name in ("pop", "clear", "remove", "discard"):
        journal.change_list(owner.items)
        owner.open = True
        if name == "clear":
            owner.items.clear()
            owner.open = vague
        return Opaque(f"`.{name}()` of a list is not followed", span)
    if name in ("index", "count"):
        return Opaque(f"`.{name}()` of a list is not followed", span)
    return Opaque(f"`.{name}(…)` is not followed", span)


def _same(left: Val, right: Val) -> bool:
    """Whether two values are certainly equal."""
    if isinstance(left, Const) and isinstance(right, Const):
        return type(left.value) is type(right.value) and bool(left.value == right.value)
    return left is right


def dict_method(journal: Journal, owner: DictVal, name: str, arguments: Arguments, span: Span, *, vague: bool) -> Val:
    """A method of a dict."""
    given = arguments.positional
    if name == "get" and given and isinstance(given[0], Const) and isinstance(given[0].value, str | int | float | bool):
        value = owner.items.get(given[0].value)
        if value is not None:
            return value
        if owner.open:
            return Opaque(f"the key {given[0].value!r} may be set elsewhere", span)
        return given[1] if len(given) > 1 else Const(None, span, "derived")
    if name in ("items", "keys", "values"):
        rows: list[Val] = []
        for key, value in owner.items.items():
            key_value = Const(key, owner.span, "derived")
            if name == "items":
                rows.append(ListVal([key_value, value], span, "tuple"))
            else:
                rows.append(key_value if name == "keys" else value)
        return ListVal(rows, span, "list", owner.open)
    if name == "update":
        added: dict[Any, Val] = dict(arguments.keywords)
        if given:
            if isinstance(given[0], DictVal):
                added = {**given[0].items, **added}
                owner.open = owner.open or given[0].open
            else:
                owner.open = True
        for key, value in added.items():
            journal.set_item(owner.items, key, value)
        owner.open = owner.open or vague or arguments.open
        return Effect(name, span)
    if (
        name in ("pop", "setdefault")
        and given
        and isinstance(given[0], Const)
        and isinstance(given[0].value, str | int)
    ):
        value = owner.items.get(given[0].value)
        if name == "setdefault":
            if value is None and len(given) > 1 and not owner.open:
                journal.set_item(owner.items, given[0].value, given[1])
                return given[1]
        elif value is not None:
            journal.set_item(owner.items, given[0].value, value)
            del owner.items[given[0].value]
        if value is not None:
            return value
        return given[1] if len(given) > 1 and not owner.open else Opaque("the key may be set elsewhere", span)
    if name == "copy":
        return DictVal(dict(owner.items), owner.span, owner.open)
    return Opaque(f"`.{name}(…)` of a dict is not followed", span)
