"""Expressions: their values."""

from __future__ import annotations

import ast

from lora_lint.interpreter import branches, collecting, operations
from lora_lint.interpreter.definitions import Above, Class, Condition, Deferred, Instance, Scope, starred
from lora_lint.interpreter.state import Step
from lora_lint.interpreter.values import (
    MAX_NUMBER,
    MAX_UNROLL,
    Arguments,
    Const,
    DictVal,
    Either,
    External,
    ListVal,
    ModuleName,
    Object,
    Opaque,
    Val,
    as_text,
    either,
    is_key,
    left_open,
    lift,
    rows_list,
)
from lora_lint.run.values import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from lora_lint.interpreter.machine import Machine
    from lora_lint.interpreter.values import Listed
    from lora_lint.run.choices import Case
    from lora_lint.source import Span

_BUILTINS = frozenset(
    "abs all any bool dict dir enumerate exec filter float frozenset getattr globals hasattr id input int isinstance "
    "issubclass iter len list locals map max min next object open print property range repr reversed round set setattr "
    "slice sorted staticmethod classmethod str sum super tuple type vars zip ValueError RuntimeError Exception "
    "TypeError KeyError NotImplementedError ImportError".split()
)


def constant_(machine: Machine, node: ast.Constant, scope: Scope) -> Val:
    return constant_at(node, machine.span(node, scope))


def constant_at(node: ast.Constant, span: Span) -> Val:
    """A literal constant; a number that no setting can mean is not known."""
    if type(node.value) is int and node.value > MAX_NUMBER:
        return Opaque("the number is too large", span)
    return Const(node.value, span)


def name(machine: Machine, node: ast.Name, scope: Scope) -> Val:
    name = node.id
    level: Scope | None = scope
    while level is not None:
        value = level.names.get(name)
        if value is not None:
            if isinstance(value, Deferred):
                value = value.resolved(machine, level)
                level.names[name] = value
            return value
        level = level.outer
    if name == "__name__":
        return Const("__main__" if scope.module.is_main else scope.module.source.path)
    if name in _BUILTINS:
        return External(f"builtins.{name}")
    if name == "__file__":
        return Const(scope.module.source.path)
    shared = starred(machine, scope.module, name)
    if shared is not None:
        return shared
    for package in scope.module.star_imports:
        if machine.library.knows(package):
            return External(f"{package}.{name}")
    return Opaque(f"`{name}` is not defined in this file", machine.span(node, scope))


def attribute_of(machine: Machine, node: ast.Attribute, scope: Scope) -> Val:
    return machine.evaluate(node.value, scope).attribute(machine, node.attr, machine.span(node, scope))


def subscript(machine: Machine, node: ast.Subscript, scope: Scope) -> Val:
    owner = machine.evaluate(node.value, scope)
    span = machine.span(node, scope)
    if isinstance(node.slice, ast.Slice):
        written = (node.slice.lower, node.slice.upper, node.slice.step)
        bounds = [machine.evaluate(bound, scope) if bound else Const(None) for bound in written]
        return owner.slice(machine, bounds, span)
    return owner.item(machine, machine.evaluate(node.slice, scope), span)


def binary(machine: Machine, node: ast.BinOp, scope: Scope) -> Val:
    chain = [node]  # `a + b + c + …` is nested as deeply as it is long
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
    if isinstance(node.ops[0], ast.In | ast.NotIn):
        if isinstance(right, Object):
            right = machine.library.keyed(right) or right
        if isinstance(right, DictVal) and isinstance(left, Const) and machine.journal.perhaps(right.items, left.value):
            holds = isinstance(node.ops[0], ast.In)
            span = machine.span(node, scope)
            found: list[Val] = [Const(holds, span, "derived"), Const(not holds, span, "derived")]
            return either(found, machine.journal.cases(right.items, left.value))
    return operations.compare(type(node.ops[0]), left, right, machine.span(node, scope))


def boolean(machine: Machine, node: ast.BoolOp, scope: Scope) -> Val:
    decisive = isinstance(node.op, ast.Or)
    possible: list[tuple[Val, Case]] = []
    case: Case = ()
    for operand in node.values:
        value = machine.evaluate(operand, scope)
        known = value.truth()
        if known is None and decisive and isinstance(value, Const) and value.value:
            known = True  # `args.rank or 8`: a default that counts, or what a caller gives in its place
        if known is decisive or operand is node.values[-1]:
            possible.append((value, case))
            break
        if known is None:
            options = list(value.of_cases()) if isinstance(value, Either) else [(value, ())]
            possible += [(option, under) for option, under in options if option.truth() is not (not decisive)]
            passed = [under for option, under in options if option.truth() is (not decisive)]
            case = passed[0] if len(passed) == 1 else ()
    if decisive:
        # `given or default`: a given value that counts as false is never the result.
        left = [pair for pair in possible[:-1] if not _counts_as_false(pair[0])]
        if len(possible) > 1 and (not left or (len(possible) == 2 and left_open(left[0][0]))):
            return possible[-1][0].overridable()
        possible = [*left, possible[-1]]
    elif len(possible) > 1:
        # `given and value`: nor is one that counts as true.
        left = [pair for pair in possible[:-1] if not (isinstance(pair[0], Const) and pair[0].value)]
        if not left:
            return possible[-1][0].overridable()
        possible = [*left, possible[-1]]
    return either([value for value, _ in possible], [under for _, under in possible])


def _counts_as_false(value: Val) -> bool:
    """Whether a value counts as false unless a caller gives another: a constant, or a list that is empty by default."""
    return not value.value if isinstance(value, Const) else isinstance(value, ListVal) and not value.items


def conditional(machine: Machine, node: ast.IfExp, scope: Scope) -> Val:
    test = machine.evaluate(node.test, scope)
    known = machine.truth(test)
    if known is not None:
        return machine.evaluate(node.body if known else node.orelse, scope)
    tested = branches.tested(machine, node.test, test, scope)
    values: list[Val] = []
    cases: list[Case] = []

    def follow(branch: ast.expr, taken: bool) -> Callable[[], None]:
        def evaluate() -> None:
            entered = branches.enter(machine, node.test, taken, scope, tested)
            try:
                values.append(machine.evaluate(branch, scope))
            finally:
                machine.conditions.pop()
            cases.append(branches.leave(machine, entered))

        return evaluate

    changes = [machine.journal.branch(follow(node.body, True)), machine.journal.branch(follow(node.orelse, False))]
    machine.journal.merge(changes, machine.join, machine.join_lists)
    return machine.join_of(branches.usual_branch(machine, node.test, scope), *cases)(values)


def display(machine: Machine, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Val:
    parts: list[Listed | None] = []
    for element in node.elts:
        if isinstance(element, ast.Starred):
            parts.append(machine.evaluate(element.value, scope).iterate(machine, machine.span(element, scope)))
        else:
            parts.append(([machine.evaluate(element, scope)], True))
    elements, is_open = operations.items_of(parts), not all(part is not None and part[1] for part in parts)
    kind = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}[type(node)]
    return ListVal(elements, machine.span(node, scope), kind, is_open)


def dict_display(machine: Machine, node: ast.Dict, scope: Scope) -> Val:
    result = DictVal({}, machine.span(node, scope))
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = machine.evaluate(value_node, scope)
        if key_node is None:
            spread = value.mapping()
            if spread is None:
                result = DictVal({known: item.overridable() for known, item in result.items.items()}, result.span, True)
            else:
                if spread.open:
                    result = DictVal({known: item.overridable() for known, item in result.items.items()}, result.span)
                result.items.update(spread.items)
                result.open = result.open or spread.open
            continue
        key = machine.evaluate(key_node, scope)
        if isinstance(key, Const) and is_key(key.value):
            result.items[key.value] = value
        else:
            result.open = True
    return result


def comprehension(machine: Machine, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope) -> Val:
    inner = Scope(scope.module, scope)
    elements: list[Val] = []
    complete = True
    turns = _Turns()
    before = machine.library.tally()
    for known in _generate(machine, node.generators, 0, inner, machine.span(node, scope), turns):
        complete = complete and known
        elements.append(_element(machine, node, inner, known))
    if turns.cut and machine.library.tally() > before:
        machine.leave_turns(node, turns.cut, scope)
    if turns.ruled_out is not None:
        return turns.ruled_out.at(machine.span(node, scope))
    if complete and not elements and turns.dropped_a_default:
        why = "its items depend on an option"  # whose default gives none: another value is meant
        return Opaque(why, machine.span(node, scope), Reason.OPTIONAL)
    if not complete and (found := _of_rows(machine, node, turns, scope)) is not None:
        found.cut = turns.cut
        return found
    kind = "set" if isinstance(node, ast.SetComp) else "list"
    if not complete:
        elements = _standing_for_all(machine, node, elements, inner)
    made = ListVal(elements, machine.span(node, scope), kind, not complete)
    made.cut = turns.cut
    return made


def _element(machine: Machine, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope, known: bool) -> Val:
    """An item of a comprehension; what a call in it does depends on the tests: `[p.requires_grad_() for … if …]`."""
    if known or not isinstance(node.elt, ast.Call):
        return machine.evaluate(node.elt, scope)
    depth = len(machine.conditions)
    machine.conditions += [Condition(test, True, scope) for each in node.generators for test in each.ifs]
    try:
        return machine.evaluate(node.elt, scope)
    finally:
        del machine.conditions[depth:]


def _standing_for_all(
    machine: Machine, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, elements: list[Val], scope: Scope
) -> list[Val]:
    """Of a filtered collection, the elements that stand for all, such as a model's parameters."""
    objects = [each for each in elements if isinstance(each, Object)]
    if not isinstance(node.elt, ast.Name) or len(objects) < len(elements):
        return []
    tests = [test for generator in node.generators for test in generator.ifs]
    return [machine.library.choice(machine, each, tests, scope) if tests else each for each in objects]


def _of_rows(
    machine: Machine, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, turns: _Turns, scope: Scope
) -> ListVal | None:
    """`[f(row) for row in rows]`: as many items as there are rows, of which a condition may leave some out."""
    iterated = turns.iterated
    if iterated is None or len(node.generators) > 1 or 0 < iterated.turns() <= MAX_UNROLL:
        return None
    fewer = isinstance(node, ast.SetComp) or not _keeps_all(node.generators[0])
    rows = machine.library.rows(machine, iterated, fewer, machine.span(node, scope))
    kind = "set" if isinstance(node, ast.SetComp) else "list"
    return rows_list(rows, machine.span(node, scope), kind, fewer) if rows is not None else None


def _keeps_all(generator: ast.comprehension) -> bool:
    """Whether a comprehension leaves out blank lines at most: `if line.strip()`."""
    line = collecting.variable_of(generator.target)
    return all(collecting.asks_for_text(test, line) for test in generator.ifs)


def dict_comprehension(machine: Machine, node: ast.DictComp, scope: Scope) -> Val:
    inner = Scope(scope.module, scope)
    result = DictVal({}, machine.span(node, scope))
    for known in _generate(machine, node.generators, 0, inner, machine.span(node, scope), _Turns()):
        key = machine.evaluate(node.key, inner)
        value = machine.evaluate(node.value, inner)
        if known and isinstance(key, Const) and is_key(key.value):
            result.items[key.value] = value
        else:
            result.open = True
    return result


def _are_names(listed: Listed | None) -> bool:
    """Whether all items of an iteration are paths of modules."""
    return listed is not None and 0 < len(listed[0]) <= _MOST_NAMES and type(listed[0][0]) is ModuleName


class _Turns:
    """The iterations of a comprehension: `cut` is their number if there are too many to follow, `dropped_a_default`
    whether a filter drops one because of an option's default, `iterated` what it iterates over, `ruled_out` that too
    if the branch is not taken by default."""

    __slots__ = ("cut", "dropped_a_default", "iterated", "ruled_out")

    def __init__(self) -> None:
        self.cut = 0
        self.dropped_a_default = False
        self.iterated: Val | None = None
        self.ruled_out: Opaque | None = None


def _generate(
    machine: Machine, generators: list[ast.comprehension], index: int, scope: Scope, span: Span, turns: _Turns
) -> Iterator[bool]:
    """Binds the targets of a comprehension iteration by iteration; yields whether the iteration is certain to
    happen."""
    if index == len(generators):
        yield True
        return
    generator = generators[index]
    around = scope.outer if index == 0 and scope.outer is not None else scope
    iterated = turns.iterated = machine.evaluate(generator.iter, around)
    if isinstance(iterated, Opaque) and iterated.reason is Reason.RULED_OUT:
        turns.ruled_out = iterated
    listed = iterated.iterate(machine, span)
    if (count := iterated.turns()) > MAX_UNROLL:
        turns.cut = max(turns.cut, count)
    modules = machine.library.modules(iterated, generator)
    if modules is not None:
        listed = modules, True
    names = modules is not None or _are_names(listed)
    complete = listed is not None and listed[1] and (names or len(listed[0]) <= MAX_UNROLL)
    items = listed[0] if listed and complete else [Opaque("it iterates over something that is not known", span)]
    if not complete and listed and (len(listed[0]) == 1 or _stand_for_all(listed[0])):
        items = listed[0]
    for turn, item in enumerate(items):
        machine.assign(generator.target, item, scope)
        known = complete
        skipped = False
        for test in generator.ifs:
            value = machine.evaluate(test, scope)
            truth = value.truth()
            if truth is None and isinstance(value, Const):  # the default of an option decides
                truth = bool(value.value)
                turns.dropped_a_default = turns.dropped_a_default or not truth
                machine.assign(generator.target, item.overridable(), scope)
            skipped = skipped or truth is False
            known = known and truth is True
        if skipped:
            continue
        machine.trail.append(Step("comprehension" if complete else "vague", span, turn))
        try:
            for inner in _generate(machine, generators, index + 1, scope, span, turns):
                yield known and inner
        finally:
            machine.trail.pop()


def _stand_for_all(items: list[Val]) -> bool:
    """Whether items that may be some of many are a library's objects, such as the parameters of several models."""
    return 0 < len(items) <= MAX_UNROLL and all(isinstance(each, Object) for each in items)


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
        constants = tuple(part for value in values if isinstance(part := as_text(value), Const))
        if len(constants) != len(values) or any(isinstance(c.value, int) and abs(c.value) > 1 << 64 for c in constants):
            return Opaque("it is text with unknown parts", span)
        text = "".join(str(constant.value)[:1000] for constant in constants)
        return Const(text, span, operations.origin_of(constants))

    return lift(glue, *parts) if parts else Const("", span)


def named(machine: Machine, node: ast.NamedExpr, scope: Scope) -> Val:
    value = machine.evaluate(node.value, scope)
    machine.assign(node.target, value, scope)
    return value


def await_(machine: Machine, node: ast.Await, scope: Scope) -> Val:
    return machine.evaluate(node.value, scope)


def call(machine: Machine, node: ast.Call, scope: Scope) -> Val:
    function = machine.evaluate(node.func, scope)
    arguments = _arguments(machine, node, scope)
    if isinstance(function, External) and function.name == "builtins.super":
        return _super(scope, machine.span(node, scope))
    if isinstance(function, External) and function.name in _NAMESPACES and not (node.args or node.keywords):
        return _names(scope if function.name != "builtins.globals" else scope.module.scope, machine.span(node, scope))
    return machine.call(function, arguments, machine.span(node, scope), node)


def _arguments(machine: Machine, node: ast.Call, scope: Scope) -> Arguments:
    positional: list[Val] = []
    keywords: dict[str, Val] = {}
    spans: dict[str | int, Span] = {}
    is_open = False
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            listed = machine.evaluate(argument.value, scope).iterate(machine, machine.span(argument, scope))
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
        spread = value.mapping()
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
    return constant_at(node, place) if type(node) is ast.Constant else machine.evaluate(node, scope)


_MOST_NAMES = 1_500
"""The most paths of modules that are followed one by one."""
_NAMESPACES = frozenset({"builtins.locals", "builtins.vars", "builtins.globals"})


class _Names(DictVal):
    """`globals()`: the names of a module, so that a change of the dict changes the module."""

    __slots__ = ("scope",)

    def __init__(self, items: dict[Any, Val], span: Span, scope: Scope) -> None:
        super().__init__(items, span, open_=True)
        self.scope = scope

    def set_item(self, machine: Machine, key: Val, value: Val, span: Span) -> None:
        super().set_item(machine, key, value, span)
        if isinstance(key, Const) and isinstance(key.value, str):
            machine.bind(self.scope, key.value, value)

    def unsettle(self, machine: Machine) -> None:
        super().unsettle(machine)
        self.scope.unsettle(machine)


def _names(scope: Scope, span: Span) -> Val:
    """`locals()`: the current names of a scope. A module's contain more than is defined in it."""
    names: dict[Any, Val] = {name: value for name, value in scope.names.items() if not isinstance(value, Deferred)}
    if scope.outer is None:
        return _Names(names, span, scope)
    return DictVal(names, span, len(names) < len(scope.names))


def _super(scope: Scope, span: Span) -> Val:
    owner = scope.names.get("self")
    if isinstance(owner, Instance) and owner.class_ is not None:
        for base in owner.class_.bases:
            if isinstance(base, Class):
                return Instance(base, owner.attributes, owner.open)
            if isinstance(base, External):
                return Above(owner, base)
    return Opaque("`super()` is a library's class", span)
