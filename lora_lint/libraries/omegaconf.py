"""OmegaConf: config files read as attributes and as keys."""

from __future__ import annotations

import re

from lora_lint.interpreter.definitions import Instance
from lora_lint.interpreter.values import Const, DictVal, ListVal
from lora_lint.libraries import loaded, parsers
from lora_lint.libraries.namespaces import as_namespace, laid_over, overridden
from lora_lint.readers.yaml import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

_MAX_HOPS = 8
_REFERENCE = re.compile(r"\$\{([\w.]+)\}")
_VARIABLE = re.compile(r"\$\{oc\.env:\w+,([^{}]+)\}")


def namespace(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`OmegaConf.load(path)`: the content, to be read as attributes and as keys."""
    content = loaded.content(context, arguments.get("file_", 0) or arguments.get("f", 0), span)
    return as_namespace(_filled(content, content)) if content is not None else loaded.not_known(name, span)


def _filled(value: Val, whole: Val, hops: int = 0) -> Val:
    """A value with the references in it replaced: `${lora.rank}`, `${oc.env:RANK,8}`."""
    if isinstance(value, DictVal):
        items = {key: _filled(item, whole, hops) for key, item in value.items.items()}
        return DictVal(items, value.span, value.open)
    if isinstance(value, ListVal):
        return ListVal([_filled(item, whole, hops) for item in value.items], value.span)
    if not isinstance(value, loaded.Unfilled) or hops > _MAX_HOPS:
        return value
    variable = _VARIABLE.fullmatch(value.text)
    if variable is not None:
        return Const(resolve(variable[1].strip()), value.span, "cli-default")
    reference = _REFERENCE.fullmatch(value.text)
    found: Val | None = whole if reference is not None else None
    for part in reference[1].split(".") if reference is not None else ():
        found = found.items.get(part) if isinstance(found, DictVal) else None
    return _filled(found, whole, hops + 1) if found is not None else value


def merged(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`OmegaConf.merge(defaults, OmegaConf.from_cli())`: later settings override earlier ones, and one that is not
    known, or a file that callers choose, may override them all."""
    result = Instance(None, {}, arguments.open)
    for given in arguments.positional:
        spread = given.mapping()
        result = Instance(None, overridden(result), open_=True) if spread is None else laid_over(result, spread)
    return result


def updated(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`OmegaConf.update(cfg, key, value)`: of a key that is not known it may be any."""
    owner, key = arguments.get("cfg", 0), arguments.get("key", 1)
    if owner is not None and not (isinstance(key, Const) and key.origin != "cli-default"):
        owner.unsettle(context.machine)
    return None


def created(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`OmegaConf.create({"rank": 8})`."""
    given = arguments.get("obj", 0)
    return as_namespace(given) if isinstance(given, DictVal) else given if isinstance(given, Instance) else None


def unchanged(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`OmegaConf.to_container(cfg)`: the same settings, read as keys."""
    return arguments.get("cfg", 0)


CALLS: dict[str, Handler] = {
    "OmegaConf.create": created,
    "OmegaConf.load": namespace,
    "OmegaConf.merge": merged,
    "OmegaConf.update": updated,
    "OmegaConf.structured": parsers.parsed,
    **dict.fromkeys(("OmegaConf.to_container", "OmegaConf.to_object"), unchanged),
}
