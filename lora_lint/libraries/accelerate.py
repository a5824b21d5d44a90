"""Accelerate: objects that are handed through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.interpreter.values import Arguments, ListVal, Val

if TYPE_CHECKING:
    from lora_lint.source import Span


def method(name: str, arguments: Arguments, span: Span) -> Val | None:
    """`accelerator.prepare(model, optimizer, …)` returns what it is given."""
    if name == "prepare" and arguments.positional:
        if len(arguments.positional) == 1:
            return arguments.positional[0]
        return ListVal(list(arguments.positional), span, "tuple", arguments.open)
    if name in ("unwrap_model", "prepare_model") and arguments.positional:
        return arguments.positional[0]
    return None
