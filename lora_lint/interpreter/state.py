"""Where the machine is while it follows a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import ast

    from lora_lint.interpreter.values import Val
    from lora_lint.source import Span


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


class Frame:
    """A function call in progress."""

    __slots__ = ("node", "returns")

    def __init__(self, node: ast.AST | None) -> None:
        self.node = node
        self.returns: list[Val] = []


Signal = str
"""How a statement ends other than normally: "return", "break", "continue" or "raise"."""
