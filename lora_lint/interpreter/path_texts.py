"""Paths as texts, with `/`."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS: dict[str, Callable[[str], str]] = {
    "name": posixpath.basename,
    "stem": lambda text: posixpath.splitext(posixpath.basename(text))[0],
    "suffix": lambda text: posixpath.splitext(text)[1],
}
"""The attributes of pathlib's paths that are texts."""


def above(text: str) -> str:
    """The folder that a file or a folder is in."""
    text = posixpath.normpath(text)
    if text == ".":
        return ".."
    if posixpath.basename(text) == "..":
        return f"{text}/.."
    return posixpath.dirname(text) or "."
