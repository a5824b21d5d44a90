"""Words and numbers of messages."""

from __future__ import annotations

import pytest

from lora_lint.rules.words import listed, names, number, plural


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "nothing"),
        (1, "0"),
        (2, "0 and 1"),
        (12, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 11"),
        (13, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more"),
        (20, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 9 more"),
    ],
)
def test_long_lists_are_cut(count: int, text: str) -> None:
    items = list(map(str, range(count)))
    assert listed(items) == text
    if 1 < count < 13:
        assert listed(items, "or") == text.replace(" and ", " or ")
    quoted = names(items)
    assert quoted.count("`") == 2 * min(count, 12 if count < 13 else 11)
    assert quoted.replace("`", "") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (16, "16"),
        (16.0, "16"),
        (0.25, "0.25"),
        (41943040, "41,943,040"),
        (1 / 3, "0.333"),
        (1e14, "100,000,000,000,000"),
        (1e15, "1e+15"),
        (-2000, "-2,000"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_plurals() -> None:
    assert [plural(count, "step") for count in (0, 1, 2, 2000)] == ["0 steps", "1 step", "2 steps", "2,000 steps"]
