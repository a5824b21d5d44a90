"""Start tokens that stand before a text twice.

The chat templates of some models write the token, and their tokenizers add it to each text (transformers 5.23.0,
docs/source/en/chat_templating.md: a text that a template has written is to be tokenized with
`add_special_tokens=False`). TRL's SFTTrainer tokenizes texts as any other (1.16.0, trainer/sft_trainer.py).
"""

from __future__ import annotations

import ast

from lora_lint.interpreter.definitions import Function
from lora_lint.libraries.convert import argument_of, text_of
from lora_lint.libraries.trl import is_replaced
from lora_lint.readers import python
from lora_lint.run.run import DoubleStart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.interpreter.values import Arguments, Object
    from lora_lint.libraries.context import Context
    from lora_lint.source import SourceFile

_TRAINERS = ("Trainer", "SFTTrainer")
_SETTLED = (b"bos", b"add_special_tokens", b".chat_template =", b"chat_template=", b"dataset_kwargs")
"""Signs that a program cares for the token, or has a template of its own."""
_TOKENIZERS = frozenset({"tokenizer", "tok", "processing_class"})
_FIELD = "text"
"""The column that SFTTrainer reads where nothing names another."""


def double_start_of(
    context: Context, trainer: str, arguments: Arguments, settings: Object | None
) -> DoubleStart | None:
    """Where the texts of a trainer, which a chat template has written, are tokenized like any other."""
    main = context.machine.main
    if trainer not in _TRAINERS or main is None or is_replaced(context):
        return None
    if any(each in main.source.utf8 for each in _SETTLED):
        return None
    given = arguments.get("formatting_func")
    if trainer == "SFTTrainer" and isinstance(given, Function) and given.scope.module.source.path == main.source.path:
        written = next(_returned_texts(given.node), None)
        place = arguments.span("formatting_func")
        return DoubleStart(place, main.source.span_of(written), True) if written is not None and place else None
    functions = list(_functions_for_rows(main.source))
    for function in functions:
        direct = next(_calls_on_texts(function, {}), None)
        if direct is not None:
            return _double_start(main.source, *direct, by_trainer=False)
    columns = {name: node for function in functions for name, node in _columns(function)}
    for function in functions:
        later = next(_calls_on_texts(function, columns), None)
        if later is not None:
            return _double_start(main.source, *later, by_trainer=False)
    named = argument_of(settings, "dataset_text_field") if settings is not None else None
    field = text_of(named or arguments.get("dataset_text_field")) or (_FIELD if named is None else "")
    if trainer == "SFTTrainer" and field in columns and given is None:
        return _double_start(main.source, columns[field], columns[field], by_trainer=True)
    return None


def _double_start(source: SourceFile, place: ast.expr, written: ast.expr, by_trainer: bool) -> DoubleStart:
    return DoubleStart(source.span_of(place), source.span_of(written), by_trainer)


def _functions_for_rows(source: SourceFile) -> Iterator[ast.FunctionDef | ast.Lambda]:
    """The functions of a program that a data set is mapped with."""
    nodes = list(ast.walk(python.parse(source)))
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "map":
            for given in (*node.args[:1], *(each.value for each in node.keywords if each.arg == "function")):
                if isinstance(given, ast.Lambda):
                    yield given
                names |= {each.id for each in ast.walk(given) if isinstance(each, ast.Name)}
    yield from (node for node in nodes if isinstance(node, ast.FunctionDef) and node.name in names)


def _is_written(node: ast.AST) -> bool:
    """Whether a call is `….apply_chat_template(…, tokenize=False)`, for a text that is trained."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    given = {each.arg: each.value for each in node.keywords}
    plain = given.get("tokenize")
    asks = given.get("add_generation_prompt")
    return (
        node.func.attr == "apply_chat_template"
        and isinstance(plain, ast.Constant)
        and plain.value is False
        and (asks is None or (isinstance(asks, ast.Constant) and asks.value is False))
    )


def _texts(function: ast.FunctionDef | ast.Lambda) -> dict[str, ast.expr]:
    """The variables of a function that hold what a template has written, one text or several."""
    texts: dict[str, ast.expr] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            written = _written_in(node.value, texts)
            if written is not None:
                texts[node.targets[0].id] = written
    return texts


def _written_in(value: ast.expr, texts: dict[str, ast.expr]) -> ast.expr | None:
    """The call that has written a text, or each of a list of texts."""
    if isinstance(value, ast.ListComp):
        value = value.elt
    if isinstance(value, ast.List) and len(value.elts) == 1:
        value = value.elts[0]
    if _is_written(value):
        return value
    return texts.get(value.id) if isinstance(value, ast.Name) else None


def _calls_on_texts(
    function: ast.FunctionDef | ast.Lambda, columns: dict[str, ast.expr]
) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The calls that tokenize such a text: of the function itself, or of a column that another has made."""
    texts = _texts(function)
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name not in _TOKENIZERS or any(each.arg is None for each in node.keywords):
            continue
        first = node.args[0]
        written = _written_in(first, texts)
        if written is None and isinstance(first, ast.Subscript) and isinstance(first.slice, ast.Constant):
            written = columns.get(str(first.slice.value))
        if written is not None:
            yield node, written


def _columns(function: ast.FunctionDef | ast.Lambda) -> Iterator[tuple[str, ast.expr]]:
    """The columns of texts that a function adds: `{"text": …}`, `row["text"] = …`."""
    texts = _texts(function)
    for node in ast.walk(function):
        if isinstance(node, ast.Dict):
            pairs = list(zip(node.keys, node.values, strict=True))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            pairs = [(node.targets[0].slice, node.value)]
        else:
            continue
        for key, value in pairs:
            written = _written_in(value, texts)
            if written is not None and isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, written


def _returned_texts(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Iterator[ast.expr]:
    """What a function returns, if a template has written it."""
    if isinstance(function, ast.AsyncFunctionDef):
        return
    if isinstance(function, ast.Lambda):
        if _is_written(function.body):
            yield function.body
        return
    texts = _texts(function)
    for node in python.own_nodes(function):
        if isinstance(node, ast.Return) and node.value is not None:
            written = _written_in(node.value, texts)
            if written is not None:
                yield written
