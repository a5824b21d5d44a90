"""The kind of a file that a test names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint import discovery

if TYPE_CHECKING:
    from lora_lint.source import FileKind


def kind_of(name: str) -> FileKind:
    """What the linter takes a file for, which has to be something that it reads."""
    kind = discovery.kind_of(name)
    assert kind is not None, name
    return kind
