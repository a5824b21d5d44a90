"""INI files (Python's `configparser`) and `.env` files, with the places of their values.

Source: Python 3.11 configparser.py (`RawConfigParser._read`), python-dotenv 1.1 (parser.py).
"""

from __future__ import annotations

import re

from lora_lint.readers.nodes import Entry, Mapping, Placeholder, Scalar
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.source import SourceFile

DEFAULT = "DEFAULT"
"""The section whose settings all others have too."""
_SECTION = re.compile(rb"\[([^\]\r\n]+)\]")
_SETTING = re.compile(rb"([^=:\s][^=:\r\n]*?)[ \t]*[=:][ \t]*([^\r\n]*?)[ \t]*\r?$")
_VARIABLE = re.compile(rb"[ \t]*(?:export[ \t]+)?'?([A-Za-z_][\w.]*)'?[ \t]*=[ \t]*(\"[^\"]*\"|'[^']*'|[^\r\n]*)")


def read_ini(source: SourceFile) -> Mapping:
    """The sections of an INI file, each a mapping of texts. Keys are in lower case, as configparser makes them; a value
    on several lines ends with the first, and one that refers to others is a placeholder."""
    sections: dict[str, tuple[Scalar, list[Entry]]] = {}
    entries: list[Entry] = []
    for start, line in _lines(source.utf8):
        if not line.strip() or line.lstrip()[:1] in b"#;" or line[:1].isspace():
            continue
        header, setting = _SECTION.match(line), _SETTING.match(line)
        if header is not None:
            key = _scalar(source.path, start + header.start(1), header[1])
            entries = sections.setdefault(key.raw, (key, []))[1]
        elif setting is not None:
            key = _scalar(source.path, start, setting[1].lower())
            entries.append(Entry(key, _scalar(source.path, start + setting.start(2), setting[2], refers=True)))
    shared = sections.get(DEFAULT, (None, []))[1]
    whole = Span(source.path, 0, len(source.utf8))
    return Mapping(
        tuple(Entry(key, Mapping((*shared, *found), key.span)) for key, found in sections.values()),
        whole,
    )


def read_env(source: SourceFile) -> Mapping:
    """The variables of a `.env` file, without quotes and comments."""
    entries: list[Entry] = []
    for start, line in _lines(source.utf8):
        found = _VARIABLE.match(line)
        if found is None:
            continue
        written, at = found[2], start + found.start(2)
        if written[:1] in (b"'", b'"'):
            written, at = written[1:-1], at + 1
        else:
            written = re.split(rb"[ \t]+#", written)[0].rstrip()
        entries.append(
            Entry(
                _scalar(source.path, start + found.start(1), found[1]), _scalar(source.path, at, written, refers=True)
            )
        )
    return Mapping(tuple(entries), Span(source.path, 0, len(source.utf8)))


def _lines(text: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    for line in text.splitlines(keepends=True):
        yield start, line.rstrip(b"\r\n")
        start += len(line)


def _scalar(path: str, start: int, text: bytes, *, refers: bool = False) -> Scalar:
    """A text at a place; with `refers`, one that may stand for another value: `%(name)s`, `${name}`."""
    raw = text.decode("utf-8", "replace")
    value = Placeholder(raw) if refers and ("%(" in raw or "${" in raw) else raw
    return Scalar(value, raw, Span(path, start, start + len(text)))
