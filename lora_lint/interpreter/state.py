"""Where the machine is while it follows a program."""

from __future__ import annotations

from lora_lint.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from typing import Literal

    from lora_lint.interpreter.values import Val
    from lora_lint.run.choices import Case, OptionChoice
    from lora_lint.source import Span

    StepKind = Literal[
        "call",
        "comprehension",  # one iteration of a comprehension
        "loop",  # one iteration of a loop
        "vague",  # all iterations of a loop or comprehension that is not followed one by one
        "once",  # a branch that only one iteration of the enclosing loop takes
    ]
    Signal = Literal["return", "break", "continue", "raise"]
    """How a statement ends its block."""


class Step(NamedTuple):
    """Where the machine is: the iteration of a loop, or a call. Two runs created at one place differ in their steps."""

    kind: StepKind
    span: Span
    turn: int


class Frame:
    """A function call in progress: what it may return, in which case each, and the case that is being followed."""

    __slots__ = ("case", "node", "returns")

    def __init__(self, node: ast.AST | None) -> None:
        self.node = node
        self.returns: list[tuple[Val, Case]] = []
        self.case: list[OptionChoice] = []
