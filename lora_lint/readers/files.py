"""The text of a file of any kind."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.source import FileKind, SourceFile


def decode(path: str, kind: FileKind, data: bytes) -> SourceFile:
    """The text of a file's bytes. Raises readers.errors.Unreadable."""
    if kind == "notebook":
        from lora_lint.readers.notebook import read_notebook

        return read_notebook(path, data)
    from lora_lint.readers.text import decode

    return decode(path, data, kind)
