"""Config files that a program loads: their values, with the places in those files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from lora_lint.interpreter.values import Arguments, Const, DictVal, ListVal, Object, Opaque, Val, as_text
from lora_lint.libraries.convert import text_of
from lora_lint.run.values import Reason

if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.readers.nodes import Node
    from lora_lint.source import SourceFile, Span

OPEN = "builtins.open"


def opened(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`open(path)`: an object that remembers its path."""
    return Object(OPEN, arguments, span)


def method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`file.read()`: the text of a file goes by the file that it is in."""
    return owner if name == "read" else None


def parsed(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`yaml.safe_load(file)`, `json.load(file)`: the content of the file that was opened."""
    file = arguments.get("stream", 0) or arguments.get("fp", 0) or arguments.get("s", 0)
    path = file.arguments.get("file", 0) if isinstance(file, Object) and file.callee == OPEN else None
    return content(context, path, span) or not_known(name, span)


def not_known(name: str, span: Span) -> Opaque:
    """The content of a file that cannot be read here."""
    return Opaque(f"`{name}(…)`: the program's config file is not known", span, Reason.CONFIG)


def content(context: Context, path: Val | None, span: Span) -> Val | None:
    """What a YAML or JSON file of the project holds; None if it is not known which, or it cannot be read.

    Values of a file whose name the command line may override may be overridden too, and so may those of a file that is
    only known by the end of its path.
    """
    path = as_text(path) if path is not None else None
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
    sure = isinstance(path, Const) and path.origin != "cli-default" and not os.path.isabs(path.value)
    return value if sure else _overridable(value)


def _find(context: Context, name: str, program: str) -> SourceFile | None:
    """The file as the program would find it, started beside itself or in a folder above. Of a path on the author's
    machine the project may have the end: `configs/sft.yaml` of `/home/me/project/configs/sft.yaml`."""
    project = context.records.project
    if project is None:
        return None
    written = _tails(name) if os.path.isabs(name) else (name,)
    place = next((found for each in written if (found := project.nearest(program, each)) is not None), None)
    return project.load(place) if place is not None else None


def _tails(path: str) -> list[str]:
    """The ends of an absolute path that name a folder too, the longest first; a bare file name is too little."""
    parts = path.strip("/").split("/")
    return ["/".join(parts[start:]) for start in range(len(parts) - 1)]


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
