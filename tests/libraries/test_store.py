"""What handlers of library calls record lives in one store, so that nothing they do leaks from one record to another."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lora_lint.libraries
from lora_lint.interpreter.values import Const
from lora_lint.libraries.effects import ConfigRecord, Fact, ModelRecord, Records, TableRecord, TrainingRecord
from lora_lint.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(lora_lint.libraries.__file__).parent
HANDLERS = sorted(path for path in FOLDER.glob("*.py") if path.name != "effects.py")
CHANGING = frozenset("append add extend update insert setdefault pop popitem remove discard clear sort".split())
SPAN = Span("train.py", 0, 1)
RECORDS = (
    ModelRecord(Const("gpt2")),
    ConfigRecord("LoraConfig", SPAN, (), ()),
    TableRecord(Const("rows.csv"), Const(8)),
    TrainingRecord("Trainer", "supervised", SPAN),
)


def of_another(target: ast.expr) -> bool:
    """Whether a chain of attributes and items leads into another object than the one that a method is of."""
    attributes = 0
    while isinstance(target, ast.Attribute | ast.Subscript):
        attributes += isinstance(target, ast.Attribute)
        target = target.value
    return attributes > 0 and not (isinstance(target, ast.Name) and target.id == "self")


def changes(tree: ast.Module) -> Iterator[str]:
    """Assignments to attributes of others and to items of them, and calls of methods that change them in place."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.Delete):
            targets = list(node.targets)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            targets = [node.func.value] if isinstance(node.func.value, ast.Attribute | ast.Subscript) else []
        if any(map(of_another, targets)):
            yield ast.unparse(node)


@pytest.mark.parametrize("path", HANDLERS, ids=lambda path: path.stem)
def test_no_handler_changes_a_record_but_through_the_store(path: Path) -> None:
    assert list(changes(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "text",
    [
        "view.record.edited = True",
        "record.values['lr'] = rate",
        "made.attributes.update(fields)",
        "context.records.models.append(model)",
        "record.count += 1",
        "del record.name",
    ],
)
def test_a_change_past_the_store_is_found(text: str) -> None:
    assert list(changes(ast.parse(text)))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_records_are_frozen(record: object) -> None:
    with pytest.raises(AttributeError, match="frozen"):
        record.name = Const("another")  # type: ignore[attr-defined]


def test_a_fact_is_of_one_record_alone() -> None:
    records = Records()
    one, other = ModelRecord(Const("gpt2")), ModelRecord(Const("gpt2"))
    records.note(one, Fact.EDITED)
    assert one.facts == {Fact.EDITED}
    assert other.facts == set()
