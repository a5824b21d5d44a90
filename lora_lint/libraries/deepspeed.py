"""DeepSpeed: the engine that stands for a model, and its own options of a program (DeepSpeed 0.18, `__init__.py`)."""

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


def with_its_options(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`add_config_arguments(parser)`: the parser, with DeepSpeed's options too."""
    return arguments.get("parser", 0) or Opaque("the parser is not given", span)


CALLS: dict[str, Handler] = {"initialize": initialize, "add_config_arguments": with_its_options}
