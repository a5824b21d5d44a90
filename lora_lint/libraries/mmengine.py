"""Config files of mmengine and mmcv: Python, YAML or JSON, of which one may build on others.

Source: mmengine 0.10.7, config/config.py (`_file2dict`, `_merge_a_into_b`); mmcv 1.7, utils/config.py.
"""

from __future__ import annotations

import posixpath

from lora_lint.interpreter.definitions import Class, Deferred, Function, Namespace
from lora_lint.interpreter.values import Const, DictVal, External, Native, Val, as_text, either
from lora_lint.libraries import loaded
from lora_lint.libraries.convert import as_list, text_of
from lora_lint.libraries.namespaces import as_namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lora_lint.interpreter.values import Arguments
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

_BASE = "_base_"
_DELETE = "_delete_"
_MAX_DEPTH = 6
_NO_SETTINGS = (Function, Class, Namespace, Native, External, Deferred)


def from_file(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`Config.fromfile("configs/base.py")`: the settings as attributes and as keys."""
    given = arguments.get("filename", 0)
    paths = [as_text(option) for option in given.alternatives()] if given is not None else []
    read = [_content(context, path, span, 0) for path in paths]
    there = [each for each in read if each is not None]
    if not there or len(there) < len(read):
        return loaded.not_known(name, span)
    return either(
        as_namespace(each if _is_fixed(path) else _overridable(each)) for path, each in zip(paths, there, strict=True)
    )


def _is_fixed(path: Val) -> bool:
    return isinstance(path, Const) and path.origin != "cli-default"


def _overridable(content: DictVal) -> DictVal:
    """The settings of a file that callers may replace by another."""
    items = {
        key: _overridable(value) if isinstance(value, DictVal) else value.overridable()
        for key, value in content.items.items()
    }
    return DictVal(items, content.span, content.open)


def _content(context: Context, path: Val, span: Span, depth: int) -> DictVal | None:
    """What a file sets, on top of the files that it builds on."""
    name, project = text_of(path), context.records.project
    if name is None or project is None or depth > _MAX_DEPTH:
        return None
    place = project.by_end(span.path, name)
    own = None if place is None else _names(context, place) if place.endswith(".py") else _mapping(context, path, span)
    if place is None or own is None:
        return None
    items = dict(own.items)
    result = DictVal({}, span)
    for base in as_list(items.pop(_BASE, DictVal({}, span))) if _BASE in items else ():
        beside = text_of(base)
        at = Const(posixpath.normpath(posixpath.join(posixpath.dirname(place), beside)), span) if beside else None
        below = _content(context, at, span, depth + 1) if at is not None else None
        if below is None:
            return None
        result = _merged(below.items, result.items, span)
    return _merged(items, result.items, span)


def _mapping(context: Context, path: Val, span: Span) -> DictVal | None:
    found = loaded.content(context, path, span)
    return found if isinstance(found, DictVal) else None


def _names(context: Context, place: str) -> DictVal | None:
    """The settings that a Python file binds to names."""
    folder, file = posixpath.split(place)
    found = context.machine.loader.module(posixpath.join(folder, "_"), file.removesuffix(".py"), 1)
    if found is None:
        return None
    module, tree = found
    if not module.scope.names:
        context.machine.load(module, tree)
    items: dict[Any, Val] = {
        name: value
        for name, value in module.scope.names.items()
        if name == _BASE or not (name.startswith("_") or isinstance(value, _NO_SETTINGS))
    }
    return DictVal(items, None)


def _merged(new: Mapping[Any, Val], old: Mapping[Any, Val], span: Span) -> DictVal:
    """Settings on top of others, section by section; `_delete_=True` replaces a section."""
    items = dict(old)
    for key, value in new.items():
        below = items.get(key)
        if isinstance(value, DictVal) and _DELETE in value.items:
            items[key] = DictVal({k: v for k, v in value.items.items() if k != _DELETE}, value.span, value.open)
        elif isinstance(value, DictVal) and isinstance(below, DictVal):
            items[key] = _merged(value.items, below.items, span)
        else:
            items[key] = value
    return DictVal(items, span)


CALLS: dict[str, Handler] = {"Config.fromfile": from_file}
