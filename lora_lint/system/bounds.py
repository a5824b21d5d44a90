"""How far a lint reaches: the tree of files that belong to a project.

It begins at the top of the repository that contains the current folder. Without a repository it begins at the folder of
the settings file, if that contains the current folder, and otherwise at the current folder itself. What lies outside,
also behind a link, is neither read nor written unless the user named it.

The exception is knowledge about models: their config.json and the hub's cache are looked up where they are, and only
types and sizes are shown from them.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMON = ("/tmp", "/var/tmp")
"""Shared folders, which never belong to one project as a whole."""


def tree(settings_root: str = "") -> str:
    """The real path of the folder that the tree begins at."""
    here = os.path.realpath(os.curdir)
    for folder in (here, *above(here)):
        if os.path.lexists(os.path.join(folder, ".git")):
            return folder
    given = os.path.realpath(settings_root or here)
    return given if holds(given, here) else here


def above(folder: str) -> Iterator[str]:
    """The folders above one, up to but without the home folder, the folder for temporary files or the top of
    the disk."""
    ends = {os.path.expanduser("~"), *_COMMON}
    while (parent := os.path.dirname(folder)) not in ends and parent != os.path.dirname(parent):
        yield parent
        folder = parent


def holds(folder: str, path: str) -> bool:
    """Whether an absolute path is that of a folder or below it."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def leads_out(path: str, top: str) -> bool:
    """Whether a path below the folder `top` is a link, or lies behind one, to something that is not."""
    return holds(top, os.path.abspath(path)) and not holds(top, os.path.realpath(path))
