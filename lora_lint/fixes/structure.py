"""Changes to the structure of a Python program: an additional argument, an import, a moved statement.

libcst confirms that such a change certainly does what it is meant to (`scopes`), and writes the program again with the
changed nodes; what they leave unchanged is not part of the edit. It is imported only for these changes.
"""

from __future__ import annotations

import libcst as cst

from lora_lint.finding import Bind, Follow, Into, Move, Through, Unfold
from lora_lint.fixes import scopes
from lora_lint.fixes.edits import Edit, shared_ends
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    from lora_lint.finding import Change
    from lora_lint.fixes.scopes import Block, Scopes, Statement
    from lora_lint.source import SourceFile

    New: TypeAlias = Mapping[cst.CSTNode, cst.CSTNode | cst.FlattenSentinel[cst.CSTNode]]

_NONE, _SPACE = cst.SimpleWhitespace(""), cst.SimpleWhitespace(" ")
_TIGHT = cst.AssignEqual(_NONE, _NONE)
_LOOSE = (
    cst.BooleanOperation,
    cst.Comparison,
    cst.GeneratorExp,
    cst.IfExp,
    cst.Lambda,
    cst.NamedExpr,
    cst.UnaryOperation,
)
"""Expressions that need brackets as an item of a list, or when unpacked into one."""


def of_program(source: SourceFile, tree: ast.Module) -> Structure | None:
    """The structure of a program; None if libcst cannot handle it."""
    found = scopes.of_program(source, tree)
    return Structure(source, found) if found is not None else None


class Structure:
    """A program whose structure may change."""

    def __init__(self, source: SourceFile, found: Scopes) -> None:
        self._source = source
        self._scopes = found

    def edits(self, change: Change) -> tuple[Edit, ...]:
        """The edits for a change; none if it cannot be made."""
        made = _CHANGES.get(type(change))
        return made(self, change) if made is not None else ()

    def argument(self, span: Span, key: str, value: str) -> tuple[Edit, ...]:
        """The call at `span` gets a keyword, with its value as it is to be written."""
        call = self._scopes.call(span)
        if call is None or not self._scopes.takes(call, key):
            return ()
        try:
            new = cst.Arg(cst.parse_expression(value), keyword=cst.Name(key), equal=_TIGHT)
        except cst.ParserSyntaxError:  # over several lines
            return ()
        return (self._edit({call: call.with_changes(args=_with_argument(call, new))}),)

    def through(self, change: Through) -> tuple[Edit, ...]:
        """The model that a PEFT call puts the adapter on is first passed through a PEFT function."""
        call = self._scopes.call(change.span)
        given = None if call is None else _model_of(call)
        if call is None or given is None or not self._scopes.is_from(call, "peft", change.function):
            return ()
        name = cst.Name(change.function)
        func = call.func.with_changes(attr=name) if isinstance(call.func, cst.Attribute) else name
        wrapped = self._edit({given.value: cst.Call(func, [cst.Arg(given.value)])})
        if func is not name or self._scopes.knows(call, change.function):
            return (wrapped,)
        found = self._scopes.imported(call)
        if found is None:
            return ()
        line, alias = found
        return (self._edit({line: line.with_changes(names=_with_name(line, alias, name))}), wrapped)

    def follow(self, change: Follow) -> tuple[Edit, ...]:
        """`model.add_adapter("task", config)` is followed by `model.set_adapter("task")`."""
        found = self._method_statement(change.span)
        if found is None:
            return ()
        line, call, func = found
        given = [cst.Arg(cst.SimpleString(f'"{change.argument}"'))]
        next_call = call.with_changes(
            func=func.with_changes(attr=cst.Name(change.method)), args=given, whitespace_before_args=_NONE
        )
        behind = cst.SimpleStatementLine([cst.Expr(next_call)])
        return (self._edit({line: cst.FlattenSentinel([line, behind])}),)

    def bind(self, change: Bind) -> tuple[Edit, ...]:
        """`model.merge_and_unload()` becomes `model = model.merge_and_unload()`."""
        found = self._method_statement(change.span)
        if found is None:
            return ()
        line, call, func = found
        assert isinstance(func.value, cst.Name | cst.Attribute)
        bound = cst.Assign([cst.AssignTarget(func.value)], call)
        return (self._edit({line: line.with_changes(body=[bound])}),)

    def _method_statement(self, span: Span) -> tuple[cst.SimpleStatementLine, cst.Call, cst.Attribute] | None:
        """The line that consists only of a method call on a name, or on an attribute of one."""
        call, line = self._scopes.call(span), self._scopes.statement(span)
        if call is None or not isinstance(line, cst.SimpleStatementLine) or _has_several(line):
            return None
        [only] = line.body
        func = call.func
        if not isinstance(only, cst.Expr) or only.value is not call or not isinstance(func, cst.Attribute):
            return None
        return (line, call, func) if isinstance(func.value, cst.Name | cst.Attribute) else None

    def unfold(self, change: Unfold) -> tuple[Edit, ...]:
        """`names.append(item)` becomes `[*names, item]`, and `names.extend(more)` `[*names, *more]`."""
        call = self._scopes.call(change.span)
        if call is None or not isinstance(call.func, cst.Attribute) or call.func.lpar or len(call.args) != 1:
            return ()
        (item,), dot = call.args, call.func.dot
        kind = {"append": cst.Element, "extend": cst.StarredElement}.get(call.func.attr.value)
        if (
            kind is None
            or item.keyword
            or item.star
            or not (dot.whitespace_before.empty and dot.whitespace_after.empty)
        ):
            return ()
        opened = call.whitespace_before_args
        names = cst.StarredElement(
            call.func.value, comma=cst.Comma(whitespace_after=_SPACE if opened.empty else opened)
        )
        value = item.value
        if isinstance(value, _LOOSE) and not value.lpar:
            value = value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        closed = cst.RightSquareBracket(item.whitespace_after_arg)
        elements = [names, kind(value, comma=item.comma)]
        return (self._edit({call: cst.List(elements, rbracket=closed, lpar=call.lpar, rpar=call.rpar)}),)

    def move(self, change: Move) -> tuple[Edit, ...]:
        """The statement around a place moves in front of another one in its block."""
        what, before = self._scopes.statement(change.span), self._scopes.statement(change.before)
        block = self._scopes.block_of(what) if what is not None else None
        if what is None or before is None or block is None or not self._scopes.undisturbed(block, what, before):
            return ()
        if block.body.index(before) < block.body.index(what) and not self._scopes.goes_up(block, what, before):
            return ()
        return self._moved(block, what, before)

    def into(self, change: Into) -> tuple[Edit, ...]:
        """The statement around a place becomes the first in a loop's body."""
        what, loop = self._scopes.statement(change.span), self._scopes.loop(change.loop)
        block = self._scopes.block_of(what) if what is not None else None
        if what is None or loop is None or block is None or not isinstance(loop.body, cst.IndentedBlock):
            return ()
        if not self._scopes.undisturbed(block, what, loop) or not self._scopes.used_within(what, loop):
            return ()
        return self._moved(block, what, loop.body.body[0])

    def _moved(self, block: Block, what: Statement, before: cst.BaseStatement) -> tuple[Edit, ...]:
        """A statement on separate lines in front of another one, and removed from its block; comments above it stay."""
        if (
            not isinstance(what, cst.SimpleStatementLine)
            or _has_several(what)
            or _has_several(before)
            or what is before
        ):
            return ()
        there = [what.with_changes(leading_lines=_above(before)), before.with_changes(leading_lines=())]
        number = block.body.index(what)
        above, below = block.body[:number], list(block.body[number + 1 :])
        footer = block.footer
        if below:
            below[0] = below[0].with_changes(leading_lines=(*_above(what), *_above(below[0])))
        else:
            footer = (*_above(what), *footer)
        left = block.with_changes(body=(*above, *below), footer=footer)
        return (self._edit({before: cst.FlattenSentinel(there)}), self._edit({block: left}))

    def _edit(self, new: New) -> Edit:
        """The edit that replaces nodes of the program."""
        module = self._scopes.module
        changed = module.visit(_Replacing(new))
        assert isinstance(changed, cst.Module)
        return _difference(self._source, module.code, changed.code)


_CHANGES: dict[type[Change], Callable[[Structure, Any], tuple[Edit, ...]]] = {
    Bind: Structure.bind,
    Follow: Structure.follow,
    Into: Structure.into,
    Move: Structure.move,
    Through: Structure.through,
    Unfold: Structure.unfold,
}


def _has_several(statement: cst.BaseStatement) -> bool:
    """Whether the line has more statements."""
    return isinstance(statement, cst.SimpleStatementLine) and len(statement.body) > 1


def _above(statement: cst.BaseStatement) -> Sequence[cst.EmptyLine]:
    """The comments and empty lines above a statement."""
    assert isinstance(statement, (cst.SimpleStatementLine, cst.BaseCompoundStatement))
    return statement.leading_lines


class _Replacing(cst.CSTTransformer):
    """Replaces nodes with others."""

    def __init__(self, new: New) -> None:
        super().__init__()
        self._new = new

    def on_visit(self, node: cst.CSTNode) -> bool:
        return node not in self._new

    def on_leave(self, original_node: cst.CSTNodeT, updated_node: cst.CSTNodeT) -> Any:
        return self._new.get(original_node, updated_node)


def _difference(source: SourceFile, old: str, new: str) -> Edit:
    """The lines that differ, or the part of them that does."""
    lines, now = old.splitlines(keepends=True), new.splitlines(keepends=True)
    first, last = shared_ends(lines, now)
    gone, come = "".join(lines[first : len(lines) - last]), "".join(now[first : len(now) - last])
    head, tail = shared_ends(gone, come)
    start = len(("".join(lines[:first]) + gone[:head]).encode())
    end = start + len(gone[head : len(gone) - tail].encode())
    text = come[head : len(come) - tail].replace("\r\n", "\n")
    if not text:
        start, end = _within_cells(source, start, end)
    return Edit(Span(source.path, start, end), text)


def _within_cells(source: SourceFile, start: int, end: int) -> tuple[int, int]:
    """Lines to remove from a notebook, without the newline that separates two cells and is written in neither."""
    cells = {source.line_starts[line] for line in source.cells}
    if start + 1 in cells:
        start += 1
    if end in cells and start < end:
        end -= 1
        start -= start not in cells
    return start, end


def _with_argument(call: cst.Call, new: cst.Arg) -> list[cst.Arg]:
    """A call's arguments with one more, in the layout of the others."""
    if not call.args:
        return [new]
    *others, last = call.args
    before = [call.whitespace_before_args, *map(_behind, others)]
    between, behind = _gaps(before, _behind(last))
    if isinstance(last.comma, cst.Comma):
        comma = last.comma.with_changes(whitespace_after=behind)
        return [
            *others,
            last.with_changes(comma=last.comma.with_changes(whitespace_after=between)),
            new.with_changes(comma=comma),
        ]
    last = last.with_changes(comma=cst.Comma(whitespace_after=between), whitespace_after_arg=_NONE)
    return [*others, last, new.with_changes(whitespace_after_arg=behind)]


def _with_name(line: cst.ImportFrom, alias: cst.ImportAlias, name: cst.Name) -> list[cst.ImportAlias]:
    """The names that a line imports with one more after `alias`, in the layout of the others."""
    assert not isinstance(line.names, cst.ImportStar)
    number = line.names.index(alias)
    opened = line.lpar.whitespace_after if line.lpar is not None else _NONE
    before = [
        opened,
        *(other.comma.whitespace_after for other in line.names[:number] if isinstance(other.comma, cst.Comma)),
    ]
    new = cst.ImportAlias(name)
    if isinstance(alias.comma, cst.Comma):
        between, behind = _gaps(before, alias.comma.whitespace_after)
        new = new.with_changes(comma=alias.comma.with_changes(whitespace_after=behind))
    else:
        _, closed = _gaps(before, line.rpar.whitespace_before if line.rpar is not None else _NONE)
        between, _ = _gaps(before, closed)
    alias = alias.with_changes(comma=cst.Comma(whitespace_after=between))
    return [*line.names[:number], alias, new, *line.names[number + 1 :]]


def _behind(argument: cst.Arg) -> cst.BaseParenthesizableWhitespace:
    """The text after an argument and its comma."""
    comma = argument.comma
    return comma.whitespace_after if isinstance(comma, cst.Comma) else argument.whitespace_after_arg


def _gaps(
    before: Sequence[cst.BaseParenthesizableWhitespace], behind: cst.BaseParenthesizableWhitespace
) -> tuple[cst.BaseParenthesizableWhitespace, cst.BaseParenthesizableWhitespace]:
    """The text between the last item and a new one, and after that, given the text `before` each of the others and
    `behind` the last: with one item per line, a line with the same indent. A comment stays on its line."""
    if not isinstance(behind, cst.ParenthesizedWhitespace):
        return _SPACE, behind
    like = next((gap for gap in reversed(before) if isinstance(gap, cst.ParenthesizedWhitespace)), behind)
    between = behind.with_changes(empty_lines=(), indent=like.indent, last_line=like.last_line)
    return between, behind.with_changes(first_line=cst.TrailingWhitespace(newline=behind.first_line.newline))


def _model_of(call: cst.Call) -> cst.Arg | None:
    """The argument of a wrapping call that the adapter is put on."""
    first = call.args[0] if call.args else None
    if first is not None and first.keyword is None:
        return first if not first.star else None
    return next((arg for arg in call.args if arg.keyword is not None and arg.keyword.value == "model"), None)
