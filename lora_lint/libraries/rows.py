"""The rows of lists that a program fills from files and data sets, and of what it makes of such lists."""

from __future__ import annotations

import ast
from math import ceil, floor

from lora_lint.interpreter.definitions import Instance
from lora_lint.interpreter.operations import origin_of
from lora_lint.interpreter.values import (
    NO_ARGUMENTS,
    Arguments,
    AtMost,
    Const,
    DictVal,
    Either,
    ListVal,
    Object,
    Opaque,
    Perhaps,
    Portion,
    Val,
    as_text,
    lift,
    of_each,
    rows_list,
)
from lora_lint.libraries.context import record_of
from lora_lint.libraries.convert import text_of
from lora_lint.libraries.effects import DatasetRecord, Fact, TableRecord
from lora_lint.libraries.loaded import OPEN, file_argument, opened_path, parsed
from lora_lint.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from lora_lint.interpreter.definitions import Function, Scope
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.project import Project
    from lora_lint.source import Span

_FILE = "a local file"
_OPENING = frozenset({"jsonlines.open", "gzip.open"})
_TABLES = frozenset({"csv.DictReader", "csv.reader"})


def rows_of(context: Context, value: Val, span: Span) -> Object | None:
    """What stands for the rows that an iteration over a value gives, one each turn; None if their number is not
    known."""
    if isinstance(value, ListVal) and (record := _all_of(value, span)) is not None:
        return Object("rows", NO_ARGUMENTS, span, record)
    if isinstance(value, ListVal | DictVal) or (isinstance(value, Const) and isinstance(value.value, range)):
        sure = not any(isinstance(item, Perhaps) for item in value.content())
        return rows_of_size(Const(value.turns(), span, "derived"), span) if value.turns() and sure else None
    if isinstance(value, AtMost):  # `range(min(1000, …))`
        return rows_of_size(value, span)
    if isinstance(value, Portion):
        unknown = Opaque("the data is not known", span)
        return sized(DatasetRecord(unknown, unknown), AtMost(value, value.most), "a selection", span)
    if not isinstance(value, Object):
        return None
    if isinstance(value.data, DatasetRecord):
        return value
    first = value.arguments.get("", 0)
    if value.callee in _TABLES:
        from lora_lint.knowledge.sizes import rows_of_file

        return _of_file(context, opened_path(first), rows_of_file, span)
    if value.callee == OPEN or value.callee in _OPENING:
        from lora_lint.knowledge.sizes import lines_of_file

        return _of_file(context, opened_path(value) or first, lines_of_file, span)
    return None


def of_any(context: Context, value: Val, span: Span) -> Object | None:
    """The rows of data that is given to a trainer or a loader, which may be an object of the program's own class with a
    length; None if their number is not known."""
    if not isinstance(value, Instance):
        return rows_of(context, value, span)
    size = context.machine.call_external("builtins.len", Arguments([value], {}, {}), span)
    return rows_of_size(size, span) if isinstance(size, Const | AtMost | Either) else None


def _all_of(value: ListVal, span: Span) -> DatasetRecord | None:
    """The rows of a list that holds nothing else."""
    parts = value.of_rows()
    record: DatasetRecord | None = joined([part.data for part in parts], span).data if parts else None
    return record


def json_content(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`json.load(file)`: of a list that is too large to follow, the number of its items."""
    from lora_lint.knowledge.sizes import items_of_file

    content = parsed(context, name, arguments, span)
    path = opened_path(file_argument(arguments)) if isinstance(content, Opaque) else None
    rows = _of_file(context, path, items_of_file, span)
    return rows_list(rows, span) if rows is not None else content


def _of_file(
    context: Context, path: Val | None, count: Callable[[str, str, Project], int | None], span: Span
) -> Object | None:
    """The rows of a file of the project."""
    name, project = text_of(path), context.records.project
    rows = count(name, span.path, project) if name and project is not None else None
    if rows is None or path is None:
        return None
    return Object("rows", NO_ARGUMENTS, span, DatasetRecord(as_text(path), Const(rows, span, "derived"), _FILE))


def rows_of_size(size: Val, span: Span) -> Object:
    """Rows that the program makes itself."""
    name = Opaque("the data is made in the program")
    return sized(DatasetRecord(name, size), size, "the data written here", span)


def joined(records: Sequence[DatasetRecord], span: Span) -> Object:
    """The rows of several data sets, one after another."""
    if len(records) == 1:
        return Object("rows", NO_ARGUMENTS, span, records[0])
    size: Val = Opaque("the parts are not all known", span)
    if records and not any(isinstance(record.size, Opaque) for record in records):
        size = lift(
            lambda *sizes: Const(sum(each.value for each in sizes), span, "derived"),
            *(record.size for record in records),
        )
    name = Opaque("several datasets are joined", span)
    exact = all(record.exact for record in records)
    how = f"{len(records)} datasets joined"
    return Object("rows", NO_ARGUMENTS, span, DatasetRecord(name, size, how, exact=exact))


def of_table(table: TableRecord, span: Span | None = None) -> DatasetRecord:
    """The rows of a table of pandas."""
    changed = Fact.ROWS_CHANGED in table.facts
    size = Opaque("rows of the table may be gone", span) if changed else table.size
    return DatasetRecord(table.name, size, table.how, exact=table.exact)


def filtered(rows: Object, span: Span) -> Object:
    """Rows of which a condition leaves some out."""
    record: DatasetRecord = rows.data
    return Object(rows.callee, rows.arguments, span, replace(record, exact=False))


def sized(record: DatasetRecord, size: Val, how: str, span: Span) -> Object:
    """Some of the rows of a data set: a number of them, or AtMost that many."""
    if isinstance(size, AtMost):
        return Object("rows", NO_ARGUMENTS, span, replace(record, size=size.bound, how=how, exact=False))
    return Object("rows", NO_ARGUMENTS, span, replace(record, size=size, how=how))


def cut(value: ListVal, bounds: list[Val], span: Span) -> Object | None:
    """`rows[:1000]`, `rows[200:]`."""
    record = _all_of(value, span)
    if record is None:
        return None
    start, stop = bounds[0], bounds[1]
    total = record.size.value if isinstance(record.size, Const) else None
    if isinstance(stop, AtMost) and isinstance(start, Const) and not start.value:
        return sized(record, stop, "a selection", span)
    places = [bound.value for bound in bounds if isinstance(bound, Const)]
    if total is None or len(places) < len(bounds):
        return None
    try:
        size = len(range(total)[slice(*places)])
    except (TypeError, ValueError):
        return None
    return sized(record, Const(size, span, "derived"), f"{record.how} cut" if record.how else "a selection", span)


def length(value: ListVal, span: Span) -> Val | None:
    """`len(rows)`."""
    record = _all_of(value, span)
    return None if record is None else number_of(record, span)


def number_of(record: DatasetRecord, span: Span) -> Val | None:
    """How many rows there are, which are fewer where a filter leaves some out; None if that is not known."""

    def number(size: Val) -> Val:
        if not isinstance(size, Const):
            return size
        known = Const(size.value, span, origin_of((size,)))
        return known if record.exact else AtMost(Opaque("a filter may leave fewer", span), known)

    found = of_each(number, record.size)
    return None if isinstance(found, Opaque) and not isinstance(found, AtMost) else found


def counted(value: Val) -> DatasetRecord | None:
    """The record of a data set, or of a list of rows."""
    if isinstance(value, ListVal):
        return _all_of(value, value.span) if value.span is not None else None
    return record_of(value, DatasetRecord)


def limited(value: Val, most: Const, span: Span) -> Val | None:
    """A list or a data set of which a condition says that it has no more rows; None if that adds nothing."""
    if type(most.value) is not int or most.value < 0:
        return None
    if isinstance(value, Opaque):
        return Portion(value, most)
    record = counted(value)
    if record is None or (isinstance(record.size, Const) and record.size.value <= most.value):
        return None
    fewer = sized(record, AtMost(Opaque("a condition limits it", span), most), record.how or "a selection", span)
    if isinstance(value, Object):
        return Object(value.callee, value.arguments, value.span, fewer.data)
    return rows_list(fewer, span, sometimes=True)


def sample(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`random.sample(rows, 500)`."""
    population, number = arguments.get("population", 0), arguments.get("k", 1)
    rows = rows_of(context, population, span) if population is not None else None
    record = rows.data if rows is not None else rows_of_size(Opaque("it is a sample"), span).data
    known = isinstance(number, Const) and type(number.value) is int
    if number is None or not (known or isinstance(number, AtMost)):
        return None
    return rows_list(sized(record, number, "a selection", span), span)


def draw(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`numpy.random.randint(len(rows), size=1000)`, `numpy.random.choice(rows, 1000)`: as many places, or rows, as are
    asked for."""
    size = arguments.get("size", 2 if name.endswith("randint") else 1)
    known = isinstance(size, Const) and type(size.value) is int
    if size is None or not (known or isinstance(size, AtMost)):
        return None
    return rows_list(rows_of_size(size, span), span)


def is_tokenizer(value: Object) -> bool:
    """Whether a program loads a tokenizer: `AutoTokenizer.from_pretrained(…)`."""
    owner, _, name = value.callee.rpartition(".")
    return name == "from_pretrained" and owner.endswith(("Tokenizer", "TokenizerFast"))


def is_tokenizer_of(function: Function, name: str) -> bool:
    """Whether a name in a function of the program is that of a tokenizer outside of it."""
    node, scope = function.node, function.scope
    if any(each.arg == name for each in ast.walk(node) if isinstance(each, ast.arg)):
        return False
    found: Scope | None = scope
    while found is not None and name not in found.names:
        found = found.outer
    value = found.names[name] if found is not None else None
    return isinstance(value, Object) and is_tokenizer(value)


def of_texts(context: Context, arguments: Arguments, span: Span) -> Val | None:
    """`tokenizer(texts)`: what it makes of a list of texts has as many rows (transformers 5.23,
    tokenization_utils_base.py), unless it cuts texts that are too long into several."""
    texts = arguments.get("text", 0)
    found = rows_of(context, texts, span) if texts is not None else None
    if found is None or arguments.open or "return_overflowing_tokens" in arguments.keywords:
        return None
    return DictVal({name: rows_list(found, span) for name in ("input_ids", "attention_mask")}, span, True)


def permuted(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`numpy.random.permutation(rows)`, or of their number: as many."""
    given = arguments.get("x", 0)
    whole = isinstance(given, AtMost) or (isinstance(given, Const) and type(given.value) is int)
    if given is None:
        return None
    rows = rows_of_size(given, span) if whole else rows_of(context, given, span)
    return rows_list(rows, span) if rows is not None else None


def shuffled(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`random.shuffle(rows)`, in place."""
    return Const(None, span)


def divided(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """scikit-learn's `train_test_split(rows, test_size=0.1)`: the rows in two parts, for each argument."""
    parts: list[Val] = []
    for given in arguments.positional:
        table = record_of(given, TableRecord)
        rows = rows_of(context, given, span) if table is None else None
        record = table or record_of(rows, DatasetRecord)
        if record is None:
            return None
        exact = table is not None or (rows is not None and rows.data.exact)
        size = train_share(record.size if exact else Opaque("a filter may leave fewer"), arguments, span)
        left = Opaque("it is the test split", span)
        if table is not None and isinstance(given, Object):
            parts += [Object(given.callee, given.arguments, span, replace(table, size=each)) for each in (size, left)]
        elif isinstance(record, DatasetRecord):
            how = f"{record.how} without the test split".strip()
            parts += [rows_list(sized(record, each, how, span), span) for each in (size, left)]
    return ListVal(parts, span)


def random_parts(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """torch's `random_split(data, [0.9, 0.1])`: a part for each length or share (torch 2.13, utils/data/dataset.py)."""
    data, lengths = arguments.get("dataset", 0), arguments.get("lengths", 1)
    whole = of_any(context, data, span) if data is not None else None
    if whole is None or not isinstance(lengths, ListVal) or lengths.open:
        return None
    record: DatasetRecord = whole.data
    given = [each.value if isinstance(each, Const) else None for each in lengths.items]
    sizes: Sequence[int | None] = [each if type(each) is int else None for each in given]
    total = record.size.value if isinstance(record.size, Const) else None
    shares = [each for each in given if isinstance(each, float)]
    if shares and len(shares) == len(given) and total is not None and abs(sum(shares) - 1) < 1e-6:
        least = [floor(total * share) for share in shares]
        left = total - sum(least)
        sizes = [size + left // len(least) + (number < left % len(least)) for number, size in enumerate(least)]
    unknown = Opaque("the split depends on a size that is not known", span)
    parts = (unknown if size is None else Const(size, span, "derived") for size in sizes)
    how = f"{record.how}, a part" if record.how else "a selection"
    return ListVal([sized(record, size, how, span) for size in parts], span)


def subset(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """torch's `Subset(data, indices)`: as many rows as there are indices."""
    data, picked = arguments.get("dataset", 0), arguments.get("indices", 1)
    whole = of_any(context, data, span) if data is not None else None
    indices = rows_of(context, picked, span) if picked is not None else None
    if whole is None or indices is None:
        return None
    return sized(whole.data, indices.data.size, "a selection", span)


def train_share(whole: Val, arguments: Arguments, span: Span, test: Val | None = None) -> Val:
    """The size of the training part of `train_test_split(…)`, which datasets and scikit-learn have."""
    if isinstance(whole, Either):
        return of_each(lambda size: train_share(size, arguments, span, test), whole)
    test, train = test or arguments.get("test_size"), arguments.get("train_size")
    total = whole.value if isinstance(whole, Const) else None
    share = train.value if isinstance(train, Const) else None
    if isinstance(share, int) and not isinstance(share, bool) and share > 1:
        return Const(share, span, "derived")
    if total is not None and _is_share(share):
        return Const(int(total * share), span, "derived")
    held = test.value if isinstance(test, Const) else 0.25 if test is None else None
    if total is not None and _is_share(held):
        return Const(total - ceil(total * held), span, "derived")
    if total is not None and isinstance(held, int) and 0 < held < total:  # others are rejected too
        return Const(total - held, span, "derived")
    return Opaque("the split depends on a size that is not known", span)


def _is_share(value: Any) -> bool:
    """Whether it is a fraction of the rows; others are rejected (datasets 5.2.0, `Dataset.train_test_split`)."""
    return isinstance(value, float) and 0 < value < 1


def what_is_shown(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`tqdm(rows)`, which shows how far an iteration has come."""
    return arguments.get("iterable", 0)


TQDM: dict[str, Handler] = {"tqdm": what_is_shown}
