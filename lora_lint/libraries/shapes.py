"""Helper functions that are copied from program to program, recognised by their shape where following them reveals
nothing."""

from __future__ import annotations

import ast

from lora_lint.interpreter.values import Arguments, Const, ListVal, Object, Opaque, Val
from lora_lint.libraries.context import view_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.source import Span

_HEADS = frozenset({"lm_head", "output_layer", "embed_out", "proj_out"})
_BESIDE = frozenset({"mm_projector", "vision_tower", "vision_resampler"})
"""What LLaVA adds to a language model, after it has put an adapter on it (LLaVA 1.2, llava/train/train.py)."""
_WITH_VISION = ("llava", "vl", "vila", "vision", "multimodal")
"""In the names of models that have these parts already."""


LAST_CHECKPOINT = "transformers.trainer_utils.get_last_checkpoint"
"""Returns the newest checkpoint in a folder, or None."""


def result_of(
    function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, arguments: Arguments, span: Span
) -> Val | None:
    """The result of a function, if it is one of these: QLoRA's `find_all_linear_names`, which gives the same for every
    model, and its `get_last_checkpoint`."""
    if not isinstance(function, ast.FunctionDef):
        return None
    loop = next((node for node in function.body if isinstance(node, ast.For)), None)
    if loop is not None and _is_method(loop.iter, "named_modules"):  # almost no function, so it hardly costs
        beside = _leaves_out_vision(function, loop)
        if _finds_all_linear_names(function, loop, 1 if beside else 0):
            return Const("all-linear", None, "derived") if not beside or _is_language_model(arguments) else None
    found = _finds_last_checkpoint(function)
    if found is None:
        return None
    folder, parts = found
    given = arguments.get(folder, 0) or Opaque("the folder is not given", span)
    checkpoint = Object(LAST_CHECKPOINT, Arguments([given], {}, {}), span)
    rest: list[Val] = [Opaque("it is returned along with the checkpoint", span) for _ in range(parts - 1)]
    return ListVal([checkpoint, *rest], span, "tuple") if parts > 1 else checkpoint


def _leaves_out_vision(function: ast.FunctionDef, loop: ast.For) -> bool:
    """Whether a loop over modules skips the parts of LLaVA that see.

    beside = ["mm_projector", "vision_tower", "vision_resampler"]
    for name, module in model.named_modules():
        if any(part in name for part in beside):
            continue
    """
    first = loop.body[0]
    if not isinstance(first, ast.If) or not isinstance(first.body[0], ast.Continue) or not _is_call(first.test, "any"):
        return False
    assert isinstance(first.test, ast.Call)
    asked = first.test.args[0] if first.test.args else None
    listed = asked.generators[0].iter if isinstance(asked, ast.GeneratorExp) else None
    if not isinstance(listed, ast.Name):
        return False
    given = [
        {each.value for each in node.value.elts if isinstance(each, ast.Constant)}
        for node in function.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List)
        if any(isinstance(target, ast.Name) and target.id == listed.id for target in node.targets)
    ]
    return len(given) == 1 and given[0] == _BESIDE


def _is_language_model(arguments: Arguments) -> bool:
    """Whether a model is given that has no part but its language model, by its name."""
    views = [view for given in (*arguments.positional, *arguments.keywords.values()) if (view := view_of(given))]
    names = [view.record.name for view in views]
    words = [each.value.lower() for each in names if isinstance(each, Const) and isinstance(each.value, str)]
    return len(words) == 1 and not any(word in words[0] for word in _WITH_VISION)


def _finds_all_linear_names(function: ast.FunctionDef, loop: ast.For, more: int) -> bool:
    """Whether a function collects the last names of all modules of one class and leaves out nothing but the head, and
    what `more` comprehensions name.

    for name, module in model.named_modules():
        if isinstance(module, cls):
            names.add(name.split(".")[-1])
    for head in ["lm_head"]:
        if head in names:
            names.remove(head)
    return list(names)
    """
    heads = [node for node in function.body if isinstance(node, ast.For) and _goes_over_heads(node)]
    loops = sum(isinstance(node, (ast.For, ast.While, ast.comprehension)) for node in ast.walk(function))
    if loops != 1 + more + len(heads):
        return False
    if not isinstance(loop.target, ast.Tuple) or len(loop.target.elts) != 2:
        return False
    tests = [node.test for node in ast.walk(function) if isinstance(node, (ast.If, ast.IfExp))]
    tests += [node.test for node in ast.walk(function) if isinstance(node, ast.Assert)]
    kinds = [test for test in tests if all(_is_call(part, "isinstance") for part in _either(test))]
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


def _goes_over_heads(loop: ast.For) -> bool:
    """`for head in ["lm_head", "proj_out"]:`"""
    listed = loop.iter.elts if isinstance(loop.iter, (ast.List, ast.Tuple, ast.Set)) else []
    return bool(listed) and all(isinstance(each, ast.Constant) and each.value in _HEADS for each in listed)


def _either(test: ast.expr) -> list[ast.expr]:
    """The parts of a condition of which one is enough."""
    return test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) else [test]


def _finds_last_checkpoint(function: ast.FunctionDef) -> tuple[str, int] | None:
    """The parameter that is a folder of which a function gives a checkpoint or None, and how many values it gives: the
    checkpoint is the first of them.

    for filename in os.listdir(folder):
        if filename.startswith("checkpoint"):
            step = max(step, int(filename.replace("checkpoint-", "")))
    if step == 0:
        return None
    return os.path.join(folder, f"checkpoint-{step}")
    """
    if "checkpoint" not in function.name or not function.args.args:
        return None
    folder = function.args.args[0].arg
    inside = list(ast.walk(function))
    if not any(isinstance(node, ast.Call) and _last_name(node.func) == "listdir" for node in inside):
        return None
    joined = {
        target.id
        for node in inside
        if isinstance(node, ast.Assign) and _joins(node.value, folder)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    results = [node.value for node in inside if isinstance(node, ast.Return) and node.value is not None]
    rows = [value.elts if isinstance(value, ast.Tuple) else [value] for value in results]
    given = [row[0] for row in rows if row and not (isinstance(row[0], ast.Constant) and row[0].value is None)]
    if len({len(row) for row in rows}) != 1 or not given:
        return None
    if not all(value.id in joined if isinstance(value, ast.Name) else _joins(value, folder) for value in given):
        return None
    return folder, len(rows[0])


def _joins(node: ast.expr, folder: str) -> bool:
    """`os.path.join(folder, …)`"""
    if not isinstance(node, ast.Call) or _last_name(node.func) != "join" or len(node.args) < 2:
        return False
    return isinstance(node.args[0], ast.Name) and node.args[0].id == folder


def _last_name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _modes(tests: list[ast.expr]) -> set[str]:
    """Words that a training mode is compared with, to select the class of the layers."""
    found = set()
    for test in tests:
        names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
        if names and all("mode" in name or "bits" in name for name in names):
            found |= {str(node.value) for node in ast.walk(test) if isinstance(node, ast.Constant)}
    return found


def _plain_collection(value: ast.expr | None) -> bool:
    """`names`, `list(names)`, `sorted(set(names))`."""
    while any(_is_call(value, name) for name in ("list", "sorted", "set")):
        assert isinstance(value, ast.Call)
        if len(value.args) != 1 or value.keywords:
            return False
        value = value.args[0]
    return isinstance(value, ast.Name)


def _is_call(node: ast.AST | None, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _is_method(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
