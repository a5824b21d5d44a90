"""Ollama's Modelfiles: the base model and the adapters on it.

Source: ollama 0.33, parser/parser.go and docs/modelfile.md.
"""

from __future__ import annotations

import re

from lora_lint.records import NamedTuple
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.source import SourceFile

_INSTRUCTION = re.compile(rb"(?im)^[ \t]*(FROM|ADAPTER)[ \t]+(\S[^\r\n]*?)[ \t]*\r?$")

_UNNAMED = re.compile(rb"(?im)^[ \t]*PARAMETER[ \t]+([\"']?<[|/][^\r\n]*?)[ \t]*\r?$")
_QUOTED = re.compile(rb'(?s)""".*?(?:"""|\Z)')


class Named(NamedTuple):
    """What an instruction names, and where."""

    text: str
    span: Span


def instructions(source: SourceFile) -> tuple[Named | None, tuple[Named, ...]]:
    """The base model and the adapters."""
    base: Named | None = None
    adapters: list[Named] = []
    for match in _INSTRUCTION.finditer(source.utf8):
        named = Named(match[2].decode("utf-8", "replace").strip("\"'"), Span(source.path, *match.span(2)))
        if match[1].upper() == b"FROM":
            base = named
        else:
            adapters.append(named)
    return base, tuple(adapters)


def unnamed_values(source: SourceFile) -> tuple[Named, ...]:
    """The special tokens that stand where a parameter's name belongs; not those in texts of several lines."""
    text = _QUOTED.sub(lambda match: b" " * len(match[0]), source.utf8)
    found = ((match[1], match.span(1)) for match in _UNNAMED.finditer(text))
    return tuple(Named(value.decode("utf-8", "replace"), Span(source.path, *place)) for value, place in found)


def model_name(base: str) -> str | None:
    """The name on the Hub of a base model that is named by a repository or a folder; names of Ollama's own library as
    they are, and None for single files."""
    if base.lower().endswith((".gguf", ".bin")) or "\\" in base:
        return None
    if "/" not in base:
        return base
    return re.sub(r"(?i)-gguf$", "", re.sub(r":[\w.-]+$", "", base))


def weights_folder(adapter: str) -> str | None:
    """The folder of an adapter that is named by the file of its weights; None for a folder or a GGUF file."""
    found = re.fullmatch(r"(?i)(?:(.*)[\\/])?[^\\/]+\.safetensors", adapter)
    return None if found is None else found[1] or "."
