"""Config files that a script writes before the command that reads them, each value where the script writes it."""

from __future__ import annotations

import re

from lora_lint import discovery
from lora_lint.readers import configs
from lora_lint.readers.errors import Unreadable
from lora_lint.readers.fragments import Fragment, Piece
from lora_lint.readers.nodes import Entry, Mapping, Scalar, Sequence
from lora_lint.readers.shell import Template
from lora_lint.records import replace
from lora_lint.source import SourceFile, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc

    from lora_lint.programs.launchers import Call
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Node

_VARIABLE = r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))"
"""What envsubst replaces (GNU gettext 0.22)."""


def document_of(call: Call, name: str | None, path: str) -> Mapping | None:
    """The config file of a name that the script at `path` has written before a call; None if it has written none, or
    something else."""
    fragment = call.files.get(name.removeprefix("./")) if name else None
    if isinstance(fragment, Template):
        return None
    kind = discovery.kind_of(name) if name else None
    if fragment is None or kind not in configs.KINDS:
        return None
    try:
        roots = configs.roots(SourceFile(path, kind, fragment.text))
    except (Unreadable, RecursionError):
        return None
    placed = _placed(roots[0], fragment, path) if len(roots) == 1 else None
    return placed if isinstance(placed, Mapping) else None


def filled_in(call: Call, path: str, project: Project) -> Call:
    """A call with the templates that the script at `path` has filled in before it: what is in them is where the script
    does so."""
    files: dict[str, Fragment | Template] = {}
    for name, file in call.files.items():
        place = project.nearest(path, file.name) if isinstance(file, Template) else None
        source = project.load(place) if place is not None else None
        if isinstance(file, Template) and source is not None:
            text = _filled(source.utf8.decode("utf-8", "replace"), file.values)
            files[name] = Fragment(text.encode(), (Piece(0, file.span.start, file.span.end, exact=False),))
        else:
            files[name] = file
    return replace(call, files=files)


def _filled(text: str, values: abc.Mapping[str, str]) -> str:
    """A template with the variables that are exported; those that are not known stay as they are."""
    return re.sub(_VARIABLE, lambda found: values.get(found[1] or found[2], found[0]), text)


def _placed(node: Node, fragment: Fragment, path: str) -> Node:
    """A part of the file with the places in the script."""
    span = Span(path, *fragment.place(node.span.start, node.span.end))
    if isinstance(node, Mapping):
        return Mapping(tuple(_entry(entry, fragment, path) for entry in node.entries), span)
    if isinstance(node, Sequence):
        return Sequence(tuple(_placed(item, fragment, path) for item in node.items), span)
    return replace(node, span=span)


def _entry(entry: Entry, fragment: Fragment, path: str) -> Entry:
    key = replace(entry.key, span=Span(path, *fragment.place(entry.key.span.start, entry.key.span.end)))
    assert isinstance(key, Scalar)
    return Entry(key, _placed(entry.value, fragment, path))
