"""The machine that follows a shell script: the commands that it runs, with their words as far as they are known
(`shell_words`).

A script is followed on its syntax tree as bash would run it, but without running anything: variables, arrays, defaults
such as `${X:-8}`, arithmetic, loops over known values and functions. A word that depends on anything else is not known.
"""

from __future__ import annotations

import re
from itertools import pairwise

from lora_lint.interpreter.shell_words import MAX_DEPTH, MAX_STEPS, MAX_TURNS, NAME, Scope, ShellWords, TooLong
from lora_lint.readers import slurm
from lora_lint.readers.commands import fragments
from lora_lint.readers.errors import Unreadable
from lora_lint.readers.shell import MAX_BYTES, Command, Template, Turn, Word, read_tree
from lora_lint.records import NamedTuple, dataclass, replace
from lora_lint.source import Span
from lora_lint.unread import Unread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lora_lint.interpreter.shell_words import Variable
    from lora_lint.readers.fragments import Fragment
    from lora_lint.readers.slurm import ArrayJob
    from lora_lint.source import SourceFile
    from lora_lint.unread import Limit


class Cut(NamedTuple):
    """A loop with too many iterations: which of the script's commands it ran, and what was lost, as a clause for the
    user."""

    commands: slice
    lost: str


@dataclass(frozen=True)
class Script:
    """The commands of a script in the order in which they run, what was left unread because of a limit, and the loops
    that were not followed completely."""

    commands: tuple[Command, ...] = ()
    unread: tuple[Unread, ...] = ()
    cut: tuple[Cut, ...] = ()


def read_script(source: SourceFile) -> Script:
    """The commands that a script runs, or the shell text in another file. Raises readers.errors.Unreadable only if the
    parser is not installed."""
    if len(source.utf8) > MAX_BYTES:
        lost = f"a script of more than {MAX_BYTES // 1_000_000} MB is not followed"
        return Script(unread=(Unread(source.path, "size", lost),))
    job = slurm.job_of(source)
    whole = _Script(source.path)
    for fragment in fragments(source):
        text, root = read_tree(fragment.text)
        indices: tuple[ArrayJob | None, ...] = (None,)
        if job.array and slurm.ARRAY_INDEX.encode() in text:
            indices = job.array[:MAX_TURNS]
        for index in indices:
            begun = len(whole.commands)
            whole.start(text, job.variables, index)
            whole.follow(root)
            if fragment.pieces is not None:
                whole.commands[begun:] = [_placed(command, fragment) for command in whole.commands[begun:]]
        if len(indices) > 1 and len(job.array) > len(indices):
            whole.cut_short(begun, f"an array has {len(job.array):,} jobs, of which {MAX_TURNS} are followed")
    return Script(
        tuple(whole.commands),
        tuple(Unread(source.path, limit, lost) for limit, lost in whole.unread.items()),
        tuple(whole.cut),
    )


def _placed(command: Command, fragment: Fragment) -> Command:
    """A command with the places of the file that its text is written in."""

    def there(span: Span) -> Span:
        return Span(span.path, *fragment.place(span.start, span.end))

    words = tuple(replace(word, span=there(word.span)) for word in command.words)
    turns = tuple(turn._replace(loop=there(turn.loop)) for turn in command.turns)
    escaped = there(command.escaped) if command.escaped is not None else None
    return replace(command, words=words, span=there(command.span), turns=turns, files={}, escaped=escaped)


def read_shell(source: SourceFile) -> tuple[Command, ...]:
    """The commands of a script that is read along with another file; none if the parser is not installed."""
    try:
        return read_script(source).commands
    except Unreadable:
        return ()


_PLAIN = frozenset("program do_group compound_statement pipeline negated_command ERROR".split())
_COMPARED = re.compile(r"[\w./:-]*")
"""Texts that are compared as they are written: no pattern, no blank."""
_TESTS = frozenset({"test_command", "compound_statement", "negated_command", "list"})
_ASKING = frozenset({"read", "getopts", "mapfile", "readarray"})
_READING = frozenset({"source", ".", "eval"})
_HOOKS = (
    "conda",
    "mamba",
    "activate",
    "venv",
    "ssh-agent",
    "modulecmd",
    "pyenv",
    "brew",
    "setvars",
    "bashrc",
    "profile",
)
"""What commands contain that make an environment ready."""
_SETTINGS = ("env", "conf", "setting", "param", "vars", "local", "default", "secret", "credential")
"""What the names of files contain that set variables."""
_BACKSLASH = re.compile(rb"[ \t]+(\\) [ \t]*(?:\\ [ \t]*)*")
_NEWLINE = re.compile(rb"(?<!\\)\n")


def _default(value: Variable) -> Variable:
    """A variable that something may set again."""
    if isinstance(value, Word):
        return replace(value, default=True)
    return tuple(replace(each, default=True) for each in value)


def _as_default(value: Variable) -> Variable:
    """A value that the script's caller may change."""
    if isinstance(value, Word):
        return replace(value, default=True)
    return tuple(replace(word, default=True) for word in value)


class _Script(ShellWords):
    """Follows the scripts of a file, one after another. `commands` are what was run so far."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.commands: list[Command] = []
        self.functions: dict[str, Any] = {}
        self.called: set[str] = set()
        self.exported: set[str] = set()
        self.turns: tuple[Turn, ...] = ()
        self.files: dict[str, Fragment | Template] = {}
        self.unread: dict[Limit, str] = {}
        self.cut: list[Cut] = []

    def start(self, text: bytes, variables: dict[str, Word], index: ArrayJob | None) -> None:
        """Begins a script with some variables, as one job of an array."""
        self.text = text
        self.scope = dict(variables)
        self.functions, self.called, self.vast, self.exported = {}, set(), {}, set()
        self.turns = ()
        self.files = {}
        if index is not None:
            self.scope[slurm.ARRAY_INDEX] = Word(str(index.number), index.span)
            self.turns = (Turn(index.span, index.number, array=True),)

    def follow(self, root: Any) -> None:
        """Runs the script, and then the functions that it does not call itself, with unknown arguments."""
        try:
            self.run(root)
            for name in [name for name in self.functions if name not in self.called]:
                self.call(name, None)
        except TooLong:
            lost = f"it takes more than {MAX_STEPS:,} steps to follow, so the rest is not known"
            self.unread["steps"] = lost

    # statements

    def run(self, node: Any) -> None:
        self.step()
        kind = node.type
        if self.depth > MAX_DEPTH:
            self.unread["depth"] = f"statements within more than {MAX_DEPTH} others are not followed"
            return
        self.depth += 1
        try:
            if kind in _PLAIN:
                for child in node.named_children:
                    if kind != "ERROR" or child.type.startswith("variable_assignment"):
                        self.run(child)
            else:
                follow = _STATEMENTS.get(kind)
                if follow is not None:
                    follow(self, node)
        finally:
            self.depth -= 1

    def assign_variable(self, node: Any) -> None:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        adds = any(child.type == "+=" for child in node.children)
        if name is None:
            return
        if name.type == "subscript":
            base = name.child_by_field_name("name")
            if base is not None:
                self.scope[self.raw(base)] = self.unknown(node, many=True)
            return
        key = self.raw(name)
        if value is not None and value.type == "command_substitution" and "<<" not in self.raw(value):
            self.run_subshell(value)  # `done=$(python train.py …)`
        given: Variable
        if value is None:
            given = Word("", self.span(node))
        elif value.type == "array":
            given = tuple(self.words(value.named_children))
        else:
            given = self.joined(value)
        before = self.scope.get(key)
        if adds and isinstance(given, tuple):
            given = (*before, *given) if isinstance(before, tuple) else (self.unknown(node, many=True),)
        elif adds and isinstance(given, Word):
            given = self.together([before, given], node) if isinstance(before, Word) else self.unknown(node, many=True)
        self.scope[key] = given

    def assign_variables(self, node: Any) -> None:
        for child in node.named_children:
            self.run(child)
        if self.text[node.start_byte : node.end_byte].startswith((b"export ", b"declare -x ")):
            names = (child.child_by_field_name("name") or child for child in node.named_children)
            self.exported |= {self.raw(name) for name in names}

    def unset(self, node: Any) -> None:
        for child in node.named_children:
            self.scope.pop(self.raw(child), None)

    def run_command(self, node: Any) -> None:
        if node.has_error:
            return
        parts = [
            child
            for child in node.named_children
            if child.type not in ("variable_assignment", "comment") and not child.type.endswith("redirect")
        ]
        before = [child for child in node.named_children if child.type == "variable_assignment"]
        own: dict[str, Variable] = {}
        if before and parts:
            outside = dict(self.scope)
            for assignment in before:
                self.run(assignment)
            if _NEWLINE.search(self.text, before[-1].end_byte, parts[0].start_byte) is None:
                # Otherwise they are a separate line, which the grammar takes for the start of the command.
                own = {name: value for name, value in self.scope.items() if value is not outside.get(name)}
                self.scope = outside
        words = list(self.words(parts))
        if not words:
            return
        first = words[0].text
        if first in self.functions and first is not None:
            self.call(first, words[1:])
        elif first in _ASKING:
            for word in words[1:]:
                if word.text is not None and NAME.fullmatch(word.text):
                    self.scope[word.text] = replace(self.unknown(node), default=True)
        elif first in ("shift", "set"):
            for key in [key for key in self.scope if key.isdecimal()]:
                del self.scope[key]
        elif first in _READING and self.sets_again(first or "", words[1:], node):
            self.scope = {name: _default(value) for name, value in self.scope.items()}
        else:
            exported = {name: self.scope[name] for name in self.exported if name in self.scope}
            environment = {name: value for name, value in (exported | own).items() if isinstance(value, Word)}
            marked = self.text.find(b"\\ ", parts[0].start_byte, parts[-1].end_byte) >= 0
            escaped = self.escaped(parts) if marked else None
            self.commands.append(Command(tuple(words), self.span(node), self.turns, environment, self.files, escaped))

    def escaped(self, parts: list[Any]) -> Span | None:
        """The first backslash between two words of a line; the grammar takes one before a blank for a blank."""
        for last, following in pairwise(parts):
            between = _BACKSLASH.fullmatch(self.text, last.end_byte, following.start_byte)
            if between is not None:
                return Span(self.path, *between.span(1))
        return None

    def sets_again(self, first: str, given: list[Word], node: Any) -> bool:
        """Whether `source .env` or `eval "$1"` may set variables again; what activates an environment sets none that
        a script would have."""
        asked = self.raw(node)
        if first == "eval":
            return any(word.text is None for word in given) and not any(each in asked for each in _HOOKS)
        name = asked.split()[-1].rpartition("/")[2].strip("\"'")
        return any(each in name for each in _SETTINGS) and not any(each in asked for each in _HOOKS)

    def run_redirected(self, node: Any) -> None:
        """`read -r -d '' commands <<EOF`: the variable gets the lines that follow."""
        for child in node.named_children:
            self.run(child)
        written = self.written_file(node)
        if written is not None:
            self.files = {**self.files, written[0].removeprefix("./"): written[1]}
        elif self.raw(node).startswith("envsubst"):
            self.fill_in(node)
        body = node.child_by_field_name("body")
        words = [] if body is None else [self.raw(child) for child in body.named_children]
        if words[:1] == ["read"] and "-d" in words and NAME.fullmatch(words[-1]):
            text = self.here_document(node)
            if text is not None:
                self.scope[words[-1]] = text

    def fill_in(self, node: Any) -> None:
        """`envsubst < template > file`"""
        ways = {self.raw(each)[:1]: each for each in node.named_children if each.type == "file_redirect"}
        names = [list(self.words(ways[way].named_children)) if way in ways else [] for way in "<>"]
        texts = [each[0].text for each in names if len(each) == 1 and each[0].text]
        if len(texts) == len(names):
            held = {name: self.scope.get(name) for name in self.exported}
            values = {
                name: word.text for name, word in held.items() if isinstance(word, Word) and word.text is not None
            }
            template, file = texts
            self.files = {**self.files, str(file): Template(str(template), values, self.span(node))}

    def define(self, node: Any) -> None:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is not None and body is not None:
            self.functions[self.raw(name)] = body

    def call(self, name: str, arguments: list[Word] | None) -> None:
        self.called.add(name)
        places = {key: value for key, value in self.scope.items() if key.isdecimal() or key == "@"}
        for key in places:
            del self.scope[key]
        if arguments is not None and not any(word.many for word in arguments):
            self.scope |= {str(place): word for place, word in enumerate(arguments, start=1)}
            self.scope["@"] = tuple(arguments)
        body = self.functions.pop(name)  # a function that calls itself ends there
        try:
            self.run(body)
        finally:
            self.functions[name] = body
        for key in [key for key in self.scope if key.isdecimal() or key == "@"]:
            del self.scope[key]
        self.scope |= places

    # branches

    def run_if(self, node: Any) -> None:
        condition = node.child_by_field_name("condition")
        asked = self.raw(condition) if condition is not None else ""
        branches: list[list[Any]] = [[]]
        complete = False
        for child in node.named_children:
            if child.type in ("elif_clause", "else_clause"):
                branches.append(child.named_children)
                complete = complete or child.type == "else_clause"
            else:
                branches[0].append(child)
        self.branch(branches, complete, asked, self.choice(condition, len(branches), complete))

    def choice(self, condition: Any, branches: int, complete: bool) -> tuple[int | None, bool] | None:
        """The branch that is taken if a variable has the value that it has here (None: none of them), and whether that
        may be another one, by a default; None if it is not known. It is for `[ "$LORA" = true ]` alone."""
        if condition is None or condition.type != "test_command" or len(condition.named_children) != 1:
            return None
        test = condition.named_children[0]
        if test.type != "binary_expression":
            return None
        left, right = test.child_by_field_name("left"), test.child_by_field_name("right")
        operator = test.child_by_field_name("operator")
        if left is None or right is None or operator is None or self.raw(operator) not in ("=", "==", "!="):
            return None
        words = (self.joined(left), self.joined(right))
        if any(word.text is None or not _COMPARED.fullmatch(word.text) for word in words):
            return None
        by_default = any(word.default for word in words)
        if (words[0].text == words[1].text) == (self.raw(operator) != "!="):
            return 0, by_default
        if branches > 2 or (branches == 2 and not complete):
            return None  # another condition decides
        return (1 if complete else None), by_default

    def run_list(self, node: Any) -> None:
        """`[ … ] && x=1` and `…

        x=1`: the second part may not run.
        """
        statements = node.named_children
        if len(statements) < 2:
            return
        first, rest = statements[0], statements[1:]
        self.run(first)
        asked = self.raw(first)
        either = any(child.type == "||" for child in node.children)
        if either or first.type in _TESTS or asked.startswith(("test ", "grep ", "((", "!")):
            self.branch([rest], False, asked.replace("-n ", "-z ") if either else asked)
        else:
            for statement in rest:
                self.run(statement)

    def run_subshell(self, node: Any) -> None:
        before = dict(self.scope)
        for child in node.named_children:
            self.run(child)
        self.scope = before

    def run_case(self, node: Any) -> None:
        items = [child.named_children for child in node.named_children if child.type == "case_item"]
        self.branch(items, False)

    def branch(
        self,
        branches: list[list[Any]],
        complete: bool,
        asked: str = "",
        taken: tuple[int | None, bool] | None = None,
    ) -> None:
        """Runs each branch from the same start; what they leave is known where all agree, or from the one `taken`."""
        before = dict(self.scope)
        ends = [] if complete else [before]
        for statements in branches:
            self.scope = dict(before)
            for statement in statements:
                self.run(statement)
            ends.append(self.scope)
        self.scope = self.merged(ends, asked)
        if taken is not None:
            number, by_default = taken
            left = before if number is None else ends[number if complete else number + 1]
            for name in [name for name, value in left.items() if self.scope.get(name) != value]:
                self.scope[name] = _as_default(left[name]) if by_default else left[name]

    def merged(self, scopes: list[Scope], asked: str = "") -> Scope:
        found: Scope = {}
        for name in dict.fromkeys(name for scope in scopes for name in scope):
            values = [scope[name] for scope in scopes if name in scope]
            first = values[0]
            known = [value for value in values if isinstance(value, Word) and value.text is not None]
            given = [value for value in values if isinstance(value, Word) and value.text is None and value.default]
            if len(values) == len(scopes) and all(value == first for value in values):
                found[name] = first
            elif known and len(known) + len(given) == len(values) and len({word.text for word in known}) == 1:
                # A default: the other branches lead to the caller's value, or the test was whether there is one.
                if given or (len(values) < len(scopes) and "-z" in asked and name in asked):
                    found[name] = replace(known[0], default=True)
                elif len(values) == len(scopes):
                    found[name] = known[0]
                else:
                    found[name] = Word(None, known[0].span, many=True)
            elif len(given) == len(values):
                found[name] = given[0]
            else:
                found[name] = Word(None, first.span if isinstance(first, Word) else Span(self.path, 0, 0), many=True)
        return found

    # loops

    def run_for(self, node: Any) -> None:
        variable, body = node.child_by_field_name("variable"), node.child_by_field_name("body")
        if variable is None or body is None:
            return
        items = [child for child in node.named_children if child not in (variable, body) and child.type != "comment"]
        values = list(self.words(items))
        name = self.raw(variable)
        begun = len(self.commands)
        if not values or any(word.many for word in values):
            self.scope[name] = self.unknown(variable)
            self.loosely(body)
            turns = max((self.vast.get(word.span, 0) for word in values), default=0)
            if turns:
                self.cut_short(begun, f"a loop has {turns:,} iterations, but more than {MAX_TURNS} are not followed")
            return
        turns = len(values)
        if turns > MAX_TURNS:
            values = [*values[: MAX_TURNS - 1], values[-1]]
        around = self.turns
        for number, value in enumerate(values):
            self.turns = (*around, Turn(self.header(node, body), number))
            self.scope[name] = value
            self.run(body)
        self.turns = around
        if turns > MAX_TURNS:
            self.cut_short(begun, f"a loop has {turns:,} iterations, of which {MAX_TURNS} are followed")

    def run_counting_for(self, node: Any) -> None:
        begin, test, change, body = map(node.child_by_field_name, ("initializer", "condition", "update", "body"))
        if body is None:
            return
        if begin is not None:
            self.compute(begin)
        around = self.turns
        number, begun = 0, len(self.commands)
        while number < MAX_TURNS:
            holds = self.compute(test) if test is not None else None
            if holds is None:
                self.turns = around
                self.loosely(node)
                return
            if not holds:
                break
            self.turns = (*around, Turn(self.header(node, body), number))
            self.run(body)
            if change is None or self.compute(change) is None:
                break
            number += 1
        else:
            self.cut_short(begun, f"{MAX_TURNS} iterations of a loop are followed, but it has more")
        self.turns = around

    def cut_short(self, begun: int, lost: str) -> None:
        self.cut.append(Cut(slice(begun, len(self.commands)), lost))

    def loosely(self, node: Any) -> None:
        """A loop with an unknown number of iterations: what it assigns is not known inside it."""
        before = dict(self.scope)
        for name in _assigned(node):
            self.scope[name] = replace(self.unknown(node), default=True)
        body = node if node.type == "do_group" else node.child_by_field_name("body")
        if body is not None:
            self.run(body)
        self.scope = self.merged([before, self.scope])

    def header(self, loop: Any, body: Any) -> Span:
        """A loop without its body."""
        text = self.text[loop.start_byte : body.start_byte].rstrip(b" \t\r\n;")
        return Span(self.path, loop.start_byte, loop.start_byte + len(text))


_STATEMENTS: dict[str, Callable[[_Script, Any], None]] = {
    "variable_assignment": _Script.assign_variable,
    "variable_assignments": _Script.assign_variables,
    "unset_command": _Script.unset,
    "command": _Script.run_command,
    "redirected_statement": _Script.run_redirected,
    "function_definition": _Script.define,
    "if_statement": _Script.run_if,
    "list": _Script.run_list,
    "subshell": _Script.run_subshell,
    "case_statement": _Script.run_case,
    "for_statement": _Script.run_for,
    "c_style_for_statement": _Script.run_counting_for,
    "while_statement": _Script.loosely,
    "declaration_command": _Script.assign_variables,
}
"""The handler of a statement, by its type in the grammar."""


def _assigned(node: Any) -> set[str]:
    """The variables that the statements in a node assign."""
    found: set[str] = set()
    pending = [node]
    while pending:
        here = pending.pop()
        if here.type in ("variable_assignment", "postfix_expression", "unary_expression") and here.named_children:
            found.add(here.named_children[0].text.decode("utf-8", "replace"))
        pending += here.named_children
    return found
