"""The machine that follows a program: statements, expressions and calls of its own functions."""

from __future__ import annotations

import ast
import re
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from lora_lint.interpreter import operations
from lora_lint.interpreter.journal import MISSING, Journal
from lora_lint.interpreter.methods import dict_method, list_method
from lora_lint.interpreter.scope import Module, Scope
from lora_lint.interpreter.values import (
    NO_ARGUMENTS,
    Arguments,
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
    Space,
    Val,
    either,
)
from lora_lint.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_STEPS = 150_000
MAX_DEPTH = 14
MAX_UNROLL = 64

Signal = str
"""How a statement ends other than normally: "return", "break", "continue" or "raise"."""


class Step(NamedTuple):
    """Where the machine is: the turn of a loop, or a call. Two runs made at one place differ in their steps."""

    kind: str
    span: Span
    turn: int


class Condition(NamedTuple):
    """A condition that may or may not hold, and the branch of it that is being followed."""

    test: ast.expr
    taken: bool
    scope: Scope


class Library(Protocol):
    """What the dialects know about the libraries that programs call. Each method returns None for "not mine"."""

    def knows(self, package: str) -> bool: ...
    def concerns(self, text: bytes) -> bool: ...
    def external(self, machine: Machine, name: str, span: Span) -> Val | None: ...
    def call(self, machine: Machine, name: str, arguments: Arguments, span: Span) -> Val | None: ...
    def method(
        self, machine: Machine, root: Object, path: tuple[str, ...], arguments: Arguments, span: Span
    ) -> Val | None: ...
    def attribute(self, machine: Machine, owner: Object, name: str, span: Span) -> Val | None: ...
    def subscript(self, machine: Machine, owner: Object, key: Val, span: Span) -> Val | None: ...
    def assign(self, machine: Machine, target: Object | Member, name: str, value: Val, span: Span) -> bool: ...
    def iterate(self, machine: Machine, value: Object, span: Span) -> list[Val] | None: ...
    def merge(self, values: list[Val]) -> Val | None: ...
    def escape(self, machine: Machine, name: str, arguments: Arguments, span: Span) -> None: ...


class Loader(Protocol):
    """Finds the other files of the project."""

    def module(self, importer: str, name: str, level: int) -> tuple[Module, ast.Module] | None: ...


class Exhausted(Exception):
    """The program takes more steps to follow than a file is worth."""


class Frame:
    """A function call in progress."""

    __slots__ = ("node", "returns")

    def __init__(self, node: ast.AST | None) -> None:
        self.node = node
        self.returns: list[Val] = []


class Machine:
    """Follows one program. The library's records collect what the program does to models, configs and datasets."""

    def __init__(self, library: Library, loader: Loader) -> None:
        self.library = library
        self.loader = loader
        self.journal = Journal()
        self.conditions: list[Condition] = []
        self.trail: list[Step] = []
        self.frames: list[Frame] = [Frame(None)]
        self.steps = 0
        self.called: set[int] = set()
        self.vague_loops = 0

    # -- files ---------------------------------------------------------------------------------------------------

    def run(self, module: Module, tree: ast.Module) -> None:
        """Follows a file from top to bottom, then the functions that nothing in it has called.

        Raises nothing for programs that are too long: what was read until then counts.
        """
        try:
            self.block(tree.body, module.scope)
            self._call_the_rest(tree, module)
        except Exhausted:
            pass

    def load(self, module: Module, tree: ast.Module) -> None:
        """Follows an imported file for its definitions."""
        conditions, trail = self.conditions, self.trail
        self.conditions, self.trail = [], []
        try:
            self.block(tree.body, module.scope)
        finally:
            self.conditions, self.trail = conditions, trail

    def _call_the_rest(self, tree: ast.Module, module: Module) -> None:
        """Entry points that a launcher or another file calls: functions and methods with unknown arguments."""
        callees: list[tuple[Function, Class | None]] = []
        for node in tree.body:
            found = module.scope.names.get(getattr(node, "name", ""))
            if isinstance(found, Function):
                callees.append((found, None))
            elif isinstance(found, Class):
                callees += [(value, found) for value in found.attributes.values() if isinstance(value, Function)]
        callees = [callee for callee in callees if id(callee[0].node) not in self.called]
        texts = {id(function): self._text_of(function) for function, _ in callees}
        # Functions that lead to an adapter, by the names in their text; callers before what they call.
        leading = [callee for callee in callees if self.library.concerns(texts[id(callee[0])])]
        for _ in range(4):
            words = {function.name.encode() for function, _ in leading}
            more = [c for c in callees if c not in leading and words & set(_WORD.findall(texts[id(c[0])]))]
            if not more:
                break
            leading = more + leading
        for function, owner in leading:
            if id(function.node) in self.called:
                continue
            bound = function
            if owner is not None:
                bound = Function(function.node, function.scope, function.defaults, (), self.instance(owner, open_=True))
            self.journal.branch(partial(self._start, bound))

    def _start(self, function: Function) -> None:
        self.call_function(function, NO_ARGUMENTS, self.span(function.node, function.scope), entry=True)

    def _text_of(self, function: Function) -> bytes:
        node, source = function.node, function.scope.module.source
        starts = source.line_starts
        end = node.end_lineno or node.lineno
        return source.utf8[starts[node.lineno - 1] : starts[end] if end < len(starts) else None]

    def _worth_following(self, function: Function) -> bool:
        """False for long functions that mention nothing about training (metrics, plotting …)."""
        node = function.node
        if (node.end_lineno or node.lineno) - node.lineno < 12:
            return True
        return _RELEVANT.search(self._text_of(function)) is not None

    # -- statements ----------------------------------------------------------------------------------------------

    def block(self, body: list[ast.stmt], scope: Scope) -> Signal | None:
        """Follows statements in order until one of them leaves the block."""
        depth = len(self.conditions)
        signal: Signal | None = None
        for statement in body:
            follow = _STATEMENTS.get(type(statement))
            if follow is not None:
                self.steps += 1
                if self.steps > MAX_STEPS:
                    raise Exhausted
                signal = follow(self, statement, scope)
                if signal is not None:
                    break
        del self.conditions[depth:]
        return signal

    def _expression(self, node: ast.Expr, scope: Scope) -> Signal | None:
        value = node.value
        if isinstance(value, ast.Call):
            name = value.func
            if isinstance(name, ast.Name) and name.id in _SILENT:
                return None
            if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name) and name.value.id in _SILENT_OWNERS:
                return None
            self.evaluate(value, scope)
            if isinstance(name, ast.Attribute) and name.attr in ("exit", "_exit"):
                return "raise"
            if isinstance(name, ast.Name) and name.id in ("exit", "quit"):
                return "raise"
        elif isinstance(value, ast.Await | ast.NamedExpr | ast.ListComp | ast.IfExp | ast.BoolOp | ast.YieldFrom):
            self.evaluate(value, scope)
        return None

    def _assign(self, node: ast.Assign, scope: Scope) -> None:
        value = self.evaluate(node.value, scope)
        for target in node.targets:
            self.assign(target, value, scope)

    def _annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value, scope), scope)

    def _augmented(self, node: ast.AugAssign, scope: Scope) -> None:
        load = node.target
        old = self.evaluate(load, scope)
        operand = self.evaluate(node.value, scope)
        if isinstance(old, ListVal) and isinstance(node.op, ast.Add):
            items = operations.items_of(operand)
            self.journal.change_list(old.items).extend(items[0] if items else [])
            old.open = old.open or items is None or not items[1]
            return
        result = operations.binary(type(node.op), old, operand, self.span(node, scope))
        if self.vague_loops:
            result = Opaque("a loop changes it an unknown number of times", self.span(node, scope))
        self.assign(node.target, result, scope)

    def assign(self, target: ast.expr, value: Val, scope: Scope) -> None:
        """Binds a target: a name, an attribute, an item, or several of them."""
        if isinstance(target, ast.Name):
            self.bind(scope, target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target, value, scope)
        elif isinstance(target, ast.Attribute):
            self._assign_attribute(self.evaluate(target.value, scope), target.attr, value, self.span(target, scope))
        elif isinstance(target, ast.Subscript):
            owner = self.evaluate(target.value, scope)
            key = self.evaluate(target.slice, scope)
            if isinstance(owner, DictVal):
                if isinstance(key, Const) and _hashable(key.value):
                    self.journal.set_item(owner.items, key.value, value)
                else:
                    owner.open = True
            elif isinstance(owner, ListVal) and isinstance(key, Const) and isinstance(key.value, int):
                if -len(owner.items) <= key.value < len(owner.items):
                    self.journal.change_list(owner.items)[key.value] = value
            elif (
                isinstance(owner, Object)
                and isinstance(key, Const)
                and not self.library.assign(self, owner, f"[{key.value}]", value, self.span(target, scope))
            ):
                self.journal.set_item(owner.attributes, f"[{key.value}]", value)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value, scope)

    def bind(self, scope: Scope, name: str, value: Val) -> None:
        """Binds a name in a scope (or in its module's, if declared global)."""
        if name in scope.global_names:
            scope = scope.module.scope
        self.journal.set_item(scope.names, name, value)

    def _unpack(self, target: ast.Tuple | ast.List, value: Val, scope: Scope) -> None:
        names = target.elts
        starred = next((n for n, name in enumerate(names) if isinstance(name, ast.Starred)), None)
        listed = self.items(value, self.span(target, scope))
        if listed is None or not listed[1]:
            for element in names:
                self.assign(element, self._part(value, self.span(element, scope)), scope)
            return
        items = listed[0]
        if starred is not None and len(items) >= len(names) - 1:
            after = len(names) - starred - 1
            middle = items[starred : len(items) - after]
            items = [*items[:starred], ListVal(middle, self.span(target, scope)), *items[len(items) - after :]]
        if len(items) != len(names):
            for element in names:
                self.assign(element, Opaque("it is unpacked from something else", self.span(element, scope)), scope)
            return
        for element, item in zip(names, items, strict=True):
            self.assign(element, item, scope)

    def _part(self, value: Val, span: Span) -> Val:
        why = value.why if isinstance(value, Opaque) else "it is unpacked from a result that is not known"
        return Opaque(why, span)

    def _assign_attribute(self, owner: Val, name: str, value: Val, span: Span) -> None:
        if isinstance(owner, (Instance, Class)):
            self.journal.set_item(owner.attributes, name, value)
        elif isinstance(owner, Object | Member):
            if not self.library.assign(self, owner, name, value, span) and isinstance(owner, Object):
                self.journal.set_item(owner.attributes, name, value)
        elif isinstance(owner, Either):
            for option in owner.options:
                self._assign_attribute(option, name, value, span)
        elif (isinstance(owner, (Function, Namespace))) and isinstance(owner, Namespace):
            self.journal.set_item(owner.scope.names, name, value)

    def _if(self, node: ast.If, scope: Scope) -> Signal | None:
        known = operations.truth(self.evaluate(node.test, scope))
        if known is not None:
            return self.block(node.body if known else node.orelse, scope)
        return self._fork(node.test, node.body, node.orelse, scope)

    def _fork(self, test: ast.expr, body: list[ast.stmt], other: list[ast.stmt], scope: Scope) -> Signal | None:
        """Follows both branches of a condition that is not known and joins what they leave."""
        signals: list[Signal | None] = []

        def follow(statements: list[ast.stmt], taken: bool) -> Callable[[], None]:
            def branch() -> None:
                self.conditions.append(Condition(test, taken, scope))
                try:
                    signals.append(self.block(statements, scope))
                finally:
                    self.conditions.pop()

            return branch

        changes = [self.journal.branch(follow(body, True)), self.journal.branch(follow(other, False))]
        if signals[0] is not None and signals[1] is not None:
            self.journal.merge(changes, self.join, self.join_lists)
            return signals[0] if signals[0] == signals[1] else "raise"
        for gone, left in ((0, 1), (1, 0)):
            if signals[gone] is not None:
                self.journal.apply(changes[left])
                if signals[gone] == "continue":
                    # `if …: continue`: what follows in the loop's body stands under the opposite condition.
                    self.conditions.append(Condition(test, bool(gone), scope))
                return None
        self.journal.merge(changes, self.join, self.join_lists)
        return None

    def join(self, values: list[Val]) -> Val:
        """What a name holds after branches that bind it to different values."""
        first = values[0]
        if all(value is first for value in values):
            return first
        if any(value is MISSING for value in values):
            return next(value for value in values if value is not MISSING)
        merged = self.library.merge(values)
        return merged if merged is not None else either(values)

    def join_lists(self, container: list[Any], before: list[Any], contents: list[list[Any]]) -> list[Any]:
        """What a mutable list holds after branches: the items that all leave, where they agree."""
        if all(content == contents[0] for content in contents):
            return contents[0]
        if type(container) is not list:  # a log of the library's: what happened in any branch, in order
            return list(dict.fromkeys(entry for content in contents for entry in content))
        if len({len(content) for content in contents}) == 1:
            return [self.join(list(column)) for column in zip(*contents, strict=True)]
        return [*before, Opaque("a branch decides what is added")]

    def _for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> Signal | None:
        span = self._header(node, node.iter, scope)
        listed = self.items(self.evaluate(node.iter, scope), self.span(node.iter, scope))
        if listed is not None and listed[1] and len(listed[0]) <= MAX_UNROLL:
            for turn, item in enumerate(listed[0]):
                self.assign(node.target, item, scope)
                self.trail.append(Step("loop", span, turn))
                try:
                    signal = self.block(node.body, scope)
                finally:
                    self.trail.pop()
                if signal == "break":
                    return None
                if signal in ("return", "raise"):
                    return signal
            return self.block(node.orelse, scope)
        items = listed[0] if listed else []
        element = items[0] if listed and not listed[1] and len(items) == 1 else None
        if element is None:
            element = Opaque("the loop runs over something that is not known", self.span(node.target, scope))
        self.assign(node.target, element, scope)
        return self._vague_loop(node.body, span, scope)

    def _while(self, node: ast.While, scope: Scope) -> Signal | None:
        span = self._header(node, node.test, scope)
        for turn in range(MAX_UNROLL):
            test = self.evaluate(node.test, scope)
            known = operations.truth(test)
            if known is None or (isinstance(node.test, ast.Constant) and known):
                return self._vague_loop(node.body, span, scope)
            if not known:
                return None
            self.trail.append(Step("loop", span, turn))
            try:
                signal = self.block(node.body, scope)
            finally:
                self.trail.pop()
            if signal == "break":
                return None
            if signal in ("return", "raise"):
                return signal
        return None

    def _vague_loop(self, body: list[ast.stmt], span: Span, scope: Scope) -> Signal | None:
        """A loop with an unknown number of turns: its body is followed once."""
        self.trail.append(Step("vague", span, 0))
        self.vague_loops += 1
        try:
            self.block(body, scope)
        finally:
            self.vague_loops -= 1
            self.trail.pop()
        return None

    def _with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> Signal | None:
        for item in node.items:
            value = self.evaluate(item.context_expr, scope)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, scope)
        return self.block(node.body, scope)

    def _try(self, node: ast.Try, scope: Scope) -> Signal | None:
        # The body is what the author wants to happen; handlers are for what goes wrong.
        signal = self.block(node.body, scope)
        if signal is None:
            signal = self.block(node.orelse, scope)
        final = self.block(node.finalbody, scope)
        return final if final is not None else signal

    def _match(self, node: ast.Match, scope: Scope) -> Signal | None:
        self.evaluate(node.subject, scope)
        changes = [self.journal.branch(partial(self.block, case.body, scope)) for case in node.cases]
        self.journal.merge(changes, self.join, self.join_lists)
        return None

    def _return(self, node: ast.Return, scope: Scope) -> Signal:
        value = self.evaluate(node.value, scope) if node.value is not None else Const(None)
        self.frames[-1].returns.append(value)
        return "return"

    def _leave(self, node: ast.Raise | ast.Break | ast.Continue, _: Scope) -> Signal:
        return {ast.Raise: "raise", ast.Break: "break", ast.Continue: "continue"}[type(node)]

    def _global(self, node: ast.Global, scope: Scope) -> None:
        scope.global_names = scope.global_names | frozenset(node.names)

    def _delete(self, node: ast.Delete, scope: Scope) -> None:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                owner, key = self.evaluate(target.value, scope), self.evaluate(target.slice, scope)
                if isinstance(owner, DictVal) and isinstance(key, Const) and key.value in owner.items:
                    self.journal.set_item(owner.items, key.value, owner.items[key.value])
                    del owner.items[key.value]

    def _import(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            if alias.asname:
                self.bind(scope, alias.asname, self._module(alias.name, 0))
            else:
                top = alias.name.partition(".")[0]
                self.bind(scope, top, self._module(top, 0))

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        name = node.module or ""
        if not node.level and self._is_library(name):
            for alias in node.names:
                if alias.name == "*":
                    scope.module.star_imports.append(name)
                else:
                    self.bind(scope, alias.asname or alias.name, External(f"{name}.{alias.name}"))
            return
        for alias in node.names:
            self.bind(scope, alias.asname or alias.name, Deferred(name, node.level, alias.name))

    def _module(self, name: str, level: int) -> Val:
        if not level and self._is_library(name):
            return External(name)
        return Deferred(name, level, None)

    def _is_library(self, name: str) -> bool:
        top = name.partition(".")[0]
        return self.library.knows(top)

    def resolve(self, deferred: Deferred, scope: Scope) -> Val:
        """What an import of a file of the project gives; a library's member if there is no such file."""
        found = self.loader.module(scope.module.source.path, deferred.module, deferred.level)
        dotted = deferred.module if deferred.name is None else f"{deferred.module}.{deferred.name}"
        if found is None:
            if deferred.name is not None:
                nested = self.loader.module(scope.module.source.path, dotted, deferred.level)
                if nested is not None:
                    return self._loaded(*nested)
            return External(f"?.{dotted}" if deferred.level else dotted)
        space = self._loaded(*found)
        if deferred.name is None:
            return space
        value = space.scope.names.get(deferred.name)
        if value is None:
            nested = self.loader.module(scope.module.source.path, dotted, deferred.level)
            if nested is not None:
                return self._loaded(*nested)
            for package in space.scope.module.star_imports:
                return External(f"{package}.{deferred.name}")
            return Opaque(f"`{deferred.name}` is not defined in {found[0].source.path}")
        return self.resolve(value, space.scope) if isinstance(value, Deferred) else value

    def _loaded(self, module: Module, tree: ast.Module) -> Namespace:
        if not module.scope.names:
            module.scope.names["__name__"] = Const(module.source.path)
            self.load(module, tree)
        return Namespace(module.scope)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        self.bind(scope, node.name, self.function(node, scope))

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: Scope) -> Function:
        """A function as a value; its defaults are evaluated where it is defined."""
        arguments = node.args
        defaults: dict[str, Val] = {}
        positional = [*arguments.posonlyargs, *arguments.args]
        if arguments.defaults:
            for argument, default in zip(
                positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True
            ):
                defaults[argument.arg] = self.evaluate(default, scope)
        for argument, keyword_default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if keyword_default is not None:
                defaults[argument.arg] = self.evaluate(keyword_default, scope)
        decorators: tuple[Val, ...] = ()
        if not isinstance(node, ast.Lambda) and node.decorator_list:
            decorators = tuple(self.evaluate(decorator, scope) for decorator in node.decorator_list)
        return Function(node, scope, defaults, decorators)

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        bases = tuple(self.evaluate(base, scope) for base in node.bases)
        inner = Scope(scope.module, scope)
        fields: list[str] = []
        for base in bases:
            if isinstance(base, Class):
                fields += [name for name in base.fields if name not in fields]
        class_ = Class(node, scope, bases, inner.names, fields)
        annotated = [statement.target for statement in node.body if isinstance(statement, ast.AnnAssign)]
        fields += [name.id for name in annotated if isinstance(name, ast.Name) and name.id not in fields]
        self.block(node.body, inner)
        decorated = [self.evaluate(decorator, scope) for decorator in node.decorator_list]
        names = [_name(value) for value in (*decorated, *bases)]
        class_.is_data = any(name.rpartition(".")[2] in _DATA_CLASSES for name in names) or any(
            isinstance(base, Class) and base.is_data for base in bases
        )
        self.bind(scope, node.name, class_)

    # -- expressions ---------------------------------------------------------------------------------------------

    def span(self, node: ast.AST, scope: Scope) -> Span:
        """Where a node is written."""
        source = scope.module.source
        return Span(
            source.path,
            source.line_starts[node.lineno - 1] + node.col_offset,  # type: ignore[attr-defined]
            source.line_starts[node.end_lineno - 1] + node.end_col_offset,  # type: ignore[attr-defined]
        )

    def _header(self, node: ast.stmt, last: ast.expr, scope: Scope) -> Span:
        """Where the first line of a loop is written."""
        return Span(scope.module.source.path, self.span(node, scope).start, self.span(last, scope).end)

    def evaluate(self, node: ast.expr, scope: Scope) -> Val:
        """The value of an expression; what it calls happens."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise Exhausted
        follow = _EXPRESSIONS.get(type(node))
        if follow is None:
            return Opaque("the expression is not followed", self.span(node, scope))
        value: Val = follow(self, node, scope)
        return value

    def _constant(self, node: ast.Constant, scope: Scope) -> Val:
        return Const(node.value, self.span(node, scope))

    def _lookup(self, node: ast.Name, scope: Scope) -> Val:
        name = node.id
        level: Scope | None = scope
        while level is not None:
            value = level.names.get(name)
            if value is not None:
                if isinstance(value, Deferred):
                    value = self.resolve(value, level)
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
            if self._is_library(package):
                return External(f"{package}.{name}")
        return Opaque(f"`{name}` is not defined in this file", self.span(node, scope))

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Val:
        return self.attribute(self.evaluate(node.value, scope), node.attr, self.span(node, scope))

    def attribute(self, owner: Val, name: str, span: Span) -> Val:
        """owner.name"""
        if isinstance(owner, External):
            return self.library.external(self, f"{owner.name}.{name}", span) or External(f"{owner.name}.{name}")
        if isinstance(owner, Object):
            found = owner.attributes.get(name)
            if found is None:
                found = self.library.attribute(self, owner, name, span)
            return Member(owner, name) if found is None else found
        if isinstance(owner, Instance):
            return self._instance_attribute(owner, name, span)
        if isinstance(owner, Namespace):
            value = owner.scope.names.get(name)
            if isinstance(value, Deferred):
                value = self.resolve(value, owner.scope)
            return value if value is not None else Opaque(f"`{name}` is not defined in that module", span)
        if isinstance(owner, Class):
            value = owner.lookup(name)
            if value is not None:
                if any(_name(base).endswith("Enum") for base in owner.bases):
                    return Instance(owner, {"value": value, "name": Const(name, span)})
                return value
            for base in owner.external_bases():
                return External(f"{base.name}.{name}")
            return Opaque(f"`{name}` is not an attribute that is known", span)
        if isinstance(owner, Either):
            return either(self.attribute(option, name, span) for option in owner.options)
        if isinstance(owner, Opaque):
            return Opaque(owner.why, span)
        if isinstance(owner, Const) and owner.value is None:
            return Opaque("it is an attribute of None", span)
        return Member(owner, name)

    def _instance_attribute(self, owner: Instance, name: str, span: Span) -> Val:
        value = owner.attributes.get(name)
        if value is not None:
            return value
        if owner.class_ is not None:
            value = owner.class_.lookup(name)
            if isinstance(value, Function):
                kinds = {_name(decorator).rpartition(".")[2] for decorator in value.decorators}
                if "staticmethod" in kinds:
                    return value
                receiver: Val = owner.class_ if "classmethod" in kinds else owner
                bound = Function(value.node, value.scope, value.defaults, value.decorators, receiver)
                if kinds & {"property", "cached_property"}:
                    return self.call_function(bound, NO_ARGUMENTS, span)
                return bound
            if value is not None:
                return value
            if name == "__class__":
                return owner.class_
            inner = owner.attributes.get("__object__")
            if isinstance(inner, Object):
                return self.attribute(inner, name, span)
        return Opaque(f"the attribute `{name}` is set elsewhere", span)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Val:
        owner = self.evaluate(node.value, scope)
        span = self.span(node, scope)
        if isinstance(node.slice, ast.Slice):
            return self._slice(owner, node.slice, scope, span)
        return self.item(owner, self.evaluate(node.slice, scope), span)

    def item(self, owner: Val, key: Val, span: Span) -> Val:
        """owner[key]"""
        if isinstance(owner, Object):
            found = owner.attributes.get(f"[{key.value}]") if isinstance(key, Const) else None
            if found is None:
                found = self.library.subscript(self, owner, key, span)
            return found if found is not None else Opaque("it is an item of a library's object", span)
        if isinstance(owner, Either):
            return either(self.item(option, key, span) for option in owner.options)
        if isinstance(owner, Class) and any(_name(base).endswith("Enum") for base in owner.bases):
            return (
                self.attribute(owner, str(key.value), span) if isinstance(key, Const) else Opaque("which is not known")
            )
        if isinstance(owner, Instance) and owner.class_ is None and isinstance(key, Const):
            return self.attribute(owner, str(key.value), span)
        if isinstance(owner, External | Class | Function):
            return owner  # a type's parameters

        def pick(index: Val) -> Val:
            if not isinstance(index, Const):
                return Opaque("the key is not known", span)
            if isinstance(owner, DictVal):
                value = owner.items.get(index.value) if _hashable(index.value) else None
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

    def _slice(self, owner: Val, node: ast.Slice, scope: Scope, span: Span) -> Val:
        bounds = [
            self.evaluate(bound, scope) if bound else Const(None) for bound in (node.lower, node.upper, node.step)
        ]
        if isinstance(owner, Object):
            found = self.library.subscript(self, owner, ListVal(bounds, span, "slice"), span)
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

    def _binary(self, node: ast.BinOp, scope: Scope) -> Val:
        left = self.evaluate(node.left, scope)
        right = self.evaluate(node.right, scope)
        return operations.binary(type(node.op), left, right, self.span(node, scope))

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Val:
        return operations.unary(type(node.op), self.evaluate(node.operand, scope), self.span(node, scope))

    def _compare(self, node: ast.Compare, scope: Scope) -> Val:
        if len(node.ops) != 1:
            return Opaque("it is a chained comparison", self.span(node, scope))
        left = self.evaluate(node.left, scope)
        right = self.evaluate(node.comparators[0], scope)
        return operations.compare(type(node.ops[0]), left, right, self.span(node, scope))

    def _boolean(self, node: ast.BoolOp, scope: Scope) -> Val:
        decisive = isinstance(node.op, ast.Or)
        possible: list[Val] = []
        for operand in node.values:
            value = self.evaluate(operand, scope)
            known = operations.truth(value)
            if known is decisive:
                possible.append(value)
                break
            if known is None or operand is node.values[-1]:
                possible.append(value)
        if len(possible) > 1 and decisive:
            # `given or default`: a given value that counts as false is never the result.
            possible = [v for v in possible[:-1] if not (isinstance(v, Const) and not v.value)] + possible[-1:]
        return either(possible)

    def _conditional(self, node: ast.IfExp, scope: Scope) -> Val:
        known = operations.truth(self.evaluate(node.test, scope))
        if known is not None:
            return self.evaluate(node.body if known else node.orelse, scope)
        values: list[Val] = []

        def follow(branch: ast.expr, taken: bool) -> Callable[[], None]:
            def evaluate() -> None:
                self.conditions.append(Condition(node.test, taken, scope))
                try:
                    values.append(self.evaluate(branch, scope))
                finally:
                    self.conditions.pop()

            return evaluate

        changes = [self.journal.branch(follow(node.body, True)), self.journal.branch(follow(node.orelse, False))]
        self.journal.merge(changes, self.join, self.join_lists)
        return self.join(values)

    def _list(self, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Val:
        items: list[Val] = []
        is_open = False
        for element in node.elts:
            if isinstance(element, ast.Starred):
                listed = self.items(self.evaluate(element.value, scope), self.span(element, scope))
                if listed is not None:
                    items += listed[0]
                is_open = is_open or listed is None or not listed[1]
            else:
                items.append(self.evaluate(element, scope))
        kind = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}[type(node)]
        return ListVal(items, self.span(node, scope), kind, is_open)

    def _dict(self, node: ast.Dict, scope: Scope) -> Val:
        result = DictVal({}, self.span(node, scope))
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.evaluate(value_node, scope)
            if key_node is None:
                spread = self.mapping(value)
                if spread is None:
                    result.open = True
                else:
                    result.items.update(spread.items)
                    result.open = result.open or spread.open
                continue
            key = self.evaluate(key_node, scope)
            if isinstance(key, Const) and _hashable(key.value):
                result.items[key.value] = value
            else:
                result.open = True
        return result

    def mapping(self, value: Val) -> DictVal | None:
        """The items of something that `**` spreads."""
        if isinstance(value, DictVal):
            return value
        if isinstance(value, Instance):
            return DictVal(dict(value.attributes), None, value.open)
        return None

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope) -> Val:
        inner = Scope(scope.module, scope)
        items: list[Val] = []
        complete = True
        for known in self._generate(node.generators, 0, inner, self.span(node, scope)):
            complete = complete and known
            items.append(self.evaluate(node.elt, inner))
        kind = "set" if isinstance(node, ast.SetComp) else "list"
        return ListVal(items if complete else [], self.span(node, scope), kind, not complete)

    def _dict_comprehension(self, node: ast.DictComp, scope: Scope) -> Val:
        inner = Scope(scope.module, scope)
        result = DictVal({}, self.span(node, scope))
        for known in self._generate(node.generators, 0, inner, self.span(node, scope)):
            key = self.evaluate(node.key, inner)
            value = self.evaluate(node.value, inner)
            if known and isinstance(key, Const) and _hashable(key.value):
                result.items[key.value] = value
            else:
                result.open = True
        return result

    def _generate(self, generators: list[ast.comprehension], index: int, scope: Scope, span: Span) -> Iterator[bool]:
        """Binds the targets of a comprehension turn by turn; yields whether the turn is known to happen."""
        if index == len(generators):
            yield True
            return
        generator = generators[index]
        listed = self.items(self.evaluate(generator.iter, scope), span)
        complete = listed is not None and listed[1] and len(listed[0]) <= MAX_UNROLL
        items = listed[0] if listed and complete else [Opaque("it runs over something that is not known", span)]
        if not complete and listed and len(listed[0]) == 1:
            items = listed[0]
        for turn, item in enumerate(items):
            self.assign(generator.target, item, scope)
            known = complete
            skipped = False
            for test in generator.ifs:
                truth = operations.truth(self.evaluate(test, scope))
                skipped = skipped or truth is False
                known = known and truth is True
            if skipped:
                continue
            self.trail.append(Step("comprehension" if complete else "vague", span, turn))
            try:
                for inner in self._generate(generators, index + 1, scope, span):
                    yield known and inner
            finally:
                self.trail.pop()

    def _text(self, node: ast.JoinedStr, scope: Scope) -> Val:
        parts: list[Val] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                if part.format_spec is not None:
                    return Opaque("it is formatted text", self.span(node, scope))
                parts.append(self.evaluate(part.value, scope))
            else:
                parts.append(self.evaluate(part, scope))
        span = self.span(node, scope)

        def glue(*values: Val) -> Val:
            constants = tuple(value for value in values if isinstance(value, Const))
            if len(constants) != len(values) or any(
                isinstance(c.value, int) and abs(c.value) > 1 << 64 for c in constants
            ):
                return Opaque("it is text with unknown parts", span)
            text = "".join(str(constant.value)[:1000] for constant in constants)
            return Const(text, span, operations.origin_of(constants))

        return operations.lift(glue, *parts) if parts else Const("", span)

    def _lambda(self, node: ast.Lambda, scope: Scope) -> Val:
        return self.function(node, scope)

    def _named(self, node: ast.NamedExpr, scope: Scope) -> Val:
        value = self.evaluate(node.value, scope)
        self.assign(node.target, value, scope)
        return value

    def _await(self, node: ast.Await, scope: Scope) -> Val:
        return self.evaluate(node.value, scope)

    def items(self, value: Val, span: Span) -> tuple[list[Val], bool] | None:
        """What an iteration over a value gives and whether that is all; None if nothing is known."""
        if isinstance(value, Object):
            found = self.library.iterate(self, value, span)
            return None if found is None else (found, False)
        if isinstance(value, Class) and any(_name(base).endswith("Enum") for base in value.bases):
            return [self.attribute(value, name, span) for name in value.attributes if not name.startswith("_")], True
        return operations.items_of(value)

    # -- calls ---------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, scope: Scope) -> Val:
        function = self.evaluate(node.func, scope)
        arguments = self._arguments(node, scope)
        return self.call(function, arguments, self.span(node, scope), node, scope)

    def _arguments(self, node: ast.Call, scope: Scope) -> Arguments:
        positional: list[Val] = []
        keywords: dict[str, Val] = {}
        spans: dict[str | int, Span] = {}
        is_open = False
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                listed = self.items(self.evaluate(argument.value, scope), self.span(argument, scope))
                if listed is None or not listed[1]:
                    is_open = True
                else:
                    positional += listed[0]
            else:
                spans[len(positional)] = self.span(argument, scope)
                positional.append(self.evaluate(argument, scope))
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, scope)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
                spans[keyword.arg] = self.span(keyword.value, scope)
                continue
            spread = self.mapping(value)
            if spread is None:
                is_open = True
                continue
            is_open = is_open or spread.open
            for key, item in spread.items.items():
                if isinstance(key, str):
                    keywords[key] = item
                    spans[key] = self.span(keyword.value, scope)
        return Arguments(positional, keywords, spans, is_open)

    def call(
        self, function: Val, arguments: Arguments, span: Span, node: ast.Call | None = None, scope: Scope | None = None
    ) -> Val:
        """function(*arguments)"""
        if isinstance(function, External):
            return self._call_external(function, arguments, span, scope)
        if isinstance(function, Function):
            return self.call_function(function, arguments, span)
        if isinstance(function, Member):
            return self._call_member(function, arguments, span)
        if isinstance(function, Class):
            return self.instantiate(function, arguments, span)
        if isinstance(function, Native):
            return function.call(arguments, span)
        if isinstance(function, Either):
            return either(self.call(option, arguments, span) for option in function.options)
        if isinstance(function, Instance):
            method = self._instance_attribute(function, "__call__", span)
            if isinstance(method, Function):
                return self.call_function(method, arguments, span)
        if isinstance(function, Object):
            found = self.library.method(self, function, ("__call__",), arguments, span)
            if found is not None:
                return found
        name = ast.unparse(node.func)[:40] if node is not None else "it"
        self.library.escape(self, name, arguments, span)
        return Opaque(f"`{name}(…)` is not followed", span)

    def _call_external(self, function: External, arguments: Arguments, span: Span, scope: Scope | None) -> Val:
        name = function.name
        if name.startswith("builtins."):
            special = self._special(name[9:], arguments, span, scope)
            if special is None and name == "builtins.dict":
                special = self.library.call(self, name, arguments, span)
            if special is not None:
                return special
            found = operations.builtin(name[9:], self._listed(arguments, span), span)
            return found if found is not None else Opaque(f"`{name[9:]}(…)` is not followed", span)
        if name == "itertools.product":
            return operations.product(self._listed(arguments, span), span)
        if name in ("copy.copy", "copy.deepcopy") and arguments.positional:
            return self.copied(arguments.positional[0], arguments, span)
        if name in ("dataclasses.asdict", "dataclasses.replace") and arguments.positional:
            return self._dataclass_tool(name, arguments, span)
        if name in ("dataclasses.field", "pydantic.Field", "attr.ib", "attrs.field"):
            return self._field(arguments, span)
        if name in ("types.SimpleNamespace", "argparse.Namespace"):
            return Instance(None, dict(arguments.keywords), arguments.open)
        if name == "functools.partial" and arguments.positional:
            return self._partial(arguments)
        found = self.library.call(self, name, arguments, span)
        if found is not None:
            return found
        self.library.escape(self, name, arguments, span)
        return Object(name, arguments, span)

    def _listed(self, arguments: Arguments, span: Span) -> Arguments:
        """Arguments with enum classes replaced by the list of their members, for builtins that iterate."""
        if not any(isinstance(value, Class) for value in arguments.positional):
            return arguments
        positional: list[Val] = []
        for value in arguments.positional:
            listed = self.items(value, span) if isinstance(value, Class) else None
            positional.append(ListVal(listed[0], span) if listed else value)
        return Arguments(positional, arguments.keywords, arguments.nodes, arguments.open)

    def _special(self, name: str, arguments: Arguments, span: Span, scope: Scope | None) -> Val | None:
        """Builtins that need the machine: attributes by name, classes, mapping of functions."""
        positional = arguments.positional
        if name == "getattr" and len(positional) >= 2 and isinstance(positional[1], Const):
            value = self.attribute(positional[0], str(positional[1].value), span)
            if len(positional) == 3 and isinstance(value, Opaque | Member):
                return Opaque("`getattr` has a default", span)
            return value
        if name == "setattr" and len(positional) == 3 and isinstance(positional[1], Const):
            self._assign_attribute(positional[0], str(positional[1].value), positional[2], span)
            return Const(None, span)
        if name == "isinstance" and len(positional) == 2 and isinstance(positional[0], Const | ListVal | DictVal):
            kinds = positional[1].items if isinstance(positional[1], ListVal) else [positional[1]]
            plain = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict, "tuple": tuple}
            types = tuple(plain[_name(kind)[9:]] for kind in kinds if _name(kind)[9:] in plain)
            if len(types) == len(kinds):
                subject = positional[0]
                sample: Any = (
                    subject.value if isinstance(subject, Const) else {} if isinstance(subject, DictVal) else []
                )
                if not (isinstance(subject, Const) and subject.origin == "cli-default"):
                    return Const(isinstance(sample, types), span, "derived")
        if name == "vars" and len(positional) == 1:
            return self.mapping(positional[0])
        if name == "super" and scope is not None:
            return self._super(scope, span)
        if name == "map" and len(positional) == 2:
            listed = self.items(positional[1], span)
            if listed is not None and listed[1] and len(listed[0]) <= MAX_UNROLL:
                return ListVal(
                    [self.call(positional[0], Arguments([item], {}, {}), span) for item in listed[0]], span, "list"
                )
        if name in ("any", "all") and len(positional) == 1 and isinstance(positional[0], ListVal):
            known = [operations.truth(item) for item in positional[0].items]
            if not positional[0].open and None not in known:
                return Const(any(known) if name == "any" else all(known), span, "derived")
        if name in _ITERATING and positional and isinstance(positional[0], Object):
            found = self.library.iterate(self, positional[0], span)
            if found is not None:
                if name == "enumerate":
                    found = [ListVal([Opaque("it is a counter", span), item], span, "tuple") for item in found]
                return found[0] if name == "next" and found else ListVal(found, span, "list", True)
        return None

    def _super(self, scope: Scope, span: Span) -> Val:
        owner = scope.names.get("self")
        if isinstance(owner, Instance) and owner.class_ is not None:
            for base in owner.class_.bases:
                if isinstance(base, Class):
                    return Instance(base, owner.attributes, owner.open)
        return Opaque("`super()` is a library's class", span)

    def copied(self, value: Val, arguments: Arguments, span: Span) -> Val:
        """copy.deepcopy: another object with the same content."""
        if isinstance(value, ListVal):
            return ListVal(
                [self.copied(item, arguments, span) for item in value.items], value.span, value.kind, value.open
            )
        if isinstance(value, DictVal):
            items = {key: self.copied(item, arguments, span) for key, item in value.items.items()}
            return DictVal(items, value.span, value.open)
        if isinstance(value, Instance):
            return Instance(value.class_, dict(value.attributes), value.open)
        if isinstance(value, Object):
            found = self.library.method(self, value, ("__deepcopy__",), arguments, span)
            return found if found is not None else value
        return value

    def _dataclass_tool(self, name: str, arguments: Arguments, span: Span) -> Val:
        subject = arguments.positional[0]
        if not isinstance(subject, Instance):
            return Opaque("it is not a dataclass that is known", span)
        if name.endswith("asdict"):
            return DictVal(dict(subject.attributes), span, subject.open)
        return Instance(subject.class_, {**subject.attributes, **arguments.keywords}, subject.open)

    def _field(self, arguments: Arguments, span: Span) -> Val:
        default = arguments.get("default", 0)
        if default is not None and not (isinstance(default, Const) and default.value is ...):
            return default
        factory = arguments.get("default_factory")
        if factory is not None:
            if isinstance(factory, External) and factory.name in ("builtins.list", "builtins.dict"):
                return ListVal([], span) if factory.name.endswith("list") else DictVal({}, span)
            return self.call(factory, NO_ARGUMENTS, span)
        return Opaque("the field has no default", span)

    def _partial(self, arguments: Arguments) -> Val:
        function, *bound = arguments.positional

        def call(given: Arguments, span: Span) -> Val:
            merged = Arguments(
                [*bound, *given.positional],
                {**arguments.keywords, **given.keywords},
                {**arguments.nodes, **given.nodes},
                arguments.open or given.open,
            )
            return self.call(function, merged, span)

        return Native("functools.partial", call)

    def _call_member(self, member: Member, arguments: Arguments, span: Span) -> Val:
        owner, name = member.owner, member.name
        if isinstance(owner, Const):
            if isinstance(owner.value, str) and name in operations.TEXT_METHODS:
                return operations.text_method(owner, name, arguments, span)
        elif isinstance(owner, ListVal):
            return list_method(self.journal, owner, name, arguments, span, vague=bool(self.vague_loops))
        elif isinstance(owner, DictVal):
            return dict_method(self.journal, owner, name, arguments, span, vague=bool(self.vague_loops))
        elif isinstance(owner, Space):
            return Opaque("it is a method of a searched value", span)
        else:
            root, path = member.path()
            if isinstance(root, Object):
                found = self.library.method(self, root, path, arguments, span)
                if found is not None:
                    return found
                self.library.escape(self, path[-1], arguments, span)
                return Object(f"{root.callee}().{'.'.join(path)}", arguments, span)
        return Opaque(f"`.{name}(…)` is not followed", span)

    def call_function(self, function: Function, arguments: Arguments, span: Span, entry: bool = False) -> Val:
        """Calls a function of the program. With `entry` nothing is known of the caller: defaults may be overridden."""
        node = function.node
        self.called.add(id(node))
        if len(self.frames) > MAX_DEPTH or sum(frame.node is node for frame in self.frames) > 1:
            return Opaque("the calls are nested too deeply", span)
        if not entry and not self._worth_following(function):
            self.library.escape(self, function.name, arguments, span)
            return Opaque(f"`{function.name}(…)` is not followed", span)
        scope = Scope(function.scope.module, function.scope)
        self._bind_parameters(function, arguments, scope, span, entry)
        if isinstance(node, ast.Lambda):
            return self.evaluate(node.body, scope)
        frame = Frame(node)
        self.frames.append(frame)
        self.trail.append(Step("call", span, 0))
        try:
            self.block(node.body, scope)
        finally:
            self.trail.pop()
            self.frames.pop()
        if not frame.returns:
            return Const(None, span, "derived")
        returns = frame.returns
        if len(returns) > 1:
            # `if …: return None` is the way out, the rest is the result.
            returns = [value for value in returns if not (isinstance(value, Const) and value.value is None)] or returns
        return self.join(returns)

    def _bind_parameters(self, function: Function, arguments: Arguments, scope: Scope, span: Span, entry: bool) -> None:
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
        options = self.library_defaults(function) if entry or not arguments.positional else {}
        for name in names:
            if name in names_space:
                continue
            default = options.get(name, function.defaults.get(name))
            if default is None or arguments.open:
                names_space[name] = Opaque(f"the parameter `{name}` of `{function.name}` is given by the caller", span)
            elif entry or name in options:
                names_space[name] = as_cli_default(default)
            else:
                names_space[name] = default

    def library_defaults(self, function: Function) -> dict[str, Val]:
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

    def instance(self, class_: Class, open_: bool) -> Instance:
        """An object of a class whose arguments are not known: field defaults may have been overridden."""
        instance = Instance(class_, {}, open_)
        for name in class_.fields:
            value = class_.lookup(name)
            if value is not None and not isinstance(value, Function):
                instance.attributes[name] = as_cli_default(value)
        init = class_.lookup("__init__")
        if isinstance(init, Function):
            self.called.add(id(init.node))
            bound = Function(init.node, init.scope, init.defaults, (), instance)
            self.call_function(bound, NO_ARGUMENTS, self.span(init.node, init.scope), entry=True)
        return instance

    def instantiate(self, class_: Class, arguments: Arguments, span: Span) -> Val:
        """Class(*arguments)"""
        init = class_.lookup("__init__")
        for base in class_.external_bases():
            if not base.name.startswith(("builtins.", "typing.", "pydantic.", "abc.", "enum.", "torch.nn.")):
                # A subclass of a library's class is that class, as far as settings are concerned.
                known = self._library_instance(class_, base, arguments, span)
                if known is not None:
                    return known
        if any(_name(base).endswith("Enum") for base in class_.bases):
            return Opaque("the member is not known", span)
        instance = Instance(class_, {}, arguments.open)
        if isinstance(init, Function):
            bound = Function(init.node, init.scope, init.defaults, (), instance)
            self.call_function(bound, arguments, span)
            return instance
        for name in class_.fields:
            value = class_.lookup(name)
            if value is not None:
                instance.attributes[name] = self.copied(value, arguments, span)
        for name, given in zip(class_.fields, arguments.positional, strict=False):
            instance.attributes[name] = given
        instance.attributes.update(arguments.keywords)
        after = class_.lookup("__post_init__")
        if isinstance(after, Function):
            self.call_function(Function(after.node, after.scope, after.defaults, (), instance), NO_ARGUMENTS, span)
        return instance

    def _library_instance(self, class_: Class, base: External, arguments: Arguments, span: Span) -> Val | None:
        defaults = {name: value for name in class_.fields if (value := class_.lookup(name)) is not None}
        merged = Arguments(arguments.positional, {**defaults, **arguments.keywords}, arguments.nodes, arguments.open)
        found = self.library.call(self, base.name, merged, span)
        if isinstance(found, Object):
            for name, value in merged.keywords.items():
                found.attributes.setdefault(name, value)
            for name, value in class_.attributes.items():
                if isinstance(value, Function) and name not in ("__init__", "compute_loss", "training_step", "train"):
                    found.attributes.setdefault(name, Function(value.node, value.scope, value.defaults, (), found))
        return found


def as_cli_default(value: Val) -> Val:
    """The same value, marked as one that a caller or a command line may override."""
    if isinstance(value, Const):
        return Const(value.value, value.span, "cli-default")
    if isinstance(value, ListVal):
        return ListVal([as_cli_default(item) for item in value.items], value.span, value.kind, value.open)
    return value


def _name(value: Val) -> str:
    if isinstance(value, External):
        return value.name
    if isinstance(value, Object):
        return value.callee
    if isinstance(value, Class):
        return value.node.name
    return ""


def _hashable(key: Any) -> bool:
    return isinstance(key, str | int | float | bool | type(None))


_DATA_CLASSES = frozenset({"dataclass", "NamedTuple", "BaseModel", "BaseSettings", "define", "frozen", "attrs", "s"})
_ITERATING = frozenset({"list", "tuple", "iter", "next", "reversed", "enumerate", "set"})
_SILENT = frozenset({"print", "display", "breakpoint", "assert_", "help"})
_SILENT_OWNERS = frozenset({"logger", "logging", "warnings", "plt", "console", "st", "log", "tqdm", "time", "gc"})
_WORD = re.compile(rb"\w+")
_RELEVANT = re.compile(
    rb"(?i)lora|peft|adapter|from_pretrained|requires_grad|load_dataset|trainer|freeze|add_argument|argparse|rank|alpha|"
    rb"target_modules|finetun|fine_tun|tuner|train\("
)
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
_STATEMENTS: dict[type[ast.stmt], Callable[..., Any]] = {
    ast.Expr: Machine._expression,
    ast.Assign: Machine._assign,
    ast.AnnAssign: Machine._annotated,
    ast.AugAssign: Machine._augmented,
    ast.If: Machine._if,
    ast.For: Machine._for,
    ast.AsyncFor: Machine._for,
    ast.While: Machine._while,
    ast.With: Machine._with,
    ast.AsyncWith: Machine._with,
    ast.Try: Machine._try,
    ast.Match: Machine._match,
    ast.Return: Machine._return,
    ast.Raise: Machine._leave,
    ast.Break: Machine._leave,
    ast.Continue: Machine._leave,
    ast.Global: Machine._global,
    ast.Delete: Machine._delete,
    ast.Import: Machine._import,
    ast.ImportFrom: Machine._import_from,
    ast.FunctionDef: Machine._function,
    ast.AsyncFunctionDef: Machine._function,
    ast.ClassDef: Machine._class,
}
_EXPRESSIONS: dict[type[ast.expr], Callable[..., Val]] = {
    ast.Constant: Machine._constant,
    ast.Name: Machine._lookup,
    ast.Attribute: Machine._attribute,
    ast.Subscript: Machine._subscript,
    ast.BinOp: Machine._binary,
    ast.UnaryOp: Machine._unary,
    ast.Compare: Machine._compare,
    ast.BoolOp: Machine._boolean,
    ast.IfExp: Machine._conditional,
    ast.List: Machine._list,
    ast.Tuple: Machine._list,
    ast.Set: Machine._list,
    ast.Dict: Machine._dict,
    ast.ListComp: Machine._comprehension,
    ast.SetComp: Machine._comprehension,
    ast.GeneratorExp: Machine._comprehension,
    ast.DictComp: Machine._dict_comprehension,
    ast.JoinedStr: Machine._text,
    ast.Lambda: Machine._lambda,
    ast.NamedExpr: Machine._named,
    ast.Await: Machine._await,
    ast.Call: Machine._call,
}
