"""Accelerate: objects that are passed through, and configs that it checks."""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, ListVal, Object, Val

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

_CHECKED = (
    *("Accelerator", "FullyShardedDataParallelPlugin", "DeepSpeedPlugin", "BnbQuantizationConfig"),
    "ParallelismConfig",
)
"""Classes whose refusals are known."""


def checked(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A config, or the Accelerator itself."""
    context.records.add_checked("accelerate", Object(name.rpartition(".")[2], arguments, span))
    return None


def method(name: str, arguments: Arguments, span: Span) -> Val | None:
    """`accelerator.prepare(model, optimizer, …)` returns its arguments."""
    if name == "prepare" and arguments.positional:
        if len(arguments.positional) == 1:
            return arguments.positional[0]
        return ListVal(list(arguments.positional), span, "tuple", arguments.open)
    if name in ("unwrap_model", "prepare_model") and arguments.positional:
        return arguments.positional[0]
    return None


CALLS: dict[str, Handler] = dict.fromkeys(_CHECKED, checked)
