"""Helper functions that are copied from program to program, known by their shape where following them tells nothing."""

from __future__ import annotations

import ast

from lora_lint.interpreter.values import Const, Val

_HEADS = frozenset({"lm_head", "output_layer", "embed_out"})


def result_of(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Val | None:
    """What a function gives for every model, if it is one of those: QLoRA's `find_all_linear_names`."""
    if isinstance(function, ast.FunctionDef) and _finds_all_linear_names(function):
        return Const("all-linear", None, "derived")
    return None


def _finds_all_linear_names(function: ast.FunctionDef) -> bool:
    """Whether a function collects the last names of all modules of one class and leaves out nothing but the head.

    for name, module in model.named_modules():
        if isinstance(module, cls):
            names.add(name.split(".")[-1])
    if "lm_head" in names:
        names.remove("lm_head")
    return list(names)
    """
    loop = next((node for node in function.body if isinstance(node, ast.For)), None)
    if loop is None or not _is_method(loop.iter, "named_modules"):
        return False  # almost every function, at next to no price
    if sum(isinstance(node, (ast.For, ast.While, ast.comprehension)) for node in ast.walk(function)) != 1:
        return False
    if not isinstance(loop.target, ast.Tuple) or len(loop.target.elts) != 2:
        return False
    tests = [node.test for node in ast.walk(function) if isinstance(node, (ast.If, ast.IfExp))]
    tests += [node.test for node in ast.walk(function) if isinstance(node, ast.Assert)]
    kinds = [test for test in tests if _is_call(test, "isinstance")]
    words = {str(each.value) for test in tests for each in ast.walk(test) if isinstance(each, ast.Constant)}
    if len(kinds) != 1 or not {word for word in words if not word.isdecimal()} <= _HEADS | _modes(tests):
        return False
    collected = [node for node in ast.walk(loop) if _is_method(node, "add") or _is_method(node, "append")]
    if len(collected) != 1 or not any(
        _is_method(node, "split") or _is_method(node, "rsplit") for node in ast.walk(loop)
    ):
        return False
    returns = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    return len(returns) == 1 and _plain_collection(returns[0])


def _modes(tests: list[ast.expr]) -> set[str]:
    """Words that a mode of training is compared with, to choose the class of the layers."""
    found = set()
    for test in tests:
        names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
        if names and all("mode" in name or "bits" in name for name in names):
            found |= {str(node.value) for node in ast.walk(test) if isinstance(node, ast.Constant)}
    return found


def _plain_collection(value: ast.expr | None) -> bool:
    """`names`, `list(names)`, `sorted(names)`."""
    if _is_call(value, "list") or _is_call(value, "sorted"):
        assert isinstance(value, ast.Call)
        return len(value.args) == 1 and isinstance(value.args[0], ast.Name) and not value.keywords
    return isinstance(value, ast.Name)


def _is_call(node: ast.AST | None, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _is_method(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
