"""Calls: of the program's own functions and classes, of builtins and of libraries."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from lora_lint.interpreter import expressions, operations, statements
from lora_lint.interpreter.methods import dict_method, list_method
from lora_lint.interpreter.scope import Frame, Scope, Step
from lora_lint.interpreter.values import (
    MAX_UNROLL,
    NO_ARGUMENTS,
    Arguments,
    Class,
    Const,
    DictVal,
    Either,
    External,
    Function,
    Instance,
    ListVal,
    Member,
    Native,
    Object,
    Opaque,
    Space,
    Val,
    as_cli_default,
    either,
    is_vast,
    name_of,
)
from lora_lint.run.values import Reason

if TYPE_CHECKING:
    from lora_lint.interpreter.machine import Machine
    from lora_lint.source import Span

MAX_DEPTH = 14
"""Calls within calls that are followed. No program of 38 repositories has an adapter deeper down."""
_ITERATING = frozenset({"list", "tuple", "iter", "next", "reversed", "enumerate", "set"})


def call_expression(machine: Machine, node: ast.Call, scope: Scope) -> Val:
    function = machine.evaluate(node.func, scope)
    arguments = _arguments(machine, node, scope)
    return call(machine, function, arguments, machine.span(node, scope), node, scope)


def _arguments(machine: Machine, node: ast.Call, scope: Scope) -> Arguments:
    positional: list[Val] = []
    keywords: dict[str, Val] = {}
    spans: dict[str | int, Span] = {}
    is_open = False
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            listed = expressions.items(machine, machine.evaluate(argument.value, scope), machine.span(argument, scope))
            if listed is None or not listed[1]:
                is_open = True
            else:
                positional += listed[0]
        else:
            place = spans[len(positional)] = machine.span(argument, scope)
            positional.append(_argument(machine, argument, place, scope))
    for keyword in node.keywords:
        if keyword.arg is not None:
            place = spans[keyword.arg] = machine.span(keyword.value, scope)
            keywords[keyword.arg] = _argument(machine, keyword.value, place, scope)
            continue
        value = machine.evaluate(keyword.value, scope)
        spread = expressions.mapping(value)
        if spread is None:
            is_open = True
            continue
        is_open = is_open or spread.open
        place = machine.span(keyword.value, scope)
        for key, item in spread.items.items():
            if isinstance(key, str):
                perhaps = machine.journal.perhaps(spread.items, key)
                keywords[key] = Opaque("a branch decides whether it is given", place) if perhaps else item
                spans[key] = place
    return Arguments(positional, keywords, spans, is_open)


def _argument(machine: Machine, node: ast.expr, place: Span, scope: Scope) -> Val:
    """The value of an argument; most are constants, whose place need not be found twice."""
    return expressions.constant_at(node, place) if type(node) is ast.Constant else machine.evaluate(node, scope)


def call(
    machine: Machine,
    function: Val,
    arguments: Arguments,
    span: Span,
    node: ast.Call | None = None,
    scope: Scope | None = None,
) -> Val:
    """function(*arguments)"""
    if isinstance(function, External):
        return _call_external(machine, function, arguments, span, scope)
    if isinstance(function, Function):
        return call_function(machine, function, arguments, span)
    if isinstance(function, Member):
        return _call_member(machine, function, arguments, span)
    if isinstance(function, Class):
        return instantiate(machine, function, arguments, span)
    if isinstance(function, Native):
        return function.call(arguments, span)
    if isinstance(function, Either):
        return either(call(machine, option, arguments, span) for option in function.options)
    if isinstance(function, Instance):
        method = expressions.instance_attribute(machine, function, "__call__", span)
        if isinstance(method, Function):
            return call_function(machine, method, arguments, span)
    if isinstance(function, Object):
        found = machine.library.method(machine, function, ("__call__",), arguments, span)
        if found is not None:
            return found
    name = _written(node.func)[:40] if node is not None else "it"
    escaped = machine.library.escape(machine, name, arguments, span)
    return escaped if escaped is not None else Opaque(f"`{name}(…)` is not followed", span)


def _written(node: ast.expr) -> str:
    """An expression as text; `ast.unparse` costs more than following the rest of the call."""
    names: list[str] = []
    part = node
    while isinstance(part, ast.Attribute):
        names.append(part.attr)
        part = part.value
    if not isinstance(part, ast.Name):
        return ast.unparse(node)
    return ".".join([part.id, *reversed(names)])


def _call_external(machine: Machine, function: External, arguments: Arguments, span: Span, scope: Scope | None) -> Val:
    name = function.name
    if name.startswith("builtins."):
        special = _special(machine, name[9:], arguments, span, scope)
        if special is None and name in ("builtins.dict", "builtins.open"):
            special = machine.library.call(machine, name, arguments, span)
        if special is not None:
            return special
        found = operations.builtin(name[9:], _listed(machine, arguments, span), span)
        return found if found is not None else Opaque(f"`{name[9:]}(…)` is not followed", span)
    if name == "itertools.product":
        return operations.product(_listed(machine, arguments, span), span)
    if name in ("copy.copy", "copy.deepcopy") and arguments.positional:
        return copied(machine, arguments.positional[0], arguments, span)
    if name in ("dataclasses.asdict", "dataclasses.replace") and arguments.positional:
        return _dataclass_tool(name, arguments, span)
    if name in ("dataclasses.field", "pydantic.Field", "attr.ib", "attrs.field"):
        return _field(machine, arguments, span)
    if name in ("types.SimpleNamespace", "argparse.Namespace"):
        return Instance(None, dict(arguments.keywords), arguments.open)
    if name == "functools.partial" and arguments.positional:
        return partial(machine, arguments)
    found = machine.library.call(machine, name, arguments, span)
    if found is not None:
        return found
    machine.library.escape(machine, name, arguments, span)
    return Object(name, arguments, span)


def _listed(machine: Machine, arguments: Arguments, span: Span) -> Arguments:
    """Arguments with enum classes replaced by the list of their members, for builtins that iterate."""
    if not any(isinstance(value, Class) for value in arguments.positional):
        return arguments
    positional: list[Val] = []
    for value in arguments.positional:
        listed = expressions.items(machine, value, span) if isinstance(value, Class) else None
        positional.append(ListVal(listed[0], span) if listed else value)
    return Arguments(positional, arguments.keywords, arguments.spans, arguments.open)


def _special(machine: Machine, name: str, arguments: Arguments, span: Span, scope: Scope | None) -> Val | None:
    """Builtins that need the machine: attributes by name, classes, mapping of functions."""
    positional = arguments.positional
    if name == "getattr" and len(positional) >= 2 and isinstance(positional[1], Const):
        value = expressions.attribute(machine, positional[0], str(positional[1].value), span)
        if len(positional) == 3 and isinstance(value, Opaque | Member):
            return Opaque("`getattr` has a default", span)
        return value
    if name == "setattr" and len(positional) == 3 and isinstance(positional[1], Const):
        statements.assign_attribute(machine, positional[0], str(positional[1].value), positional[2], span)
        return Const(None, span)
    if name == "isinstance" and len(positional) == 2 and isinstance(positional[0], Const | ListVal | DictVal):
        kinds = positional[1].items if isinstance(positional[1], ListVal) else [positional[1]]
        plain = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict, "tuple": tuple}
        types = tuple(plain[name_of(kind)[9:]] for kind in kinds if name_of(kind)[9:] in plain)
        if len(types) == len(kinds):
            subject = positional[0]
            sample: Any = subject.value if isinstance(subject, Const) else {} if isinstance(subject, DictVal) else []
            if not (isinstance(subject, Const) and subject.origin == "cli-default"):
                return Const(isinstance(sample, types), span, "derived")
    if name == "vars" and len(positional) == 1:
        return expressions.mapping(positional[0])
    if name == "super" and scope is not None:
        return _super(scope, span)
    if name == "map" and len(positional) == 2:
        listed = expressions.items(machine, positional[1], span)
        if listed is not None and listed[1] and len(listed[0]) <= MAX_UNROLL:
            return ListVal(
                [call(machine, positional[0], Arguments([item], {}, {}), span) for item in listed[0]], span, "list"
            )
    if name == "filter" and len(positional) == 2 and isinstance(positional[1], Object | Member):
        return positional[1]  # some of a model's parameters
    if name in ("any", "all") and len(positional) == 1 and isinstance(positional[0], ListVal):
        known = [operations.truth(item) for item in positional[0].items]
        if not positional[0].open and None not in known:
            return Const(any(known) if name == "any" else all(known), span, "derived")
    if name in _ITERATING and positional and isinstance(positional[0], Object | Member):
        found = machine.library.iterate(machine, positional[0], span)
        if found is not None:
            if name == "enumerate":
                found = [ListVal([Opaque("it is a counter", span), item], span, "tuple") for item in found]
            return found[0] if name == "next" and found else ListVal(found, span, "list", True)
    return None


def _super(scope: Scope, span: Span) -> Val:
    owner = scope.names.get("self")
    if isinstance(owner, Instance) and owner.class_ is not None:
        for base in owner.class_.bases:
            if isinstance(base, Class):
                return Instance(base, owner.attributes, owner.open)
    return Opaque("`super()` is a library's class", span)


def copied(machine: Machine, value: Val, arguments: Arguments, span: Span) -> Val:
    """copy.deepcopy: another object with the same content."""
    if isinstance(value, ListVal | DictVal) and is_vast(value):
        return Opaque("it holds too many values", span)
    if isinstance(value, ListVal):
        return ListVal(
            [copied(machine, item, arguments, span) for item in value.items], value.span, value.kind, value.open
        )
    if isinstance(value, DictVal):
        items = {key: copied(machine, item, arguments, span) for key, item in value.items.items()}
        return DictVal(items, value.span, value.open)
    if isinstance(value, Instance):
        return Instance(value.class_, dict(value.attributes), value.open)
    if isinstance(value, Object):
        found = machine.library.method(machine, value, ("__deepcopy__",), arguments, span)
        return found if found is not None else value
    return value


def _dataclass_tool(name: str, arguments: Arguments, span: Span) -> Val:
    subject = arguments.positional[0]
    if not isinstance(subject, Instance):
        return Opaque("it is not a dataclass that is known", span)
    if name.endswith("asdict"):
        return DictVal(dict(subject.attributes), span, subject.open)
    return Instance(subject.class_, {**subject.attributes, **arguments.keywords}, subject.open)


def _field(machine: Machine, arguments: Arguments, span: Span) -> Val:
    default = arguments.get("default", 0)
    if default is not None and not (isinstance(default, Const) and default.value is ...):
        return default
    factory = arguments.get("default_factory")
    if factory is not None:
        if isinstance(factory, External) and factory.name in ("builtins.list", "builtins.dict"):
            return ListVal([], span) if factory.name.endswith("list") else DictVal({}, span)
        return call(machine, factory, NO_ARGUMENTS, span)
    return Opaque("the field has no default", span)


def partial(machine: Machine, arguments: Arguments) -> Val:
    """functools.partial: a callable with some arguments already given."""
    function, *bound = arguments.positional

    def call_with(given: Arguments, span: Span) -> Val:
        merged = Arguments(
            [*bound, *given.positional],
            {**arguments.keywords, **given.keywords},
            {**arguments.spans, **given.spans},
            arguments.open or given.open,
        )
        return call(machine, function, merged, span)

    return Native("functools.partial", call_with)


def loading(machine: Machine, class_: Class, inherited: External) -> Val:
    """`from_pretrained` that a class of the program has from a library: what is loaded has its methods that put an
    adapter on it."""
    leading = {
        name: value
        for name, value in class_.attributes.items()
        if isinstance(value, Function) and machine.library.concerns(machine.text_of(value))
    }
    if not leading:
        return inherited

    def load(arguments: Arguments, span: Span) -> Val:
        loaded = call(machine, inherited, arguments, span)
        if isinstance(loaded, Object):
            for name, value in leading.items():
                loaded.attributes[name] = Function(value.node, value.scope, value.defaults, (), loaded)
        return loaded

    return Native(inherited.name, load)


def _call_member(machine: Machine, member: Member, arguments: Arguments, span: Span) -> Val:
    owner, name = member.owner, member.name
    if isinstance(owner, Const):
        if isinstance(owner.value, str) and name in operations.TEXT_METHODS:
            return operations.text_method(owner, name, arguments, span)
    elif isinstance(owner, ListVal):
        return list_method(machine.journal, owner, name, arguments, span, vague=bool(machine.vague_loops))
    elif isinstance(owner, DictVal):
        return dict_method(machine.journal, owner, name, arguments, span, vague=bool(machine.vague_loops))
    elif isinstance(owner, Instance):
        return dict_method(
            machine.journal, DictVal(owner.attributes, span, owner.open), name, arguments, span, vague=True
        )
    elif isinstance(owner, Space):
        return Opaque("it is a method of a searched value", span)
    else:
        root, path = member.path()
        if isinstance(root, Object):
            found = machine.library.method(machine, root, path, arguments, span)
            if found is not None:
                return found
            machine.library.escape(machine, path[-1], arguments, span)
            return Object(f"{root.callee}().{'.'.join(path)}", arguments, span)
    return Opaque(f"`.{name}(…)` is not followed", span)


def call_function(machine: Machine, function: Function, arguments: Arguments, span: Span, entry: bool = False) -> Val:
    """Calls a function of the program. With `entry` nothing is known of the caller: defaults may be overridden."""
    node = function.node
    machine.called.add(id(node))
    if sum(frame.node is node for frame in machine.frames) > 1:
        return Opaque("the calls are nested too deeply", span)
    if len(machine.frames) > MAX_DEPTH:
        if machine.library.concerns(machine.text_of(function)):
            detail = f"calls are followed {MAX_DEPTH} deep, and `{function.name}` lies deeper"
            machine.library.leave_unread("calls", detail)
        return Opaque("the calls are nested too deeply", span)
    known = machine.library.helper(node, arguments, span) if not entry else None
    if known is not None:
        return known
    if not entry and not machine.worth_following(function):
        machine.library.escape(machine, function.name, arguments, span)
        passed = _handed_through(function, arguments)
        return passed if passed is not None else Opaque(f"`{function.name}(…)` is not followed", span)
    scope = Scope(function.scope.module, function.scope)
    _bind_parameters(machine, function, arguments, scope, span, entry)
    if isinstance(node, ast.Lambda):
        return machine.evaluate(node.body, scope)
    frame = Frame(node)
    machine.frames.append(frame)
    machine.trail.append(Step("call", span, 0))
    try:
        machine.block(node.body, scope)
    finally:
        machine.trail.pop()
        machine.frames.pop()
    if not frame.returns:
        return Const(None, span, "derived")
    returns = frame.returns
    if len(returns) > 1:
        # `if …: return None` is the way out, the rest is the result.
        returns = [value for value in returns if not (isinstance(value, Const) and value.value is None)] or returns
    return machine.join(returns)


def _handed_through(function: Function, arguments: Arguments) -> Val | None:
    """The argument that a function gives back by each of its returns, if it binds nothing else to its name. One of a
    library is none of these if the function may put other parts into it."""
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


def _bind_parameters(
    machine: Machine, function: Function, arguments: Arguments, scope: Scope, span: Span, entry: bool
) -> None:
    parameters = function.node.args
    names = [parameter.arg for parameter in (*parameters.posonlyargs, *parameters.args)]
    given = list(arguments.positional)
    if function.owner is not None:
        given.insert(0, function.owner)
    names_space = scope.names
    for name, value in zip(names, given, strict=False):
        names_space[name] = value
    if parameters.vararg is not None:
        rest = given[len(names) :]
        names_space[parameters.vararg.arg] = ListVal(rest, span, "tuple", arguments.open)
    extra: dict[Any, Val] = {}
    names += [parameter.arg for parameter in parameters.kwonlyargs]
    for name, value in arguments.keywords.items():
        if name in names:
            names_space[name] = value
        else:
            extra[name] = value
    if parameters.kwarg is not None:
        names_space[parameters.kwarg.arg] = DictVal(extra, span, arguments.open or entry)
    options = _decorator_defaults(function) if entry or not arguments.positional else {}
    for name in names:
        if name in names_space:
            continue
        given_by_library = machine.library.parameter(machine, function, name)
        if given_by_library is not None:
            names_space[name] = given_by_library
            continue
        default = options.get(name, function.defaults.get(name))
        if default is None or arguments.open:
            why = f"the parameter `{name}` of `{function.name}` is given by the caller"
            names_space[name] = Opaque(why, span, Reason.CALLER)
        elif entry or name in options:
            names_space[name] = as_cli_default(default)
        else:
            names_space[name] = default


def _decorator_defaults(function: Function) -> dict[str, Val]:
    """Defaults that decorators give (`@click.option("--r", default=8)`)."""
    defaults: dict[str, Val] = {}
    for decorator in function.decorators:
        if isinstance(decorator, Object) and decorator.callee in ("click.option", "click.argument"):
            flags = [str(c.value) for c in decorator.arguments.positional if isinstance(c, Const)]
            long = next((f for f in flags if f.startswith("--")), flags[0] if flags else "")
            name = next((f for f in flags if not f.startswith("-")), long.lstrip("-")).partition("/")[0]
            default = decorator.arguments.get("default")
            defaults[name.replace("-", "_").lower()] = (
                default if default is not None else Opaque("the command line gives it", decorator.span)
            )
    return defaults


def instance(machine: Machine, class_: Class, open_: bool) -> Instance:
    """An object of a class whose arguments are not known: field defaults may have been overridden."""
    instance = Instance(class_, {}, open_)
    for name in class_.fields:
        value = class_.lookup(name)
        if value is not None and not isinstance(value, Function):
            instance.attributes[name] = as_cli_default(value)
    init = class_.lookup("__init__")
    if isinstance(init, Function):
        machine.called.add(id(init.node))
        bound = Function(init.node, init.scope, init.defaults, (), instance)
        call_function(machine, bound, NO_ARGUMENTS, machine.span(init.node, init.scope), entry=True)
    return instance


def instantiate(machine: Machine, class_: Class, arguments: Arguments, span: Span) -> Val:
    """Class(*arguments)"""
    init = class_.lookup("__init__")
    for base in class_.external_bases():
        if not base.name.startswith(("builtins.", "typing.", "pydantic.", "abc.", "enum.", "torch.nn.")):
            # A subclass of a library's class is that class, as far as settings are concerned.
            known = _library_instance(machine, class_, base, arguments, span)
            if known is not None:
                return known
    if any(name_of(base).endswith("Enum") for base in class_.bases):
        return Opaque("the member is not known", span)
    instance = Instance(class_, {}, arguments.open)
    if isinstance(init, Function):
        bound = Function(init.node, init.scope, init.defaults, (), instance)
        call_function(machine, bound, arguments, span)
        return instance
    for name in class_.fields:
        value = class_.lookup(name)
        if value is not None:
            value = copied(machine, value, arguments, span)
            instance.attributes[name] = as_cli_default(value) if arguments.open else value
    for name, given in zip(class_.fields, arguments.positional, strict=False):
        instance.attributes[name] = given
    instance.attributes.update(arguments.keywords)
    after = class_.lookup("__post_init__")
    if isinstance(after, Function):
        call_function(machine, Function(after.node, after.scope, after.defaults, (), instance), NO_ARGUMENTS, span)
    return instance


def _library_instance(machine: Machine, class_: Class, base: External, arguments: Arguments, span: Span) -> Val | None:
    defaults = {name: value for name in class_.fields if (value := class_.lookup(name)) is not None}
    merged = Arguments(arguments.positional, {**defaults, **arguments.keywords}, arguments.spans, arguments.open)
    found = machine.library.call(machine, base.name, merged, span)
    if isinstance(found, Object):
        for name, value in merged.keywords.items():
            found.attributes.setdefault(name, value)
        for name, value in class_.attributes.items():
            if isinstance(value, Function) and name not in ("__init__", "compute_loss", "training_step", "train"):
                found.attributes.setdefault(name, Function(value.node, value.scope, value.defaults, (), found))
    return found
