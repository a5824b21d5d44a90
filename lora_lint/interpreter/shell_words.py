"""The words of a shell script: what they expand to, as far as the values of the variables are known."""

from __future__ import annotations

import re

from lora_lint.readers.fragments import Writer
from lora_lint.readers.shell import Word
from lora_lint.records import replace
from lora_lint.source import Span
from lora_lint.system import deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, TypeAlias

    from lora_lint.readers.fragments import Fragment

MAX_DEPTH = 60
MAX_STEPS = 50_000
"""The most statements and words that are followed in one script, over all iterations of all loops. Of 612 scripts in 38
repositories half take 160, 1% more than 1,000, and the longest 17,000."""
MAX_TURNS = 64
NAME = re.compile(r"[A-Za-z_]\w*")
_BETWEEN_LOOKS = 0x3FF
_MAX_TEXT = 20_000
_MAX_WORDS = 2_000
_DEFAULTS = frozenset({":-", "-", ":=", "="})
_ESCAPE = re.compile(r"\\(\n|.)", re.DOTALL)
_LITERAL = re.compile(rb"(?P<space>\s+)|\S+")
_IN_A_TEXT = re.compile(
    rb"(?s)\\\n|(?P<space>\s+)|(?P<expansion>\$\{[^}]*\}|\$\([^)]*\)|\$\w+|`[^`]*`)|\\.|[^\s\\$`]+|[\\$`]"
)
"""The parts of a here-document: a continued line, spaces, expansions, escapes and other text."""
_SIMPLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})")
_QUOTED_ESCAPE = re.compile(r'\\(\n|["\\$`])')

Variable: TypeAlias = "Word | tuple[Word, ...]"
"""A variable's value; the items of an array."""
Scope: TypeAlias = "dict[str, Variable]"


class TooLong(Exception):
    """The script is longer than the limit."""


class ShellWords:
    """Expands the words of a script. `text` is the script, and `scope` holds its variables."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.text = b""
        self.scope: Scope = {}
        self.depth = 0
        self.steps = 0
        self.vast: dict[Span, int] = {}
        """The number of words in each range that is too long to be written out."""

    def step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooLong
        if not self.steps & _BETWEEN_LOOKS:
            deadline.look()

    def words(self, nodes: Iterable[Any]) -> Iterator[Word]:
        count = 0
        for node in nodes:
            self.step()
            if node.type == "command_name":
                node = node.named_children[0] if node.named_children else node
            for word in self.split(node):
                count += 1
                if count > _MAX_WORDS:
                    raise TooLong
                yield word

    def split(self, node: Any) -> list[Word]:
        """The words that one word of the text expands to: those of an array, or of unquoted text with spaces."""
        listed = self.array(node)
        if listed is not None:
            return listed
        if node.type == "brace_expression":
            return self.braces(node)
        if node.type == "command_substitution":
            return self.sequence(node)
        word = self.joined(node)
        if node.type not in ("simple_expansion", "expansion"):
            return [word]
        if word.parts:
            return list(word.parts)
        if word.text is None:
            return [replace(word, many=True)]
        if not word.text or word.text.split() == [word.text]:
            return [word] if word.text else []
        return self.apart(word)

    def apart(self, word: Word) -> list[Word]:
        assert word.text is not None
        parts, at = [], 0
        start, end = word.span.start, word.span.end
        written = self.text[start:end]
        quote = 1 if written[:1] in (b"'", b'"') else 0
        verbatim = written[quote : len(written) - quote] == word.text.encode()
        for part in word.text.split():
            at = word.text.index(part, at)
            before = start + quote + len(word.text[:at].encode())
            span = Span(self.path, before, before + len(part.encode())) if verbatim else word.span
            text = part.strip("'\"")
            parts.append(replace(word, text=text, span=span))
            at += len(part)
        return parts

    def array(self, node: Any) -> list[Word] | None:
        """The words of `"${A[@]}"` or `$@`; None if it is something else."""
        inner = node
        if node.type == "string" and len(node.named_children) == 1:
            inner = node.named_children[0]
            if inner.end_byte - inner.start_byte != node.end_byte - node.start_byte - 2:
                return None
        if inner.type == "simple_expansion" and self.raw(inner) in ("$@", "$*"):
            found = self.scope.get("@")
            return list(found) if isinstance(found, tuple) else [replace(self.unknown(node, many=True), default=True)]
        if inner.type != "expansion":
            return None
        children = inner.named_children
        if len(children) != 1 or len(inner.children) != 3 or children[0].type != "subscript":
            return None
        base, index = children[0].child_by_field_name("name"), children[0].child_by_field_name("index")
        if base is None or index is None or self.raw(index) not in ("@", "*"):
            return None
        value = self.scope.get(self.raw(base))
        if isinstance(value, tuple):
            return list(value)
        return [value] if isinstance(value, Word) and value.text is not None else [self.unknown(node, many=True)]

    def braces(self, node: Any) -> list[Word]:
        ends = [self.raw(child) for child in node.named_children]
        if len(ends) == 2 and all(_is_whole(end) for end in ends):
            low, high = map(int, ends)
            if abs(high - low) >= MAX_TURNS:
                self.vast[self.span(node)] = abs(high - low) + 1
            else:
                numbers = range(low, high + 1) if low <= high else range(low, high - 1, -1)
                return [Word(str(number), self.span(node)) for number in numbers]
        return [self.unknown(node, many=True)]

    def sequence(self, node: Any) -> list[Word]:
        """`$(seq 1 4)`, `$(cat <<EOF …)`, and `$(which swift)` for the command itself; the output of others is not
        known."""
        commands = node.named_children
        if len(commands) == 1 and commands[0].type == "redirected_statement" and self.raw(commands[0])[:4] == "cat ":
            text = self.here_document(commands[0])
            return list(text.parts) if text is not None and text.parts else [self.unknown(node, many=True)]
        if len(commands) == 1 and commands[0].type == "command":
            printed = list(self.words(commands[0].named_children))
            words = [word.text for word in printed]
            numbers = [int(word) for word in words[1:] if word is not None and _is_whole(word)]
            if words[:1] == ["seq"] and len(numbers) == len(words) - 1 and 1 <= len(numbers) <= 3:
                low = 1 if len(numbers) == 1 else numbers[0]
                step = numbers[1] if len(numbers) == 3 else 1
                found = range(low, numbers[-1] + (1 if step > 0 else -1), step) if step else range(0)
                if len(found) > MAX_TURNS:
                    self.vast[self.span(node)] = len(found)
                elif found:
                    return [Word(str(number), self.span(node)) for number in found]
            if (words[:1] == ["which"] and len(words) == 2) or (words[:2] == ["command", "-v"] and len(words) == 3):
                return [replace(printed[-1], span=self.span(node))]
            if words[:1] == ["echo"] and len(words) > 1 and all(word is not None for word in words):
                return [part for word in printed[1:] for part in (self.apart(word) if word.text else [])]
        return [self.unknown(node, many=True)]

    def joined(self, node: Any) -> Word:
        """The value of a word of the text, as a single word."""
        self.step()
        if self.depth > MAX_DEPTH:
            return self.unknown(node)
        self.depth += 1
        try:
            return self.one(node)
        finally:
            self.depth -= 1

    def one(self, node: Any) -> Word:
        kind, span = node.type, self.span(node)
        if kind in ("word", "number", "variable_name", "test_operator", "special_variable_name", "regex"):
            if node.named_children:
                return self.unknown(node)
            return Word(_ESCAPE.sub(_unescaped, self.raw(node)), span)
        if kind == "raw_string":
            return Word(self.raw(node)[1:-1], span)
        if kind == "string":
            return self.string(node)
        if kind == "concatenation":
            if any(child.type == "brace_expression" or self.raw(child) in "{}" for child in node.children):
                return self.unknown(node, many=True)
            return self.together([self.joined(child) for child in node.children], node)
        if kind in ("simple_expansion", "expansion"):
            return self.expansion(node)
        if kind == "arithmetic_expansion":
            number = self.compute(node.named_children[0]) if len(node.named_children) == 1 else None
            return self.unknown(node) if number is None else Word(str(number), span)
        if kind == "command_substitution":
            found = self.sequence(node)
            return found[0] if len(found) == 1 else replace(self.unknown(node), parts=tuple(found))
        return self.unknown(node)

    def string(self, node: Any) -> Word:
        """Text in double quotes. The grammar counts the spaces before an expansion as part of it."""
        parts: list[Word | None] = []
        at = node.start_byte + 1
        for child in node.children:
            if child.type in ("string_content", '"', "\n"):
                continue
            begin = self.text.find(self.text[child.start_byte : child.end_byte].lstrip(), child.start_byte)
            parts += [self.literal(at, begin), self.joined(child)]
            at = child.end_byte
        parts.append(self.literal(at, node.end_byte - 1))
        if len(parts) == 1:
            return replace(parts[0], span=self.span(node)) if parts[0] is not None else self.unknown(node)
        return self.together(parts, node)

    def literal(self, start: int, end: int) -> Word:
        text = self.text[start:end].decode("utf-8", "replace")
        return Word(_QUOTED_ESCAPE.sub(_unescaped, text), Span(self.path, start, end))

    def together(self, parts: list[Word | None], node: Any) -> Word:
        """Parts of one word, joined; a single part keeps its place."""
        solid = [part for part in parts if part is not None and part.text != ""]
        if len(solid) == 1:
            return solid[0]
        default = any(part.default for part in solid)
        head, tail = "", ""
        known = True
        for part in solid:
            if known:
                head += part.head if part.text is None else part.text
            if part.text is None:
                known, tail = False, part.tail
            else:
                tail += part.text
        if known and len(head) <= _MAX_TEXT:
            return Word(head, self.span(node), default)
        return Word(None, self.span(node), default, head=head[:_MAX_TEXT], tail=tail[-_MAX_TEXT:])

    def expansion(self, node: Any) -> Word:
        children = node.named_children
        operators = [child.type for child in node.children if not child.is_named and child.type not in ("${", "}", "$")]
        if not children:
            return self.unknown(node)
        target = children[0]
        if operators == ["#"] and target.type == "subscript":
            base = target.child_by_field_name("name")
            value = self.scope.get(self.raw(base)) if base is not None else None
            return Word(str(len(value)), self.span(node)) if isinstance(value, tuple) else self.unknown(node)
        found = self.variable(target)
        if not operators:
            if found is not None:
                return found
            return replace(self.unknown(node), default=self.raw(target).isdecimal())
        if operators[0] not in _DEFAULTS or node.children[1] is not target:
            return self.unknown(node)
        if found is not None and (found.text or found.text is None):
            return found
        given = [self.joined(child) for child in children[1:]]
        default = replace(self.together([*given], node), default=True) if given else Word("", self.span(node), True)
        if operators[0] in (":=", "="):
            self.scope[self.raw(target)] = default
        return default

    def variable(self, target: Any) -> Word | None:
        """The value of a variable, or of one item of an array; None if the script does not set it."""
        if target.type == "subscript":
            base, index = target.child_by_field_name("name"), target.child_by_field_name("index")
            items: Any = self.scope.get(self.raw(base)) if base is not None else None
            place = self.compute(index) if index is not None else None
            solid = isinstance(items, tuple) and not any(word.many for word in items)
            if solid and place is not None and -len(items) <= place < len(items):
                item: Word = items[place]
                return item
            return self.unknown(target)
        found = self.scope.get(self.raw(target))
        if isinstance(found, tuple):
            return found[0] if found and not found[0].many else self.unknown(target)
        return found

    # here-documents

    def here_document(self, node: Any) -> Word | None:
        """The text of a statement's here-document; None if it has none."""
        for redirect in node.named_children:
            if redirect.type == "heredoc_redirect":
                parts = {child.type: child for child in redirect.named_children}
                start, body = parts.get("heredoc_start"), parts.get("heredoc_body")
                if start is not None and body is not None:
                    return self.passage(body, literal=self.raw(start)[:1] in ("'", '"', "\\"))
        return None

    def written_file(self, node: Any) -> tuple[str, Fragment] | None:
        """The name and the text of a file that a statement writes: `cat > config.yaml <<EOF`; None for others. What is
        not known is left as it is written, for whoever reads the file to fill in."""
        command = node.child_by_field_name("body")
        here = next((child for child in node.named_children if child.type == "heredoc_redirect"), None)
        if command is None or command.type != "command" or here is None:
            return None
        parts = {child.type: child for child in here.named_children}
        start, body = parts.get("heredoc_start"), parts.get("heredoc_body")
        words = list(self.words(command.named_children))
        targets = [child for child in (*node.named_children, *here.named_children) if child.type == "file_redirect"]
        into = [list(self.words(target.named_children)) for target in targets if self.raw(target)[:1] == ">"]
        first = words[0].text if words else None
        if first == "tee" and len(words) == 2:
            into = [words[1:]]
        elif first == "cat" and len(words) == 1 and (piped := parts.get("pipeline")) is not None:
            copied = [list(self.words(child.named_children)) for child in piped.named_children]
            into = [each[1:] for each in copied if each and each[0].text == "tee"]
        elif first != "cat" or len(words) > 1:
            return None
        name = into[0][0].text if len(into) == 1 and len(into[0]) == 1 else None
        if name is None or start is None or body is None:
            return None
        return name, self._text_of(body, literal=self.raw(start)[:1] in ("'", '"', "\\"))

    def _text_of(self, body: Any, literal: bool) -> Fragment:
        """The text of a here-document, with what its variables stand for."""
        writer = Writer(self.text)
        if literal:
            writer.copy(body.start_byte, body.end_byte)
            return writer.fragment()
        for match in _IN_A_TEXT.finditer(self.text, body.start_byte, body.end_byte):
            text = match[0].decode("utf-8", "replace")
            found = self.expanded(text, Span(self.path, *match.span())) if match["expansion"] else []
            known = [word.text for word in found if word.text is not None]
            if known and len(known) == len(found):
                writer.write(" ".join(known).encode(), found[0].span.start, found[-1].span.end)
            elif text[:1] == "\\" and text[1:] in ("$", "`", "\\"):
                writer.copy(match.start() + 1, match.end())
            elif text != "\\\n":
                writer.copy(*match.span())
        return writer.fragment()

    def passage(self, body: Any, literal: bool) -> Word:
        """The text of a here-document and its words; `literal` if nothing in it is expanded. The grammar leaves some of
        its expansions out, so that they are found in the text."""
        words: list[Word] = []
        pieces: list[Word] = []
        begun = body.start_byte

        def end(at: int) -> None:
            if pieces:
                word = pieces[0] if len(pieces) == 1 else self.together([*pieces], body)
                place = word.span if len(pieces) == 1 else Span(self.path, begun, at)
                words.append(replace(word, text=_unquoted(word.text), span=place))
            pieces.clear()

        for match in (_LITERAL if literal else _IN_A_TEXT).finditer(self.text, body.start_byte, body.end_byte):
            span = Span(self.path, match.start(), match.end())
            text = match[0].decode("utf-8", "replace")
            begun = begun if pieces else span.start
            if match["space"]:
                end(span.start)
            elif literal:
                pieces.append(Word(text, span))
            elif match["expansion"]:
                found = self.expanded(text, span)
                pieces += found[:1]
                for following in found[1:]:
                    end(span.start)
                    begun = span.start
                    pieces.append(following)
            elif text != "\\\n":
                pieces.append(Word(text[1:] if text[1:] in ("$", "`", "\\") else text, span))
        end(body.end_byte)
        known = [word.text for word in words if word.text is not None]
        whole = " ".join(known) if len(known) == len(words) else None
        return Word(whole, self.span(body), parts=tuple(words[:_MAX_WORDS]))

    def expanded(self, text: str, span: Span) -> list[Word]:
        """The words that an expansion in a here-document stands for: `$r`, `${r}` or `${r:-8}`."""
        match = _SIMPLE.fullmatch(text)
        found = self.scope.get(match[1] or match[2]) if match is not None else None
        if isinstance(found, tuple):
            found = found[0] if found else Word("", span)
        if match is not None and match[3] is not None and (found is None or found.text == ""):
            return [
                Word(match[3], Span(self.path, span.start + match.start(3), span.start + match.end(3)), default=True)
            ]
        if found is None or (found.text is None and not found.parts):
            default = match is not None and (match[1] or match[2]).isdecimal()
            return [replace(found or Word(None, span, default=default), many=True)]
        return list(found.parts) or self.apart(found)

    # arithmetic

    def compute(self, node: Any, depth: int = 0) -> int | None:
        """The value of an arithmetic expression, and what it assigns; None if it is not known."""
        self.step()
        if depth > MAX_DEPTH:
            return None
        kind = node.type
        if kind in ("number", "word", "variable_name", "simple_expansion", "expansion", "string", "concatenation"):
            return self.number(node)
        children = node.named_children
        if kind == "parenthesized_expression" and len(children) == 1:
            return self.compute(children[0], depth + 1)
        operator = next((self.raw(child) for child in node.children if not child.is_named), "")
        if kind == "variable_assignment" and len(children) == 2:
            value = self.compute(children[1], depth + 1)
            return self.assign(children[0], operator, value)
        if kind == "postfix_expression" and len(children) == 1:
            return self.assign(children[0], {"++": "+=", "--": "-="}.get(operator, ""), 1)
        if kind == "unary_expression" and len(children) == 1:
            if operator in ("++", "--"):
                return self.assign(children[0], f"{operator[0]}=", 1)
            value = self.compute(children[0], depth + 1)
            return None if value is None or operator not in "+-" else -value if operator == "-" else value
        if kind == "binary_expression" and len(children) == 2:
            right = self.compute(children[1], depth + 1)
            if operator.endswith("=") and operator not in ("==", "!=", "<=", ">="):
                return self.assign(children[0], operator, right)
            left = self.compute(children[0], depth + 1)
            return None if left is None or right is None else _result(left, operator, right)
        return None

    def number(self, node: Any) -> int | None:
        text = self.raw(node)
        if _is_whole(text):
            return int(text)
        word: Word | None
        if NAME.fullmatch(text):
            found = self.scope.get(text)
            word = found if isinstance(found, Word) else None
        elif node.type in ("simple_expansion", "expansion", "string"):
            word = self.joined(node)
        else:
            return None
        return int(word.text) if word is not None and word.text is not None and _is_whole(word.text) else None

    def assign(self, target: Any, operator: str, value: int | None) -> int | None:
        name = self.raw(target)
        before = self.number(target)
        if operator != "=":
            value = None if before is None or value is None else _result(before, operator[:-1], value)
        if NAME.fullmatch(name):
            span = self.span(target)
            self.scope[name] = Word(None, span) if value is None else Word(str(value), span)
        return value

    # text

    def raw(self, node: Any) -> str:
        return self.text[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def span(self, node: Any) -> Span:
        return Span(self.path, node.start_byte, node.end_byte)

    def unknown(self, node: Any, many: bool = False) -> Word:
        return Word(None, self.span(node), many=many)


def _unescaped(match: re.Match[str]) -> str:
    return "" if match[1] == "\n" else match[1]


def _unquoted(text: str | None) -> str | None:
    return None if text is None else text.strip("'\"")


def _is_whole(text: str) -> bool:
    return len(text) < 12 and text.removeprefix("-").isdecimal() and text.isascii()


def _result(left: int, operator: str, right: int) -> int | None:
    """The result of bash's arithmetic on two numbers; None for operators that no rank is computed with."""
    if operator in ("/", "%"):
        if right == 0:
            return None
        whole = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return whole if operator == "/" else left - whole * right
    if operator == "**":
        return left**right if 0 <= right < 64 and abs(left) < 1000 else None
    found = {
        "+": left + right,
        "-": left - right,
        "*": left * right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
        "==": left == right,
        "!=": left != right,
        "-lt": left < right,
        "-le": left <= right,
    }.get(operator)
    return None if found is None or abs(found) > 10**12 else int(found)
