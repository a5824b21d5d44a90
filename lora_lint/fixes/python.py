"""Changes in Python, scripts and notebooks alike, as edits.

Places come from `ast`, commas and comments from `tokenize`; nothing is written anew but what changes. Nothing is made
of what would lose a comment, or is not the plain code that it is taken for.
"""

from __future__ import annotations

import ast
import io
import tokenize
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Add, Drop, Into, Move, Rename, Through, Tie, Unfold, Write
from lora_lint.fixes.edits import Edit, same, shared_ends
from lora_lint.records import dataclass
from lora_lint.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lora_lint.finding import Change
    from lora_lint.source import SourceFile

_SEEING_ALL = frozenset({"globals", "locals", "vars", "exec", "eval"})
"""Where they are called, a variable may have more readers than are written."""
_IDLE = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.ENDMARKER, tokenize.INDENT, tokenize.DEDENT)


def edits(source: SourceFile, change: Change) -> tuple[Edit, ...]:
    """The edits that make a change; none where it cannot be made."""
    from lora_lint.readers.errors import Unreadable

    try:
        program = _program(source)
        if isinstance(change, (Write, Drop)) and change.of is not None and not program.only(change.span, change.of):
            return ()
        if isinstance(change, (Add, Into, Move, Through, Tie)) and not program.allows(change):
            return ()
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
        if isinstance(change, Move):
            return program.move(change)
        if isinstance(change, Through):
            return program.through(change)
        return program.unfold(change) if isinstance(change, Unfold) else ()
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

    def allows(self, change: Add | Into | Move | Through | Tie) -> bool:
        """Whether a change of the structure surely does what it is made for."""
        if isinstance(change, Tie) and not change.key:
            return True
        if isinstance(change, Add):
            call = self.at(change.span, ast.Call)
            if call is not None and any(word.arg == change.key for word in call.keywords):
                return True  # its value is written anew
        from lora_lint.fixes import scopes

        found = scopes.of_program(self.source, self.tree)
        if found is None:
            return False
        if isinstance(change, Move):
            return found.undisturbed(change.span, change.before)
        if isinstance(change, Into):
            return found.undisturbed(change.span, change.loop)
        if isinstance(change, Through):
            return found.is_from(change.span, "peft", change.function)
        return found.takes(change.span, change.key)

    def write(self, span: Span, value: Any) -> tuple[Edit, ...]:
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
        """The items of a list that change, in the layout of the others."""
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
        """Whether what is written at `span` is the value of a variable, or an entry of a dictionary that is one, and
        nothing but the call takes it."""
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
        return self._argument(call, f"{change.key}={self._times(change.factor, other)}")

    def add(self, change: Add) -> tuple[Edit, ...]:
        call = self.at(change.span, ast.Call)
        if call is None:
            return ()
        there = next((word for word in call.keywords if word.arg == change.key), None)
        if there is not None:
            return self.write(self.place(there.value), change.value)
        return self._argument(call, f"{change.key}={literal(change.value)}")

    def _argument(self, call: ast.Call, word: str) -> tuple[Edit, ...]:
        """The edits that give a call one more argument."""
        place = self.place(call)
        tokens = [*_tokens(self.text(place))]
        last = max(number for number, token in enumerate(tokens) if token.kind not in _IDLE)
        before = max(number for number, token in enumerate(tokens[:last]) if token.kind not in _IDLE)
        end = tokens[before].end
        if tokens[before].text == "(":
            return (self._at(place.start + end, word),)
        comma = "" if tokens[before].text == "," else ","
        if not any(token.kind == tokenize.NL for token in tokens[before:last]):
            return (self._at(place.start + end, f"{comma} {word}"),)
        # One argument a line: the new one gets a line too, after a comment on the last.
        newline = next(token for token in tokens[before:last] if token.kind == tokenize.NL)
        argument = self._at(place.start + newline.start, f"\n{self._indent_of_last(call)}{word}{'' if comma else ','}")
        if comma and newline.start == end:
            return (Edit(argument.span, comma + argument.text),)
        return (self._at(place.start + end, comma), argument) if comma else (argument,)

    def _indent_of_last(self, call: ast.Call) -> str:
        """What the line of the last argument starts with."""
        last: Any = max((*call.args, *call.keywords), key=lambda node: self.place(node).start)
        line = self.source.line_text(last.lineno)
        return line[: len(line) - len(line.lstrip())]

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
        elif not leads or after[0].kind == tokenize.NL:  # the last one: the comma before it goes, if no comment does
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
        """The call or the dictionary that loses a key, and the argument or entry that goes."""
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

    def through(self, change: Through) -> tuple[Edit, ...]:
        call = self.at(change.span, ast.Call)
        given = None if call is None else _model_of(call)
        if call is None or given is None or isinstance(given, ast.Starred):
            return ()
        place = self.place(given)
        if isinstance(call.func, ast.Attribute):  # `peft.get_peft_model(…)`
            module = self.text(self.place(call.func.value))
            return (self._at(place.start, f"{module}.{change.function}("), self._at(place.end, ")"))
        names = [
            (node, alias) for node in ast.walk(self.tree) if isinstance(node, ast.ImportFrom) for alias in node.names
        ]
        edits = (self._at(place.start, f"{change.function}("), self._at(place.end, ")"))
        if any((alias.asname or alias.name) == change.function for _, alias in names):
            return edits
        for node, alias in names:
            if isinstance(call.func, ast.Name) and (alias.asname or alias.name) == call.func.id and node.level == 0:
                there = self.place(alias)
                line = self.source.line_text(alias.lineno)
                indent = line[: len(line) - len(line.lstrip())]
                gap = f"\n{indent}" if self.place(node).start < self.source.line_starts[alias.lineno - 1] else " "
                return (self._at(there.end, f",{gap}{change.function}"), *edits)
        return ()

    def unfold(self, change: Unfold) -> tuple[Edit, ...]:
        call = self.at(change.span, ast.Call)
        if call is None or not isinstance(call.func, ast.Attribute) or len(call.args) != 1 or call.keywords:
            return ()
        star = {"append": "", "extend": "*"}.get(call.func.attr)
        if star is None or isinstance(call.args[0], ast.Starred):
            return ()
        names, item = self.place(call.func.value), self.place(call.args[0])
        start, end = change.span.start, change.span.end
        inner = [token for token in _tokens(self.text(Span("", names.end, end))) if token.kind not in _IDLE]
        behind = [token.text for token in inner if names.end + token.start >= item.end]
        if [token.text for token in inner[:3]] != [".", call.func.attr, "("] or behind not in ([")"], [",", ")"]):
            return ()  # more brackets
        opened = names.end + inner[2].end
        if item.start < opened:
            return ()
        comma = "," if self.source.utf8[opened : opened + 1].isspace() else ", "
        path = change.span.path
        changes = [
            self._at(start, "[*"),
            Edit(Span(path, names.end, opened), comma + star if opened == item.start else comma),
            Edit(Span(path, end - 1, end), "]"),
        ]
        return (*changes, self._at(item.start, star)) if star and opened < item.start else tuple(changes)

    def _at(self, offset: int, text: str) -> Edit:
        return Edit(Span(self.source.path, offset, offset), text)

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
        """Whether what a value is given to as a variable, if it is, is read once."""
        given = next(
            (node for node in ast.walk(self.tree) if isinstance(node, ast.Assign) and node.value is value), None
        )
        name = given.targets[0] if given is not None else None
        if name is None:
            return True
        return isinstance(name, ast.Name) and self._taken_by(name.id, Span(self.source.path, 0, len(self.source.utf8)))

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
        if before.lineno < what.lineno and not self._goes_up(what, before):
            return ()
        if any(isinstance(node, (ast.Constant, ast.JoinedStr)) and node.end_lineno != node.lineno
               for node in ast.walk(what)):  # fmt: skip
            return ()  # a text over several lines would be indented too
        starts = self.source.line_starts
        first, last = what.lineno, what.end_lineno or what.lineno
        start, end = starts[first - 1], starts[last] if last < len(starts) else len(self.source.utf8)
        target = starts[before.lineno - 1]
        if start <= target < end:
            return ()
        lines = list(io.StringIO(self.source.utf8[start:end].decode(), newline=""))
        old, new = (self.source.line_text(each.lineno).encode()[: each.col_offset].decode() for each in (what, before))
        if any(line.strip() and not line.startswith(old) for line in lines):
            return ()
        moved = "".join(new + line[len(old) :] if line.strip() else line for line in lines).replace("\r\n", "\n")
        if not moved.endswith("\n"):
            moved += "\n"
        return (self._at(target, moved), Edit(self._lines(first, last), ""))

    def _lines(self, first: int, last: int) -> Span:
        """Whole lines with a newline: the one in front of them at the end of a file or of a notebook's cell."""
        starts, cells = self.source.line_starts, self.source.cells
        utf8 = self.source.utf8
        start, end = starts[first - 1], starts[last] if last < len(starts) else len(utf8)
        if last < len(starts) and last not in cells:
            return Span(self.source.path, start, end)
        end -= len(utf8[start:end]) - len(utf8[start:end].rstrip(b"\r\n"))
        if first > 1 and first - 1 not in cells:
            start -= 2 if utf8[start - 2 : start] == b"\r\n" else 1
        return Span(self.source.path, start, end)

    def _goes_up(self, what: ast.stmt, before: ast.stmt) -> bool:
        """Whether what a statement reads is there already in front of another one of the same block, and the same."""
        block = self._block_of(before)
        if block is None or block is not self._block_of(what):
            return False
        between = block[block.index(before) : block.index(what)]
        read = _names(ast.Load, what)
        set_first, set_later = _names(ast.Store, before), _names(ast.Store, *between[1:])
        return set_later.isdisjoint(read | _names(ast.Store, what)) and read & set_first <= _names(ast.Load, before)

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
        return bool(head.strip()) or bool(tail and not tail.startswith(b"#"))


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return all(map(_is_literal, node.elts))
    if isinstance(node, ast.Dict):
        return all(key is not None and _is_literal(key) for key in node.keys) and all(map(_is_literal, node.values))
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.operand, ast.Constant)
    return isinstance(node, ast.Constant)


def _model_of(call: ast.Call) -> ast.expr | None:
    """What a wrapping call puts the adapter on."""
    if call.args:
        return call.args[0]
    return next((word.value for word in call.keywords if word.arg == "model"), None)


def _names(use: type[ast.expr_context], *statements: ast.stmt) -> set[str]:
    """The variables that statements read or set, those of functions and classes that they define among them."""
    found = {
        node.id
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, use)
    }
    if use is ast.Store:
        for statement in statements:
            for node in ast.walk(statement):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    found.add(node.name)
                elif isinstance(node, ast.alias):
                    found.add((node.asname or node.name).partition(".")[0])
    return found


def _value(node: ast.expr) -> Any:
    """What a literal is; a tuple for a list."""
    found = ast.literal_eval(node)
    return tuple(found) if isinstance(found, list) else found


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
