"""The arguments of `setup` in a setup.py, without running it."""

from __future__ import annotations

import ast

from lora_lint.readers.errors import Unreadable
from lora_lint.readers.python import parse
from lora_lint.source import SourceFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any


def calls_of_setup(text: str, file: str) -> Iterator[dict[str, Any]]:
    """The keyword arguments of each call of `setup`, with their values as far as they are written in the script."""
    try:
        tree = parse(SourceFile(file, "python", text.encode("utf-8", "replace")))
    except Unreadable:
        return
    names = _assigned_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "setup":
            yield {each.arg: _plain(each.value, names) for each in node.keywords if each.arg}


def _assigned_names(tree: ast.Module) -> dict[str, Any]:
    """The names that a module assigns, with their values as far as they are written there."""
    names: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name):
                names[target.id] = _plain(node.value, names)
            elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                owner = _plain(target.value, names)
                if isinstance(owner, dict):
                    owner[target.slice.value] = _plain(node.value, names)
    return names


def _plain(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """The value of an expression of constants, names, lists and dicts; None for others."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.List | ast.Tuple):
        return [_plain(each, names) for each in node.elts]
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {key.value: _plain(each, names) for key, each in pairs if isinstance(key, ast.Constant)}
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _plain(node.left, names), _plain(node.right, names)
        return [*left, *right] if isinstance(left, list) and isinstance(right, list) else None
    if isinstance(node, ast.Subscript):
        owner, key = _plain(node.value, names), _plain(node.slice, names)
        return owner.get(key) if isinstance(owner, dict) and isinstance(key, str) else None
    return None
