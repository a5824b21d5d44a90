"""Bytes to text: byte order marks, the encoding cookies of Python, the encodings that YAML and JSON allow."""

from __future__ import annotations

import re

from lora_lint.readers.errors import Unreadable
from lora_lint.source import SourceFile, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.source import FileKind

_UTF8_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_COOKIE = rb"[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)"
_BLANK = rb"[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\r|\n)"
_UTF8_NAMES = frozenset({"utf-8", "utf8", "utf-8-sig", "utf-8-unix"})
_REFUSED = frozenset({"idna", "punycode", "undefined"})
"""Codecs that are not for source code, some with quadratic cost."""


def decode(path: str, data: bytes, kind: FileKind) -> SourceFile:
    """The text of a file without its byte order mark. Raises Unreadable."""
    encoding = encoding_of(path, data, kind)
    if encoding == "utf-8-sig":
        data = data[3:]
    elif encoding != "utf-8":
        return _checked(SourceFile(path, kind, _recoded(path, data, encoding)))
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        where = Span(path, error.start, error.start + 3)  # as long as the replacement character
        raise Unreadable(f"This file is not valid UTF-8 (byte 0x{data[error.start]:02x})", where) from None
    return _checked(SourceFile(path, kind, data))


def encoding_of(path: str, data: bytes, kind: FileKind) -> str:
    """The encoding that a file's first bytes name, "utf-8-sig" with a byte order mark. Raises Unreadable."""
    if data.startswith(_UTF8_BOM):
        other = _cookie(path, data[3:]) if kind == "python" else None
        if other is not None:
            raise Unreadable(f"This file starts as UTF-8 but declares {other}", Span(path, 0, 0))
        return "utf-8-sig"
    return (_cookie(path, data) if kind == "python" else _wide(data)) or "utf-8"


def without_surrogates(text: str) -> str:
    """A text from JSON that UTF-8 can encode: U+FFFD replaces half of a surrogate pair. (A question mark, which codecs
    insert, would be part of a regex.)"""
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
    return text


def _checked(source: SourceFile) -> SourceFile:
    nul = source.utf8.find(b"\0")
    if nul >= 0:
        raise Unreadable("This file contains a NUL byte", Span(source.path, nul, nul + 1))
    return source


def _wide(data: bytes) -> str | None:
    """The encoding that YAML 1.2 and RFC 4627 derive from the first bytes; None for UTF-8."""
    for mark, encoding in _WIDE_BOMS:
        if data.startswith(mark):
            return encoding
    if len(data) >= 4 and len(data) % 2 == 0 and (data[0] == 0) != (data[1] == 0) and data[:2] != b"\0\0":
        return "utf-16-be" if data[0] == 0 else "utf-16-le"
    return None


def _cookie(path: str, data: bytes) -> str | None:
    """The encoding that a comment in the first two lines names (PEP 263); None for UTF-8."""
    if b"coding" not in data[:400]:
        return None
    match = re.match(_COOKIE, data)
    if match is None:
        first = re.match(_BLANK, data)
        match = re.compile(_COOKIE).match(data, first.end()) if first else None
    if match is None:
        return None
    name = match[1].decode("ascii", "replace")
    usual = name.lower().replace("_", "-")
    if usual in _UTF8_NAMES or usual.startswith("utf-8-"):
        return None
    if usual in _REFUSED:
        raise Unreadable(f"Unknown encoding {name}", Span(path, match.start(1), match.end(1)))
    return name


def _recoded(path: str, data: bytes, encoding: str) -> bytes:
    try:
        return data.decode(encoding).removeprefix("\ufeff").encode("utf-8")
    except LookupError:
        at = max(data.find(encoding.encode()), 0)
        raise Unreadable(f"Unknown encoding {encoding}", Span(path, at, at + len(encoding))) from None
    except (ValueError, UnicodeError):
        raise Unreadable(f"This file is not valid {encoding}", Span(path, 0, 0)) from None
