"""Paths to file contents: the walk, the kinds of files and the size limits.

Most files in most repositories have nothing to do with LoRA, so the work per file here is one open, one read and a few
substring tests.
"""

from __future__ import annotations

import os
import re
import stat

from lora_lint.prefilter import (
    concerns_adapters,
    frameworks_of,
    holds_commands,
    import_lines,
    module_name,
    programs,
    relevant,
    telling,
    words,
)
from lora_lint.records import dataclass
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lora_lint.source import FileKind
    from lora_lint.unread import Limit

KINDS: dict[str, FileKind] = {
    ".py": "python",
    ".ipynb": "notebook",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".toml": "toml",
    ".sh": "shell",
    ".bash": "shell",
    ".slurm": "shell",
    ".sbatch": "shell",
    ".bat": "shell",
    ".cmd": "shell",
    ".ps1": "shell",
    ".mk": "make",
    ".dockerfile": "docker",
    ".modelfile": "modelfile",
}
NAMES: dict[str, FileKind] = {
    "Makefile": "make",
    "makefile": "make",
    "GNUmakefile": "make",
    "Dockerfile": "docker",
    "Containerfile": "docker",
    "Modelfile": "modelfile",
    "modelfile": "modelfile",
}
"""The kinds of files that have no suffix: `Dockerfile`, and variants such as `Dockerfile.gpu` and `Dockerfile-cuda`."""
NAMED = ", ".join((*KINDS, "Makefile", "Dockerfile", "Modelfile"))
"""What the user may name, for messages."""

DEFAULT_EXCLUDES = frozenset(
    {
        ".agents",
        ".bzr",
        ".claude",
        ".codex",
        ".cursor",
        ".direnv",
        ".eggs",
        ".git",
        ".hg",
        ".ipynb_checkpoints",
        ".lora-lint-cache",
        ".mypy_cache",
        ".nox",
        ".pants.d",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "__pypackages__",
        "build",
        "dist",
        "node_modules",
        "site-packages",
        "venv",
    }
)
"""Names of folders that a walk never enters (a folder named on the command line is always entered)."""

_COPIED = ("diffusers", "peft", "transformers", "trl")
"""Libraries whose packages and repositories people copy into their own, with examples that nobody there runs."""
_SETUP = frozenset({"pyproject.toml", "setup.cfg", "setup.py"})
_VOCABULARIES = frozenset(
    {"added_tokens.json", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.json"}
)
"""Files of a tokenizer, which lie in each checkpoint and name every word of a language, `lora` and `peft` included."""
SIZE_LIMIT = 10_000_000
"""Bytes; scripts and configs are far smaller. Files above it are never read as a whole."""
NOTEBOOK_SIZE_LIMIT = 50_000_000
"""Bytes; notebooks contain their outputs, images included."""

_TEST = rb"^[ \t]*(?:(?:async[ \t]+)?def test|(?:import|from)[ \t]+(?:pytest|unittest)\b)"
_TEST_BASE = rb"^class[ \t]+\w*Tests?(?:Case|Mixin|Base)?[(:]"
"""A class that the tests of a folder share, in a file that is not named after a test."""
_PROGRAMS = frozenset({"python", "notebook"})
_CHUNK = 1 << 16
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True)
class Found:
    """A file to lint. `data` is None if it could not be read; `problem` then says why, for the user. `path` is the one
    that reports show: relative to the current folder if the file is in it, with `/`. `limit` is the limit that it
    exceeds, for a file that may not be about LoRA."""

    path: str
    kind: FileKind
    data: bytes | None
    explicit: bool
    problem: str | None = None
    limit: Limit | None = None


class Walk:
    """The files under some paths, and what the walk met on the way.

    Iterating gives the relevant files in a fixed order; afterwards `files` counts all that were examined, `missing`
    holds the paths that do not exist, and `notes` what else the user should know.
    """

    def __init__(
        self,
        paths: Iterable[str],
        excluded: Callable[[str], bool] | None = None,
        prefilter: bool = True,
        root: str = "",
    ) -> None:
        """`root` is the folder of the settings file ("": the current one)."""
        self.paths = tuple(paths)
        self.root = root
        self.files = 0
        self.missing: list[str] = []
        self.notes: list[str] = []
        self._excluded = excluded
        self._prefilter = prefilter
        self._seen: set[str] = set()
        self._outside: list[str] = []
        self._tests = 0
        # For programs that do not mention LoRA themselves but import one that does, or shell scripts that call one: the
        # modules that do, and what the others import or call.
        self._modules: set[bytes] = set()
        self._importers: list[tuple[str, FileKind, bytes]] = []

    def __iter__(self) -> Iterator[Found]:
        for found in self._named_files():
            if found.kind == "python":
                self._modules.add(module_name(found.path))
            yield found
        self._modules |= {
            module_name(path)  # a package that re-exports from one of them
            for path, _, imports in self._importers
            if path.endswith("/__init__.py") and not self._modules.isdisjoint(words(imports))
        }
        for path, kind, imports in self._importers:
            named = words(imports)
            if b"from ." in imports:  # the package itself, which passes names of its modules on
                named.add(os.fsencode(os.path.basename(os.path.dirname(path))))
            if not self._modules.isdisjoint(named):
                try:
                    data = read(path, limit_of(kind))
                except OSError as error:
                    yield Found(path, kind, None, False, cannot_be_read(error))
                    continue
                if data is not None:
                    yield Found(path, kind, data, False)
        if self._tests:
            files = "1 test file" if self._tests == 1 else f"{self._tests} test files"
            self.notes.append(f"{files} skipped: tests train no adapter that is kept (name a file to lint it)")
        if self._outside:
            more = f" and {len(self._outside) - 1} more" if len(self._outside) > 1 else ""
            self.notes.append(
                f"{self._outside[0]}{more}: skipped, a link leads out of the project (name it to lint it)"
            )

    def _named_files(self) -> Iterator[Found]:
        """The named files, and those that are relevant by themselves."""
        for given in self.paths:
            path = display(given) if given else "''"
            try:
                mode = os.stat(given).st_mode
            except (OSError, ValueError) as error:
                if os.path.islink(given):
                    self.missing.append(f"{path}: the link leads nowhere")
                elif isinstance(error, FileNotFoundError):
                    self.missing.append(f"{path}: no such file or folder")
                else:
                    self.missing.append(f"{path}: {getattr(error, 'strerror', None) or error}")
                continue
            if stat.S_ISDIR(mode):
                yield from self._folder("" if path == "." else path.rstrip("/") + "/", path)
            elif not stat.S_ISREG(mode):
                self.notes.append(f"{path}: skipped, it is not a regular file (give `-` to read standard input)")
            else:
                yield from self._file(path)

    def _file(self, path: str) -> Iterator[Found]:
        """A named file: read whatever it contains."""
        kind = kind_of(path)
        if kind is None:
            self.notes.append(f"{path}: skipped, lora-lint reads {NAMED} files")
            return
        if path in self._seen:
            return
        self._seen.add(path)
        self.files += 1
        try:
            data = read(path, limit_of(kind))
        except OSError as error:
            yield Found(path, kind, None, True, cannot_be_read(error))
            return
        if data is None:
            yield Found(path, kind, None, True, too_large(kind))
        else:
            yield Found(path, kind, data, True)

    def _folder(self, prefix: str, folder: str) -> Iterator[Found]:
        """A folder, depth first in the order of names.

        Links to folders are not followed, so there can be no cycles; nor are links to files outside both the project
        and this folder.
        """
        given = folder
        stack = [(prefix, folder)]
        while stack:
            prefix, folder = stack.pop()
            try:
                with os.scandir(folder or ".") as scan:
                    entries = sorted(scan, key=_name)
            except OSError as error:
                self.notes.append(f"{folder}: skipped, it cannot be opened ({error.strerror or error})")
                continue
            below = []
            for entry in entries:
                name = entry.name
                kind = KINDS.get(name[name.rfind(".") :]) or _kind_by_name(name)
                try:
                    if kind is not None and entry.is_file():
                        found = self._entry(entry, prefix + name, kind, given)
                        if found is not None:
                            yield found
                    elif name not in DEFAULT_EXCLUDES and entry.is_dir(follow_symlinks=False):
                        path = prefix + name
                        if self._is_entered(path, _library_of(path, folder, entries, given)):
                            below.append((path + "/", path))
                except OSError:
                    continue
            stack.extend(reversed(below))

    def _entry(self, entry: os.DirEntry[str], path: str, kind: FileKind, given: str) -> Found | None:
        """A file below the folder `given`, if it is one to lint."""
        if path in self._seen or (self._excluded is not None and self._excluded(path)):
            return None
        if entry.is_symlink() and not self._belongs(path, given):
            self._outside.append(path)
            return None
        self._seen.add(path)
        self.files += 1
        return self._read(path, kind) if entry.name not in _VOCABULARIES else None

    def _is_entered(self, path: str, library: str | None) -> bool:
        """Whether the files of a folder, which are a library's own if one is given, are looked at."""
        if os.path.lexists(path + "/pyvenv.cfg"):  # a virtual environment, whatever its name
            return False
        if library:
            what = "they are" if path.endswith("examples") else "its code is"
            self.notes.append(f"{path}: skipped, {what} {library}'s own (name the folder to lint it)")
            return False
        return self._excluded is None or not self._excluded(path)

    def _belongs(self, link: str, folder: str) -> bool:
        """Whether a link in a named folder leads to something in it or in the project."""
        from lora_lint.system import bounds

        real = os.path.realpath(link)
        return any(bounds.holds(tree, real) for tree in (bounds.tree(self.root), os.path.realpath(folder or os.curdir)))

    def _read(self, path: str, kind: FileKind) -> Found | None:
        """A file found by a walk; None if nothing in it can concern us."""
        try:
            data = read(path, limit_of(kind))
        except OSError as error:
            # It may be about LoRA, so the report has to mention that it was not read.
            return Found(path, kind, None, False, cannot_be_read(error))
        if data is None:
            if telling(head(path), kind):
                return Found(path, kind, None, False, too_large(kind))
            # A program may mention LoRA further down; large data files are common, and hardly ever configs.
            return Found(path, kind, None, False, too_large(kind), "size") if kind in _PROGRAMS else None
        if self._prefilter and kind == "toml" and not frameworks_of(data, kind):
            return None  # a package's own description, settings of tools
        if kind == "python" and _is_test(path, data):
            self._tests += relevant(data)
            return None
        if kind == "modelfile":
            return Found(path, kind, data, False) if telling(data, kind) else None
        if self._prefilter and not relevant(data):
            has_commands = holds_commands(data, kind)
            if has_commands and concerns_adapters(data):
                return Found(path, kind, data, False)
            imported = import_lines(data) if kind in _PROGRAMS else b""
            imports = b" ".join((imported, programs(data) if has_commands or kind == "notebook" else b"")).strip()
            if imports:
                self._importers.append((path, kind, imports))
            return None
        return Found(path, kind, data, False)


def _library_of(path: str, folder: str, entries: Iterable[os.DirEntry[str]], given: str) -> str | None:
    """The library that `path`, a folder in `folder`, was copied from as its package or its examples; None if it is the
    project's own."""
    name = path[path.rfind("/") + 1 :]
    if name in _COPIED:  # a project's own scripts for a library, in a folder of that name, state no version
        return name if b"__version__ = " in head(f"{path}/__init__.py") and not _is_home(folder, name) else None
    return _copied(folder, entries) if name == "examples" and folder != given else None


def _is_home(folder: str, library: str) -> bool:
    """Whether the package of a library that lies in `folder` is in the library's repository, or a fork of it."""
    named = rb"\bname\s*=\s*[\"']" + library.encode() + rb"[\"']"
    root = folder.removesuffix("src") or "."
    return any(re.search(named, head(f"{root}/{setup}")) for setup in _SETUP)


def _copied(folder: str, entries: Iterable[os.DirEntry[str]]) -> str | None:
    """The library that a folder with these entries is a copy of; None if it is the project's own."""
    names = {entry.name for entry in entries}
    if names.isdisjoint(_SETUP):
        return None
    packages = (f"{folder}/{above}{name}" for name in _COPIED for above in ("", "src/"))
    found = (package for package in packages if os.path.isfile(f"{package}/__init__.py"))
    return next((package.rpartition("/")[2] for package in found), None)


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def display(path: str) -> str:
    """`path` as reports show it: relative to the current folder if the file is in it, otherwise as given."""
    if os.path.isabs(path):
        here = os.getcwd()
        if path == here:
            return "."
        inside = here.rstrip(os.sep) + os.sep
        path = path[len(inside) :] if path.startswith(inside) else path
    return os.path.normpath(path).replace(os.sep, "/")


def _is_test(path: str, data: bytes) -> bool:
    """Whether a program is one of the project's tests, by its name and by what is in it."""
    name = path[path.rfind("/") + 1 :]
    if not (name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"):
        return "/tests/" in f"/{path}" and re.search(_TEST_BASE, data, re.MULTILINE) is not None
    return re.search(_TEST, data, re.MULTILINE) is not None


def kind_of(path: str) -> FileKind | None:
    """The kind of `path` by its suffix or its whole name; any other file without a suffix counts as Python."""
    name = path[path.rfind("/") + 1 :]
    dot = name.rfind(".")
    kind = KINDS.get(name[dot:].lower()) if dot > 0 else None
    return kind or _kind_by_name(name) or (None if dot > 0 else "python")


def _kind_by_name(name: str) -> FileKind | None:
    """The kind of a file that is known by its name, which may have a suffix: `Dockerfile.gpu`, `Makefile-train`."""
    return NAMES.get(name.partition(".")[0].partition("-")[0])


_IMPORT = rb"(?m)^[ \t]*(?:import|from)[ \t]+\w"
_KEY = rb"(?:[\w.\"'/-]+[ \t]*:(?:\s|$)|[ \t#-]|\r?$)"
_COMMAND = rb"(?m)^[ \t]*(?:\w+=\S*[ \t]+)*(?:python3?|accelerate|torchrun|deepspeed)[ \t]"


def kind_of_text(data: bytes) -> FileKind | None:
    """The kind of a text without a name, by its content; None if the content does not show it."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"{"):
        return "notebook" if b'"nbformat"' in data and b'"cells"' in data else "json"
    shebang = start.partition(b"\n")[0]
    if shebang.startswith(b"#!") and b"python" not in shebang:
        return "shell" if b"sh" in shebang else None
    if not start or shebang.startswith(b"#!") or re.search(_IMPORT, data) is not None:
        return "python"
    if all(re.match(_KEY, line) for line in data.splitlines()):
        return "yaml"
    if re.search(_COMMAND, data) is not None:
        return "shell"
    return "python" if len(data) < _CHUNK and _does_something(data) else None


def _does_something(data: bytes) -> bool:
    """Whether a text is Python that calls, assigns or defines something: a table of numbers is valid Python, too."""
    import ast

    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, (ast.Call, ast.Assign, ast.FunctionDef, ast.ClassDef)) for node in ast.walk(tree))


def limit_of(kind: FileKind) -> int:
    return NOTEBOOK_SIZE_LIMIT if kind == "notebook" else SIZE_LIMIT


def too_large(kind: FileKind) -> str:
    return f"This file is larger than {limit_of(kind) // 1_000_000} MB"


def cannot_be_read(error: OSError) -> str:
    return f"This file cannot be read ({error.strerror or error})"


def read(path: str, limit: int) -> bytes | None:
    """The bytes of a file; None if there are more than `limit`. Raises OSError."""
    held = disk.instead(path)
    if held is not None:
        return held if len(held) <= limit else None
    descriptor = os.open(path, _OPEN_FLAGS)
    try:
        data = os.read(descriptor, _CHUNK)
        if len(data) < _CHUNK:
            return data
        chunks = [data]
        size = len(data)
        while data := os.read(descriptor, _CHUNK << 4):
            chunks.append(data)
            size += len(data)
            if size > limit:
                return None
        return b"".join(chunks)
    finally:
        os.close(descriptor)


def head(path: str) -> bytes:
    """The first bytes of a file; empty if it cannot be read."""
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _CHUNK)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def from_root(path: str, root: str) -> str:
    """`path` (relative to the current folder, or absolute) as seen from the folder `root`, with `/`."""
    if not root:
        return path
    try:
        return os.path.relpath(path, root).replace(os.sep, "/")
    except ValueError:  # another drive
        return path
