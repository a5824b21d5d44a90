"""typing: functions that only concern type checkers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.context import Context
    from lora_lint.source import Span


def cast(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`cast(Model, model)`: the unchanged value."""
    return arguments.get("val", 1)
