"""Tinker: a service that trains adapters. It chooses alpha and the layers.

Source: tinker 0.25.0 of 2026-08-08, lib/public_interfaces/{service_client,training_client}.py.
"""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Const, Object, Opaque
from lora_lint.libraries.context import Manner
from lora_lint.libraries.effects import ModelRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Val
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

SERVICE = "tinker.ServiceClient"
_RANK = 32
_CREATES = ("create_lora_training_client", "create_lora_training_client_async")


def service(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`tinker.ServiceClient()`"""
    del context, name
    return Object(SERVICE, arguments, span)


def method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`service_client.create_lora_training_client(base_model=…, rank=32)`. Servers that imitate the service, which
    have an address of their own, train the whole model at 0."""
    if name not in _CREATES:
        return None
    base = arguments.get("base_model", 0) or Opaque("the model's name is not given", span)
    rank = arguments.get("rank", 1)
    if isinstance(rank, Const) and rank.value == 0 and owner.arguments.get("base_url") is not None:
        return None
    return client(context, base, rank, arguments.span("rank", 1), span, open_=arguments.open)


def client(
    context: Context, base: Val, rank: Val | None, place: Span | None, span: Span, *, open_: bool = False
) -> Val:
    """A model of the service with an adapter."""
    chosen = Opaque("Tinker chooses it", span)
    given = Arguments(
        [],
        {
            "r": rank or Const(_RANK, span, "framework-default"),
            "lora_alpha": chosen,
            "target_modules": chosen,
        },
        {} if place is None else {"r": place},
        open_,
    )
    config = context.config("LoraConfig", given, span, "tinker")
    model = context.model(span, "create_lora_training_client", Arguments([], {}, {}), ModelRecord(base))
    return context.wrap(model, config, span, Manner("tinker"))


CALLS: dict[str, Handler] = {"ServiceClient": service}
