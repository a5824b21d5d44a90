"""The user's text made fit to be shown: file names, strings and lines of code may contain anything.

Everything that is printed for people goes through `visible`, every JSON document through `json_text`.
"""

from __future__ import annotations

import json
import math
from itertools import accumulate, takewhile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def visible(text: str) -> str:
    r"""A text on one line, without characters that act instead of being displayed.

    What `str.isprintable` refuses (controls, newlines, text direction marks, invisible spaces, lone surrogates,
    unassigned code points) is written with Python's escapes. A byte of a file name that is not UTF-8 appears as that
    byte: `\xff`.
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def encodable(text: str) -> str:
    """A text that UTF-8 can encode: lone surrogates are written as `visible` writes them, everything else stays."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join(_escaped(each) if _is_surrogate(each) else each for each in text)
    return text


def octets(path: str) -> bytes:
    """The bytes of a path as the file system stores them."""
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a surrogate pair, which Windows allows in a name
        return path.encode("utf-8", "surrogatepass")


def json_text(document: Any) -> str:
    r"""A JSON document with the exact texts, in printable characters only: JSON's own escapes stand for all others.

    JSON for strict readers has no lone surrogates and no infinite numbers: the former are written as `encodable` writes
    them (the file name `b"\xff.py"` is the JSON string `"\\xff.py"`), the latter are the strings "inf", "-inf", "nan".
    """
    try:
        dumped = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError:
        dumped = json.dumps(_finite(document), indent=2, ensure_ascii=False)
    lines = dumped.split("\n")
    return "\n".join(line if line.isprintable() else "".join(map(_in_json, line)) for line in lines) + "\n"


def columns(text: str) -> int:
    """The number of terminal columns that a visible text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(each) in ("Mn", "Me") else 2 if east_asian_width(each) in ("W", "F") else 1 for each in text
    )


def within(text: str, limit: int) -> str:
    """The start of a visible text that fits into some columns."""
    widths = accumulate(map(columns, text))
    return text[: sum(1 for _ in takewhile(lambda width: width <= limit, widths))]


def _visible(character: str) -> str:
    return character if character.isprintable() else _escaped(character)


def _in_json(character: str) -> str:
    if character.isprintable():
        return character
    return json.dumps(_escaped(character) if _is_surrogate(character) else character)[1:-1]


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # Python's form of a byte that is not UTF-8 (PEP 383)
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def _finite(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _finite(value) for key, value in document.items()}
    if isinstance(document, (list, tuple)):
        return [_finite(value) for value in document]
    return str(document) if isinstance(document, float) and not math.isfinite(document) else document


def _is_surrogate(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"
