"""TOML of a document: there is no writer in Python."""

from __future__ import annotations

import json
from typing import Any


def dumped(document: dict[Any, Any]) -> str:
    """The text that `tomllib` reads as the document, but for None, which TOML does not have."""
    return "".join(f"{_text(str(key))} = {_value(value)}\n" for key, value in document.items() if value is not None)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(str(k))} = {_value(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value if item is not None) + "]"
    if isinstance(value, float):
        return repr(value)  # inf and nan as TOML has them
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
