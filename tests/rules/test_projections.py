"""Which of a model's own names stands for one that it lacks."""

from __future__ import annotations

import pytest

from lora_lint.rules.projections import ROLES, correction, own_names

LLAMA = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
BERT = ("query", "key", "value", "dense")


@pytest.mark.parametrize(
    ("entry", "leaves", "meant"),
    [
        ("v_porj", LLAMA, "v_proj"),
        ("V_Proj", LLAMA, "v_proj"),
        ("gate_prok", LLAMA, "gate_proj"),
        ("querry", BERT, "query"),
        ("valeu", BERT, "value"),
        ("c_proj", LLAMA, None),  # as near to one as to another
        ("x_proj", LLAMA, None),
        ("proj_out", ("proj_in", "to_q"), None),
        ("vp", LLAMA, None),
        ("experts", (), None),
    ],
)
def test_corrections(entry: str, leaves: tuple[str, ...], meant: str | None) -> None:
    assert correction(entry, leaves) == meant


@pytest.mark.parametrize("name", sorted(ROLES))
def test_a_name_of_another_family_is_not_misspelt(name: str) -> None:
    assert correction(name, LLAMA) is None


def test_misspelt_names_become_the_models_own() -> None:
    assert own_names(("q_proj", "v_porj", "c_attn"), ("v_porj", "c_attn"), LLAMA) == ("q_proj", "v_proj", "k_proj")
    assert own_names(("v_porj", "nothing"), ("v_porj", "nothing"), LLAMA) == ()
