"""Whether the structure of a Python program may be changed, by what libcst knows of its scopes.

A keyword is added only to a call that surely takes it, an import only where its name means nothing else, and a
statement moves only past what surely leaves its values alone. libcst takes longer to import than a small lint: this
module is imported for such a fix alone.
"""

from __future__ import annotations

import ast
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import libcst as cst
from libcst import metadata

from lora_lint.knowledge import signatures
from lora_lint.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lora_lint.source import SourceFile, Span

DEEPEST = 150
"""Levels of a syntax tree that libcst is given; it overruns the stack from some hundreds on (1.8.6)."""
_FRAMEWORKS = frozenset({"peft", "trl", "transformers", "unsloth", "xtuner", "swift", "diffusers"})
_METHODS = frozenset({"load_adapter", "add_adapter"})
"""Methods of models that lora-lint follows by name."""
_MOST_POSITIONAL = 3
"""Arguments in front of `is_trainable` (PEFT 0.21.2, PeftModel.from_pretrained)."""
_READING = frozenset({"print_trainable_parameters", "print", "len", "isinstance", "type"})
"""What changes nothing of the objects that it is given."""


def of_program(source: SourceFile, tree: ast.Module) -> Scopes | None:
    """The scopes of a program; None where libcst cannot take it."""
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

    def takes(self, span: Span, key: str) -> bool:
        """Whether the call at a place surely takes a keyword that it is not given, and nothing writes it afterwards."""
        call = self._call(span)
        if call is None or any(arg.star and not _is_without(arg, key) for arg in call.args):
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

    def is_from(self, span: Span, package: str, function: str) -> bool:
        """Whether the call at a place is one of a package, and `function` means the package's there or nothing."""
        call = self._call(span)
        if call is None or not self._all_from(self._qualified(call.func), package):
            return False
        bound = self.scopes[call].get_qualified_names_for(function) if call in self.scopes else ()
        free = {metadata.QualifiedNameSource.BUILTIN}
        return not bound or {name.source for name in bound} <= free or self._all_from(bound, package)

    def undisturbed(self, span: Span, other: Span) -> bool:
        """Whether a statement may change places with all between it and another of the same block: nothing there
        writes to its objects, calls their methods or hands them on."""
        what, end = self._statement(span), self._statement(other)
        block: Sequence[cst.CSTNode] = getattr(self.parents.get(what), "body", ()) if what is not None else ()
        if what is None or end is None or what not in block or end not in block:
            return False
        first, last = sorted((block.index(what), block.index(end)))
        own = {node.value for node in _walk(what) if isinstance(node, cst.Name)}
        loop = isinstance(end, (cst.For, cst.While))
        return not any(self._touches(node, own) for node in block[first + 1 : last + loop] if node is not what)

    def _touches(self, statement: cst.CSTNode, own: set[str]) -> bool:
        for node in _walk(statement):
            if isinstance(node, (cst.AssignTarget, cst.AugAssign, cst.AnnAssign)):
                target = node.target
                if isinstance(target, (cst.Attribute, cst.Subscript)) and _root(target) in own:
                    return True
            elif isinstance(node, cst.Call) and _called(node) not in _READING:
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
        """Whether an attribute of that name is written anywhere."""
        for node in self._nodes:
            if isinstance(node, (cst.AssignTarget, cst.AugAssign, cst.AnnAssign)):
                if isinstance(node.target, cst.Attribute) and node.target.attr.value == key:
                    return True
            elif isinstance(node, cst.Call) and _called(node) == "setattr":
                return True
        return False

    def _call(self, span: Span) -> cst.Call | None:
        found = (node for node in self._nodes if isinstance(node, cst.Call) and self._at(node) == span[1:])
        return next(found, None)

    def _statement(self, span: Span) -> cst.CSTNode | None:
        """The innermost statement around a place."""
        found: cst.CSTNode | None = None
        for node in self._nodes:
            if isinstance(node, (cst.SimpleStatementLine, cst.BaseCompoundStatement)):
                start, end = self._at(node)
                if start <= span.start and span.end <= end:
                    found = node
        return found

    def _at(self, node: cst.CSTNode) -> tuple[int, int]:
        place = self.places[node]
        return place.start, place.start + place.length


def _walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A node and all below it, from outer to inner."""
    todo = [node]
    while todo:
        each = todo.pop()
        yield each
        todo += reversed(each.children)


def _root(node: cst.CSTNode) -> str:
    """The name that an attribute or an element is one of."""
    while isinstance(node, (cst.Attribute, cst.Subscript)):
        node = node.value
    return node.value if isinstance(node, cst.Name) else ""


def _called(call: cst.Call) -> str:
    func = call.func
    return func.attr.value if isinstance(func, cst.Attribute) else _root(func)


def _is_without(arg: cst.Arg, key: str) -> bool:
    """Whether an argument with stars surely holds no such keyword: a dictionary of texts that is written there."""
    if arg.star != "**" or not isinstance(arg.value, cst.Dict):
        return False
    keys = [each.key if isinstance(each, cst.DictElement) else None for each in arg.value.elements]
    return all(isinstance(each, cst.SimpleString) and each.evaluated_value != key for each in keys)


def _has(name: str, key: str, positional: int) -> bool:
    """Whether a framework's class or function takes a keyword, and no positional argument is in its place."""
    known = signatures.keywords(name)
    if known:
        return key in known and (positional == 0 or name.endswith("get_peft_model"))
    return not signatures.signature(name) and positional <= _MOST_POSITIONAL


def _parameters(function: cst.FunctionDef) -> tuple[str, ...]:
    """The parameters that a keyword can give, in order."""
    given = function.params
    return tuple(each.name.value for each in (*given.params, *given.kwonly_params))
