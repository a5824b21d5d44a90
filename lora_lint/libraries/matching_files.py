"""The config files that a pattern matches: `glob.glob("configs/*.yaml")`, `Path("configs").glob("*.json")`."""

from __future__ import annotations

import fnmatch
import posixpath

from lora_lint.interpreter.values import Const, ListVal
from lora_lint.libraries.convert import text_of
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.context import Context
    from lora_lint.source import Span

MOST_FILES = 24
"""The most files of which each is read by itself; more are data."""
_SUFFIXES = (".yaml", ".yml", ".json", ".toml")
_WILD = frozenset("*?[")


def matches(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """The paths of the files that match, by name; None for other patterns, and where the project has none of them."""
    pattern, project = text_of(arguments.get("pathname", 0)), context.records.project
    if pattern is None or project is None:
        return None
    folder, last = posixpath.split(pattern)
    if not last.endswith(_SUFFIXES) or _WILD.isdisjoint(last) or not _WILD.isdisjoint(folder) or folder[:1] == "/":
        return None
    for above in project.upwards(posixpath.dirname(span.path)):
        there = disk.names(posixpath.normpath(posixpath.join(above, folder)) if above or folder else "") or ()
        names = sorted(fnmatch.filter(there, last))
        if names:
            paths = [Const(posixpath.join(folder, each), span, "derived") for each in names]
            return ListVal(list(paths), span) if len(paths) <= MOST_FILES else None
    return None
