"""`dataclass`, `field`, `replace`, `NamedTuple`, `Generic` … as the standard library means them, at a fraction of the
price.

The standard module imports `inspect` and compiles several methods for each class. Measured on one script of 300 lines
(Python 3.11, one machine, CPU time): 20 ms for that import and 65 ms for the 43 classes, on top of 95 ms for all the
rest; flake8 takes 220 ms, of which a lint may take half. Here all classes share a few closures. Type checkers are shown
the real thing, and `dataclasses.fields`, `asdict` and `replace` work on what is made here. What runs beside torch
(`verify`) has no need of it.

A class of `typing.NamedTuple` takes 0.3 ms, of which two thirds go into checking its annotations; those of the
`NamedTuple` here are left as they are.

A plain lint does not import `typing`, which takes 3% of it: modules say `TYPE_CHECKING = False`, which type checkers
take for true, and what serves them alone is below it. `Generic`, `Protocol` and `TypeVar` mean nothing at run time.

Supported: `frozen`, `eq`, `default`, `default_factory`, `compare`, `repr`, `__post_init__`, `ClassVar`, inheritance.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace
    from typing import Generic as Generic
    from typing import NamedTuple as NamedTuple
    from typing import Protocol as Protocol
    from typing import TypeVar as TypeVar
else:
    from collections import namedtuple
    from types import GenericAlias

    _MISSING = object()

    class _Field:
        """What `field(…)` says about an attribute."""

        __slots__ = ("compare", "default", "factory", "repr")

        def __init__(self, default=_MISSING, factory=_MISSING, compare=True, repr=True):
            self.default = default
            self.factory = factory
            self.compare = compare
            self.repr = repr

    def field(*, default=_MISSING, default_factory=_MISSING, compare=True, repr=True):
        return _Field(default, default_factory, compare, repr)

    class _StandardFields:
        """`__dataclass_fields__`, built once and only when the standard module asks for it."""

        def __get__(self, instance, owner):
            import dataclasses
            from typing import Any

            given = {
                name: value if value.__class__ is _Field else _Field(value)
                for name, value in owner.__record_fields__.items()
            }
            made = dataclasses.make_dataclass(
                owner.__name__,
                [(name, Any, _standard_field(dataclasses, each)) for name, each in given.items()],
                kw_only=True,
            )
            owner.__dataclass_fields__ = made.__dataclass_fields__
            return made.__dataclass_fields__

    _STANDARD_FIELDS = _StandardFields()

    def _standard_field(dataclasses, each):
        options = {"compare": each.compare, "repr": each.repr}
        if each.default is not _MISSING:
            # Never used as a default of the new class: `replace` passes every value on.
            options["default_factory"] = lambda: each.default
        elif each.factory is not _MISSING:
            options["default_factory"] = each.factory
        return dataclasses.field(**options)

    # One function, for the methods that it makes share what it works out here once a class: that is what makes a
    # record quick to make.
    def dataclass(cls=None, *, frozen=False, eq=True):  # noqa: C901
        if cls is None:
            return lambda given: dataclass(given, frozen=frozen, eq=eq)
        fields = {}  # the default of each, or what `field(…)` says, which is much to ask of 700 attributes
        for base in cls.__mro__[-2:0:-1]:
            fields.update(base.__dict__.get("__record_fields__", ()))
        own = cls.__dict__
        for name, annotation in cls.__annotations__.items():
            if "ClassVar" not in annotation:
                fields[name] = own.get(name, _MISSING)
        defaults, factories, hidden, unequal = {}, {}, set(), set()
        for name, value in fields.items():
            if value.__class__ is not _Field:
                if value is not _MISSING:
                    defaults[name] = value
                continue
            if value.default is not _MISSING:
                defaults[name] = value.default
                setattr(cls, name, value.default)
            else:
                if value.factory is not _MISSING:
                    factories[name] = value.factory
                if name in own:
                    delattr(cls, name)
            if not value.repr:
                hidden.add(name)
            if not value.compare:
                unequal.add(name)
        names = tuple(fields)
        count = len(names)
        compared = tuple([name for name in names if name not in unequal]) if unequal else names
        post_init = getattr(cls, "__post_init__", None)

        def __init__(self, *args, **kwargs):
            state = self.__dict__
            if len(args) == count and not kwargs:
                state.update(zip(names, args))  # noqa: B905  (counted)
            else:
                state.update(defaults)
                if args:
                    state.update(zip(names, args))  # noqa: B905  (fewer arguments than names is the rule)
                if kwargs:
                    state.update(kwargs)
                if factories:
                    for name, make in factories.items():
                        if name not in state:
                            state[name] = make()
                if len(state) != count or len(args) + len(kwargs) > count:
                    wrong = sorted(state.keys() ^ fields.keys()) or f"{len(args)} positional arguments"
                    raise TypeError(f"{cls.__name__}: missing or unexpected: {wrong}")
            if post_init is not None:
                post_init(self)

        def values(self):
            state = self.__dict__
            return tuple([state[name] for name in compared])

        def __eq__(self, other):
            return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

        def __repr__(self):
            state = self.__dict__
            shown = ", ".join(f"{name}={state[name]!r}" for name in names if name not in hidden)
            return f"{self.__class__.__qualname__}({shown})"

        cls.__record_fields__ = fields
        cls.__dataclass_fields__ = _STANDARD_FIELDS
        cls.__match_args__ = names
        for method in (__init__, __eq__, __repr__) if eq else (__init__, __repr__):
            if method.__name__ not in cls.__dict__:
                setattr(cls, method.__name__, method)
        if frozen:

            def refuse(_self, name, *_value):
                raise AttributeError(f"{cls.__name__} is frozen: {name!r} cannot be changed")

            cls.__setattr__ = cls.__delattr__ = refuse
        if eq:
            own = cls.__dict__.get("__hash__")
            cls.__hash__ = own or ((lambda self: hash(values(self))) if frozen else None)
        return cls

    def replace(record, /, **changes):
        cls = record.__class__
        state = record.__dict__
        fields = cls.__record_fields__
        if hasattr(cls, "__post_init__") or not changes.keys() <= fields.keys():
            return cls(**{name: state[name] for name in fields} | changes)
        made = cls.__new__(cls)  # nothing is missing, so there is nothing to check: this costs a third
        made.__dict__.update({name: state[name] for name in fields} if len(state) > len(fields) else state, **changes)
        return made

    class _NamedTupleType(type):
        """Makes a `collections.namedtuple` of the body of a class, with its methods."""

        def __new__(cls, name, bases, body):
            if not bases:  # NamedTuple itself
                return super().__new__(cls, name, bases, body)
            names = tuple(body["__annotations__"])
            made = namedtuple(name, names, defaults=[body[each] for each in names if each in body])
            for key in body.keys() - {*names, "__classcell__"}:
                setattr(made, key, body[key])
            return made

    class NamedTuple(metaclass=_NamedTupleType):
        pass

    class Generic:
        __class_getitem__ = classmethod(GenericAlias)

    class Protocol:
        pass

    def TypeVar(name, **_):
        return name
