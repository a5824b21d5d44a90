"""Whether the structure of a Python program may be changed, according to libcst's knowledge of its scopes.

A keyword is added only to a call that certainly takes it, an import only where its name means nothing else, and a
statement moves only past code that certainly leaves its values alone. libcst takes longer to import than a small lint:
this module is imported only for such a fix.
"""

from __future__ import annotations

import ast
from functools import cached_property, lru_cache

import libcst as cst
from libcst import metadata

from lora_lint.knowledge import signatures
from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from typing import Any, TypeAlias

    from lora_lint.source import SourceFile, Span

    Statement: TypeAlias = cst.SimpleStatementLine | cst.BaseCompoundStatement
    Block: TypeAlias = cst.Module | cst.IndentedBlock

DEEPEST = 150
"""The most levels of a syntax tree that libcst receives; a few hundred overflow the stack (1.8.6)."""
_FRAMEWORKS = frozenset({"peft", "trl", "transformers", "unsloth", "xtuner", "swift", "diffusers"})
_METHODS = frozenset({"load_adapter", "add_adapter"})
"""Methods of models that lora-lint follows by name."""
_MOST_POSITIONAL = 3
"""The arguments before `is_trainable` (PEFT 0.21.2, PeftModel.from_pretrained)."""
_READING = frozenset({"print_trainable_parameters", "print", "len", "isinstance", "type"})
"""Calls that change nothing about their arguments."""


def of_program(source: SourceFile, tree: ast.Module) -> Scopes | None:
    """The scopes of a program; None if libcst cannot handle it."""
    return _scopes(source) if _depth(tree) <= DEEPEST else None


@lru_cache(maxsize=1)
def _scopes(source: SourceFile) -> Scopes | None:
    try:
        wrapper = metadata.MetadataWrapper(cst.parse_module(source.text), unsafe_skip_copy=True)
        return Scopes(
            source.path,
            wrapper.module,
            wrapper.resolve(metadata.ByteSpanPositionProvider),
            wrapper.resolve(metadata.QualifiedNameProvider),
            wrapper.resolve(metadata.ScopeProvider),
            wrapper.resolve(metadata.ParentNodeProvider),
        )
    except (cst.CSTValidationError, cst.ParserSyntaxError, RecursionError, KeyError):
        return None


def _depth(tree: ast.AST) -> int:
    deepest, todo = 0, [(tree, 1)]
    while todo and deepest <= DEEPEST:
        node, depth = todo.pop()
        deepest = max(deepest, depth)
        todo += [(child, depth + 1) for child in ast.iter_child_nodes(node)]
    return deepest


@dataclass(frozen=True)
class Scopes:
    """A program's tree, with the place, the qualified names, the scope and the parent of its nodes."""

    path: str
    module: cst.Module
    places: Mapping[cst.CSTNode, Any]
    names: Mapping[cst.CSTNode, Any]
    scopes: Mapping[cst.CSTNode, Any]
    parents: Mapping[cst.CSTNode, Any]

    @cached_property
    def _nodes(self) -> tuple[cst.CSTNode, ...]:
        return tuple(_walk(self.module))

    def takes(self, call: cst.Call, key: str) -> bool:
        """Whether a call certainly takes a keyword that it does not have, and nothing sets it afterwards."""
        if any(arg.star and not _is_without(arg, key) for arg in call.args):
            return False
        if not _root(call.func) or self._sets_attribute(key):
            return False
        positional = sum(arg.keyword is None and not arg.star for arg in call.args)
        callees = self._qualified(call.func)
        if not callees:
            return self._star_import() and isinstance(call.func, cst.Name) and _has(call.func.value, key, positional)
        return all(self._callee_takes(call, callee, key, positional) for callee in callees)

    def _callee_takes(self, call: cst.Call, callee: Any, key: str, positional: int) -> bool:
        if callee.source is metadata.QualifiedNameSource.IMPORT:
            root, _, _ = callee.name.partition(".")
            return root in _FRAMEWORKS and _has(callee.name, key, positional)
        functions = [
            node
            for node in self._nodes
            if isinstance(node, cst.FunctionDef) and node.name.value == callee.name.rpartition(".")[2]
        ]
        if isinstance(call.func, cst.Name):
            return len(functions) == 1 and key in _parameters(functions[0])[positional:]
        method = isinstance(call.func, cst.Attribute) and call.func.attr.value in _METHODS
        return method and not functions and positional <= _MOST_POSITIONAL

    def is_from(self, call: cst.Call, package: str, function: str) -> bool:
        """Whether a call belongs to a package, and `function` refers to the package's function there or to nothing."""
        if not self._all_from(self._qualified(call.func), package):
            return False
        bound = self._bound(call, function)
        free = {metadata.QualifiedNameSource.BUILTIN}
        return not bound or {name.source for name in bound} <= free or self._all_from(bound, package)

    def knows(self, call: cst.Call, function: str) -> bool:
        """Whether a name means something where a call is."""
        return bool(self._bound(call, function))

    def _bound(self, node: cst.CSTNode, name: str) -> Collection[Any]:
        scope = self.scopes.get(node)
        return scope.get_qualified_names_for(name) if scope is not None else ()

    def imported(self, call: cst.Call) -> tuple[cst.ImportFrom, cst.ImportAlias] | None:
        """The import that gives a call its function by name; None unless there is exactly one."""
        name, scope = _root(call.func), self.scopes.get(call)
        lines = [assignment.node for assignment in scope[name]] if scope is not None else []
        line = lines[0] if len(lines) == 1 else None
        if not isinstance(line, cst.ImportFrom) or isinstance(line.names, cst.ImportStar):
            return None
        return next(
            ((line, alias) for alias in line.names if name in (alias.evaluated_alias, alias.evaluated_name)), None
        )

    def statement(self, span: Span) -> Statement | None:
        """The innermost statement around a place; None if it shares a line with a colon."""
        found: Statement | cst.SimpleStatementSuite | None = None
        for node in self._nodes:
            if isinstance(node, (cst.SimpleStatementLine, cst.BaseCompoundStatement, cst.SimpleStatementSuite)):
                start, end = self._at(node)
                if start <= span.start and span.end <= end:
                    found = node
        return None if isinstance(found, cst.SimpleStatementSuite) else found

    def loop(self, span: Span) -> cst.For | cst.While | None:
        """The loop that starts at a place."""
        loops = (node for node in self._nodes if isinstance(node, (cst.For, cst.While)))
        return next((loop for loop in loops if self._at(loop)[0] == span.start), None)

    def block_of(self, statement: Statement) -> Block | None:
        """The statements that one is among."""
        block = self.parents.get(statement)
        return block if isinstance(block, (cst.Module, cst.IndentedBlock)) else None

    def undisturbed(self, block: Block, what: Statement, end: Statement) -> bool:
        """Whether a statement may move past everything between it and another one in its block: nothing there writes to
        its objects, calls their methods or passes them on."""
        if end not in block.body:
            return False
        first, last = sorted((block.body.index(what), block.body.index(end)))
        own = {node.value for node in _walk(what) if isinstance(node, cst.Name)}
        loop = isinstance(end, (cst.For, cst.While))
        return not any(self._touches(node, own) for node in block.body[first + 1 : last + loop] if node is not what)

    def goes_up(self, block: Block, what: Statement, before: Statement) -> bool:
        """Whether everything that a statement reads already exists, unchanged, before another statement of its
        block."""
        between = block.body[block.body.index(before) : block.body.index(what)]
        read = self._read(what)
        later = self._set(*between[1:])
        return later.isdisjoint(read | self._set(what)) and read & self._set(before) <= self._read(before)

    def used_within(self, what: Statement, loop: cst.For | cst.While) -> bool:
        """Whether a statement assigns one name a value that is used only in a loop's body and stays the same there,
        along with everything that it is made of."""
        line = what.body[0] if isinstance(what, cst.SimpleStatementLine) else None
        target = line.targets[0].target if isinstance(line, cst.Assign) and len(line.targets) == 1 else None
        if not isinstance(target, cst.Name) or self._at(what) > self._at(loop):
            return False
        assignments = self.scopes[target].assignments[target.value]
        used = [access.node for assignment in assignments for access in assignment.references]
        if len(assignments) > 1 or not all(self._within(node, loop.body) for node in used):
            return False
        made_of, after, end = self._read(what), self._at(what)[1], self._at(loop)[1]
        return not any(name in made_of and after <= self._at(node)[0] < end for name, node in self._assignments)

    @cached_property
    def _every_scope(self) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(scope for scope in self.scopes.values() if scope is not None))

    @cached_property
    def _assignments(self) -> tuple[tuple[str, cst.CSTNode], ...]:
        """Each name that is assigned, and where."""
        every = (assignment for scope in self._every_scope for assignment in scope.assignments)
        return tuple((each.name, each.node) for each in every if hasattr(each, "node"))

    @cached_property
    def _accesses(self) -> tuple[tuple[str, cst.CSTNode], ...]:
        """Each name that is read, and where."""
        every = (access.node for scope in self._every_scope for access in scope.accesses)
        return tuple((_root(node), node) for node in every)

    def _set(self, *statements: cst.CSTNode) -> set[str]:
        return {name for name, node in self._assignments if any(self._within(node, each) for each in statements)}

    def _read(self, *statements: cst.CSTNode) -> set[str]:
        return {name for name, node in self._accesses if any(self._within(node, each) for each in statements)}

    def _within(self, node: cst.CSTNode, outer: cst.CSTNode) -> bool:
        (start, end), (first, last) = self._at(node), self._at(outer)
        return first <= start and end <= last

    def _touches(self, statement: cst.CSTNode, own: set[str]) -> bool:
        for node in _walk(statement):
            if isinstance(node, (cst.AssignTarget, cst.AugAssign, cst.AnnAssign)):
                target = node.target
                if isinstance(target, (cst.Attribute, cst.Subscript)) and _root(target) in own:
                    return True
            elif isinstance(node, cst.Call) and _name_of_callee(node) not in _READING:
                given = [node.func, *(arg.value for arg in node.args)]
                if isinstance(statement, cst.SimpleStatementLine) and any(_root(each) in own for each in given):
                    return True
        return False

    def _qualified(self, node: cst.CSTNode) -> set[Any]:
        found = self.names.get(node, ())
        return set(found() if callable(found) else found)

    def _all_from(self, names: Iterable[Any], package: str) -> bool:
        every = list(names)
        source = metadata.QualifiedNameSource.IMPORT
        return bool(every) and all(name.source is source and name.name.partition(".")[0] == package for name in every)

    def _star_import(self) -> bool:
        """Whether all names of a framework are imported."""
        return any(
            isinstance(node, cst.ImportFrom)
            and isinstance(node.names, cst.ImportStar)
            and node.module is not None
            and _root(node.module) in _FRAMEWORKS
            for node in self._nodes
        )

    def _sets_attribute(self, key: str) -> bool:
        """Whether an attribute of that name is assigned anywhere."""
        for node in self._nodes:
            if isinstance(node, (cst.AssignTarget, cst.AugAssign, cst.AnnAssign)):
                if isinstance(node.target, cst.Attribute) and node.target.attr.value == key:
                    return True
            elif isinstance(node, cst.Call) and _name_of_callee(node) == "setattr":
                return True
        return False

    def call(self, span: Span) -> cst.Call | None:
        """The call at a place."""
        found = (node for node in self._nodes if isinstance(node, cst.Call) and self._at(node) == span[1:])
        return next(found, None)

    def _at(self, node: cst.CSTNode) -> tuple[int, int]:
        place = self.places[node]
        return place.start, place.start + place.length


def _walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A node and everything below it, from outer to inner."""
    todo = [node]
    while todo:
        each = todo.pop()
        yield each
        todo += reversed(each.children)


def _root(node: cst.CSTNode) -> str:
    """The name whose attribute or element this is."""
    while isinstance(node, (cst.Attribute, cst.Subscript)):
        node = node.value
    return node.value if isinstance(node, cst.Name) else ""


def _name_of_callee(call: cst.Call) -> str:
    func = call.func
    return func.attr.value if isinstance(func, cst.Attribute) else _root(func)


def _is_without(arg: cst.Arg, key: str) -> bool:
    """Whether an argument with stars certainly contains no such keyword: a literal dictionary with string keys."""
    if arg.star != "**" or not isinstance(arg.value, cst.Dict):
        return False
    keys = [each.key if isinstance(each, cst.DictElement) else None for each in arg.value.elements]
    return all(isinstance(each, cst.SimpleString) and each.evaluated_value != key for each in keys)


def _has(name: str, key: str, positional: int) -> bool:
    """Whether a framework's class or function takes a keyword, and no positional argument occupies it."""
    known = signatures.keywords(name)
    if known:
        return key in known and (positional == 0 or name.endswith("get_peft_model"))
    return not signatures.signature(name) and positional <= _MOST_POSITIONAL


def _parameters(function: cst.FunctionDef) -> tuple[str, ...]:
    """The parameters that a keyword can give, in order."""
    given = function.params
    return tuple(each.name.value for each in (*given.params, *given.kwonly_params))
