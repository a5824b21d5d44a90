"""Conditions in three-valued logic."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_lint.frameworks.conditions import FUNCTIONS, UNKNOWN, condition

NAMES = ("a", "b", "c")
atoms = st.sampled_from(("a", "b", "c", "a == 1", "b is None", "c in (0, 1)", "a < b"))
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("({}) and ({})".format, inner, inner),
        st.builds("({}) or ({})".format, inner, inner),
    ),
    max_leaves=6,
)
VALUES = (0, 1, None)


def python(text: str, values: dict[str, Any]) -> Any:
    try:
        return bool(eval(text, {}, values))
    except TypeError:
        return UNKNOWN


@settings(max_examples=200, deadline=None, derandomize=True)
@given(expressions, st.tuples(*[st.sampled_from(VALUES)] * 3))
def test_what_is_known_means_what_python_means(text: str, values: tuple[Any, ...]) -> None:
    case = dict(zip(NAMES, values, strict=True))
    found = condition(text).holds(case)
    if found is not UNKNOWN:
        wanted = python(text, case)
        assert wanted is UNKNOWN or found is wanted  # `and` may stop Python before what has no value


@settings(max_examples=200, deadline=None, derandomize=True)
@given(expressions, st.tuples(*[st.sampled_from((*VALUES, UNKNOWN))] * 3))
def test_what_is_decided_holds_whatever_the_unknown_is(text: str, values: tuple[Any, ...]) -> None:
    when = condition(text)
    found = when.holds(dict(zip(NAMES, values, strict=True)))
    if found is UNKNOWN:
        return
    for filled in product(*[VALUES if value is UNKNOWN else (value,) for value in values]):
        assert when.holds(dict(zip(NAMES, filled, strict=True))) in (found, UNKNOWN)


def test_names_of_sections() -> None:
    when = condition("trl.use_vllm and starts(name, 'q')")
    assert when.names == ("trl.use_vllm", "name")
    assert when.holds({"trl.use_vllm": True, "name": "qlora"}) is True


@pytest.mark.parametrize(
    "text",
    ["a if b else c", "open('x')", "a.b()", "a[0]", "lambda: a", "(a", "f'{a}'", "a < b < c", "__import__('os')"],
)
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        condition(text)


def test_the_functions_have_no_value_for_what_they_do_not_know() -> None:
    for name in FUNCTIONS:
        arguments = "a, b" if name in ("starts", "ends", "holds", "within", "common") else "a"
        assert condition(f"{name}({arguments})").holds({"a": UNKNOWN, "b": "x"}) is UNKNOWN
