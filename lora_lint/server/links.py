"""Links between a text and the files that it names, and from a configuration file to the programs that read it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from lora_lint.readers import configs
from lora_lint.server.answers import Link
from lora_lint.source import Span
from lora_lint.system.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lora_lint.project import Project
    from lora_lint.server.positions import Place
    from lora_lint.source import SourceFile

_FILE = re.compile(rb"[\w./-]{1,200}\.(?:ya?ml|json|toml|py|sh|ipynb)\b")
_MOST_LINKS = 200
_MOST_READERS = 5
_FIRST_WORD = re.compile(rb"(?m)^[ \t]*([^\s#][^\s:=]*)")


def links_of(source: SourceFile, project: Project, place_of: Callable[[Span], Place]) -> tuple[Link, ...]:
    """The files of the project that a text names, from its own folder or from one above."""
    found: list[Link] = []
    for match in _FILE.finditer(source.utf8):
        name = match[0].decode()
        path = None if name.startswith(("/", "-", "//")) else project.nearest(source.path, name)
        if path is not None and path != source.path:
            span = Span(source.path, match.start(), match.end())
            found.append(Link(place_of(span), os.path.abspath(path), f"Open {visible(path)}"))
            if len(found) == _MOST_LINKS:
                break
    return tuple(found)


def readers_of(source: SourceFile, project: Project, place_of: Callable[[Span], Place]) -> Iterator[Link]:
    """The programs around a configuration file that name it, as links at its first key."""
    first = _FIRST_WORD.search(source.utf8)
    if source.kind not in configs.KINDS or first is None:
        return
    where = place_of(Span(source.path, first.start(1), first.end(1)))
    name = os.path.basename(source.path)
    for number, path in enumerate(project.programs_naming(name, source.path)):
        if number == _MOST_READERS:
            return
        yield Link(where, os.path.abspath(path), f"Read by {visible(path)}")
