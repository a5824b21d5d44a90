"""Changes in Python, scripts and notebooks alike, as edits.

Places come from `ast`, commas and comments from `tokenize`; nothing is written anew but what changes. Nothing is made
of what would lose a comment, or is not the plain code that it is taken for.
"""

from __future__ import annotations

import ast
import io
import tokenize
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Add, Drop, Into, Move, Rename, Tie, Write
from lora_lint.fixes import Edit
from lora_lint.records import dataclass
from lora_lint.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.finding import Change
    from lora_lint.source import SourceFile

_IDLE = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.ENDMARKER, tokenize.INDENT, tokenize.DEDENT)


def edits(source: SourceFile, change: Change) -> tuple[Edit, ...]:
    """The edits that make a change; none where it cannot be made."""
    from lora_lint.readers.errors import Unreadable

    try:
        program = _program(source)
        if isinstance(change, Write):
            return program.write(change.span, change.value)
        if isinstance(change, Tie):
            return program.tie(change)
        if isinstance(change, Add):
            return program.add(change)
        if isinstance(change, Drop):
            return program.drop(change)
        if isinstance(change, Rename):
            return program.rename(change)
        if isinstance(change, Into):
            return program.into(change)
        return program.move(change)
    except (Unreadable, tokenize.TokenError, SyntaxError):
        return ()


@lru_cache(maxsize=1)
def _program(source: SourceFile) -> _Program:
    """The program of a file, kept for the next finding in it. Raises Unreadable."""
    from lora_lint.readers.python import parse

    if source.kind == "notebook":
        from lora_lint.readers.notebook import without_broken_cells

        source = without_broken_cells(source)
    return _Program(source, parse(source))


def literal(value: Any, like: str = "") -> str:
    """A value as Python, with the quotes of the text that it replaces."""
    if isinstance(value, str):
        if "\\" in value and value.isprintable() and '"' not in value and not value.endswith("\\"):
            return f'r"{value}"'
        quoted = ascii(value) if not value.isprintable() else repr(value)
        single = like.lstrip("[( ").startswith("'")
        return quoted if single or '"' in value or "\\" in quoted else f'"{quoted[1:-1]}"'
    if isinstance(value, (list, tuple)):
        items = [literal(item, like) for item in value]
        inner = ", ".join(items)
        if like.startswith("("):
            return f"({inner},)" if len(items) == 1 else f"({inner})"
        return f"[{inner}]"
    if isinstance(value, dict):
        quotes = like.lstrip("{ ")
        return "{" + ", ".join(f"{literal(key, quotes)}: {literal(item, quotes)}" for key, item in value.items()) + "}"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


@dataclass(frozen=True)
class _Token:
    kind: int
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class _Program:
    source: SourceFile
    tree: ast.Module

    def place(self, node: ast.AST) -> Span:
        return Span(
            self.source.path,
            self.source.offset(node.lineno, node.col_offset),  # type: ignore[attr-defined]
            self.source.offset(node.end_lineno, node.end_col_offset),  # type: ignore[attr-defined]
        )

    def text(self, span: Span) -> str:
        return self.source.utf8[span.start : span.end].decode()

    def at(self, span: Span, kind: type[ast.AST]) -> Any:
        """The node of a kind that is written at exactly this place, or None."""
        for node in self._starting.get(span.start, ()):
            if isinstance(node, kind) and self.place(node) == span:
                return node
        return None

    @cached_property
    def _starting(self) -> dict[int, list[ast.AST]]:
        """The nodes that start at each place, in the order of `ast.walk`."""
        found: dict[int, list[ast.AST]] = {}
        offset = self.source.offset
        for node in ast.walk(self.tree):
            if hasattr(node, "lineno"):
                found.setdefault(offset(node.lineno, node.col_offset), []).append(node)  # type: ignore[attr-defined]
        return found

    def write(self, span: Span, value: Any) -> tuple[Edit, ...]:
        node = self.at(span, ast.expr)
        if node is None or not _is_literal(node):
            return ()
        old = self.text(span)
        if any(token.kind == tokenize.COMMENT for token in _tokens(old)):
            return ()
        return (Edit(span, literal(value, old)),)

    def tie(self, change: Tie) -> tuple[Edit, ...]:
        for call in ast.walk(self.tree):
            if isinstance(call, ast.Call) and any(self.place(word.value) == change.span for word in call.keywords):
                other = next((word.value for word in call.keywords if word.arg == change.other), None)
                if not isinstance(other, (ast.Name, ast.Attribute, ast.Subscript)):
                    return ()
                name = self.text(self.place(other))
                factor = literal(change.factor)
                return (Edit(change.span, name if factor == "1" else f"{factor} * {name}"),)
        return ()

    def add(self, change: Add) -> tuple[Edit, ...]:
        call = self.at(change.span, ast.Call)
        if call is None:
            return ()
        there = next((word for word in call.keywords if word.arg == change.key), None)
        if there is not None:
            return self.write(self.place(there.value), change.value)
        tokens = [*_tokens(self.text(change.span))]
        last = max(number for number, token in enumerate(tokens) if token.kind not in _IDLE)
        before = max(number for number, token in enumerate(tokens[:last]) if token.kind not in _IDLE)
        word = f"{change.key}={literal(change.value)}"
        end = tokens[before].end
        if tokens[before].text == "(":
            return (self.insert(change.span, end, word),)
        comma = "" if tokens[before].text == "," else ","
        if not any(token.kind == tokenize.NL for token in tokens[before:last]):
            return (self.insert(change.span, end, f"{comma} {word}"),)
        # One argument a line: the new one gets a line too, after a comment on the last.
        newline = next(token for token in tokens[before:last] if token.kind == tokenize.NL)
        argument = self.insert(
            change.span, newline.start, f"\n{self._indent_of_last(call)}{word}{'' if comma else ','}"
        )
        if comma and newline.start == end:
            return (Edit(argument.span, comma + argument.text),)
        return (self.insert(change.span, end, comma), argument) if comma else (argument,)

    def _indent_of_last(self, call: ast.Call) -> str:
        """What the line of the last argument starts with."""
        last: Any = max((*call.args, *call.keywords), key=lambda node: self.place(node).start)
        line = self.source.line_text(last.lineno)
        return line[: len(line) - len(line.lstrip())]

    def insert(self, within: Span, offset: int, text: str) -> Edit:
        at = within.start + offset
        return Edit(Span(self.source.path, at, at), text)

    def drop(self, change: Drop) -> tuple[Edit, ...]:
        call = self.at(change.span, ast.Call)
        word = next((word for word in call.keywords if word.arg == change.key), None) if call is not None else None
        if call is None or word is None:
            return ()
        tokens = [token for token in _tokens(self.text(change.span)) if token.kind != tokenize.ENDMARKER]
        inside = Span("", self.place(word).start - change.span.start, self.place(word).end - change.span.start)
        start, end = inside.start, inside.end
        after = [token for token in tokens if token.start >= inside.end]
        if after and after[0].text == ",":
            end = after[0].end
            after = after[1:]
        else:  # the last argument: the comma before it goes
            commas = [token for token in tokens if token.end <= inside.start and token.kind not in _IDLE]
            start = commas[-1].start if commas and commas[-1].text == "," else start
        if after and after[0].kind == tokenize.COMMENT:
            return ()
        utf8 = self.source.utf8[change.span.start : change.span.end]
        if start == inside.start:
            line_start = max(utf8.rfind(b"\n", 0, start) + 1, 0)
            alone = not utf8[line_start:start].strip() and line_start > 0
            if alone and after and after[0].kind == tokenize.NL:  # the whole line
                start, end = line_start, after[0].end
            else:
                while utf8[end : end + 1] == b" ":
                    end += 1
        path, base = self.source.path, change.span.start
        return (Edit(Span(path, base + start, base + end), ""),)

    def rename(self, change: Rename) -> tuple[Edit, ...]:
        old = self.text(change.span)
        if old.isidentifier():
            return (Edit(change.span, change.name),)
        return self.write(change.span, change.name)

    def move(self, change: Move) -> tuple[Edit, ...]:
        return self._moved(self._statement(change.span), self._statement(change.before))

    def into(self, change: Into) -> tuple[Edit, ...]:
        what = self._statement(change.span)
        found = self._starting.get(change.loop.start, ())
        loop = next((node for node in found if isinstance(node, (ast.For, ast.While))), None)
        if not isinstance(what, ast.Assign) or loop is None or not self._used_within(what, loop):
            return ()
        if self._block_of(what) is not self._block_of(loop):
            return ()  # whether it happens depends on something else
        return self._moved(what, loop.body[0])

    def _used_within(self, what: ast.Assign, loop: ast.For | ast.While) -> bool:
        """Whether a plain name that a statement gives a value is used in a loop's body alone and stays the same there,
        as what the value is made of does."""
        target = what.targets[0]
        if len(what.targets) > 1 or not isinstance(target, ast.Name):
            return False
        inside = {id(node) for statement in loop.body for node in ast.walk(statement)}
        made_of = {node.id for node in ast.walk(what.value) if isinstance(node, ast.Name)}
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.Global, ast.Nonlocal)) and target.id in node.names:
                return False
            if not isinstance(node, ast.Name) or node is target:
                continue
            stored = not isinstance(node.ctx, ast.Load)
            if node.id == target.id and (stored or id(node) not in inside):
                return False
            between = what.lineno < node.lineno <= (loop.end_lineno or loop.lineno)
            if node.id in made_of and stored and between:
                return False
        return what.lineno < loop.lineno

    def _block_of(self, statement: ast.stmt) -> list[ast.stmt] | None:
        """The list of statements that one is in."""
        for node in ast.walk(self.tree):
            for block in (getattr(node, name, None) for name in ("body", "orelse", "finalbody")):
                if isinstance(block, list) and statement in block:
                    return block
        return None

    def _moved(self, what: ast.stmt | None, before: ast.stmt | None) -> tuple[Edit, ...]:
        """The edits that move a statement in front of another one."""
        if what is None or before is None or self._shares_lines(what) or self._shares_lines(before):
            return ()
        if any(isinstance(node, (ast.Constant, ast.JoinedStr)) and node.end_lineno != node.lineno
               for node in ast.walk(what)):  # fmt: skip
            return ()  # a text over several lines would be indented too
        starts = self.source.line_starts
        first, last = what.lineno, what.end_lineno or what.lineno
        start, end = starts[first - 1], starts[last] if last < len(starts) else len(self.source.utf8)
        target = starts[before.lineno - 1]
        if start <= target < end or last >= len(starts):
            return ()
        lines = list(io.StringIO(self.source.utf8[start:end].decode(), newline=""))
        old, new = " " * what.col_offset, " " * before.col_offset
        if any(line.strip() and not line.startswith(old) for line in lines):
            return ()
        moved = "".join(new + line[len(old) :] if line.strip() else line for line in lines).replace("\r\n", "\n")
        path = self.source.path
        return (Edit(Span(path, target, target), moved), Edit(Span(path, start, end), ""))

    def _statement(self, span: Span) -> ast.stmt | None:
        """The innermost statement around a place."""
        found: ast.stmt | None = None
        for node in ast.walk(self.tree):
            if isinstance(node, ast.stmt):
                place = self.place(node)
                if place.start <= span.start and span.end <= place.end:
                    found = node  # `walk` goes from outer to inner
        return found

    def _shares_lines(self, statement: ast.stmt) -> bool:
        """Whether there is something else than a comment on the lines of a statement."""
        place = self.place(statement)
        starts = self.source.line_starts
        head = self.source.utf8[starts[statement.lineno - 1] : place.start]
        last = statement.end_lineno or statement.lineno
        tail = self.source.utf8[place.end : starts[last] if last < len(starts) else None].strip()
        return bool(head.strip(b" ")) or bool(tail and not tail.startswith(b"#"))


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return all(map(_is_literal, node.elts))
    if isinstance(node, ast.Dict):
        return all(key is not None and _is_literal(key) for key in node.keys) and all(map(_is_literal, node.values))
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.operand, ast.Constant)
    return isinstance(node, ast.Constant)


def _tokens(text: str) -> Iterator[_Token]:
    """The tokens of a text, placed in bytes."""
    lines = list(io.StringIO(text, newline=""))
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))

    def offset(row: int, column: int) -> int:
        return starts[row - 1] + len(lines[row - 1][:column].encode()) if row <= len(lines) else starts[-1]

    for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
        yield _Token(token.type, token.string, offset(*token.start), offset(*token.end))
