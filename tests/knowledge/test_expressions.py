"""Each operator of the terms that shapes and conditions are written in."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.knowledge.expressions import LARGEST_LIST, Unevaluable, evaluate

FIELDS: dict[str, Any] = {"heads": 32, "half": 0.5, "kinds": ["a", "b"], "none": None, "a.b": 7}


@pytest.mark.parametrize(
    ("term", "value"),
    [
        (3, 3),
        (None, None),
        ("heads", 32),
        ("a.b", 7),
        ("$1", 20),
        (["str", "heads"], "heads"),
        (["+", "heads", 1, 2], 35),
        (["*", "heads", 2, 3], 192),
        (["-", "heads", 2], 30),
        (["/", "heads", 5], 6.4),
        (["//", "heads", 5], 6),
        (["%", "heads", 5], 2),
        (["**", 2, 64], 2**64),
        (["int", 2.9], 2),
        (["ceil", 2.1], 3),
        (["ceil", 2], 2),
        (["at", "kinds", 0], "a"),
        (["at", "kinds", -1], "b"),
        (["sum", ["list", 4, "$0"]], 6),
        (["len", "kinds"], 2),
        (["not", "none"], True),
        (["none", "none"], True),
        (["none", 0], False),
        (["==", "heads", 32], True),
        (["!=", "heads", 32], False),
        (["<", 31, "heads"], True),
        (["<", 32, "heads"], False),
        ([">", 33, "heads"], True),
        ([">", 32, "heads"], False),
        ([">=", 32, "heads"], True),
        ([">=", 31, "heads"], False),
        (["in", ["str", "a"], "kinds"], True),
        (["in", ["str", "c"], "kinds"], False),
        (["in", ["str", "a"], "none"], False),
        (["?", "heads", "none"], 32),
        (["if", True, 1, ["/", 1, 0]], 1),
        (["if", "none", ["/", 1, 0], 2], 2),
        (["and", True, "none", ["/", 1, 0]], False),
        (["and", True, 1], True),
        (["or", "none", 1, ["/", 1, 0]], True),
        (["or", "none", 0], False),
    ],
)
def test_values(term: Any, value: Any) -> None:
    assert evaluate(term, FIELDS.__getitem__, (10, 20)) == value


@pytest.mark.parametrize(
    "term",
    [
        *("missing", ["/", 1, 0], ["**", 2, 65], ["at", "kinds", 2], ["at", "kinds", -2], ["own", 1], "$2"),
        *(["+", "none", 1], ["list", LARGEST_LIST + 1, 0], ["len", "heads"]),
    ],
)
def test_terms_without_a_value(term: Any) -> None:
    with pytest.raises(Unevaluable):
        evaluate(term, FIELDS.__getitem__, (10, 20))


def test_the_largest_list() -> None:
    assert len(evaluate(["list", LARGEST_LIST, 0], FIELDS.__getitem__)) == LARGEST_LIST
