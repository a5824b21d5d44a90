"""From what is to be varied to the arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.ablate import grid
from lora_lint.ablate.errors import StudyError
from lora_lint.ablate.recipes import Recipe
from lora_lint.run.run import BaseModel
from lora_lint.run.values import ABSENT
from tests.support.runs import lit, run

if TYPE_CHECKING:
    from lora_lint.ablate.recipes import Targets

GROUPS: dict[str, Targets] = {
    "query-value": ("q_proj", "v_proj"),
    "attention": ("q_proj", "k_proj", "v_proj", "o_proj"),
    "mlp": ("gate_proj", "up_proj", "down_proj"),
    "all": ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
}
BASE = Recipe("", GROUPS["query-value"], 8, 16.0)


def names() -> grid.Names:
    return grid.Names(lambda group: GROUPS[group], dict(GROUPS))


def made(*vary: str, base: Recipe = BASE) -> list[str]:
    return [each.name for each in grid.grid(base, grid.factors(vary), names())]


def test_values_multiply_and_the_baseline_comes_first() -> None:
    assert made("rank=8,16", "targets=attention,mlp") == [
        "query-value r=8",
        "attention r=8",
        "mlp r=8",
        "attention r=16",
        "mlp r=16",
    ]


def test_the_baseline_is_no_arm_twice() -> None:
    assert made("rank=4,8,16") == ["query-value r=8", "query-value r=4", "query-value r=16"]


def test_names_alone_are_tried_one_at_a_time() -> None:
    assert made("rslora,dora,init,lora+,learning-rate") == [
        "query-value r=8",
        "query-value r=8 rsLoRA",
        "query-value r=8 DoRA",
        "query-value r=8 init gaussian",
        "query-value r=8 init pissa_niter_4",
        "query-value r=8 LoRA+ 16",
        "query-value r=8 lr 6.67e-05",
        "query-value r=8 lr 0.0006",
    ]


def test_targets_can_be_modules() -> None:
    [_, arm] = grid.grid(BASE, grid.factors(["targets=q_proj+down_proj"]), names())
    assert arm.targets == ("q_proj", "down_proj")
    assert arm.name == "q_proj+down_proj r=8"


def test_the_usual_study() -> None:
    arms = grid.default_study(BASE, names())
    assert [each.name for each in arms] == [
        "query-value r=8",
        "attention r=8",
        "attention r=16",
        "all r=16",
        "all r=32",
        "all r=16 rsLoRA",
        "all r=16 DoRA",
    ]


@pytest.mark.parametrize(
    ("vary", "said"),
    [
        ("rank=0", "whole numbers above 0"),
        ("rank=8.5", "whole numbers above 0"),
        ("rank", "give its values"),
        ("rank=", "give NAME=VALUES"),
        ("dropout=0.1", "only rank, alpha"),
        ("rslora=maybe", "on or off"),
        ("init=eva", "the initialisations are"),
        ("learning-rate=nan", "numbers above 0"),
        ("learning-rate=-1", "numbers above 0"),
        (f"rank={','.join(map(str, range(9, 99)))}", "more than 48"),
    ],
)
def test_what_cannot_be_varied_is_named(vary: str, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        made(vary)


def test_a_factor_is_given_once() -> None:
    with pytest.raises(StudyError, match="twice"):
        made("rank=8", "rank=16")


def test_arms_that_are_one_training_have_one_key() -> None:
    """rsLoRA divides alpha by another number, and nothing else."""
    plain = Recipe("plain", ("q_proj",), 16, 16.0)
    stable = Recipe("stable", ("q_proj",), 16, 4.0, rslora=True)
    assert plain.key == stable.key
    assert plain.key != Recipe("dora", ("q_proj",), 16, 16.0, dora=True).key


def test_the_baseline_is_the_run() -> None:
    arm, notes = grid.baseline(run(8, 32.0, target_modules=lit(GROUPS["attention"])), 1e-3, names())
    assert (arm.name, arm.rank, arm.alpha, arm.rate, notes) == ("attention r=8", 8, 32.0, 1e-3, [])


LLAMA = "meta-llama/Llama-3.1-8B"


def test_the_baseline_does_without_targets_that_name_no_module() -> None:
    written = run(8, 16.0, of={"model": BaseModel(name=lit(LLAMA))}, target_modules=lit(("q_proj", "v_porj")))
    assert grid.unmatched(written) == ("v_porj",)
    assert grid.baseline(written, 1e-3, names())[0].targets == ("q_proj",)


def test_what_a_run_leaves_open_is_assumed_and_said() -> None:

    arm, notes = grid.baseline(run(ABSENT, ABSENT), 1e-3, names())
    assert (arm.rank, arm.alpha) == (8, 16.0)
    assert len(notes) >= 2


def test_a_sweep_gives_the_arms() -> None:
    runs = [run(rank, 16.0, target_modules=lit(("q_proj", "v_proj"))) for rank in (4, 8, 16)]
    arms = grid.arms_of_sweep(runs, lambda _: 2e-4, names())
    assert [each.name for each in arms] == ["query-value r=4", "query-value r=8", "query-value r=16"]
