"""OmegaConf: config files read as attributes and as keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.interpreter.definitions import Instance
from lora_lint.libraries import loaded, parsers
from lora_lint.libraries.namespaces import as_namespace

if TYPE_CHECKING:
    from lora_lint.interpreter.values import Arguments, DictVal, Val
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


def namespace(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`OmegaConf.load(path)`: the content, to be read as attributes and as keys."""
    content = loaded.content(context, arguments.get("file_", 0) or arguments.get("f", 0), span)
    return as_namespace(content) if content is not None else loaded.not_known(name, span)


def merged(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`OmegaConf.merge(defaults, OmegaConf.from_cli())`: later settings override earlier ones, and one that is not
    known may override them all."""
    result = Instance(None, {}, arguments.open)
    for given in arguments.positional:
        spread = given.mapping()
        result = Instance(None, _overridden(result), open_=True) if spread is None else _over(result, spread)
    return result


def _over(below: Instance, above: DictVal) -> Instance:
    """Settings overridden by others."""
    both = dict(below.attributes)
    for key, each in above.items.items():
        value, before = as_namespace(each), both.get(str(key))
        inner = value.mapping() if isinstance(value, Instance) and isinstance(before, Instance) else None
        both[str(key)] = _over(before, inner) if inner is not None and isinstance(before, Instance) else value
    return Instance(None, both, below.open or above.open)


def _overridden(settings: Instance) -> dict[str, Val]:
    return {key: value.overridable() for key, value in settings.attributes.items()}


def unchanged(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`OmegaConf.to_container(cfg)`: the same settings, read as keys."""
    return arguments.get("cfg", 0)


CALLS: dict[str, Handler] = {
    "OmegaConf.load": namespace,
    "OmegaConf.merge": merged,
    "OmegaConf.structured": parsers.parsed,
    **dict.fromkeys(("OmegaConf.to_container", "OmegaConf.to_object"), unchanged),
}
