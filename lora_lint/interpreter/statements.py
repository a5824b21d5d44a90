"""Statements: the effect of following each."""

from __future__ import annotations

import ast
from functools import lru_cache, partial

from lora_lint.interpreter import branches, collecting, operations
from lora_lint.interpreter.definitions import Class, Condition, Function, Scope, make_function
from lora_lint.interpreter.state import Step
from lora_lint.interpreter.values import MAX_UNROLL, Arguments, Const, DictVal, ListVal, Opaque, left_open
from lora_lint.records import NamedTuple
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lora_lint.interpreter.journal import Changes
    from lora_lint.interpreter.machine import Machine
    from lora_lint.interpreter.state import Signal
    from lora_lint.interpreter.values import Val
    from lora_lint.run.choices import Case

_DATA_CLASSES = frozenset(
    {"dataclass", "NamedTuple", "BaseModel", "BaseSettings", "define", "frozen", "attrs", "s", "chz"}
)
_MOST_IDLE = 2_000
"""The most steps for which the iterations of a `while` loop are followed if they create no adapter. In eight
repositories 29 loops took more, 28% of all steps: they play games and generate text."""
_SILENT = frozenset({"print", "display", "breakpoint", "assert_", "help"})
_SILENT_OWNERS = frozenset({"logger", "logging", "warnings", "plt", "console", "st", "log", "tqdm", "time", "gc"})


def expression_statement(machine: Machine, node: ast.Expr, scope: Scope) -> Signal | None:
    value = node.value
    if isinstance(value, ast.Call):
        name = value.func
        if isinstance(name, ast.Name) and name.id in _SILENT:
            for shown in value.args:
                if isinstance(shown, ast.Call):  # which may train a model, or ask it
                    machine.evaluate(shown, scope)
            return None
        silent = (
            isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name) and name.value.id in _SILENT_OWNERS
        )
        if silent and all(each.arg != "on_click" for each in value.keywords):  # which Streamlit calls
            return None
        machine.evaluate(value, scope)
        if isinstance(name, ast.Attribute) and name.attr in ("exit", "_exit"):
            return "raise"
        if isinstance(name, ast.Name) and name.id in ("exit", "quit"):
            return "raise"
    elif isinstance(value, ast.Await | ast.NamedExpr | ast.ListComp | ast.IfExp | ast.BoolOp | ast.YieldFrom):
        machine.evaluate(value, scope)
    return None


_TESTS = frozenset({ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Call})
"""What a name may stand for in a condition."""


def assignment(machine: Machine, node: ast.Assign, scope: Scope) -> None:
    value = machine.evaluate(node.value, scope)
    for target in node.targets:
        stands = type(node.value) in _TESTS and isinstance(target, ast.Name) and scope.note_test(target.id, node.value)
        machine.assign(target, value, scope)
        if stands and isinstance(target, ast.Name):
            scope.tests[target.id] = node.value


def annotated_assignment(machine: Machine, node: ast.AnnAssign, scope: Scope) -> None:
    if node.value is not None:
        machine.assign(node.target, machine.evaluate(node.value, scope), scope)


def augmented_assignment(machine: Machine, node: ast.AugAssign, scope: Scope) -> None:
    load = node.target
    old = machine.evaluate(load, scope)
    operand = machine.evaluate(node.value, scope)
    if isinstance(old, ListVal) and isinstance(node.op, ast.Add):
        operations.extend(machine.journal, old, operand)
        return
    result = operations.binary(type(node.op), old, operand, machine.span(node, scope))
    if machine.vague_loops:
        result = Opaque("a loop changes it an unknown number of times", machine.span(node, scope))
    machine.assign(node.target, result, scope)


def if_(machine: Machine, node: ast.If, scope: Scope) -> Signal | None:
    test = machine.evaluate(node.test, scope)
    known = machine.truth(test)
    return _fork(machine, node, test, scope) if known is None else _decided(machine, node, known, scope)


def _decided(machine: Machine, node: ast.If, known: bool, scope: Scope) -> Signal | None:
    """Follows the one branch that is taken."""
    body = node.body if known else node.orelse
    if machine.vague_loops and _changes_test(node.test, body):
        return _first_turn(machine, node, body, scope)
    return machine.block(body, scope)


def _changes_test(test: ast.expr, body: list[ast.stmt]) -> bool:
    """Whether a branch sets the flag that guards it: `if first: …; first = False`."""
    flag = test.operand if isinstance(test, ast.UnaryOp) else test
    if not isinstance(flag, ast.Name):
        return False
    targets = (target for statement in body if isinstance(statement, ast.Assign) for target in statement.targets)
    return any(isinstance(target, ast.Name) and target.id == flag.id for target in targets)


def _first_turn(machine: Machine, node: ast.If, body: list[ast.stmt], scope: Scope) -> Signal | None:
    """A branch that only one iteration of the enclosing loop takes."""
    return _iteration(machine, Step("once", machine.span(node.test, scope), 0), body, scope)


def _iteration(machine: Machine, step: Step, body: list[ast.stmt], scope: Scope) -> Signal | None:
    """Follows statements as one iteration of a loop."""
    machine.trail.append(step)
    try:
        return machine.block(body, scope)
    finally:
        machine.trail.pop()


def _fork(machine: Machine, node: ast.If, test: Val, scope: Scope) -> Signal | None:
    """Follows both branches of a condition that is not known and joins what they leave.

    A chain of `elif` is nested as deeply as it is long, so its links are followed one after another, each within the
    branch of the one before, and joined from the last to the first.
    """
    links: list[_Link] = []
    depth, conditions = machine.journal.depth, len(machine.conditions)
    try:
        signal: Signal | None = None
        while True:
            usual = branches.usual_branch(machine, node.test, scope)
            tested = branches.tested(machine, node.test, test, scope)
            left = _branch(machine, node, tested, scope)
            machine.journal.begin()
            entered = branches.enter(machine, node.test, False, scope, tested)
            links.append(_Link(node.test, usual, *left, entered))
            following = node.orelse[0] if len(node.orelse) == 1 else None
            if not isinstance(following, ast.If):
                signal = machine.block(node.orelse, scope)
                break
            machine.count()
            test = machine.evaluate(following.test, scope)
            known = test.truth()
            if known is not None:
                signal = _decided(machine, following, known, scope)
                break
            node = following
    except BaseException:
        machine.journal.leave(depth)
        raise
    finally:
        del machine.conditions[conditions:]
    for link in reversed(links):
        del machine.conditions[conditions:]  # those of the inner links no longer apply
        case = branches.leave(machine, link.entered)
        signal = _joined(machine, link, machine.journal.end(), signal, case, scope)
    return signal


class _Link(NamedTuple):
    """An unknown condition: the branch that is taken by default, what the branch where it holds leaves and which
    choices lead there, and the other one."""

    test: ast.expr
    usual: int | None
    changes: Changes
    signal: Signal | None
    case: Case
    entered: branches.Entered


def _branch(
    machine: Machine, node: ast.If, tested: branches.Tested, scope: Scope
) -> tuple[Changes, Signal | None, Case]:
    """What a branch leaves if its condition holds, how it ends, and the choices that lead to it."""
    ends: list[tuple[Signal | None, Case]] = []

    def follow() -> None:
        entered = branches.enter(machine, node.test, True, scope, tested)
        try:
            signal = machine.block(node.body, scope)
        finally:
            machine.conditions.pop()
        ends.append((signal, branches.leave(machine, entered)))

    return machine.journal.branch(follow), *ends[0]


def _joined(
    machine: Machine, link: _Link, other: Changes, other_signal: Signal | None, other_case: Case, scope: Scope
) -> Signal | None:
    """Joins what the two branches of a condition leave; returns how the statement ends."""
    changes, signals, cases = (link.changes, other), (link.signal, other_signal), (link.case, other_case)
    for gone, left in ((0, 1), (1, 0)):
        if signals[gone] is not None and signals[left] is None:
            machine.journal.apply(changes[left])
            machine.frames[-1].case += cases[left]
            if signals[gone] == "break":
                machine.left.append(changes[gone])
            if signals[gone] == "continue":
                # `if …: continue`: the rest of the loop's body is under the opposite condition.
                machine.conditions.append(Condition(link.test, bool(gone), scope))
            return None
    machine.journal.merge(list(changes), machine.join_of(link.usual, *cases), machine.join_lists, cases)
    return signals[0] if signals[0] == signals[1] else "raise"


def for_(machine: Machine, node: ast.For | ast.AsyncFor, scope: Scope) -> Signal | None:
    return _rejoined(machine, partial(_for, machine, node, scope))


def while_(machine: Machine, node: ast.While, scope: Scope) -> Signal | None:
    return _rejoined(machine, partial(_while, machine, node, scope))


def _rejoined(machine: Machine, follow: Callable[[], Signal | None]) -> Signal | None:
    """Follows a loop and joins what it leaves with what branches did that may have ended it:
    `for folder in FOLDERS: if exists(folder): found = folder; break`."""
    outer, machine.left = machine.left, []
    try:
        signal = follow()
        for changes in machine.left:
            machine.journal.merge([machine.journal.rebased(changes), {}], machine.join, machine.join_lists)
    finally:
        machine.left = outer
    return signal


def _for(machine: Machine, node: ast.For | ast.AsyncFor, scope: Scope) -> Signal | None:
    span = _header(machine, node, node.iter, scope)
    iterated = machine.evaluate(node.iter, scope)
    listed = iterated.iterate(machine, machine.span(node.iter, scope))
    modules = machine.library.modules(iterated, node)
    if modules is not None:
        listed = modules, True
    if listed is not None and listed[1] and (modules is not None or len(listed[0]) <= MAX_UNROLL):
        for turn, item in enumerate(listed[0]):
            machine.assign(node.target, item, scope)
            signal = _iteration(machine, Step("loop", span, turn), node.body, scope)
            if signal == "break":
                return None
            if signal in ("return", "raise"):
                return signal
        return machine.block(node.orelse, scope)
    items = listed[0] if listed else []
    element = items[0] if listed and not listed[1] and len(items) == 1 else None
    if element is None:
        element = Opaque("the loop iterates over something that is not known", machine.span(node.target, scope))
    machine.assign(node.target, element, scope)
    before = machine.library.tally()
    filled = [] if machine.vague_loops else collecting.lists_filled(machine, node, iterated, scope)
    _vague_loop(machine, node.body, span, scope)
    collecting.fill(machine, filled, machine.span(node.iter, scope))
    if machine.library.tally() > before and (turns := iterated.turns()) > MAX_UNROLL:
        machine.leave_turns(node, turns, scope)
    return None


def _while(machine: Machine, node: ast.While, scope: Scope) -> Signal | None:
    span = _header(machine, node, node.test, scope)
    before, begun = machine.library.tally(), machine.steps
    filled = [] if machine.vague_loops else collecting.lists_filled_up(machine, node, scope)
    for turn in range(MAX_UNROLL):
        if machine.steps - begun > _MOST_IDLE and machine.library.tally() == before:
            break
        test = machine.evaluate(node.test, scope)
        known = test.truth()
        if known is None or (isinstance(node.test, ast.Constant) and known):
            _vague_loop(machine, node.body, span, scope)
            collecting.fill(machine, filled, span)
            return None
        if not known:
            return None
        signal = _iteration(machine, Step("loop", span, turn), node.body, scope)
        if signal == "break":
            return None
        if signal in ("return", "raise"):
            return signal
    collecting.leave_open(machine, node, scope)
    collecting.fill(machine, filled, span)
    if machine.library.tally() > before:
        detail = f"{MAX_UNROLL} iterations of the loop in {machine.place(node, scope)} are followed, but it has more"
        machine.library.leave_unread("turns", detail)
    return None


def _vague_loop(machine: Machine, body: list[ast.stmt], span: Span, scope: Scope) -> None:
    """A loop with an unknown number of iterations: its body is followed once."""
    machine.vague_loops += 1
    try:
        _iteration(machine, Step("vague", span, 0), body, scope)
    finally:
        machine.vague_loops -= 1


def _header(machine: Machine, node: ast.stmt, last: ast.expr, scope: Scope) -> Span:
    """The place of a loop's first line."""
    return Span(scope.module.source.path, machine.span(node, scope).start, machine.span(last, scope).end)


_EXPECTING = frozenset({"pytest.raises", "self.assertRaises", "self.assertRaisesRegex"})
"""Context managers for blocks that are meant to fail."""


def with_(machine: Machine, node: ast.With | ast.AsyncWith, scope: Scope) -> Signal | None:
    if any(map(_expects_error, node.items)):
        return None  # the block has no effect but the error
    for item in node.items:
        value = machine.evaluate(item.context_expr, scope)
        if item.optional_vars is not None:
            machine.assign(item.optional_vars, value, scope)
    return machine.block(node.body, scope)


def _expects_error(item: ast.withitem) -> bool:
    call = item.context_expr
    return isinstance(call, ast.Call) and ast.unparse(call.func) in _EXPECTING


def try_(machine: Machine, node: ast.Try, scope: Scope) -> Signal | None:
    # The body is the intended case; handlers are for errors.
    machine.attempts.append(_called_in(node))
    try:
        signal = machine.block(node.body, scope)
    finally:
        machine.attempts.pop()
    _fill_in(machine, node.handlers, scope)
    if signal is None:
        signal = machine.block(node.orelse, scope)
    final = machine.block(node.finalbody, scope)
    return final if final is not None else signal


@lru_cache(maxsize=256)
def _called_in(node: ast.Try) -> frozenset[str]:
    """The names of what the handlers call, which may be the same again in another way."""
    calls = (each for handler in node.handlers for each in ast.walk(handler) if isinstance(each, ast.Call))
    names = (each.func for each in calls)
    return frozenset(
        name.id if isinstance(name, ast.Name) else name.attr
        for name in names
        if isinstance(name, ast.Name | ast.Attribute)
    )


def _fill_in(machine: Machine, handlers: list[ast.ExceptHandler], scope: Scope) -> None:
    """Takes from handlers what the body leaves to the caller: `except IndexError: rank = 8`."""
    for statement in (each for handler in handlers for each in handler.body):
        target = statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
        left = scope.names.get(target.id) if isinstance(target, ast.Name) else None
        if isinstance(statement, ast.Assign) and isinstance(target, ast.Name) and left is not None and left_open(left):
            machine.bind(scope, target.id, machine.evaluate(statement.value, scope).overridable())


def match(machine: Machine, node: ast.Match, scope: Scope) -> Signal | None:
    machine.evaluate(node.subject, scope)
    changes = [machine.journal.branch(partial(machine.block, case.body, scope)) for case in node.cases]
    machine.journal.merge(changes, machine.join, machine.join_lists)
    return None


def return_(machine: Machine, node: ast.Return, scope: Scope) -> Signal:
    value = machine.evaluate(node.value, scope) if node.value is not None else Const(None)
    frame = machine.frames[-1]
    frame.returns.append((value, tuple(frame.case)))
    return "return"


_SIGNALS: dict[type[ast.stmt], Signal] = {ast.Raise: "raise", ast.Break: "break", ast.Continue: "continue"}


def leave(machine: Machine, node: ast.Raise | ast.Break | ast.Continue, scope: Scope) -> Signal:
    made = node.exc if isinstance(node, ast.Raise) else None
    if isinstance(made, ast.Call) and made.args and isinstance(made.func, ast.Name) and made.func.id == "SystemExit":
        machine.evaluate(made.args[0], scope)  # `raise SystemExit(main())`
    return _SIGNALS[type(node)]


def assert_(machine: Machine, node: ast.Assert, scope: Scope) -> Signal | None:
    return "raise" if machine.truth(machine.evaluate(node.test, scope)) is False else None


def global_(_machine: Machine, node: ast.Global, scope: Scope) -> None:
    scope.global_names = scope.global_names | frozenset(node.names)


def delete(machine: Machine, node: ast.Delete, scope: Scope) -> None:
    for target in node.targets:
        if isinstance(target, ast.Subscript):
            owner, key = machine.evaluate(target.value, scope), machine.evaluate(target.slice, scope)
            if isinstance(owner, DictVal) and isinstance(key, Const) and key.value in owner.items:
                machine.journal.remove_item(owner.items, key.value)


def function_definition(machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
    function = make_function(machine, node, scope)
    machine.bind(scope, node.name, function)
    _register(machine, function.decorators, function, node, scope)


def class_definition(machine: Machine, node: ast.ClassDef, scope: Scope) -> None:
    bases = tuple(machine.evaluate(base, scope) for base in node.bases)
    inner = Scope(scope.module, scope)
    fields: list[str] = []
    for base in bases:
        if isinstance(base, Class):
            fields += [name for name in base.fields if name not in fields]
    class_ = Class(node, scope, bases, inner.names, fields)
    annotated = [statement.target for statement in node.body if isinstance(statement, ast.AnnAssign)]
    fields += [name.id for name in annotated if isinstance(name, ast.Name) and name.id not in fields]
    machine.block(node.body, inner)
    decorated = [machine.evaluate(decorator, scope) for decorator in node.decorator_list]
    names = [value.qualified_name for value in (*decorated, *bases)]
    class_.is_data = any(name.rpartition(".")[2] in _DATA_CLASSES for name in names) or any(
        isinstance(base, Class) and base.is_data for base in bases
    )
    machine.bind(scope, node.name, class_)
    _register(machine, decorated, class_, node, scope)


def _register(
    machine: Machine,
    decorators: Iterable[Val],
    defined: Val,
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
    scope: Scope,
) -> None:
    """Follows the program's own decorators for where they put a class or a function: `MODELS[name] = cls`. What they
    return is taken for the same."""
    for decorator in decorators:
        if isinstance(decorator, Function) and not decorator.wraps():
            decorator.call(machine, Arguments([defined], {}, {}), machine.span(node, scope))
