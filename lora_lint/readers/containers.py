"""Containers in the files of Kubernetes and Compose, each as the `docker run` that it amounts to.

Source: Kubernetes 1.34, core/v1 Container (`command` replaces the entry point of the image, `args` its arguments);
the Compose specification (`entrypoint`, `command`, `volumes`, `environment`).
"""

from __future__ import annotations

import re
import shlex

from lora_lint.readers.fragments import VARIABLE, Writer, inert
from lora_lint.readers.nodes import Mapping, Scalar, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.readers.fragments import Fragment
    from lora_lint.readers.nodes import Node
    from lora_lint.source import SourceFile

_MARK = re.compile(rb"(?m)^[ \t-]*image[ \t]*:[ \t]*[\"'$\w]")
"""An image; schemas have the key too, with what its value may be below."""
_SHELL = re.compile(r"(?:.*/)?(?:ba|da|z)?sh$")
_SCRIPT = re.compile(r"-\w*c$")


def has_containers(utf8: bytes) -> bool:
    """Whether a YAML file may describe containers, by its bytes."""
    return _MARK.search(utf8) is not None


def fragments(documents: tuple[Node, ...], source: SourceFile) -> tuple[Fragment, ...]:
    """What the containers of a file run; nothing if the file is something else."""
    found = (_fragment(each, composed, source) for document in documents for each, composed in _containers(document))
    return tuple(fragment for fragment in found if fragment is not None)


def _containers(node: Node, composed: bool = False) -> Iterator[tuple[Mapping, bool]]:
    """The containers below a node, each with whether it is a service of Compose."""
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _containers(item)
    elif isinstance(node, Mapping):
        if isinstance(node.get("image"), Scalar):
            yield node, composed
        services = node.get("services")
        for entry in node.entries:
            if entry.value is not services:
                yield from _containers(entry.value)
        for entry in services.entries if isinstance(services, Mapping) else ():
            yield from _containers(entry.value, composed=True)


def _fragment(container: Mapping, composed: bool, source: SourceFile) -> Fragment | None:
    entry = container.get("entrypoint" if composed else "command")
    arguments = container.get("command" if composed else "args")
    image = container.get("image")
    if (entry is None and arguments is None) or not isinstance(image, Scalar):
        return None
    writer = Writer(source.utf8)
    script = _script([*_parts(entry), *_parts(arguments)])
    if script is not None:
        for name, value in _environment(container):
            writer.write(f'{name}="{inert(value.raw)}"\n'.encode(), value.span.start, value.span.end)
        writer.copy_value(*script)
        return writer.fragment()
    writer.write(b"docker run ", image.span.start, image.span.start)
    for volume in _items(container.get("volumes")):
        if isinstance(volume, Scalar):
            _write(writer, "-v", volume)
            _write(writer, volume.raw, volume)
    if entry is not None:
        _write(writer, "--entrypoint=", image)
    _write(writer, image.raw, image)
    for part in (entry, arguments):
        if isinstance(part, Scalar):
            writer.copy_value(part.raw, part.span.start, part.span.end)
            writer.write(b" ", part.span.end, part.span.end)
        for item in _items(part):
            if isinstance(item, Scalar):
                _write(writer, item.raw, item)
    return writer.fragment()


def _write(writer: Writer, text: str, place: Scalar) -> None:
    """A word, in single quotes; one that a template fills in, or that these cannot hold, is not known."""
    known = isinstance(place.value, str | int | float) and "'" not in text and "$" not in text
    writer.write(f"'{text}'".encode() if known else b"$_", place.span.start, place.span.end)
    writer.write(b" ", place.span.end, place.span.end)


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else ()


def _parts(node: Node | None) -> Iterator[tuple[str, Scalar]]:
    """The words of a command, each with where it is written."""
    if isinstance(node, Scalar):
        try:
            words = shlex.split(node.raw)
        except ValueError:
            return
        yield from ((word, node) for word in words)
    yield from ((item.raw, item) for item in _items(node) if isinstance(item, Scalar))


def _script(words: list[tuple[str, Scalar]]) -> tuple[str, int, int] | None:
    """The script of `sh -c …`, and where it is written."""
    if len(words) < 3 or not (_SHELL.match(words[0][0]) and _SCRIPT.match(words[1][0])):
        return None
    text, place = words[2]
    return text, place.span.start, place.span.end


def _environment(container: Mapping) -> Iterator[tuple[str, Scalar]]:
    """The variables that a container sets: `environment: {NAME: value}`, `env: [{name: NAME, value: value}]`."""
    given = container.get("environment")
    pairs: list[tuple[Node | None, Node | None]] = []
    if isinstance(given, Mapping):
        pairs += ((entry.key, entry.value) for entry in given.entries)
    pairs += (
        (item.get("name"), item.get("value")) for item in _items(container.get("env")) if isinstance(item, Mapping)
    )
    for name, value in pairs:
        if isinstance(name, Scalar) and isinstance(value, Scalar) and VARIABLE.fullmatch(str(name.value)):
            yield str(name.value), value
