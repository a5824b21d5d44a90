"""The keywords of the PEFT that is installed beside lora-lint, read from its source, which is never imported.

It may be newer than the one that `signatures` describes; what it accepts is no mistake.
"""

from __future__ import annotations

import os
import sys

from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

_LARGEST = 1_000_000
"""Bytes; a module of config classes has 60,000."""
_MOST_BASES = 20


def keywords(name: str) -> frozenset[str]:
    """The keywords of one of PEFT's config classes, base classes included; empty where PEFT is not installed or has no
    such class."""
    return _kept.get(name, _keywords)


_kept: disk.Remembered[str, frozenset[str]] = disk.Remembered()


def _keywords(name: str) -> frozenset[str]:
    sources = list(_sources())
    found: set[str] = set()
    wanted = [name]
    for each in wanted:
        node = _class(each, sources)
        if node is not None and len(wanted) < _MOST_BASES:
            found.update(_fields(node))
            wanted += [base for base in _bases(node) if base not in wanted]
    return frozenset(found)


def _sources() -> Iterator[bytes]:
    """The modules of config classes of the first PEFT on the path."""
    for folder in sys.path:
        package = os.path.join(folder, "peft")
        if disk.is_file(os.path.join(package, "config.py")):
            tuners = os.path.join(package, "tuners")
            places = (package, *(os.path.join(tuners, each) for each in disk.names(tuners) or ()))
            yield from filter(None, map(_source, places))
            return


def _source(folder: str) -> bytes | None:
    path = os.path.join(folder, "config.py")
    try:
        return disk.read(path, _LARGEST) if disk.is_file(path) else None
    except OSError:
        return None


def _class(name: str, sources: list[bytes]) -> ast.ClassDef | None:
    """The class of a name, from the only module that is parsed for it."""
    import ast

    text = next((each for each in sources if b"class %s(" % name.encode() in each), None)
    try:
        body = ast.parse(text).body if text is not None else []
    except (SyntaxError, ValueError, RecursionError):
        return None
    return next((each for each in body if isinstance(each, ast.ClassDef) and each.name == name), None)


def _fields(node: ast.ClassDef) -> Iterator[str]:
    """The fields of a dataclass that its constructor takes."""
    import ast

    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            options = each.value.keywords if isinstance(each.value, ast.Call) else ()
            if not any(option.arg == "init" for option in options):
                yield each.target.id


def _bases(node: ast.ClassDef) -> list[str]:
    import ast

    return [base.id for base in node.bases if isinstance(base, ast.Name)]
