"""Programs that write conversations with the chat template of their model's own tokenizer."""

from __future__ import annotations

import ast
import re

from lora_lint.knowledge.names import lacks_template, marks_no_answers
from lora_lint.libraries.convert import text_of
from lora_lint.records import replace
from lora_lint.run.values import Known, known
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lora_lint.interpreter.values import Val
    from lora_lint.run.run import Reading, Run
    from lora_lint.source import SourceFile

_METHOD = "apply_chat_template"
_ANSWERS = rb"\bassistant_only_loss[ \t]*=[ \t]*True\b"
"""A setting with which TRL's trainer applies the template itself, for the marks of the answers in it."""
_OTHERS = rb"(?<!apply_)chat_template"
"""How programs give a tokenizer a template, or ask whether it has one."""


def with_template(reading: Reading, tokenizers: Sequence[Val], tree: ast.Module, source: SourceFile) -> Reading:
    """The runs of a program, each with where it asks for the template of its model's tokenizer, if all `tokenizers`
    are that one, and the program has nothing else to do with templates."""
    if re.search(_OTHERS, source.utf8) is not None:
        return reading
    names = {text_of(each) for each in tokenizers}
    if len(names) > 1 or None in names or not any(_may_lack(name) for name in names or _models(reading)):
        return reading
    place = _place(tree, source)
    if place is None:
        return reading

    def asking(run: Run) -> Run:
        model = run.model.name
        if not isinstance(model, Known) or names - {model.value}:
            return run
        template = Known(model.value, place, model.origin, model.written or model.span)
        return replace(run, dataset=replace(run.dataset, template=template))

    return reading.mapped(asking)


def _models(reading: Reading) -> Iterator[str | None]:
    return (known(run.model.name) for run in reading.runs)


def _may_lack(model: str | None) -> bool:
    """Whether the template of a model is not there, or marks no answers: of others nothing is asked."""
    return model is not None and (lacks_template(model) or marks_no_answers(model))


def _place(tree: ast.Module, source: SourceFile) -> Span | None:
    """Where a program certainly needs a template."""
    answers = re.search(_ANSWERS, source.utf8)
    if answers is not None:
        return Span(source.path, *answers.span())
    call = next(_certain(tree.body, source.utf8), None)
    if call is None or call.end_lineno is None or call.end_col_offset is None:
        return None
    end = source.offset(call.end_lineno, call.end_col_offset)
    return Span(source.path, end - len(_METHOD), end)


def _certain(body: Iterable[ast.stmt], text: bytes) -> Iterator[ast.Attribute]:
    """The uses of the method that depend on no condition, and whose error nothing catches."""
    for statement in body:
        if isinstance(statement, ast.If):
            if "__name__" in ast.unparse(statement.test):
                yield from _certain(statement.body, text)
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
            used = isinstance(statement, ast.ClassDef) or statement.name == "__init__"
            if used or len(re.findall(rb"\b%s\b" % statement.name.encode(), text)) > 1:
                yield from _certain(statement.body, text)
        elif isinstance(statement, ast.For | ast.With):
            yield from _certain(statement.body, text)
        elif not isinstance(statement, ast.Try | ast.While):
            inside = (node for node in ast.walk(statement) if isinstance(node, ast.Attribute) and node.attr == _METHOD)
            if not any(isinstance(node, ast.IfExp) for node in ast.walk(statement)):
                yield from inside
