"""What the condition of a branch says about options: which way is taken by default, and their values in a branch."""

from __future__ import annotations

import ast
from functools import lru_cache

from lora_lint.interpreter.definitions import Condition, Instance
from lora_lint.interpreter.idioms import conjuncts, counted, is_len
from lora_lint.interpreter.methods import SPELLINGS
from lora_lint.interpreter.values import (
    Const,
    Default,
    Either,
    ListVal,
    Object,
    Opaque,
    Unset,
    Val,
    either,
    left_open,
    option_of,
)
from lora_lint.readers.python import without_not
from lora_lint.records import NamedTuple
from lora_lint.run.choices import OptionChoice, caller
from lora_lint.run.values import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, TypeAlias

    from lora_lint.interpreter.definitions import Scope
    from lora_lint.interpreter.machine import Machine
    from lora_lint.run.choices import Case, Test
    from lora_lint.source import Span

_MOST_NAMES = 4
"""How many names may stand for each other's conditions."""
Place: TypeAlias = "tuple[dict[str, Val], str]"
"""Where a value is stored: the container and the key."""


class Tested(NamedTuple):
    """What a condition that is not known asks for, before either branch narrows what it is about: its text without
    `not`, where it is read, and whether it is `negated`; whether callers who choose nothing fail a part of it, and
    whether it holds for them, if that is known."""

    what: tuple[str, str, Span | None]
    negated: bool
    fails: bool
    usual: bool | None


class Entered(NamedTuple):
    """A branch that is being followed: the choices of callers that lead to it, how many held before, and where it
    narrows options (the value before, and the value in the branch)."""

    case: Case
    depth: int
    replaced: tuple[tuple[Place, Val, Val], ...]


def usual_branch(machine: Machine, test: ast.expr, scope: Scope) -> int | None:
    """The branch that is taken unless a caller gives an option, 0 if the condition holds; None for other conditions."""
    test, holds = without_not(test, True)
    taken = int(holds)
    if isinstance(test, ast.Call):
        # `if isinstance(config, dict): config = Config(**config)`: otherwise it is such an object already.
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


def by_default(value: Val) -> Val:
    """What a value is unless callers give an option."""
    usual = usual_case(value.cases) if isinstance(value, Either) else None
    return value.options[usual] if isinstance(value, Either) and usual is not None else value


def usual_case(cases: Sequence[Case]) -> int | None:
    """Which of several cases holds unless callers give an option."""
    usual = [number for number, case in enumerate(cases) if case and caller(case) == ""]
    return usual[0] if len(usual) == 1 else None


def tested(machine: Machine, test: ast.expr, value: Val, scope: Scope) -> Tested:
    """What both branches of a condition need to know about it; `value` is what it evaluates to."""
    meant, level, negated = _meaning(test, scope)
    calls = () if _of_module(meant, level) else reversed(machine.trail)
    call = next((step.span for step in calls if step.kind == "call"), None)
    parts = [part for each in _atoms(test, True) for part in _choices(machine, *each, scope)]
    found = by_default(value) if _has_no_effect(test) else None
    usual = bool(found.value) if isinstance(found, Const) else None
    what = (_text(meant), level.module.source.path, call)
    return Tested(what, negated, any(part.usual is False for part in parts), usual)


def enter(machine: Machine, test: ast.expr, taken: bool, scope: Scope, known: Tested) -> Entered:
    """Begins a branch: notes its condition, and narrows options whose defaults do not lead to it.

    In `if args.rank > 0:` the rank is not 0, and in `if args.model == "gpt2":` the model is gpt2. Returns what `leave`
    needs at the end of the branch.
    """
    narrowed: list[tuple[Val, Val]] = []
    replaced: list[tuple[Place, Val, Val]] = []
    choices: list[OptionChoice] = []
    implied = _implied(machine, test, taken, scope)  # before the branch narrows what it is about
    if not taken:
        _shorten(machine, test, scope)
    for target, atom, holds in _atoms(test, taken):
        places = _places(machine, target, scope)
        choices += _choices(machine, target, atom, holds, scope)
        for container, key in places:
            value = container.get(key)
            if not isinstance(value, Const | Either):
                continue
            options = value.alternatives()
            out = [
                each
                for each in options
                if _may_be_ruled_out(each) and _decides(machine, atom, each, places, scope) is (not holds)
            ]
            if out:
                left = [each for each in options if each not in out]
                narrow = either(left) if left else _in_branch(machine, target, atom, holds, scope)
                narrowed += [(each, narrow) for each in out]
                machine.journal.set_item(container, key, narrow)
                if isinstance(narrow, Const):
                    replaced.append(((container, key), value, narrow))
    meant, level, negated = _meaning(test, scope)
    if meant is not without_not(test, taken)[0]:
        for target, atom, holds in _atoms(meant, taken is not negated):
            choices += [each for each in _choices(machine, target, atom, holds, level) if each not in choices]
    if len(choices) != 1 or _subject(test) is None:  # it is about more than one option
        choices.append(_unnamed(known, taken))
    case = (*choices, *(each for each in implied if each not in choices))
    machine.conditions.append(Condition(test, taken, scope, tuple(narrowed), case))
    held = machine.frames[-1].case
    entered = Entered(case, len(held), tuple(replaced))
    held += case
    return entered


def leave(machine: Machine, entered: Entered) -> Case:
    """Ends a branch: an option that was compared with a value returns to its default, unless the branch has set it.
    Returns the choices that lead to the end of the branch."""
    held = machine.frames[-1].case
    case = tuple(held[entered.depth :])
    del held[entered.depth :]
    for (container, key), before, inside in entered.replaced:
        if container.get(key) is inside:
            machine.journal.set_item(container, key, before)
    return case


def _in_branch(machine: Machine, target: ast.expr, atom: ast.expr, holds: bool, scope: Scope) -> Val:
    """The value of an option in a branch that none of its defaults leads to: the value that it is compared with, if for
    equality."""
    if holds and isinstance(atom, ast.Compare) and isinstance(atom.ops[0], ast.Eq) and atom.left is target:
        equal = machine.evaluate(atom.comparators[0], scope)
        if isinstance(equal, Const) and isinstance(equal.value, str):
            option = machine.evaluate(target, scope)
            return option_of(equal, option.option) if isinstance(option, Default | Unset) else equal.overridable()
    return Opaque("this branch requires it to be set", machine.span(target, scope), Reason.RULED_OUT)


_TESTS: dict[type[ast.cmpop], tuple[Test, bool]] = {
    ast.Eq: ("equals", True),
    ast.NotEq: ("equals", False),
    ast.In: ("among", True),
    ast.NotIn: ("among", False),
    ast.IsNot: ("set", True),
    ast.Is: ("set", False),
}
"""What a comparison asks of its left side, and whether it asks for that or for the opposite."""
_METHODS: dict[str, Test] = {"startswith": "starts", "endswith": "ends"}


def _choices(machine: Machine, target: ast.expr, atom: ast.expr, holds: bool, scope: Scope) -> list[OptionChoice]:
    """The choice of callers that a test of one name is, if that is an option: one or none."""
    option = machine.evaluate(target, scope)
    if not isinstance(option, Default | Unset):
        return []
    test, value, positive = _question(machine, atom, scope)
    found = machine.evaluate(atom, scope)
    usual: bool | None = None
    if isinstance(option, Default):
        usual = bool(found.value) is holds if isinstance(found, Const) else None
    elif option.reason is Reason.OPTIONAL:
        usual = holds is not positive
    return [OptionChoice(option.option, test, value, holds is positive, usual)]


def _question(machine: Machine, atom: ast.expr, scope: Scope) -> tuple[Test, Any, bool]:
    """What a test of one option asks of it, the value that it is compared with, and whether it asks for that or for the
    opposite."""
    if isinstance(atom, ast.Name | ast.Attribute):
        return "set", None, True
    if isinstance(atom, ast.Compare):
        test, positive = _TESTS.get(type(atom.ops[0]), ("other", True))
        turned = isinstance(atom.left, ast.Constant)
        value = machine.evaluate(atom.left if turned else atom.comparators[0], scope)
        if isinstance(value, Const):
            if test == "equals" or (test == "set" and value.value is None):
                return test, value.value, positive
            if test == "among" and turned:
                return "contains", value.value, positive
        elif test == "among" and isinstance(value, ListVal):
            items = tuple(each.value for each in value.items if isinstance(each, Const))
            if len(items) == len(value.items) and not value.open:
                return test, items, positive
    elif isinstance(atom, ast.Call) and isinstance(atom.func, ast.Attribute) and len(atom.args) == 1:
        value = machine.evaluate(atom.args[0], scope)
        if isinstance(value, Const) and atom.func.attr in _METHODS:
            return _METHODS[atom.func.attr], value.value, True
    return "other", _text(atom), True


def _unnamed(known: Tested, taken: bool) -> OptionChoice:
    """A condition on more than one option, or on something else: the same text in the same call, or anywhere in a
    module if it is about the module's own names alone."""
    usual = None if known.usual is None else known.usual is taken
    return OptionChoice("", "other", known.what, taken is not known.negated, not taken if known.fails else usual)


def _meaning(test: ast.expr, scope: Scope) -> tuple[ast.expr, Scope, bool]:
    """What a condition without its `not` asks, whether it has one, and the scope of its names: for a name that stands
    for a condition, that one."""
    negated = False
    for _ in range(_MOST_NAMES):
        test, negated = without_not(test, negated)
        level = _level(test.id, scope) if isinstance(test, ast.Name) else None
        stands = level.tests.get(test.id) if level is not None and isinstance(test, ast.Name) else None
        if level is None or stands is None:
            break
        test, scope = stands, level
    return test, scope, negated


def _implied(machine: Machine, test: ast.expr, taken: bool, scope: Scope) -> Case:
    """The choices under which a condition can hold (or not) at all: `if spec.lora:` is for the records that have it,
    and so for what their other fields say."""
    implied: list[OptionChoice] = []
    for part, holds in _parts(test, taken):
        if not _has_no_effect(part):
            continue
        if _asks_for_key(part):
            value = machine.evaluate(part, scope)  # of a key, which only a branch may have added
            if isinstance(value, Either) and any(value.cases):
                implied += _shared([case for each, case in value.of_cases() if each.truth() is not (not holds)], value)
                continue
        for name in _owners(part):
            value = machine.evaluate(name, scope)
            if isinstance(value, Either) and any(value.cases):
                places = _places(machine, name, scope)
                pairs = value.of_cases() if places else ()
                implied += _shared(
                    [case for each, case in pairs if _decides(machine, part, each, places, scope) is not (not holds)],
                    value,
                )
                break
    return tuple(dict.fromkeys(implied))


@lru_cache(maxsize=4096)
def _asks_for_key(part: ast.expr) -> bool:
    """Whether a condition asks for a key: `"test" in files`, `files.get("test") is None`."""
    if isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.In | ast.NotIn):
        return True
    asked = part.left if isinstance(part, ast.Compare) else part
    return isinstance(asked, ast.Call) and isinstance(asked.func, ast.Attribute) and asked.func.attr == "get"


def _shared(leading: Sequence[Case], value: Either) -> Iterator[OptionChoice]:
    """The choices that all of the cases make in which a value leads somewhere, if some do not lead there."""
    if leading and len(leading) < len(value.options):
        yield from (choice for choice in leading[0] if all(choice in case for case in leading))


@lru_cache(maxsize=4096)
def _owners(part: ast.expr) -> tuple[ast.Name | ast.Attribute, ...]:
    """The names that a condition reads one after another: `spec` and `spec.lora` in `spec.lora == "all"`."""
    names: list[ast.Name | ast.Attribute] = []
    while True:
        if isinstance(part, ast.Compare):
            part = part.comparators[0] if isinstance(part.left, ast.Constant) else part.left
        elif isinstance(part, ast.Call):
            part = part.func
        elif isinstance(part, ast.Subscript):
            part = part.value
        elif isinstance(part, ast.Attribute):
            names.append(part)
            part = part.value
        else:
            return (*((part,) if isinstance(part, ast.Name) else ()), *reversed(names))


def _shorten(machine: Machine, test: ast.expr, scope: Scope) -> None:
    """Notes that there are no more rows than `if limit and len(rows) > limit:` asks for, where that does not hold."""
    parts = conjuncts(test)
    lengths = [found for part in parts if (found := _length(part)) is not None]
    if len(lengths) != 1 or not _has_no_effect(test):
        return
    owner, most = lengths[0]
    bound = by_default(machine.evaluate(most, scope))
    others = [by_default(machine.evaluate(part, scope)) for part in parts if _length(part) is None]
    if not isinstance(bound, Const) or not all(isinstance(each, Const) and each.value for each in others):
        return
    for container, key in _places(machine, owner, scope) if isinstance(owner, ast.Name | ast.Attribute) else ():
        limited = machine.library.limited(container[key], bound, machine.span(test, scope))
        if limited is not None:
            machine.journal.set_item(container, key, limited)


def _length(test: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """The rows in `len(rows) > limit` and `limit < len(rows)`, and the limit."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    left, right = test.left, test.comparators[0]
    if isinstance(test.ops[0], ast.Lt | ast.LtE):
        left, right = right, left
    elif not isinstance(test.ops[0], ast.Gt | ast.GtE):
        return None
    rows = counted(left)
    return (rows, right) if rows is not None else None


@lru_cache(maxsize=4096)
def _has_no_effect(test: ast.expr) -> bool:
    """Whether a condition only looks at values, and can be evaluated again."""
    calls = [node.func for node in ast.walk(test) if isinstance(node, ast.Call)]
    return all(
        call.attr in (*_TEXT_TESTS, "get") if isinstance(call, ast.Attribute) else is_len(call) for call in calls
    )


def _of_module(test: ast.expr, scope: Scope) -> bool:
    """Whether all names in a condition are names of the module, which every function of it reads."""
    return all((level := _level(name, scope)) is None or level.outer is None for name in _names(test))


@lru_cache(maxsize=4096)
def _names(test: ast.expr) -> tuple[str, ...]:
    """The names in a condition. They are cached as its text is."""
    return tuple({node.id: None for node in ast.walk(test) if isinstance(node, ast.Name)})


@lru_cache(maxsize=4096)
def _text(test: ast.expr) -> str:
    """A condition as text. It is cached because a program meets the same conditions in every call of a function."""
    return ast.unparse(test)


def _subject(test: ast.expr) -> ast.Name | ast.Attribute | None:
    """The one name that a condition tests."""
    test, _ = without_not(test, True)
    return None if isinstance(test, ast.BoolOp) else _target(test)


def _may_be_ruled_out(value: Val) -> bool:
    """Whether a default is a string, or zero or below, like those of options that are not given."""
    if not isinstance(value, Const) or value.origin != "cli-default" or isinstance(value.value, bool):
        return False
    return isinstance(value.value, str) or (isinstance(value.value, int | float) and value.value <= 0)


def _decides(machine: Machine, atom: ast.expr, value: Val, places: list[Place], scope: Scope) -> bool | None:
    """The outcome of a condition with one value for the tested name; None if it depends on more."""
    before = [container[key] for container, key in places]
    for container, key in places:
        container[key] = value
    found = machine.evaluate(atom, scope)
    for (container, key), old in zip(places, before, strict=True):
        container[key] = old
    return bool(found.value) if isinstance(found, Const) else None


@lru_cache(maxsize=4096)
def _atoms(test: ast.expr, holds: bool) -> tuple[tuple[ast.Name | ast.Attribute, ast.expr, bool], ...]:
    """The tests of one name or attribute in a condition, and whether they hold where the condition does (or does not).
    They are cached as its text is."""
    return tuple((target, part, so) for part, so in _parts(test, holds) if (target := _target(part)) is not None)


@lru_cache(maxsize=4096)
def _parts(test: ast.expr, holds: bool) -> tuple[tuple[ast.expr, bool], ...]:
    """The tests that all hold, or do not, where a condition holds (or does not)."""
    test, holds = without_not(test, holds)
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) == holds:
        return tuple(each for part in test.values for each in _parts(part, holds))
    return ((test, holds),)


_TEXT_TESTS = frozenset({"startswith", "endswith", *SPELLINGS})


def _target(test: ast.expr) -> ast.Name | ast.Attribute | None:
    """The name or attribute that a condition tests: `rank` in `rank > 0`, `args.model` in `"phi" in args.model.lower()`
    and in `args.model.startswith("phi")`."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        test = test.comparators[0] if isinstance(test.left, ast.Constant) else test.left
        methods: frozenset[str] = SPELLINGS
    else:
        methods = _TEXT_TESTS
    while isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr in methods:
        test = test.func.value
    return test if isinstance(test, ast.Name | ast.Attribute) else None


def _places(machine: Machine, target: ast.Name | ast.Attribute, scope: Scope) -> list[Place]:
    """The place where the value of a name is stored, or that of an attribute of the possible objects."""
    if isinstance(target, ast.Attribute):
        owner = machine.evaluate(target.value, scope)
        objects = (each for each in owner.alternatives() if isinstance(each, Instance | Object))
        return [(each.attributes, target.attr) for each in objects if target.attr in each.attributes]
    level = _level(target.id, scope)
    return [(level.names, target.id)] if level is not None else []


def _level(name: str, scope: Scope) -> Scope | None:
    """The innermost scope that has a name."""
    level: Scope | None = scope
    while level is not None and name not in level.names:
        level = level.outer
    return level
