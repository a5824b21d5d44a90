"""Questions to the file system beyond the linted file, and the answers.

Whatever the reading of a file looks at besides that file (imports, local configs, data files, weights, the hub's cache,
files that might have existed) is asked for here. While a watch is on, each question is noted with its answer; the
result of a lint is valid for as long as all answers stay the same (see `cache`).
"""

from __future__ import annotations

import os
import stat
import time
from errno import EINVAL

from lora_lint.records import Generic, TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Literal, TypeAlias

    Kind = Literal["file", "there", "size", "names", "content", "state", "real"]
    """Whether a path is a regular file; whether anything exists there; how many bytes it has; the names in a folder; a
    digest of the content; size, times and identity, for files that are too large to be read again each time; where
    links lead."""

K = TypeVar("K")
V = TypeVar("V")
Noted: TypeAlias = "dict[tuple[Kind, str], str]"

KEPT = ".lora-lint-cache"
"""The default name of the folder for results."""
LARGE = 4_000_000
"""Bytes; for larger files the state stands for the content."""
_FRESH = 2.0
"""Seconds within which a second change of a file may leave its times the same."""
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)

_noted: Noted | None = None
_instead: Mapping[str, bytes] = {}


class Watch:
    """Notes what is asked in a `with` block. Watches can be nested: the outer ones note it too."""

    def __init__(self) -> None:
        self.noted: Noted = {}
        self._outer: Noted | None = None

    def __enter__(self) -> Watch:
        global _noted
        self._outer, _noted = _noted, self.noted
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        global _noted
        _noted = self._outer
        again(self.noted)


class Instead:
    """In a `with` block files have other bytes than on the disk, for every reader; by their paths."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = {os.path.realpath(path): data for path, data in files.items()}

    def __enter__(self) -> None:
        hold(self._files)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        hold({})


def hold(files: Mapping[str, bytes]) -> None:
    """From now on files have these bytes, by their paths without links: for a process of its own."""
    global _instead
    _instead = files


def held_texts() -> Mapping[str, bytes]:
    """All content that replaces what is on the disk, by the files' paths without links."""
    return _instead


def instead(path: str) -> bytes | None:
    """The content that replaces a file's on the disk."""
    return _instead.get(os.path.realpath(path)) if _instead else None


class Remembered(Generic[K, V]):
    """Values computed from files, by key: a second reader counts as having asked the file system the same questions. At
    most `most` are kept, the latest; None: all."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._kept: dict[K, tuple[V, Noted | None]] = {}

    def get(self, key: K, make: Callable[[K], V]) -> V:
        """The value of `make` for a key, computed the first time or now."""
        entry = self._kept.get(key)
        if entry is None or not again(entry[1]):
            if entry is None and len(self._kept) == self._most:
                del self._kept[next(iter(self._kept))]
            entry = self._kept[key] = asking(lambda: make(key))
        return entry[0]


def asking(make: Callable[[], V]) -> tuple[V, Noted | None]:
    """A value, and what computing it asks; None without a watch, which spares the digests."""
    if _noted is None:
        return make(), None
    with Watch() as watch:
        made = make()
    return made, watch.noted


def again(noted: Noted | None) -> bool:
    """Notes questions that were asked before, when the value derived from them is used again. False if nobody noted
    them, so that the value has to be computed again."""
    if _noted is None:
        return True
    if noted is None:
        return False
    _noted.update(noted)
    return True


def is_file(path: str) -> bool:
    """Whether `path` is a regular file."""
    return _noted_answer("file", path) != ""


def exists(path: str) -> bool:
    """Whether anything exists at `path`."""
    return _noted_answer("there", path) != ""


def size(path: str) -> int | None:
    """The bytes of a regular file; None if there is none."""
    answer = _noted_answer("size", path)
    return int(answer) if answer else None


def names(folder: str) -> list[str] | None:
    """The names in a folder in order; None if it cannot be listed."""
    try:
        found = _entries(folder)
    except (OSError, ValueError):
        note("names", folder, "")
        return None
    if _noted is not None:
        note("names", folder, _listed(found))
    return found


def read(path: str, limit: int) -> bytes | None:
    """The content of a file; None if it has more than `limit` bytes. Raises OSError."""
    if _noted is None and not _instead:
        return read_regular(path, limit)
    try:
        answer, data = _content(path, limit)
    except OSError:
        note("content", path, "")
        raise
    note("state" if answer.startswith("@") else "content", path, answer)
    return data


def read_regular(path: str, limit: int) -> bytes | None:
    """The content of a regular file; None if it has more than `limit` bytes. Notes nothing. Raises OSError, also for a
    folder, a pipe or a device, none of which it waits for."""
    return _read(path, limit)[1]


def real(path: str) -> str:
    """The absolute path, without links, of what `path` leads to.

    Noted only where there is a link: a link that replaces a file later changes nothing about the known content.
    """
    found = answer("real", path) or os.path.abspath(path)
    if found != os.path.abspath(path):
        note("real", path, found)
    return found


def look(path: str) -> None:
    """Notes the state of a file that is about to be read in parts."""
    _noted_answer("state", path)


def note(kind: Kind, path: str, answer: str) -> None:
    """Notes an answer that is known already."""
    if _noted is not None:
        _noted[kind, path] = answer


def answer(kind: Kind, path: str) -> str:
    """The current answer of the file system; empty if nothing is there. Notes nothing."""
    try:
        return _ANSWERS[kind](path)
    except (OSError, ValueError):  # ValueError: a path that is impossible on any system
        return ""


def digest(data: bytes) -> str:
    """A digest of some bytes."""
    try:  # `hashlib` loads OpenSSL, which takes longer than many a lint: 4 ms
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    return blake2b(data, digest_size=16).hexdigest()


def _noted_answer(kind: Kind, path: str) -> str:
    found = answer(kind, path)
    note(kind, path, found)
    return found


def _file(path: str) -> str:
    if instead(path) is not None:
        return "1"
    return "1" if stat.S_ISREG(os.stat(path).st_mode) else ""


def _there(path: str) -> str:
    return "1" if os.path.exists(path) else ""


def _size(path: str) -> str:
    data = instead(path)
    if data is not None:
        return str(len(data))
    status = os.stat(path)
    return str(status.st_size) if stat.S_ISREG(status.st_mode) else ""


def _names(path: str) -> str:
    return _listed(_entries(path))


def _entries(folder: str) -> list[str]:
    """The names in a folder in order, without the folder of results, which may appear while it is being examined."""
    return sorted(name for name in os.listdir(folder or ".") if name != KEPT)


def _listed(found: list[str]) -> str:
    return digest(os.fsencode("\0".join(found)))


def _state(path: str) -> str:
    return _stamp(os.stat(path))


def _stamp(status: os.stat_result) -> str:
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    # A file that is being written: its states look alike, so the answer is one that never recurs.
    mark = f" {time.time_ns()}" if time.time_ns() - changed < _FRESH * 1e9 else ""
    return f"@{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}{mark}"


def _content(path: str, limit: int) -> tuple[str, bytes | None]:
    """What stands for the content, and the content itself unless it exceeds the limit."""
    data = instead(path)
    if data is not None:
        return digest(data), data if len(data) <= limit else None
    status, data = _read(path, limit)
    return _stamp(status) if data is None or status.st_size > LARGE else digest(data), data


def _read(path: str, limit: int) -> tuple[os.stat_result, bytes | None]:
    """The state of a regular file, and its content unless it exceeds the limit. Raises OSError."""
    try:
        opened = os.open(path, _OPEN_FLAGS)
    except ValueError as error:  # a path that is impossible on any system
        raise OSError(EINVAL, str(error), path) from None
    with open(opened, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(EINVAL, "it is not a regular file", path)
        data = file.read(limit + 1) if status.st_size <= limit else b""
    return status, None if status.st_size > limit or len(data) > limit else data


_ANSWERS: Mapping[Kind, Callable[[str], str]] = {
    "file": _file,
    "there": _there,
    "size": _size,
    "names": _names,
    "content": lambda path: _content(path, LARGE)[0],
    "state": _state,
    "real": os.path.realpath,
}
