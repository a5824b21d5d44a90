"""What of a run's model and modules is known, and why the rest is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.knowledge.resolve import resolve
from lora_lint.run.values import Unknown
from tests.rules.test_targets import LLAMA, SEVEN, on
from tests.support.runs import either, run

if TYPE_CHECKING:
    from lora_lint.run.run import Run


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (run(), "the model is not known: it is not given"),
        (on(Unknown("the program decides"), SEVEN), "the model is not known: the program decides"),
        (on("someone/unheard-of", SEVEN), "the model someone/unheard-of is not known"),
        (on(either(LLAMA, "someone/unheard-of"), SEVEN), "the model someone/unheard-of is not known"),
        (on(LLAMA, Unknown("it is computed")), "the targets are not known: it is computed"),
        (on(LLAMA, r"(\w+\.?)+!"), r"matching '(\\w+\\.?)+!' takes too long"),
    ],
)
def test_nothing_is_known_without_a_reason(given: Run, why: str) -> None:
    found = resolve(given)
    assert (found.cases, found.why) == ((), why)


@pytest.mark.parametrize(
    ("given", "models"),
    [(on(LLAMA, SEVEN), {"llama"}), (on(LLAMA, "all-linear"), {"llama"}), (on(either("gpt2", LLAMA), SEVEN), {"gpt2", "llama"})],
)  # fmt: skip
def test_what_is_known_needs_none(given: Run, models: set[str]) -> None:
    found = resolve(given)
    assert found.why == ""
    assert {case.model.model_type for case in found.cases} == models
