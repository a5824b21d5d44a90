"""Config files that a program loads: their values, with the places in those files."""

from __future__ import annotations

import os
import re

from lora_lint.interpreter.values import (
    Arguments,
    Const,
    DictVal,
    Either,
    ListVal,
    Object,
    Opaque,
    Unparsed,
    Val,
    as_text,
    either,
)
from lora_lint.libraries.convert import text_of
from lora_lint.run.values import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lora_lint.interpreter.machine import Machine
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping, Node
    from lora_lint.source import SourceFile, Span

OPEN = "builtins.open"
_TEXT_FOR_PYYAML = rb"[-+]?[0-9][0-9_]*(?:\.[0-9_]*[eE][0-9]+|[eE][-+]?[0-9]+)"
"""What YAML 1.2 has for a number, and PyYAML 6.0 (resolver.py) does not: without a point, or without a sign in the
exponent."""
_CONTENT = frozenset({"read", "readlines", "strip", "splitlines"})


class Unfilled(Opaque):
    """A value in a config file that something fills in later; `text` is how the file writes it: `${rank}`."""

    __slots__ = ("text",)

    def __init__(self, text: str, span: Span) -> None:
        super().__init__("it is filled in when the run starts", span)
        self.text = text


class Setting(Const):
    """A text in a config file that callers may replace by another file: where a program asks whether there is one, as
    for the file that this one extends, it is about this file."""

    __slots__ = ()

    def __init__(self, value: str, span: Span | None) -> None:
        super().__init__(value, span, "cli-default")

    def truth(self) -> bool | None:
        return bool(self.value)

    def overridable(self) -> Val:
        return self


def opened(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`open(path)`: an object that remembers its path."""
    return Object(OPEN, arguments, span)


def method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`file.read()`, `file.readlines()`: the content of a file is represented by the file itself."""
    return owner if name in _CONTENT or (name == "split" and text_of(arguments.get("sep", 0)) == "\n") else None


def parsed(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`yaml.safe_load(file)`, `json.load(file)`: the content of the opened file."""
    value = content(context, opened_path(file_argument(arguments)), span, by_pyyaml=name.startswith("yaml."))
    hook = arguments.keywords.get("object_hook")
    if value is not None and hook is not None:
        value = _hooked(context.machine, value, hook, span)
    return value or not_known(name, span)


def _hooked(machine: Machine, value: Val, hook: Val, span: Span) -> Val:
    """What `object_hook` makes of each object of a JSON file, the inner ones first."""
    if isinstance(value, ListVal):
        return ListVal([_hooked(machine, item, hook, span) for item in value.items], value.span)
    if not isinstance(value, DictVal):
        return value
    made = {key: _hooked(machine, item, hook, span) for key, item in value.items.items()}
    return machine.call(hook, Arguments([DictVal(made, value.span, value.open)], {}, {}), span)


def parsed_at(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`toml.load(path)`, which also takes an opened file."""
    given = file_argument(arguments)
    return content(context, opened_path(given) or given, span) or not_known(name, span)


def file_argument(arguments: Arguments) -> Val | None:
    """The argument of a parser: a file, or its text."""
    return next((found for key in ("stream", "fp", "s", "f") if (found := arguments.get(key, 0)) is not None), None)


def opened_path(file: Val | None) -> Val | None:
    """The path of an opened file."""
    if isinstance(file, Either):
        paths = [opened_path(option) for option in file.options]
        every = [path for path in paths if path is not None]
        return either(every, file.cases) if len(every) == len(paths) else None
    if not isinstance(file, Object) or file.callee != OPEN:
        return None
    return file.arguments.get("file", 0) or file.arguments.get("filename", 0)


def not_known(name: str, span: Span) -> Opaque:
    """The content of a file that cannot be read here."""
    return Opaque(f"`{name}(…)`: the program's config file is not known", span, Reason.CONFIG)


def content(
    context: Context,
    path: Val | None,
    span: Span,
    read: Callable[[SourceFile], Node] | None = None,
    *,
    by_pyyaml: bool = False,
) -> Val | None:
    """The content of a YAML, JSON or TOML file of the project, or of another that `read` reads; None if it is not known
    which, or it cannot be read.

    If the command line may override the file's name, or the file is known only by the end of its path, its values may
    be overridden too. Of several files, those that the project has count. `by_pyyaml`: PyYAML reads it, which takes
    some numbers for texts.
    """
    from lora_lint.readers.errors import Unreadable

    if isinstance(path, Either):
        each = [(content(context, option, span, read, by_pyyaml=by_pyyaml), case) for option, case in path.of_cases()]
        there = [(value, case) for value, case in each if value is not None]
        return either([value for value, _ in there], [case for _, case in there]) if there else None
    path = as_text(path) if path is not None else None
    name, project = text_of(path), context.records.project
    if name is not None and read is None and (written := context.records.written.get(name)) is not None:
        return _value(written)
    place = project.by_end(span.path, name) if project is not None and name else None
    if project is None or place is None:
        return None
    try:
        document = _document(project, place, read)
    except Unreadable:
        return None
    if document is None:
        return None
    source = project.load(place) if by_pyyaml else None
    value = _value(document, source.utf8 if source is not None and source.kind == "yaml" else b"")
    context.records.loads(span.path, [place])
    calls = {step.span.path: step.span for step in context.machine.trail if step.kind == "call"}  # the last of each
    for program, call in calls.items():
        if program != span.path:
            context.records.loads(program, [place], call)
    sure = isinstance(path, Const) and path.origin != "cli-default" and not os.path.isabs(path.value)
    return value if sure else _overridable(value)


def mapping(project: Project, place: str) -> Mapping | None:
    """The mapping in a config file; None if it is of another kind, cannot be read or contains something else."""
    from lora_lint.readers.errors import Unreadable
    from lora_lint.readers.nodes import Mapping

    try:
        document = _document(project, place)
    except (Unreadable, RecursionError):
        return None
    return document if isinstance(document, Mapping) else None


def _document(project: Project, place: str, read: Callable[[SourceFile], Node] | None = None) -> Node | None:
    """The document in a config file; None if it is of another kind. Raises Unreadable."""
    from lora_lint.readers import configs

    if read is not None:
        plain = project.load(place, "ini")
        return read(plain) if plain is not None else None
    source = project.load(place)
    return root(source) if source is not None and source.kind in configs.KINDS else None


def root(source: SourceFile) -> Node:
    """The one document of a config file. Raises readers.errors.Unreadable."""
    from lora_lint.readers.configs import roots
    from lora_lint.readers.errors import Unreadable

    documents = roots(source)
    if len(documents) != 1:
        raise Unreadable("more than one document", None)
    return documents[0]


def _value(node: Node, yaml: bytes = b"") -> Val:
    """What a program sees of a document; `yaml` is its text where PyYAML reads it."""
    from lora_lint.readers.nodes import Mapping, Placeholder, Sequence

    if isinstance(node, Mapping):
        items: dict[Any, Val] = {entry.key.value: _value(entry.value, yaml) for entry in node.entries}
        return DictVal(items, node.span)
    if isinstance(node, Sequence):
        return ListVal([_value(item, yaml) for item in node.items], node.span)
    if isinstance(node.value, Placeholder):
        return Unfilled(node.value.text, node.span)
    if yaml and type(node.value) is float and re.fullmatch(_TEXT_FOR_PYYAML, yaml[node.span.start : node.span.end]):
        return Unparsed(node.value, node.span)
    return Const(node.value, node.span)


def _overridable(value: Val) -> Val:
    if isinstance(value, DictVal):
        return DictVal({key: _overridable(item) for key, item in value.items.items()}, value.span, value.open)
    if isinstance(value, Const) and isinstance(value.value, str):
        return Setting(value.value, value.span)
    return value.overridable()


def reader(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`ruamel.yaml.YAML()`: an object that loads files."""
    return Object("ruamel.yaml.YAML", arguments, span)


def reader_method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`YAML().load(file)`, which takes its path too."""
    return parsed_at(context, "YAML().load", arguments, span) if name == "load" else None


YAML: dict[str, Handler] = dict.fromkeys(("safe_load", "load", "full_load", "unsafe_load"), parsed)
TOML: dict[str, Handler] = {"load": parsed_at, "loads": parsed}
RUAMEL: dict[str, Handler] = {"YAML": reader}
