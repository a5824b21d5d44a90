"""Functions that make texts of the rows of a data set, as TRL's SFTTrainer calls them."""

from __future__ import annotations

import ast

from lora_lint.interpreter.definitions import Function
from lora_lint.readers.python import own_nodes
from lora_lint.run.run import Formatter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Arguments
    from lora_lint.run.versions import Version

_BY_ROW: Version = (0, 17, 0)
"""TRL calls the function for each row, and appends the end of the sequence to the text, which a list does not have."""
_ONLY_BY_ROW: Version = (0, 21, 0)
"""Until then it called it for a batch if it failed on a row, as one does that indexes the columns of a batch."""


def formatter_of(arguments: Arguments) -> Formatter | None:
    """The function that a trainer is given to format rows, if it returns a list whatever it gets."""
    given, span = arguments.get("formatting_func"), arguments.span("formatting_func")
    if not isinstance(given, Function) or span is None or not _returns_list(given.node):
        return None
    return Formatter(given.name, span, _ONLY_BY_ROW if _indexes_columns(given.node) else _BY_ROW)


def _returns_list(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> bool:
    """Whether a function returns only lists that it makes itself."""
    if isinstance(function, ast.Lambda):
        return isinstance(function.body, ast.List | ast.ListComp)
    nodes = list(own_nodes(function))
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in nodes):
        return False
    returned = [node.value for node in nodes if isinstance(node, ast.Return)]
    made: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    made.setdefault(target.id, []).append(node.value)

    def is_list(value: ast.expr | None) -> bool:
        if isinstance(value, ast.Name):
            values = made.get(value.id, [])
            return bool(values) and all(isinstance(each, ast.List | ast.ListComp) for each in values)
        return isinstance(value, ast.List | ast.ListComp)

    return bool(returned) and all(is_list(value) for value in returned)


def _indexes_columns(function: ast.AST) -> bool:
    """Whether a function has `columns[name][i]`."""
    return any(isinstance(node, ast.Subscript) and isinstance(node.value, ast.Subscript) for node in ast.walk(function))
