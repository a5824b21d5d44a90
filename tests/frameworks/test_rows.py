"""Every row of every table can be reported: settings under which its condition holds are searched in the condition."""

from __future__ import annotations

import ast
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.frameworks import refusals
from lora_lint.frameworks.conditions import condition
from lora_lint.knowledge.versions import number
from lora_lint.rules.refusals import ignored_settings, refused_settings
from lora_lint.run.given import Given
from lora_lint.run.values import Known
from lora_lint.run.versions import Pin
from lora_lint.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lora_lint.frameworks.refusals import Refusal
    from lora_lint.knowledge.matching import RefusalKind

ROWS = [
    pytest.param(name, owner, row, id=f"{name}-{owner}-{row.key}-{row.source}")
    for name in sorted(refusals.tables())
    if (table := refusals.table(name)) is not None
    for owner, rows in table.rows.items()
    for row in rows
]
PEFT_ERRORS: tuple[RefusalKind, ...] = (
    "no-match",
    "no-default-targets",
    "unsupported-kind",
    "mamba-module",
    "fused-partly",
    "invalid-regex",
    "string-with-layers",
    "pattern-without-layers",
    "invalid-rank",
    "invalid-bias",
    "empty-entry",
    "embedding-bias",
    "attention-dora",
    "conv-groups",
    "parameter-dropout",
    "parameter-option",
    "parameter-shape",
    "parameter-root",
    "parameter-adapted",
    "saved-container",
    "saved-adapted",
    "tokens",
)
FACTS = {
    "bits": "4bit",
    "base_model_name": "a/b-gptq",
    "base_is_adapter": True,
    "model_type": "none",
    "sharding": "ZERO3",
    "gpus_per_process": 2,
    "engine": True,
    "adapted_kinds": ("Conv2d", "Embedding", "MultiheadAttention"),
    "peft_errors": PEFT_ERRORS,
    "processes": 2,
    "replicable": False,
    "saves_twin": True,
    "trained": True,
    "unlaunched": False,
    "unprepared": True,
}
"""What conditions ask of the run."""
USUAL = (
    True,
    False,
    None,
    0,
    1,
    2,
    3,
    1000,
    0.5,
    "x",
    "a/b-gptq",
    "a/10_b",
    (),
    ("x",),
    ("x", "y"),
    ("x(",),
    {"x": 1},
    ({"type": "x"},),
)
TRIES = 500


def pools(row: Refusal) -> dict[str, list[Any]]:
    """What each setting of a condition may be: the constants next to it, what is like them, and usual values."""
    tree = ast.parse(row.when, mode="eval")
    texts = [each.value for each in ast.walk(tree) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    common = [*USUAL, *list(values_in(tree))[-2:], "-".join(texts[-2:])]  # the last: for one that holds two others
    found: dict[str, list[Any]] = {name: list(common) for name in condition(row.when).names}
    held: dict[str, list[str]] = {name: [] for name in found}
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare | ast.Call):
            for name in {ast.unparse(each) for each in ast.walk(node)} & found.keys():
                found[name] += values_in(node)
                held[name] += [each.value for each in ast.walk(node) if _is_text(each)]  # type: ignore[attr-defined]
    return {name: [*values, "-".join(held[name])] for name, values in found.items()}


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def values_in(node: ast.AST) -> Iterator[Any]:
    texts = []
    for each in ast.walk(node):
        value = each.value if isinstance(each, ast.Constant) else None
        if isinstance(value, str):
            texts.append(value)
            yield from (value, (value,), value.upper(), f"{value}-x", f"x-{value}", f"x-{value}-x")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield from (value, value + 1, value - 1)
            if isinstance(value, int) and "len(" in ast.unparse(node):
                yield "x" * (value + 1)
    yield dict.fromkeys(texts, True)
    yield (dict.fromkeys(texts, True), {"x": 1})
    if "option(" in ast.unparse(node):
        yield from ((f"{one}={other}",) for one in texts for other in (*texts, "x"))
    if "each(" in ast.unparse(node):
        yield (dict.fromkeys(texts, True), dict.fromkeys(texts, False))
    if "first(" in ast.unparse(node):
        yield from (({one: other},) for one in texts for other in texts if one != other)


def settings(row: Refusal, usual: Mapping[str, Any], nulls: bool, plain: bool = False) -> dict[str, Any]:
    """Settings with the row's key under which its condition holds; with `nulls`, None can be written too. `plain`: all
    are numbers and texts."""
    pool, random = pools(row), Random(row.when)
    if plain:
        pool = {name: [each for each in found if not isinstance(each, (tuple, dict))] for name, found in pool.items()}
    tree = ast.parse(row.when, mode="eval").body
    every = isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And)
    parts = [condition(ast.unparse(part)) for part in (tree.values if every else [tree])]  # type: ignore[attr-defined]
    for _ in range(TRIES):
        case: dict[str, Any] = {}
        for part in parts:
            for _ in range(50):
                choice = {name: random.choice([usual.get(name), *pool[name]]) for name in part.names} | case
                if part.holds(choice) is True:
                    case = choice
                    break
        given = {
            name: value
            for name, value in case.items()
            if value is not None or (nulls and (name == row.key or usual.get(name) is not None))
        }
        meant = all(name in given or usual.get(name) is None for name in case)
        known = meant and len(case) == len(pool) and (row.key in given or row.absent or row.key not in case)
        if known and condition(row.when).holds(case) is True:
            return given
    pytest.fail(f"there are no settings under which this holds: {row.when}")


@pytest.mark.parametrize(("framework", "owner", "row"), ROWS)
def test_a_row_is_reported_where_its_condition_holds(framework: str, owner: str, row: Refusal) -> None:
    usual = {**refusals.defaults(framework, owner), **FACTS}
    given = settings(row, usual, nulls=bool(owner))
    places = {name: Span("a.yaml", 10 * at, 10 * at + 5) for at, name in enumerate((*given, row.key))}
    values = {name: Known(value, places[name]) for name, value in given.items()}
    if row.key not in condition(row.when).names:
        values[row.key] = Known("x", places[row.key])
    last = Pin(number(row.until), f"{framework}<{row.until}", "requirements.txt") if row.until else None
    received = Given(framework, Span("a.yaml", 1000, 1001), values, owner, pin=last)
    hits = refusals.matches(received, lambda name: Known(FACTS[name]), lambda _: True)
    assert row in [hit.row for hit in hits]
    if FACTS.keys().isdisjoint(condition(row.when).names):
        found = list((ignored_settings if row.ignored else refused_settings)(received, {}))
        told = {finding.span for finding in found} | {each.span for finding in found for each in finding.related}
        assert (places[row.key] if row.key in values else received.span) in told
