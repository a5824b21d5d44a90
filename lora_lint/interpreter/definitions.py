"""What a program defines: modules, functions, classes, and the objects of its classes."""

from __future__ import annotations

import ast
from functools import partial

from lora_lint.interpreter.state import Frame, Step
from lora_lint.interpreter.values import (
    NO_ARGUMENTS,
    Arguments,
    Const,
    DictVal,
    External,
    ListVal,
    Member,
    Native,
    Object,
    Opaque,
    PathVal,
    Unparsed,
    Val,
    option_of,
)
from lora_lint.records import dataclass
from lora_lint.run.values import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.interpreter.machine import Machine
    from lora_lint.interpreter.values import Listed
    from lora_lint.run.choices import Case
    from lora_lint.source import SourceFile, Span

MAX_DEPTH = 14
"""How deeply nested calls are followed. No program in 38 repositories has an adapter deeper down."""
_MAX_HOPS = 20
"""The most files that pass a name on; more count as a circular import."""
_FIELDS = frozenset({"__dataclass_fields__", "model_fields", "__annotations__"})
"""What a class of settings has by the names of its fields."""
_OF_MODULES = frozenset("to cuda cpu eval train half float bfloat16 double".split())
"""Methods of torch.nn.Module that return the module itself."""
_OF_MAPPINGS = frozenset({"model_validate", "parse_obj"})
"""Methods of pydantic's classes that make an object of a dict."""
_OF_FILES = {
    "pydantic": {"model_validate_json": "json.loads", "parse_raw": "json.loads"},
    "simple_parsing": dict.fromkeys(("load", "load_yaml", "load_json"), "toml.load"),
}
"""Methods of libraries' classes that make an object of a file's content, and the function that reads it."""
_DICT_WITH_ATTRIBUTES = "munch.Munch"
"""The library class that a program's own dict with attributes resembles."""
_OF_NAMESPACES = frozenset({"get", "update"})
"""Methods of a namespace, such as the one of `argparse`, and of a dict whose keys are attributes."""
_BEFORE = {"model_validator": "mode='before'", "root_validator": "pre=True"}
"""Decorators of pydantic, and the argument with which they run before the fields are read."""
_SETTINGS_APART = ("builtins.", "typing.", "pydantic.", "abc.", "enum.", "torch.nn.")
"""Libraries whose classes reveal nothing about the settings of their subclasses."""
_OWN_METHODS_APART = frozenset({"__init__", "compute_loss", "training_step", "train"})
_CREATED = "__object__"
"""Where an object of the program's own class has that of the library's class which it inherits from."""


_SETTINGS = (Const, PathVal, ListVal, DictVal)
"""Values that settings have."""


class ProgramFile:
    """A file that is being followed: its source, and where its names can come from."""

    __slots__ = ("is_main", "scope", "source", "star_imports", "star_modules")

    def __init__(self, source: SourceFile, is_main: bool) -> None:
        self.source = source
        self.is_main = is_main
        self.star_imports: list[str] = []
        self.star_modules: list[Deferred] = []
        self.scope = Scope(self, None)


class Scope:
    """The local names of a function, class body or module, and the enclosing scope."""

    __slots__ = ("global_names", "module", "names", "outer", "tests")

    def __init__(self, module: ProgramFile, outer: Scope | None) -> None:
        self.module = module
        self.outer = outer
        self.names: dict[str, Val] = {}
        self.global_names: frozenset[str] = frozenset()
        self.tests: dict[str, ast.expr | None] = {}
        """The conditions that its names stand for: `training = args.mode == "train"`. None: it has other values too."""

    def note_test(self, name: str, test: ast.expr) -> bool:
        """Whether a name that is about to be bound to a condition has had no other value."""
        taken = name in self.names or name in self.tests or name in self.global_names
        return not taken or self.tests.get(name) is test

    def unsettle(self, machine: Machine) -> None:
        """Something that is not known may set any of its names again."""
        for name, value in self.names.items():
            machine.journal.set_item(self.names, name, value.overridable())


@dataclass(frozen=True)
class Condition:
    """A condition that may or may not hold, and the branch of it that is being followed. `narrowed` are the defaults
    with which the branch is not taken, each with the value that replaces it there. `case` are the choices of callers
    that lead to it."""

    test: ast.expr
    taken: bool
    scope: Scope
    narrowed: tuple[tuple[Val, Val], ...] = ()
    case: Case = ()


class Namespace(Val):
    """An imported module of the program."""

    __slots__ = ("scope",)

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        value = self.scope.names.get(name) or starred(machine, self.scope.module, name)
        if isinstance(value, Deferred):
            value = value.resolved(machine, self.scope)
        return value if value is not None else Opaque(f"`{name}` is not defined in that module", span)

    def set_attribute(self, machine: Machine, name: str, value: Val, span: Span) -> None:
        machine.journal.set_item(self.scope.names, name, value)

    def unsettle(self, machine: Machine) -> None:
        self.scope.unsettle(machine)

    def truth(self) -> bool | None:
        return True

    def is_never_none(self) -> bool:
        return True


class Deferred(Val):
    """A name imported from a file that may belong to the project; followed on first use."""

    __slots__ = ("level", "module", "name")

    def __init__(self, module: str, level: int, name: str | None) -> None:
        self.module = module
        self.level = level
        self.name = name

    def resolved(self, machine: Machine, scope: Scope, hops: int = 0) -> Val:
        """The value of an import from a file of the project; a library's member if there is no such file."""
        if hops > _MAX_HOPS:
            return Opaque(f"`{self.name}` is imported in a circle")
        importer = scope.module.source.path
        found = machine.loader.module(importer, self.module, self.level)
        dotted = ".".join(filter(None, (self.module, self.name)))  # `from . import config` names no module
        if found is None:
            nested = machine.loader.module(importer, dotted, self.level) if self.name is not None else None
            if nested is not None:
                return _loaded(machine, *nested)
            return External(f"?.{dotted}" if self.level else dotted)
        library = machine.loader.copy_of(found[0].source.path)
        if library is not None:
            return External(library if self.name is None else f"{library}.{self.name}")
        space = _loaded(machine, *found)
        if self.name is None:
            return space
        value = space.scope.names.get(self.name) or starred(machine, space.scope.module, self.name)
        if value is None:
            nested = machine.loader.module(importer, dotted, self.level)
            if nested is not None:
                return _loaded(machine, *nested)
            packages = space.scope.module.star_imports
            if packages:
                return External(f"{packages[0]}.{self.name}")
            return Opaque(f"`{self.name}` is not defined in {found[0].source.path}")
        return value.resolved(machine, space.scope, hops + 1) if isinstance(value, Deferred) else value


def starred(machine: Machine, module: ProgramFile, name: str) -> Val | None:
    """What a name is that a file of the project has by `import *` of another file, or of a library there; None if it
    has none."""
    waiting, seen = [module], {module.source.path}
    packages: list[str] = []
    while waiting:
        module = waiting.pop()
        for imported in module.star_modules:
            space = imported.resolved(machine, module.scope)
            if not isinstance(space, Namespace) or space.scope.module.source.path in seen:
                continue
            value = space.scope.names.get(name)
            if value is not None:
                return value.resolved(machine, space.scope) if isinstance(value, Deferred) else value
            seen.add(space.scope.module.source.path)
            packages += space.scope.module.star_imports
            waiting.append(space.scope.module)
    return External(f"{packages[0]}.{name}") if packages else None


def _loaded(machine: Machine, module: ProgramFile, tree: ast.Module) -> Namespace:
    if not module.scope.names:
        module.scope.names["__name__"] = Const(module.source.path)
        machine.load(module, tree)
    return Namespace(module.scope)


class Function(Val):
    """A function of the program, with the scope it was defined in; `owner` is bound as the first argument."""

    __slots__ = ("decorators", "defaults", "node", "owner", "scope")

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

    def decorated_with(self) -> set[str]:
        """The last parts of its decorators' names."""
        return {decorator.qualified_name.rpartition(".")[2] for decorator in self.decorators}

    def bound(self, owner: Val, *, decorated: bool = False) -> Function:
        """The function as a method of an object."""
        return Function(self.node, self.scope, self.defaults, self.decorators if decorated else (), owner)

    def text(self) -> bytes:
        """The function as it is written."""
        return _text_of(self.node, self.scope)

    def wraps(self) -> bool:
        """Whether it defines another function, which a decorator returns in place of what it decorates."""
        body = () if isinstance(self.node, ast.Lambda) else self.node.body
        return any(isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) for each in body)

    def item(self, machine: Machine, key: Val, span: Span) -> Val:
        return self  # a type's parameters

    def truth(self) -> bool | None:
        return True

    def is_never_none(self) -> bool:
        return True

    def call(self, machine: Machine, arguments: Arguments, span: Span) -> Val | None:
        unfollowed = self._limit(machine, span)
        if unfollowed is not None:
            return unfollowed
        known = machine.library.helper(self.node, arguments, span)
        if known is not None:
            return known
        if not machine.worth_following(self):
            machine.library.escape(machine, self.name, arguments, span)
            passed = _handed_through(self, arguments)
            return passed if passed is not None else Opaque(f"`{self.name}(…)` is not followed", span)
        return self._followed(machine, arguments, span, None)

    def enter(self, machine: Machine, span: Span, arguments: Arguments = NO_ARGUMENTS, *, dashes: str = "") -> Val:
        """Calls it as an entry of the program: the caller is not known, so defaults may be overridden. A command line
        writes `dashes` in front of a parameter's name."""
        unfollowed = self._limit(machine, span)
        return unfollowed if unfollowed is not None else self._followed(machine, arguments, span, dashes)

    def _limit(self, machine: Machine, span: Span) -> Val | None:
        """The result of a call that a limit keeps from being followed."""
        machine.called.add(id(self.node))
        if sum(frame.node is self.node for frame in machine.frames) > 1:
            return Opaque("the calls are nested too deeply", span)
        if len(machine.frames) <= MAX_DEPTH:
            return None
        if machine.library.concerns(self.text()):
            detail = f"calls are followed {MAX_DEPTH} deep, but `{self.name}` is deeper"
            machine.library.leave_unread("calls", detail)
        return Opaque("the calls are nested too deeply", span)

    def _followed(self, machine: Machine, arguments: Arguments, span: Span, dashes: str | None) -> Val:
        """What it returns; `dashes` as in `enter`, None for an ordinary call."""
        node = self.node
        scope = Scope(self.scope.module, self.scope)
        self._bind(machine, arguments, scope, span, dashes)
        frame = Frame(node)
        machine.frames.append(frame)
        machine.trail.append(Step("call", span, 0))
        try:
            if isinstance(node, ast.Lambda):
                return machine.evaluate(node.body, scope)
            machine.block(node.body, scope)
        finally:
            machine.trail.pop()
            machine.frames.pop()
        if not frame.returns:
            return Const(None, span, "derived")
        returns = frame.returns
        if len(returns) > 1:
            # `if …: return None` is an early exit, the rest is the result.
            returns = [
                each for each in returns if not (isinstance(each[0], Const) and each[0].value is None)
            ] or returns
        return machine.join([value for value, _ in returns], [case for _, case in returns])

    def _bind(self, machine: Machine, arguments: Arguments, scope: Scope, span: Span, dashes: str | None) -> None:
        """Binds the parameters to their arguments or defaults."""
        parameters = self.node.args
        entry = dashes is not None
        names = [parameter.arg for parameter in (*parameters.posonlyargs, *parameters.args)]
        given = list(arguments.positional)
        if self.owner is not None:
            given.insert(0, self.owner)
        options = self._decorator_defaults() if entry or not arguments.positional else {}
        bound = scope.names
        for name, value in zip(names, given, strict=False):
            bound[name] = value
        if parameters.vararg is not None:
            bound[parameters.vararg.arg] = ListVal(given[len(names) :], span, "tuple", arguments.open)
        extra: dict[Any, Val] = {}
        names += [parameter.arg for parameter in parameters.kwonlyargs]
        for name, value in arguments.keywords.items():
            if name in names:
                bound[name] = value
            else:
                extra[name] = value
        if parameters.kwarg is not None:
            more = {name: value.overridable() for name, value in options.items() if name not in (*names, *extra)}
            bound[parameters.kwarg.arg] = DictVal({**more, **extra}, span, arguments.open or entry)
        for name in names:
            if name in bound:
                continue
            given_by_library = machine.library.parameter(machine, self, name)
            if given_by_library is not None:
                bound[name] = given_by_library
                continue
            default = options.get(name, self.defaults.get(name))
            settings = self._settings(machine, name) if default is None and not arguments.open else None
            if settings is not None:
                bound[name] = settings
            elif default is None or arguments.open:
                why = f"the parameter `{name}` of `{self.name}` is given by the caller"
                bound[name] = Opaque(why, span, Reason.CALLER)
            elif entry and name not in options:
                bound[name] = option_of(default, f"{dashes}{name}")
            elif name not in options and self._is_configured(machine):
                bound[name] = default.overridable()
            else:
                bound[name] = default

    def _settings(self, machine: Machine, name: str) -> Val | None:
        """The value of a parameter that is annotated with a class of settings: the defaults of its fields, which the
        creator of the object may override."""
        parameters = self.node.args
        every = (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs)
        annotation = next((each.annotation for each in every if each.arg == name), None)
        if not isinstance(annotation, ast.Name | ast.Attribute):
            return None
        class_ = machine.evaluate(annotation, self.scope)
        return class_.open_instance(machine) if isinstance(class_, Class) and class_.is_data else None

    def _is_configured(self, machine: Machine) -> bool:
        """Whether a decorator may give it other defaults: gin's, or one that neither the project nor a known library
        has."""
        return any(
            isinstance(each, Opaque | External) and not machine.library.knows(each.qualified_name)
            for each in self.decorators
        )

    def _decorator_defaults(self) -> dict[str, Val]:
        """Defaults that decorators give (`@click.option("--r", default=8)`)."""
        defaults: dict[str, Val] = {}
        for decorator in self.decorators:
            if isinstance(decorator, Object) and decorator.callee in ("click.option", "click.argument"):
                flags = [str(c.value) for c in decorator.arguments.positional if isinstance(c, Const)]
                long = next((f for f in flags if f.startswith("--")), flags[0] if flags else "")
                name = next((f for f in flags if not f.startswith("-")), long.lstrip("-")).partition("/")[0]
                default = decorator.arguments.get("default")
                if default is None and isinstance(flag := decorator.arguments.get("is_flag"), Const) and flag.value:
                    default = Const(False, decorator.span)
                if default is None:
                    default = Opaque("the command line gives it", decorator.span)
                defaults[name.replace("-", "_").lower()] = option_of(default, long.partition("/")[0])
        return defaults


def make_function(
    machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: Scope
) -> Function:
    """A function as a value; its defaults are evaluated where it is defined."""
    machine.defining[id(scope)] = scope
    arguments = node.args
    defaults: dict[str, Val] = {}
    positional = [*arguments.posonlyargs, *arguments.args]
    if arguments.defaults:
        for argument, default in zip(
            positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True
        ):
            defaults[argument.arg] = machine.evaluate(default, scope)
    for argument, keyword_default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if keyword_default is not None:
            defaults[argument.arg] = machine.evaluate(keyword_default, scope)
    decorators: tuple[Val, ...] = ()
    if not isinstance(node, ast.Lambda) and node.decorator_list:
        decorators = tuple(machine.evaluate(decorator, scope) for decorator in node.decorator_list)
    return Function(node, scope, defaults, decorators)


def _runs_before(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> bool:
    """Whether a method is a validator of pydantic's that gets what is given to its class (pydantic 2.13,
    functional_validators.py and deprecated/class_validators.py)."""
    decorators = () if isinstance(node, ast.Lambda) else node.decorator_list
    for each in decorators:
        if isinstance(each, ast.Call):
            name, _, arguments = ast.unparse(each).partition("(")
            told = _BEFORE.get(name.rpartition(".")[2])
            if told is not None and told in arguments:
                return True
    return False


def _handed_through(function: Function, arguments: Arguments) -> Val | None:
    """The argument that every `return` of a function returns, if the function binds nothing else to its name. A
    library's object does not count if the function may replace parts of it."""
    node = function.node
    if isinstance(node, ast.Lambda) or not isinstance(node.body[-1], ast.Return) or function.owner is not None:
        return None
    names = [parameter.arg for parameter in (*node.args.posonlyargs, *node.args.args)]
    last = node.body[-1].value
    if not isinstance(last, ast.Name) or last.id not in names:
        return None
    for each in ast.walk(node):
        if isinstance(each, ast.Return) and not (isinstance(each.value, ast.Name) and each.value.id == last.id):
            return None
        if isinstance(each, ast.Name) and each.id == last.id and not isinstance(each.ctx, ast.Load):
            return None
    passed = arguments.get(last.id, names.index(last.id))
    return passed if isinstance(passed, Instance) or not _sets_parts(node) else None


def _sets_parts(node: ast.AST) -> bool:
    """Whether a function assigns to attributes or items of anything but a config."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and each.id == "setattr":
            return True
        stored = isinstance(each, ast.Attribute | ast.Subscript) and isinstance(each.ctx, ast.Store)
        if stored and "config" not in ast.unparse(each):
            return True
    return False


def _text_of(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: Scope) -> bytes:
    source = scope.module.source
    starts = source.line_starts
    end = node.end_lineno or node.lineno
    return source.utf8[starts[node.lineno - 1] : starts[end] if end < len(starts) else None]


class Class(Val):
    """A class of the program. `fields` are its annotated attributes in order, inherited ones first."""

    __slots__ = ("_above", "_set_elsewhere", "attributes", "bases", "fields", "is_data", "node", "scope")

    def __init__(
        self, node: ast.ClassDef, scope: Scope, bases: tuple[Val, ...], attributes: dict[str, Val], fields: list[str]
    ) -> None:
        self.node = node
        self.scope = scope
        self.bases = bases
        self.attributes = attributes
        self.fields = fields
        self.is_data = False
        self._above: tuple[Class | External, ...] | None = None
        self._set_elsewhere: frozenset[str] | None = None

    @property
    def qualified_name(self) -> str:
        return self.node.name

    def line(self) -> tuple[Class | External, ...]:
        """The class and all its bases, depth first, each once. They never change, and each attribute asks for them."""
        if self._above is None:
            found: dict[int, Class | External] = {id(self): self}
            left = list(reversed(self.bases))
            while left:
                each = left.pop()
                if id(each) not in found and isinstance(each, Class | External):
                    found[id(each)] = each
                    if isinstance(each, Class):
                        left.extend(reversed(each.bases))
            self._above = tuple(found.values())[1:]  # without the class itself, which would keep itself alive
        return self, *self._above

    def external_bases(self) -> Iterator[External]:
        """The library classes among its bases, through the program's own classes."""
        return (each for each in self.line() if isinstance(each, External))

    def lookup(self, name: str) -> Val | None:
        """An attribute of the class or of its bases."""
        if name in self.attributes or not self.bases:
            return self.attributes.get(name)
        for owner in self.line():
            if isinstance(owner, Class) and name in owner.attributes:
                return owner.attributes[name]
        return None

    def text(self) -> bytes:
        """The class as it is written, with those of the program that it inherits from."""
        return b"".join(_text_of(each.node, each.scope) for each in self.line() if isinstance(each, Class))

    def settings(self) -> dict[str, Val]:
        """Its attributes that are plain values, inherited ones included."""
        found: dict[str, Val] = {}
        for owner in reversed(self.line()):
            found |= owner.attributes if isinstance(owner, Class) else {}
        return {name: value for name, value in found.items() if isinstance(value, _SETTINGS)}

    def field_list(self, span: Span) -> list[Instance]:
        """The fields of a dataclass, each with its name."""
        return [Instance(None, {"name": Const(name, span, "derived")}, open_=True) for name in self.fields]

    def unsettle(self, machine: Machine) -> None:
        for name, value in self.settings().items():
            machine.journal.set_item(self.attributes, name, value.overridable())

    def is_enum(self) -> bool:
        return any(base.qualified_name.endswith("Enum") for base in self.bases)

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        value = self.lookup(name)
        if isinstance(value, Function) and "classmethod" in value.decorated_with():
            return value.bound(self, decorated=True)
        if value is not None:
            return Instance(self, {"value": value, "name": Const(name, span)}) if self.is_enum() else value
        if name in _FIELDS and self.fields:
            return DictVal(dict(zip(self.fields, self.field_list(span), strict=True)), span)
        for base in self.external_bases():
            if name in _OF_MAPPINGS and base.name.startswith("pydantic"):
                return Native(f"{base.name}.{name}", lambda given, at: self._validated(machine, given, at))
            reader = _OF_FILES.get(base.name.partition(".")[0], {}).get(name)
            if reader is not None:
                return Native(f"{base.name}.{name}", partial(self._of_file, machine, reader))
            inherited = External(f"{base.name}.{name}")
            return self._loading(machine, inherited) if name == "from_pretrained" else inherited
        return Opaque(f"`{name}` is not an attribute that is known", span)

    def set_attribute(self, machine: Machine, name: str, value: Val, span: Span) -> None:
        machine.journal.set_item(self.attributes, name, value)

    def item(self, machine: Machine, key: Val, span: Span) -> Val:
        if not self.is_enum():
            return self  # a type's parameters
        if isinstance(key, Const):
            return self.attribute(machine, str(key.value), span)
        return Opaque("which is not known")

    def iterate(self, machine: Machine, span: Span) -> Listed | None:
        if not self.is_enum():
            return None
        return [self.attribute(machine, name, span) for name in self.attributes if not name.startswith("_")], True

    def truth(self) -> bool | None:
        return True

    def is_never_none(self) -> bool:
        return True

    def call(self, machine: Machine, arguments: Arguments, span: Span) -> Val | None:
        init = self.lookup("__init__")
        above = [base for base in self.external_bases() if not base.name.startswith(_SETTINGS_APART)]
        created = self._created(machine, init, arguments, span) if above and isinstance(init, Function) else None
        if isinstance(created, Object):
            return created
        for base in above:
            # For settings, a subclass of a library's class is that class.
            known = self._library_instance(machine, base, arguments, span)
            if known is not None:
                return known
        if created is not None:
            return created
        if self.is_enum():
            return Opaque("the member is not known", span)
        if self._reads_keys_as_attributes():
            found = machine.library.call(machine, _DICT_WITH_ATTRIBUTES, arguments, span)
            if found is not None:
                return found
        environment = any(base.name.endswith(".BaseSettings") for base in self.external_bases())  # which may set them
        instance = Instance(self, {}, arguments.open)
        if isinstance(init, Function):
            init.bound(instance).call(machine, arguments, span)
            return instance
        for name in self.fields:
            value = self.lookup(name)
            if value is not None:
                value = value.copied(machine, arguments, span)
                instance.attributes[name] = value.overridable() if arguments.open or environment else value
        if environment:
            instance.attributes.update(machine.library.environment(machine, self, span))
        for name, given in zip(self.fields, arguments.positional, strict=False):
            instance.attributes[name] = given
        named = arguments.keywords
        if any(base.name.startswith("pydantic") for base in self.external_bases()):
            named = self._converted(machine, self._prepared(machine, named, span), span)
        instance.attributes.update(named)
        return instance.completed(machine, span)

    def _reads_keys_as_attributes(self) -> bool:
        """Whether it is a dict whose keys are attributes: `class DotDict(dict): __getattr__ = dict.get`."""
        return "__getattr__" in self.attributes and any(each.name == "builtins.dict" for each in self.external_bases())

    def made_of(self, machine: Machine, content: DictVal, span: Span) -> Val | None:
        """An object of a mapping: `Settings.model_validate(content)`. A mapping in it, where the field is annotated
        with a class of settings, makes an object too."""
        given = {str(key): value for key, value in content.items.items()}
        return self.call(machine, Arguments([], self._converted(machine, given, span), {}, content.open), span)

    def _prepared(self, machine: Machine, given: dict[str, Val], span: Span) -> dict[str, Val]:
        """Arguments as validators leave them that run before the fields are read: `@model_validator(mode="before")`.
        What cannot be followed may have changed any of them."""
        for name, method in tuple(self.attributes.items()):
            if not isinstance(method, Function) or not _runs_before(method.node):
                continue
            content = DictVal(dict(given), span)
            left = method.bound(self).call(machine, Arguments([content], {}, {}), span)
            if not isinstance(left, DictVal) or left.open:
                return {key: Opaque(f"`{name}` may change it", span) for key in given}
            given = {str(key): value for key, value in left.items.items()}
        return given

    def _converted(self, machine: Machine, given: dict[str, Val], span: Span) -> dict[str, Val]:
        """Arguments as pydantic converts them, by the annotations of the fields."""
        converted = dict(given)
        for name, value in given.items():
            inner = self._settings_of(machine, name) if isinstance(value, DictVal) else None
            made = inner.made_of(machine, value, span) if inner is not None and isinstance(value, DictVal) else None
            if made is not None:
                converted[name] = made
            elif isinstance(value, Unparsed):
                converted[name] = value.parsed()
        return converted

    def _settings_of(self, machine: Machine, name: str) -> Class | None:
        """The class of settings that a field is annotated with."""
        for owner in (each for each in self.line() if isinstance(each, Class)):
            for statement in owner.node.body:
                target = statement.target if isinstance(statement, ast.AnnAssign) else None
                if isinstance(target, ast.Name) and target.id == name and isinstance(statement, ast.AnnAssign):
                    named = (each for each in ast.walk(statement.annotation) if isinstance(each, ast.Name))
                    found = (machine.evaluate(each, owner.scope) for each in named)
                    return next((each for each in found if isinstance(each, Class) and each.is_data), None)
        return None

    def open_instance(self, machine: Machine) -> Instance:
        """An object created with unknown arguments: field defaults may have been overridden."""
        instance = Instance(self, {}, open_=True)
        for name in self.fields:
            value = self.lookup(name)
            if value is not None and not isinstance(value, Function):
                instance.attributes[name] = value.overridable()
        init = self.lookup("__init__")
        if isinstance(init, Function):
            machine.called.add(id(init.node))
            init.bound(instance).enter(machine, machine.span(init.node, init.scope))
            for name in self._set_by_methods() & instance.attributes.keys():
                if isinstance(instance.attributes[name], Const):
                    instance.attributes[name] = instance.attributes[name].overridable()
        return instance

    def _validated(self, machine: Machine, arguments: Arguments, span: Span) -> Val:
        """`Settings.model_validate(content)`."""
        given = arguments.get("obj", 0)
        content = given.mapping() if given is not None else None
        made = self.made_of(machine, content, span) if content is not None else None
        return made if made is not None else self.open_instance(machine)

    def _of_file(self, machine: Machine, reader: str, given: Arguments, span: Span) -> Val:
        """`Settings.load("settings.yaml")`, `Settings.model_validate_json(text)`."""
        read = machine.library.call(machine, reader, Arguments(given.positional[:1], {}, {}), span)
        return self._validated(machine, Arguments([read] if read is not None else [], {}, {}), span)

    def _set_by_methods(self) -> frozenset[str]:
        """The attributes that methods other than `__init__` set, so that they may differ from `__init__`'s values after
        any call of these methods. Looked for once, and asked for each method that is entered."""
        if self._set_elsewhere is None:
            functions = (each for each in self.node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
            nodes = (node for each in functions if each.name != "__init__" for node in ast.walk(each))
            self._set_elsewhere = frozenset(
                node.attr
                for node in nodes
                if isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Store)
                and isinstance(node.value, ast.Name)
                and node.value.id == "self"
            )
        return self._set_elsewhere

    def _created(self, machine: Machine, init: Function, arguments: Arguments, span: Span) -> Object | Instance | None:
        """An object after its own `__init__`: the library's, if that creates one with `super().__init__(…)`. None if
        it only hands on what it gets, so that the library's class reads the call itself."""
        if _hands_on(init.node, arguments):
            return None
        instance = Instance(self, {}, arguments.open)
        instance.attributes[_CREATED] = Opaque("nothing has created it", span)
        init.bound(instance).call(machine, arguments, span)
        found = instance.attributes.pop(_CREATED)
        if not isinstance(found, Object):
            return instance
        for name, value in instance.attributes.items():
            found.attributes.setdefault(name, value)
        self._lend_methods(found)
        return found

    def _lend_methods(self, found: Object) -> None:
        """Gives an object of a library the methods of the program's own class."""
        for name, value in self.attributes.items():
            if isinstance(value, Function) and name not in _OWN_METHODS_APART:
                found.attributes.setdefault(name, value.bound(found))

    def _library_instance(self, machine: Machine, base: External, arguments: Arguments, span: Span) -> Val | None:
        defaults = {name: value for name in self.fields if (value := self.lookup(name)) is not None}
        merged = Arguments(arguments.positional, {**defaults, **arguments.keywords}, arguments.spans, arguments.open)
        found = machine.library.call(machine, base.name, merged, span, self)
        if isinstance(found, Object):
            for name, value in merged.keywords.items():
                found.attributes.setdefault(name, value)
            self._lend_methods(found)
        return found

    def _loading(self, machine: Machine, inherited: External) -> Val:
        """`from_pretrained` inherited from a library: the loaded object has the methods of the class that puts an
        adapter on it."""
        leading = {
            name: value
            for name, value in self.attributes.items()
            if isinstance(value, Function) and machine.library.concerns(value.text())
        }
        if not leading:
            return inherited

        def load(arguments: Arguments, span: Span) -> Val:
            loaded = machine.call(inherited, arguments, span)
            if isinstance(loaded, Object):
                for name, value in leading.items():
                    loaded.attributes[name] = value.bound(loaded)
            return loaded

        return Native(inherited.name, load)


class Above(Val):
    """`super()` of an object whose class inherits from a library's class."""

    __slots__ = ("base", "owner")

    def __init__(self, owner: Instance, base: External) -> None:
        self.owner = owner
        self.base = base

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        if name == "__init__" and _CREATED in self.owner.attributes:
            return Native(f"{self.base.name}.__init__", partial(self._create, machine))
        return Opaque("`super()` is a library's class", span)

    def _create(self, machine: Machine, given: Arguments, span: Span) -> Val:
        found = machine.library.call(machine, self.base.name, given, span, self.owner.class_)
        if found is not None:
            self.owner.set_attribute(machine, _CREATED, found, span)
        return Const(None, span, "derived")


def _hands_on(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, arguments: Arguments) -> bool:
    """Whether a call gives an `__init__` nothing that it has a parameter for."""
    parameters = node.args
    own = [each.arg for each in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs)][1:]
    handed = parameters.kwarg is not None and arguments.keywords.keys().isdisjoint(own)
    return handed and (not arguments.positional or parameters.vararg is not None)


class _Attributes(DictVal):
    """`vars(settings)`: the attributes of an object themselves, so that a change of the dict changes the object."""

    __slots__ = ("owner",)

    def __init__(self, owner: Instance) -> None:
        super().__init__(owner.attributes, None, owner.open)
        self.owner = owner

    def unsettle(self, machine: Machine) -> None:
        self.open = True
        self.owner.unsettle(machine)


class Instance(Val):
    """An object of a class of the program, or a namespace; `open` means that it may have attributes that
    nothing sets."""

    __slots__ = ("attributes", "class_", "open")

    def __init__(self, class_: Class | None, attributes: dict[str, Val], open_: bool = False) -> None:
        self.class_ = class_
        self.attributes = attributes
        self.open = open_

    def completed(self, machine: Machine, span: Span) -> Instance:
        """An object of a dataclass, whose fields are filled, after its `__post_init__`. What that changes is no change
        of a branch, since the object is new."""
        after = self.class_.lookup("__post_init__") if self.class_ is not None else None
        if not isinstance(after, Function):
            return self
        after.bound(self).call(machine, NO_ARGUMENTS, span)
        return Instance(self.class_, dict(self.attributes), self.open)

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        value = self.attributes.get(name)
        if value is not None:
            return value
        if name == "__dict__":
            return _Attributes(self)
        if self.class_ is not None:
            value = self._of_class(machine, self.class_, name, span)
            if value is not None:
                return value
        elif name in _OF_NAMESPACES:
            return Member(self, name)
        reason = Reason.CONFIG if self.class_ is None and self.open else Reason.NOT_FOLLOWED  # a file may have it
        return Opaque(f"the attribute `{name}` is set elsewhere", span, reason)

    def _of_class(self, machine: Machine, class_: Class, name: str, span: Span) -> Val | None:
        """An attribute that it inherits from its class."""
        value = class_.lookup(name)
        if isinstance(value, Function):
            return self._method(machine, class_, value, span)
        if value is not None:
            return value
        if name == "__class__":
            return class_
        if name in _FIELDS and class_.fields:
            return class_.attribute(machine, name, span)
        if name in ("_replace", "_asdict") and any(b.name == "typing.NamedTuple" for b in class_.external_bases()):
            return Native(name, partial(self._as_tuple, name))
        bases = [base.name for base in class_.external_bases()]
        of_torch = any(base.startswith("torch.nn.") or base.endswith(".PreTrainedModel") for base in bases)
        if of_torch and name in _OF_MODULES:
            return Native(f"torch.nn.Module.{name}", lambda _arguments, _span: self)
        if of_torch and name in ("parameters", "named_parameters"):
            callee = f"torch.nn.Module().{name}"
            return Native(f"torch.nn.Module.{name}", lambda given, at: Object(callee, given, at, self))
        inner = self.attributes.get(_CREATED)
        return inner.attribute(machine, name, span) if isinstance(inner, Object) else None

    def _as_tuple(self, name: str, given: Arguments, span: Span) -> Val:
        """`settings._replace(rank=8)` and `settings._asdict()` of a named tuple."""
        attributes = {**self.attributes, **given.keywords}
        is_dict = name == "_asdict"
        return DictVal(attributes, span, self.open) if is_dict else Instance(self.class_, attributes, self.open)

    def _method(self, machine: Machine, class_: Class, function: Function, span: Span) -> Val:
        kinds = function.decorated_with()
        if "staticmethod" in kinds:
            return function
        method = function.bound(class_ if "classmethod" in kinds else self, decorated=True)
        if kinds & {"property", "cached_property"}:
            return machine.call(method, NO_ARGUMENTS, span)
        return method

    def set_attribute(self, machine: Machine, name: str, value: Val, span: Span) -> None:
        machine.journal.set_item(self.attributes, name, value)

    def unsettle(self, machine: Machine) -> None:
        settings = {} if self.class_ is None else self.class_.settings()
        for name, value in {**settings, **self.attributes}.items():
            machine.journal.set_item(self.attributes, name, value.overridable())
        self.open = True

    def item(self, machine: Machine, key: Val, span: Span) -> Val:
        if self.class_ is None and isinstance(key, Const):
            return self.attribute(machine, str(key.value), span)
        return super().item(machine, key, span)

    def call(self, machine: Machine, arguments: Arguments, span: Span) -> Val | None:
        method = self.attribute(machine, "__call__", span)
        return method.call(machine, arguments, span) if isinstance(method, Function) else None

    def mapping(self) -> DictVal | None:
        return DictVal(dict(self.attributes), None, self.open)

    def overridable(self) -> Val:
        if self.class_ is not None and not self.class_.is_data:
            return self
        return Instance(self.class_, {name: each.overridable() for name, each in self.attributes.items()}, open_=True)

    def copied(self, machine: Machine, arguments: Arguments, span: Span) -> Val:
        return Instance(self.class_, dict(self.attributes), self.open)

    def truth(self) -> bool | None:
        return True

    def is_never_none(self) -> bool:
        return True
