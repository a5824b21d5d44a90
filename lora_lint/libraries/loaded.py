"""Config files that a program loads: their values, with the places in those files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from lora_lint.interpreter.values import Arguments, Const, DictVal, ListVal, Object, Opaque, Val
from lora_lint.libraries.convert import text_of

if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.readers.nodes import Node
    from lora_lint.source import SourceFile, Span

OPEN = "builtins.open"
NOT_KNOWN = "the program's config file is not known"


def opened(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`open(path)`: an object that remembers its path."""
    return Object(OPEN, arguments, span)


def parsed(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`yaml.safe_load(file)`, `json.load(file)`: the content of the file that was opened."""
    file = arguments.get("stream", 0) or arguments.get("fp", 0)
    path = file.arguments.get("file", 0) if isinstance(file, Object) and file.callee == OPEN else None
    return content(context, path, span) or Opaque(f"`{name}(…)`: {NOT_KNOWN}", span)


def content(context: Context, path: Val | None, span: Span) -> Val | None:
    """What a YAML or JSON file of the project holds; None if it is not known which, or it cannot be read.

    Values of a file whose name the command line may override may be overridden too.
    """
    if isinstance(path, Object) and path.callee == "pathlib.Path" and len(path.arguments.positional) == 1:
        path = path.arguments.positional[0]
    name = text_of(path)
    source = _find(context, name, span.path) if name else None
    if source is None or source.kind not in ("yaml", "json"):
        return None
    from lora_lint.readers.errors import Unreadable

    try:
        value = _value(root(source))
    except Unreadable:
        return None
    context.records.loads(span.path, [source.path])
    return _overridable(value) if isinstance(path, Const) and path.origin == "cli-default" else value


def _find(context: Context, name: str, program: str) -> SourceFile | None:
    """The file as the program would find it, started beside itself or in a folder above."""
    project = context.records.project
    if project is None or os.path.isabs(name):
        return None
    for folder in project.upwards(os.path.dirname(program)):
        path = os.path.normpath(os.path.join(folder, name)).replace(os.sep, "/")
        if project.exists(path):
            return project.load(path)
    return None


def root(source: SourceFile) -> Node:
    """The one document of a config file. Raises readers.errors.Unreadable."""
    if source.kind == "json":
        from lora_lint.readers.json import read_json

        return read_json(source)
    from lora_lint.readers.errors import Unreadable
    from lora_lint.readers.yaml import read_yaml

    documents = read_yaml(source)
    if len(documents) != 1:
        raise Unreadable("more than one document", None)
    return documents[0]


def _value(node: Node) -> Val:
    from lora_lint.readers.nodes import Mapping, Placeholder, Sequence

    if isinstance(node, Mapping):
        items: dict[Any, Val] = {entry.key.value: _value(entry.value) for entry in node.entries}
        return DictVal(items, node.span)
    if isinstance(node, Sequence):
        return ListVal([_value(item) for item in node.items], node.span)
    if isinstance(node.value, Placeholder):
        return Opaque("it is filled in when the run starts", node.span)
    return Const(node.value, node.span)


def _overridable(value: Val) -> Val:
    if isinstance(value, DictVal):
        return DictVal({key: _overridable(item) for key, item in value.items.items()}, value.span, value.open)
    return value.overridable()


YAML: dict[str, Handler] = dict.fromkeys(("safe_load", "load", "full_load", "unsafe_load"), parsed)
JSON: dict[str, Handler] = {"load": parsed}
BUILTINS: dict[str, Handler] = {"open": opened}
