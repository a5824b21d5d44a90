"""The examples of a study, and where their answers are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.ablate.errors import StudyError
from lora_lint.ablate.examples import encoded, final_answer, have_answers, held_out_size


def as_bytes(text: str) -> list[int]:
    return list(text.encode())


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("She has 3 + 4 = 7 apples.\n#### 7", "7"),
        ("so $x = \\boxed{12}$.", "12"),
        ("Therefore the answer is 42.", "42"),
        ("Answer: Paris\n", "Paris"),
        ("#### 1\nand again\n#### 2", "2"),
        ("no answer here", None),
        ("####   \n", None),
    ],
)
def test_final_answers(text: str, answer: str | None) -> None:
    place = final_answer(text)
    assert (None if place is None else text[slice(*place)]) == answer


@given(st.text(max_size=200))
def test_an_answer_is_a_part_of_its_text(text: str) -> None:
    place = final_answer(text)
    if place is not None:
        assert 0 <= place[0] < place[1] <= len(text)
        assert text[slice(*place)].strip()


def test_the_answer_is_found_among_the_tokens() -> None:
    texts = [f"{number} + 1 is\n#### {number + 1}" for number in range(100, 140)]
    found = encoded(texts, as_bytes, 64)
    assert have_answers(found)
    assert bytes(found[0].tokens[slice(*(found[0].answer or ()))]) == b"101"


def test_an_answer_that_is_cut_off_does_not_count() -> None:
    texts = [f"{'long ' * 20}{number}\n#### {number}" for number in range(100, 140)]
    assert not have_answers(encoded(texts, as_bytes, 32))


def test_too_few_examples() -> None:
    with pytest.raises(StudyError, match="3 different examples are too few"):
        encoded(["one", "two", "three", "three"] * 40, as_bytes, 32)


@pytest.mark.parametrize(("count", "device", "held"), [(32, "cpu", 8), (200, "cpu", 30), (1000, "cpu", 64)])
def test_how_many_are_held_out(count: int, device: str, held: int) -> None:
    assert held_out_size(count, device) == held
