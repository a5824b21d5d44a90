"""What a lint found in each file, kept for the next one.

A result is given again only if everything that it was made of is as it was: the bytes of the file; every question that
reading it put to the file system, also those that found nothing (see `disk`); the settings; lora-lint itself with its
catalogue and tables, Python and the parsers; the current folder and the environment that names are looked up in. So
there is nothing to expire, and to delete the folder costs one slower lint.

    .lora-lint-cache/<digest of settings, version …>/<digest of the file's path>

An entry is a line with the digests of the rest and of the file, and JSON. One that is damaged counts for nothing; a
folder that cannot be written to is left alone.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, get_args

from lora_lint import __version__, disk
from lora_lint.finding import Change, Finding, Fix, Related
from lora_lint.outcome import FileResult
from lora_lint.records import replace
from lora_lint.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.discovery import Found
    from lora_lint.settings import Settings

FOLDER = disk.KEPT
VARIABLE = "LORA_LINT_CACHE_DIR"
KEPT = 16
"""Sets of results, one for each version and settings, of which the oldest go first."""
_ENVIRONMENT = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME", "USERPROFILE")
_RECORDS = {each.__name__: each for each in (FileResult, Finding, Related, Fix, *get_args(Change))}
_TAG = """\
Signature: 8a477f597d28d172789f06886806bc55
# This file marks a cache folder of lora-lint: https://bford.info/cachedir/
"""


class Cache:
    """The results of files under one set of settings. Neither `get` nor `put` ever raises."""

    def __init__(self, settings: Settings, root: str | None = None) -> None:
        """`root` is the folder of all results: by default what $LORA_LINT_CACHE_DIR says, else one beside the settings
        file, else one in the current folder."""
        told = root or os.environ.get(VARIABLE)
        self.root = told or os.path.join(settings.root, FOLDER)
        self._lured = not told and os.path.islink(self.root)  # a repository may want our files in some other place
        self._folder = os.path.join(self.root, _key(settings))
        self._answers: dict[tuple[disk.Kind, str], str] = {}
        self._writable: bool | None = None

    def get(self, found: Found) -> FileResult | None:
        """The result of a file, if there is one that still holds."""
        try:
            with open(self._place(found), "rb") as file:
                head, _, body = file.read().partition(b"\n")
        except OSError:
            return None
        if head != _head(found, body):
            return None
        try:
            noted, result = json.loads(body)
            if all(self._now(kind, path) == answer for kind, path, answer in noted):
                kept = _decoded(result)
                return kept if isinstance(kept, FileResult) else None
        except (ValueError, KeyError, TypeError, RecursionError):  # of some other make
            pass
        return None

    def put(self, found: Found, result: FileResult, noted: disk.Noted) -> None:
        """Keeps a result and the questions it was made of. What went wrong is not kept: it may go well next time."""
        if self._writable is None:
            self._writable = not self._lured and _prepared(self.root, self._folder)
        if not self._writable or result.crashed or any(finding.code == "LL900" for finding in result.findings):
            return
        questions = [(kind, path, answer) for (kind, path), answer in noted.items()]
        try:
            body = json.dumps((questions, _encoded(result)), separators=(",", ":")).encode()
        except (TypeError, RecursionError):  # a fix with a value that is not plain
            return
        place = self._place(found)
        written = f"{place}.{os.getpid()}"
        try:
            with open(written, "wb") as file:
                file.write(_head(found, body) + b"\n" + body)
            os.replace(written, place)
        except OSError:
            self._writable = False
            with suppress(OSError):
                os.unlink(written)

    def _place(self, found: Found) -> str:
        return os.path.join(self._folder, disk.digest(os.fsencode(found.path)))

    def _now(self, kind: disk.Kind, path: str) -> str:
        """The answer to a question, asked once: files of one project ask the same."""
        answer = self._answers.get((kind, path))
        if answer is None:
            answer = self._answers[kind, path] = disk.answer(kind, path)
        return answer


def _head(found: Found, body: bytes) -> bytes:
    # A file that was named is told of when it cannot be understood, one that was come upon is not.
    data = b"%d %s %s" % (found.explicit, found.kind.encode(), found.data or b"")
    return f"{disk.digest(body)} {disk.digest(data)}".encode()


def _key(settings: Settings) -> str:
    """A digest of all that decides about every file."""
    relevant = replace(settings, baseline=None, fail_on="warning", exclude=())
    environment = [os.environ.get(name) for name in _ENVIRONMENT]
    facts = (__version__, sys.version, os.getcwd(), environment, relevant, sorted(_program()))
    return disk.digest(repr(facts).encode("utf-8", "surrogateescape"))


def _program() -> Iterator[tuple[str, int, int]]:
    """The files of lora-lint and the entries of its parsers, with their sizes and times."""
    from importlib.util import find_spec

    package = os.path.dirname(os.path.abspath(__file__))
    folders = [package, os.path.join(os.path.dirname(package), "rules")]
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
    for parser in ("yaml", "jsonschema", "tree_sitter", "tree_sitter_bash"):
        spec = find_spec(parser)
        if spec is not None and spec.origin is not None and os.path.isfile(spec.origin):
            status = os.stat(spec.origin)
            yield spec.origin, status.st_size, status.st_mtime_ns


def _prepared(root: str, folder: str) -> bool:
    """Makes the folder of results, and throws old ones out; gives whether it can be written to."""
    try:
        if not os.path.isdir(folder):
            os.makedirs(folder)
            for name, text in ((".gitignore", "*\n"), ("CACHEDIR.TAG", _TAG)):
                path = os.path.join(root, name)
                if not os.path.exists(path):
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(text)
            _prune(root)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _prune(root: str) -> None:
    import shutil

    with os.scandir(root) as entries:
        sets = sorted(((entry.stat().st_mtime_ns, entry.path) for entry in entries if entry.is_dir()), reverse=True)
    for _, path in sets[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def _encoded(value: Any) -> Any:
    """A value as JSON: lists start with what they stand for. Raises TypeError for what a finding cannot hold."""
    kind = type(value)
    if value is None or kind in (str, int, float, bool):
        return value
    if kind is dict:
        return ["dict", *([_encoded(key), _encoded(item)] for key, item in value.items())]
    if kind in (tuple, list) or kind is Span:
        return [kind.__name__, *map(_encoded, value)]
    if _RECORDS.get(kind.__name__) is kind:
        return [kind.__name__, *(_encoded(getattr(value, name)) for name in kind.__match_args__)]
    raise TypeError(f"{kind.__name__} is not kept")


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
