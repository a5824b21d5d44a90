"""The shell text in a file of any kind."""

from __future__ import annotations

from lora_lint.readers.errors import Unreadable
from lora_lint.readers.fragments import Fragment, Piece

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.source import SourceFile

WINDOWS = (".bat", ".cmd", ".ps1")
"""The ends of the names of Windows' scripts."""


def fragments(source: SourceFile) -> tuple[Fragment, ...]:
    """What a file gives to a shell, each part with variables of its own; a script is one part."""
    if source.kind == "shell":
        if not source.path.lower().endswith(WINDOWS):
            return (Fragment(source.utf8),)
        from lora_lint.readers.windows import fragments as of_windows

        return of_windows(source)
    if source.kind == "make":
        from lora_lint.readers.makefile import fragments as found
    elif source.kind == "docker":
        from lora_lint.readers.dockerfile import fragments as found
    elif source.kind == "yaml":
        return _of_yaml(source)
    elif source.kind == "notebook":
        return tuple(_of_notebook(source))
    else:
        return ()
    return found(source)


def gives_commands(source: SourceFile) -> bool:
    """Whether a file may have text for a shell among other things, by a quick look."""
    if source.kind == "notebook":
        return bool(source.commands)
    return source.kind == "yaml" and yaml_gives_commands(source.utf8)


def yaml_gives_commands(utf8: bytes) -> bool:
    """The same of the bytes of a YAML file."""
    from lora_lint.readers import containers, skypilot

    return skypilot.is_task(utf8) or containers.has_containers(utf8)


def _of_yaml(source: SourceFile) -> tuple[Fragment, ...]:
    """The scripts of a task, or what containers run; none if the file is something else, or not YAML."""
    from lora_lint.readers import containers, skypilot
    from lora_lint.readers.yaml import read_yaml

    try:
        documents = read_yaml(source)
    except Unreadable:
        return ()
    return skypilot.fragments(documents, source) or containers.fragments(documents, source)


def _of_notebook(source: SourceFile) -> list[Fragment]:
    found = []
    for line, text in source.commands:
        start = source.line_starts[line]
        found.append(Fragment(text, (Piece(0, start, start + len(text), exact=True),)))
    return found
