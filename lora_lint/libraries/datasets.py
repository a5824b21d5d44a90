"""Datasets: names, sizes and the calls that change a size."""

from __future__ import annotations

import re

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
    Val,
    either,
    of_each,
    rows_list,
)
from lora_lint.libraries import columns, rows
from lora_lint.libraries.context import record_of
from lora_lint.libraries.convert import as_list, text_of, whole_list
from lora_lint.libraries.effects import DatasetRecord, TableRecord
from lora_lint.records import replace
from lora_lint.run.choices import caller

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lora_lint.libraries.context import Context, Handler
    from lora_lint.run.choices import Case
    from lora_lint.source import Span

_SLICE = r"(?P<split>[\w.]+)\[(?P<start>-?\d+%?)?:(?P<stop>-?\d+%?)?\]"
_FILES = frozenset({"json", "csv", "text", "parquet", "arrow", "pandas"})
_SAME_SIZE = frozenset(
    "map shuffle copy rename_column rename_columns remove_columns select_columns cast cast_column with_format "
    "set_format add_column flatten class_encode_column sort with_transform to_iterable_dataset flatten_indices".split()
)


WHERE = "numpy.where"
"""Where a condition holds for the rows of a table: `numpy.where(lengths < 100)[0]`."""


def load_dataset(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`load_dataset(name, config, split=…)`: a split where one is named, else a dict of splits."""
    path = arguments.get("path", 0) or Opaque("the dataset's name is not given", span)
    split = arguments.get("split")
    files = arguments.get("data_files")
    config = text_of(arguments.get("name", 1))
    if text_of(path) in _FILES and files is not None:
        picked = files.items.get("train", files) if isinstance(files, DictVal) else files
        found = columns.of_files(context, picked, span) if arguments.get("field") is None else None
        record = DatasetRecord(picked, rows_of_files(context, picked, span), "a local file", columns=found)
    elif (rows := _rows_of_folder(context, path, arguments, span)) is not None:
        record = DatasetRecord(path, rows, "a local folder")
    else:
        size = _public_size(path, "train" if split is None else None, config, span)
        record = DatasetRecord(path, size[0], size[1], columns=columns.of_public(path))
    made = Object("datasets.load_dataset", arguments, span, record)
    if split is None:
        return made
    return _split(made, split, span, config)


def _rows_of_folder(context: Context, path: Val, arguments: Arguments, span: Span) -> Val | None:
    """The rows of a folder of the project: `load_dataset("data/jsonl")`, `load_dataset("json", data_dir="data")`."""
    name, project = text_of(path), context.records.project
    folder = text_of(arguments.get("data_dir")) if name in _FILES else name
    if folder is None or project is None or "data_files" in arguments.keywords:
        return None
    if name not in _FILES and "data_dir" in arguments.keywords:
        return None
    from lora_lint.knowledge.sizes import rows_of_folder

    rows = rows_of_folder(folder, span.path, project)
    return None if rows is None else Const(rows, span, "derived")


def from_file(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`Dataset.from_json(path)` and its relatives."""
    path = arguments.get("path_or_paths", 0) or Opaque("the file is not given", span)
    found = columns.of_files(context, path, span)
    size = rows_of_files(context, path, span)
    return Object(name, arguments, span, DatasetRecord(path, size, "a local file", columns=found))


def from_table(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`Dataset.from_pandas(table)`."""
    table = arguments.get("df", 0)
    record = table.data if isinstance(table, Object) else None
    if not isinstance(record, TableRecord):
        return None
    return Object(name, arguments, span, rows.of_table(record, span))


def rows_of_files(context: Context, files: Val, span: Span) -> Val:
    """The rows of one file of the project, or of several."""
    if isinstance(files, Either):
        return of_each(lambda option: rows_of_files(context, option, span), files)
    from lora_lint.knowledge import sizes

    project = context.records.project
    paths = [text_of(path) for path in as_list(files)]
    rows = [sizes.rows_of_files(path, span.path, project) if path and project is not None else None for path in paths]
    found = [each for each in rows if each is not None]
    if not rows or len(found) < len(rows):
        return Opaque("it is a local file", span)
    return Const(sum(found), span, "derived")


def _public_size(path: Val, split: str | None, config: str | None, span: Span) -> tuple[Val, str]:
    name = text_of(path)
    if name is None or split is None:
        return Opaque("the dataset is not known", span), ""
    from lora_lint.knowledge import datasets

    size = datasets.size_of(name, split, config)
    if size is None:
        return Opaque(f"the size of {name or 'the dataset'} is not known", span), ""
    return Const(size, span, "derived"), f"the {split} split of {name}"


def _split(dataset: Object, split: Val, span: Span, config: str | None) -> Val:
    """A split by name, with the slices that `datasets` allows: `train[:1000]`, `train[10%:20%]`."""
    record: DatasetRecord = dataset.data
    if isinstance(split, Either):
        return either(_split(dataset, option, span, config) for option in split.options)
    if isinstance(split, ListVal):
        parts = [_split(dataset, part, span, config) for part in split.items]
        return ListVal(parts, span)
    text = text_of(split)
    if text is None:
        unknown = DatasetRecord(record.name, Opaque("the split is not known", span), columns=record.columns)
        return Object(dataset.callee, dataset.arguments, span, unknown)
    cut = re.fullmatch(_SLICE, text.replace(" ", "")) if "[" in text else None
    base = cut["split"] if cut else text
    size, how = record.size, record.how
    if not isinstance(size, Const) or record.split not in (None, base) or base != "train":
        size, how = _public_size(record.name, base, config, span)
    if cut:
        size, how = _sliced(size, cut["start"], cut["stop"], split, text)
    elif "+" in text:
        size, how = Opaque("several splits are joined", span), ""
    part = DatasetRecord(record.name, size, how, base, columns=record.columns)
    return Object(dataset.callee, dataset.arguments, span, part)


def _sliced(whole: Val, start: str | None, stop: str | None, written: Val, text: str) -> tuple[Val, str]:
    total = whole.value if isinstance(whole, Const) else None
    span = written.span if isinstance(written, Const) else None
    if stop is not None and not stop.endswith("%") and not stop.startswith("-") and (start or "0").isdigit():
        size = int(stop) - int(start or 0)
        return Const(max(min(size, total) if total else size, 0), span), f"the slice {text}"
    if total is not None:
        bounds = []
        for bound, default in ((start, 0), (stop, total)):
            if bound is None:
                bounds.append(default)
            elif bound.endswith("%"):
                bounds.append(round(total * int(bound[:-1]) / 100))
            else:
                bounds.append(int(bound) if int(bound) >= 0 else total + int(bound))
        return Const(max(bounds[1] - bounds[0], 0), span, "derived"), f"the slice {text}"
    return Opaque("it is a slice of a dataset whose size is not known", span), ""


def from_content(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`Dataset.from_list([...])`, `Dataset.from_dict({...})`: literal data is counted."""
    content = arguments.get("mapping", 0)
    parts = list(content.items.values()) if isinstance(content, DictVal) else [content] if content is not None else []
    counted = (rows.rows_of(context, part, span) for part in parts)  # all columns are as long
    found = next((each for each in counted if each is not None), None)
    made = found or rows.rows_of_size(Opaque("the data is made at run time", span), span)
    known = columns.of_content(content, name)
    return made if known is None else Object(made.callee, made.arguments, span, replace(made.data, columns=known))


def concatenate(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`concatenate_datasets([a, b])`: sizes add up if all are known."""
    items = whole_list(arguments.get("dsets", 0)) or []
    records = [record for item in items if (record := record_of(item, DatasetRecord)) is not None]
    return rows.joined(records if len(records) == len(items) else [], span)


def same_rows(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A function that returns its dataset row for row (unsloth.chat_templates, unsloth 2026.10)."""
    given = arguments.get("dataset", 0)
    return given if record_of(given, DatasetRecord) is not None else None


def from_disk(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`load_from_disk(folder)`: another program has written the folder, whose name is not that of a public data set."""
    unknown = Opaque("the data was prepared before", span)
    return Object("datasets.load_dataset", Arguments([], {}, {}), span, DatasetRecord(unknown, unknown))


def selected(name: str, arguments: Arguments, span: Span) -> Val | None:
    """`data.select(range(500))` of something that is not followed: only data sets have such a method, and it raises an
    IndexError for a number that they do not have (datasets 5.2.0, arrow_dataset.py)."""
    picked = arguments.get("indices", 0) if name == "select" else None
    size = _selected(picked, Opaque("it is not known"), name)
    is_range = isinstance(picked, AtMost) or (isinstance(picked, Const) and isinstance(picked.value, range))
    if not is_range or not isinstance(size, Const | AtMost):
        return None
    return rows.sized(DatasetRecord(Opaque("the dataset is not known", span), size), size, "a selection", span)


def splits(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`DatasetDict({"train": …})`: a dict of datasets."""
    given = arguments.positional[0] if arguments.positional else DictVal({}, span)
    if not isinstance(given, DictVal):
        return None
    return DictVal({**given.items, **arguments.keywords}, span, given.open or arguments.open)


def method_of_splits(context: Context, owner: DictVal, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method that a DatasetDict has for each of its datasets (datasets 5.2.0, dataset_dict.py)."""
    parts = [(key, part) for key, part in owner.items.items() if isinstance(part, Object)]
    known = all(isinstance(part.data, DatasetRecord) for _, part in parts) and len(parts) == len(owner.items)
    if not parts or not known or name not in (*_SAME_SIZE, "filter"):
        return None
    made = {key: method(context, part, name, arguments, span) or part for key, part in parts}
    return DictVal(made, span, owner.open)


def length(value: Object, span: Span) -> Val | None:
    """`len(dataset)`; None for what has splits."""
    record = record_of(value, DatasetRecord)
    whole = value.callee == "datasets.load_dataset" and (record is None or record.split is None)
    return None if record is None or whole else rows.number_of(record, span)


def method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method of a dataset or of a dict of splits."""
    record: DatasetRecord = owner.data
    if name in _SAME_SIZE:
        batched = arguments.get("batched")
        if name == "map" and batched is not None and not (isinstance(batched, Const) and not batched.value):
            removes = arguments.get("remove_columns") is not None
            if removes and not _keeps_rows(arguments):
                owner = _with(owner, record, record.size, record.how, span)
        left = columns.after(record, name, arguments)
        if left == record.columns:
            return owner
        return Object(owner.callee, owner.arguments, owner.span, replace(owner.data, columns=left))
    if name in ("select", "take", "head"):
        picked = arguments.get("indices", 0) if name == "select" else arguments.get("n", 0)
        return _with(owner, record, _selected(picked, record.size, name), "a selection", span)
    if name == "filter":
        return rows.filtered(owner, span)
    if name == "train_test_split":
        return _train_test(owner, record, arguments, span)
    if name in ("shard", "skip", "repeat", "batch", "unique", "to_pandas"):
        return _with(owner, record, Opaque(f"`.{name}(…)` changes its size", span), "", span)
    return None


def _keeps_rows(arguments: Arguments) -> bool:
    return arguments.get("batch_size") is None


def _with(owner: Object, record: DatasetRecord, size: Val, how: str, span: Span) -> Object:
    made = rows.sized(record, size, how, span)
    return Object(owner.callee, owner.arguments, span, made.data)


def _selected(picked: Val | None, whole: Val, method_name: str) -> Val:
    if isinstance(picked, Either):
        return of_each(lambda option: _selected(option, whole, method_name), picked)
    if isinstance(whole, Either):
        return of_each(lambda size: _selected(picked, size, method_name), whole)
    total = whole.value if isinstance(whole, Const) and isinstance(whole.value, int) else None
    if isinstance(picked, Object) and picked.callee == WHERE and isinstance(whole, Const):
        return AtMost(Opaque("a condition leaves some out"), whole)
    if isinstance(picked, Const):
        size = None
        if isinstance(picked.value, range):
            size = len(picked.value)
        elif method_name != "select" and isinstance(picked.value, int):
            size = picked.value
        if size is not None:
            return Const(min(size, total) if total is not None else size, picked.span, picked.origin)
    if isinstance(picked, ListVal) and not picked.open:
        return Const(len(picked.items), picked.span, "derived")
    if isinstance(picked, ListVal) and len(parts := picked.of_rows()) == 1:
        size_of: Val = parts[0].data.size
        return size_of if parts[0].data.exact or not isinstance(size_of, Const) else AtMost(Opaque("a part"), size_of)
    if isinstance(picked, AtMost):
        least = min(total, picked.bound.value) if total is not None else picked.bound.value
        return AtMost(picked, Const(least, picked.bound.span, picked.bound.origin))
    return Opaque("how many are selected is not known")


def _train_test(owner: Object, record: DatasetRecord, arguments: Arguments, span: Span) -> Val:
    size = rows.train_share(record.size, arguments, span, arguments.get("test_size", 0))
    kept = _with(owner, record, size, f"{record.how} without the test split".strip(), span)
    held_out = _with(owner, record, Opaque("it is the test split", span), "", span)
    return DictVal({"train": kept, "test": held_out}, span)


def merge(values: list[Val], cases: Sequence[Case]) -> Val | None:
    """One dataset or list of rows that differs between branches, with the choices that lead to each; None if these are
    neither. Where an option cuts it to a size that is not known (`if args.max_samples:`), it has the size that it has
    by default."""
    first = values[0]
    records = [record for value in values if (record := rows.counted(value)) is not None]
    if len(records) < len(values) or len({type(value) for value in values}) > 1:
        return None
    size, name = either([record.size for record in records], cases), either(record.name for record in records)
    usual = [record for record, case in zip(records, cases, strict=False) if case and caller(case) == ""]
    if isinstance(size, Opaque) and usual:
        records = usual
        size = either(record.size for record in usual).overridable()
        name = either(record.name for record in usual).overridable()
    how = records[0].how if len({record.how for record in records}) == 1 else ""
    same = {record.columns for record in records}
    merged = DatasetRecord(
        *(name, size, how),
        exact=all(record.exact for record in records),
        columns=records[0].columns if len(same) == 1 else None,
    )
    if isinstance(first, ListVal) and first.span is not None:
        return rows_list(Object("rows", NO_ARGUMENTS, first.span, merged), first.span, first.kind, not merged.exact)
    return Object(first.callee, first.arguments, first.span, merged) if isinstance(first, Object) else None


def files_of_splits(owner: Object) -> DictVal | None:
    """The files that `load_dataset` makes one split of each of, by its name."""
    added = any(name.startswith("[") for name in owner.attributes)  # `data["validation"] = …`
    files = owner.arguments.get("data_files") if owner.callee == "datasets.load_dataset" and not added else None
    return files if isinstance(files, DictVal) and owner.data.split is None and not files.open else None


def subscript(owner: Object, key: Val, span: Span) -> Val | None:
    """`dataset["train"]`, or rows and columns of a split."""
    record: DatasetRecord = owner.data
    text = text_of(key)
    if text is not None and record.split is None:
        return _split(owner, key, span, text_of(owner.arguments.get("name", 1)))
    if isinstance(key, ListVal) and key.kind == "slice":
        return Opaque("it is a batch of rows", span)
    return None


CALLS: dict[str, Handler] = {
    "load_dataset": load_dataset,
    "from_list": from_content,
    "from_dict": from_content,
    "concatenate_datasets": concatenate,
    "from_pandas": from_table,
    "DatasetDict": splits,
    **dict.fromkeys(("from_json", "from_csv", "from_text"), from_file),
    "load_from_disk": from_disk,
}
