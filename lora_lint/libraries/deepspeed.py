"""DeepSpeed: the engine that stands for a model."""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, ListVal, Opaque, Val

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


def initialize(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`initialize.initialize(model=…)`: the engine stands for the model."""
    model = arguments.get("model", 1) or Opaque("the model is not given", span)
    rest: list[Val] = [Opaque("initialize returns it", span) for _ in range(3)]
    return ListVal([model, *rest], span, "tuple")


CALLS: dict[str, Handler] = {"initialize": initialize}
