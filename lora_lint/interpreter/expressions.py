"""Expressions: what their value is."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from lora_lint.interpreter import calls, imports, operations, statements
from lora_lint.interpreter.scope import Condition, Scope, Step
from lora_lint.interpreter.values import (
    MAX_UNROLL,
    NO_ARGUMENTS,
    Class,
    Const,
    Deferred,
    DictVal,
    Either,
    External,
    Function,
    Instance,
    ListVal,
    Member,
    Namespace,
    Native,
    Object,
    Opaque,
    Val,
    as_cli_default,
    either,
    is_key,
    left_open,
    name_of,
)
from lora_lint.run.values import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lora_lint.interpreter.machine import Machine
    from lora_lint.source import Span

_OF_MODULES = frozenset("to cuda cpu eval train half float bfloat16 double".split())
"""Methods of torch.nn.Module that give the module itself."""
_BUILTINS = frozenset(
    {
        *(
            "abs",
            "all",
            "any",
            "bool",
            "dict",
            "dir",
            "enumerate",
            "filter",
            "float",
            "frozenset",
            "getattr",
            "globals",
        ),
        *("hasattr", "id", "input", "int", "isinstance", "issubclass", "iter", "len", "list", "locals", "map", "max"),
        *("min", "next", "object", "open", "print", "property", "range", "repr", "reversed", "round", "set", "setattr"),
        *("slice", "sorted", "staticmethod", "classmethod", "str", "sum", "super", "tuple", "type", "vars", "zip"),
        *("ValueError", "RuntimeError", "Exception", "TypeError", "KeyError", "NotImplementedError", "ImportError"),
    }
)


def constant_(machine: Machine, node: ast.Constant, scope: Scope) -> Val:
    return constant_at(node, machine.span(node, scope))


def constant_at(node: ast.Constant, span: Span) -> Val:
    """A constant that is written at a place; a number that no setting can mean is not known."""
    if type(node.value) is int and node.value > operations.MAX_NUMBER:
        return Opaque("the number is too large", span)
    return Const(node.value, span)


def name(machine: Machine, node: ast.Name, scope: Scope) -> Val:
    name = node.id
    level: Scope | None = scope
    while level is not None:
        value = level.names.get(name)
        if value is not None:
            if isinstance(value, Deferred):
                value = imports.resolve(machine, value, level)
                level.names[name] = value
            return value
        level = level.outer
    if name == "__name__":
        return Const("__main__" if scope.module.is_main else scope.module.source.path)
    if name in _BUILTINS:
        return External(f"builtins.{name}")
    if name == "__file__":
        return Const(scope.module.source.path)
    for package in scope.module.star_imports:
        if imports._is_library(machine, package):
            return External(f"{package}.{name}")
    return Opaque(f"`{name}` is not defined in this file", machine.span(node, scope))


def attribute_of(machine: Machine, node: ast.Attribute, scope: Scope) -> Val:
    return attribute(machine, machine.evaluate(node.value, scope), node.attr, machine.span(node, scope))


def attribute(machine: Machine, owner: Val, name: str, span: Span) -> Val:
    """owner.name"""
    if isinstance(owner, External):
        dotted = f"{owner.name}.{name}"
        return machine.library.external(machine, dotted, span) or External(dotted)
    if isinstance(owner, Object):
        found = owner.attributes.get(name)
        if found is None:
            found = machine.library.attribute(machine, owner, name, span)
        return Member(owner, name) if found is None else found
    if isinstance(owner, Instance):
        return instance_attribute(machine, owner, name, span)
    if isinstance(owner, Namespace):
        value = owner.scope.names.get(name)
        if isinstance(value, Deferred):
            value = imports.resolve(machine, value, owner.scope)
        return value if value is not None else Opaque(f"`{name}` is not defined in that module", span)
    if isinstance(owner, Class):
        value = owner.lookup(name)
        if value is not None:
            if any(name_of(base).endswith("Enum") for base in owner.bases):
                return Instance(owner, {"value": value, "name": Const(name, span)})
            return value
        for base in owner.external_bases():
            inherited = External(f"{base.name}.{name}")
            return calls.loading(machine, owner, inherited) if name == "from_pretrained" else inherited
        return Opaque(f"`{name}` is not an attribute that is known", span)
    if isinstance(owner, Either):
        return either(attribute(machine, option, name, span) for option in owner.options)
    if isinstance(owner, Opaque):
        return owner.at(span)
    if isinstance(owner, Const) and owner.value is None:
        return Opaque("it is an attribute of None", span)
    return Member(owner, name)


def instance_attribute(machine: Machine, owner: Instance, name: str, span: Span) -> Val:
    value = owner.attributes.get(name)
    if value is not None:
        return value
    if owner.class_ is not None:
        value = owner.class_.lookup(name)
        if isinstance(value, Function):
            kinds = {name_of(decorator).rpartition(".")[2] for decorator in value.decorators}
            if "staticmethod" in kinds:
                return value
            receiver: Val = owner.class_ if "classmethod" in kinds else owner
            bound = Function(value.node, value.scope, value.defaults, value.decorators, receiver)
            if kinds & {"property", "cached_property"}:
                return calls.call_function(machine, bound, NO_ARGUMENTS, span)
            return bound
        if value is not None:
            return value
        if name == "__class__":
            return owner.class_
        of_torch = any(base.name.startswith("torch.nn.") for base in owner.class_.external_bases())
        if of_torch and name in _OF_MODULES:
            return Native(f"torch.nn.Module.{name}", lambda _arguments, _span: owner)
        if of_torch and name in ("parameters", "named_parameters"):
            return Native(
                f"torch.nn.Module.{name}", lambda given, at: Object(f"torch.nn.Module().{name}", given, at, owner)
            )
        inner = owner.attributes.get("__object__")
        if isinstance(inner, Object):
            return attribute(machine, inner, name, span)
    elif name == "get":
        return Member(owner, name)
    return Opaque(f"the attribute `{name}` is set elsewhere", span)


def subscript(machine: Machine, node: ast.Subscript, scope: Scope) -> Val:
    owner = machine.evaluate(node.value, scope)
    span = machine.span(node, scope)
    if isinstance(node.slice, ast.Slice):
        return _slice(machine, owner, node.slice, scope, span)
    return item(machine, owner, machine.evaluate(node.slice, scope), span)


def item(machine: Machine, owner: Val, key: Val, span: Span) -> Val:
    """owner[key]"""
    if isinstance(owner, Object):
        found = owner.attributes.get(f"[{key.value}]") if isinstance(key, Const) else None
        if found is None:
            found = machine.library.subscript(machine, owner, key, span)
        return found if found is not None else Opaque("it is an item of a library's object", span)
    if isinstance(owner, Member) and isinstance(key, Const) and isinstance(key.value, int):
        parts = machine.library.iterate(machine, owner, span)
        if parts:
            return parts[0]
    if isinstance(owner, Either):
        return either(item(machine, option, key, span) for option in owner.options)
    if isinstance(owner, Class) and any(name_of(base).endswith("Enum") for base in owner.bases):
        return (
            attribute(machine, owner, str(key.value), span) if isinstance(key, Const) else Opaque("which is not known")
        )
    if isinstance(owner, Instance) and owner.class_ is None and isinstance(key, Const):
        return attribute(machine, owner, str(key.value), span)
    if isinstance(owner, External | Class | Function):
        return owner  # a type's parameters

    def pick(index: Val) -> Val:
        if not isinstance(index, Const):
            return Opaque("the key is not known", span)
        if isinstance(owner, DictVal):
            value = owner.items.get(index.value) if is_key(index.value) else None
            return value if value is not None else Opaque(f"the key {index.value!r} is set elsewhere", span)
        try:
            if isinstance(owner, ListVal) and (not owner.open or 0 <= index.value < len(owner.items)):
                picked: Val = owner.items[index.value]
                return picked
            if isinstance(owner, Const) and isinstance(owner.value, str | range):
                return Const(owner.value[index.value], span, owner.origin)
        except (IndexError, TypeError):
            return Opaque("the index is out of range", span)
        return Opaque("it is an item of something that is not known", span)

    return operations.lift(pick, key)


def _slice(machine: Machine, owner: Val, node: ast.Slice, scope: Scope, span: Span) -> Val:
    bounds = [machine.evaluate(bound, scope) if bound else Const(None) for bound in (node.lower, node.upper, node.step)]
    if isinstance(owner, Object):
        found = machine.library.subscript(machine, owner, ListVal(bounds, span, "slice"), span)
        return found if found is not None else Opaque("it is a slice of a library's object", span)
    if all(isinstance(bound, Const) for bound in bounds):
        cut = slice(*(bound.value for bound in bounds if isinstance(bound, Const)))
        try:
            if isinstance(owner, ListVal) and not owner.open:
                return ListVal(owner.items[cut], span, owner.kind)
            if isinstance(owner, Const) and isinstance(owner.value, str | range):
                return Const(owner.value[cut], span, "derived")
        except (TypeError, ValueError):
            pass
    return Opaque("it is a slice of something that is not known", span)


def binary(machine: Machine, node: ast.BinOp, scope: Scope) -> Val:
    chain = [node]  # `a + b + c + …` is as deep as it is long
    while isinstance(chain[-1].left, ast.BinOp):
        chain.append(chain[-1].left)
    value = machine.evaluate(chain[-1].left, scope)
    for each in reversed(chain):
        right = machine.evaluate(each.right, scope)
        value = operations.binary(type(each.op), value, right, machine.span(each, scope))
    return value


def unary(machine: Machine, node: ast.UnaryOp, scope: Scope) -> Val:
    return operations.unary(type(node.op), machine.evaluate(node.operand, scope), machine.span(node, scope))


def compare(machine: Machine, node: ast.Compare, scope: Scope) -> Val:
    if len(node.ops) != 1:
        return Opaque("it is a chained comparison", machine.span(node, scope))
    left = machine.evaluate(node.left, scope)
    right = machine.evaluate(node.comparators[0], scope)
    return operations.compare(type(node.ops[0]), left, right, machine.span(node, scope))


def boolean(machine: Machine, node: ast.BoolOp, scope: Scope) -> Val:
    decisive = isinstance(node.op, ast.Or)
    possible: list[Val] = []
    for operand in node.values:
        value = machine.evaluate(operand, scope)
        known = operations.truth(value)
        if known is decisive:
            possible.append(value)
            break
        if known is None or operand is node.values[-1]:
            possible.append(value)
    if len(possible) == 2 and decisive and left_open(possible[0]):
        return as_cli_default(possible[1])
    if len(possible) > 1 and decisive:
        # `given or default`: a given value that counts as false is never the result.
        possible = [v for v in possible[:-1] if not (isinstance(v, Const) and not v.value)] + possible[-1:]
    return either(possible)


def conditional(machine: Machine, node: ast.IfExp, scope: Scope) -> Val:
    known = operations.truth(machine.evaluate(node.test, scope))
    if known is not None:
        return machine.evaluate(node.body if known else node.orelse, scope)
    values: list[Val] = []

    def follow(branch: ast.expr, taken: bool) -> Callable[[], None]:
        def evaluate() -> None:
            machine.conditions.append(Condition(node.test, taken, scope))
            rule_out_defaults(machine, node.test, taken, scope)
            try:
                values.append(machine.evaluate(branch, scope))
            finally:
                machine.conditions.pop()

        return evaluate

    changes = [machine.journal.branch(follow(node.body, True)), machine.journal.branch(follow(node.orelse, False))]
    machine.journal.merge(changes, machine.join, machine.join_lists)
    return machine.join_of(usual_branch(machine, node.test, scope))(values)


def usual_branch(machine: Machine, test: ast.expr, scope: Scope) -> int | None:
    """Which branch is taken unless a caller gives an option, 0 for that of a test that holds; None for other tests."""
    taken = 1
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, taken = test.operand, 1 - taken
    if isinstance(test, ast.Call):
        # `if isinstance(config, dict): config = Config(**config)`: the other way it is such an object too.
        names = [each.id for each in (test.func, *test.args) if isinstance(each, ast.Name)]
        if len(names) != 3 or names[0] != "isinstance" or names[2] != "dict":
            return None
        return 1 - taken if isinstance(machine.evaluate(test.args[0], scope), Opaque) else None
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        right = test.comparators[0]
        if not isinstance(right, ast.Constant) or right.value is not None:
            return None
        if isinstance(test.ops[0], ast.Is | ast.Eq):
            taken = 1 - taken
        test = test.left
    if not isinstance(test, ast.Name | ast.Attribute):
        return None
    return taken if left_open(machine.evaluate(test, scope)) else None


def rule_out_defaults(machine: Machine, test: ast.expr, taken: bool, scope: Scope) -> None:
    """Makes the defaults unknown that a branch is not taken at: in `if args.rank > 0:` the rank is not 0."""
    for target, atom, holds in _atoms(test, taken):
        places = _places(machine, target, scope)
        for container, key in places:
            value = container.get(key)
            if not isinstance(value, Const | Either):
                continue
            options = value.options if isinstance(value, Either) else (value,)
            left = [
                each
                for each in options
                if not (_is_off(each) and _decides(machine, atom, each, places, scope) is (not holds))
            ]
            if len(left) < len(options):
                known = either(left) if left else _ruled_out(machine.span(target, scope))
                machine.journal.set_item(container, key, known)


def _ruled_out(span: Span) -> Opaque:
    """An option that has no value left in a branch."""
    return Opaque("it has to be given for this branch", span, Reason.RULED_OUT)


def _is_off(value: Val) -> bool:
    """Whether a default is zero or below, as options have it that nobody gives."""
    if not isinstance(value, Const) or value.origin != "cli-default" or isinstance(value.value, bool):
        return False
    return isinstance(value.value, int | float) and value.value <= 0


def _decides(
    machine: Machine, atom: ast.expr, value: Val, places: list[tuple[dict[str, Val], str]], scope: Scope
) -> bool | None:
    """How a test comes out with one value for what it tests; None if that depends on more."""
    before = [container[key] for container, key in places]
    for container, key in places:
        container[key] = value
    found = machine.evaluate(atom, scope)
    for (container, key), old in zip(places, before, strict=True):
        container[key] = old
    return bool(found.value) if isinstance(found, Const) else None


def _atoms(test: ast.expr, holds: bool) -> Iterator[tuple[ast.Name | ast.Attribute, ast.expr, bool]]:
    """The tests of one name or attribute that a test is made of, and whether they hold where it does (or does not)."""
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, holds = test.operand, not holds
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) == holds:
        for part in test.values:
            yield from _atoms(part, holds)
    elif isinstance(test, ast.Name | ast.Attribute):
        yield test, test, holds
    elif isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.left, ast.Name | ast.Attribute):
        yield test.left, test, holds


def _places(machine: Machine, target: ast.Name | ast.Attribute, scope: Scope) -> list[tuple[dict[str, Val], str]]:
    """Where the value of a name is kept, or that of an attribute of the objects that it may be one of."""
    if isinstance(target, ast.Attribute):
        owner = machine.evaluate(target.value, scope)
        owners = owner.options if isinstance(owner, Either) else (owner,)
        objects = (each for each in owners if isinstance(each, Instance | Object))
        return [(each.attributes, target.attr) for each in objects if target.attr in each.attributes]
    level: Scope | None = scope
    while level is not None and target.id not in level.names:
        level = level.outer
    return [(level.names, target.id)] if level is not None else []


def display(machine: Machine, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Val:
    elements: list[Val] = []
    is_open = False
    for element in node.elts:
        if isinstance(element, ast.Starred):
            listed = items(machine, machine.evaluate(element.value, scope), machine.span(element, scope))
            if listed is not None:
                elements += listed[0]
            is_open = is_open or listed is None or not listed[1]
        else:
            elements.append(machine.evaluate(element, scope))
    kind = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}[type(node)]
    return ListVal(elements, machine.span(node, scope), kind, is_open)


def dict_display(machine: Machine, node: ast.Dict, scope: Scope) -> Val:
    result = DictVal({}, machine.span(node, scope))
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = machine.evaluate(value_node, scope)
        if key_node is None:
            spread = mapping(value)
            if spread is None:
                result.open = True
            else:
                result.items.update(spread.items)
                result.open = result.open or spread.open
            continue
        key = machine.evaluate(key_node, scope)
        if isinstance(key, Const) and is_key(key.value):
            result.items[key.value] = value
        else:
            result.open = True
    return result


def mapping(value: Val) -> DictVal | None:
    """The items of something that `**` spreads."""
    if isinstance(value, DictVal):
        return value
    if isinstance(value, Instance):
        return DictVal(dict(value.attributes), None, value.open)
    if isinstance(value, Object) and value.attributes:
        return DictVal({**value.arguments.keywords, **value.attributes}, None, True)
    return None


def comprehension(machine: Machine, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope) -> Val:
    inner = Scope(scope.module, scope)
    elements: list[Val] = []
    complete = True
    cut: list[int] = []
    before = machine.library.made()
    for known in _generate(machine, node.generators, 0, inner, machine.span(node, scope), cut):
        complete = complete and known
        elements.append(machine.evaluate(node.elt, inner))
    if cut and machine.library.made() > before:
        statements.leave_turns(machine, node, max(cut), scope)
    if not complete and (found := _mapped(machine, node, scope)) is not None:
        return found
    kind = "set" if isinstance(node, ast.SetComp) else "list"
    # A filter of what one element stands for, as of a model's parameters, has that element too.
    filtered = len(elements) == 1 and isinstance(elements[0], Object) and isinstance(node.elt, ast.Name)
    made = ListVal(elements if complete or filtered else [], machine.span(node, scope), kind, not complete)
    made.cut = max(cut, default=0)
    return made


def _mapped(machine: Machine, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope) -> Val | None:
    """`[f(row) for row in rows]` over a library's object, for which the library has a better word than "some list"."""
    generator = node.generators[0]
    if len(node.generators) > 1 or not isinstance(generator.iter, ast.Name | ast.Subscript):
        return None
    value = machine.evaluate(generator.iter, scope)
    if not isinstance(value, Object):
        return None
    return machine.library.mapped(value, bool(generator.ifs), machine.span(node, scope))


def dict_comprehension(machine: Machine, node: ast.DictComp, scope: Scope) -> Val:
    inner = Scope(scope.module, scope)
    result = DictVal({}, machine.span(node, scope))
    for known in _generate(machine, node.generators, 0, inner, machine.span(node, scope), []):
        key = machine.evaluate(node.key, inner)
        value = machine.evaluate(node.value, inner)
        if known and isinstance(key, Const) and is_key(key.value):
            result.items[key.value] = value
        else:
            result.open = True
    return result


def _generate(
    machine: Machine, generators: list[ast.comprehension], index: int, scope: Scope, span: Span, cut: list[int]
) -> Iterator[bool]:
    """Binds the targets of a comprehension turn by turn; yields whether the turn is known to happen.

    `cut` gets the number of turns where there are too many to be followed.
    """
    if index == len(generators):
        yield True
        return
    generator = generators[index]
    iterated = machine.evaluate(generator.iter, scope)
    listed = items(machine, iterated, span)
    if turns_left_out := operations.too_many(iterated):
        cut.append(turns_left_out)
    complete = listed is not None and listed[1] and len(listed[0]) <= MAX_UNROLL
    turns = listed[0] if listed and complete else [Opaque("it runs over something that is not known", span)]
    if not complete and listed and len(listed[0]) == 1:
        turns = listed[0]
    for turn, item in enumerate(turns):
        statements.assign(machine, generator.target, item, scope)
        known = complete
        skipped = False
        for test in generator.ifs:
            truth = operations.truth(machine.evaluate(test, scope))
            skipped = skipped or truth is False
            known = known and truth is True
        if skipped:
            continue
        machine.trail.append(Step("comprehension" if complete else "vague", span, turn))
        try:
            for inner in _generate(machine, generators, index + 1, scope, span, cut):
                yield known and inner
        finally:
            machine.trail.pop()


def joined_text(machine: Machine, node: ast.JoinedStr, scope: Scope) -> Val:
    parts: list[Val] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            if part.format_spec is not None:
                return Opaque("it is formatted text", machine.span(node, scope))
            parts.append(machine.evaluate(part.value, scope))
        else:
            parts.append(machine.evaluate(part, scope))
    span = machine.span(node, scope)

    def glue(*values: Val) -> Val:
        constants = tuple(value for value in values if isinstance(value, Const))
        if len(constants) != len(values) or any(isinstance(c.value, int) and abs(c.value) > 1 << 64 for c in constants):
            return Opaque("it is text with unknown parts", span)
        text = "".join(str(constant.value)[:1000] for constant in constants)
        return Const(text, span, operations.origin_of(constants))

    return operations.lift(glue, *parts) if parts else Const("", span)


def lambda_(machine: Machine, node: ast.Lambda, scope: Scope) -> Val:
    return statements.make_function(machine, node, scope)


def named(machine: Machine, node: ast.NamedExpr, scope: Scope) -> Val:
    value = machine.evaluate(node.value, scope)
    statements.assign(machine, node.target, value, scope)
    return value


def await_(machine: Machine, node: ast.Await, scope: Scope) -> Val:
    return machine.evaluate(node.value, scope)


def items(machine: Machine, value: Val, span: Span) -> tuple[list[Val], bool] | None:
    """What an iteration over a value gives and whether that is all; None if nothing is known."""
    if isinstance(value, Object | Member):
        found = machine.library.iterate(machine, value, span)
        return None if found is None else (found, False)
    if isinstance(value, Class) and any(name_of(base).endswith("Enum") for base in value.bases):
        return [attribute(machine, value, name, span) for name in value.attributes if not name.startswith("_")], True
    return operations.items_of(value)
