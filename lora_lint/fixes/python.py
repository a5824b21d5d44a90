"""Changes in Python, scripts and notebooks alike, as edits.

Values and names are replaced, and keys removed, where they are written: places come from `ast`, commas and comments
from `tokenize`. Everything that changes the structure of a program is left to `structure`. A change is not made if it
would lose a comment, or if the code is not as plain as expected.
"""

from __future__ import annotations

import ast
import io
import tokenize
from functools import cached_property, lru_cache
from itertools import pairwise

from lora_lint.finding import Add, Drop, Rename, Tie, Write
from lora_lint.fixes.edits import Edit, same, shared_ends
from lora_lint.records import dataclass
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from lora_lint.finding import Change
    from lora_lint.fixes.structure import Structure
    from lora_lint.source import SourceFile

_SEEING_ALL = frozenset({"globals", "locals", "vars", "exec", "eval"})
"""If these are called, a variable may be read in more places than are written."""


def edits(source: SourceFile, change: Change) -> tuple[Edit, ...]:
    """The edits for a change; none if it cannot be made."""
    from lora_lint.readers.errors import Unreadable

    try:
        return _program(source).edits(change)
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
    """A program and its syntax tree, in which changes are made."""

    source: SourceFile
    tree: ast.Module

    def place(self, node: ast.AST) -> Span:
        return self.source.span_of(node)  # type: ignore[arg-type]

    def text(self, span: Span) -> str:
        return self.source.utf8[span.start : span.end].decode()

    def at(self, span: Span, kind: type[ast.AST]) -> Any:
        """The node of a kind at exactly this place, or None."""
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

    def edits(self, change: Change) -> tuple[Edit, ...]:
        """The edits for a change; none if it cannot be made."""
        if isinstance(change, (Write, Drop)) and change.of is not None and not self.only(change.span, change.of):
            return ()
        plain = _PLAIN.get(type(change))
        if plain is not None:
            return plain(self, change)
        structure = self._structure()
        return structure.edits(change) if structure is not None else ()

    def _structure(self) -> Structure | None:
        try:
            from lora_lint.fixes import structure
        except ModuleNotFoundError:  # libcst is compiled, and a browser lacks it
            return None

        return structure.of_program(self.source, self.tree)

    def _argument(self, span: Span, key: str, value: str) -> tuple[Edit, ...]:
        structure = self._structure()
        return structure.argument(span, key, value) if structure is not None else ()

    def write(self, span: Span, value: Any) -> tuple[Edit, ...]:
        """The literal at `span` becomes `value`."""
        node = self.at(span, ast.expr)
        if node is None or not _is_literal(node):
            return ()
        old = self.text(span)
        if same(_value(node), value):
            return (Edit(span, old),)
        if isinstance(node, (ast.List, ast.Tuple)) and isinstance(value, (list, tuple)) and node.elts and value:
            return self._write_items(node, value)
        if any(token.kind == tokenize.COMMENT for token in _tokens(old)):
            return ()
        return (Edit(span, literal(value, old)),)

    def _write_items(self, node: ast.List | ast.Tuple, value: Sequence[Any]) -> tuple[Edit, ...]:
        """The changed items of a list, in the layout of the others."""
        whole, places = self.place(node), [self.place(item) for item in node.elts]
        gaps = [self.text(Span(whole.path, left.end, right.start)) for left, right in pairwise(places)]
        old = [_value(item) for item in node.elts]
        first, last = shared_ends(old, value)
        gap = next((gap for gap in gaps if "#" not in gap), ", ")
        like = self.text(places[0])
        new = gap.replace("\r\n", "\n").join(literal(item, like) for item in value[first : len(value) - last])
        gone = places[first : len(old) - last]
        if gone and new:
            place = Span(whole.path, gone[0].start, gone[-1].end)
        elif gone and first:
            place = Span(whole.path, places[first - 1].end, gone[-1].end)
        elif gone:
            place = Span(whole.path, gone[0].start, places[len(gone)].start)
        elif first:
            place, new = Span(whole.path, places[first - 1].end, places[first - 1].end), gap.replace("\r\n", "\n") + new
        else:
            place, new = Span(whole.path, places[0].start, places[0].start), new + gap.replace("\r\n", "\n")
        if any(token.kind == tokenize.COMMENT for token in _tokens(f"({self.text(place)})")):
            return ()
        if isinstance(node, ast.Tuple) and 1 in (len(value), len(old)):  # which takes a comma
            return (Edit(whole, literal(value, self.text(whole))),)
        return (Edit(place, new),)

    def only(self, span: Span, call: Span) -> bool:
        """Whether the text at `span` is the value of a variable, or an entry of a dictionary in a variable, and only
        the call uses it."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                value = node.value
                parts = [word.value for word in value.keywords] if isinstance(value, ast.Call) else [value]
                parts = value.values if isinstance(value, ast.Dict) else parts
                if any(self.place(part) == span for part in parts):
                    return self._taken_by(node.targets[0].id, call)
        return False

    def _taken_by(self, name: str, call: Span) -> bool:
        """Whether a variable is set once and read once, in a call."""
        uses = [node for node in ast.walk(self.tree) if isinstance(node, ast.Name) and node.id == name]
        read = [self.place(node) for node in uses if isinstance(node.ctx, ast.Load)]
        names = {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}
        return (
            len(uses) == 2
            and len(read) == 1
            and call.path == read[0].path
            and call.start <= read[0].start
            and read[0].end <= call.end
            and names.isdisjoint(_SEEING_ALL)
        )

    def tie(self, change: Tie) -> tuple[Edit, ...]:
        if change.key:
            return self._add_tied(change)
        for call in ast.walk(self.tree):
            if isinstance(call, ast.Call) and any(self.place(word.value) == change.span for word in call.keywords):
                other = next((word.value for word in call.keywords if word.arg == change.other), None)
                if not isinstance(other, (ast.Name, ast.Attribute, ast.Subscript)):
                    return ()
                return (Edit(change.span, self._times(change.factor, other)),)
        return ()

    def _times(self, number: float, variable: ast.expr) -> str:
        name, factor = self.text(self.place(variable)), literal(number)
        return name if factor == "1" else f"{factor} * {name}"

    def _add_tied(self, change: Tie) -> tuple[Edit, ...]:
        call = self.at(change.span, ast.Call)
        words = {word.arg: word.value for word in call.keywords} if call is not None else {}
        other = words.get(change.other)
        if call is None or change.key in words or not isinstance(other, (ast.Name, ast.Attribute, ast.Subscript)):
            return ()
        return self._argument(change.span, change.key, self._times(change.factor, other))

    def add(self, change: Add) -> tuple[Edit, ...]:
        call = self.at(change.span, ast.Call)
        if call is None:
            return ()
        there = next((word for word in call.keywords if word.arg == change.key), None)
        if there is not None:
            return self.write(self.place(there.value), change.value)
        return self._argument(change.span, change.key, literal(change.value))

    def drop(self, change: Drop) -> tuple[Edit, ...]:
        found = self._entry(change)
        if found is None:
            return ()
        whole, entry = found
        start, end = entry.start - whole.start, entry.end - whole.start
        tokens = [token for token in _tokens(self.text(whole)) if token.kind != tokenize.ENDMARKER]
        before = [token for token in tokens if token.end <= start]
        after = [token for token in tokens if token.start >= end]
        utf8 = self.source.utf8[whole.start : whole.end]
        line = utf8.rfind(b"\n", 0, start) + 1
        leads = line > 0 and not utf8[line:start].strip()
        if after[0].text == ",":
            end = after.pop(0).end
        elif not leads or after[0].kind == tokenize.NL:  # the last one: remove the comma before it, but no comment
            while before and before[-1].kind == tokenize.NL:
                before.pop()
            if before[-1].text == ",":
                start, leads = before[-1].start, False
        if leads and after[0].kind == tokenize.NL:
            start, end = line, after[0].end
        elif utf8[start : start + 1] != b"," and after[0].kind != tokenize.NL:
            end += len(utf8[end:]) - len(utf8[end:].lstrip(b" \t"))
        return (Edit(Span(whole.path, whole.start + start, whole.start + end), ""),)

    def _entry(self, change: Drop) -> tuple[Span, Span] | None:
        """The call or dictionary that loses a key, and the argument or entry to remove."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                for word in node.keywords:
                    if word.arg == change.key and change.span in (self.place(node), self.place(word.value)):
                        return self.place(node), self.place(word)
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == change.key and self.place(value) == change.span:
                        return self.place(node), Span(change.span.path, self.place(key).start, change.span.end)
        return None

    def rename(self, change: Rename) -> tuple[Edit, ...]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                for word in node.keywords:
                    if word.arg is not None and change.span in (self.place(word), self.place(word.value)):
                        start = self.place(word).start
                        return (Edit(Span(change.span.path, start, start + len(word.arg.encode())), change.name),)
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and change.span in (self.place(key), self.place(value)):
                        return self.write(self.place(key), change.name) if self._read_once(node) else ()
        return ()

    def _read_once(self, value: ast.expr) -> bool:
        """Whether the variable that a value is assigned to, if there is one, is read once."""
        given = next(
            (node for node in ast.walk(self.tree) if isinstance(node, ast.Assign) and node.value is value), None
        )
        name = given.targets[0] if given is not None else None
        if name is None:
            return True
        return isinstance(name, ast.Name) and self._taken_by(name.id, Span(self.source.path, 0, len(self.source.utf8)))


_PLAIN: dict[type[Change], Callable[[_Program, Any], tuple[Edit, ...]]] = {
    Write: lambda program, change: program.write(change.span, change.value),
    Tie: _Program.tie,
    Add: _Program.add,
    Drop: _Program.drop,
    Rename: _Program.rename,
}
"""The changes that leave the structure of a program as it is."""


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return all(map(_is_literal, node.elts))
    if isinstance(node, ast.Dict):
        return all(key is not None and _is_literal(key) for key in node.keys) and all(map(_is_literal, node.values))
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.operand, ast.Constant)
    return isinstance(node, ast.Constant)


def _value(node: ast.expr) -> Any:
    """The value of a literal; a tuple for a list."""
    found = ast.literal_eval(node)
    return tuple(found) if isinstance(found, list) else found


def _tokens(text: str) -> Iterator[_Token]:
    """The tokens of a text, with places in bytes."""
    lines = list(io.StringIO(text, newline=""))
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))

    def offset(row: int, column: int) -> int:
        return starts[row - 1] + len(lines[row - 1][:column].encode()) if row <= len(lines) else starts[-1]

    for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
        yield _Token(token.type, token.string, offset(*token.start), offset(*token.end))
