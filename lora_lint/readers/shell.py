"""Shell scripts as text: their syntax tree, and the words and commands that result from following them.

The grammar is tree-sitter's (tree-sitter-bash 0.25), which accepts any text: what it cannot parse is skipped. The
effects of a script are followed in `interpreter.shell`.
"""

from __future__ import annotations

import re
from functools import cache

from lora_lint.readers.errors import Unreadable
from lora_lint.records import NamedTuple, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lora_lint.readers.fragments import Fragment
    from lora_lint.source import Span

MAX_BYTES = 1_000_000
"""A larger file is data: scripts that people write are far smaller."""


@dataclass(frozen=True)
class Word:
    """One word of a command after its expansion. `text` is None if it cannot be known.

    `span` is where the text is written: in the command, or in the assignment or the loop's list that it comes from.
    `default`: the environment, or the script's caller, may give another one. `many`: not known, and perhaps several
    words or none. `head` and `tail` are the known start and end of a word that is not known as a whole. `parts` are the
    words of the lines of a here-document, each where it is written, which it is apart without quotes.
    """

    text: str | None
    span: Span
    default: bool = False
    many: bool = False
    head: str = ""
    tail: str = ""
    parts: tuple[Word, ...] = ()

    @property
    def beginning(self) -> str:
        """The text, or the known start of one that is not known as a whole."""
        return self.head if self.text is None else self.text


class Turn(NamedTuple):
    """The `number`th iteration of the loop whose head is at `loop`, or that job of an array."""

    loop: Span
    number: int
    array: bool = False


@dataclass(frozen=True)
class Template:
    """A file that `envsubst < template > file` fills in: the template's name, and the variables that are exported."""

    name: str
    values: Mapping[str, str]
    span: Span


@dataclass(frozen=True)
class Command:
    """A simple command as it runs in one iteration of each enclosing loop."""

    words: tuple[Word, ...]
    span: Span
    turns: tuple[Turn, ...] = ()
    environment: Mapping[str, Word] = field(default_factory=dict)
    """The variables that the script exports, or sets for this command alone."""
    files: Mapping[str, Fragment | Template] = field(default_factory=dict)
    """The files that the script has written before it, by name, each with the places of its text in the script."""
    escaped: Span | None = None
    """The first backslash between two words of a line: with it the blank behind it is a word too, which is not in
    `words`."""


def read_tree(script: bytes) -> tuple[bytes, Any]:
    """A script with line ends of one byte, and its syntax tree, whose places apply to that text and to the script.
    Raises readers.errors.Unreadable if the parser is not installed."""
    text = script.replace(b"\\\r\n", b" \\\n").replace(b"\r\n", b" \n")  # as many bytes as before
    return text, _parser().parse(_DEADLY.sub(_harmless, text)).root_node


_DEADLY = re.compile(rb"\{\d*(?:\.\.\d*)?[\x80-\xff]+")
"""Text that may be a range such as `{1..4}` but has a non-ASCII character where a digit could be: there
tree-sitter-bash 0.25.1 calls C's `isdigit` (scanner.c, `scan`), which reads beyond its table for characters above 255
and may crash the process."""


def _harmless(found: re.Match[bytes]) -> bytes:
    ascii_ = found[0].rstrip(bytes(range(128, 256)))
    return ascii_ + b"%" * (len(found[0]) - len(ascii_))


@cache
def _parser() -> Any:
    try:
        import tree_sitter
        import tree_sitter_bash
    except ImportError as error:
        raise Unreadable(f"Reading shell scripts needs tree-sitter and tree-sitter-bash ({error})") from None
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))
