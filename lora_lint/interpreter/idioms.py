"""What programs write in the same way everywhere: `a and b`, `len(rows)`, `rows.append(row)`."""

from __future__ import annotations

import ast
from collections import Counter


def conjuncts(test: ast.expr) -> list[ast.expr]:
    """The conditions that all have to hold for a condition to hold."""
    return test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]


def is_len(function: ast.expr) -> bool:
    """Whether a function is `len`."""
    return isinstance(function, ast.Name) and function.id == "len"


def counted(node: ast.expr) -> ast.expr | None:
    """What is counted in `len(rows)`; None for anything else."""
    return node.args[0] if isinstance(node, ast.Call) and is_len(node.func) and len(node.args) == 1 else None


def appended_to(call: ast.Call) -> ast.expr | None:
    """The list in `rows.append(…)` or `self.rows.append(…)`."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr != "append":
        return None
    owner = function.value
    plain = isinstance(owner, ast.Name) or (isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name))
    return owner if plain else None


def appends(statement: ast.stmt) -> Counter[str]:
    """How often a statement appends to each list, which is named as it is written."""
    calls = (node for node in ast.walk(statement) if isinstance(node, ast.Call))
    return Counter(ast.unparse(owner) for call in calls if (owner := appended_to(call)) is not None)
