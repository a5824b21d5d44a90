"""TOML through Python's own parser, guarded so that hostile texts cannot hang it."""

from __future__ import annotations

import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_PARTS = 100
"""The most parts of a dotted key; the parser takes quadratic time in them."""


def loads(data: bytes) -> dict[str, Any]:
    """The table in a TOML file. Raises ValueError with a message for the user."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]
    if _has_endless_key(data):
        raise ValueError(f"a key has more than {MOST_PARTS} parts")
    try:
        document: dict[str, Any] = tomllib.loads(data.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return document


def _has_endless_key(data: bytes) -> bool:
    pieces = (piece.split(b".") for piece in re.split(rb"[=,\n]", data) if piece.count(b".") >= MOST_PARTS)
    return any(sum(bool(part.strip()) for part in parts) > MOST_PARTS for parts in pieces)
