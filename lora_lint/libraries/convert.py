"""Abstract values to the values of a Run."""

from __future__ import annotations

from lora_lint.interpreter.values import (
    Const,
    Default,
    DictVal,
    Either,
    External,
    ListVal,
    Member,
    Opaque,
    Space,
    Val,
    as_text,
    is_vast,
)
from lora_lint.records import replace
from lora_lint.run.choices import OptionChoice, common
from lora_lint.run.values import Choices, Known, Unknown, Value, is_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lora_lint.interpreter.values import Object
    from lora_lint.run.values import Origin
    from lora_lint.source import Span


_MAX_DEPTH = 8


def argument_of(config: Object, name: str) -> Val | None:
    """What a config has for a keyword, given with its call or set afterwards."""
    found: Val | None = config.attributes.get(name)
    return found if found is not None else config.arguments.keywords.get(name)


def to_value(value: Val | None, here: Span | None, default: Value[Any], accept: Callable[[Any], bool]) -> Value[Any]:
    """The Run's form of an abstract value; `default` if it was not given. `here` is the argument at the call, where a
    value from another file is shown.

    Known values that `accept` rejects are unknown: settings of a wrong type are reported separately (see
    programs.adapters).
    """
    if value is None:
        return default
    if isinstance(value, Either):
        options = [to_value(option, here, default, accept) for option in value.options]
        distinct: dict[str, Known[Any]] = {}
        for option, case in zip(options, value.cases, strict=True):
            if not isinstance(option, Known):
                return option
            same = distinct.get(repr(option.value))
            under = (*option.under, *case) if same is None else common(same.under, (*option.under, *case))
            distinct[repr(option.value)] = replace(same or option, under=under)
        known = tuple(distinct.values())
        return known[0] if len(known) == 1 else Choices(known)
    if isinstance(value, Space):
        if value.default is not None:
            return to_value(value.default, here, default, accept)
        return to_value(Either(value.options), here, default, accept)
    found = plain(value)
    if found is None:
        if isinstance(value, Opaque):
            return Unknown(value.why, here, value.reason)
        return Unknown("it is computed by a library", here)
    content, span, origin = found
    if not accept(content):
        return Unknown("it has another type", here)
    usual = isinstance(value, Default) and isinstance(content, str | bool)
    under = (OptionChoice(value.option, "equals", content, True, True),) if usual and isinstance(value, Default) else ()
    if span is not None and here is not None and span.path != here.path:
        return Known(content, here, origin, span, under)
    return Known(content, span or here, origin, None, under)


def plain(value: Val, depth: int = 0) -> tuple[Any, Span | None, Origin] | None:
    """The Python value of a constant, of a list or a dict of constants, or of a library's enum member; None
    otherwise."""
    if depth > _MAX_DEPTH or (not depth and is_vast(value)):  # a list may contain itself, and others many times
        return None
    value = as_text(value)
    if isinstance(value, Const):
        return value.value, value.span, value.origin
    if isinstance(value, ListVal) and not value.open:
        items = [plain(item, depth + 1) for item in value.items]
        if any(item is None for item in items):
            return None
        cli = any(item[2] == "cli-default" for item in items if item)
        return tuple(item[0] for item in items if item), value.span, "cli-default" if cli else "literal"
    if isinstance(value, DictVal) and not value.open:
        content = {key: plain(item, depth + 1) for key, item in value.items.items()}
        if any(item is None for item in content.values()):
            return None
        return {key: item[0] for key, item in content.items() if item}, value.span, "literal"
    if isinstance(value, External):
        owner, _, name = value.name.rpartition(".")
        type_ = owner.rpartition(".")[2]
        member = owner == "torch" or (type_[:1].isupper() and not type_.isupper())  # TaskType.CAUSAL_LM, not FLAGS.rank
        return (name, None, "literal") if member else None
    if isinstance(value, Member) and value.name == "value":
        return plain(value.owner, depth + 1)
    return None


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and is_number(value)


def is_optional_whole(value: Any) -> bool:
    """A whole number or None."""
    return value is None or is_whole(value)


def is_weights(value: Any) -> bool:
    """A list of numbers."""
    return isinstance(value, tuple) and bool(value) and all(map(is_number, value))


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_optional_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def is_names(value: Any) -> bool:
    """A target_modules value: None, one string, or a list of strings."""
    return (
        value is None or isinstance(value, str) or (isinstance(value, tuple) and all(isinstance(v, str) for v in value))
    )


def is_listing(value: Any) -> bool:
    """None or a list of strings, where a single string would be split into letters."""
    return is_names(value) and not isinstance(value, str)


def is_layers(value: Any) -> bool:
    return value is None or is_whole(value) or (isinstance(value, tuple) and all(is_whole(v) for v in value))


def is_pattern(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(k, str) and is_number(v) for k, v in value.items())


def anything(value: Any) -> bool:
    return True


def is_none(value: Val | None) -> bool:
    """Whether an argument is not given, or given as None."""
    return value is None or (isinstance(value, Const) and value.value is None)


def is_reentrant(settings: Val | None) -> bool:
    """Whether settings of gradient checkpointing do not ask for the non-reentrant kind."""
    flag = settings.items.get("use_reentrant") if isinstance(settings, DictVal) else None
    return settings is None or (isinstance(flag, Const) and flag.value is True)


def whole_list(value: Val | None) -> list[Val] | None:
    """The items of a list that is completely known; None for anything else."""
    return value.items if isinstance(value, ListVal) and not value.open else None


def as_list(value: Val) -> list[Val]:
    """The items of a list that is completely known; anything else as the only item."""
    items = whole_list(value)
    return [value] if items is None else items


def text_of(value: Val | None) -> str | None:
    """The text of a known string or path."""
    value = as_text(value) if value is not None else None
    return value.value if isinstance(value, Const) and isinstance(value.value, str) else None
