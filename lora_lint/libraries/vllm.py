"""vLLM in a program: its engines, and the adapters that it loads.

Source: vllm 0.11, vllm/lora/request.py (LoRARequest) and vllm/entrypoints/llm.py (`LLM`, which passes its arguments on
to the engine's).
"""

from __future__ import annotations

from lora_lint.interpreter.values import Object
from lora_lint.libraries.effects import ServedAdapter, ServingEngine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


def engine(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`LLM(model=…, enable_lora=True, max_lora_rank=…)`."""
    context.records.add_engine(ServingEngine(arguments, span))
    return Object(name, arguments, span)


def request(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`LoRARequest("name", 1, folder)`."""
    folder = arguments.get("lora_path", 2) or arguments.get("lora_local_path", 2)
    if folder is not None:
        context.records.add_served(ServedAdapter(folder, span, arguments.get("lora_int_id", 1)))
    return Object(name, arguments, span)


CALLS: dict[str, Handler] = {
    **dict.fromkeys(("LLM", "EngineArgs", "AsyncEngineArgs", "engine.arg_utils.AsyncEngineArgs"), engine),
    **dict.fromkeys(("request.LoRARequest", "LoRARequest"), request),
}
