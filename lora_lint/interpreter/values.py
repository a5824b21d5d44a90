"""Abstract values: what an expression may be while a program is followed, and what can be done with it.

Each kind of value knows its own attributes, items, iteration and truth (`Val` has the answers for values about which
nothing is known). Alternatives pass a question on to each of their options, so no other code has to handle them. The
values that a program defines, functions and classes and modules, are in `definitions`.
"""

from __future__ import annotations

import itertools
from functools import partial

from lora_lint.interpreter.path_texts import PARTS, above
from lora_lint.run.choices import OptionChoice, common, exclude
from lora_lint.run.values import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from lora_lint.interpreter.machine import Machine
    from lora_lint.run.choices import Case
    from lora_lint.run.run import SweepKind
    from lora_lint.run.values import Origin
    from lora_lint.source import Span

MAX_ALTERNATIVES = 8
MAX_UNROLL = 64
"""The most iterations of a loop that are followed one by one. The loops over adapters in 38 repositories have at most
5."""
MAX_CONTENT = 50_000
"""The most values in a list or dict that is copied or read; nested values count as often as they are contained."""
MAX_NUMBER = 1 << 64
MAX_ITEMS = 512

Listed = tuple[list["Val"], bool]
"""The elements of an iteration, and whether these are all."""

# Plain classes with slots: each file creates thousands, and a frozen dataclass costs four times as much.


class Val:
    """A value of a followed program. The methods here are for values about which nothing more is known."""

    __slots__ = ()

    @property
    def qualified_name(self) -> str:
        """The name of a library's function, class or object; for a class of the program its own name."""
        return ""

    def is_never_none(self) -> bool:
        """Whether it is certainly not None."""
        return False

    def alternatives(self) -> tuple[Val, ...]:
        """The possible values."""
        return (self,)

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        """self.name"""
        return Member(self, name)

    def set_attribute(self, machine: Machine, name: str, value: Val, span: Span) -> None:
        """self.name = value"""

    def item(self, machine: Machine, key: Val, span: Span) -> Val:
        """self[key]"""
        return lift(partial(self.pick, span), key)

    def pick(self, span: Span, key: Val) -> Val:
        """self[key], where the key has no alternatives."""
        if not isinstance(key, Const):
            return Opaque("the key is not known", span)
        return Opaque("it is an item of something that is not known", span)

    def set_item(self, machine: Machine, key: Val, value: Val, span: Span) -> None:
        """self[key] = value"""

    def unsettle(self, machine: Machine) -> None:
        """Something that is not known may set any of its parts: `config.update(given)`, `setattr(config, key, …)`."""

    def slice(self, machine: Machine, bounds: list[Val], span: Span) -> Val:
        """self[lower:upper:step]; a missing bound is None."""
        unknown, most = Opaque("it is a slice of something that is not known", span), _most_of(bounds)
        return unknown if most is None else Portion(unknown, most)

    def call(self, machine: Machine, arguments: Arguments, span: Span) -> Val | None:
        """self(*arguments); None if it cannot be followed."""
        return None

    def iterate(self, machine: Machine, span: Span) -> Listed | None:
        """The elements of an iteration; None if nothing is known about it."""
        return self.elements()

    def elements(self) -> Listed | None:
        """The elements of an iteration, if they can be determined without the machine."""
        return None

    def turns(self) -> int:
        """The number of iterations of a loop over it, if that is known; otherwise 0."""
        return 0

    def mapping(self) -> DictVal | None:
        """The items that `**` spreads; None if it is not a known mapping."""
        return None

    def truth(self) -> bool | None:
        """Whether it counts as true; None if unknown or if a command line decides."""
        return None

    def same(self, other: Val) -> bool:
        """Whether both are the same object or equal constants (or lists of these)."""
        return self is other

    def overridable(self) -> Val:
        """The same value, marked as one that a caller or a command line may override."""
        return self

    def copied(self, machine: Machine, arguments: Arguments, span: Span) -> Val:
        """copy.deepcopy: another object with the same content."""
        return self

    def content(self) -> Iterable[Val]:
        """The values that it contains."""
        return ()


class Const(Val):
    """A number, string, boolean or None that is known."""

    __slots__ = ("origin", "span", "value")

    def __init__(self, value: Any, span: Span | None = None, origin: Origin = "literal") -> None:
        self.value = value
        self.span = span
        self.origin = origin

    def __repr__(self) -> str:
        return f"Const({self.value!r})"

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        return Opaque("it is an attribute of None", span) if self.value is None else Member(self, name)

    def pick(self, span: Span, key: Val) -> Val:
        if isinstance(key, Const) and isinstance(self.value, str | range):
            try:
                return Const(self.value[key.value], span, self.origin)
            except (IndexError, TypeError):
                return Opaque("the index is out of range", span)
        return super().pick(span, key)

    def slice(self, machine: Machine, bounds: list[Val], span: Span) -> Val:
        cut = _slice_of(bounds)
        if cut is not None and isinstance(self.value, str | range):
            try:
                return Const(self.value[cut], span, "derived")
            except (TypeError, ValueError):
                pass
        return super().slice(machine, bounds, span)

    def elements(self) -> Listed | None:
        if isinstance(self.value, range | str) and self.turns() <= MAX_ITEMS:
            return [Const(item, self.span, "derived") for item in self.value], True
        return None

    def turns(self) -> int:
        if isinstance(self.value, str):
            return min(len(self.value), MAX_NUMBER)
        if not isinstance(self.value, range):
            return 0
        start, stop, step = self.value.start, self.value.stop, self.value.step
        return max(0, (stop - start + step - (1 if step > 0 else -1)) // step)  # it may be beyond what `len` gives

    def truth(self) -> bool | None:
        return None if self.origin == "cli-default" else bool(self.value)

    def same(self, other: Val) -> bool:
        if self is other:
            return True
        if not isinstance(other, Const):
            return False
        return type(self.value) is type(other.value) and bool(self.value == other.value)

    def overridable(self) -> Val:
        return Const(self.value, self.span, "cli-default")


class Default(Const):
    """The default of an option that callers may give; `option` is how they write it."""

    __slots__ = ("option",)

    def __init__(self, value: Any, span: Span | None, option: str) -> None:
        super().__init__(value, span, "cli-default")
        self.option = option

    def overridable(self) -> Val:
        return self


class Unparsed(Const):
    """A number that is written in a YAML file so that PyYAML reads it as a text: `2e-4`, without a point. What converts
    it gives a number."""

    __slots__ = ()

    def overridable(self) -> Val:
        return Unparsed(self.value, self.span, "cli-default")

    def parsed(self) -> Const:
        """The number."""
        return Const(self.value, self.span, self.origin)


class ModuleName(Const):
    """The path of a module in a model that is known: of these, more are followed one by one than of other texts."""

    __slots__ = ()


_MOST_PARENTS = 8
_SETTINGS = 100
"""The most items of a dict of settings."""


class PathVal(Val):
    """A path of pathlib: the text that leads to it (see `paths`)."""

    __slots__ = ("origin", "span", "text")

    def __init__(self, text: str, span: Span | None, origin: Origin) -> None:
        self.text = text
        self.span = span
        self.origin = origin

    def __repr__(self) -> str:
        return f"PathVal({self.text!r})"

    def is_never_none(self) -> bool:
        return True

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        if name == "parent":
            return PathVal(above(self.text), span, self.origin)
        if name == "parents":
            folders: list[Val] = []
            text = self.text
            for _ in range(_MOST_PARENTS):
                text = above(text)
                folders.append(PathVal(text, span, self.origin))
            return ListVal(folders, span, "tuple", open_=True)
        part = PARTS.get(name)
        return Const(part(self.text), span, self.origin) if part is not None else Member(self, name)

    def truth(self) -> bool | None:
        return None if self.origin == "cli-default" else True

    def same(self, other: Val) -> bool:
        return self is other or (isinstance(other, PathVal) and self.text == other.text)

    def overridable(self) -> Val:
        return PathVal(self.text, self.span, "cli-default")


class Effect(Const):
    """The None that a method returns after changing its object in place (`names.append(…)`); `method` is its name."""

    __slots__ = ("method",)

    def __init__(self, method: str, span: Span | None = None) -> None:
        super().__init__(None, span)
        self.method = method


class Opaque(Val):
    """A value that cannot be known; `why` completes "unknown because …", and `reason` is what decisions use."""

    __slots__ = ("reason", "span", "why")

    def __init__(self, why: str, span: Span | None = None, reason: Reason = Reason.NOT_FOLLOWED) -> None:
        self.why = why
        self.span = span
        self.reason = reason

    def at(self, span: Span | None) -> Opaque:
        """The same, for a value derived from it at another place: an attribute, an item."""
        return Opaque(self.why, span, self.reason)

    def __repr__(self) -> str:
        return f"Opaque({self.why!r})"

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        return Native("get", self._default) if name == "get" and self._holds_settings() else self.at(span)

    def item(self, machine: Machine, key: Val, span: Span) -> Val:
        given = self._holds_settings() or self.reason is Reason.OPTIONAL
        return self.at(span) if given else super().item(machine, key, span)

    def slice(self, machine: Machine, bounds: list[Val], span: Span) -> Val:
        return self.at(span) if self.reason is Reason.OPTIONAL else super().slice(machine, bounds, span)

    def call(self, machine: Machine, arguments: Arguments, span: Span) -> Val | None:
        return self.at(span) if self.reason is Reason.RULED_OUT else super().call(machine, arguments, span)

    def _holds_settings(self) -> bool:
        """Whether it may be a mapping that something else fills in."""
        return self.reason in (Reason.CALLER, Reason.CONFIG)

    def _default(self, arguments: Arguments, span: Span) -> Val:
        """`config.get("rank", 8)`: the default, which the unknown mapping may override."""
        return given_default(arguments.get("default", 1)) or self.at(span)


class Unset(Opaque):
    """An option without a default; `option` is how callers write it."""

    __slots__ = ("option",)

    def __init__(self, unknown: Opaque, option: str) -> None:
        super().__init__(unknown.why, unknown.span, unknown.reason)
        self.option = option


class Perhaps(Opaque):
    """Items of a list that a branch may have added."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("a branch decides what is added")


class AtMost(Opaque):
    """A number of which an upper bound is known: `min(1000, len(rows))`."""

    __slots__ = ("bound",)

    def __init__(self, unknown: Opaque, bound: Const) -> None:
        super().__init__(unknown.why, unknown.span, unknown.reason)
        self.bound = bound


class Portion(Opaque):
    """The items of something that is not known, of whose number an upper bound is: `rows[:1000]`."""

    __slots__ = ("most",)

    def __init__(self, unknown: Opaque, most: Const) -> None:
        super().__init__(unknown.why, unknown.span, unknown.reason)
        self.most = most


class PartOfSettings(Opaque):
    """A part of settings by a key that is not known: `for part in parts: section = section[part]`. What is set in it
    may be any of the settings."""

    __slots__ = ("whole",)

    def __init__(self, whole: DictVal, span: Span) -> None:
        super().__init__("the key is not known", span)
        self.whole = whole

    def item(self, machine: Machine, key: Val, span: Span) -> Val:
        return self if not isinstance(key, Const) else super().item(machine, key, span)

    def set_item(self, machine: Machine, key: Val, value: Val, span: Span) -> None:
        if not isinstance(key, Const):
            self.whole.unsettle(machine)


class Rows(Opaque):
    """Stands for the items of a list: there are as many as a library's object has rows, or fewer, perhaps none, if a
    condition leaves some out (`sometimes`)."""

    __slots__ = ("of", "sometimes")

    def __init__(self, of: Object, sometimes: bool) -> None:
        super().__init__("it is one of many rows", of.span)
        self.of = of
        self.sometimes = sometimes


class Either(Val):
    """One of several values, depending on a branch. Each question is passed on to all of them. `cases` are the choices
    of callers that lead to each."""

    __slots__ = ("cases", "options")

    def __init__(self, options: tuple[Val, ...], cases: tuple[Case, ...] = ()) -> None:
        self.options = options
        self.cases = cases or ((),) * len(options)

    def __repr__(self) -> str:
        return f"Either{self.options!r}"

    def alternatives(self) -> tuple[Val, ...]:
        return self.options

    def of_cases(self) -> Iterable[tuple[Val, Case]]:
        """The possible values, each with the choices that lead to it."""
        return zip(self.options, self.cases, strict=True)

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        return either([option.attribute(machine, name, span) for option in self.options], self.cases)

    def set_attribute(self, machine: Machine, name: str, value: Val, span: Span) -> None:
        for option in self.options:
            option.set_attribute(machine, name, value, span)

    def item(self, machine: Machine, key: Val, span: Span) -> Val:
        return either([option.item(machine, key, span) for option in self.options], self.cases)

    def elements(self) -> Listed | None:
        listed = [option.elements() for option in self.options]
        whole = [each[0] for each in listed if each is not None and each[1]]
        if len(whole) < len(listed) or len({len(each) for each in whole}) != 1:
            return None
        return [either(column, self.cases) for column in zip(*whole, strict=True)], True

    def mapping(self) -> DictVal | None:
        spread = [option.mapping() for option in self.options]
        every = [each for each in spread if each is not None]
        if len(every) < len(spread):
            return None
        names = [name for name in every[0].items if all(name in each.items for each in every)]
        items = {name: either([each.items[name] for each in every], self.cases) for name in names}
        return DictVal(items, None, any(each.open or len(each.items) > len(names) for each in every))

    def set_item(self, machine: Machine, key: Val, value: Val, span: Span) -> None:
        open_all(self.options)  # it is not known which one just got another item
        for option in self.options:
            if isinstance(option, DictVal) and isinstance(key, Const) and key.value in option.items:
                option.set_item(machine, key, value, span)  # read again, each has this one

    def call(self, machine: Machine, arguments: Arguments, span: Span) -> Val | None:
        return either([machine.call(option, arguments, span) for option in self.options], self.cases)

    def truth(self) -> bool | None:
        known = {option.truth() for option in self.options}
        return known.pop() if len(known) == 1 else None


class Space(Val):
    """A searched value: every option is tried, one run each. Spaces with the same `axis` vary together.

    `default` is the value of a run without the search (argparse `choices` with a `default`).
    """

    __slots__ = ("axis", "default", "kind", "options", "span")

    def __init__(
        self, options: tuple[Const, ...], axis: object, kind: SweepKind, span: Span | None, default: Const | None = None
    ) -> None:
        self.options = options
        self.axis = axis
        self.kind = kind
        self.span = span
        self.default = default


class ListVal(Val):
    """A list, tuple or set. `open` means that there may be more items than are known; `cut` is their number if a limit
    keeps them from being followed, otherwise 0."""

    __slots__ = ("cut", "items", "kind", "open", "span")

    def __init__(self, items: list[Val], span: Span | None = None, kind: str = "list", open_: bool = False) -> None:
        self.items = items
        self.span = span
        self.kind = kind
        self.open = open_
        self.cut = 0

    def is_never_none(self) -> bool:
        return True

    def pick(self, span: Span, key: Val) -> Val:
        if not isinstance(key, Const):
            return super().pick(span, key)
        try:
            if not self.open or 0 <= key.value < len(self.items):
                picked: Val = self.items[key.value]
                return picked
        except (IndexError, TypeError):
            return Opaque("the index is out of range", span)
        return super().pick(span, key)

    def set_item(self, machine: Machine, key: Val, value: Val, span: Span) -> None:
        if isinstance(key, Const) and isinstance(key.value, int) and -len(self.items) <= key.value < len(self.items):
            machine.journal.change_list(self.items)[key.value] = value

    def slice(self, machine: Machine, bounds: list[Val], span: Span) -> Val:
        cut = _slice_of(bounds)
        if cut is not None and not self.open:
            try:
                return ListVal(self.items[cut], span, self.kind)
            except (TypeError, ValueError):
                pass
        rows = machine.library.cut(self, bounds, span) if self.holds_rows() else None
        return super().slice(machine, bounds, span) if rows is None else rows_list(rows, span, self.kind, True)

    def holds_rows(self) -> bool:
        """Whether its items are known by their number alone."""
        return any(isinstance(item, Rows) for item in self.items)

    def of_rows(self) -> tuple[Object, ...]:
        """The library's objects that stand for all its items; none if there are others."""
        found = tuple(item.of for item in self.items if isinstance(item, Rows))
        return found if len(found) == len(self.items) else ()

    def elements(self) -> Listed | None:
        return list(self.items), not self.open

    def turns(self) -> int:
        return max(len(self.items), self.cut) if not self.open or self.cut else 0

    def truth(self) -> bool | None:
        if not self.items:
            return None if self.open else False
        return None if all(map(_may_be_none, self.items)) else True

    def same(self, other: Val) -> bool:
        if self is other or not isinstance(other, ListVal):
            return self is other
        alike = len(self.items) == len(other.items) and self.open == other.open and not is_vast(self)
        return alike and all(mine.same(theirs) for mine, theirs in zip(self.items, other.items, strict=True))

    def overridable(self) -> Val:
        if is_vast(self):
            return Opaque("it holds too many values", self.span)
        items = [item.overridable() for item in self.items]
        return ListVal(items, self.span, self.kind, self.open or not items)  # an empty one says nothing of another

    def copied(self, machine: Machine, arguments: Arguments, span: Span) -> Val:
        if is_vast(self):
            return Opaque("it holds too many values", span)
        return ListVal([item.copied(machine, arguments, span) for item in self.items], self.span, self.kind, self.open)

    def content(self) -> Iterable[Val]:
        return self.items


def rows_list(rows: Object, span: Span, kind: str = "list", sometimes: bool = False) -> ListVal:
    """A list of as many items as a library's object has rows."""
    return ListVal([Rows(rows, sometimes)], span, kind, True)


def _may_be_none(item: Val) -> bool:
    """Whether what stands for items may stand for none."""
    return isinstance(item, Perhaps) or (isinstance(item, Rows) and item.sometimes)


class DictVal(Val):
    """A dict with known keys. `open` means that there may be more."""

    __slots__ = ("items", "open", "span")

    def __init__(self, items: dict[Any, Val], span: Span | None = None, open_: bool = False) -> None:
        self.items = items
        self.span = span
        self.open = open_

    def is_never_none(self) -> bool:
        return True

    def item(self, machine: Machine, key: Val, span: Span) -> Val:
        if isinstance(key, Opaque) and not isinstance(key, Unset) and self._has_sections():
            return PartOfSettings(self, span)
        return self.by_option(key) or super().item(machine, key, span)

    def _has_sections(self) -> bool:
        return len(self.items) <= _SETTINGS and any(isinstance(each, DictVal) for each in self.items.values())

    def by_option(self, key: Val) -> Val | None:
        """The value for a key that callers choose by an option: any of the items, each where callers give its key. None
        for other keys."""
        if not isinstance(key, Default | Unset) or self.open or not 1 < len(self.items) <= MAX_ALTERNATIVES:
            return None
        default = key.value if isinstance(key, Default) else None
        if not isinstance(default, str | None) or (default and default not in self.items):
            return None
        cases = [(OptionChoice(key.option, "equals", name, True, name == default),) for name in self.items]
        chosen = either(list(self.items.values()), cases)
        return chosen if isinstance(chosen, Either) or default is None else None

    def pick(self, span: Span, key: Val) -> Val:
        if not isinstance(key, Const):
            return super().pick(span, key)
        value = self.items.get(key.value) if is_key(key.value) else None
        return value if value is not None else Opaque(f"the key {key.value!r} is set elsewhere", span)

    def set_item(self, machine: Machine, key: Val, value: Val, span: Span) -> None:
        if isinstance(key, Const) and is_key(key.value):
            machine.journal.set_item(self.items, key.value, value)
        elif isinstance(key, Either):
            self.open = True
        else:
            self.unsettle(machine)

    def unsettle(self, machine: Machine) -> None:
        self.open = True
        if len(self.items) > _SETTINGS:
            return  # data, in which a loop may set every item
        vast = is_vast(self)
        for key, value in self.items.items():
            if isinstance(value, Const) and value.origin != "cli-default":
                machine.journal.set_item(self.items, key, value.overridable())
            elif isinstance(value, DictVal) and not vast:  # a section, which may be replaced as a whole
                value.unsettle(machine)

    def overridable(self) -> Val:
        if len(self.items) > _SETTINGS or is_vast(self):
            return self
        return DictVal({key: item.overridable() for key, item in self.items.items()}, self.span, self.open)

    def elements(self) -> Listed | None:
        return [Const(key, self.span, "derived") for key in self.items], not self.open

    def turns(self) -> int:
        return 0 if self.open else len(self.items)

    def mapping(self) -> DictVal | None:
        return self

    def truth(self) -> bool | None:
        return True if self.items else (None if self.open else False)

    def copied(self, machine: Machine, arguments: Arguments, span: Span) -> Val:
        if is_vast(self):
            return Opaque("it holds too many values", span)
        items = {key: item.copied(machine, arguments, span) for key, item in self.items.items()}
        return DictVal(items, self.span, self.open)

    def content(self) -> Iterable[Val]:
        return self.items.values()


class External(Val):
    """Something imported from a library, by qualified name: `peft.LoraConfig`."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"External({self.name})"

    @property
    def qualified_name(self) -> str:
        return self.name

    def is_never_none(self) -> bool:
        return True

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        dotted = f"{self.name}.{name}"
        return machine.library.external(machine, dotted, span) or External(dotted)

    def set_attribute(self, machine: Machine, name: str, value: Val, span: Span) -> None:
        machine.library.replace(f"{self.name}.{name}", value)

    def unsettle(self, machine: Machine) -> None:
        if self.name == "sys.modules":  # `setattr(sys.modules[__name__], key, …)`
            machine.leave_open()

    def item(self, machine: Machine, key: Val, span: Span) -> Val:
        return self  # a type's parameters

    def call(self, machine: Machine, arguments: Arguments, span: Span) -> Val | None:
        return machine.call_external(self.name, arguments, span)

    def truth(self) -> bool | None:
        return True

    def same(self, other: Val) -> bool:
        return self is other or (isinstance(other, External) and self.name == other.name)


class Object(Val):
    """The result of a library call. `callee` is the qualified name that was called, `arguments` its arguments.

    `data` is the record that a library keeps about it (a model, a config, a dataset …); objects that share a record are
    views of one thing.
    """

    __slots__ = ("arguments", "attributes", "callee", "data", "span")

    def __init__(
        self,
        callee: str,
        arguments: Arguments,
        span: Span | None,
        data: Any = None,
        attributes: dict[str, Val] | None = None,
    ) -> None:
        self.callee = callee
        self.arguments = arguments
        self.span = span
        self.data = data
        self.attributes = {} if attributes is None else attributes

    def __repr__(self) -> str:
        return f"Object({self.callee})"

    @property
    def qualified_name(self) -> str:
        return self.callee

    def is_never_none(self) -> bool:
        return self.data is not None  # objects without a record may be None or empty

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        found = self.attributes.get(name)
        if found is None:
            found = machine.library.attribute(machine, self, name, span)
        return Member(self, name) if found is None else found

    def set_attribute(self, machine: Machine, name: str, value: Val, span: Span) -> None:
        if not machine.library.assign(machine, self, name, value, span):
            machine.journal.set_item(self.attributes, name, value)

    def unsettle(self, machine: Machine) -> None:
        for name, value in {**self.arguments.keywords, **self.attributes}.items():
            machine.journal.set_item(self.attributes, name, value.overridable())

    def item(self, machine: Machine, key: Val, span: Span) -> Val:
        found = self.attributes.get(f"[{key.value}]") if isinstance(key, Const) else None
        if found is None:
            found = machine.library.subscript(machine, self, key, span)
        return found if found is not None else Opaque("it is an item of a library's object", span)

    def set_item(self, machine: Machine, key: Val, value: Val, span: Span) -> None:
        if isinstance(key, Const):
            self.set_attribute(machine, f"[{key.value}]", value, span)

    def slice(self, machine: Machine, bounds: list[Val], span: Span) -> Val:
        found = machine.library.subscript(machine, self, ListVal(bounds, span, "slice"), span)
        return found if found is not None else Opaque("it is a slice of a library's object", span)

    def call(self, machine: Machine, arguments: Arguments, span: Span) -> Val | None:
        return machine.library.method(machine, self, ("__call__",), arguments, span)

    def iterate(self, machine: Machine, span: Span) -> Listed | None:
        found = machine.library.iterate(machine, self, span)
        return None if found is None else (found, False)

    def mapping(self) -> DictVal | None:
        if not self.attributes:
            return None
        named = {name.strip("[]"): value for name, value in self.attributes.items()}  # attributes and items
        return DictVal({**self.arguments.keywords, **named}, None, True)

    def copied(self, machine: Machine, arguments: Arguments, span: Span) -> Val:
        found = machine.library.method(machine, self, ("__deepcopy__",), arguments, span)
        return found if found is not None else self

    def truth(self) -> bool | None:
        return True if self.data is not None else None


class Member(Val):
    """An attribute of a library object that is not modelled itself: `model.save_pretrained`, `model.lm_head.weight`."""

    __slots__ = ("name", "owner")

    def __init__(self, owner: Val, name: str) -> None:
        self.owner = owner
        self.name = name

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        if name == "model_type" and self.name == "config" and isinstance(self.owner, Object):
            found = machine.library.attribute(machine, self.owner, "config.model_type", span)
            if found is not None:
                return found
        return Member(self, name)

    def path(self) -> tuple[Val, tuple[str, ...]]:
        """The object at the root, and the attribute names that lead from it here."""
        names: list[str] = [self.name]
        owner = self.owner
        while isinstance(owner, Member):
            names.append(owner.name)
            owner = owner.owner
        return owner, tuple(reversed(names))

    def set_attribute(self, machine: Machine, name: str, value: Val, span: Span) -> None:
        machine.library.assign(machine, self, name, value, span)

    def item(self, machine: Machine, key: Val, span: Span) -> Val:
        if isinstance(key, Const) and isinstance(key.value, int):
            parts = machine.library.iterate(machine, self, span)
            if parts:
                return parts[0]
        return super().item(machine, key, span)

    def call(self, machine: Machine, arguments: Arguments, span: Span) -> Val | None:
        return machine.call_method(self, arguments, span)

    def iterate(self, machine: Machine, span: Span) -> Listed | None:
        found = machine.library.iterate(machine, self, span)
        return None if found is None else (found, False)

    def same(self, other: Val) -> bool:
        return self is other or (isinstance(other, Member) and self.name == other.name and self.owner.same(other.owner))


class Native(Val):
    """A callable that the interpreter itself implements."""

    __slots__ = ("function", "name")

    def __init__(self, name: str, function: Callable[[Arguments, Span], Val]) -> None:
        self.name = name
        self.function = function

    def call(self, machine: Machine, arguments: Arguments, span: Span) -> Val | None:
        return self.function(arguments, span)


class Arguments:
    """The arguments of a call, and where they are written, by name or number. `open` means that there were unknown `*`
    or `**` arguments."""

    __slots__ = ("keywords", "open", "positional", "spans")

    def __init__(
        self,
        positional: list[Val],
        keywords: dict[str, Val],
        spans: dict[str | int, Span],
        open_: bool = False,
    ) -> None:
        self.positional = positional
        self.keywords = keywords
        self.spans = spans
        self.open = open_

    def get(self, name: str, index: int | None = None) -> Val | None:
        """The argument `name`, given by keyword or as positional number `index`; None if it was not given."""
        if name in self.keywords:
            return self.keywords[name]
        if index is not None and index < len(self.positional):
            return self.positional[index]
        return None

    def span(self, name: str, index: int | None = None) -> Span | None:
        """The place of an argument's value at the call."""
        if name in self.spans:
            return self.spans[name]
        return self.spans.get(index) if index is not None else None


NO_ARGUMENTS = Arguments([], {}, {})


def either(options: Iterable[Val], cases: Sequence[Case] = (), why: str = "too many alternatives") -> Val:
    """One value out of several, with the choices that lead to each where these are known: equal constants count once;
    a single unknown one makes the whole unknown."""
    distinct: list[Val] = []
    under: list[Case] = []
    options = tuple(options)
    for number, option in enumerate(options):
        case = cases[number] if cases else ()
        for member, inner in _members(option, case):
            if isinstance(member, AtMost):
                return _largest(options)
            if isinstance(member, Opaque):
                return member
            if len(distinct) > MAX_ALTERNATIVES:
                continue  # one too many is enough: the rest is only searched for an unknown one
            same = next((at for at, other in enumerate(distinct) if member.same(other)), None)
            if same is not None:
                under[same] = common(under[same], inner)
                if isinstance(member, Const) and member.origin == "cli-default":  # it may be another one
                    distinct[same] = distinct[same].overridable()
            else:
                distinct.append(member)
                under.append(inner)
    if not distinct:
        return Opaque("nothing assigns it")
    if len(distinct) == 1:
        return distinct[0]
    if len(distinct) > MAX_ALTERNATIVES:
        return Opaque(why)
    return Either(tuple(distinct), tuple(under))


def _largest(options: tuple[Val, ...]) -> Opaque:
    """One of several numbers of which not all are known: the largest of their bounds holds for all."""
    members = [member for option in options for member, _ in _members(option, ())]
    unknown = [member for member in members if isinstance(member, Opaque)]
    bounds = [member.bound if isinstance(member, AtMost) else member for member in members]
    whole = [bound for bound in bounds if isinstance(bound, Const) and type(bound.value) is int]
    if len(whole) < len(bounds):
        return next((each for each in unknown if not isinstance(each, AtMost)), unknown[0].at(unknown[0].span))
    return AtMost(unknown[0], max(whole, key=lambda bound: int(bound.value)))


def _members(option: Val, case: Case) -> Iterable[tuple[Val, Case]]:
    """The alternatives of a value in a case, each with its own."""
    if not isinstance(option, Either):
        return ((option, case),)
    if not case:
        return option.of_cases()
    pairs = [(member, (*inner, *case)) for member, inner in option.of_cases() if not exclude(inner, case)]
    return pairs or [(member, case) for member in option.options]


def given_default(default: Val | None) -> Val | None:
    """The default of a key that a mapping may have all the same. None and an empty list or mapping only stand for what
    is not given: None then."""
    empty = isinstance(default, ListVal) and not default.items
    if default is None or empty or isinstance(default, DictVal):
        return None
    return None if isinstance(default, Const) and default.value is None else default.overridable()


def option_of(value: Val, option: str) -> Val:
    """A value as the default of an option that callers write as `option`; something unknown as one without a
    default."""
    if isinstance(value, Const):
        return Default(value.value, value.span, option)
    return Unset(value, option) if isinstance(value, Opaque) else value.overridable()


def lift(function: Callable[..., Val], *values: Val) -> Val:
    """Applies a function of constants to values that may have alternatives or be searched."""
    if all(isinstance(value, Const) for value in values):
        return function(*values)
    for value in values:
        if isinstance(value, Opaque):
            return value.at(value.span) if isinstance(value, AtMost) else value
    spaces = [value for value in values if isinstance(value, Space)]
    if spaces:
        return _lift_spaces(function, values, spaces)
    choices = [value.alternatives() for value in values]
    count = 1
    for options in choices:
        count *= len(options)
    if count == 1:
        return function(*values)
    if count > MAX_ALTERNATIVES:
        return Opaque("too many alternatives")
    if not any(isinstance(value, Either) and any(value.cases) for value in values):
        return either(function(*combination) for combination in itertools.product(*choices))
    together: list[tuple[tuple[Val, ...], Case]] = [((), ())]
    for value in values:
        together = [
            ((*others, member), (*case, *inner))
            for others, case in together
            for member, inner in _members(value, ())
            if not exclude(case, inner)
        ]
    return either([function(*combination) for combination, _ in together], [case for _, case in together])


def of_each(function: Callable[[Val], Val], value: Val) -> Val:
    """Applies a function to each alternative of a value, known or not."""
    if not isinstance(value, Either):
        return function(value)
    return either([function(option) for option in value.options], value.cases)


def _lift_spaces(function: Callable[..., Val], values: tuple[Val, ...], spaces: list[Space]) -> Val:
    """Applies a function to values, some of which are searched together."""
    first = spaces[0]
    if any(space.axis is not first.axis for space in spaces) or any(isinstance(value, Either) for value in values):
        return Opaque("it is computed from several searched values")
    options = []
    for number in range(len(first.options)):
        result = function(*(value.options[number] if isinstance(value, Space) else value for value in values))
        if not isinstance(result, Const):
            return Opaque("it is computed from a searched value")
        options.append(result)
    default = None
    if all(space.default for space in spaces):
        result = function(*(value.default if isinstance(value, Space) else value for value in values))
        default = result if isinstance(result, Const) else None
    return Space(tuple(options), first.axis, first.kind, first.span, default)


def constant(value: Val | None) -> Any:
    """The Python value of a constant, otherwise None."""
    return value.value if isinstance(value, Const) else None


def as_text(value: Val) -> Val:
    """The text of a path; any other value unchanged."""
    return Const(value.text, value.span, value.origin) if isinstance(value, PathVal) else value


def is_vast(value: Val) -> bool:
    """Whether a list or dict contains more values than are read: `[[[0] * 500] * 500] * 500`, or a list that contains
    itself."""
    count = 0
    left = [value]
    while left:
        inner = list(left.pop().content())
        count += len(inner)
        if count > MAX_CONTENT:
            return True
        left += [item for item in inner if isinstance(item, ListVal | DictVal)]
    return False


def left_open(value: Val) -> bool:
    """Whether a value is a default of None that a caller or the command line is meant to replace."""
    if isinstance(value, Opaque):
        return value.reason is Reason.OPTIONAL
    return isinstance(value, Const) and value.value is None and value.origin == "cli-default"


def is_key(key: Any) -> bool:
    """Whether a constant can be the key of a followed dict."""
    return isinstance(key, str | int | float | bool | type(None))


def open_all(values: Iterable[Val]) -> None:
    """Marks lists and dicts open that may have received another item."""
    for value in values:
        if isinstance(value, DictVal | ListVal):
            value.open = True


def _slice_of(bounds: list[Val]) -> slice | None:
    """The slice of known bounds."""
    known = [bound.value for bound in bounds if isinstance(bound, Const)]
    return slice(*known) if len(known) == len(bounds) else None


def _most_of(bounds: list[Val]) -> Const | None:
    """The most items that a slice with these bounds has of anything; None if there is no such number."""
    start, stop, step = bounds
    end = stop.bound if isinstance(stop, AtMost) else stop
    first, last = constant(start) or 0, constant(end)
    plain = isinstance(start, Const) and isinstance(step, Const) and step.value in (None, 1)
    if not plain or not isinstance(end, Const) or type(first) is not int or type(last) is not int:
        return None
    return Const(max(last - first, 0), end.span, end.origin) if min(first, last) >= 0 else None
