"""Paths as strings, with `/`."""

from __future__ import annotations

import posixpath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PARTS: dict[str, Callable[[str], str]] = {
    "name": posixpath.basename,
    "stem": lambda text: posixpath.splitext(posixpath.basename(text))[0],
    "suffix": lambda text: posixpath.splitext(text)[1],
}
"""The attributes of pathlib's paths that are strings."""


def above(text: str) -> str:
    """The folder that contains a file or a folder."""
    text = posixpath.normpath(text)
    if text == ".":
        return ".."
    if posixpath.basename(text) == "..":
        return f"{text}/.."
    return posixpath.dirname(text) or "."
