"""The machine that follows a program."""

from __future__ import annotations

import ast
from functools import partial

from lora_lint.interpreter import branches, entries, expressions, imports, methods, standard, statements
from lora_lint.interpreter.definitions import Condition, Deferred, Function, Instance, make_function
from lora_lint.interpreter.journal import MISSING, Journal
from lora_lint.interpreter.state import Frame, Step
from lora_lint.interpreter.values import (
    MAX_UNROLL,
    Arguments,
    Const,
    DictVal,
    Either,
    ListVal,
    Member,
    Object,
    Opaque,
    Perhaps,
    Val,
    either,
    left_open,
    open_all,
)
from lora_lint.records import Protocol
from lora_lint.run.values import Reason
from lora_lint.source import Span
from lora_lint.system import deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from lora_lint.interpreter.definitions import Class, ProgramFile, Scope
    from lora_lint.interpreter.journal import Changes
    from lora_lint.interpreter.state import Signal
    from lora_lint.run.choices import Case
    from lora_lint.unread import Limit

MAX_STEPS = 150_000
"""The most statements and expressions that are followed in one program. Of 3,480 programs in 38 repositories half take
390, 1% more than 19,000, and the longest (transformers' trainer) 96,000."""
_BETWEEN_LOOKS = 1_000
_new_tuple = tuple.__new__
_TRAINING_WORDS = tuple(
    b"lora peft adapter from_pretrained requires_grad dataset tokeniz trainer freeze add_argument argparse rank alpha "
    b"target_modules finetun fine_tun tuner train( nn.module yaml json toml configparser omegaconf "
    b"model_name model_id model_path base_model "
    b".map( .select( train_test_split dataframe .append({".split()
)
"""What functions that matter for a training mention: the training itself, its data, or the files that its settings are
in."""
_COMMAND_WORDS = (b"--", b"python", b"torchrun", b"accelerate", b"deepspeed", b"subprocess", b"os.system", b"popen")
"""What functions that matter for starting another program mention."""


class Library(Protocol):
    """What the dialects know about the libraries that programs call. Each method returns None for "not mine"."""

    def knows(self, package: str) -> bool: ...
    def tally(self) -> int: ...
    def leave_unread(self, limit: Limit, detail: str) -> None: ...
    def concerns(self, text: bytes) -> bool: ...
    def external(self, machine: Machine, name: str, span: Span) -> Val | None: ...
    def helper(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, arguments: Arguments, span: Span
    ) -> Val | None: ...
    def parameter(self, machine: Machine, function: Function, name: str) -> Val | None: ...
    def call(
        self, machine: Machine, name: str, arguments: Arguments, span: Span, own: Class | None = None
    ) -> Val | None: ...
    def method(
        self, machine: Machine, root: Object, path: tuple[str, ...], arguments: Arguments, span: Span
    ) -> Val | None: ...
    def attribute(self, machine: Machine, owner: Object, name: str, span: Span) -> Val | None: ...
    def subscript(self, machine: Machine, owner: Object, key: Val, span: Span) -> Val | None: ...
    def keyed(self, owner: Object) -> DictVal | None: ...
    def assign(self, machine: Machine, target: Object | Member, name: str, value: Val, span: Span) -> bool: ...
    def iterate(self, machine: Machine, value: Object | Member, span: Span) -> list[Val] | None: ...
    def modules(self, value: Val, node: ast.For | ast.AsyncFor | ast.comprehension) -> list[Val] | None: ...
    def choice(self, machine: Machine, element: Object, tests: list[ast.expr], scope: Scope) -> Object: ...
    def rows(self, machine: Machine, value: Val, filtered: bool, span: Span) -> Object | None: ...
    def cut(self, value: ListVal, bounds: list[Val], span: Span) -> Object | None: ...
    def length(self, value: Object | ListVal, span: Span) -> Val | None: ...
    def limited(self, value: Val, most: Const, span: Span) -> Val | None: ...
    def method_of_unknown(self, machine: Machine, name: str, arguments: Arguments, span: Span) -> Val | None: ...
    def environment(self, machine: Machine, class_: Class, span: Span) -> dict[str, Val]: ...
    def method_of_function(
        self, machine: Machine, function: Function, name: str, arguments: Arguments, span: Span
    ) -> Val | None: ...
    def method_of_parts(
        self, machine: Machine, owner: DictVal, name: str, arguments: Arguments, span: Span
    ) -> Val | None: ...
    def merge(self, values: list[Val], cases: Sequence[Case]) -> Val | None: ...
    def lasts(self, container: object, before: object) -> bool: ...
    def escape(self, machine: Machine, name: str, arguments: Arguments, span: Span) -> Val | None: ...
    def hand(self, machine: Machine, name: str, arguments: Arguments) -> None: ...
    def replace(self, name: str, value: Val) -> None: ...


class Loader(Protocol):
    """Finds the other files of the project."""

    def module(self, importer: str, name: str, level: int) -> tuple[ProgramFile, ast.Module] | None: ...
    def copy_of(self, path: str) -> str | None: ...


class Exhausted(Exception):
    """Following the program takes more steps than the limit."""


class Machine:
    """Follows one program. The library's records collect what the program does to models, configs and datasets."""

    def __init__(self, library: Library, loader: Loader, *, only_starts: bool = False) -> None:
        """`only_starts`: the program trains nothing itself, but may start another one that does."""
        self.library = library
        self.loader = loader
        self._only_starts = only_starts
        self.journal = Journal()
        self.conditions: list[Condition] = []
        self.trail: list[Step] = []
        self.frames: list[Frame] = [Frame(None)]
        self.steps = 0
        self._pause = 0
        self.called: set[int] = set()
        self.vague_loops = 0
        self.left: list[Changes] = []  # what branches did that may have ended the loop that is being followed
        self.defining: dict[int, Scope] = {}
        self.main: ProgramFile | None = None
        self._worth: dict[int, bool] = {}
        self.attempts: list[frozenset[str]] = []
        """What the handlers of the `try` blocks around a statement call."""

    def run(self, module: ProgramFile, tree: ast.Module) -> None:
        """Follows a file from top to bottom, then the functions that nothing in it has called.

        Raises nothing for programs that are too long: what was read so far counts.
        """
        self.main = module
        try:
            self.block(tree.body, module.scope)
            entries.follow(self, tree, module)
        except Exhausted:
            detail = f"it takes more than {MAX_STEPS:,} steps to follow, so the rest is not known"
            self.library.leave_unread("steps", detail)

    def forget(self) -> None:
        """Breaks the reference cycles between functions and their defining scopes when the program is done.

        Its syntax tree is then freed at once; the cycle collector took a sixth of the time to find and free it.
        """
        for scope in self.defining.values():
            scope.names.clear()

    def load(self, module: ProgramFile, tree: ast.Module) -> None:
        """Follows an imported file for its definitions."""
        conditions, trail = self.conditions, self.trail
        self.conditions, self.trail = [], []
        try:
            self.block(tree.body, module.scope)
        finally:
            self.conditions, self.trail = conditions, trail

    def imported(self, name: str) -> Val | None:
        """The module of the project with a dotted name, as the main program imports it."""
        return Deferred(name, 0, None).resolved(self, self.main.scope) if self.main is not None else None

    def attempted(self, name: str) -> bool:
        """Whether a function is called in a `try` block whose handlers call it again, if it raises."""
        return any(name in called for called in self.attempts)

    def leave_open(self) -> None:
        """Notes that something may set the main program's settings again."""
        if self.main is not None:
            self.main.scope.unsettle(self)

    def worth_following(self, function: Function) -> bool:
        """False for long functions that mention nothing about training or its settings (metrics, plotting …). If the
        program only starts others, those of other files have to mention a command. What a constructor does is worth it
        for the attributes alone."""
        node = function.node
        if (node.end_lineno or node.lineno) - _begin(node) < 12 or function.name == "__init__":
            return True
        worth = self._worth.get(id(node))
        if worth is None:
            low = function.text().lower()
            elsewhere = self._only_starts and not function.scope.module.is_main
            words = _COMMAND_WORDS if elsewhere else _TRAINING_WORDS
            worth = self._worth[id(node)] = any(word in low for word in words)
        return worth

    def call(self, function: Val, arguments: Arguments, span: Span, node: ast.Call | None = None) -> Val:
        """function(*arguments), with the effects of the call; `node` is where the program writes it."""
        found = function.call(self, arguments, span)
        if found is not None:
            return found
        if node is not None and isinstance(node.func, ast.Attribute):
            found = self.library.method_of_unknown(self, node.func.attr, arguments, span)
            if found is not None:
                return found
        name = _text_of(node.func)[:40] if node is not None else "it"
        self.library.hand(self, name, arguments)
        escaped = self.library.escape(self, name, arguments, span)
        return escaped if escaped is not None else Opaque(f"`{name}(…)` is not followed", span)

    def turn(self, span: Span, number: int, follow: Callable[[], Val]) -> Val:
        """Follows one of the calls that something makes for each item."""
        self.trail.append(Step("loop", span, number))
        try:
            return follow()
        finally:
            self.trail.pop()

    def call_external(self, name: str, arguments: Arguments, span: Span) -> Val:
        """Calls a function or a class of a library, including builtins."""
        found = standard.call(self, name, arguments, span)
        if found is None:
            found = self.library.call(self, name, arguments, span)
        if found is not None:
            return found
        self.library.hand(self, name, arguments)
        self.library.escape(self, name, arguments, span)
        return Object(name, arguments, span)

    def call_method(self, member: Member, arguments: Arguments, span: Span) -> Val:
        """Calls a method that a value has because of its kind: a string's, a list's, a library object's."""
        kind = DictVal if isinstance(member.owner, DictVal) else type(member.owner)
        of_kind = methods.METHODS.get(kind)
        found: Val | None = None
        if isinstance(member.owner, DictVal):
            found = self.library.method_of_parts(self, member.owner, member.name, arguments, span)
        if found is not None:
            return found
        if of_kind is not None:
            found = of_kind(self, member.owner, member.name, arguments, span)
        else:
            root, path = member.path()
            if isinstance(root, Object):
                found = methods.of_object(self, root, path, arguments, span)
            elif isinstance(root, Function) and len(path) == 1:
                found = self.library.method_of_function(self, root, path[0], arguments, span)
        return found if found is not None else Opaque(f"`.{member.name}(…)` is not followed", span)

    def truth(self, value: Val) -> bool | None:
        """Whether a value counts as true; None too for a dict whose items a branch may have added."""
        items = value.items if isinstance(value, DictVal) else {}
        return None if items and all(self.journal.perhaps(items, key) for key in items) else value.truth()

    def bind(self, scope: Scope, name: str, value: Val) -> None:
        """Binds a name in a scope (or in its module's, if declared global)."""
        if name in scope.global_names:
            scope = scope.module.scope
        if name in scope.tests:
            scope.tests[name] = None
        self.journal.set_item(scope.names, name, value)

    def assign(self, target: ast.expr, value: Val, scope: Scope) -> None:
        """Binds a target: a name, an attribute, an item, or several of them."""
        if isinstance(target, ast.Name):
            self.bind(scope, target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target, value, scope)
        elif isinstance(target, ast.Attribute):
            self.evaluate(target.value, scope).set_attribute(self, target.attr, value, self.span(target, scope))
        elif isinstance(target, ast.Subscript):
            owner, key = self.evaluate(target.value, scope), self.evaluate(target.slice, scope)
            owner.set_item(self, key, value, self.span(target, scope))
            if isinstance(owner, Opaque) and isinstance(target.value, ast.Subscript):
                container = self.evaluate(target.value.value, scope)
                open_all(container.content() if isinstance(container, DictVal) else ())
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value, scope)

    def _unpack(self, target: ast.Tuple | ast.List, value: Val, scope: Scope) -> None:
        names, span = target.elts, self.span(target, scope)
        starred = next((n for n, name in enumerate(names) if isinstance(name, ast.Starred)), None)
        listed = value.iterate(self, span)
        if listed is None or not listed[1]:
            part = value if isinstance(value, Opaque) else Opaque("it is unpacked from a result that is not known")
            self._assign_unknown(names, part, scope)
            return
        items = listed[0]
        if starred is not None and len(items) >= len(names) - 1:
            after = len(items) - (len(names) - starred - 1)
            items = [*items[:starred], ListVal(items[starred:after], span), *items[after:]]
        if len(items) != len(names):
            self._assign_unknown(names, Opaque("it is unpacked from something else"), scope)
            return
        for element, item in zip(names, items, strict=True):
            self.assign(element, item, scope)

    def _assign_unknown(self, targets: list[ast.expr], value: Opaque, scope: Scope) -> None:
        for target in targets:
            self.assign(target, value.at(self.span(target, scope)), scope)

    def block(self, body: list[ast.stmt], scope: Scope) -> Signal | None:
        """Follows statements in order until one of them leaves the block."""
        depth, held = len(self.conditions), self.frames[-1].case
        choices = len(held)
        signal: Signal | None = None
        for statement in body:
            follow = _FOLLOW.get(type(statement))
            if follow is not None:
                self.steps += 1
                if self.steps > self._pause:
                    self._look()
                signal = follow(self, statement, scope)
                if signal is not None:
                    break
        del self.conditions[depth:], held[choices:]
        return signal

    def count(self) -> None:
        """Counts one more step. Raises Exhausted."""
        self.steps += 1
        if self.steps > self._pause:
            self._look()

    def _look(self) -> None:
        """Checks the limits. Raises Exhausted and deadline.Exceeded."""
        if self.steps > MAX_STEPS:
            raise Exhausted
        deadline.look()
        self._pause = min(self.steps + _BETWEEN_LOOKS, MAX_STEPS)

    def join(self, values: list[Val], cases: Sequence[Case] = ()) -> Val:
        """The value of a name after branches that bind it to different values; `cases` are the choices that lead
        to each."""
        first = values[0]
        if all(value is first for value in values):
            return first
        if any(value is MISSING for value in values):
            return next(value for value in values if value is not MISSING)
        usual = [value for value in values if not (isinstance(value, Opaque) and value.reason is Reason.RULED_OUT)]
        if 0 < len(usual) < len(values):  # `if rank <= 0: rank = 8`
            return self.join(usual).overridable()
        filled = [number for number, value in enumerate(values) if not left_open(value)]
        if len(filled) == 1:
            if cases and any(choice.option and choice.usual is False for choice in cases[filled[0]]):
                return next(value for value in values if left_open(value))  # `if args.smoke: model = TINY`
            return values[filled[0]].overridable()  # `if configs is None: configs = ALL`: unless a caller gives one
        merged = self.library.merge(values, cases)
        joined = merged if merged is not None else either(values, cases)
        unnamed = isinstance(joined, Either) and not any(choice.option for case in cases for choice in case)
        default = branches.usual_case(cases) if isinstance(joined, Opaque) or unnamed else None
        known = default is not None and (_is_plain(values[default]) or _is_counted(values[default]))
        return values[default].overridable() if default is not None and known else joined

    def join_of(self, usual: int | None, *cases: Case) -> Callable[[list[Val]], Val]:
        """How to join what two branches leave, if the one at `usual` is taken unless a caller gives an option; `cases`
        are the choices that lead to each."""
        return partial(self.join, cases=cases) if usual is None else partial(self._join_usual, usual, cases)

    def _join_usual(self, usual: int, cases: Sequence[Case], values: list[Val]) -> Val:
        joined = self.join(values, cases)
        if isinstance(joined, Opaque | Either) and len(values) == 2 and _is_plain(values[usual]):
            return joined if _is_plain(values[1 - usual]) else values[usual].overridable()
        return joined

    def join_lists(self, container: list[Any], before: list[Any], contents: list[list[Any]]) -> list[Any]:
        """The content of a mutable list after branches: the items that all leave, where they agree."""
        if all(content == contents[0] for content in contents):
            return contents[0]
        if type(container) is not list:  # a log of the library's: what happened in any branch, in order
            return list(dict.fromkeys(entry for content in contents for entry in content))
        if len({len(content) for content in contents}) == 1:
            return [self.join(list(column)) for column in zip(*contents, strict=True)]
        return [*before, Perhaps()]

    def span(self, node: ast.AST, scope: Scope) -> Span:
        """The place where a node is written. Called for every expression that is followed, so the node keeps it."""
        found: Span | None = node.__dict__.get("span")
        if found is None:
            source = scope.module.source
            starts = source.line_starts
            place = (
                source.path,
                starts[node.lineno - 1] + node.col_offset,  # type: ignore[attr-defined]
                starts[node.end_lineno - 1] + node.end_col_offset,  # type: ignore[attr-defined]
            )
            # Without the Python call in `Span(…)`: half the cost.
            found = node.__dict__["span"] = _new_tuple(Span, place)
        return found

    def place(self, node: ast.AST, scope: Scope) -> str:
        """The place where a node is written, for the user: `line 12`, with the cell of a notebook or the path of
        another file."""
        found = scope.module.source.locate(self.span(node, scope))
        cell = f"cell {found.cell}, " if found.cell is not None else ""
        return f"{cell}line {found.line}" + ("" if scope.module.is_main else f" of {found.path}")

    def leave_turns(self, node: ast.AST, turns: int, scope: Scope) -> None:
        """Notes that a loop that creates adapters is not followed iteration by iteration."""
        where = self.place(node, scope)
        detail = f"the loop in {where} has {turns:,} iterations, but more than {MAX_UNROLL} are not followed one by one"
        self.library.leave_unread("turns", detail)

    def evaluate(self, node: ast.expr, scope: Scope) -> Val:
        """The value of an expression; its calls take effect."""
        self.steps += 1
        if self.steps > self._pause:
            self._look()
        follow = _EVALUATE.get(type(node))
        if follow is None:
            return Opaque("the expression is not followed", self.span(node, scope))
        value: Val = follow(self, node, scope)
        return value


_FOLLOW: dict[type[ast.stmt], Callable[..., Any]] = {
    ast.Expr: statements.expression_statement,
    ast.Assign: statements.assignment,
    ast.AnnAssign: statements.annotated_assignment,
    ast.AugAssign: statements.augmented_assignment,
    ast.If: statements.if_,
    ast.For: statements.for_,
    ast.AsyncFor: statements.for_,
    ast.While: statements.while_,
    ast.With: statements.with_,
    ast.AsyncWith: statements.with_,
    ast.Try: statements.try_,
    ast.Match: statements.match,
    ast.Return: statements.return_,
    ast.Raise: statements.leave,
    ast.Assert: statements.assert_,
    ast.Break: statements.leave,
    ast.Continue: statements.leave,
    ast.Global: statements.global_,
    ast.Delete: statements.delete,
    ast.Import: imports.import_names,
    ast.ImportFrom: imports.import_members,
    ast.FunctionDef: statements.function_definition,
    ast.AsyncFunctionDef: statements.function_definition,
    ast.ClassDef: statements.class_definition,
}
_EVALUATE: dict[type[ast.expr], Callable[..., Val]] = {
    ast.Constant: expressions.constant_,
    ast.Name: expressions.name,
    ast.Attribute: expressions.attribute_of,
    ast.Subscript: expressions.subscript,
    ast.BinOp: expressions.binary,
    ast.UnaryOp: expressions.unary,
    ast.Compare: expressions.compare,
    ast.BoolOp: expressions.boolean,
    ast.IfExp: expressions.conditional,
    ast.List: expressions.display,
    ast.Tuple: expressions.display,
    ast.Set: expressions.display,
    ast.Dict: expressions.dict_display,
    ast.ListComp: expressions.comprehension,
    ast.SetComp: expressions.comprehension,
    ast.GeneratorExp: expressions.comprehension,
    ast.DictComp: expressions.dict_comprehension,
    ast.JoinedStr: expressions.joined_text,
    ast.Lambda: make_function,
    ast.NamedExpr: expressions.named,
    ast.Await: expressions.await_,
    ast.Call: expressions.call,
}


def _begin(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> int:
    """The line of a function's head, or the last one of its docstring."""
    first = node.body[0] if isinstance(node.body, list) else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first.end_lineno or node.lineno
    return node.lineno


def _is_plain(value: Val) -> bool:
    """Whether a value is a constant, a list of constants, or an object of a class of the program."""
    if isinstance(value, Instance):
        return value.class_ is not None
    if isinstance(value, ListVal):
        return not value.open and all(isinstance(item, Const) for item in value.items)
    return isinstance(value, Const) and value.value is not None


def _is_counted(value: Val) -> bool:
    """Whether a value is a list of which the number of rows is known."""
    return isinstance(value, ListVal) and bool(value.of_rows())


def _text_of(node: ast.expr) -> str:
    """An expression as text; `ast.unparse` costs more than following the rest of the call."""
    names: list[str] = []
    part = node
    while isinstance(part, ast.Attribute):
        names.append(part.attr)
        part = part.value
    if not isinstance(part, ast.Name):
        return ast.unparse(node)
    return ".".join([part.id, *reversed(names)])
