"""Choices of callers: which exclude each other, and how they are said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.run.choices import Case, OptionChoice, caller, common, exclude

TESTS = ("set", "equals", "among", "contains", "starts", "ends", "other")
WORDS = st.sampled_from(["phi", "phi-2", "gpt2", ""])


@st.composite
def choices(draw: st.DrawFn) -> OptionChoice:
    test = draw(st.sampled_from(TESTS))
    value = tuple(draw(st.lists(WORDS, max_size=2))) if test == "among" else draw(WORDS)
    usual = draw(st.sampled_from([True, False, None]))
    return OptionChoice(draw(st.sampled_from(["--model", "--size", ""])), test, value, draw(st.booleans()), usual)


def model(test: str, value: object, holds: bool = True, usual: bool | None = False) -> OptionChoice:
    return OptionChoice("--model", test, value, holds, usual)  # type: ignore[arg-type]


@given(st.lists(choices(), max_size=3).map(tuple), st.lists(choices(), max_size=3).map(tuple))
def test_exclusion_is_mutual(one: Case, other: Case) -> None:
    assert exclude(one, other) is exclude(other, one)
    assert set(common(one, other)) >= set(one) & set(other)


@given(*3 * [st.lists(choices(), max_size=3).map(tuple)])
def test_what_two_cases_have_in_common_excludes_no_more_than_both(one: Case, other: Case, third: Case) -> None:
    if exclude(common(one, other), third):
        assert exclude(one, third)
        assert exclude(other, third)


@given(choices())
def test_a_choice_excludes_its_opposite(choice: OptionChoice) -> None:
    opposite = OptionChoice(choice.option, choice.test, choice.value, not choice.holds, choice.usual)
    assert exclude((choice,), (opposite,))


PHI = model("equals", "phi-2")
AGAINST_PHI = {
    "another value": (model("equals", "gpt2"), True),
    "the same value in capitals": (model("equals", "Phi-2"), False),
    "not the same value": (model("equals", "phi-2", holds=False), True),
    "not another value": (model("equals", "gpt2", holds=False), False),
    "a list that has it": (model("among", ("gpt2", "phi-2")), False),
    "a list that does not have it": (model("among", ("gpt2", "llama")), True),
    "a part of it": (model("contains", "phi"), False),
    "no part of it": (model("contains", "gpt"), True),
    "its start": (model("starts", "gpt"), True),
    "its end": (model("ends", "-2"), False),
    "something else": (model("other", "len(model) > 3"), False),
    "given at all": (model("set", None), False),
    "not given": (model("set", None, holds=False), True),
    "another option": (OptionChoice("--size", "equals", "gpt2", True), False),
}


@pytest.mark.parametrize(("other", "expected"), AGAINST_PHI.values(), ids=AGAINST_PHI)
def test_what_an_equal_value_excludes(other: OptionChoice, expected: bool) -> None:
    assert exclude((PHI,), (other,)) is expected


SAID = {
    "nothing": ((), ""),
    "the default": ((model("equals", "phi", usual=True),), ""),
    "a value": ((PHI,), "with `--model phi-2`"),
    "a value after others in an elif": ((model("equals", "gpt2", False, True), PHI), "with `--model phi-2`"),
    "a value of a required option after others": ((model("equals", "gpt2", False, None), PHI), "with `--model phi-2`"),
    "none of the values": ((model("equals", "gpt2", False),), "with another `--model`"),
    "two options": ((PHI, OptionChoice("--big", "set", None, True, False)), "with `--model phi-2` and with `--big`"),
    "a flag that is on by default": ((OptionChoice("--big", "set", None, False, False),), "without `--big`"),
    "a number": ((OptionChoice("--r", "other", "args.r > 32", True, False),), "where `args.r > 32`"),
    "a parameter": ((OptionChoice("model", "equals", "phi", True, False),), "with `model='phi'`"),
    "something else": ((PHI, OptionChoice("", "other", "torch.cuda.is_available()", True)), None),
}


@pytest.mark.parametrize(("case", "expected"), SAID.values(), ids=SAID)
def test_how_a_case_is_said(case: Case, expected: str | None) -> None:
    assert caller(case) == expected
