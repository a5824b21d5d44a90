"""Abstract values: what an expression may be while a program is followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from lora_lint.run.values import Reason

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterable, Iterator

    from lora_lint.interpreter.scope import Scope
    from lora_lint.run.run import SweepKind
    from lora_lint.run.values import Origin
    from lora_lint.source import Span

MAX_ALTERNATIVES = 8
MAX_UNROLL = 64
"""How many turns of a loop are followed one by one. The loops over adapters in 38 repositories have at most 5."""
MAX_CONTENT = 50_000
"""Values in a list or dict that is copied or read, those inside of others counted as often as they are held."""

# Plain classes with slots: thousands are made for each file, and a frozen dataclass costs four times as much to make.


class Const:
    """A number, string, boolean or None that is known."""

    __slots__ = ("origin", "span", "value")

    def __init__(self, value: Any, span: Span | None = None, origin: Origin = "literal") -> None:
        self.value = value
        self.span = span
        self.origin = origin

    def __repr__(self) -> str:
        return f"Const({self.value!r})"


class Effect(Const):
    """The None that a method gives which changes its object in place (`names.append(…)`); `method` is its name."""

    __slots__ = ("method",)

    def __init__(self, method: str, span: Span | None = None) -> None:
        super().__init__(None, span)
        self.method = method


class Opaque:
    """A value that cannot be known; `why` completes "unknown because …", and `reason` is what decisions look at."""

    __slots__ = ("reason", "span", "why")

    def __init__(self, why: str, span: Span | None = None, reason: Reason = Reason.NOT_FOLLOWED) -> None:
        self.why = why
        self.span = span
        self.reason = reason

    def at(self, span: Span | None) -> Opaque:
        """The same, of what is taken from it at another place: an attribute, an item."""
        return Opaque(self.why, span, self.reason)

    def __repr__(self) -> str:
        return f"Opaque({self.why!r})"


class Either:
    """One of several values, depending on a branch."""

    __slots__ = ("options",)

    def __init__(self, options: tuple[Val, ...]) -> None:
        self.options = options

    def __repr__(self) -> str:
        return f"Either{self.options!r}"


class Space:
    """A searched value: every option is tried, one run each. Spaces with the same `axis` move together.

    `default` is what a run without the search uses (argparse `choices` with a `default`).
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


class ListVal:
    """A list, tuple or set. `open` means that there may be more items than are known; `cut` is how many there are where
    a limit keeps them from being followed, else 0."""

    __slots__ = ("cut", "items", "kind", "open", "span")

    def __init__(self, items: list[Val], span: Span | None = None, kind: str = "list", open_: bool = False) -> None:
        self.items = items
        self.span = span
        self.kind = kind
        self.open = open_
        self.cut = 0


class DictVal:
    """A dict with known keys. `open` means that there may be more. `base` is the class of a dict-like object."""

    __slots__ = ("items", "open", "span")

    def __init__(self, items: dict[Any, Val], span: Span | None = None, open_: bool = False) -> None:
        self.items = items
        self.span = span
        self.open = open_


class Function:
    """A function of the program, with the scope it was defined in; `owner` is bound as the first argument."""

    __slots__ = ("calls", "decorators", "defaults", "node", "owner", "scope")

    def __init__(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        scope: Scope,
        defaults: dict[str, Val],
        decorators: tuple[Val, ...] = (),
        owner: Val | None = None,
    ) -> None:
        self.node = node
        self.scope = scope
        self.defaults = defaults
        self.decorators = decorators
        self.owner = owner

    @property
    def name(self) -> str:
        return getattr(self.node, "name", "<lambda>")


class Class:
    """A class of the program. `fields` are its annotated attributes in order, inherited ones first."""

    __slots__ = ("attributes", "bases", "fields", "is_data", "node", "scope")

    def __init__(
        self, node: ast.ClassDef, scope: Scope, bases: tuple[Val, ...], attributes: dict[str, Val], fields: list[str]
    ) -> None:
        self.node = node
        self.scope = scope
        self.bases = bases
        self.attributes = attributes
        self.fields = fields
        self.is_data = False

    def line(self) -> Iterator[Class | External]:
        """The class and all that it derives from, depth first and each once, however often it is inherited from."""
        seen: set[int] = set()
        left: list[Val] = [self]
        while left:
            each = left.pop()
            if id(each) not in seen and isinstance(each, Class | External):
                seen.add(id(each))
                yield each
                if isinstance(each, Class):
                    left.extend(reversed(each.bases))

    def external_bases(self) -> Iterator[External]:
        """The library classes that it derives from, through the program's own classes."""
        return (each for each in self.line() if isinstance(each, External))

    def lookup(self, name: str) -> Val | None:
        """An attribute of the class or of its bases."""
        if name in self.attributes or not self.bases:
            return self.attributes.get(name)
        owners = (each for each in self.line() if isinstance(each, Class) and name in each.attributes)
        owner = next(owners, None)
        return owner.attributes[name] if owner is not None else None


class Instance:
    """An object of a class of the program, or a namespace; `open` means that it may have attributes nobody set."""

    __slots__ = ("attributes", "class_", "open")

    def __init__(self, class_: Class | None, attributes: dict[str, Val], open_: bool = False) -> None:
        self.class_ = class_
        self.attributes = attributes
        self.open = open_


class External:
    """Something imported from a library, by qualified name: `peft.LoraConfig`."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"External({self.name})"


class Object:
    """What a library's call returned. `callee` is the qualified name that was called, `arguments` what it was given.

    `data` is the record that a dialect keeps about it (a model, a config, a dataset …); objects that share a record
    are views of one thing.
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


class Member:
    """An attribute of a library object that is not known by itself: `model.save_pretrained`, `model.lm_head.weight`."""

    __slots__ = ("name", "owner")

    def __init__(self, owner: Val, name: str) -> None:
        self.owner = owner
        self.name = name

    def path(self) -> tuple[Val, tuple[str, ...]]:
        """The object at the root and the attribute names that lead from it here."""
        names: list[str] = [self.name]
        owner = self.owner
        while isinstance(owner, Member):
            names.append(owner.name)
            owner = owner.owner
        return owner, tuple(reversed(names))


class Native:
    """A callable that the interpreter itself implements."""

    __slots__ = ("call", "name")

    def __init__(self, name: str, call: Callable[..., Val]) -> None:
        self.name = name
        self.call = call


class Namespace:
    """A module of the program that was imported."""

    __slots__ = ("scope",)

    def __init__(self, scope: Scope) -> None:
        self.scope = scope


class Deferred:
    """A name imported from a file that may belong to the project; followed when it is first used."""

    __slots__ = ("level", "module", "name")

    def __init__(self, module: str, level: int, name: str | None) -> None:
        self.module = module
        self.level = level
        self.name = name


class Arguments:
    """The arguments of a call, and where they are written, by name or number. `open` means that there were `*` or `**`
    arguments that are not known."""

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
        """Where the value of an argument is written at the call."""
        if name in self.spans:
            return self.spans[name]
        return self.spans.get(index) if index is not None else None


Val: TypeAlias = (
    Const
    | Opaque
    | Either
    | Space
    | ListVal
    | DictVal
    | Function
    | Class
    | Instance
    | External
    | Object
    | Member
    | Native
    | Namespace
    | Deferred
)

NO_ARGUMENTS = Arguments([], {}, {})


def either(options: Iterable[Val], why: str = "too many alternatives") -> Val:
    """One value out of several: equal constants count once; one unknown among them makes the whole unknown."""
    distinct: list[Val] = []
    for option in options:
        members = option.options if isinstance(option, Either) else (option,)
        for member in members:
            if isinstance(member, Opaque):
                return member
            if not any(same(member, other) for other in distinct):
                distinct.append(member)
    if not distinct:
        return Opaque("nothing assigns it")
    if len(distinct) == 1:
        return distinct[0]
    if len(distinct) > MAX_ALTERNATIVES:
        return Opaque(why)
    return Either(tuple(distinct))


def same(a: Val, b: Val) -> bool:
    """True if both are one object or equal constants (or lists and dicts of such)."""
    if a is b:
        return True
    if isinstance(a, Const) and isinstance(b, Const):
        return type(a.value) is type(b.value) and bool(a.value == b.value)
    if isinstance(a, ListVal) and isinstance(b, ListVal):
        return (
            len(a.items) == len(b.items)
            and a.open == b.open
            and not is_vast(a)
            and all(same(x, y) for x, y in zip(a.items, b.items, strict=True))
        )
    if isinstance(a, External) and isinstance(b, External):
        return a.name == b.name
    if isinstance(a, Member) and isinstance(b, Member):
        return a.name == b.name and same(a.owner, b.owner)
    return False


def constant(value: Val | None) -> Any:
    """The Python value of a constant, else None."""
    return value.value if isinstance(value, Const) else None


def as_cli_default(value: Val) -> Val:
    """The same value, marked as one that a caller or a command line may override."""
    if isinstance(value, Const):
        return Const(value.value, value.span, "cli-default")
    if isinstance(value, ListVal):
        if is_vast(value):
            return Opaque("it holds too many values", value.span)
        return ListVal([as_cli_default(item) for item in value.items], value.span, value.kind, value.open)
    return value


def is_vast(value: Val) -> bool:
    """Whether a list or dict holds more values than are read: `[[[0] * 500] * 500] * 500`, or a list that holds
    itself."""
    count = 0
    left = [value]
    while left:
        each = left.pop()
        inner = each.items if isinstance(each, ListVal) else each.items.values() if isinstance(each, DictVal) else ()
        count += len(inner)
        if count > MAX_CONTENT:
            return True
        left += [item for item in inner if isinstance(item, ListVal | DictVal)]
    return False


def left_open(value: Val) -> bool:
    """Whether a value is a default of None that is there to be filled in, by a caller or on the command line."""
    if isinstance(value, Opaque):
        return value.reason is Reason.OPTIONAL
    return isinstance(value, Const) and value.value is None and value.origin == "cli-default"


def name_of(value: Val) -> str:
    """The qualified name of a library's function, class or object; of a class of the program its own."""
    if isinstance(value, External):
        return value.name
    if isinstance(value, Object):
        return value.callee
    if isinstance(value, Class):
        return value.node.name
    return ""


def is_key(key: Any) -> bool:
    """Whether a constant can be the key of a followed dict."""
    return isinstance(key, str | int | float | bool | type(None))
