"""pandas: tables read from files, as long as their rows are those of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.interpreter.values import Arguments, Const, Object, Opaque, Val
from lora_lint.libraries.datasets import rows_of_files
from lora_lint.libraries.effects import Fact, TableRecord

if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


_WHOLE_TABLE = frozenset(
    "lines orient encoding dtype sep delimiter engine path_or_buf filepath_or_buffer quoting".split()
)
"""Arguments of pandas.read_json and read_csv that leave no rows out."""

_TABLE_SAME_SIZE = frozenset("copy rename reset_index fillna astype assign set_index sort_values round replace".split())


def read_table(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`pandas.read_json(path)`, `read_csv(path)`: a table."""
    path = arguments.get("filepath_or_buffer", 0) or arguments.get("path_or_buf", 0) or Opaque("it is not given", span)
    size = rows_of_files(context, path, span)
    if not _WHOLE_TABLE.issuperset(arguments.keywords):
        size = Opaque("what is read of the file is not known", span)
    return Object(name, arguments, span, TableRecord(path, size))


def method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method of a table: one that keeps its rows returns the table; one that may not, and works in place, invalidates
    it."""
    record: TableRecord = owner.data
    in_place = arguments.get("inplace")
    if in_place is not None and not (isinstance(in_place, Const) and in_place.value is False):
        if name not in _TABLE_SAME_SIZE:
            context.records.note(record, Fact.ROWS_CHANGED)
        return None
    return owner if name in _TABLE_SAME_SIZE else None


CALLS: dict[str, Handler] = dict.fromkeys(("read_json", "read_csv", "read_table"), read_table)
