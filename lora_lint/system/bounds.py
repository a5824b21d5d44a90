"""How far a lint reaches: the tree of files that belong to a project.

It begins at the top of the repository that holds the current folder. Without a repository it begins at the folder of
the settings file, if that holds the current folder, and else at the current folder itself. What lies outside, also
behind a link, is neither read nor written unless the user named it. The exception is what is known of models: their
config.json and the hub's cache are looked up where they are, and of these only types and sizes are shown.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMON = ("/tmp", "/var/tmp")
"""Folders of everybody, in which nothing is a project's as a whole."""


def tree(settings_root: str = "") -> str:
    """The real path of the folder that the tree begins at."""
    here = os.path.realpath(os.curdir)
    for folder in (here, *above(here)):
        if os.path.lexists(os.path.join(folder, ".git")):
            return folder
    given = os.path.realpath(settings_root or here)
    return given if holds(given, here) else here


def above(folder: str) -> Iterator[str]:
    """The folders above one, up to the home folder, that for temporary files or the top of the disk, without these."""
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
