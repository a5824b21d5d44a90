"""The files that a pattern matches, configs and data: `glob.glob("configs/*.yaml")`, `Path("data").glob("*.jsonl")`."""

from __future__ import annotations

import fnmatch
import posixpath

from lora_lint.interpreter.values import MAX_UNROLL, Const, ListVal
from lora_lint.libraries.convert import text_of
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.context import Context
    from lora_lint.source import Span

MOST_FILES = {".yaml": 24, ".yml": 24, ".json": 24, ".toml": 24, ".jsonl": MAX_UNROLL}
"""The most files of a kind of which each is read by itself; more are data, which is counted in some other way."""
_WILD = frozenset("*?[")


def matches(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """The paths of the files that match, by name; None for other patterns, and where the project has none of them."""
    pattern, project = text_of(arguments.get("pathname", 0)), context.records.project
    if pattern is None or project is None:
        return None
    folder, last = posixpath.split(pattern)
    most = MOST_FILES.get(posixpath.splitext(last)[1], 0)
    if not most or _WILD.isdisjoint(last) or not _WILD.isdisjoint(folder) or folder[:1] == "/":
        return None
    for above in project.upwards(posixpath.dirname(span.path)):
        there = disk.names(posixpath.normpath(posixpath.join(above, folder)) if above or folder else "") or ()
        names = sorted(fnmatch.filter(there, last))
        if names:
            paths = [Const(posixpath.join(folder, each), span, "derived") for each in names]
            return ListVal(list(paths), span) if len(paths) <= most else None
    return None
