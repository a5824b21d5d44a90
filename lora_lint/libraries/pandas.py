"""pandas: tables, as long as their rows can be counted."""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Const, DictVal, ListVal, Object, Opaque, Val, rows_list
from lora_lint.libraries import rows
from lora_lint.libraries.context import record_of
from lora_lint.libraries.convert import text_of, whole_list
from lora_lint.libraries.datasets import rows_of_files
from lora_lint.libraries.effects import DatasetRecord, Fact, TableRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


_WHOLE_TABLE = frozenset(
    "lines orient encoding dtype sep delimiter engine path_or_buf filepath_or_buffer quoting".split()
)
"""Arguments of pandas.read_json and read_csv that leave no rows out."""

_SAME_SIZE = frozenset(
    "copy rename reset_index fillna astype assign set_index sort_values round replace apply map".split()
)
_FEWER = frozenset({"dropna", "drop_duplicates", "query"})
_ITERATED = frozenset({"iterrows", "itertuples", "tolist", "to_list", "to_numpy"})


def read_table(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`pandas.read_json(path)`, `read_csv(path)`: a table."""
    path = arguments.get("filepath_or_buffer", 0) or arguments.get("path_or_buf", 0) or Opaque("it is not given", span)
    size = rows_of_files(context, path, span)
    if not _WHOLE_TABLE.issuperset(arguments.keywords):
        size = Opaque("what is read of the file is not known", span)
    return Object(name, arguments, span, TableRecord(path, size))


def table_of(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`pandas.DataFrame(rows)`, of a list of rows or a dict of columns."""
    data = arguments.get("data", 0)
    if isinstance(data, DictVal):
        data = next(iter(data.items.values()), None)
    record = record_of(rows.rows_of(context, data, span), DatasetRecord) if data is not None else None
    return None if record is None else _table(name, arguments, record, span)


def _table(name: str, arguments: Arguments, record: DatasetRecord, span: Span) -> Object:
    return Object(name, arguments, span, TableRecord(record.name, record.size, record.how, record.exact))


def joined(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`pandas.concat([a, b])`."""
    items = whole_list(arguments.get("objs", 0)) or []
    tables = [table for item in items if (table := record_of(item, TableRecord)) is not None]
    if not tables or len(tables) < len(items):
        return None
    return _table(name, arguments, rows.joined([rows.of_table(each) for each in tables], span).data, span)


def method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method of a table: one that keeps its rows returns the table; one that may not, and works in place, invalidates
    it."""
    record: TableRecord = owner.data
    in_place = arguments.get("inplace")
    if in_place is not None and not (isinstance(in_place, Const) and in_place.value is False):
        if name not in _SAME_SIZE:
            context.records.note(record, Fact.ROWS_CHANGED)
        return None
    counted = Object("rows", arguments, span, rows.of_table(record))
    if name in _ITERATED or (name == "to_dict" and text_of(arguments.get("orient", 0)) == "records"):
        return rows_list(counted, span)
    if name in _SAME_SIZE or (name == "drop" and "columns" in arguments.keywords):
        return owner
    if name in _FEWER:
        return _changed(owner, rows.filtered(counted, span).data, span)
    if name in ("head", "sample"):
        return _picked(owner, name, arguments, span)
    return None


def _picked(owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`table.head(100)`, `table.sample(n=100)`, `table.sample(frac=1)`."""
    record: TableRecord = owner.data
    number, share = arguments.get("n", 0), arguments.get("frac")
    if number is None and isinstance(share, Const) and share.value == 1:
        return owner
    if not isinstance(number, Const) or type(number.value) is not int:
        return None
    total = record.size.value if isinstance(record.size, Const) and record.exact else None
    size = Const(min(number.value, total) if total is not None else number.value, number.span, number.origin)
    return _changed(owner, rows.sized(rows.of_table(record), size, "a selection", span).data, span)


def _changed(owner: Object, record: DatasetRecord, span: Span) -> Object:
    return _table(owner.callee, owner.arguments, record, span)


def subscript(owner: Object, key: Val, span: Span) -> Val:
    """`table["text"]`, `table[["a", "b"]]` have its rows, `table[table["score"] > 3]` may have fewer."""
    if isinstance(key, ListVal) and key.kind == "tuple" and key.items:
        key = key.items[0]  # `table.loc[rows, columns]`
    if text_of(key) is not None or (isinstance(key, ListVal) and key.kind == "list"):
        return owner
    counted = Object("rows", owner.arguments, span, rows.of_table(owner.data))
    if isinstance(key, ListVal):
        cut = rows.cut(rows_list(counted, span), key.items, span)
        return Opaque("it is a slice of a table", span) if cut is None else _changed(owner, cut.data, span)
    return _changed(owner, rows.filtered(counted, span).data, span)


CALLS: dict[str, Handler] = {
    **dict.fromkeys(("read_json", "read_csv", "read_table"), read_table),
    "DataFrame": table_of,
    "concat": joined,
}
