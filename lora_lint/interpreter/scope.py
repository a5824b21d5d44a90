"""Names and what they are bound to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import ast

    from lora_lint.interpreter.values import Val
    from lora_lint.source import SourceFile, Span


class Module:
    """A file that is being followed: its source, and what its names can come from."""

    __slots__ = ("is_main", "scope", "source", "star_imports")

    def __init__(self, source: SourceFile, is_main: bool) -> None:
        self.source = source
        self.is_main = is_main
        self.star_imports: list[str] = []
        self.scope = Scope(self, None)


class Scope:
    """The local names of a function, class body or module, and the scope around it."""

    __slots__ = ("global_names", "module", "names", "outer")

    def __init__(self, module: Module, outer: Scope | None) -> None:
        self.module = module
        self.outer = outer
        self.names: dict[str, Val] = {}
        self.global_names: frozenset[str] = frozenset()


StepKind = Literal[
    "call",
    "comprehension",  # a turn of one that is followed turn by turn
    "loop",  # a turn of one that is followed turn by turn
    "vague",  # all turns of a loop, or of a comprehension, whose turns are not known one by one
    "once",  # a branch that only one turn of the loop around it takes
]


class Step(NamedTuple):
    """Where the machine is: the turn of a loop, or a call. Two runs made at one place differ in their steps."""

    kind: StepKind
    span: Span
    turn: int


class Condition(NamedTuple):
    """A condition that may or may not hold, and the branch of it that is being followed."""

    test: ast.expr
    taken: bool
    scope: Scope


class Frame:
    """A function call in progress."""

    __slots__ = ("node", "returns")

    def __init__(self, node: ast.AST | None) -> None:
        self.node = node
        self.returns: list[Val] = []


Signal = str
"""How a statement ends other than normally: "return", "break", "continue" or "raise"."""
