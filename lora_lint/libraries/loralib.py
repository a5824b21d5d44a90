"""loralib: layers that contain an adapter.

Source: loralib 0.1.2, layers.py. Without a rank a layer has no adapter.
"""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Const, Val

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

_DIALECT = "loralib"
_DEFAULTS = {"lora_alpha": 1, "lora_dropout": 0.0}


def layer(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`lora.Linear(64, 64, r=8, lora_alpha=16)`; layers with the same settings are one run."""
    del name
    rank = arguments.get("r")
    if rank is None or (isinstance(rank, Const) and not rank.value):
        return None
    keywords = {"r": rank}
    for key, usual in _DEFAULTS.items():
        keywords[key] = arguments.get(key) or Const(usual, span, "framework-default")
    spans: dict[str | int, Span] = {key: place for key in keywords if (place := arguments.span(key)) is not None}
    ours = (each for each in context.records.configs if each.data.dialect == _DIALECT)
    if all(_plain(each.arguments.keywords) != _plain(keywords) for each in ours):
        context.config("LoraConfig", Arguments([], keywords, spans), span, _DIALECT)
    return None


def _plain(keywords: dict[str, Val]) -> dict[str, object]:
    """The settings, those that are not known as None."""
    return {key: value.value if isinstance(value, Const) else None for key, value in keywords.items()}


CALLS: dict[str, Handler] = dict.fromkeys(("Linear", "MergedLinear", "Embedding", "Conv1d", "Conv2d", "Conv3d"), layer)
