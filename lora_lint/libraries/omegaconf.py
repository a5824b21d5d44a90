"""OmegaConf: config files read as attributes and as keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.interpreter.definitions import Instance
from lora_lint.interpreter.values import Arguments, DictVal, ListVal, Opaque, Val
from lora_lint.libraries import loaded

if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


def namespace(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`OmegaConf.load(path)`: the content, to be read as attributes and as keys."""
    content = loaded.content(context, arguments.get("file_", 0) or arguments.get("f", 0), span)
    return _as_namespace(content) if content is not None else Opaque(f"`{name}(…)`: {loaded.NOT_KNOWN}", span)


def unchanged(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`OmegaConf.to_container(cfg)`: the same settings, read as keys."""
    return arguments.get("cfg", 0)


def _as_namespace(value: Val) -> Val:
    if isinstance(value, DictVal):
        return Instance(None, {str(key): _as_namespace(item) for key, item in value.items.items()})
    if isinstance(value, ListVal):
        return ListVal([_as_namespace(item) for item in value.items], value.span, value.kind)
    return value


CALLS: dict[str, Handler] = {
    "OmegaConf.load": namespace,
    **dict.fromkeys(("OmegaConf.to_container", "OmegaConf.to_object"), unchanged),
}
