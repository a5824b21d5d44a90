"""What a lint found in each file, kept for the next one.

A result is given again only if everything that it was made of is as it was: the bytes of the file; every question that
reading it put to the file system, also those that found nothing (see `disk`); the settings; lora-lint itself with its
catalogue and tables, Python and the parsers; the current folder and the environment that names are looked up in. So
there is nothing to expire, and to delete the folder costs one slower lint.

    .lora-lint-cache/<digest of settings, version …>/<digest of the file's path>

An entry is a line with the digests of the rest and of the file, and JSON. One that is damaged counts for nothing.
Wherever the results are to lie, they lie in a folder of that name. A folder that cannot be written to, that is a link,
or that holds anything else is left alone: nothing is written or deleted but what lora-lint made.
"""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import suppress

from lora_lint import __version__
from lora_lint.finding import Change, Finding, Fix, Related
from lora_lint.knowledge import edition
from lora_lint.linting.outcome import FileResult
from lora_lint.records import replace
from lora_lint.run.values import Known
from lora_lint.source import Span
from lora_lint.system import bounds, disk
from lora_lint.unread import Unread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.discovery import Found
    from lora_lint.settings import Settings

FOLDER = disk.KEPT
VARIABLE = "LORA_LINT_CACHE_DIR"
KEPT = 16
"""The most sets of results, one per version and settings; the oldest are deleted first."""
_ENVIRONMENT = (
    *("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME", "USERPROFILE"),
    "PYTHONPATH",  # where an installed PEFT may be
)
_RECORDS = {each.__name__: each for each in (FileResult, Finding, Related, Fix, Known, Unread, *Change.__args__)}
_TAGS = {
    "CACHEDIR.TAG": b"Signature: 8a477f597d28d172789f06886806bc55\n"
    b"# This file marks a cache folder of lora-lint: https://bford.info/cachedir/\n",
    ".gitignore": b"*\n",
}
_DIGEST = r"[0-9a-f]{32}"
"""The names of sets and of entries."""
_LARGEST = 50_000_000
"""The largest entry, in bytes; those of real files have some hundred thousand at most."""
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Cache:
    """The results of files under one set of settings. Neither `get` nor `put` ever raises."""

    def __init__(self, settings: Settings, root: str | None = None) -> None:
        """`root` is the parent of the folder for all results: by default $LORA_LINT_CACHE_DIR, otherwise the folder of
        the settings file, otherwise the current one."""
        parent = root or os.environ.get(VARIABLE) or settings.root
        self.root = parent if os.path.basename(os.path.normpath(parent)) == FOLDER else os.path.join(parent, FOLDER)
        self._folder = os.path.join(self.root, _key(settings))
        self._usable = not os.path.islink(self.root) and not os.path.islink(self._folder)
        self._prepared = False
        self._answers: dict[tuple[disk.Kind, str], str] = {}

    def get(self, found: Found) -> FileResult | None:
        """The result of a file, if there is one that is still valid."""
        if not self._usable:
            return None
        try:
            with open(os.open(self._place(found), _READ), "rb") as file:
                head, _, body = file.read(_LARGEST).partition(b"\n")
        except OSError:
            return None
        if head != _head(found, body):
            return None
        try:
            noted, result = json.loads(body)
            if all(self._now(kind, path) == answer for kind, path, answer in noted):
                decoded = _decoded(result)
                return decoded if isinstance(decoded, FileResult) else None
        except (ValueError, KeyError, TypeError, RecursionError):  # written by something else
            pass
        return None

    def put(self, found: Found, result: FileResult, noted: disk.Noted) -> None:
        """Stores a result and the questions that it depends on. A failure is not stored: the next attempt may
        succeed."""
        if not self._prepared:
            self._prepared = True
            self._usable = self._usable and _prepared(self.root, self._folder)
        failed = any(finding.code == "LL900" for finding in result.findings)
        failed = failed or any(each.limit in ("time", "finding") for each in result.unread)
        if not self._usable or result.crashed or failed:
            return
        questions = [(kind, path, answer) for (kind, path), answer in noted.items()]
        try:
            body = json.dumps((questions, _encoded(result)), separators=(",", ":")).encode()
        except (TypeError, RecursionError):  # a fix whose value is not plain JSON
            return
        from lora_lint.system.writing import replace_file

        try:
            replace_file(self._place(found), _head(found, body) + b"\n" + body)
        except OSError:
            self._usable = False

    def _place(self, found: Found) -> str:
        return os.path.join(self._folder, disk.digest(os.fsencode(found.path)))

    def _now(self, kind: disk.Kind, path: str) -> str:
        """The answer to a question, asked once: the files of one project ask the same ones."""
        answer = self._answers.get((kind, path))
        if answer is None:
            answer = self._answers[kind, path] = disk.answer(kind, path)
        return answer


def _head(found: Found, body: bytes) -> bytes:
    # A named file is reported if it cannot be parsed, one that the walk found is not.
    data = b"%d %s %s" % (found.explicit, found.kind.encode(), found.data or b"")
    return f"{disk.digest(body)} {disk.digest(data)}".encode()


def _key(settings: Settings) -> str:
    """A digest of everything that affects every file."""
    relevant = replace(settings, baseline=None, fail_on="warning", exclude=())
    environment = [os.environ.get(name) for name in _ENVIRONMENT]
    place = (os.getcwd(), bounds.tree(settings.root))
    facts = (__version__, sys.version, place, environment, relevant, sorted(_program()))
    return disk.digest(repr(facts).encode("utf-8", "surrogateescape"))


def _program() -> Iterator[tuple[str, int, int]]:
    """The files of lora-lint and the entries of its parsers, with their sizes and times."""
    from importlib.util import find_spec

    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders = [package, os.path.join(os.path.dirname(package), "rules"), edition.current().folder]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir():
                        if entry.name != "__pycache__":
                            folders.append(entry.path)
                    else:
                        status = entry.stat()
                        yield entry.path, status.st_size, status.st_mtime_ns
        except OSError:
            continue
    for parser in ("yaml", "jsonschema", "tree_sitter", "tree_sitter_bash", "tree_sitter_toml"):
        spec = find_spec(parser)
        if spec is not None and spec.origin is not None and os.path.isfile(spec.origin):
            status = os.stat(spec.origin)
            yield spec.origin, status.st_size, status.st_mtime_ns


def _prepared(root: str, folder: str) -> bool:
    """Makes the folder of results and deletes old ones; gives whether it can be written to."""
    try:
        if not os.path.isdir(folder):
            os.makedirs(root, exist_ok=True)
            if not _is_ours(root):
                return False
            _tag(root)
            os.makedirs(folder, exist_ok=True)
            _prune(root)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _is_ours(root: str) -> bool:
    """Whether a folder has lora-lint's tag, or contains nothing but what is created here."""
    from lora_lint.system.writing import DRAFT

    with suppress(OSError), open(os.open(os.path.join(root, "CACHEDIR.TAG"), _READ), "rb") as file:
        if file.read(1000) == _TAGS["CACHEDIR.TAG"]:
            return True
    return all(name in _TAGS or re.fullmatch(_DIGEST, name) or name.startswith(DRAFT) for name in os.listdir(root))


def _tag(root: str) -> None:
    from lora_lint.system.writing import create_file

    for name, content in _TAGS.items():
        with suppress(FileExistsError):
            create_file(os.path.join(root, name), content)


def _prune(root: str) -> None:
    with os.scandir(root) as entries:
        folders = [
            entry for entry in entries if re.fullmatch(_DIGEST, entry.name) and entry.is_dir(follow_symlinks=False)
        ]
    sets = sorted(((entry.stat(follow_symlinks=False).st_mtime_ns, entry.path) for entry in folders), reverse=True)
    for _, path in sets[KEPT:]:
        with suppress(OSError):  # another process prunes too, or it contains something else
            _delete(path)


def _delete(folder: str) -> None:
    """Deletes a set of results, and the folder if nothing else is in it."""
    from lora_lint.system.writing import DRAFT

    for name in os.listdir(folder):
        if re.fullmatch(_DIGEST, name) or name.startswith(DRAFT):
            os.unlink(os.path.join(folder, name))
    os.rmdir(folder)


def _encoded(value: Any) -> Any:
    """A value as JSON: each list starts with the kind of what it stands for. Raises TypeError for what a finding cannot
    hold."""
    kind = type(value)
    if value is None or kind in (str, int, float, bool):
        return value
    if kind is dict:
        return ["dict", *([_encoded(key), _encoded(item)] for key, item in value.items())]
    if kind in (tuple, list) or kind is Span:
        return [kind.__name__, *map(_encoded, value)]
    if _RECORDS.get(kind.__name__) is kind:
        return [kind.__name__, *(_encoded(getattr(value, name)) for name in kind.__match_args__)]
    raise TypeError(f"{kind.__name__} cannot be cached")


def _decoded(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    kind, *parts = value
    if kind == "dict":
        return {_decoded(key): _decoded(item) for key, item in parts}
    items = map(_decoded, parts)
    if kind == "tuple":
        return tuple(items)
    if kind == "list":
        return list(items)
    return Span(*items) if kind == "Span" else _RECORDS[kind](*items)
