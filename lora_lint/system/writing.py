"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from lora_lint.system.interrupts import shield

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DRAFT = ".lora-lint-"
"""The prefix of drafts, which lie next to their target while they are being written."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def replace_file(target: str, data: bytes, ready: Callable[[], None] | None = None) -> None:
    """Makes `data` the content of the file at `target`, a path without links: written to a draft next to it, which is
    then moved there.

    The permissions of an existing file stay. `ready` is called right before the move and may raise to prevent it.
    Interrupts wait until everything is done. Raises OSError and what `ready` raises, and leaves no draft.
    """
    with shield():
        try:
            mode = stat.S_IMODE(os.stat(target).st_mode)
        except FileNotFoundError:
            mode = None
        draft = os.path.join(os.path.dirname(target), DRAFT + os.urandom(8).hex())
        descriptor = os.open(draft, _NEW, 0o666 if mode is None else 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
            if mode is not None:
                os.chmod(draft, mode)
            if ready is not None:
                ready()
            os.replace(draft, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise


def create_file(path: str, data: bytes) -> None:
    """Creates a file where nothing exists, not even a dangling link. Raises OSError."""
    with open(os.open(path, _NEW, 0o666), "wb") as file:
        file.write(data)


def write_report(path: str, text: str) -> None:
    """Writes a UTF-8 file that the user named: atomically where a file can be replaced, directly into a pipe or a
    device. A link is followed. Raises OSError."""
    data = text.encode("utf-8", "backslashreplace")
    if _is_stream(path):
        with open(path, "wb") as stream:
            stream.write(data)
    else:
        replace_file(os.path.realpath(path), data)


def why_unwritable(path: str) -> str | None:
    """Why a report cannot be written to `path`, as far as that shows beforehand; None if it can."""
    if os.path.isdir(path):
        return "it is a folder"
    if _is_stream(path):
        return None if os.access(path, os.W_OK) else "permission denied"
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        return "its folder does not exist"
    return None if os.access(folder, os.W_OK | os.X_OK) else "its folder cannot be written to"


def _is_stream(path: str) -> bool:
    """Whether something other than a regular file is there: /dev/stdout and the like are written to, not replaced."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False
