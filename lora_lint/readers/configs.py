"""Configuration files as trees, whatever their language."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.readers.nodes import Node
    from lora_lint.source import FileKind, SourceFile

KINDS: frozenset[FileKind] = frozenset({"yaml", "json", "toml"})


def roots(source: SourceFile) -> tuple[Node, ...]:
    """The documents of a YAML, JSON or TOML file. Raises readers.errors.Unreadable."""
    if source.kind == "json":
        from lora_lint.readers.json import read_json

        return (read_json(source),)
    if source.kind == "toml":
        from lora_lint.readers.toml import read_toml

        return (read_toml(source),)
    from lora_lint.readers.yaml import read_yaml

    return tuple(read_yaml(source))
