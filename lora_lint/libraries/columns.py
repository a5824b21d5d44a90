"""The columns of data sets, where a program shows all of them.

Source: datasets 5.2.0, arrow_dataset.py: `map` keeps the columns that it is not told to remove, and adds what the
function returns.
"""

from __future__ import annotations

import ast

from lora_lint.interpreter.definitions import Function
from lora_lint.interpreter.values import Const, DictVal, ListVal, Member, Object
from lora_lint.knowledge import datasets
from lora_lint.libraries import rows
from lora_lint.libraries.context import record_of
from lora_lint.libraries.convert import is_none, text_of
from lora_lint.libraries.effects import DatasetRecord
from lora_lint.readers.python import own_nodes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.context import Context
    from lora_lint.source import Span

    Columns: TypeAlias = "frozenset[str] | None"

_LOOKED_AT = 50
"""The first rows of a file that are asked for their keys."""
_TOKENS = frozenset({"input_ids", "attention_mask", "token_type_ids"})
"""What a tokenizer makes of texts (transformers 5.23.0, tokenization_utils_base.py)."""
_SAME = frozenset(
    "shuffle copy cast_column sort to_iterable_dataset class_encode_column flatten_indices filter select".split()
)
_ALL = ("column_names",)
"""The attribute that names all columns."""


def of_files(context: Context, files: Val, span: Span) -> Columns:
    """The columns of one JSON file of the project."""
    path, project = text_of(files), context.records.project
    if not path or project is None:
        return None
    from lora_lint.knowledge.sizes import first_rows

    found = first_rows(path, span.path, project, _LOOKED_AT)
    return _of_dicts(found) if found else None


def _of_dicts(found: Iterable[object]) -> Columns:
    keys: set[str] = set()
    for row in found:
        if not isinstance(row, dict):
            return None
        keys |= {key for key in row if isinstance(key, str)}
    return frozenset(keys)


def of_public(path: Val) -> Columns:
    """The columns of a public data set, by its name."""
    name = text_of(path)
    return datasets.columns_of(name) if name else None


def of_content(content: Val | None, name: str) -> Columns:
    """The columns of `Dataset.from_dict({…})`, or of `Dataset.from_list([{…}, …])`."""
    if isinstance(content, DictVal):
        return _keys_of(content) if name.endswith("from_dict") else None
    if not isinstance(content, ListVal) or content.open or not content.items:
        return None
    return _all_of([_keys_of(item) if isinstance(item, DictVal) else None for item in content.items])


def _all_of(parts: Sequence[Columns]) -> Columns:
    """The columns of all parts; None if those of one are not known."""
    known = [each for each in parts if each is not None]
    return frozenset().union(*known) if len(known) == len(parts) else None


def _keys_of(value: DictVal) -> Columns:
    keys = [key for key in value.items if isinstance(key, str)]
    return None if value.open or len(keys) < len(value.items) else frozenset(keys)


def after(record: DatasetRecord, method: str, arguments: Arguments) -> Columns:
    """The columns that a data set has after a method of that name."""
    before = record.columns
    if method in _SAME:
        return before
    change = _CHANGES.get(method)
    return None if change is None or arguments.open else change(before, record, arguments)


def _mapped(before: Columns, record: DatasetRecord, arguments: Arguments) -> Columns:
    made, removed = _made_by(arguments.get("function", 0)), arguments.get("remove_columns")
    if made is None or arguments.get("input_columns") is not None:
        return None
    if isinstance(removed, Member) and removed.name in _ALL:
        owner = record_of(removed.owner, DatasetRecord)
        return made if owner is not None and owner.name is record.name else None
    gone = _texts(removed)
    return None if before is None or gone is None else (before - gone) | made


def _renamed(before: Columns, record: DatasetRecord, arguments: Arguments) -> Columns:
    del record
    old, new = text_of(arguments.get("original_column_name", 0)), text_of(arguments.get("new_column_name", 1))
    return None if before is None or not old or not new else (before - {old}) | {new}


def _renamed_all(before: Columns, record: DatasetRecord, arguments: Arguments) -> Columns:
    del record
    mapping = arguments.get("column_mapping", 0)
    if before is None or not isinstance(mapping, DictVal) or mapping.open:
        return None
    pairs = {old: text_of(new) for old, new in mapping.items.items()}
    new = {each for each in pairs.values() if each is not None}
    return None if len(new) < len(pairs) else (before - pairs.keys()) | new


def _without(before: Columns, record: DatasetRecord, arguments: Arguments) -> Columns:
    del record
    gone = _texts(arguments.get("column_names", 0))
    return None if before is None or not gone else before - gone


def _only(before: Columns, record: DatasetRecord, arguments: Arguments) -> Columns:
    del before, record
    return _texts(arguments.get("column_names", 0)) or None


def _with_one(before: Columns, record: DatasetRecord, arguments: Arguments) -> Columns:
    del record
    new = text_of(arguments.get("name", 0))
    return None if before is None or not new else before | {new}


_CHANGES: dict[str, Callable[[Columns, DatasetRecord, Arguments], Columns]] = {
    "map": _mapped,
    "rename_column": _renamed,
    "rename_columns": _renamed_all,
    "remove_columns": _without,
    "select_columns": _only,
    "add_column": _with_one,
}


def _texts(value: Val | None) -> Columns:
    """Names of columns: one, a list of them, or none."""
    if value is None or is_none(value):
        return frozenset()
    if isinstance(value, Const):
        return frozenset({value.value}) if isinstance(value.value, str) else None
    if not isinstance(value, ListVal) or value.open:
        return None
    names = [text_of(item) for item in value.items]
    known = frozenset(name for name in names if name is not None)
    return known if None not in names else None


def _made_by(function: Val | None) -> Columns:
    """The columns that a function returns for a row, or for a batch of rows."""
    if not isinstance(function, Function) or getattr(function.node, "decorator_list", None):
        return None
    returned = _Returned(function)
    return _all_of([returned.keys(value) for value in returned.values]) if returned.values else None


class _Returned:
    """What a function of the program returns, by its own statements."""

    __slots__ = ("_assigned", "_function", "_row", "_written", "values")

    def __init__(self, function: Function) -> None:
        node = function.node
        names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
        self._function = function
        self._row = names[1 if function.owner is not None else 0] if len(names) > (function.owner is not None) else ""
        self._assigned: dict[str, list[ast.expr | None]] = {}
        self._written: dict[str, set[str] | None] = {}
        self.values: list[ast.expr | None] = []
        if isinstance(node, ast.Lambda):
            self.values = [node.body]
            return
        for each in own_nodes(node):
            self._read(each)

    def _read(self, node: ast.AST) -> None:
        if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom):
            self.values.append(node.value if isinstance(node, ast.Return) else None)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, node.value)
        elif isinstance(
            node, ast.AugAssign | ast.AnnAssign | ast.NamedExpr | ast.For | ast.comprehension | ast.withitem
        ):
            bound = node.optional_vars if isinstance(node, ast.withitem) else node.target
            if bound is not None:
                self._assign(bound, None)
        elif isinstance(node, ast.Call) and (changed := _changed_by(node)) is not None:
            self._written[changed] = None

    def _assign(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self._assigned.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            written = self._written.setdefault(target.value.id, set())
            if not isinstance(target.slice, ast.Constant) or not isinstance(target.slice.value, str):
                self._written[target.value.id] = None
            elif written is not None:
                written.add(target.slice.value)
        elif isinstance(target, ast.Tuple | ast.List):
            for each in target.elts:
                self._assign(each, None)

    def keys(self, value: ast.expr | None) -> Columns:
        """The keys of what an expression is."""
        if isinstance(value, ast.Dict):
            parts: list[Columns] = []
            for key, item in zip(value.keys, value.values, strict=True):
                if key is None:
                    parts.append(self.keys(item))
                elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                    parts.append(frozenset({key.value}))
                else:
                    parts.append(None)
            return _all_of(parts)
        if isinstance(value, ast.Name):
            return self._keys_of_name(value.id)
        if isinstance(value, ast.Call):
            return self._keys_of_call(value)
        return None

    def _keys_of_name(self, name: str) -> Columns:
        written = self._written.get(name, set())
        values = self._assigned.get(name, [])
        if written is None or len(values) > 1 or (name == self._row and values):
            return None
        if name == self._row:
            return frozenset(written)
        made = self.keys(values[0]) if values and not _is_name(values[0], name) else None
        return None if made is None else made | written

    def _keys_of_call(self, call: ast.Call) -> Columns:
        names = [each.arg for each in call.keywords]
        if isinstance(call.func, ast.Name) and call.func.id == "dict" and not call.args:
            return frozenset(name for name in names if name) if None not in names else None
        if (
            not isinstance(call.func, ast.Name)
            or not rows.is_tokenizer_of(self._function, call.func.id)
            or None in names
        ):
            return None
        return _TOKENS | {"labels"} if "text_target" in names else _TOKENS


def _changed_by(call: ast.Call) -> str | None:
    """The variable that a call of `update` or `pop` changes."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in ("update", "pop", "setdefault"):
        return None
    return function.value.id if isinstance(function.value, ast.Name) else None


def _is_name(node: ast.expr | None, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def columns_in(data: Val | None) -> Columns:
    """All columns of what a trainer is given; None if they are not known."""
    record = record_of(data, DatasetRecord) if isinstance(data, Object) else None
    return record.columns if record is not None else None
