"""Tests of paths against the globs of the settings."""

from __future__ import annotations

from lora_lint.discovery import from_root
from lora_lint.system import globs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def excluder(patterns: Iterable[str], root: str = "") -> Callable[[str], bool] | None:
    """A test of paths against exclude globs; None if there are no globs.

    A glob without `/` is matched against the name of each file and folder, one with `/` against the path from `root`
    (the folder of the settings file; the current folder by default). `**` crosses folders.
    """
    names: list[str] = []
    paths: list[str] = []
    for pattern in patterns:
        cleaned = pattern.removeprefix("./").rstrip("/")
        if cleaned:
            (paths if "/" in cleaned else names).append(cleaned.lstrip("/"))
    if not names and not paths:
        return None
    of_name, of_path = globs.matcher(names), globs.matcher(paths)

    def excluded(path: str) -> bool:
        return of_name(path[path.rfind("/") + 1 :]) or (bool(paths) and of_path(from_root(path, root)))

    return excluded


def matcher(pattern: str, root: str = "") -> Callable[[str], bool]:
    """A test of file paths against one glob, which also matches everything below a folder it matches."""
    cleaned = pattern.removeprefix("./").rstrip("/")
    fits = globs.matcher([cleaned.lstrip("/")])
    anchored = "/" in cleaned

    def matches(path: str) -> bool:
        parts = from_root(path, root).split("/")
        if anchored:
            return any(fits("/".join(parts[: end + 1])) for end in range(len(parts)))
        return any(map(fits, parts))

    return matches
