"""Accelerate: objects that are passed through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.interpreter.values import Arguments, ListVal, Val

if TYPE_CHECKING:
    from lora_lint.source import Span


def method(name: str, arguments: Arguments, span: Span) -> Val | None:
    """`accelerator.prepare(model, optimizer, …)` returns its arguments."""
    if name == "prepare" and arguments.positional:
        if len(arguments.positional) == 1:
            return arguments.positional[0]
        return ListVal(list(arguments.positional), span, "tuple", arguments.open)
    if name in ("unwrap_model", "prepare_model") and arguments.positional:
        return arguments.positional[0]
    return None
