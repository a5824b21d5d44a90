"""Labels that are copies of padded texts.

Models of transformers 5.23.0 leave a position out of the loss where its label is -100 and nowhere else
(loss/loss_utils.py). DataCollatorForLanguageModeling makes labels of its own; default_data_collator,
DataCollatorWithPadding and DataCollatorForSeq2Seq hand on those that are there (data/data_collator.py).
"""

from __future__ import annotations

import ast

from lora_lint.interpreter.values import Const, Object
from lora_lint.libraries.convert import is_none
from lora_lint.readers import python
from lora_lint.run.flaws import UnpaddedLabels
from lora_lint.run.run import PaddedLabels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.context import Context
    from lora_lint.source import SourceFile, Span


_TRAINERS = ("Trainer", "Seq2SeqTrainer")
_HANDING_ON = frozenset({"default_data_collator", "DataCollatorWithPadding", "DataCollatorForSeq2Seq"})
_MASKS = (b"-100", b"ignore_index", b"masked_fill", b"IGNORE", b"compute_loss")
"""Signs that a program leaves padding out of the loss somewhere."""
_METHODS = frozenset({"copy", "clone", "squeeze", "tolist", "detach", "long"})
_FUNCTIONS = frozenset({"deepcopy", "list", "tensor", "as_tensor", "LongTensor"})
"""Calls that change nothing of what the numbers are."""
_MAPS = frozenset({"map", "with_transform", "set_transform"})


def padded_labels_of(context: Context, trainer: str, arguments: Arguments) -> PaddedLabels | None:
    """The labels of a trainer's data, if the program copies them from texts padded to a fixed length and leaves no
    position of them out."""
    main = context.machine.main
    if trainer not in _TRAINERS or context.own is not None or main is None or arguments.open:
        return None
    if not _hands_on(arguments.get("data_collator")):
        return None
    if any(each in main.source.utf8 for each in _MASKS):
        return None
    found = next(_copies_of(main.source, _pads), None)
    return PaddedLabels(*found) if found is not None else None


_COPYING = frozenset({"default_data_collator", "DataCollatorWithPadding"})
"""Collators that make a tensor of the labels as they are."""
_CHUNKS = (b"group_texts", b"block_size", b"return_overflowing_tokens")
"""Signs that texts are cut into parts of one length."""


def unpadded_labels_of(
    context: Context, trainer: str, arguments: Arguments, batch: Val | None
) -> UnpaddedLabels | None:
    """The labels of a trainer's data, if the program copies them from texts of any length and nothing pads them."""
    main, collator = context.machine.main, arguments.get("data_collator", 2)
    if trainer not in _TRAINERS or context.own is not None or main is None or arguments.open:
        return None
    text = main.source.utf8
    if b"input_ids" not in text or (isinstance(batch, Const) and batch.value == 1) or any(e in text for e in _CHUNKS):
        return None
    named = collator is not None and not is_none(collator)
    if named and not _is_one_of(collator, _COPYING):
        return None
    found = next(_copies_of(main.source, _leaves_length), None)
    return UnpaddedLabels(found[0], named) if found is not None else None


def _leaves_length(node: ast.expr) -> bool:
    """Whether a call tokenizes a text and pads nothing."""
    if not isinstance(node, ast.Call) or any(each.arg in ("padding", None) for each in node.keywords):
        return False
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    return name in ("tokenizer", "tok") and any(each.arg == "truncation" for each in node.keywords)


def _hands_on(collator: Val | None) -> bool:
    """Whether a collator leaves the labels as they are."""
    if collator is None or is_none(collator):
        return True
    return _is_one_of(collator, _HANDING_ON)


def _is_one_of(collator: Val | None, names: frozenset[str]) -> bool:
    """Whether a collator is one of transformers, of some names."""
    name = getattr(collator, "callee", "") if isinstance(collator, Object) else getattr(collator, "qualified_name", "")
    return name.startswith("transformers.") and name.rpartition(".")[2] in names


def _copies_of(source: SourceFile, made: Callable[[ast.expr], bool]) -> Iterator[tuple[Span, Span]]:
    """The labels that a program copies from what some calls made, and these calls."""
    nodes = list(ast.walk(python.parse(source)))
    mapped = {
        name.id
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MAPS
        for argument in (*node.args, *(each.value for each in node.keywords))
        for name in ast.walk(argument)
        if isinstance(name, ast.Name)
    }
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and (node.name in mapped or node.name == "__getitem__"):
            yield from _in_function(node, source, made)


def _in_function(
    function: ast.FunctionDef, source: SourceFile, made: Callable[[ast.expr], bool]
) -> Iterator[tuple[Span, Span]]:
    """The labels that a function copies from what it makes, and the calls that make it."""
    padded: dict[str, ast.expr] = {}
    copies: dict[str, ast.expr] = {}
    nodes = list(ast.walk(function))
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if made(node.value):
                padded[name] = node.value
            elif (call := _padding_of(node.value, padded, copies, made)) is not None:
                copies[name] = call
    for node in nodes:
        for value in _labels_in(node):
            call = _padding_of(value, padded, copies, made)
            if call is not None:
                yield source.span_of(value), source.span_of(call)


def _labels_in(node: ast.AST) -> Iterator[ast.expr]:
    """What becomes the labels: `row["labels"] = …`, `{"labels": …}`."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Subscript) and _is_text(target.slice, "labels"):
                yield node.value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None and _is_text(key, "labels"):
                yield value


def _padding_of(
    value: ast.expr, padded: dict[str, ast.expr], copies: dict[str, ast.expr], made: Callable[[ast.expr], bool]
) -> ast.expr | None:
    """The call that made what a value copies."""
    node = value
    while True:
        if isinstance(node, ast.Name):
            return copies.get(node.id)
        if isinstance(node, ast.Call):
            inner = _original(node)
            if inner is None:
                return None
            node = inner
        elif isinstance(node, ast.Attribute) and node.attr == "input_ids":
            return _padding_call(node.value, padded, made)
        elif isinstance(node, ast.Subscript):
            if _is_text(node.slice, "input_ids"):
                return _padding_call(node.value, padded, made)
            if not isinstance(node.slice, ast.Slice | ast.Constant) or _is_part(node.slice):
                return None
            node = node.value
        else:
            return None


def _original(call: ast.Call) -> ast.expr | None:
    """What a call gives back as it is, or as a copy."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in _FUNCTIONS:
        return next(iter(call.args), None)
    return function.value if name in _METHODS and isinstance(function, ast.Attribute) else None


def _is_part(index: ast.expr) -> bool:
    """Whether an index takes a part of the tokens: `[1:]`; `[:]` and `[0]`, of a batch of one, do not."""
    if isinstance(index, ast.Slice):
        return any(each is not None for each in (index.lower, index.upper, index.step))
    return not (isinstance(index, ast.Constant) and index.value == 0)


def _padding_call(node: ast.expr, padded: dict[str, ast.expr], made: Callable[[ast.expr], bool]) -> ast.expr | None:
    if isinstance(node, ast.Name):
        return padded.get(node.id)
    return node if made(node) else None


def _pads(node: ast.expr) -> bool:
    """Whether a call pads a text to a fixed length."""
    return isinstance(node, ast.Call) and any(
        each.arg == "padding" and _is_text(each.value, "max_length") for each in node.keywords
    )


def _is_text(node: ast.expr, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text
